//! The examples of a rules file: what they are, and the requests that they stand for.

use std::fmt;

use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserializer, Error as _, MapAccess, Visitor};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::FileRule;
use crate::domain::enums::{ExecutionTarget, RiskLevel};
use crate::domain::id::{ConversationId, PrincipalName};
use crate::domain::kinds::Confirmation;
use crate::domain::pattern::Scope;
use crate::domain::tools::{Profile, Profiles, Read};

/// What the examples of a rule are that are given as strings.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ExampleKind {
    /// `input.command`.
    Command,
    /// `input.file_path`.
    Path,
    /// `input.url`.
    Url,
    /// The whole input, as JSON.
    Text,
}

/// A request that a rule decides, or does not.
#[derive(Clone, Debug, Serialize)]
#[serde(untagged)]
pub enum Example {
    /// Its subject.
    Subject(String),
    /// Whatever else matters, too.
    Request(Box<Request>),
}

/// A request with more than a subject. What it does not say of its place, its agent and its target is as the rule says.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Request {
    input: Map<String, Value>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    subject: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    working_dir: Option<String>,
    #[serde(default)]
    risk_level: RiskLevel,
    /// The scopes that it offers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    scopes: Option<Vec<Scope>>,
    /// Who asks.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    agent: Option<PrincipalName>,
    /// Where it is to run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    execution_target: Option<ExecutionTarget>,
    /// The conversation that it belongs to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    conversation: Option<ConversationId>,
}

impl<'de> Deserialize<'de> for Example {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(SubjectOrRequest)
    }
}

/// Reads a string or a table: what is wrong with a table is told with its member.
struct SubjectOrRequest;

impl<'de> Visitor<'de> for SubjectOrRequest {
    type Value = Example;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a subject in quotes, or a table with an input")
    }

    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Example, E> {
        Ok(Example::Subject(text.to_owned()))
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Example, A::Error> {
        let request = Request::deserialize(MapAccessDeserializer::new(map))?;
        let is_relative = |directory: &String| !directory.is_empty() && !directory.starts_with('/');
        if request.working_dir.as_ref().is_some_and(is_relative) {
            return Err(A::Error::custom("a working_dir is an absolute directory, or \"\" for none"));
        }
        Ok(Example::Request(Box::new(request)))
    }
}

impl ExampleKind {
    /// How a subject of this kind is read.
    pub(super) const fn read(self) -> Read {
        match self {
            Self::Command => Read::Command,
            Self::Path => Read::Path,
            Self::Url => Read::Url,
            Self::Text => Read::Whole,
        }
    }

    /// The input of a tool without a profile that has `text` as a subject of this kind.
    fn input(self, text: &str) -> Result<Map<String, Value>, serde_json::Error> {
        let name = match self {
            Self::Command => "command",
            Self::Path => "file_path",
            Self::Url => "url",
            Self::Text => return serde_json::from_str(text),
        };
        Ok([(name.to_owned(), Value::from(text))].into_iter().collect())
    }

    /// Whether a tool with this profile reads its subject as this.
    fn is_of(self, profile: &Profile) -> bool {
        match profile.read() {
            Read::Command | Read::Argv | Read::Commands => self == Self::Command,
            Read::Path => self == Self::Path,
            Read::Url => self == Self::Url,
            Read::Text | Read::Whole => false,
        }
    }
}

/// The input of a tool with this profile whose subject is `text`.
fn input_by(profile: &Profile, text: &str) -> Result<Map<String, Value>, serde_json::Error> {
    match profile.subject() {
        [] => serde_json::from_str(text),
        parts if profile.is_joined() => {
            let said = parts.iter().zip(text.splitn(parts.len(), '/'));
            Ok(said.flat_map(|(pointer, part)| pointer.around(Value::from(part))).collect())
        }
        [pointer, ..] => Ok(pointer.around(Value::from(text))),
    }
}

impl Example {
    /// Who asks.
    pub(super) const fn agent(&self) -> Option<&PrincipalName> {
        match self {
            Self::Request(request) => request.agent.as_ref(),
            Self::Subject(_) => None,
        }
    }

    /// The conversation that it belongs to: where it says none, the rule's.
    pub(super) fn conversation(&self, rule: &FileRule) -> Option<ConversationId> {
        let own = match self {
            Self::Request(request) => request.conversation.clone(),
            Self::Subject(_) => None,
        };
        own.or_else(|| rule.scope.conversation()?.parse().ok())
    }

    /// The request of this example, as an agent would register it.
    pub(super) fn confirmation(&self, rule: &FileRule, profiles: &Profiles) -> Result<Confirmation, serde_json::Error> {
        let offer =
            |scopes: &[Scope]| scopes.iter().map(|scope| json!({"label": "", "scope": scope})).collect::<Vec<_>>();
        let scope = rule.scope.as_str();
        let mut request = json!({"toolName": rule.tool_name, "executionTarget": rule.execution_target});
        if scope.starts_with('/') {
            request["workingDir"] = json!(scope);
        } else if scope != Scope::EVERYWHERE {
            request["scopeOptions"] = json!(offer(std::slice::from_ref(&rule.scope)));
        }
        match self {
            Self::Subject(text) => {
                request["input"] = Value::Object(match (rule.subject, profiles.find(&rule.tool_name)) {
                    (None, Some(profile)) => input_by(profile, text)?,
                    (Some(kind), Some(profile)) if kind.is_of(profile) => input_by(profile, text)?,
                    (kind, _) => kind.unwrap_or(ExampleKind::Command).input(text)?,
                });
            }
            Self::Request(example) => {
                request["input"] = json!(example.input);
                request["riskLevel"] = json!(example.risk_level);
                if let Some(scopes) = &example.scopes {
                    request["scopeOptions"] = json!(offer(scopes));
                }
                if let Some(target) = example.execution_target {
                    request["executionTarget"] = json!(target);
                }
                if let Some(subject) = &example.subject {
                    request["subject"] = json!(subject);
                }
                if let Some(directory) = &example.working_dir {
                    request["workingDir"] = json!((!directory.is_empty()).then_some(directory));
                }
            }
        }
        serde_json::from_str(&request.to_string())
    }
}
