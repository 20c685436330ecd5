//! What the server says of itself, and its errors.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;

use crate::clock::Timestamp;

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

/// How the server is.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[schema(as = HealthView)]
#[serde(rename_all = "camelCase")]
pub struct Health {
    /// `alive` or `ready`.
    pub status: String,
    /// How many milliseconds the server's time is ahead of its machine's clock, where that is more than five seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub clock_ahead_ms: Option<u64>,
}

/// A link that logs a browser in to the inbox, once.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct LoginLink {
    /// What stands behind the `#` of the link, where no server and no log sees it.
    pub code: String,
    /// The whole link, where the server knows its URL (`--public-url`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// Until when it works.
    pub expires_at: Timestamp,
}
