//! People make, look at and take back trust rules.

use super::{Result, Service, asked, find};
use crate::clock::Timestamp;
use crate::domain::content::Confirmation;
use crate::domain::id::{PrincipalName, RequestId, RuleId};
use crate::domain::interaction::{Record, Status};
use crate::domain::pattern::{Pattern, Scope};
use crate::domain::principal::Principal;
use crate::domain::refused::Refused;
use crate::domain::trust_rule::{Candidate, Terms, TrustRule};
use crate::domain::words::{Kind, RuleDecision, RuleStatus};
use crate::store::{Error as StoreError, Filter, Page, ReadTx, RuleFilter, WriteTx};

/// How many of the latest confirmations a preview looks at.
const PREVIEWED: u32 = 500;

/// Where a rule's pattern and scope come from.
pub(super) enum RuleSource<'a> {
    /// From what a confirmation offered.
    Offered {
        /// Which confirmation.
        request_id: &'a RequestId,
        /// What it asked.
        confirmation: &'a Confirmation,
    },
    /// From a person's own head.
    Own,
}

/// A rule that was to be made.
#[derive(Clone, Debug)]
pub struct MadeRule {
    /// The rule, as it stands.
    pub rule: TrustRule,
    /// Whether it is new; else the same rule stood already.
    pub is_new: bool,
}

/// What a rule made from a request says; the tool is the request's.
#[derive(Clone, Debug)]
pub struct OfferedTerms {
    /// One of the patterns that the request offered.
    pub pattern: Pattern,
    /// One of the scopes that the request offered.
    pub scope: Scope,
    /// What it does.
    pub decision: RuleDecision,
    /// Whether it applies to high risk, too.
    pub allow_high_risk: bool,
    /// How long it lives, in milliseconds.
    pub lifetime_ms: Option<u64>,
    /// How often it may decide.
    pub max_uses: Option<u64>,
}

impl OfferedTerms {
    fn for_tool_of(self, confirmation: &Confirmation) -> Terms {
        let Self { pattern, scope, decision, allow_high_risk, lifetime_ms, max_uses } = self;
        let tool_name = confirmation.tool_name.clone();
        Terms { tool_name, pattern, scope, decision, allow_high_risk, lifetime_ms, max_uses }
    }
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
    /// Makes a rule from a confirmation that is pending, without resolving it.
    pub async fn make_offered_rule(
        &self,
        by: &Principal,
        request_id: &RequestId,
        terms: OfferedTerms,
    ) -> Result<MadeRule> {
        let (by, request_id) = (by.clone(), request_id.clone());
        let allow_self_approval = self.allow_self_approval;
        self.store
            .write(move |tx| {
                let confirmation = still_pending(tx, &request_id, &by, allow_self_approval)?;
                let source = RuleSource::Offered { request_id: &request_id, confirmation: &confirmation };
                make(tx, &by, terms.clone().for_tool_of(&confirmation), &source)
            })
            .await
    }

    /// Makes a rule of a person's own.
    pub async fn make_own_rule(&self, by: &Principal, terms: Terms) -> Result<MadeRule> {
        let by = by.clone();
        self.store.write(move |tx| make(tx, &by, terms.clone(), &RuleSource::Own)).await
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
        let rule = self.store.read(move |tx| tx.trust_rule(&rule_id)).await?;
        Ok(rule.ok_or(Refused::UnknownRule)?)
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

    /// What a rule of a person's own would have decided.
    pub async fn preview_own_rule(&self, by: &Principal, terms: Terms) -> Result<Preview> {
        self.sweep_if_due().await?;
        let by = by.clone();
        let banned = self.banned_authors();
        Ok(self.store.read(move |tx| preview(tx, &by, &terms, banned)).await?)
    }

    /// What a rule made from a confirmation that is pending would have decided.
    pub async fn preview_offered_rule(
        &self,
        by: &Principal,
        request_id: &RequestId,
        terms: OfferedTerms,
    ) -> Result<Preview> {
        self.sweep_if_due().await?;
        let (by, request_id) = (by.clone(), request_id.clone());
        let (banned, allow_self_approval, now) = (self.banned_authors(), self.allow_self_approval, self.clock.now());
        let found = self.store.read(move |tx| {
            let offered = check_offered(tx, &request_id, &by, allow_self_approval, now).and_then(|confirmation| {
                check_terms(&confirmation, &terms.pattern, &terms.scope)?;
                Ok(terms.for_tool_of(&confirmation))
            });
            match offered {
                Ok(terms) => Ok(Ok(preview(tx, &by, &terms, banned)?)),
                Err(refused) => Ok(Err(refused)),
            }
        });
        found.await?
    }

    fn banned_authors(&self) -> BannedAuthors {
        if self.allow_self_approval { BannedAuthors::None } else { BannedAuthors::Registrants }
    }
}

/// Whose own rules do not allow an interaction.
#[derive(Clone, Copy)]
enum BannedAuthors {
    None,
    /// Those of who registered it.
    Registrants,
}

impl BannedAuthors {
    const fn of(self, registered_by: &PrincipalName) -> Option<&PrincipalName> {
        match self {
            Self::None => None,
            Self::Registrants => Some(registered_by),
        }
    }
}

/// What a confirmation asked that a rule may be made from at this very moment.
fn still_pending(
    tx: &WriteTx<'_>,
    request_id: &RequestId,
    by: &Principal,
    self_approval: bool,
) -> Result<Confirmation> {
    check_offered(tx, request_id, by, self_approval, tx.now())
}

fn check_offered(
    tx: &ReadTx<'_>,
    request_id: &RequestId,
    by: &Principal,
    allow_self_approval: bool,
    now: Timestamp,
) -> Result<Confirmation> {
    let interaction = find(tx, request_id, by)?;
    interaction.check_open(interaction.kind, now)?;
    if interaction.kind != Kind::Confirmation {
        return Err(Refused::RuleFromWrongKind { actual: interaction.kind }.into());
    }
    interaction.check_not_own(by, allow_self_approval)?;
    asked(tx, request_id)
}

/// Refuses what a confirmation did not offer.
fn check_terms(confirmation: &Confirmation, pattern: &Pattern, scope: &Scope) -> Result<()> {
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

/// Makes a rule, or finds the same one that stands already. The caller has seen that its source is pending.
pub(super) fn make(tx: &mut WriteTx<'_>, by: &Principal, terms: Terms, source: &RuleSource<'_>) -> Result<MadeRule> {
    let created_from = match source {
        RuleSource::Offered { request_id, confirmation } => {
            check_terms(confirmation, &terms.pattern, &terms.scope)?;
            Some((*request_id).clone())
        }
        RuleSource::Own => None,
    };
    let now = tx.now();
    let stands = |rule: &TrustRule| rule.terms == terms && rule.expires_at.is_none_or(|end| now < end);
    if let Some(rule) = tx.active_rules(&terms.tool_name)?.into_iter().find(stands) {
        return Ok(MadeRule { rule, is_new: false });
    }
    let expires_at = match terms.lifetime_ms {
        Some(millis) => Some(now.plus_millis(millis).filter(|end| *end > now).ok_or(Refused::DeadlineOutOfRange)?),
        None => None,
    };
    let rule = TrustRule {
        rule_id: RuleId::generate(),
        status: RuleStatus::Active,
        terms,
        created_at: now,
        created_by: by.name.clone(),
        created_from,
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
    terms: &Terms,
    banned: BannedAuthors,
) -> std::result::Result<Preview, StoreError> {
    let filter = Filter { kind: Some(Kind::Confirmation), ..Filter::default() };
    let latest = tx.records(&filter, Page { before: None, limit: PREVIEWED })?;
    let mut preview = Preview { examined: latest.len(), decided: Vec::new(), pending: Vec::new() };
    for (_, record) in latest {
        let corrupt =
            |_| StoreError::Corrupt { table: "interaction_bodies", key: record.interaction.request_id.to_string() };
        let confirmation: Confirmation = serde_json::from_str(&record.body.json).map_err(corrupt)?;
        let candidate = Candidate::new(&confirmation, banned.of(&record.interaction.registered_by));
        if !terms.cover(&candidate, &by.name) {
            continue;
        }
        match record.interaction.status() {
            Status::Pending => preview.pending.push(record),
            Status::Resolved(_) => preview.decided.push(record),
        }
    }
    Ok(preview)
}
