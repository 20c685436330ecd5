//! `POST /v1/interactions/{requestId}/outcome`.

use axum::extract::State;
use axum::response::Response;
use serde::Deserialize;
use utoipa::ToSchema;

use super::view;
use crate::domain::enums::RunOutcome;
use crate::domain::id::{ClaimId, RequestId};
use crate::http::App;
use crate::http::error::Problem;
use crate::http::extract::{Json, Param, ok};
use crate::http::middleware::auth::Registrant;

#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct OutcomeBody {
    claim_id: ClaimId,
    outcome: RunOutcome,
    detail: Option<String>,
}

#[utoipa::path(
    post,
    path = "/v1/interactions/{requestId}/outcome",
    operation_id = "reportOutcome",
    tag = "agents",
    summary = "Reports what came of a claim",
    params(("requestId" = RequestId, Path, description = "The interaction")),
    request_body = OutcomeBody,
    responses(
        (status = 200, body = view::InteractionView, description = "As it now stands"),
        (status = 404, body = Problem, description = "no such interaction of this agent: `unknown_request`"),
        (status = 409, body = Problem, description = "`not_claimed`, `claim_mismatch`, `outcome_conflict`"),
    )
)]
pub(crate) async fn report(
    State(app): State<App>,
    Registrant(caller): Registrant,
    Param(request_id): Param<RequestId>,
    Json(body): Json<OutcomeBody>,
) -> Result<Response, Problem> {
    let OutcomeBody { claim_id, outcome, detail } = body;
    let record = app.service.report_outcome(&caller, &request_id, claim_id, outcome, detail).await?;
    ok(&view::interaction(&record)?)
}
