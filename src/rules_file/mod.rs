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
//! Beside these a rule may have `members`, `agent`, `execution_target`, `reason`, `allow_high_risk`, `max_uses`, `expires_at`
//! (a date and time with an offset) and `subject`, which says how examples in quotes are read: `command`, `path`, `url` or
//! `text`; else as the profile of the tool says. An example that needs more than its subject is a table:
//! `{ input = { command = "ls" }, working_dir = "/srv", risk_level = "high", scopes = ["team-a"] }`.

mod examples;
mod faults;
mod held;

use std::collections::HashSet;
use std::num::NonZeroU32;

use serde::de::{Deserializer, Error as _};
use serde::{Deserialize, Serialize};

pub use self::examples::{Example, ExampleKind};
pub use self::faults::Fault;
pub use self::held::Remark;

use crate::clock::Timestamp;
use crate::domain::enums::{ExecutionTarget, RuleDecision};
use crate::domain::id::{PrincipalName, RuleName, ToolName};
use crate::domain::members::Members;
use crate::domain::pattern::{Pattern, Reason, Scope};
use crate::domain::trust_rule::{Parts, Terms, TrustRule};

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
    /// What it says of the other members of the input.
    #[serde(default, skip_serializing_if = "Members::is_empty")]
    pub members: Members,
    /// Whose requests it is about; `None`: any agent's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agent: Option<PrincipalName>,
    /// Where it runs what it is about; `None`: anywhere.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub execution_target: Option<ExecutionTarget>,
    /// Why; of a rule that denies, for the agent to read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<Reason>,
    /// Whether it allows high risk, too.
    #[serde(default, skip_serializing_if = "is_false")]
    pub allow_high_risk: bool,
    /// How often it may decide; `None`: any number of times.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "uses")]
    pub max_uses: Option<NonZeroU32>,
    /// From when on it no longer applies; `None`: never.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "moment")]
    pub expires_at: Option<Timestamp>,
    /// How examples that are strings are read; `None`: as the profile of the tool says, and as commands without one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subject: Option<ExampleKind>,
    /// What it decides.
    #[serde(default, rename = "match", skip_serializing_if = "Vec::is_empty")]
    pub matching: Vec<Example>,
    /// What it does not decide.
    #[serde(default, rename = "not_match", skip_serializing_if = "Vec::is_empty")]
    pub not_matching: Vec<Example>,
}

/// Why a text is no rules file.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// It is no TOML.
    #[error("{0}")]
    Toml(#[from] Box<toml::de::Error>),
    /// It does not say rules.
    #[error("{0}")]
    Fault(Fault),
    /// Two rules have one name.
    #[error("two rules are called {0}")]
    NameTwice(RuleName),
    /// A pattern is longer than patterns may be.
    #[error("the pattern of {0} is longer than {1} bytes")]
    PatternTooLong(RuleName, usize),
    /// A scope that looks like a directory and covers none.
    #[error(
        "the scope of {0} is {1:?}: a scope is `everywhere`, an absolute directory, `conversation:` and an id, or a word that requests offer"
    )]
    Scope(RuleName, String),
    /// An example is no request.
    #[error("rule {0}: {1}: the example is no request: {2}")]
    Example(RuleName, String, serde_json::Error),
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde's signature")]
const fn is_false(value: &bool) -> bool {
    !*value
}

/// Reads how often a rule may decide.
fn uses<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<NonZeroU32>, D::Error> {
    let uses = u32::try_from(i64::deserialize(deserializer)?).ok().and_then(NonZeroU32::new);
    uses.map(Some).ok_or_else(|| D::Error::custom(format_args!("max_uses is at least 1 and at most {}", u32::MAX)))
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
        let file = faults::read(text)?.map_err(Error::Fault)?;
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
}

/// Whether a scope is what it seems: neither `Everywhere` nor `src/` nor `/srv/*` is, and a rule that never applies denies
/// nothing.
fn is_sensible(scope: &Scope) -> bool {
    let text = scope.as_str();
    let is_word = text.chars().all(|c| c.is_alphanumeric() || "._:-@ ".contains(c)) && !text.starts_with('.');
    let is_directory = text.starts_with('/') && !text.contains(['*', '\\']) && !text.chars().any(char::is_control);
    let is_everywhere = text == Scope::EVERYWHERE || !text.eq_ignore_ascii_case(Scope::EVERYWHERE);
    text.trim() == text && is_everywhere && (is_word || is_directory) && scope.check().is_ok()
}

impl FileRule {
    /// The rule as it stands in a database from `now` on, made by `author`.
    #[must_use]
    pub fn make(&self, author: &PrincipalName, now: Timestamp, revision: u64) -> TrustRule {
        let parts =
            Parts { members: self.members.clone(), agent: self.agent.clone(), execution_target: self.execution_target };
        let terms = Terms {
            parts,
            reason: self.reason.clone(),
            allow_high_risk: self.allow_high_risk,
            lifetime_ms: self.expires_at.map(|end| end.millis_since(now)),
            max_uses: self.max_uses.map(|uses| u64::from(uses.get())),
            ..Terms::new(self.pattern.clone(), self.scope.clone(), self.decision)
        };
        let rule = TrustRule::new(self.tool_name.clone(), terms, author.clone(), now);
        TrustRule { name: Some(self.name.clone()), revision, expires_at: self.expires_at, ..rule }
    }

    /// Whether this says what `other` says, whatever its examples are.
    #[must_use]
    pub fn says_what(&self, other: &Self) -> bool {
        let says = |rule: &Self| {
            let made = rule.make(&PrincipalName::nobody(), Timestamp::EPOCH, 1);
            (made.tool_name, made.terms, made.expires_at)
        };
        says(self) == says(other)
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
            members: terms.parts.members.clone(),
            agent: terms.parts.agent.clone(),
            execution_target: terms.parts.execution_target,
            reason: terms.reason.clone(),
            allow_high_risk: terms.allow_high_risk,
            max_uses: terms.max_uses.and_then(|uses| NonZeroU32::new(u32::try_from(uses).ok()?)),
            expires_at: rule.expires_at,
            subject: None,
            matching: Vec::new(),
            not_matching: Vec::new(),
        }
    }
}
