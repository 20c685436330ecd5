//! `POST /v1/interactions/{requestId}/cancel`.

use axum::extract::State;
use axum::response::Response;
use serde::Deserialize;

use super::App;
use super::auth::Registrant;
use super::error::Problem;
use super::extract::{OptionalJson, Param, ok};
use super::view;
use crate::domain::id::RequestId;

/// The body of a request that needs nothing: empty, or `{}`.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Nothing {}

pub(super) async fn cancel(
    State(app): State<App>,
    Registrant(caller): Registrant,
    Param(request_id): Param<RequestId>,
    OptionalJson(Nothing {}): OptionalJson<Nothing>,
) -> Result<Response, Problem> {
    ok(&view::interaction(&app.service.cancel(&caller, &request_id).await?)?)
}
