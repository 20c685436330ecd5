//! The examples of a rules file: what they are, and whether they are decided as the file says.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};
use serde_json::json;

use super::{Error, FileRule, RulesFile};
use crate::clock::Timestamp;
use crate::domain::enums::{ExecutionTarget, RiskLevel};
use crate::domain::id::{ConversationId, PrincipalName, RuleName};
use crate::domain::kinds::Confirmation;
use crate::domain::matcher::Subject;
use crate::domain::pattern::Scope;
use crate::domain::rule_set::{MatchInput, RuleSet, RuleSetDecision};
use crate::domain::tools::Profiles;
use crate::domain::trust_rule::TrustRule;

/// What the examples of a rule are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ExampleKind {
    /// `input.command`.
    #[default]
    Command,
    /// `input.file_path`.
    Path,
    /// `input.url`.
    Url,
    /// The whole input, as JSON.
    Text,
}

/// A request that a rule decides, or does not.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Example {
    /// Its subject.
    Subject(String),
    /// Whatever else matters, too.
    Request(Box<Request>),
}

/// A request with more than a subject.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Request {
    input: serde_json::Map<String, serde_json::Value>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    subject: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    working_dir: Option<String>,
    #[serde(default)]
    risk_level: RiskLevel,
    /// The scopes that it offers.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    scopes: Vec<Scope>,
    /// Who asks; else the agent that the rule names.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    agent: Option<PrincipalName>,
    /// Where it is to run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    execution_target: Option<ExecutionTarget>,
    /// The conversation that it belongs to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    conversation: Option<ConversationId>,
}

/// An example that is not decided as the file says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// The rule that it stands beside.
    pub name: RuleName,
    /// What is wrong, in a sentence that quotes the example.
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
    pub fn failures(&self, profiles: &Profiles) -> Result<Vec<Failure>, Error> {
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
            let examples = file_rule.matching.iter().map(|example| (example, true));
            for (example, wanted) in examples.chain(file_rule.not_matching.iter().map(|example| (example, false))) {
                let confirmation =
                    example.confirmation(file_rule).map_err(|error| Error::Example(file_rule.name.clone(), error))?;
                let subject = Subject::by(&confirmation, profiles);
                let candidate = MatchInput {
                    confirmation: &confirmation,
                    subject: &subject,
                    registered_by: example.agent().or(file_rule.agent.as_ref()).unwrap_or(&author),
                    conversation_id: example.conversation(),
                    own_rules_count: true,
                };
                let (decided, outcome) = decided_by(tool, rule, &candidate);
                if decided != wanted {
                    let list = if wanted { "match" } else { "not_match" };
                    let problem = format!("{list} {:?}: {outcome}", subject.as_str());
                    failures.push(Failure { name: file_rule.name.clone(), problem });
                }
            }
        }
        Ok(failures)
    }
}

/// Whether `rule` takes part in what the rules of its tool decide about `candidate`, and what that is, in words.
fn decided_by(rules: &RuleSet, rule: &TrustRule, candidate: &MatchInput<'_>) -> (bool, String) {
    let is_it = |other: &TrustRule| other.rule_id == rule.rule_id;
    let name = |rule: &TrustRule| rule.name.as_ref().map_or_else(|| rule.rule_id.to_string(), RuleName::to_string);
    match rules.decide(candidate, Timestamp::EPOCH, Some(&rule.rule_id)) {
        RuleSetDecision::Deny(rule) => (is_it(rule), format!("{} denies it", name(rule))),
        RuleSetDecision::Ask(Some(rule)) => (is_it(rule), format!("{} has a person asked", name(rule))),
        RuleSetDecision::Ask(None) => {
            (false, "a person is asked, for it may be what a rule denies or asks about".to_owned())
        }
        RuleSetDecision::Allow(rules) => {
            let names = rules.iter().map(|rule| name(rule)).collect::<Vec<_>>().join(" and ");
            (rules.into_iter().any(is_it), format!("allowed by {names}"))
        }
        RuleSetDecision::NoMatch(Some(doubt)) => (false, format!("a person is asked: {doubt}")),
        RuleSetDecision::NoMatch(None) => {
            let missed = rules.missed(candidate, Timestamp::EPOCH);
            let missed = missed.into_iter().find(|(other, _)| is_it(other)).and_then(|(_, missed)| missed);
            let why = missed.map_or_else(|| "no rule covers all of it".to_owned(), |missed| missed.to_string());
            (false, format!("a person is asked: {why}"))
        }
    }
}

impl Example {
    /// Who asks.
    const fn agent(&self) -> Option<&PrincipalName> {
        match self {
            Self::Request(request) => request.agent.as_ref(),
            Self::Subject(_) => None,
        }
    }

    /// The conversation that it belongs to.
    const fn conversation(&self) -> Option<&ConversationId> {
        match self {
            Self::Request(request) => request.conversation.as_ref(),
            Self::Subject(_) => None,
        }
    }

    /// The request of this example, as an agent would register it.
    fn confirmation(&self, rule: &FileRule) -> Result<Confirmation, serde_json::Error> {
        let directory = Some(rule.scope.as_str()).filter(|scope| scope.starts_with('/'));
        let offer =
            |scopes: &[Scope]| scopes.iter().map(|scope| json!({"label": "", "scope": scope})).collect::<Vec<_>>();
        let mut request = json!({"toolName": rule.tool_name});
        match self {
            Self::Subject(text) => {
                request["input"] = match rule.subject {
                    ExampleKind::Command => json!({"command": text}),
                    ExampleKind::Path => json!({"file_path": text}),
                    ExampleKind::Url => json!({"url": text}),
                    ExampleKind::Text => serde_json::from_str(text)?,
                };
                match directory {
                    Some(directory) => request["workingDir"] = json!(directory),
                    None => request["scopeOptions"] = json!(offer(std::slice::from_ref(&rule.scope))),
                }
            }
            Self::Request(example) => {
                let Request { input, subject, working_dir, risk_level, scopes, execution_target, .. } =
                    example.as_ref();
                request["input"] = json!(input);
                request["riskLevel"] = json!(risk_level);
                request["scopeOptions"] = json!(offer(scopes));
                request["executionTarget"] = json!(execution_target);
                for (member, value) in [("subject", subject), ("workingDir", working_dir)] {
                    if let Some(value) = value {
                        request[member] = json!(value);
                    }
                }
            }
        }
        serde_json::from_str(&request.to_string())
    }
}
