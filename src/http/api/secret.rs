//! `POST /v1/secret` and `POST /v1/interactions/{requestId}/secret`: a person provides a value, the agent takes it; `DELETE`
//! of the same: a person wipes it.

use axum::extract::State;
use axum::http::HeaderValue;
use axum::http::header::{CACHE_CONTROL, CONNECTION};
use axum::response::Response;

use super::confirm::accepted;
use crate::api::{Interaction, ProvideSecretBody, SecretHandout, TakeSecretBody};
use crate::dialects::vellum::VellumSecretBody;
use crate::domain::id::RequestId;
use crate::http::App;
use crate::http::dialects::vellum::give;
use crate::http::error::Problem;
use crate::http::extract::{NoQuery, OptionalJson, OursOr, Param, ok};
use crate::http::middleware::auth::{Registrant, Resolver};
use crate::service::{self, ProvideSecret};

pub(crate) async fn provide_secret(
    State(app): State<App>,
    Resolver(caller): Resolver,
    body: OursOr<ProvideSecretBody, VellumSecretBody>,
) -> Result<Response, Problem> {
    let ProvideSecretBody { request_id, value, delivery } = match body {
        OursOr::Ours(body) => body,
        OursOr::Other(body) => return give(&app, &caller, body).await,
    };
    let provide = ProvideSecret { request_id, value, delivery: delivery.unwrap_or_default() };
    app.service.give_secret(&caller, provide).await?;
    accepted()
}

pub(crate) async fn take_secret(
    State(app): State<App>,
    Registrant(caller): Registrant,
    Param(request_id): Param<RequestId>,
    OptionalJson(body): OptionalJson<TakeSecretBody>,
) -> Result<Response, Problem> {
    let service::SecretHandout { value, delivery, take_id } =
        app.service.take_secret(&caller, &request_id, body.take_id).await?;
    let mut response = ok(&SecretHandout { value, delivery, take_id })?;
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    Ok(response)
}

pub(crate) async fn wipe_secret(
    State(app): State<App>,
    Resolver(caller): Resolver,
    Param(request_id): Param<RequestId>,
    NoQuery: NoQuery,
) -> Result<Response, Problem> {
    ok(&Interaction::from(app.service.wipe_secret(&caller, &request_id).await?))
}

/// Ends the connection on which a value went, and with it the buffers that it may still be in.
pub(crate) async fn close_connection(mut response: Response) -> Response {
    response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
    response
}
