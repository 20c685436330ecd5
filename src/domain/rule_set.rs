//! The rules about one tool, and what they decide together.

use std::collections::HashMap;

use crate::clock::Timestamp;

use super::enums::{RiskLevel, RuleDecision, RuleStatus};
use super::id::{PrincipalName, RuleId};
use super::kinds::Confirmation;
use super::matcher::{CompiledPattern, Doubt, Index, Likeness, Path, Step, Subject, directories};
use super::pattern::Scope;
use super::trust_rule::TrustRule;

/// A confirmation, as trust rules look at it.
#[derive(Clone, Copy, Debug)]
pub struct MatchInput<'a> {
    /// What is asked.
    pub confirmation: &'a Confirmation,
    /// Its subject.
    pub subject: &'a Subject,
    /// Who registered it: where self-approval is banned, a rule of that principal's own does not allow it.
    pub excluded_author: Option<&'a PrincipalName>,
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

/// The active rules about one tool, each read once, found by what its pattern begins with.
#[derive(Debug, Default)]
pub struct RuleSet {
    /// In the order of their making; `None` for one that is gone.
    rules: Vec<Option<(TrustRule, CompiledPattern)>>,
    numbers: HashMap<RuleId, usize>,
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
        self.numbers.insert(rule.rule_id.clone(), number);
        self.rules.push(Some((rule, pattern)));
    }

    /// Forgets a rule.
    pub fn remove(&mut self, rule_id: &RuleId) {
        if let Some(rule) = self.numbers.remove(rule_id).and_then(|number| self.rules.get_mut(number)) {
            *rule = None;
        }
        // What is gone still stands in the index: so it is made anew before most of it is gone.
        if self.rules.len() > 2 * self.numbers.len() + 16 {
            let rules = std::mem::take(self).rules;
            *self = rules.into_iter().flatten().map(|(rule, _)| rule).collect();
        }
    }

    /// Counts a use of a rule at `now`.
    pub fn count_use(&mut self, rule_id: &RuleId, now: Timestamp) {
        let number = self.numbers.get(rule_id).copied();
        if let Some((rule, _)) = number.and_then(|number| self.rules.get_mut(number)?.as_mut()) {
            rule.use_count += 1;
            rule.last_used_at = Some(now);
        }
    }

    /// Its rules, the oldest first.
    pub fn rules(&self) -> impl Iterator<Item = &TrustRule> {
        self.rules.iter().flatten().map(|(rule, _)| rule)
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
        let found = numbers.into_iter().filter_map(|number| self.set.rules.get(number)?.as_ref());
        found.filter(|(rule, _)| rule.is_in_force(self.now))
    }

    /// What the rules say that deny or ask, if anything.
    fn caution(&self) -> Option<RuleSetDecision<'r>> {
        let subject = self.candidate.subject;
        let mut asks = None;
        for (rule, pattern) in self.in_force(self.set.cautious.for_caution(subject)) {
            let likeness = self.scope(&rule.terms.scope).min(pattern.resembles(subject));
            match (likeness, rule.terms.decision) {
                (Likeness::Certain, RuleDecision::Deny) => return Some(RuleSetDecision::Deny(rule)),
                (Likeness::Certain, _) => asks = asks.or(Some(Some(rule))).map(|asks| asks.or(Some(rule))),
                (Likeness::Possible, _) => asks = asks.or(Some(None)),
                (Likeness::No, _) => {}
            }
        }
        asks.map(RuleSetDecision::Ask)
    }

    /// What the rules allow that allow something.
    fn allowance(&self) -> RuleSetDecision<'r> {
        let subject = self.candidate.subject;
        if subject.doubt().is_some_and(Doubt::is_absolute) {
            return RuleSetDecision::NoMatch(subject.doubt());
        }
        let mut whole = self
            .allowing(self.set.allowing.for_whole(subject))
            .filter(|(_, pattern)| pattern.is(subject) || (subject.doubt().is_none() && pattern.allows_whole(subject)));
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
        let steps = self.candidate.subject.steps(self.candidate.confirmation.working_dir.as_deref());
        let mut allowing: Vec<&TrustRule> = Vec::new();
        for step in &steps {
            let rule = self.allowing_step(step)?;
            if !allowing.iter().any(|other| other.rule_id == rule.rule_id) {
                allowing.push(rule);
            }
        }
        (!allowing.is_empty()).then_some(allowing)
    }

    /// A rule that allows one command of a line.
    fn allowing_step(&self, step: &Step<'_>) -> Option<&'r TrustRule> {
        if !step.is_safe_here() {
            return None;
        }
        let mut allowing = self.allowing(self.set.allowing.for_command(step.command));
        let found = allowing.find(|(rule, pattern)| {
            pattern.allows_command(step.command)
                && rule.terms.scope.directory().is_none_or(|directory| step.stays_in(&directory))
        });
        found.map(|(rule, _)| rule)
    }

    /// Those of the rules with these numbers that may allow this candidate at all.
    fn allowing(&self, numbers: Vec<usize>) -> impl Iterator<Item = &'r (TrustRule, CompiledPattern)> {
        let MatchInput { confirmation, excluded_author, .. } = *self.candidate;
        self.in_force(numbers).filter(move |(rule, _)| {
            (rule.terms.allow_high_risk || confirmation.risk_level != RiskLevel::High)
                && excluded_author != Some(&rule.created_by)
                && self.scope(&rule.terms.scope) == Likeness::Certain
        })
    }

    /// Whether a rule of this scope is about the place that the candidate comes from.
    fn scope(&self, scope: &Scope) -> Likeness {
        let MatchInput { confirmation, subject, .. } = *self.candidate;
        if scope.as_str() == Scope::EVERYWHERE {
            return Likeness::Certain;
        }
        let Some(directory) = scope.directory() else {
            let is_offered = confirmation.scope_options.iter().any(|option| option.scope == *scope);
            return if is_offered { Likeness::Certain } else { Likeness::No };
        };
        let here = confirmation.working_dir.as_deref().map(Path::parse);
        let Some(Ok(here)) = here else {
            return Likeness::Possible;
        };
        let places = std::iter::once(Ok(here.clone())).chain(directories(confirmation).map(|dir| here.join(dir)));
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
