//! `POST /v1/interactions/{requestId}/cancel`.

use axum::extract::State;
use axum::response::Response;
use serde::Deserialize;
use utoipa::ToSchema;

use super::view;
use crate::domain::id::RequestId;
use crate::http::App;
use crate::http::error::Problem;
use crate::http::extract::{OptionalJson, Param, ok};
use crate::http::middleware::auth::Registrant;

/// The body of a request that needs nothing: empty, or `{}`.
#[derive(Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Nothing {}

#[utoipa::path(
    post,
    path = "/v1/interactions/{requestId}/cancel",
    operation_id = "cancelInteraction",
    tag = "agents",
    summary = "Withdraws an interaction",
    params(("requestId" = RequestId, Path, description = "The interaction")),
    request_body = Option<Nothing>,
    responses(
        (status = 200, body = view::InteractionView, description = "As it now stands"),
        (status = 404, body = Problem, description = "no such interaction of this agent: `unknown_request`"),
        (status = 409, body = Problem, description = "`already_resolved`: it ended otherwise"),
    )
)]
pub(crate) async fn cancel(
    State(app): State<App>,
    Registrant(caller): Registrant,
    Param(request_id): Param<RequestId>,
    OptionalJson(Nothing {}): OptionalJson<Nothing>,
) -> Result<Response, Problem> {
    ok(&view::interaction(&app.service.cancel(&caller, &request_id).await?)?)
}
