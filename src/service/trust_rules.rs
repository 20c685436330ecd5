//! People make, look at and take back trust rules.

use super::{Result, Service, asked, find};
use crate::clock::Timestamp;
use crate::domain::content::Confirmation;
use crate::domain::id::{PrincipalName, RequestId, RuleId, ToolName};
use crate::domain::interaction::{Record, Status};
use crate::domain::pattern::{Pattern, Scope};
use crate::domain::principal::Principal;
use crate::domain::refused::Refused;
use crate::domain::trust_rule::{Candidate, Terms, TrustRule};
use crate::domain::words::{Kind, RuleStatus};
use crate::store::{Error as StoreError, Filter, Page, ReadTx, RuleFilter, WriteTx};

/// How many of the latest confirmations a preview looks at.
const PREVIEWED: u32 = 500;

/// What a rule is made from.
#[derive(Clone, Debug)]
pub enum RuleSource {
    /// A confirmation that is pending: the rule is about its tool, and has a pattern and a scope that it offered.
    Request(RequestId),
    /// A person's own head: the rule is about this tool.
    Own(ToolName),
}

/// A rule that was to be made.
#[derive(Clone, Debug)]
pub struct MadeRule {
    /// The rule, as it stands.
    pub rule: TrustRule,
    /// Whether it is new; else the same rule stood already.
    pub is_new: bool,
}

/// What a rule would have done.
#[derive(Debug)]
pub struct Preview {
    /// How many of the latest confirmations were looked at.
    pub examined: usize,
    /// Those of them that it covers and that are resolved, newest first.
    pub decided: Vec<Record>,
    /// Those of them that it covers and that are pending, newest first.
    pub pending: Vec<Record>,
}

impl Service {
    /// Makes a rule; the request that it is made from is not resolved by that.
    pub async fn make_trust_rule(&self, by: &Principal, source: RuleSource, terms: Terms) -> Result<MadeRule> {
        let by = by.clone();
        let allow_self_approval = self.allow_self_approval;
        self.store
            .write(move |tx| {
                let tool_name = source.tool_name(tx, &by, &terms, allow_self_approval, tx.now())?;
                make(tx, &by, tool_name, terms.clone(), source.request_id())
            })
            .await
    }

    /// What a rule would have decided.
    pub async fn preview_trust_rule(&self, by: &Principal, source: RuleSource, terms: Terms) -> Result<Preview> {
        self.sweep_if_due().await?;
        let by = by.clone();
        let (allow_self_approval, now) = (self.allow_self_approval, self.clock.now());
        self.store
            .read(move |tx| {
                let tool_name = source.tool_name(tx, &by, &terms, allow_self_approval, now)?;
                preview(tx, &by, &tool_name, &terms, allow_self_approval)
            })
            .await
    }

    /// A page of the rules, newest first.
    pub async fn trust_rules(&self, filter: RuleFilter, page: Page) -> Result<Vec<(i64, TrustRule)>> {
        self.sweep_if_due().await?;
        Ok(self.store.read(move |tx| tx.trust_rules(&filter, page)).await?)
    }

    /// The rule with this id.
    pub async fn trust_rule(&self, rule_id: &RuleId) -> Result<TrustRule> {
        self.sweep_if_due().await?;
        let rule_id = rule_id.clone();
        self.store.read(move |tx| Ok(tx.trust_rule(&rule_id)?.ok_or(Refused::UnknownRule)?)).await
    }

    /// Takes a rule back; one that no longer applies stays as it is.
    pub async fn revoke_trust_rule(&self, by: &Principal, rule_id: &RuleId) -> Result<TrustRule> {
        self.sweep_if_due().await?;
        let (by, rule_id) = (by.clone(), rule_id.clone());
        self.store
            .write(move |tx| {
                tx.revoke_trust_rule(&rule_id, &by.name)?;
                Ok(tx.trust_rule(&rule_id)?.ok_or(Refused::UnknownRule)?)
            })
            .await
    }
}

impl RuleSource {
    const fn request_id(&self) -> Option<&RequestId> {
        match self {
            Self::Request(request_id) => Some(request_id),
            Self::Own(_) => None,
        }
    }

    /// The tool that a rule from here is about. Refuses a request that is no confirmation, no longer pending at `now`, of
    /// `by` itself, or that did not offer the pattern and scope of `terms`.
    fn tool_name(
        &self,
        tx: &ReadTx<'_>,
        by: &Principal,
        terms: &Terms,
        allow_self_approval: bool,
        now: Timestamp,
    ) -> Result<ToolName> {
        let request_id = match self {
            Self::Request(request_id) => request_id,
            Self::Own(tool_name) => return Ok(tool_name.clone()),
        };
        let interaction = find(tx, request_id, by)?;
        interaction.check_open(interaction.kind, now)?;
        if interaction.kind != Kind::Confirmation {
            return Err(Refused::RuleFromWrongKind { actual: interaction.kind }.into());
        }
        interaction.check_not_own(by, allow_self_approval)?;
        let confirmation: Confirmation = asked(tx, request_id)?;
        check_offered(&confirmation, &terms.pattern, &terms.scope)?;
        Ok(confirmation.tool_name)
    }
}

/// Refuses what a confirmation did not offer.
pub(super) fn check_offered(confirmation: &Confirmation, pattern: &Pattern, scope: &Scope) -> Result<()> {
    let refused = if !confirmation.persistent_decisions_allowed {
        Refused::PersistentDecisionsNotAllowed
    } else if !confirmation.offers_pattern(pattern) {
        Refused::PatternNotOffered
    } else if !confirmation.offers_scope(scope) {
        Refused::ScopeNotOffered
    } else {
        return Ok(());
    };
    Err(refused.into())
}

/// Makes a rule, or finds the same one that stands already. The caller has checked what it is made from.
pub(super) fn make(
    tx: &mut WriteTx<'_>,
    by: &Principal,
    tool_name: ToolName,
    terms: Terms,
    created_from: Option<&RequestId>,
) -> Result<MadeRule> {
    let now = tx.now();
    let stands = |rule: &TrustRule| rule.terms == terms && rule.expires_at.is_none_or(|end| now < end);
    if let Some(rule) = tx.active_rules(&tool_name)?.into_iter().find(stands) {
        return Ok(MadeRule { rule, is_new: false });
    }
    let expires_at = match terms.lifetime_ms {
        Some(millis) => Some(now.plus_millis(millis).filter(|end| *end > now).ok_or(Refused::DeadlineOutOfRange)?),
        None => None,
    };
    let rule = TrustRule {
        rule_id: RuleId::generate(),
        status: RuleStatus::Active,
        tool_name,
        terms,
        created_at: now,
        created_by: by.name.clone(),
        created_from: created_from.cloned(),
        expires_at,
        use_count: 0,
        last_used_at: None,
        revoked: None,
    };
    tx.insert_trust_rule(&rule)?;
    Ok(MadeRule { rule, is_new: true })
}

fn preview(
    tx: &ReadTx<'_>,
    by: &Principal,
    tool_name: &ToolName,
    terms: &Terms,
    allow_self_approval: bool,
) -> Result<Preview> {
    let filter = Filter { kind: Some(Kind::Confirmation), ..Filter::default() };
    let mut preview = Preview { examined: 0, decided: Vec::new(), pending: Vec::new() };
    let mut page = Page { before: None, limit: PREVIEWED };
    loop {
        let found = tx.records(&filter, page)?;
        for (row, record) in found.rows {
            page = Page { before: Some(row), limit: page.limit - 1 };
            preview.examined += 1;
            if covers(tool_name, terms, &by.name, &record, allow_self_approval)? {
                match record.interaction.status() {
                    Status::Pending => preview.pending.push(record),
                    Status::Resolved(_) => preview.decided.push(record),
                }
            }
        }
        if !found.more || page.limit == 0 {
            return Ok(preview);
        }
    }
}

/// Whether a rule of these terms, made by `author`, covers a confirmation.
fn covers(
    tool_name: &ToolName,
    terms: &Terms,
    author: &PrincipalName,
    record: &Record,
    allow_self_approval: bool,
) -> Result<bool> {
    let Record { interaction, body, .. } = record;
    let corrupt = |_| StoreError::Corrupt { table: "interaction_bodies", key: interaction.request_id.to_string() };
    let confirmation: Confirmation = serde_json::from_str(&body.json).map_err(corrupt)?;
    let banned_author = (!allow_self_approval).then_some(&interaction.registered_by);
    Ok(terms.cover(tool_name, &Candidate::new(&confirmation, banned_author), author))
}
