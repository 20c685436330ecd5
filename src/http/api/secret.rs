//! `POST /v1/secret` and `POST /v1/interactions/{requestId}/secret`: a person gives, the agent takes.

use axum::extract::State;
use axum::http::HeaderValue;
use axum::http::header::{CACHE_CONTROL, CONNECTION};
use axum::response::Response;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::confirm::{Accepted, accepted};
use crate::domain::enums::Delivery;
use crate::domain::id::{RequestId, TakeId};
use crate::http::App;
use crate::http::error::Problem;
use crate::http::extract::{Json, OptionalJson, Param, ok};
use crate::http::middleware::auth::{Registrant, Resolver};
use crate::sealer::SecretValue;
use crate::service::ProvideSecret;

#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct GiveBody {
    request_id: RequestId,
    #[schema(value_type = Option<String>, pattern = r"\S")]
    value: Option<SecretValue>,
    delivery: Option<Delivery>,
}

#[utoipa::path(
    post,
    path = "/v1/secret",
    operation_id = "giveSecret",
    tag = "approvers",
    summary = "Gives a secret, or declines to where there is no value",
    request_body = GiveBody,
    responses(
        (status = 200, body = Accepted, description = "It is given"),
        (status = 404, body = Problem, description = "`unknown_request`, `wrong_kind`, `already_resolved`, `expired`: retire the card"),
    )
)]
pub(crate) async fn give(
    State(app): State<App>,
    Resolver(caller): Resolver,
    Json(body): Json<GiveBody>,
) -> Result<Response, Problem> {
    let delivery = body.delivery.unwrap_or_default();
    app.service
        .give_secret(&caller, ProvideSecret { request_id: body.request_id, value: body.value, delivery })
        .await?;
    accepted()
}

/// Ends the connection on which a value went, and with it the buffers that it may still be in.
pub(crate) async fn forget(mut response: Response) -> Response {
    response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
    response
}

#[derive(Default, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct TakeBody {
    take_id: Option<TakeId>,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct TakenView<'a> {
    value: &'a str,
    delivery: Delivery,
    take_id: &'a TakeId,
}

#[utoipa::path(
    post,
    path = "/v1/interactions/{requestId}/secret",
    operation_id = "takeSecret",
    tag = "agents",
    summary = "Takes the secret that was given",
    params(("requestId" = RequestId, Path, description = "The interaction")),
    request_body = Option<TakeBody>,
    responses(
        (status = 200, body = TakenView, description = "The value"),
        (status = 404, body = Problem, description = "no such interaction of this agent: `unknown_request`"),
        (status = 409, body = Problem, description = "`not_answered`, `already_taken`"),
    )
)]
pub(crate) async fn take(
    State(app): State<App>,
    Registrant(caller): Registrant,
    Param(request_id): Param<RequestId>,
    OptionalJson(body): OptionalJson<TakeBody>,
) -> Result<Response, Problem> {
    let taken = app.service.take_secret(&caller, &request_id, body.take_id).await?;
    let mut response =
        ok(&TakenView { value: taken.value.expose(), delivery: taken.delivery, take_id: &taken.take_id })?;
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    Ok(response)
}
