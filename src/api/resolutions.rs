//! What a person resolves an interaction with.

use serde::{Deserialize, Serialize, Serializer};
use utoipa::ToSchema;

use super::{BodyLimits, Invalid, Warning};
use crate::domain::acknowledgement::Acknowledgement;
use crate::domain::enums::{Decision, Delivery, ExecutionTarget};
use crate::domain::id::{PrincipalName, RequestId};
use crate::domain::json::{JsonObject, null_as_any};
use crate::domain::kinds::{Response, check_form};
use crate::domain::members::Members;
use crate::domain::pattern::{Pattern, Scope};
use crate::domain::secret_value::SecretValue;

/// A decision on a confirmation.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[expect(missing_docs, reason = "the interface's document has the words")]
pub struct ConfirmBody {
    pub request_id: RequestId,
    pub decision: Decision,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub comment: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub updated_input: Option<JsonObject>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub selected_pattern: Option<Pattern>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub selected_scope: Option<Scope>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub selected_members: Option<Members>,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "null_as_any")]
    #[schema(value_type = Option<PrincipalName>)]
    pub selected_agent: Option<Option<PrincipalName>>,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "null_as_any")]
    #[schema(value_type = Option<ExecutionTarget>)]
    pub selected_execution_target: Option<Option<ExecutionTarget>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub acknowledged: Option<Vec<Acknowledgement>>,
}

impl ConfirmBody {
    /// A bare decision.
    #[must_use]
    pub const fn new(request_id: RequestId, decision: Decision) -> Self {
        Self {
            request_id,
            decision,
            comment: None,
            updated_input: None,
            selected_pattern: None,
            selected_scope: None,
            selected_members: None,
            selected_agent: None,
            selected_execution_target: None,
            acknowledged: None,
        }
    }

    /// Checks what can be checked without the confirmation.
    ///
    /// # Errors
    ///
    /// The first field at fault: an input that is edited to be denied, half a rule, what is too large.
    pub fn check(&self, limits: &BodyLimits) -> Result<(), Invalid> {
        if let Some(input) = &self.updated_input {
            if self.decision == Decision::Deny {
                return Err(Invalid::field("updatedInput", "an input is edited to be allowed, not to be denied"));
            }
            limits.check_input("updatedInput", input.text().len())?;
        }
        match (&self.selected_pattern, &self.selected_scope) {
            (Some(pattern), Some(scope)) => {
                limits.check_pattern("selectedPattern", pattern.as_str().len())?;
                limits.check_pattern("selectedScope", scope.as_str().len())?;
                scope.check().map_err(|problem| Invalid::field("selectedScope", problem))
            }
            (None, None) => self.check_no_parts(),
            (Some(_), None) => Err(Invalid::field("selectedScope", "selectedPattern and selectedScope go together")),
            (None, Some(_)) => Err(Invalid::field("selectedPattern", "selectedPattern and selectedScope go together")),
        }
    }
}

impl ConfirmBody {
    /// Refuses what is said of a rule where none is selected.
    fn check_no_parts(&self) -> Result<(), Invalid> {
        let said = [
            ("selectedMembers", self.selected_members.is_some()),
            ("selectedAgent", self.selected_agent.is_some()),
            ("selectedExecutionTarget", self.selected_execution_target.is_some()),
        ];
        match said.iter().find(|(_, is_said)| *is_said) {
            Some((field, _)) => Err(Invalid::field(*field, "it goes with selectedPattern and selectedScope")),
            None => Ok(()),
        }
    }
}

/// The value of a secret, or none to decline.
#[derive(Serialize, Deserialize, ToSchema)]
#[schema(as = GiveBody)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[expect(missing_docs, reason = "the interface's document has the words")]
pub struct ProvideSecretBody {
    pub request_id: RequestId,
    #[schema(value_type = Option<String>, pattern = r"\S")]
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "expose")]
    pub value: Option<SecretValue>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub delivery: Option<Delivery>,
}

/// Writes a value down, where there is one.
fn expose<S: Serializer>(value: &Option<SecretValue>, serializer: S) -> Result<S::Ok, S::Error> {
    match value {
        Some(value) => value.serialize_exposed(serializer),
        None => serializer.serialize_none(),
    }
}

/// The answers to a question.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[expect(missing_docs, reason = "the interface's document has the words")]
pub struct AnswerBody {
    pub request_id: RequestId,
    pub responses: Vec<Response>,
}

impl AnswerBody {
    /// Checks what can be checked without the question.
    ///
    /// # Errors
    ///
    /// A response that comes twice, or says nothing.
    pub fn check(&self) -> Result<(), Invalid> {
        check_form(&self.responses).map_err(|problem| Invalid::field("responses", problem))
    }
}

/// That it was accepted.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[expect(missing_docs, reason = "the interface's document has the words")]
pub struct Accepted {
    pub accepted: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub warnings: Option<Vec<Warning>>,
}
