//! Examples, held against the rules of their file; and what else a person should know of a file.

use std::collections::HashMap;

use super::examples::{Example, ExampleKind};
use super::{Error, FileRule, RulesFile};
use crate::clock::Timestamp;
use crate::domain::enums::RuleDecision;
use crate::domain::id::{PrincipalName, RuleName};
use crate::domain::matcher::{Doubt, Subject, missed_line, never_matches};
use crate::domain::rule_set::{MatchInput, RuleSet, RuleSetDecision};
use crate::domain::tools::{Profile, Profiles, Read};
use crate::domain::trust_rule::TrustRule;

/// What is to be said of a rule: an example that is not decided as the file says, or something to mind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Remark {
    /// The rule.
    pub name: RuleName,
    /// A sentence.
    pub problem: String,
}

impl RulesFile {
    /// How many examples there are.
    #[must_use]
    pub fn examples(&self) -> usize {
        self.rules.iter().map(|rule| rule.matching.len() + rule.not_matching.len()).sum()
    }

    /// Holds every example against all rules of the file together: those under `match` must be decided with the help
    /// of their rule, those under `not_match` without it.
    ///
    /// # Errors
    ///
    /// If an example is no request.
    pub fn failures(&self, profiles: &Profiles) -> Result<Vec<Remark>, Error> {
        let mut tools = HashMap::<_, RuleSet>::new();
        let author = PrincipalName::nobody();
        let rules =
            self.rules.iter().map(|rule| TrustRule { expires_at: None, ..rule.make(&author, Timestamp::EPOCH, 1) });
        let rules = rules.collect::<Vec<_>>();
        for rule in &rules {
            tools.entry(rule.tool_name.clone()).or_default().insert(rule.clone());
        }
        let mut failures = Vec::new();
        for (file_rule, rule) in self.rules.iter().zip(&rules) {
            let Some(tool) = tools.get(&rule.tool_name) else {
                continue;
            };
            for (list, examples, wanted) in
                [("match", &file_rule.matching, true), ("not_match", &file_rule.not_matching, false)]
            {
                for (number, example) in examples.iter().enumerate() {
                    let confirmation = example
                        .confirmation(file_rule, profiles)
                        .map_err(|error| Error::Example(file_rule.name.clone(), format!("{list}[{number}]"), error))?;
                    let subject = Subject::by(&confirmation, profiles);
                    let conversation = example.conversation(file_rule);
                    let candidate = MatchInput {
                        confirmation: &confirmation,
                        subject: &subject,
                        registered_by: example.agent().or(file_rule.agent.as_ref()).unwrap_or(&author),
                        conversation_id: conversation.as_ref(),
                        own_rules_count: true,
                    };
                    let (decided, outcome) = decided_by(tool, rule, &candidate);
                    if decided != wanted {
                        let problem = format!("{list}[{number}] {:?}: {outcome}", subject.as_str());
                        failures.push(Remark { name: file_rule.name.clone(), problem });
                    }
                }
            }
        }
        Ok(failures)
    }

    /// The rules whose patterns never match, with why.
    #[must_use]
    pub fn never_matching(&self, profiles: &Profiles) -> Vec<Remark> {
        let never = self.rules.iter().filter_map(|rule| {
            let why = never_matches(&rule.pattern, rule.decision, rule.read(profiles))?;
            let problem = format!("the pattern {:?} never matches: {why}", rule.pattern.as_str());
            Some(Remark { name: rule.name.clone(), problem })
        });
        never.collect()
    }

    /// What a person should mind of the rules at `now`, though the file is right.
    #[must_use]
    pub fn warnings(&self, profiles: &Profiles, now: Timestamp) -> Vec<Remark> {
        let mut warnings = Vec::new();
        for rule in &self.rules {
            let mut warn = |problem: String| warnings.push(Remark { name: rule.name.clone(), problem });
            if let Some(end) = rule.expires_at.filter(|end| *end <= now) {
                warn(format!("the rule ended on {end}"));
            }
            if rule.matching.is_empty() && rule.not_matching.is_empty() {
                warn("the rule has no examples: `match` and `not_match` say what it decides".to_owned());
            }
            let allows = rule.decision == RuleDecision::Allow;
            if let Some((line, because)) = missed_line(&rule.pattern, rule.read(profiles)).filter(|_| allows) {
                warn(format!("the pattern {:?} does not cover {line:?}: {because}", rule.pattern.as_str()));
            }
            if let Some(doubt) = rule.doubt(profiles) {
                warn(format!(
                    "the pattern {:?} covers a line that is the same to the letter, and no other: {doubt}",
                    rule.pattern.as_str()
                ));
            }
        }
        warnings
    }
}

impl FileRule {
    /// How the subject of its tool is read, where that is known.
    fn read(&self, profiles: &Profiles) -> Option<Read> {
        let said = self.subject.map(ExampleKind::read);
        said.or_else(|| profiles.find(&self.tool_name).map(Profile::read))
    }

    /// Why a pattern without a wildcard is no line of shell, though it is to be one.
    fn doubt(&self, profiles: &Profiles) -> Option<Doubt> {
        if !matches!(self.read(profiles), Some(Read::Command | Read::Argv | Read::Commands)) {
            return None;
        }
        let pattern = Some(self.pattern.as_str()).filter(|pattern| !pattern.contains('*'))?;
        let asked = Example::Subject(pattern.to_owned()).confirmation(self, profiles).ok()?;
        Subject::by(&asked, profiles).doubt().filter(|doubt| *doubt == Doubt::Syntax)
    }
}

fn name(rule: &TrustRule) -> String {
    rule.name.as_ref().map_or_else(|| rule.rule_id.to_string(), RuleName::to_string)
}

/// Whether `rule` takes part in what the rules of its tool decide about `candidate`, and what that is, in words.
fn decided_by(rules: &RuleSet, rule: &TrustRule, candidate: &MatchInput<'_>) -> (bool, String) {
    let decision = rules.decide(candidate, Timestamp::EPOCH, Some(&rule.rule_id));
    let said = match &decision {
        RuleSetDecision::Deny(rule) => format!("{} denies it", name(rule)),
        RuleSetDecision::Ask(Some(rule)) => format!("{} has a person asked", name(rule)),
        RuleSetDecision::Ask(None) => {
            let doubt = candidate.subject.doubt_said().map_or_else(String::new, |doubt| format!("{doubt}; so "));
            format!("a person is asked: {doubt}{}", perhaps(rules, candidate))
        }
        RuleSetDecision::Allow(rules) => {
            format!("allowed by {}", rules.iter().map(|rule| name(rule)).collect::<Vec<_>>().join(" and "))
        }
        RuleSetDecision::NoMatch(_) => {
            let why_not = rules.why_not(&rule.rule_id, candidate, Timestamp::EPOCH);
            format!("a person is asked: {}", why_not.map_or_else(String::new, |why_not| why_not.because))
        }
    };
    (decision.names(&rule.rule_id), said)
}

/// Which rules that deny or ask may be about `candidate`.
fn perhaps(rules: &RuleSet, candidate: &MatchInput<'_>) -> String {
    let cautious = rules.rules().filter(|rule| rule.terms.decision != RuleDecision::Allow);
    let may_be = cautious.filter(|rule| {
        let alone = RuleSet::from_iter([(*rule).clone()]);
        matches!(alone.decide(candidate, Timestamp::EPOCH, None), RuleSetDecision::Ask(None))
    });
    let names = may_be.map(|rule| format!("{} ({})", name(rule), rule.terms.decision)).collect::<Vec<_>>();
    format!(
        "{} may be about it, but not surely: by words in another order or spelling, or by a place or a target that is not known",
        names.join(" and ")
    )
}
