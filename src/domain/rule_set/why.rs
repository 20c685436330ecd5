//! Why a person is asked: what the rules of a tool say together, which of them came nearest, and what each of these missed.
//!
//! Nothing is decided here. What is looked at closely is bounded, however many rules there are.

use super::{Evaluation, MatchInput, Missed, RuleSet, RuleSetDecision};
use crate::clock::Timestamp;
use crate::domain::enums::{RiskLevel, RuleDecision, string_enum};
use crate::domain::id::{PrincipalName, RuleId, RuleName};
use crate::domain::matcher::{CompiledPattern, Distance, Doubt, ELSEWHERE, Likeness, PatternGap, Step, quoted};
use crate::domain::pattern::Scope;
use crate::domain::trust_rule::TrustRule;

/// How many rules are named.
const MAX_NAMED: usize = 3;

/// How many rules are looked at closely: those whose patterns begin most like what is asked.
const MAX_LOOKED_AT: usize = 64;

/// How many commands of a line a rule is held against: the first ones, and of those that no rule covers the first.
const MAX_COMMANDS: usize = 8;

string_enum! {
    /// Why a person is asked, in a word.
    WhyAsked {
        /// No rule that allows speaks of the tool.
        NoRule = "no_rule",
        /// A rule says so.
        RuleAsks = "rule_asks",
        /// It only may be what a rule denies or asks about.
        RuleMayApply = "rule_may_apply",
        /// A rule decides it by now, and did not when it was registered.
        DecidedSince = "decided_since",
        /// Something in it is asked about whatever most rules say.
        Doubtful = "doubtful",
        /// The risk is high, and no rule of the tool allows that.
        HighRisk = "high_risk",
        /// No rule covers all of it.
        NotCovered = "not_covered",
    }
}

string_enum! {
    /// The part of a rule that a request is not covered by.
    MissedPart {
        /// Its tool.
        ToolName = "toolName",
        /// Its pattern.
        Pattern = "pattern",
        /// What it says of the other members of the input.
        Members = "members",
        /// Who asks.
        Agent = "agent",
        /// Where it applies.
        Scope = "scope",
        /// Where it runs.
        ExecutionTarget = "executionTarget",
        /// It does not allow high risk.
        Risk = "risk",
        /// Who registered the request has made it.
        Author = "author",
    }
}

/// Why a person is asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Why {
    /// In a word.
    pub reason: WhyAsked,
    /// In a sentence without its end.
    pub because: String,
    /// The rules that came nearest, the nearest first.
    pub nearest: Vec<NearRule>,
}

/// A rule that came near, or that may be about what is asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NearRule {
    /// Which one.
    pub rule_id: RuleId,
    /// What it does with what it covers.
    pub decision: RuleDecision,
    /// The first part that missed; `None` where none did.
    pub missed: Option<MissedPart>,
    /// All that missed, in a sentence without its end.
    pub because: String,
}

/// Why one rule does not decide something.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WhyNot {
    /// The first part of it that misses; `None` where it covers it, and another rule or a doubt comes first.
    pub missed: Option<MissedPart>,
    /// All that misses, in a sentence without its end.
    pub because: String,
    /// How near the rule came.
    pub nearness: Nearness,
}

/// How near a rule came to something: the nearest is the least. What is about another program, place or host is the farthest;
/// else the fewer parts miss, the nearer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Nearness {
    is_about_other: bool,
    missed_parts: usize,
    distance: Option<Distance>,
}

impl Nearness {
    /// Whether it came near at all.
    #[must_use]
    pub const fn is_near(self) -> bool {
        !self.is_about_other
    }
}

impl RuleSet {
    /// Why a person is asked about `candidate` at `now`. Of the rules that allow, those alone are looked at closely whose
    /// patterns begin most like what is asked.
    #[must_use]
    pub fn why(&self, candidate: &MatchInput<'_>, now: Timestamp) -> Why {
        let evaluation = Evaluation { set: self, candidate, now, preferred_rule: None };
        let (reason, because, nearest) = match self.decide(candidate, now, None) {
            RuleSetDecision::Deny(rule) => (WhyAsked::DecidedSince, since(&[rule], "denies"), Vec::new()),
            RuleSetDecision::Allow(rules) => (WhyAsked::DecidedSince, since(&rules, "allows"), Vec::new()),
            RuleSetDecision::Ask(Some(rule)) => {
                (WhyAsked::RuleAsks, format!("the rule {} says `ask`", called(rule)), evaluation.cautious())
            }
            RuleSetDecision::Ask(None) => {
                let said = candidate.subject.doubt_said().map_or_else(String::new, |doubt| format!("{doubt}; so "));
                let because = format!("{said}it may be what a rule denies or asks about");
                (WhyAsked::RuleMayApply, because, evaluation.cautious())
            }
            RuleSetDecision::NoMatch(doubt) => return evaluation.why_uncovered(doubt),
        };
        Why { reason, because, nearest }
    }

    /// Why the rule of this id does not take part in the decision on `candidate` at `now`; `None` where it does, or is gone.
    #[must_use]
    pub fn why_not(&self, rule_id: &RuleId, candidate: &MatchInput<'_>, now: Timestamp) -> Option<WhyNot> {
        let (rule, pattern) = self.rules.get(*self.numbers.get(rule_id)?)?.as_deref()?;
        let evaluation = Evaluation { set: self, candidate, now, preferred_rule: None };
        let decision = self.decide(candidate, now, Some(rule_id));
        if decision.names(rule_id) {
            return None;
        }
        let own = match rule.terms.decision {
            RuleDecision::Allow => evaluation.near(rule, pattern, &evaluation.open_steps()),
            RuleDecision::Deny | RuleDecision::Ask => evaluation.near_caution(rule, pattern),
        };
        let (nearness, missed, because) = match own {
            Some((nearness, near)) => (nearness, near.missed, near.because),
            None => (Nearness::default(), None, decision.said()),
        };
        Some(WhyNot { missed, because, nearness })
    }
}

impl RuleSetDecision<'_> {
    /// What is decided without the help of a rule that covers it.
    fn said(&self) -> String {
        match self {
            Self::Deny(rule) => format!("the rule {} denies it", called(rule)),
            Self::Ask(Some(rule)) => format!("the rule {} says `ask`", called(rule)),
            Self::Ask(None) => "it may be what a rule denies or asks about".to_owned(),
            Self::Allow(_) => "other rules allow it already".to_owned(),
            Self::NoMatch(Some(doubt)) => doubt.to_string(),
            Self::NoMatch(None) => "no rule covers the rest of it".to_owned(),
        }
    }
}

/// What rules do by now, which they did not when it was registered.
fn since(rules: &[&TrustRule], does: &str) -> String {
    let names = rules.iter().take(MAX_NAMED).map(|rule| called(rule)).collect::<Vec<_>>().join(" and ");
    format!("the rule {names} {does} it by now, and did not when it was registered")
}

/// A rule as a person knows it.
fn called(rule: &TrustRule) -> String {
    quoted(rule.name.as_ref().map_or(rule.rule_id.as_str(), RuleName::as_str))
}

fn near_rule(rule: &TrustRule, missed: Option<MissedPart>, because: String) -> NearRule {
    NearRule { rule_id: rule.rule_id.clone(), decision: rule.terms.decision, missed, because }
}

impl Evaluation<'_, '_> {
    /// The rules that deny or ask and that are, or may be, about it: those first that are.
    fn cautious(&self) -> Vec<NearRule> {
        let rules = self.in_force(self.set.cautious.for_caution(self.candidate.subject).unwrap_or_default());
        let found = rules.map(|(rule, pattern)| (self.resembles(rule, pattern), rule, pattern));
        let mut found = found.filter(|(likeness, ..)| *likeness != Likeness::No).collect::<Vec<_>>();
        found.sort_by_key(|(likeness, ..)| *likeness != Likeness::Certain);
        let said = found.into_iter().take(MAX_NAMED).map(|(_, rule, pattern)| {
            let (missed, because) = self.caution_missed(rule, pattern);
            near_rule(rule, missed, because)
        });
        said.collect()
    }

    /// How near a rule that denies or asks came; `None` where it is certainly about it.
    fn near_caution(&self, rule: &TrustRule, pattern: &CompiledPattern) -> Option<(Nearness, NearRule)> {
        let (missed, because) = self.caution_missed(rule, pattern);
        let is_about_other = missed? == MissedPart::Pattern && self.resembles(rule, pattern) == Likeness::No;
        let nearness = Nearness { is_about_other, missed_parts: 1, distance: None };
        Some((nearness, near_rule(rule, missed, because)))
    }

    /// Why a person is asked where no rule decides.
    fn why_uncovered(&self, doubt: Option<Doubt>) -> Why {
        let MatchInput { confirmation, subject, .. } = *self.candidate;
        let is_allowing = |rule: &&TrustRule| rule.terms.decision == RuleDecision::Allow && rule.is_in_force(self.now);
        let is_high = confirmation.risk_level == RiskLevel::High;
        let tool = quoted(confirmation.tool_name.as_str());
        let open = self.open_steps();
        let (reason, because) = if self.set.rules().find(is_allowing).is_none() {
            let speaks = if self.set.rules().any(|rule| rule.is_in_force(self.now)) { " that allows" } else { "" };
            (WhyAsked::NoRule, format!("no rule{speaks} speaks of the tool {tool}"))
        } else if let Some(doubt) = doubt {
            (WhyAsked::Doubtful, subject.doubt_said().unwrap_or_else(|| doubt.to_string()))
        } else if is_high && !self.set.rules().filter(is_allowing).any(|rule| rule.terms.allow_high_risk) {
            (WhyAsked::HighRisk, format!("the risk is high, and no rule of the tool {tool} allows high risk"))
        } else {
            (WhyAsked::NotCovered, self.open_said(&open))
        };
        let is_absolute = doubt.is_some_and(Doubt::is_absolute);
        let nearest = if is_absolute { Vec::new() } else { self.nearest(&open) };
        Why { reason, because, nearest }
    }

    /// What of the whole no rule covers.
    fn open_said(&self, open: &[Step<'_>]) -> String {
        match open.first().filter(|_| self.steps().len() > 1) {
            Some(step) => format!("no rule covers {}", quoted(&step.command.shown())),
            None => "no rule covers all of it".to_owned(),
        }
    }

    /// The rules that allow something and came nearest, the nearest first, the oldest of those that came equally near.
    fn nearest(&self, open: &[Step<'_>]) -> Vec<NearRule> {
        let rules = self.set.entries();
        let allowing =
            rules.filter(|(rule, _)| rule.terms.decision == RuleDecision::Allow && rule.is_in_force(self.now));
        let mut glanced = allowing.collect::<Vec<_>>();
        glanced.sort_by_cached_key(|(_, pattern)| pattern.glance(self.candidate.subject));
        let looked_at = glanced.into_iter().take(MAX_LOOKED_AT);
        let mut near = looked_at.filter_map(|(rule, pattern)| self.near(rule, pattern, open)).collect::<Vec<_>>();
        near.sort_by_key(|(nearness, _)| *nearness);
        near.into_iter().take(MAX_NAMED).map(|(_, near)| near).collect()
    }

    /// How near a rule that allows came; `None` where nothing of it misses.
    fn near(&self, rule: &TrustRule, pattern: &CompiledPattern, open: &[Step<'_>]) -> Option<(Nearness, NearRule)> {
        let (missed, freed) = self.parts_missed(rule, pattern);
        let mut said = missed.iter().map(|missed| self.said(rule, missed)).collect::<Vec<_>>();
        let gap = self.pattern_gap(&freed, pattern, open);
        let distance = gap.as_ref().map(|(_, gap)| gap.distance);
        said.extend(gap.map(|(part, gap)| (Some(part), gap.because)));
        let missed = said.first()?.0;
        let missed_parts = said.len();
        let because = said.into_iter().map(|(_, because)| because).collect::<Vec<_>>().join("; ");
        let nearness = Nearness { is_about_other: distance == Some(Distance::Other), missed_parts, distance };
        Some((nearness, near_rule(rule, missed, because)))
    }

    /// Every part beside the pattern that a rule misses, and the rule without them.
    fn parts_missed(&self, rule: &TrustRule, pattern: &CompiledPattern) -> (Vec<Missed>, TrustRule) {
        let (mut freed, mut found) = (rule.clone(), Vec::new());
        while let Some(missed) = self.missed_part(&freed, pattern).filter(|missed| !found.contains(missed)) {
            match &missed {
                Missed::HighRisk => freed.terms.allow_high_risk = true,
                Missed::Author => freed.created_by = PrincipalName::nobody(),
                Missed::Agent => freed.terms.parts.agent = None,
                Missed::ExecutionTarget => freed.terms.parts.execution_target = None,
                Missed::Scope => freed.terms.scope = Scope::everywhere(),
                // The last that is looked at.
                Missed::Members(_) => {}
            }
            found.push(missed);
        }
        (found, freed)
    }

    /// The commands of the line that no rule allows.
    fn open_steps(&self) -> Vec<Step<'_>> {
        self.steps().into_iter().filter(|step| self.allowing_step(step).is_none()).collect()
    }

    /// What the pattern of a rule misses, and the scope inside of a line.
    fn pattern_gap(
        &self,
        rule: &TrustRule,
        pattern: &CompiledPattern,
        open: &[Step<'_>],
    ) -> Option<(MissedPart, PatternGap)> {
        let subject = self.candidate.subject;
        if self.covers_whole(rule, pattern) {
            return None;
        }
        let steps = self.steps();
        if steps.is_empty() {
            let mut gap = pattern.gap_to_whole(subject, &rule.terms.pattern);
            gap.because = subject.doubt_said().unwrap_or(gap.because);
            return Some((MissedPart::Pattern, gap));
        }
        let covers = |step: &Step<'_>| step.command.is_safe_here() && self.covers_step(rule, pattern, step);
        let covers_some = steps.iter().take(MAX_COMMANDS).any(covers);
        // Where other rules cover all of it there is still what this one misses.
        let open = if open.is_empty() && !covers_some { &steps } else { open };
        let uncovered = open.iter().take(MAX_COMMANDS).filter(|step| !covers(step)).collect::<Vec<_>>();
        let gaps = uncovered.iter().map(|step| self.step_gap(rule, pattern, step));
        let gap = gaps.min_by_key(|(_, gap)| gap.distance).map(|(part, gap)| match uncovered.first() {
            Some(step) if covers_some && gap.distance == Distance::Other => {
                let because = format!("no rule covers {}", quoted(&step.command.shown()));
                (MissedPart::Pattern, PatternGap { distance: Distance::OtherCommand, because })
            }
            _ => (part, gap),
        });
        match (subject.doubt_said(), gap) {
            (None, gap) => gap,
            (Some(because), None) => Some((MissedPart::Pattern, PatternGap { distance: Distance::Covers, because })),
            (Some(doubt), Some((_, gap))) => {
                let because = format!("{doubt}; {}", gap.because);
                Some((MissedPart::Pattern, PatternGap { because, ..gap }))
            }
        }
    }

    /// What a rule misses of one command of a line that it does not cover.
    fn step_gap(&self, rule: &TrustRule, pattern: &CompiledPattern, step: &Step<'_>) -> (MissedPart, PatternGap) {
        let is_one_of_many = self.steps().len() > 1;
        let in_line = |because: String| match is_one_of_many {
            true => format!("in {}, {because}", quoted(&step.command.shown())),
            false => because,
        };
        if let Some(gap) = pattern.gap_to_command(step.command, &rule.terms.pattern) {
            return (MissedPart::Pattern, PatternGap { because: in_line(gap.because), ..gap });
        }
        let scope = quoted(rule.terms.scope.as_str());
        let (part, because) = if !step.command.is_safe_here() {
            (MissedPart::Pattern, ELSEWHERE.to_owned())
        } else if rule.is_before_parts && !self.candidate.subject.is_as_before() {
            (MissedPart::Pattern, "the rule was made before members were looked at, and covers less".to_owned())
        } else {
            (MissedPart::Scope, format!("the rule is about {scope}, and the line goes to another directory"))
        };
        (part, PatternGap { distance: Distance::Covers, because: in_line(because) })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::domain::enums::ExecutionTarget;
    use crate::domain::kinds::Confirmation;
    use crate::domain::matcher::Subject;
    use crate::domain::trust_rule::Terms;

    fn rule(decision: RuleDecision, pattern: &str, change: impl FnOnce(&mut TrustRule)) -> TrustRule {
        let terms = Terms::new(pattern.parse().unwrap(), Scope::everywhere(), decision);
        let mut rule = TrustRule::new("shell".parse().unwrap(), terms, "ada".parse().unwrap(), Timestamp::EPOCH);
        change(&mut rule);
        rule
    }

    fn allow(pattern: &str) -> TrustRule {
        rule(RuleDecision::Allow, pattern, |_| {})
    }

    /// What `look` says to a command line, as `builder` asks for it.
    fn held<T>(line: &str, look: impl FnOnce(&MatchInput<'_>) -> T) -> T {
        let asked = json!({"toolName": "shell", "input": {"command": line}, "workingDir": "/repo"}).to_string();
        let asked: Confirmation = serde_json::from_str(&asked).unwrap();
        let subject = Subject::of(&asked);
        let registered_by = "builder".parse().unwrap();
        let candidate = MatchInput {
            confirmation: &asked,
            subject: &subject,
            registered_by: &registered_by,
            conversation_id: None,
            own_rules_count: false,
        };
        look(&candidate)
    }

    fn why(rules: impl IntoIterator<Item = TrustRule>, line: &str) -> Why {
        let rules = rules.into_iter().collect::<RuleSet>();
        held(line, |candidate| rules.why(candidate, Timestamp::EPOCH))
    }

    /// What the only rule misses.
    fn missed(rule: TrustRule, line: &str) -> String {
        let why = why([rule], line);
        assert_eq!(why.nearest.len(), 1, "{line}: {why:?}");
        why.nearest[0].because.clone()
    }

    #[test]
    fn what_a_pattern_misses_is_the_word_in_the_way() {
        for (pattern, line, because) in [
            ("npm test", "npm test --watch", "`--watch` is a further word"),
            ("npm test *", "npm", "`test` of the pattern is missing"),
            ("npm test", "yarn test", "it runs `yarn`, and the rule is about `npm`"),
            ("npm test", "time npm test x", "`x` is a further word"),
            ("npm run build", "npm run test", "`test` stands where the pattern says `build`"),
            ("sed *", "sed -n 1e\\ id f", "`1e id` may do more than the pattern says"),
            ("git push --dry-run *", "git push --dry-run -n x", "`-n` may take back what the pattern spells"),
            ("python3 *", "curl x | python3", "in `python3`, `python3` may run what comes through the pipe"),
            ("cat *", "cat `id`", "it runs a command inside a word: `` `id` ``"),
            ("cat *", "cat <<'X'\na\nX", "it carries a here-document, and the pattern has no `-` that says so"),
            ("make *", "X=1 make", "it sets a variable: `X=1`"),
            ("make *", "make >out x", "it reads or writes a file by redirection: `>out`"),
            ("make *", "make \\\nx > out", "it reads or writes a file by redirection: `> out`"),
            (
                "ls *",
                "eval ls",
                "one of its commands changes what the others mean: `eval`; it runs `eval`, and the rule is about `ls`",
            ),
            ("make \"a", "make", "the pattern `make \"a` does not cover `make`"),
        ] {
            let because = because.to_owned();
            assert_eq!(missed(allow(pattern), line), because, "{pattern}: {line}");
        }
    }

    #[test]
    fn a_long_word_is_cut() {
        let because = missed(allow("npm test"), &format!("npm test {}", "x".repeat(500)));
        assert_eq!(because, format!("`{}…` is a further word", "x".repeat(80)));
    }

    #[test]
    fn every_part_that_misses_is_said_and_the_first_is_named() {
        let narrow = |rule: &mut TrustRule| {
            rule.terms.parts.agent = Some("other".parse().unwrap());
            rule.terms.parts.execution_target = Some(ExecutionTarget::Host);
            rule.terms.scope = "/srv".parse().unwrap();
        };
        let why = why([rule(RuleDecision::Allow, "ls", narrow)], "ls -l");
        let near = &why.nearest[0];
        assert_eq!(near.missed, Some(MissedPart::Agent));
        assert_eq!(near.because.split("; ").count(), 4, "{}", near.because);
        assert!(near.because.ends_with("`-l` is a further word"), "{}", near.because);
    }

    #[test]
    fn the_author_of_a_rule_is_told_that_it_does_not_count() {
        let own = |rule: &mut TrustRule| rule.created_by = "builder".parse().unwrap();
        let because = missed(rule(RuleDecision::Allow, "ls", own), "ls");
        assert_eq!(because, "`builder` made the rule and registered the request");
    }

    #[test]
    fn the_nearest_of_thousands_are_found_and_three_are_named() {
        let others = (0..10_000).map(|number| allow(&format!("tool-{number} run *")));
        let near = ["npm run test", "npm install", "npm run *"].map(allow);
        let narrow = |rule: &mut TrustRule| rule.terms.parts.agent = Some("other".parse().unwrap());
        let expected = [&near[0], &near[1]].map(|rule| rule.rule_id.clone());
        let [test, install, _] = near;
        let agent = rule(RuleDecision::Allow, "npm run build", narrow);
        let all = [agent.rule_id.clone()].into_iter().chain(expected).collect::<Vec<_>>();
        let why = why(others.chain([install, test, agent]), "npm run build");
        assert_eq!(why.nearest.iter().map(|near| near.rule_id.clone()).collect::<Vec<_>>(), all, "{why:?}");
        assert_eq!((why.reason, why.because.as_str()), (WhyAsked::NotCovered, "no rule covers all of it"));
    }

    #[test]
    fn of_rules_that_came_equally_near_the_oldest_is_first() {
        let rules = ["npm a", "npm b", "npm c", "npm d"].map(allow);
        let ids = rules.iter().take(3).map(|rule| rule.rule_id.clone()).collect::<Vec<_>>();
        assert_eq!(why(rules, "npm x").nearest.into_iter().map(|near| near.rule_id).collect::<Vec<_>>(), ids);
    }

    #[test]
    fn a_rule_that_is_typed_is_told_why_it_does_not_decide() {
        let typed = allow("git *");
        let why_not = |others: Vec<TrustRule>, line: &str| {
            let rules = others.into_iter().chain([typed.clone()]).collect::<RuleSet>();
            let why_not = held(line, |candidate| rules.why_not(&typed.rule_id, candidate, Timestamp::EPOCH));
            why_not.map(|why_not| why_not.because)
        };
        assert_eq!(why_not(vec![], "git log"), None);
        assert_eq!(why_not(vec![], "git log; ls").as_deref(), Some("no rule covers `ls`"));
        assert_eq!(why_not(vec![allow("ls")], "git log; ls"), None);
        assert_eq!(why_not(vec![], "git log > x").as_deref(), Some("it reads or writes a file by redirection: `> x`"));
        let other = Some("it runs `ls`, and the rule is about `git`");
        assert_eq!(why_not(vec![allow("ls")], "ls").as_deref(), other);
        let asks = rule(RuleDecision::Ask, "git log", |_| {});
        let said = format!("the rule `{}` says `ask`", asks.rule_id);
        assert_eq!(why_not(vec![asks], "git log"), Some(said));
    }
}
