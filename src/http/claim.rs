//! `POST /v1/interactions/{requestId}/claim`.

use axum::extract::State;
use axum::response::Response;
use serde::{Deserialize, Serialize};

use super::App;
use super::auth::Registrant;
use super::error::Problem;
use super::extract::{OptionalJson, Param, ok};
use crate::domain::id::{ClaimId, RequestId};
use crate::domain::json::JsonObject;

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct ClaimBody {
    input_digest: Option<String>,
    claim_id: Option<ClaimId>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ClaimedView<'a> {
    claim_id: &'a ClaimId,
    effective_input: &'a JsonObject,
    effective_input_digest: &'a str,
}

pub(super) async fn claim(
    State(app): State<App>,
    Registrant(caller): Registrant,
    Param(request_id): Param<RequestId>,
    OptionalJson(body): OptionalJson<ClaimBody>,
) -> Result<Response, Problem> {
    let claimed = app.service.claim(&caller, &request_id, body.input_digest, body.claim_id).await?;
    ok(&ClaimedView {
        claim_id: &claimed.claim_id,
        effective_input: &claimed.effective_input,
        effective_input_digest: &claimed.effective_input_digest,
    })
}
