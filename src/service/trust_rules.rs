//! People make, look at and take back trust rules.

use std::sync::Arc;

use super::decide::{GoingBy, PendingConfirmation, decide_with, would_decide};
use super::{Caller, Error, Result, Service, find};
use crate::clock::Timestamp;
use crate::domain::enums::{Kind, RuleStatus};
use crate::domain::id::{RequestId, RuleId, ToolName};
use crate::domain::interaction::{Record, Resolution, ResolvedBy, Status};
use crate::domain::kinds::Confirmation;
use crate::domain::matcher::never_matches;
use crate::domain::principal::Principal;
use crate::domain::refused::Refused;
use crate::domain::rule_set::RuleSet;
use crate::domain::tools::{Profile, Profiles};
use crate::domain::trust_rule::{NewTerms, Terms, TrustRule};
use crate::domain::warning::Warning;
use crate::store::{Cursor, ListPage, Page, Priority, ReadTx, RuleFilter, WriteTx};

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
    /// What the person should know of it.
    pub warnings: Vec<Warning>,
    /// What was waiting and is resolved by it now, the oldest first; empty where that was not asked for.
    pub resolved: Vec<RequestId>,
}

/// What is pending and a rule may resolve, as a reader found it beside the writer.
#[derive(Clone, Debug, Default)]
struct Candidates {
    /// Oldest first.
    request_ids: Vec<RequestId>,
    /// What is after this was registered since.
    until: Option<Cursor>,
    /// The rules about the tool that stood beside it. With others, more may be resolved.
    beside: Vec<RuleId>,
}

impl Service {
    /// Makes a rule. With `apply_to_pending` it resolves all that is pending and that it covers, in the same transaction;
    /// without, nothing, the request that it is made from included.
    ///
    /// # Errors
    ///
    /// A refusal if the rule may not be made from its source, or an error of the store.
    pub async fn make_trust_rule(
        &self,
        by: &Caller,
        source: RuleSource,
        terms: NewTerms,
        apply_to_pending: bool,
    ) -> Result<MadeRule> {
        let candidates =
            if apply_to_pending { self.candidates(by, &source, &terms).await? } else { Candidates::default() };
        let (allow_self_approval, profiles) = (self.allow_self_approval, Arc::clone(&self.profiles));
        self.write_as(by, move |tx, by| {
            let going_by = GoingBy { profiles: &profiles, allow_self_approval };
            if let Some(rule) = source.made_before(tx, by, &terms, going_by)? {
                return Ok(MadeRule::of(rule, false, &profiles));
            }
            let (tool_name, terms) = source.terms(tx, by, &terms, going_by, tx.now())?;
            let now = tx.now();
            let beside = tx.rules_about(&tool_name)?.map_or_else(Vec::new, |rules| standing(rules.rules(), now));
            let mut made = make(tx, by, tool_name, terms, source.request_id(), &profiles)?;
            if apply_to_pending {
                let (found, until) = if beside == candidates.beside {
                    (candidates.request_ids.as_slice(), candidates.until)
                } else {
                    (&[][..], None)
                };
                made.resolved = apply(tx, &made.rule, found, until, going_by)?;
                made.rule = tx.trust_rule(&made.rule.rule_id)?.ok_or(Refused::UnknownRule)?;
            }
            Ok(made)
        })
        .await
    }

    /// Looks through all that is pending for what a rule may resolve, so that the writer does not have to. Nothing where the
    /// rule may not be made: the writer says why.
    async fn candidates(&self, by: &Principal, source: &RuleSource, terms: &NewTerms) -> Result<Candidates> {
        let (by, source, terms) = (by.clone(), source.clone(), terms.clone());
        let (allow_self_approval, now) = (self.allow_self_approval, self.clock.now());
        let profiles = Arc::clone(&self.profiles);
        let looked = self.store.read(Priority::of(&by), move |tx| {
            let going_by = GoingBy { profiles: &profiles, allow_self_approval };
            let (tool_name, terms) = source.terms(tx, &by, &terms, going_by, now)?;
            let rule = TrustRule::new(tool_name, terms, by.name.clone(), now);
            let active = tx.active_rules(&rule.tool_name)?;
            let mut found = Candidates {
                until: Some(tx.newest_interaction()?),
                beside: standing(active.iter(), now),
                request_ids: Vec::new(),
            };
            let mut rules = active.into_iter().collect::<RuleSet>();
            rules.insert(rule.clone());
            let mut after = None;
            loop {
                let page = tx.pending_confirmations(&rule.tool_name, after)?;
                let may_be_resolved = |record: &Record| would_decide(&rules, &rule, record, now, going_by);
                let records = page.rows.into_iter().filter(may_be_resolved);
                found.request_ids.extend(records.map(|record| record.interaction.request_id));
                after = page.next;
                if after.is_none() {
                    return Ok(found);
                }
            }
        });
        match looked.await {
            Err(Error::Refused(_)) => Ok(Candidates::default()),
            looked => looked,
        }
    }

    /// A page of the rules, newest first.
    ///
    /// # Errors
    ///
    /// An error of the store.
    pub async fn trust_rules(&self, filter: RuleFilter, page: Page) -> Result<ListPage<TrustRule>> {
        self.sweep_if_due(Priority::Human).await?;
        Ok(self.store.read(Priority::Human, move |tx| tx.trust_rules(&filter, page)).await?)
    }

    /// The rule with this id.
    ///
    /// # Errors
    ///
    /// A refusal if there is no such rule, or an error of the store.
    pub async fn trust_rule(&self, rule_id: &RuleId) -> Result<TrustRule> {
        self.sweep_if_due(Priority::Human).await?;
        let rule_id = rule_id.clone();
        self.store.read(Priority::Human, move |tx| Ok(tx.trust_rule(&rule_id)?.ok_or(Refused::UnknownRule)?)).await
    }

    /// Takes a rule back; one that no longer applies stays as it is.
    ///
    /// # Errors
    ///
    /// A refusal if there is no such rule, or an error of the store.
    pub async fn revoke_trust_rule(&self, by: &Caller, rule_id: &RuleId) -> Result<TrustRule> {
        self.sweep_if_due(Priority::Human).await?;
        let rule_id = rule_id.clone();
        self.write_as(by, move |tx, by| {
            tx.revoke_trust_rule(&rule_id, &by.name)?;
            Ok(tx.trust_rule(&rule_id)?.ok_or(Refused::UnknownRule)?)
        })
        .await
    }
}

impl MadeRule {
    /// A rule that stands, and has resolved nothing yet.
    fn of(rule: TrustRule, is_new: bool, profiles: &Profiles) -> Self {
        let Terms { pattern, decision, .. } = &rule.terms;
        let never = never_matches(pattern, *decision, profiles.find(&rule.tool_name).map(Profile::read));
        let warnings = never.map(|why| Warning::PatternNeverMatches(pattern.clone(), why)).into_iter().collect();
        Self { rule, is_new, warnings, resolved: Vec::new() }
    }
}

impl RuleSource {
    pub(super) const fn request_id(&self) -> Option<&RequestId> {
        match self {
            Self::Request(request_id) => Some(request_id),
            Self::Own(_) => None,
        }
    }

    /// The very rule that `by` made from here before, where that has resolved the request: a retry finds it again.
    fn made_before(
        &self,
        tx: &ReadTx<'_>,
        by: &Principal,
        terms: &NewTerms,
        going_by: GoingBy<'_>,
    ) -> Result<Option<TrustRule>> {
        let Self::Request(request_id) = self else {
            return Ok(None);
        };
        let interaction = find(tx, request_id, by)?;
        let Some(Resolution { by: ResolvedBy::TrustRule(rule_id), .. }) = interaction.resolution else {
            return Ok(None);
        };
        let confirmation: Box<Confirmation> = tx.found_content(request_id)?;
        let terms = terms.like(&confirmation, &interaction.registered_by, going_by.profiles)?;
        let is_it = |rule: &TrustRule| {
            rule.status == RuleStatus::Active
                && rule.created_from.as_ref() == Some(request_id)
                && rule.created_by == by.name
                && rule.terms == terms
        };
        Ok(tx.trust_rule(&rule_id)?.filter(is_it))
    }

    /// The tool that a rule from here is about, and what it says. Refuses a request that is no confirmation, no longer pending at `now`, of
    /// `by` itself, or that did not offer the pattern and scope of `terms`.
    pub(super) fn terms(
        &self,
        tx: &ReadTx<'_>,
        by: &Principal,
        terms: &NewTerms,
        going_by: GoingBy<'_>,
        now: Timestamp,
    ) -> Result<(ToolName, Terms)> {
        let request_id = match self {
            Self::Request(request_id) => request_id,
            Self::Own(tool_name) => return Ok((tool_name.clone(), terms.own())),
        };
        let interaction = find(tx, request_id, by)?;
        interaction.check_open(interaction.kind, now)?;
        if interaction.kind != Kind::Confirmation {
            return Err(Refused::RuleFromWrongKind { actual: interaction.kind }.into());
        }
        interaction.check_not_own(by, going_by.allow_self_approval)?;
        let confirmation: Box<Confirmation> = tx.found_content(request_id)?;
        let conversation_id = interaction.conversation_id.as_ref();
        confirmation.check_offered(&terms.terms.pattern, &terms.terms.scope, conversation_id)?;
        let terms = terms.like(&confirmation, &interaction.registered_by, going_by.profiles)?;
        Ok((confirmation.tool_name, terms))
    }
}

/// Makes a rule, or finds the same one that stands already. The caller has checked what it is made from.
pub(super) fn make(
    tx: &mut WriteTx<'_>,
    by: &Principal,
    tool_name: ToolName,
    terms: Terms,
    created_from: Option<&RequestId>,
    profiles: &Profiles,
) -> Result<MadeRule> {
    let now = tx.now();
    let stands =
        |rule: &TrustRule| rule.terms == terms && !rule.is_before_parts && rule.expires_at.is_none_or(|end| now < end);
    let same = tx.rules_about(&tool_name)?.and_then(|rules| rules.rules().find(|rule| stands(rule)));
    if let Some(rule_id) = same.map(|rule| rule.rule_id.clone()) {
        let rule = tx.trust_rule(&rule_id)?.ok_or(Refused::UnknownRule)?;
        return Ok(MadeRule::of(rule, false, profiles));
    }
    let expires_at = match terms.lifetime_ms {
        Some(millis) => Some(now.plus_millis(millis).filter(|end| *end > now).ok_or(Refused::DeadlineOutOfRange)?),
        None => None,
    };
    let created_from = created_from.cloned();
    let rule = TrustRule { expires_at, created_from, ..TrustRule::new(tool_name, terms, by.name.clone(), now) };
    tx.insert_trust_rule(&rule)?;
    Ok(MadeRule::of(rule, true, profiles))
}

/// The ids of those rules that stand at `now`, in an order of their own.
fn standing<'r>(rules: impl Iterator<Item = &'r TrustRule>, now: Timestamp) -> Vec<RuleId> {
    let stands = |rule: &&TrustRule| rule.expires_at.is_none_or(|end| now < end);
    let mut ids = rules.filter(stands).map(|rule| rule.rule_id.clone()).collect::<Vec<_>>();
    ids.sort_unstable();
    ids
}

/// Lets a rule resolve all that is pending and that it covers, the oldest first, as far as its uses reach: those `found`
/// that are still pending, and whatever is after `until`.
fn apply(
    tx: &mut WriteTx<'_>,
    rule: &TrustRule,
    found: &[RequestId],
    until: Option<Cursor>,
    going_by: GoingBy<'_>,
) -> Result<Vec<RequestId>> {
    let mut resolved = Vec::new();
    for request_id in found {
        let record = tx.found_record(request_id)?;
        resolved.extend(apply_to(tx, rule, &record, going_by)?);
    }
    let mut after = until;
    loop {
        let page = tx.pending_confirmations(&rule.tool_name, after)?;
        for record in &page.rows {
            resolved.extend(apply_to(tx, rule, record, going_by)?);
        }
        after = page.next;
        if after.is_none() {
            return Ok(resolved);
        }
    }
}

/// Lets a rule resolve one confirmation; its id where it did.
fn apply_to(
    tx: &mut WriteTx<'_>,
    rule: &TrustRule,
    record: &Record,
    going_by: GoingBy<'_>,
) -> Result<Option<RequestId>> {
    let interaction = &record.interaction;
    if interaction.status() != Status::Pending || interaction.is_overdue(tx.now()) {
        return Ok(None);
    }
    let Some(pending) = PendingConfirmation::from_record(record, going_by.profiles) else { return Ok(None) };
    let input = pending.match_input_of(interaction, going_by.allow_self_approval);
    let decided = decide_with(tx, interaction, &input, &rule.rule_id)?;
    Ok(decided.map(|_| interaction.request_id.clone()))
}
