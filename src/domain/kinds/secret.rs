//! "What is the value of this secret?": which secret an agent needs, and how its value may be handed over.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{ContentError, Summary};
use crate::domain::enums::Delivery;
use crate::domain::id::SecretName;
use crate::domain::json::{null_as_absent, null_as_yes, objects_only};
use crate::domain::refused::Refused;

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
    #[serde(default, deserialize_with = "null_as_absent")]
    pub allowed_tools: Vec<String>,
    /// The domains that the agent promises to send it to.
    #[serde(default, deserialize_with = "null_as_absent")]
    pub allowed_domains: Vec<String>,
    /// Whether it may be handed over once instead of being kept.
    #[serde(default = "super::yes", deserialize_with = "null_as_yes")]
    pub allow_one_time_send: bool,
}

objects_only!(SecretRequest);

impl SecretRequest {
    /// Checks what no type says.
    pub(super) fn check(&self) -> Result<(), ContentError> {
        match self.label.trim().is_empty() {
            true => Err(ContentError { field: "label", message: "a secret needs a label to ask for it with" }),
            false => Ok(()),
        }
    }

    /// The name of the secret.
    #[must_use]
    pub fn summary(&self) -> Summary<'_> {
        Summary { title: "secret", text: self.label.as_str().into() }
    }

    /// Refuses a delivery that the agent does not accept.
    ///
    /// # Errors
    ///
    /// [`Refused::OneTimeSendNotAllowed`].
    pub fn check_delivery(&self, delivery: Delivery) -> Result<(), Refused> {
        match delivery {
            Delivery::TransientSend if !self.allow_one_time_send => Err(Refused::OneTimeSendNotAllowed),
            Delivery::TransientSend | Delivery::Store => Ok(()),
        }
    }
}
