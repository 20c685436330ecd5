//! `/aap/v1`: the Agent Approval Protocol.

use axum::extract::{FromRequestParts, State};
use axum::http::header::HeaderName;
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;

use super::{Asked, register};
use crate::api::NoBody;
use crate::dialects::aap::{AapOutcomeBody, AapRequest, AapSubmission, IdempotencyKey, Submitted};
use crate::domain::id::RequestId;
use crate::domain::interaction::{Deadline, Record};
use crate::domain::kinds::Content;
use crate::domain::refused::Refused;
use crate::http::App;
use crate::http::error::{Problem, missing_idempotency_key};
use crate::http::extract::{Json, NoQuery, OptionalJson, Param, answer, ok};
use crate::http::middleware::auth::Registrant;
use crate::http::middleware::observe::traceparent;
use crate::http::wait::{WaitFor, waited};
use crate::service::{Caller, Registered};

/// The header that names a submission, so that it can be repeated.
const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");

/// The key of a request, which has one.
pub(crate) struct Key(IdempotencyKey);

impl FromRequestParts<App> for Key {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &App) -> Result<Self, Problem> {
        let mut given = parts.headers.get_all(IDEMPOTENCY_KEY).iter();
        let (Some(key), None) = (given.next(), given.next()) else { return Err(missing_idempotency_key()) };
        let key = key.to_str().unwrap_or_default().parse::<IdempotencyKey>();
        key.map(Self).map_err(|error| Problem::malformed_field("Idempotency-Key", error))
    }
}

pub(crate) async fn aap_submit(
    State(app): State<App>,
    Registrant(caller): Registrant,
    Key(key): Key,
    headers: HeaderMap,
    Json(body): Json<AapSubmission>,
) -> Result<Response, Problem> {
    let submitted = body.submitted().map_err(|error| Problem::malformed_field("tool", error))?;
    let Submitted { confirmation, conversation_id, expires_in_ms, metadata, origin } = submitted;
    let asked = Asked {
        request_id: key.request_id(&caller.name).ok_or_else(Problem::internal)?,
        content: Content::Confirmation(confirmation),
        conversation_id,
        deadline: Deadline::In(expires_in_ms),
        claim_within_ms: Some(app.aap_claim_within.0),
        metadata,
        origin,
        traceparent: traceparent(&headers),
    };
    let Registered { is_new, record, .. } = register(&app, &caller, asked).await?;
    let status = if is_new { StatusCode::CREATED } else { StatusCode::OK };
    answer(status, &request_of(record, &caller)?)
}

pub(crate) async fn aap_get(
    State(app): State<App>,
    Registrant(caller): Registrant,
    Param(request_id): Param<RequestId>,
    WaitFor(wait): WaitFor,
) -> Result<Response, Problem> {
    match wait {
        None => shown(&app, &caller, &request_id).await,
        Some(timeout) => ok(&request_of(waited(&app, &caller, &request_id, timeout).await?, &caller)?),
    }
}

pub(crate) async fn aap_cancel(
    State(app): State<App>,
    Registrant(caller): Registrant,
    Param(request_id): Param<RequestId>,
    NoQuery: NoQuery,
) -> Result<Response, Problem> {
    check_own(&app, &caller, &request_id).await?;
    ok(&request_of(app.service.cancel(&caller, &request_id).await?, &caller)?)
}

pub(crate) async fn aap_consume(
    State(app): State<App>,
    Registrant(caller): Registrant,
    Param(request_id): Param<RequestId>,
    Key(key): Key,
    OptionalJson(NoBody {}): OptionalJson<NoBody>,
) -> Result<Response, Problem> {
    check_own(&app, &caller, &request_id).await?;
    // Whether the approval is still good is checked in the transaction that takes it.
    app.service.claim(&caller, &request_id, None, key.claim_id()).await?;
    shown(&app, &caller, &request_id).await
}

pub(crate) async fn aap_report(
    State(app): State<App>,
    Registrant(caller): Registrant,
    Param(request_id): Param<RequestId>,
    Json(AapOutcomeBody { status, note }): Json<AapOutcomeBody>,
) -> Result<Response, Problem> {
    check_own(&app, &caller, &request_id).await?;
    ok(&request_of(app.service.report_outcome(&caller, &request_id, None, status, note).await?, &caller)?)
}

async fn shown(app: &App, caller: &Caller, request_id: &RequestId) -> Result<Response, Problem> {
    ok(&request_of(Box::pin(app.service.get(caller, request_id)).await?, caller)?)
}

/// Refuses what this principal has not submitted here, before anything is done with it.
async fn check_own(app: &App, caller: &Caller, request_id: &RequestId) -> Result<(), Problem> {
    request_of(Box::pin(app.service.get(caller, request_id)).await?, caller).map(drop)
}

/// The request that an interaction is: this principal's own, or none.
fn request_of(record: Record, caller: &Caller) -> Result<AapRequest, Problem> {
    let is_own = record.interaction.registered_by == caller.name;
    let request = if is_own { AapRequest::of(record) } else { None };
    request.ok_or_else(|| Refused::UnknownRequest.into())
}
