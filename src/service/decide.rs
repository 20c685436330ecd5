//! A confirmation meets the trust rules: at its registration, when a rule is made for what is waiting, and in a preview.

use std::borrow::Cow;
use std::sync::Arc;

use super::Result;
use crate::clock::Timestamp;
use crate::domain::enums::Outcome;
use crate::domain::id::{ConversationId, PrincipalName, RuleId};
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

    /// The input that rules are matched against, where `interaction` asks it.
    pub(super) fn match_input_of<'m>(
        &'m self,
        interaction: &'m Interaction,
        allow_self_approval: bool,
    ) -> MatchInput<'m> {
        self.match_input(&interaction.registered_by, interaction.conversation_id.as_ref(), allow_self_approval)
    }

    /// The input that rules are matched against.
    pub(super) fn match_input<'m>(
        &'m self,
        registered_by: &'m PrincipalName,
        conversation_id: Option<&'m ConversationId>,
        allow_self_approval: bool,
    ) -> MatchInput<'m> {
        MatchInput {
            confirmation: self.confirmation,
            subject: &self.subject,
            registered_by,
            conversation_id,
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
    let input = pending.match_input_of(&record.interaction, going_by.allow_self_approval);
    rules.decide(&input, now, Some(&rule.rule_id)).names(&rule.rule_id)
}

/// What rules decide, with those that take part in it.
#[derive(Clone, Debug)]
struct Decided {
    outcome: Outcome,
    rules: Vec<TrustRule>,
}

impl Decided {
    /// `None` where a person is asked.
    fn of(decision: RuleSetDecision<'_>) -> Option<Self> {
        match decision {
            RuleSetDecision::Deny(rule) => Some(Self { outcome: Outcome::Rejected, rules: vec![rule.clone()] }),
            RuleSetDecision::Allow(rules) => {
                Some(Self { outcome: Outcome::Approved, rules: rules.into_iter().cloned().collect() })
            }
            RuleSetDecision::Ask(_) | RuleSetDecision::NoMatch(_) => None,
        }
    }

    /// Whether the same rules decide the same.
    fn are_same(one: Option<&Self>, other: Option<&Self>) -> bool {
        let said = |decided: &Self| {
            (decided.outcome, decided.rules.iter().map(|rule| rule.rule_id.clone()).collect::<Vec<_>>())
        };
        one.map(said) == other.map(said)
    }
}

/// What the rules of a tool decide about a registration, found out before the writer has it: holding many patterns against a
/// subject takes long, and everybody else would wait for it.
#[derive(Debug)]
pub(super) struct Foreseen {
    rules: Arc<RuleSet>,
    /// When it was found out.
    at: Timestamp,
    /// Until when no rule ends by itself.
    until: Option<Timestamp>,
    decided: Option<Decided>,
}

impl Foreseen {
    /// What `rules` decide about `input` at the moment.
    pub(super) fn new(rules: Arc<RuleSet>, input: &MatchInput<'_>, now: Timestamp) -> Self {
        let decided = Decided::of(rules.decide(input, now, None));
        Self { until: rules.next_end(now), at: now, decided, rules }
    }

    /// Whether these very rules still decide the same at `now`.
    fn holds(&self, rules: &Arc<RuleSet>, now: Timestamp) -> bool {
        Arc::ptr_eq(&self.rules, rules) && self.at <= now && self.until.is_none_or(|end| now < end)
    }
}

/// Lets the trust rules resolve a confirmation that is registered: as was foreseen, unless the rules are others by now.
pub(super) fn decide(
    tx: &mut WriteTx<'_>,
    interaction: &Interaction,
    input: &MatchInput<'_>,
    foreseen: Option<&Foreseen>,
) -> Result<Option<Resolution>> {
    let now = tx.now();
    let Some(rules) = tx.rules_about(&input.confirmation.tool_name)? else {
        return Ok(None);
    };
    let anew = || Decided::of(rules.decide(input, now, None));
    let decided = match foreseen {
        Some(foreseen) if foreseen.holds(rules, now) => {
            debug_assert!(
                Decided::are_same(foreseen.decided.as_ref(), anew().as_ref()),
                "what was foreseen is decided"
            );
            foreseen.decided.clone()
        }
        Some(_) | None => anew(),
    };
    match decided {
        Some(decided) => resolve(tx, interaction, &decided),
        None => Ok(None),
    }
}

/// Lets the trust rules resolve a pending confirmation where `rule_id` takes part in the decision.
pub(super) fn decide_with(
    tx: &mut WriteTx<'_>,
    interaction: &Interaction,
    input: &MatchInput<'_>,
    rule_id: &RuleId,
) -> Result<Option<Resolution>> {
    let now = tx.now();
    let decision = tx.rules_about(&input.confirmation.tool_name)?.map(|rules| rules.decide(input, now, Some(rule_id)));
    match decision.filter(|decision| decision.names(rule_id)).and_then(Decided::of) {
        Some(decided) => resolve(tx, interaction, &decided),
        None => Ok(None),
    }
}

/// Resolves a pending confirmation as its rules say, and counts a use of each.
fn resolve(tx: &mut WriteTx<'_>, interaction: &Interaction, decided: &Decided) -> Result<Option<Resolution>> {
    let Decided { outcome, rules } = decided;
    let Some(first) = rules.first() else {
        return Ok(None);
    };
    let by = ResolvedBy::TrustRule(first.rule_id.clone());
    let reason = first.terms.reason.as_ref().filter(|_| *outcome == Outcome::Rejected);
    let comment = reason.map(|reason| reason.as_str().to_owned());
    let detail = Detail { comment, trust_rules: Some(rules.iter().map(RuleUse::from).collect()), ..Detail::default() };
    let resolution = Resolution { outcome: *outcome, by, at: tx.now(), detail };
    for rule in rules {
        tx.use_trust_rule(rule, &interaction.request_id)?;
    }
    tx.resolve(interaction, &resolution)?;
    Ok(Some(resolution))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::domain::enums::RuleDecision;
    use crate::domain::pattern::Scope;
    use crate::domain::trust_rule::Terms;

    #[test]
    fn what_is_foreseen_holds_for_the_same_rules_until_one_of_them_ends() {
        let at = |millis| Timestamp::from_millis(millis).unwrap();
        let terms = Terms::new("ls *".parse().unwrap(), Scope::everywhere(), RuleDecision::Allow);
        let mut rule = TrustRule::new("shell".parse().unwrap(), terms, "ada".parse().unwrap(), at(0));
        rule.expires_at = Some(at(100));
        let rules = Arc::new(RuleSet::from_iter([rule]));
        let asked = json!({"toolName": "shell", "input": {"command": "ls src"}}).to_string();
        let asked: Confirmation = serde_json::from_str(&asked).unwrap();
        let (subject, builder) = (Subject::of(&asked), "builder".parse().unwrap());
        let pending = PendingConfirmation::new(&asked, &subject);
        let input = pending.match_input(&builder, None, false);
        let foreseen = Foreseen::new(Arc::clone(&rules), &input, at(50));
        assert_eq!(foreseen.decided.as_ref().map(|decided| decided.outcome), Some(Outcome::Approved));
        assert!(foreseen.holds(&rules, at(50)) && foreseen.holds(&rules, at(99)));
        assert!(!foreseen.holds(&rules, at(100)), "a rule has ended since");
        assert!(!foreseen.holds(&rules, at(49)), "of a time before nothing is known");
        assert!(!foreseen.holds(&Arc::new(RuleSet::clone(&rules)), at(50)), "other rules, the same or not");
        let later = Foreseen::new(Arc::clone(&rules), &input, at(100));
        assert!(later.decided.is_none() && later.holds(&rules, at(1_000)));
    }
}
