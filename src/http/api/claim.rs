//! `POST /v1/interactions/{requestId}/claim` and `…/outcome`: an agent acts on an approval, once, and reports; `…/withdraw`: an
//! approver takes it back before.

use axum::extract::State;
use axum::response::Response;

use crate::api::{ClaimBody, ClaimGrant, Interaction, NoBody, OutcomeBody, Warning};
use crate::domain::id::RequestId;
use crate::http::App;
use crate::http::error::Problem;
use crate::http::extract::{Json, OptionalJson, Param, ok};
use crate::http::middleware::auth::{Registrant, Resolver};
use crate::service;

pub(crate) async fn claim_interaction(
    State(app): State<App>,
    Registrant(caller): Registrant,
    Param(request_id): Param<RequestId>,
    OptionalJson(body): OptionalJson<ClaimBody>,
) -> Result<Response, Problem> {
    let service::ClaimGrant { claim_id, effective_input, effective_input_digest } =
        app.service.claim(&caller, &request_id, body.input_digest, body.claim_id).await?;
    ok(&ClaimGrant { claim_id, effective_input, effective_input_digest })
}

pub(crate) async fn report_outcome(
    State(app): State<App>,
    Registrant(caller): Registrant,
    Param(request_id): Param<RequestId>,
    Json(body): Json<OutcomeBody>,
) -> Result<Response, Problem> {
    let OutcomeBody { claim_id, outcome, detail } = body;
    let record = app.service.report_outcome(&caller, &request_id, Some(claim_id), outcome, detail).await?;
    ok(&Interaction::from(record))
}

pub(crate) async fn withdraw_approval(
    State(app): State<App>,
    Resolver(caller): Resolver,
    Param(request_id): Param<RequestId>,
    OptionalJson(NoBody {}): OptionalJson<NoBody>,
) -> Result<Response, Problem> {
    let (record, rule) = app.service.withdraw(&caller, &request_id).await?;
    ok(&Interaction { warnings: Warning::of_rule(rule), ..Interaction::from(record) })
}
