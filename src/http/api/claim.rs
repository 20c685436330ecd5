//! `POST /v1/interactions/{requestId}/claim`.

use axum::extract::State;
use axum::response::Response;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::domain::id::{ClaimId, RequestId};
use crate::domain::json::JsonObject;
use crate::http::App;
use crate::http::error::Problem;
use crate::http::extract::{OptionalJson, Param, ok};
use crate::http::middleware::auth::Registrant;

#[derive(Default, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct ClaimBody {
    input_digest: Option<String>,
    claim_id: Option<ClaimId>,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct ClaimedView<'a> {
    claim_id: &'a ClaimId,
    effective_input: &'a JsonObject,
    effective_input_digest: &'a str,
}

#[utoipa::path(
    post,
    path = "/v1/interactions/{requestId}/claim",
    operation_id = "claimInteraction",
    tag = "agents",
    summary = "Takes the one-time right to act on an approved confirmation",
    params(("requestId" = RequestId, Path, description = "The interaction")),
    request_body = Option<ClaimBody>,
    responses(
        (status = 200, body = ClaimedView, description = "What was approved; the same claimId gets it again"),
        (status = 404, body = Problem, description = "no such interaction of this agent: `unknown_request`"),
        (status = 409, body = Problem, description = "`not_approved`, `already_claimed`, `digest_mismatch`"),
    )
)]
pub(crate) async fn claim(
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
