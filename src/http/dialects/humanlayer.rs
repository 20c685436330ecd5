//! `/humanlayer/v1`: what HumanLayer's SDKs call.

use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;

use super::{Asked, register};
use crate::dialects::humanlayer::{
    self, Asks, Fault, HumanLayerContact, HumanLayerEscalation, HumanLayerFunctionCall, HumanLayerStatus, claim_id,
};
use crate::domain::id::RequestId;
use crate::domain::interaction::{Deadline, Record};
use crate::domain::refused::Refused;
use crate::domain::traceparent::Traceparent;
use crate::http::App;
use crate::http::error::Problem;
use crate::http::extract::{Json, NoQuery, OptionalJson, Param, ok};
use crate::http::middleware::auth::Registrant;
use crate::http::middleware::observe::traceparent;
use crate::service::{Caller, Error};

pub(crate) async fn humanlayer_ask_call(
    State(app): State<App>,
    Registrant(caller): Registrant,
    headers: HeaderMap,
    Json(body): Json<HumanLayerFunctionCall>,
) -> Result<Response, Problem> {
    let record = ask(&app, &caller, body.asked(&caller.name), traceparent(&headers)).await?;
    ok(&call_of(claimed(&app, &caller, record).await?)?)
}

pub(crate) async fn humanlayer_get_call(
    State(app): State<App>,
    Registrant(caller): Registrant,
    Param(call_id): Param<RequestId>,
    NoQuery: NoQuery,
) -> Result<Response, Problem> {
    let record = find(&app, &caller, Asks::FunctionCall, &call_id).await?;
    ok(&call_of(claimed(&app, &caller, record).await?)?)
}

pub(crate) async fn humanlayer_ask_contact(
    State(app): State<App>,
    Registrant(caller): Registrant,
    headers: HeaderMap,
    Json(body): Json<HumanLayerContact>,
) -> Result<Response, Problem> {
    contact(ask(&app, &caller, body.asked(&caller.name), traceparent(&headers)).await?)
}

pub(crate) async fn humanlayer_get_contact(
    State(app): State<App>,
    Registrant(caller): Registrant,
    Param(call_id): Param<RequestId>,
    NoQuery: NoQuery,
) -> Result<Response, Problem> {
    contact(find(&app, &caller, Asks::HumanContact, &call_id).await?)
}

/// An agent's answer to its own question.
pub(crate) async fn humanlayer_respond(
    _: Registrant,
    Param(_): Param<RequestId>,
    OptionalJson(_): OptionalJson<HumanLayerStatus>,
) -> Result<Response, Problem> {
    Err(Refused::SelfApproval.into())
}

/// Nobody else is told: the answer is the call as it stands.
pub(crate) async fn humanlayer_escalate_call(
    State(app): State<App>,
    Registrant(caller): Registrant,
    Param(call_id): Param<RequestId>,
    Json(_): Json<HumanLayerEscalation>,
) -> Result<Response, Problem> {
    let record = find(&app, &caller, Asks::FunctionCall, &call_id).await?;
    ok(&call_of(claimed(&app, &caller, record).await?)?)
}

pub(crate) async fn humanlayer_escalate_contact(
    State(app): State<App>,
    Registrant(caller): Registrant,
    Param(call_id): Param<RequestId>,
    Json(_): Json<HumanLayerEscalation>,
) -> Result<Response, Problem> {
    contact(find(&app, &caller, Asks::HumanContact, &call_id).await?)
}

async fn ask(
    app: &App,
    caller: &Caller,
    asked: Result<humanlayer::Asked, Fault>,
    traceparent: Option<Traceparent>,
) -> Result<Record, Problem> {
    let asked = asked.map_err(|(member, problem)| Problem::malformed_field(member, problem))?;
    let humanlayer::Asked { request_id, content, conversation_id, metadata, origin } = asked;
    let (deadline, claim_within_ms) = (Deadline::Default, None);
    let asked =
        Asked { request_id, content, conversation_id, deadline, claim_within_ms, metadata, origin, traceparent };
    Ok(register(app, caller, asked).await?.record)
}

async fn find(app: &App, caller: &Caller, asks: Asks, call_id: &RequestId) -> Result<Record, Problem> {
    // The id is made of the caller's name: what it leads to is the caller's own.
    let request_id = asks.request_id(&caller.name, call_id).ok_or_else(Problem::internal)?;
    Ok(Box::pin(app.service.get(caller, &request_id)).await?)
}

/// The same interaction; where it is approved, with the claim that is taken before an agent is told so.
async fn claimed(app: &App, caller: &Caller, record: Record) -> Result<Record, Problem> {
    if !record.interaction.is_approved() || record.claim.is_some() {
        return Ok(record);
    }
    let request_id = record.interaction.request_id;
    match app.service.claim(caller, &request_id, None, claim_id()).await {
        // Too late, or taken meanwhile: the record says which.
        Ok(_) | Err(Error::Refused(_)) => Ok(Box::pin(app.service.get(caller, &request_id)).await?),
        Err(error) => Err(error.into()),
    }
}

fn call_of(record: Record) -> Result<HumanLayerFunctionCall, Problem> {
    HumanLayerFunctionCall::of(record).ok_or_else(|| Refused::UnknownRequest.into())
}

fn contact(record: Record) -> Result<Response, Problem> {
    ok(&HumanLayerContact::of(record).ok_or_else(|| Problem::from(Refused::UnknownRequest))?)
}
