//! The rules about one tool, and what they decide together.

mod said;
mod why;

pub use self::why::{MissedPart, NearRule, Nearness, Why, WhyAsked, WhyNot};

use std::ops::Bound;
use std::sync::Arc;

use rpds::{HashTrieMapSync, RedBlackTreeSetSync, VectorSync};

use crate::clock::Timestamp;

use super::enums::{RiskLevel, RuleDecision, RuleStatus};
use super::id::{ConversationId, PrincipalName, RuleId};
use super::kinds::Confirmation;
use super::matcher::{CompiledPattern, Doubt, Index, Likeness, Path, Step, Subject};
use super::members::Pointer;
use super::pattern::Scope;
use super::trust_rule::TrustRule;

/// A confirmation, as trust rules look at it.
#[derive(Clone, Copy, Debug)]
pub struct MatchInput<'a> {
    /// What is asked.
    pub confirmation: &'a Confirmation,
    /// Its subject.
    pub subject: &'a Subject,
    /// Who registered it.
    pub registered_by: &'a PrincipalName,
    /// The conversation that it belongs to.
    pub conversation_id: Option<&'a ConversationId>,
    /// Whether a rule of who registered it may allow it.
    pub own_rules_count: bool,
}

/// A part of a rule beside its pattern that does not cover a confirmation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Missed {
    /// It is about another agent's requests.
    Agent,
    /// It is about what runs elsewhere: in the sandbox or on the host.
    ExecutionTarget,
    /// It is about another place.
    Scope,
    /// This member of the input is other than it says, or it does not speak of it.
    Members(Pointer),
    /// The risk is high, and it does not allow high risk.
    HighRisk,
    /// Who registered the request has made it.
    Author,
}

/// What the rules decide.
#[derive(Clone, Debug)]
pub enum RuleSetDecision<'r> {
    /// This rule rejects it.
    Deny(&'r TrustRule),
    /// A person is asked, whatever any rule allows: because this rule says so, or because a rule that denies or asks could
    /// be about it.
    Ask(Option<&'r TrustRule>),
    /// These rules together allow it, each at least one command of it: never none.
    Allow(Vec<&'r TrustRule>),
    /// No rule says anything, or nothing that is sure enough: a person is asked.
    NoMatch(Option<Doubt>),
}

impl RuleSetDecision<'_> {
    /// Whether the rule of this id takes part in it.
    #[must_use]
    pub fn names(&self, rule_id: &RuleId) -> bool {
        let is_it = |rule: &TrustRule| rule.rule_id == *rule_id;
        match self {
            Self::Deny(rule) | Self::Ask(Some(rule)) => is_it(rule),
            Self::Allow(rules) => rules.iter().any(|rule| is_it(rule)),
            Self::Ask(None) | Self::NoMatch(_) => false,
        }
    }
}

/// The active rules about one tool, each read once, found by what its pattern begins with. A copy shares nearly all of it.
///
/// What is counted of the uses of its rules is as it was when they were read: a rule that has none left is no longer active.
#[derive(Clone, Debug, Default)]
pub struct RuleSet {
    /// In the order of their making; `None` for one that is gone.
    rules: VectorSync<Option<Arc<(TrustRule, CompiledPattern)>>>,
    numbers: HashTrieMapSync<RuleId, usize>,
    /// When rules end by themselves, those that are gone among them.
    ends: RedBlackTreeSetSync<Timestamp>,
    allowing: Index,
    cautious: Index,
}

impl FromIterator<TrustRule> for RuleSet {
    fn from_iter<I: IntoIterator<Item = TrustRule>>(rules: I) -> Self {
        let mut set = Self::default();
        rules.into_iter().for_each(|rule| set.insert(rule));
        set
    }
}

impl RuleSet {
    /// Adds a rule, younger than all that are there.
    pub fn insert(&mut self, rule: TrustRule) {
        let number = self.rules.len();
        let pattern = CompiledPattern::new(&rule.terms.pattern);
        let index = match rule.terms.decision {
            RuleDecision::Allow => &mut self.allowing,
            RuleDecision::Deny | RuleDecision::Ask => &mut self.cautious,
        };
        index.insert(&pattern, number);
        self.numbers.insert_mut(rule.rule_id.clone(), number);
        rule.expires_at.into_iter().for_each(|end| self.ends.insert_mut(end));
        self.rules.push_back_mut(Some(Arc::new((rule, pattern))));
    }

    /// Whether a rule is one of them.
    #[must_use]
    pub fn has(&self, rule_id: &RuleId) -> bool {
        self.numbers.contains_key(rule_id)
    }

    /// When the next of them ends by itself after `now`, at the earliest: until then what they decide stays the same.
    #[must_use]
    pub fn next_end(&self, now: Timestamp) -> Option<Timestamp> {
        self.ends.range((Bound::Excluded(now), Bound::Unbounded)).next().copied()
    }

    /// Forgets a rule.
    pub fn remove(&mut self, rule_id: &RuleId) {
        if let Some(number) = self.numbers.get(rule_id).copied() {
            self.numbers.remove_mut(rule_id);
            self.rules.set_mut(number, None);
        }
        // What is gone still stands in the index: so it is made anew before most of it is gone.
        if self.rules.len() > 2 * self.numbers.size() + 16 {
            *self = self.rules().cloned().collect();
        }
    }

    /// Its rules, the oldest first.
    pub fn rules(&self) -> impl Iterator<Item = &TrustRule> {
        self.entries().map(|(rule, _)| rule)
    }

    fn entries(&self) -> impl Iterator<Item = &(TrustRule, CompiledPattern)> {
        self.rules.iter().flatten().map(AsRef::as_ref)
    }

    /// What the rules decide about `candidate` at `now`: deny beats ask beats allow, whatever the order of the rules.
    /// Which of several that say the same is named: the `preferred_rule`, where it is one of them, else the oldest.
    #[must_use]
    pub fn decide(
        &self,
        candidate: &MatchInput<'_>,
        now: Timestamp,
        preferred_rule: Option<&RuleId>,
    ) -> RuleSetDecision<'_> {
        let evaluation = Evaluation {
            set: self,
            candidate,
            now,
            preferred_rule: preferred_rule.and_then(|id| self.numbers.get(id)).copied(),
        };
        match evaluation.caution() {
            Some(decision) => decision,
            None => evaluation.allowance(),
        }
    }
}

/// One look at a candidate.
struct Evaluation<'r, 'c> {
    set: &'r RuleSet,
    candidate: &'c MatchInput<'c>,
    now: Timestamp,
    preferred_rule: Option<usize>,
}

impl<'r> Evaluation<'r, '_> {
    /// The rules with these numbers that stand, the preferred_rule first.
    fn in_force(&self, mut numbers: Vec<usize>) -> impl Iterator<Item = &'r (TrustRule, CompiledPattern)> {
        numbers.sort_by_key(|number| Some(*number) != self.preferred_rule);
        let found = numbers.into_iter().filter_map(|number| self.set.rules.get(number)?.as_deref());
        found.filter(|(rule, _)| rule.is_in_force(self.now))
    }

    /// What the rules say that deny or ask, if anything.
    fn caution(&self) -> Option<RuleSetDecision<'r>> {
        if self.set.cautious.is_empty() {
            return None;
        }
        let subject = self.candidate.subject;
        let mut asks = None;
        let Some(numbers) = self.set.cautious.for_caution(subject) else {
            let mut exact = self.in_force(self.set.cautious.exactly(subject));
            let denies = exact.find(|(rule, pattern)| {
                rule.terms.decision == RuleDecision::Deny && self.resembles(rule, pattern) == Likeness::Certain
            });
            return Some(denies.map_or(RuleSetDecision::Ask(None), |(rule, _)| RuleSetDecision::Deny(rule)));
        };
        for (rule, pattern) in self.in_force(numbers) {
            match (self.resembles(rule, pattern), rule.terms.decision) {
                (Likeness::Certain, RuleDecision::Deny) => return Some(RuleSetDecision::Deny(rule)),
                (Likeness::Certain, _) => asks = asks.or(Some(Some(rule))).map(|asks| asks.or(Some(rule))),
                (Likeness::Possible, _) => asks = asks.or(Some(None)),
                (Likeness::No, _) => {}
            }
        }
        asks.map(RuleSetDecision::Ask)
    }

    /// Whether a rule that denies or asks is about the candidate: parts that it leaves out are about anything.
    fn resembles(&self, rule: &TrustRule, pattern: &CompiledPattern) -> Likeness {
        let MatchInput { confirmation, subject, registered_by, .. } = *self.candidate;
        let parts = &rule.terms.parts;
        let is_agent = parts.agent.as_ref().is_none_or(|agent| agent == registered_by);
        let target = match (parts.execution_target, confirmation.execution_target) {
            (None, _) => Likeness::Certain,
            (Some(_), None) => Likeness::Possible,
            (Some(one), Some(other)) if one == other => Likeness::Certain,
            (Some(_), Some(_)) => Likeness::No,
        };
        let place = self.scope(rule).min(target);
        if !is_agent || place == Likeness::No {
            return Likeness::No;
        }
        let was_about = rule.is_before_parts && pattern.resembles_before(subject);
        let of_subject = if was_about { Likeness::Certain } else { pattern.resembles(subject) };
        let likeness = place.min(of_subject);
        if likeness == Likeness::No {
            likeness
        } else {
            likeness.min(parts.members.resembles(confirmation.input.tree()))
        }
    }

    /// What the rules allow that allow something.
    fn allowance(&self) -> RuleSetDecision<'r> {
        let subject = self.candidate.subject;
        if subject.doubt().is_some_and(Doubt::is_absolute) {
            return RuleSetDecision::NoMatch(subject.doubt());
        }
        let Some(numbers) = self.set.allowing.for_whole(subject) else {
            return RuleSetDecision::NoMatch(Some(Doubt::TooMuch));
        };
        let mut whole = self
            .in_force(numbers)
            .filter(|(rule, pattern)| self.covers_whole(rule, pattern) && self.missed_part(rule, pattern).is_none());
        let whole = whole.next().map(|(rule, _)| vec![rule]);
        let is_preferred = |rules: &Vec<&TrustRule>| match self.preferred_rule {
            Some(number) => rules.iter().any(|rule| self.set.numbers.get(&rule.rule_id) == Some(&number)),
            None => true,
        };
        let by_steps = || if subject.doubt().is_none() { self.by_steps() } else { None };
        let rules = match whole {
            Some(rules) if is_preferred(&rules) => Some(rules),
            Some(rules) => by_steps().filter(is_preferred).or(Some(rules)),
            None => by_steps(),
        };
        rules.map_or(RuleSetDecision::NoMatch(subject.doubt()), RuleSetDecision::Allow)
    }

    /// The rules that allow every command of a line, each named once.
    fn by_steps(&self) -> Option<Vec<&'r TrustRule>> {
        let steps = self.steps();
        let mut allowing: Vec<&TrustRule> = Vec::new();
        for step in &steps {
            let rule = self.allowing_step(step)?;
            if !allowing.iter().any(|other| other.rule_id == rule.rule_id) {
                allowing.push(rule);
            }
        }
        (!allowing.is_empty()).then_some(allowing)
    }

    /// The commands of the line that need a rule, with where each runs; all of them where none does.
    fn steps(&self) -> Vec<Step<'_>> {
        let steps = self.candidate.subject.steps(self.candidate.confirmation.working_dir.as_deref());
        let does_something = |step: &Step<'_>| !step.command.does_nothing();
        if steps.iter().any(does_something) { steps.into_iter().filter(does_something).collect() } else { steps }
    }

    /// A rule that allows one command of a line.
    fn allowing_step(&self, step: &Step<'_>) -> Option<&'r TrustRule> {
        if !step.command.is_safe_here() {
            return None;
        }
        let mut allowing = self.in_force(self.set.allowing.for_command(step.command)?);
        let found = allowing
            .find(|(rule, pattern)| self.covers_step(rule, pattern, step) && self.missed_part(rule, pattern).is_none());
        found.map(|(rule, _)| rule)
    }

    /// Whether a rule's pattern covers the whole subject.
    fn covers_whole(&self, rule: &TrustRule, pattern: &CompiledPattern) -> bool {
        let subject = self.candidate.subject;
        // What a rule was made for before there were profiles is all that it is for: `*` covered no input as a whole.
        let is_known = !rule.is_before_parts || (subject.is_as_before() && !(subject.is_whole() && pattern.is_star()));
        is_known && (pattern.is(subject) || (subject.doubt().is_none() && pattern.allows_whole(subject)))
    }

    /// Whether a rule's pattern covers one command of a line, where it runs.
    fn covers_step(&self, rule: &TrustRule, pattern: &CompiledPattern, step: &Step<'_>) -> bool {
        (!rule.is_before_parts || self.candidate.subject.is_as_before())
            && pattern.allows_command(step.command)
            && rule.terms.scope.directory().is_none_or(|directory| step.stays_in(&directory))
    }

    /// The first part beside the pattern of a rule that allows which does not cover the candidate.
    fn missed_part(&self, rule: &TrustRule, pattern: &CompiledPattern) -> Option<Missed> {
        let MatchInput { confirmation, subject, registered_by, own_rules_count, .. } = *self.candidate;
        let parts = &rule.terms.parts;
        if confirmation.risk_level == RiskLevel::High && !rule.terms.allow_high_risk {
            Some(Missed::HighRisk)
        } else if !own_rules_count && *registered_by == rule.created_by {
            Some(Missed::Author)
        } else if parts.agent.as_ref().is_some_and(|agent| agent != registered_by) {
            Some(Missed::Agent)
        } else if parts.execution_target.is_some() && parts.execution_target != confirmation.execution_target {
            Some(Missed::ExecutionTarget)
        } else if self.scope(rule) != Likeness::Certain {
            Some(Missed::Scope)
        } else {
            parts.members.missed(subject, pattern, confirmation.input.tree()).map(Missed::Members)
        }
    }

    /// Whether a rule is about the place that the candidate comes from.
    fn scope(&self, rule: &TrustRule) -> Likeness {
        let MatchInput { confirmation, subject, conversation_id, .. } = *self.candidate;
        let scope = &rule.terms.scope;
        if scope.as_str() == Scope::EVERYWHERE {
            return Likeness::Certain;
        }
        let is_offered = || confirmation.scope_options.iter().any(|option| option.scope == *scope);
        if let Some(id) = scope.conversation().filter(|_| !rule.is_before_parts || is_offered()) {
            return match conversation_id {
                Some(own) if own.as_str() == id => Likeness::Certain,
                Some(_) => Likeness::No,
                None => Likeness::Possible,
            };
        }
        let Some(directory) = scope.directory() else {
            return if is_offered() { Likeness::Certain } else { Likeness::No };
        };
        let here = confirmation.working_dir.as_deref().map(Path::parse);
        let Some(Ok(here)) = here else {
            return Likeness::Possible;
        };
        let places = std::iter::once(Ok(here.clone())).chain(subject.directories().map(|dir| here.join(dir)));
        let places = places.collect::<Result<Vec<_>, _>>().unwrap_or_default();
        let folded = directory.folded();
        if !places.is_empty() && places.iter().all(|place| place.is_in(&directory)) {
            Likeness::Certain
        } else if places.is_empty() || subject.moves() || places.iter().any(|place| place.folded().is_in(&folded)) {
            // Another directory that the input names, one that the line goes to, or the same in another case.
            Likeness::Possible
        } else {
            Likeness::No
        }
    }
}

impl Scope {
    /// The directory that this is, where it is one.
    fn directory(&self) -> Option<Path> {
        Path::parse(self.as_str()).ok().filter(Path::is_absolute)
    }
}

impl TrustRule {
    /// Whether this may decide anything at `now`: it is active, its time is not over, and it has uses left.
    fn is_in_force(&self, now: Timestamp) -> bool {
        self.status == RuleStatus::Active
            && self.expires_at.is_none_or(|end| now < end)
            && self.terms.max_uses.is_none_or(|max| self.use_count < max)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::domain::trust_rule::Terms;

    fn rules(decision: RuleDecision, patterns: impl IntoIterator<Item = String>) -> RuleSet {
        let rule = |pattern: String| {
            let terms = Terms::new(pattern.parse().unwrap(), Scope::everywhere(), decision);
            TrustRule::new("mine".parse().unwrap(), terms, "ada".parse().unwrap(), Timestamp::EPOCH)
        };
        patterns.into_iter().map(rule).collect()
    }

    /// What `rules` say to an input, in a word.
    fn said(rules: &RuleSet, input: serde_json::Value) -> &'static str {
        let asked = json!({"toolName": "mine", "input": input}).to_string();
        let asked: Confirmation = serde_json::from_str(&asked).unwrap();
        let (subject, registered_by) = (Subject::of(&asked), "builder".parse().unwrap());
        let (confirmation, subject) = (&asked, &subject);
        let candidate = MatchInput {
            confirmation,
            subject,
            registered_by: &registered_by,
            conversation_id: None,
            own_rules_count: false,
        };
        match rules.decide(&candidate, Timestamp::EPOCH, None) {
            RuleSetDecision::Deny(_) => "deny",
            RuleSetDecision::Ask(_) => "ask",
            RuleSetDecision::Allow(_) => "allow",
            RuleSetDecision::NoMatch(Some(Doubt::TooMuch)) => "too much",
            RuleSetDecision::NoMatch(_) => "nothing",
        }
    }

    #[test]
    fn of_ten_thousand_rules_about_a_text_only_those_count_whose_words_are_in_it() {
        let pattern = |number: usize| format!("*\"topic-{number}-\"*");
        for (decision, word) in [(RuleDecision::Deny, "deny"), (RuleDecision::Ask, "ask")] {
            let rules = rules(decision, (0..10_000).map(pattern));
            assert_eq!(said(&rules, json!({"a": "topic-777-"})), word);
            assert_eq!(said(&rules, json!({"a": "topic-777"})), "nothing");
            assert_eq!(said(&rules, json!({"a": "x".repeat(60_000)})), "nothing");
            // A long text is held against those of which it has something.
            let some =
                (0..100).map(|number| format!("topic-{number}-")).chain(["x".repeat(50_000)]).collect::<Vec<_>>();
            assert_eq!(said(&rules, json!({ "a": some })), word);
            // A text that has something of all of them is more than is looked through.
            let all = (0..5_000).map(|number| format!("topic-{number}-")).collect::<Vec<_>>();
            assert_eq!(said(&rules, json!({ "a": all })), "ask");
        }
        let rules = rules(RuleDecision::Allow, (0..10_000).map(|number| format!("{{\"a\":\"topic-{number}-*\"}}")));
        assert_eq!(said(&rules, json!({"a": "topic-777-x"})), "allow");
        assert_eq!(said(&rules, json!({"a": "topic-777x"})), "nothing");
    }

    #[test]
    fn a_line_that_may_be_about_more_rules_than_are_looked_at_is_asked_about() {
        let pattern = |number: usize| format!("git push a{number} *");
        let denying = rules(RuleDecision::Deny, (0..10_000).map(pattern));
        let line = |line: &str| json!({"command": line});
        assert_eq!(said(&denying, line("git push a777 x")), "deny");
        assert_eq!(said(&denying, line("git push main")), "nothing");
        assert_eq!(said(&denying, line("git push \"$USER\" x")), "ask");
        assert_eq!(said(&denying, line("git push $HOME x")), "ask");
        let allowing = rules(RuleDecision::Allow, (0..10_000).map(pattern));
        assert_eq!(said(&allowing, line("git push a777 x")), "allow");
        let alike = rules(RuleDecision::Allow, (0..10_000).map(|number| format!("git push *a{number}")));
        assert_eq!(said(&alike, line("git push xa777")), "nothing");
    }
}
