//! The events of agents' clients, and what they are answered.

use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, PartialSchema, ToSchema};

use crate::domain::id::{ClaimId, RequestId};
use crate::domain::json::JsonObject;

/// How an event of a client is answered.
#[derive(Clone, Debug, Default, Serialize, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct HookQuery {
    /// How long the answer may take, in milliseconds: at once where it is left out.
    #[param(maximum = 86_400_000)]
    pub wait_ms: Option<u64>,
    /// The same for every try of one call: its claim may be repeated with it.
    #[param(inline)]
    pub claim_id: Option<ClaimId>,
    /// Whether the caller asks again where the wait ends first: the answer is then `{"waiting": requestId}`.
    pub asks_again: Option<bool>,
    /// Whether a client that can end here and be woken is told to, where the wait ends first.
    pub defer: Option<bool>,
    /// The version of the client.
    pub version: Option<String>,
    /// The machine.
    pub host: Option<String>,
    /// The repository.
    pub repository: Option<String>,
    /// Its branch.
    pub branch: Option<String>,
}

/// An event of a client, as it came.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(transparent)]
pub struct HookEvent(pub JsonObject);

/// What the client reads, in its own shape.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(transparent)]
pub struct HookAnswer(pub JsonObject);

macro_rules! any_object {
    ($($name:ident),+) => {
        $(
            impl PartialSchema for $name {
                fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::Schema> {
                    JsonObject::schema()
                }
            }

            impl ToSchema for $name {}
        )+
    };
}

any_object!(HookEvent, HookAnswer);

/// That a call still waits, to a caller that asks again.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StillWaiting {
    /// The interaction.
    pub waiting: RequestId,
}
