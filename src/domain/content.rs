//! What an interaction asks: one shape a kind, the same on the wire and in the database.

use std::collections::HashSet;
use std::hash::Hash;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::canonical::input_digest;
use super::enums::{ExecutionTarget, Kind, RiskLevel};
use super::id::{SecretName, ToolName};
use super::json::{JsonObject, objects_only};
use super::matcher::{Subject, scopes};
use super::pattern::{Pattern, Scope};
use super::question::Question;

/// "May I do this?"
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, remote = "Self")]
pub struct Confirmation {
    /// The tool that the agent wants to use.
    pub tool_name: ToolName,
    /// What it wants to give to the tool, to the letter.
    pub input: JsonObject,
    /// SHA-256 over the canonical form of tool and input; made here, never taken from an agent.
    #[serde(default)]
    #[schema(read_only)]
    pub input_digest: Option<String>,
    /// How much harm it could do.
    #[serde(default)]
    pub risk_level: RiskLevel,
    /// The agent's own id for this use of the tool.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tool_use_id: Option<String>,
    /// Where it is to run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub execution_target: Option<ExecutionTarget>,
    /// The directory it is to run in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub working_dir: Option<String>,
    /// What patterns are matched against, as the agent gave it; else the input's `command`,
    /// `file_path`, `path` or `url`, else the canonical input.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subject: Option<String>,
    /// Why, in the agent's own words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// The edit that it would make.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub diff: Option<Diff>,
    /// The patterns that a lasting rule made from this may have.
    #[serde(default)]
    pub allowlist_options: Vec<AllowlistOption>,
    /// The scopes that a lasting rule made from this may have.
    #[serde(default)]
    pub scope_options: Vec<ScopeOption>,
    /// Whether a lasting rule may be made from this at all.
    #[serde(default = "yes")]
    pub persistent_decisions_allowed: bool,
    /// Whether the approver may change the input.
    #[serde(default)]
    pub input_edits_allowed: bool,
}

const fn yes() -> bool {
    true
}

/// An edit of one file.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, remote = "Self")]
pub struct Diff {
    /// The file.
    pub file_path: String,
    /// All of it, before.
    pub old_content: String,
    /// All of it, after.
    pub new_content: String,
    /// Whether there was no such file before.
    pub is_new_file: bool,
}

/// A pattern that the agent offers for a lasting rule.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, remote = "Self")]
pub struct AllowlistOption {
    /// What it is called to a person.
    pub label: String,
    /// What it means.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// The pattern.
    pub pattern: Pattern,
}

/// A scope that the agent offers for a lasting rule.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, remote = "Self")]
pub struct ScopeOption {
    /// What it is called to a person.
    pub label: String,
    /// The scope.
    pub scope: Scope,
}

objects_only!(Confirmation, Diff, AllowlistOption, ScopeOption, SecretRequest);

impl Confirmation {
    /// Writes down what patterns will be matched against and the digest of what is to be approved.
    fn complete(&mut self) {
        self.subject = Some(self.subject_text());
        self.input_digest = Some(input_digest(self.tool_name.as_str(), &self.input));
    }

    /// What patterns are matched against.
    #[must_use]
    pub fn subject_text(&self) -> String {
        let from_input = || {
            let known = ["command", "file_path", "path", "url"];
            known.iter().find_map(|key| self.input.string(key)).map(str::to_owned)
        };
        self.subject.clone().or_else(from_input).unwrap_or_else(|| self.input.canonical())
    }

    /// Offers patterns of at most `max_pattern_bytes`, and scopes, where the agent has offered none and lasting rules are
    /// allowed: so no agent need invent them.
    pub fn offer(&mut self, subject: &Subject, max_pattern_bytes: usize) {
        if !self.persistent_decisions_allowed {
            return;
        }
        if self.allowlist_options.is_empty() {
            self.allowlist_options = subject.offers(max_pattern_bytes);
        }
        if self.scope_options.is_empty() {
            self.scope_options = scopes(self.working_dir.as_deref());
        }
    }

    /// Whether this very confirmation offered `pattern`.
    #[must_use]
    pub fn offers_pattern(&self, pattern: &Pattern) -> bool {
        self.allowlist_options.iter().any(|option| option.pattern == *pattern)
    }

    /// Whether this very confirmation offered `scope`.
    #[must_use]
    pub fn offers_scope(&self, scope: &Scope) -> bool {
        self.scope_options.iter().any(|option| option.scope == *scope)
    }
}

/// "What is the value of this secret?"
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, remote = "Self")]
pub struct SecretRequest {
    /// Whose secret it is: `github`, say.
    pub service: SecretName,
    /// Which one: `token`, say.
    pub field: SecretName,
    /// What it is called to a person.
    pub label: String,
    /// More about it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// What an empty input shows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub placeholder: Option<String>,
    /// What the agent wants it for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub purpose: Option<String>,
    /// The tools that the agent promises to use it with.
    #[serde(default)]
    pub allowed_tools: Vec<String>,
    /// The domains that the agent promises to send it to.
    #[serde(default)]
    pub allowed_domains: Vec<String>,
    /// Whether it may be handed over once instead of being kept.
    #[serde(default = "yes")]
    pub allow_one_time_send: bool,
}

/// What an interaction asks, by kind.
#[derive(Clone, Debug)]
pub enum Content {
    /// May I do this?
    Confirmation(Box<Confirmation>),
    /// What is the value of this secret?
    Secret(SecretRequest),
    /// Which of these?
    Question(Question),
}

/// What is wrong with a content, and the field that it is in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ContentError {
    /// The field, as a path from the content.
    pub field: &'static str,
    /// A sentence for a person.
    pub message: &'static str,
}

impl Content {
    /// The kind that asks this.
    #[must_use]
    pub const fn kind(&self) -> Kind {
        match self {
            Self::Confirmation(_) => Kind::Confirmation,
            Self::Secret(_) => Kind::Secret,
            Self::Question(_) => Kind::Question,
        }
    }

    /// The tool, where there is one.
    #[must_use]
    pub fn tool_name(&self) -> Option<&ToolName> {
        match self {
            Self::Confirmation(confirmation) => Some(&confirmation.tool_name),
            Self::Secret(_) | Self::Question(_) => None,
        }
    }

    /// Checks what no type says and completes what is derived: whatever an agent sends passes here once.
    pub fn accept(mut self) -> Result<Self, ContentError> {
        match &mut self {
            Self::Confirmation(confirmation) => {
                if confirmation.input_digest.is_some() {
                    return Err(ContentError { field: "inputDigest", message: "the digest is computed, not given" });
                }
                if !all_different(confirmation.allowlist_options.iter().map(|option| &option.pattern)) {
                    return Err(ContentError { field: "allowlistOptions", message: "a pattern is offered twice" });
                }
                if !all_different(confirmation.scope_options.iter().map(|option| &option.scope)) {
                    return Err(ContentError { field: "scopeOptions", message: "a scope is offered twice" });
                }
                confirmation.complete();
            }
            Self::Secret(secret) => {
                if secret.label.trim().is_empty() {
                    return Err(ContentError { field: "label", message: "a secret needs a label to ask for it with" });
                }
            }
            Self::Question(question) => question.check()?,
        }
        Ok(self)
    }

    /// The JSON that is stored and shown: the member named after the kind.
    pub fn to_json(&self) -> serde_json::Result<String> {
        match self {
            Self::Confirmation(confirmation) => serde_json::to_string(confirmation),
            Self::Secret(secret) => serde_json::to_string(secret),
            Self::Question(question) => serde_json::to_string(question),
        }
    }
}

impl Content {
    /// The same JSON, but for an input, which is there by its digest alone: equal whenever the same is asked, however the
    /// input was written.
    pub fn identity(&mut self) -> serde_json::Result<String> {
        let Self::Confirmation(confirmation) = self else {
            return self.to_json();
        };
        let input = std::mem::take(&mut confirmation.input);
        let identity = serde_json::to_string(confirmation);
        confirmation.input = input;
        identity
    }
}

/// Whether no item comes twice.
pub(super) fn all_different<T: Eq + Hash>(mut items: impl Iterator<Item = T>) -> bool {
    let mut seen = HashSet::new();
    items.all(|item| seen.insert(item))
}
