//! `POST /v1/secret` and `POST /v1/interactions/{requestId}/secret`: a person gives, the agent takes.

use axum::extract::State;
use axum::http::HeaderValue;
use axum::http::header::CACHE_CONTROL;
use axum::response::Response;
use serde::{Deserialize, Serialize};

use super::App;
use super::auth::{Registrant, Resolver};
use super::confirm::accepted;
use super::error::Problem;
use super::extract::{Json, OptionalJson, Param, ok};
use crate::domain::id::{RequestId, TakeId};
use crate::domain::words::Delivery;
use crate::sealer::SecretValue;
use crate::service::Give;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct GiveBody {
    request_id: RequestId,
    value: Option<SecretValue>,
    delivery: Option<Delivery>,
}

pub(super) async fn give(
    State(app): State<App>,
    Resolver(caller): Resolver,
    Json(body): Json<GiveBody>,
) -> Result<Response, Problem> {
    let delivery = body.delivery.unwrap_or_default();
    app.service.give_secret(&caller, Give { request_id: body.request_id, value: body.value, delivery }).await?;
    accepted()
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct TakeBody {
    take_id: Option<TakeId>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct TakenView<'a> {
    value: &'a str,
    delivery: Delivery,
    take_id: &'a TakeId,
}

pub(super) async fn take(
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
