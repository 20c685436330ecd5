//! `GET /healthz` (alive) and `GET /readyz` (the database takes writes).

use axum::extract::State;
use axum::response::Response;
use serde::Serialize;
use utoipa::ToSchema;

use super::App;
use super::auth::Viewer;
use super::error::Problem;
use super::extract::{NoQuery, ok};

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
pub(super) async fn alive() -> Result<Response, Problem> {
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
pub(super) async fn ready(
    State(app): State<App>,
    Viewer(caller): Viewer,
    NoQuery: NoQuery,
) -> Result<Response, Problem> {
    app.service.ready(caller.lane()).await?;
    ok(&HealthView { status: "ready" })
}

/// How the server is.
#[derive(Serialize, ToSchema)]
struct HealthView {
    status: &'static str,
}
