//! A confirmation meets the trust rules: at its registration, when a rule is made for what is waiting, and in a preview.

use super::{Result, no_body};
use crate::domain::content::Confirmation;
use crate::domain::id::{PrincipalName, RuleId};
use crate::domain::interaction::{Detail, Interaction, Record, Resolution, ResolvedBy};
use crate::domain::matcher::Subject;
use crate::domain::rule_set::{Candidate, Verdict};
use crate::domain::trust_rule::{RuleUse, TrustRule};
use crate::domain::words::Outcome;
use crate::store::WriteTx;

/// A confirmation with its subject taken apart.
#[derive(Clone, Debug)]
pub(super) struct Asked {
    confirmation: Box<Confirmation>,
    subject: Subject,
}

impl Asked {
    pub(super) const fn new(confirmation: Box<Confirmation>, subject: Subject) -> Self {
        Self { confirmation, subject }
    }

    /// What a stored confirmation asked.
    pub(super) fn of(record: &Record) -> Result<Self> {
        let corrupt = |_| no_body(&record.interaction.request_id);
        let confirmation: Box<Confirmation> = serde_json::from_str(&record.body.json).map_err(corrupt)?;
        let subject = Subject::of(&confirmation);
        Ok(Self::new(confirmation, subject))
    }

    /// As rules look at it; `by` has registered it.
    pub(super) fn candidate<'a>(&'a self, by: &'a PrincipalName, allow_self_approval: bool) -> Candidate<'a> {
        let banned_author = (!allow_self_approval).then_some(by);
        Candidate { confirmation: &self.confirmation, subject: &self.subject, banned_author }
    }
}

/// Lets the trust rules resolve a pending confirmation, or only those decisions that `favourite` takes part in.
pub(super) fn decide(
    tx: &mut WriteTx<'_>,
    interaction: &Interaction,
    candidate: &Candidate<'_>,
    favourite: Option<&RuleId>,
) -> Result<Option<Resolution>> {
    let now = tx.now();
    let Some(rules) = tx.rules_about(&candidate.confirmation.tool_name)? else {
        return Ok(None);
    };
    let (outcome, rules) = match rules.decide(candidate, now, favourite) {
        Verdict::Deny(rule) => (Outcome::Rejected, vec![rule.clone()]),
        Verdict::Allow(rules) => (Outcome::Approved, rules.into_iter().cloned().collect::<Vec<TrustRule>>()),
        Verdict::Ask(_) | Verdict::Open(_) => return Ok(None),
    };
    if favourite.is_some_and(|favourite| !rules.iter().any(|rule| rule.rule_id == *favourite)) {
        return Ok(None);
    }
    let Some(first) = rules.first() else {
        return Ok(None);
    };
    let by = ResolvedBy::TrustRule(first.rule_id.clone());
    let detail = Detail { trust_rules: Some(rules.iter().map(RuleUse::from).collect()), ..Detail::default() };
    let resolution = Resolution { outcome, by, at: now, detail };
    for rule in &rules {
        tx.use_trust_rule(rule, &interaction.request_id)?;
    }
    tx.settle(interaction, &resolution)?;
    Ok(Some(resolution))
}
