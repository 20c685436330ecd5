//! `GET /healthz` (alive) and `GET /readyz` (the database takes writes).

use axum::extract::State;
use axum::response::Response;
use serde::Serialize;
use utoipa::ToSchema;

use crate::http::App;
use crate::http::error::Problem;
use crate::http::extract::{NoQuery, ok};
use crate::http::middleware::auth::Viewer;
use crate::store::Priority;

#[utoipa::path(
    get,
    path = "/healthz",
    operation_id = "isAlive",
    tag = "everyone",
    summary = "Says that the server is alive; needs no token",
    responses(
        (status = 200, body = HealthView, description = "It is"),
    )
)]
pub(crate) async fn alive() -> Result<Response, Problem> {
    ok(&HealthView { status: "alive" })
}

#[utoipa::path(
    get,
    path = "/readyz",
    operation_id = "isReady",
    tag = "everyone",
    summary = "Says whether the database takes writes",
    responses(
        (status = 200, body = HealthView, description = "It does"),
    )
)]
pub(crate) async fn ready(
    State(app): State<App>,
    Viewer(caller): Viewer,
    NoQuery: NoQuery,
) -> Result<Response, Problem> {
    app.service.ready(Priority::of(&caller)).await?;
    ok(&HealthView { status: "ready" })
}

/// How the server is.
#[derive(Serialize, ToSchema)]
struct HealthView {
    status: &'static str,
}
