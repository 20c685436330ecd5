//! Why a request is refused: what is wrong with a body that could be read, and what every refusal looks like.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;

/// How large parts of a body may be.
#[derive(Clone, Copy, Debug)]
pub struct BodyLimits {
    /// The input of a confirmation, in bytes.
    pub max_input_bytes: usize,
    /// A pattern or a scope, in bytes.
    pub max_pattern_bytes: usize,
}

/// Why a body that could be read is refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Invalid {
    /// A field contradicts another one, is missing, or holds what it may not.
    Field {
        /// The field, as a path from the body.
        field: String,
        /// A sentence for a person.
        message: String,
    },
    /// An input is larger than [`BodyLimits::max_input_bytes`].
    InputTooLarge {
        /// The field, as a path from the body.
        field: &'static str,
        /// The limit, in bytes.
        limit: usize,
    },
}

impl Invalid {
    pub(super) fn field(field: impl Into<String>, message: impl Into<String>) -> Self {
        Self::Field { field: field.into(), message: message.into() }
    }
}

impl BodyLimits {
    /// Refuses a pattern or a scope that is longer than it may be.
    pub(super) fn check_pattern(&self, field: &str, bytes: usize) -> Result<(), Invalid> {
        if bytes <= self.max_pattern_bytes {
            return Ok(());
        }
        Err(Invalid::field(field, format!("a pattern or scope is at most {} bytes long", self.max_pattern_bytes)))
    }

    /// Refuses an input that is larger than it may be.
    pub(super) const fn check_input(&self, field: &'static str, bytes: usize) -> Result<(), Invalid> {
        if bytes <= self.max_input_bytes {
            return Ok(());
        }
        Err(Invalid::InputTooLarge { field, limit: self.max_input_bytes })
    }
}

/// A refusal as JSON; there are more members where they help, such as `field`, `status` or `retryAfterMs`.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[schema(as = Problem)]
pub struct ErrorBody {
    /// A sentence for a person.
    pub error: String,
    /// What programs go by: it never changes.
    pub code: String,
    /// The members that only some refusals have.
    #[serde(flatten)]
    #[schema(value_type = Object)]
    pub more: Map<String, Value>,
}
