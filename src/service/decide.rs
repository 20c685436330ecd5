//! A confirmation meets the trust rules: at its registration, when a rule is made for what is waiting, and in a preview.

use std::borrow::Cow;

use super::Result;
use crate::clock::Timestamp;
use crate::domain::enums::Outcome;
use crate::domain::id::RuleId;
use crate::domain::interaction::{Detail, Interaction, Record, Resolution, ResolvedBy};
use crate::domain::kinds::Confirmation;
use crate::domain::matcher::Subject;
use crate::domain::rule_set::{MatchInput, RuleSet, RuleSetDecision};
use crate::domain::tools::Profiles;
use crate::domain::trust_rule::{RuleUse, TrustRule};
use crate::store::WriteTx;

/// A confirmation that no decision has been made on, with its subject parsed.
#[derive(Clone, Debug)]
pub(super) struct PendingConfirmation<'a> {
    confirmation: &'a Confirmation,
    subject: Cow<'a, Subject>,
}

impl<'a> PendingConfirmation<'a> {
    pub(super) const fn new(confirmation: &'a Confirmation, subject: &'a Subject) -> Self {
        Self { confirmation, subject: Cow::Borrowed(subject) }
    }

    /// Reads the confirmation of a stored interaction; `None` for another kind, which no rule decides.
    pub(super) fn from_record(record: &'a Record, profiles: &Profiles) -> Option<Self> {
        let confirmation = record.body.content.confirmation()?;
        Some(Self { confirmation, subject: Cow::Owned(Subject::by(confirmation, profiles)) })
    }

    /// The input that rules are matched against; it is what `interaction` asks.
    pub(super) fn match_input<'m>(&'m self, interaction: &'m Interaction, allow_self_approval: bool) -> MatchInput<'m> {
        MatchInput {
            confirmation: self.confirmation,
            subject: &self.subject,
            registered_by: &interaction.registered_by,
            conversation_id: interaction.conversation_id.as_ref(),
            own_rules_count: allow_self_approval,
        }
    }
}

/// What a decision goes by beside the rules.
#[derive(Clone, Copy, Debug)]
pub(super) struct GoingBy<'a> {
    pub(super) profiles: &'a Profiles,
    /// Whether a rule of who registered a request may allow it.
    pub(super) allow_self_approval: bool,
}

/// Whether `rule`, one of `rules`, would take part in the decision on a confirmation of its tool, whatever decision that is.
pub(super) fn would_decide(
    rules: &RuleSet,
    rule: &TrustRule,
    record: &Record,
    now: Timestamp,
    going_by: GoingBy<'_>,
) -> bool {
    let Some(pending) = PendingConfirmation::from_record(record, going_by.profiles) else {
        return false;
    };
    let input = pending.match_input(&record.interaction, going_by.allow_self_approval);
    let is_it = |other: &TrustRule| other.rule_id == rule.rule_id;
    match rules.decide(&input, now, Some(&rule.rule_id)) {
        RuleSetDecision::Deny(rule) | RuleSetDecision::Ask(Some(rule)) => is_it(rule),
        RuleSetDecision::Allow(rules) => rules.into_iter().any(is_it),
        RuleSetDecision::Ask(None) | RuleSetDecision::NoMatch(_) => false,
    }
}

/// Lets the trust rules resolve a pending confirmation, or only those decisions that `preferred_rule` takes part in.
pub(super) fn decide(
    tx: &mut WriteTx<'_>,
    interaction: &Interaction,
    input: &MatchInput<'_>,
    preferred_rule: Option<&RuleId>,
) -> Result<Option<Resolution>> {
    let now = tx.now();
    let Some(rules) = tx.rules_about(&input.confirmation.tool_name)? else {
        return Ok(None);
    };
    let (outcome, rules) = match rules.decide(input, now, preferred_rule) {
        RuleSetDecision::Deny(rule) => (Outcome::Rejected, vec![rule.clone()]),
        RuleSetDecision::Allow(rules) => (Outcome::Approved, rules.into_iter().cloned().collect::<Vec<TrustRule>>()),
        RuleSetDecision::Ask(_) | RuleSetDecision::NoMatch(_) => return Ok(None),
    };
    if preferred_rule.is_some_and(|preferred_rule| !rules.iter().any(|rule| rule.rule_id == *preferred_rule)) {
        return Ok(None);
    }
    let Some(first) = rules.first() else {
        return Ok(None);
    };
    let by = ResolvedBy::TrustRule(first.rule_id.clone());
    let reason = first.terms.reason.as_ref().filter(|_| outcome == Outcome::Rejected);
    let comment = reason.map(|reason| reason.as_str().to_owned());
    let detail = Detail { comment, trust_rules: Some(rules.iter().map(RuleUse::from).collect()), ..Detail::default() };
    let resolution = Resolution { outcome, by, at: now, detail };
    for rule in &rules {
        tx.use_trust_rule(rule, &interaction.request_id)?;
    }
    tx.resolve(interaction, &resolution)?;
    Ok(Some(resolution))
}
