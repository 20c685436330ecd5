//! Trust rules as code: a TOML file of rules, each with examples of what it decides and what it does not.
//!
//! ```toml
//! [[rule]]
//! name = "git-log"               # what it is known by, from one import to the next
//! tool_name = "shell"
//! pattern = "git log *"
//! scope = "everywhere"
//! decision = "allow"             # allow, deny or ask
//! match = ["git log --oneline", "git log"]
//! not_match = ["git log --output=x", "git log && rm -rf /"]
//! ```
//!
//! Beside these a rule may have `allow_high_risk`, `max_uses`, `expires_at` (a date and time with an offset) and
//! `subject`, which says what its examples are: `command` (where nothing is said), `path`, `url` or `text`. An example
//! that needs more than its subject is a table: `{ input = { command = "ls" }, working_dir = "/srv", risk_level = "high", scopes = ["team-a"] }`.

use std::collections::{HashMap, HashSet};

use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::clock::Timestamp;
use crate::domain::content::Confirmation;
use crate::domain::id::{PrincipalName, RuleName, ToolName};
use crate::domain::matcher::Subject;
use crate::domain::pattern::{Pattern, Scope};
use crate::domain::rule_set::{Candidate, RuleSet, Verdict};
use crate::domain::trust_rule::{Terms, TrustRule};
use crate::domain::words::{RiskLevel, RuleDecision};

/// The rules of a file.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RulesFile {
    /// In the order of the file.
    #[serde(default, rename = "rule")]
    pub rules: Vec<FileRule>,
}

/// One rule of a file.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FileRule {
    /// What it is known by.
    pub name: RuleName,
    /// The tool that it is about.
    pub tool_name: ToolName,
    /// The subjects that it covers.
    pub pattern: Pattern,
    /// Where it applies.
    pub scope: Scope,
    /// What it does.
    pub decision: RuleDecision,
    /// Whether it allows high risk, too.
    #[serde(default, skip_serializing_if = "is_false")]
    pub allow_high_risk: bool,
    /// How often it may decide; `None`: any number of times.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_uses: Option<std::num::NonZeroU32>,
    /// From when on it no longer applies; `None`: never.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "moment")]
    pub expires_at: Option<Timestamp>,
    /// What its examples are.
    #[serde(default, skip_serializing_if = "is_command")]
    pub subject: ExampleKind,
    /// What it decides.
    #[serde(default, rename = "match", skip_serializing_if = "Vec::is_empty")]
    pub matching: Vec<Example>,
    /// What it does not decide.
    #[serde(default, rename = "not_match", skip_serializing_if = "Vec::is_empty")]
    pub not_matching: Vec<Example>,
}

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
}

/// An example that is not decided as the file says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// The rule that it stands beside.
    pub name: RuleName,
    /// What is wrong, in a sentence that quotes the example.
    pub problem: String,
}

/// Why a text is no rules file.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// It does not say rules.
    #[error("{0}")]
    Toml(#[from] Box<toml::de::Error>),
    /// Two rules have one name.
    #[error("two rules are called {0}")]
    NameTwice(RuleName),
    /// A pattern is longer than patterns may be.
    #[error("the pattern of {0} is longer than {1} bytes")]
    PatternTooLong(RuleName, usize),
    /// A scope that looks like a directory and covers none.
    #[error("the scope of {0} is {1:?}: a scope is `everywhere`, an absolute directory, or a word that requests offer")]
    Scope(RuleName, String),
    /// An example is no request.
    #[error("an example of {0} is no request: {1}")]
    Example(RuleName, serde_json::Error),
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde's signature")]
const fn is_false(value: &bool) -> bool {
    !*value
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde's signature")]
fn is_command(kind: &ExampleKind) -> bool {
    *kind == ExampleKind::Command
}

/// Times as TOML's own, with the offset that a moment needs.
mod moment {
    use serde::{Deserialize, Deserializer, Serialize, Serializer, de, ser};

    use crate::clock::Timestamp;

    #[expect(clippy::ref_option, reason = "serde's signature")]
    pub(super) fn serialize<S: Serializer>(at: &Option<Timestamp>, serializer: S) -> Result<S::Ok, S::Error> {
        let datetime = at.map(|at| at.to_string().replace(".000Z", "Z").parse::<toml::value::Datetime>()).transpose();
        datetime.map_err(ser::Error::custom)?.serialize(serializer)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Timestamp>, D::Error> {
        let datetime = toml::value::Datetime::deserialize(deserializer)?;
        datetime.to_string().parse().map(Some).map_err(de::Error::custom)
    }
}

impl RulesFile {
    /// Reads a file whose patterns are at most `max_pattern_bytes` long.
    pub fn parse(text: &str, max_pattern_bytes: usize) -> Result<Self, Error> {
        let file: Self = toml::from_str(text).map_err(Box::new)?;
        let mut names = HashSet::new();
        for rule in &file.rules {
            if !names.insert(&rule.name) {
                return Err(Error::NameTwice(rule.name.clone()));
            }
            if !is_sensible(&rule.scope) {
                return Err(Error::Scope(rule.name.clone(), rule.scope.as_str().to_owned()));
            }
            if rule.pattern.as_str().len() > max_pattern_bytes {
                return Err(Error::PatternTooLong(rule.name.clone(), max_pattern_bytes));
            }
        }
        Ok(file)
    }

    /// How many examples there are.
    #[must_use]
    pub fn examples(&self) -> usize {
        self.rules.iter().map(|rule| rule.matching.len() + rule.not_matching.len()).sum()
    }

    /// Holds every example against all rules of the file together: whoever stands under `match` must be decided with the
    /// help of the rule that it stands beside, whoever stands under `not_match` without.
    pub fn failures(&self) -> Result<Vec<Failure>, Error> {
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
                let (decided, outcome) = decided_by(tool, rule, &confirmation);
                if decided != wanted {
                    let list = if wanted { "match" } else { "not_match" };
                    let problem = format!("{list} {:?}: {outcome}", confirmation.subject_text());
                    failures.push(Failure { name: file_rule.name.clone(), problem });
                }
            }
        }
        Ok(failures)
    }
}

/// Whether `rule` takes part in what the rules of its tool decide about `confirmation`, and what that is, in words.
fn decided_by(rules: &RuleSet, rule: &TrustRule, confirmation: &Confirmation) -> (bool, String) {
    let subject = Subject::of(confirmation);
    let candidate = Candidate { confirmation, subject: &subject, banned_author: None };
    let is_it = |other: &TrustRule| other.rule_id == rule.rule_id;
    let name = |rule: &TrustRule| rule.name.as_ref().map_or_else(|| rule.rule_id.to_string(), RuleName::to_string);
    match rules.decide(&candidate, Timestamp::EPOCH, Some(&rule.rule_id)) {
        Verdict::Deny(rule) => (is_it(rule), format!("{} denies it", name(rule))),
        Verdict::Ask(Some(rule)) => (is_it(rule), format!("{} has a person asked", name(rule))),
        Verdict::Ask(None) => (false, "a person is asked, for it may be what a rule denies or asks about".to_owned()),
        Verdict::Allow(rules) => {
            let names = rules.iter().map(|rule| name(rule)).collect::<Vec<_>>().join(" and ");
            (rules.into_iter().any(is_it), format!("allowed by {names}"))
        }
        Verdict::Open(Some(doubt)) => (false, format!("a person is asked: {doubt}")),
        Verdict::Open(None) => (false, "a person is asked: no rule covers it".to_owned()),
    }
}

/// Whether a scope is what it seems: neither `Everywhere` nor `src/` nor `/srv/*` is, and a rule that never applies denies
/// nothing.
fn is_sensible(scope: &Scope) -> bool {
    let text = scope.as_str();
    let is_word = text.chars().all(|c| c.is_alphanumeric() || "._:-@ ".contains(c)) && !text.starts_with('.');
    let is_directory = text.starts_with('/') && !text.contains(['*', '\\']) && !text.chars().any(char::is_control);
    let is_everywhere = text == Scope::EVERYWHERE || !text.eq_ignore_ascii_case(Scope::EVERYWHERE);
    text.trim() == text && is_everywhere && (is_word || is_directory)
}

impl FileRule {
    /// The rule as it stands in a database from `now` on, made by `author`.
    #[must_use]
    pub fn make(&self, author: &PrincipalName, now: Timestamp, revision: u64) -> TrustRule {
        let terms = Terms {
            pattern: self.pattern.clone(),
            scope: self.scope.clone(),
            decision: self.decision,
            allow_high_risk: self.allow_high_risk,
            lifetime_ms: self.expires_at.map(|end| end.millis_since(now)),
            max_uses: self.max_uses.map(|uses| u64::from(uses.get())),
        };
        let rule = TrustRule::new(self.tool_name.clone(), terms, author.clone(), now);
        TrustRule { name: Some(self.name.clone()), revision, expires_at: self.expires_at, ..rule }
    }

    /// Whether this says what `other` says, whatever its examples are.
    #[must_use]
    pub fn says_what(&self, other: &Self) -> bool {
        let terms = |rule: &Self| {
            let Self { tool_name, pattern, scope, decision, allow_high_risk, max_uses, expires_at, .. } = rule.clone();
            (tool_name, pattern, scope, decision, allow_high_risk, max_uses, expires_at)
        };
        terms(self) == terms(other)
    }

    /// A rule as it is to stand in a file, without examples; `name` is for one that has none.
    #[must_use]
    pub fn of(rule: &TrustRule, name: RuleName) -> Self {
        let terms = &rule.terms;
        Self {
            name: rule.name.clone().unwrap_or(name),
            tool_name: rule.tool_name.clone(),
            pattern: terms.pattern.clone(),
            scope: terms.scope.clone(),
            decision: terms.decision,
            allow_high_risk: terms.allow_high_risk,
            max_uses: terms.max_uses.and_then(|uses| std::num::NonZeroU32::new(u32::try_from(uses).ok()?)),
            expires_at: rule.expires_at,
            subject: ExampleKind::default(),
            matching: Vec::new(),
            not_matching: Vec::new(),
        }
    }
}

impl Example {
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
                let Request { input, subject, working_dir, risk_level, scopes } = example.as_ref();
                request["input"] = json!(input);
                request["riskLevel"] = json!(risk_level);
                request["scopeOptions"] = json!(offer(scopes));
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
