//! `GET /healthz` (alive) and `GET /readyz` (the database takes writes).

use axum::extract::State;
use axum::response::Response;
use serde_json::json;

use super::App;
use super::error::Problem;
use super::extract::{NoQuery, ok};

pub(super) async fn alive() -> Result<Response, Problem> {
    ok(&json!({"status": "alive"}))
}

pub(super) async fn ready(State(app): State<App>, NoQuery: NoQuery) -> Result<Response, Problem> {
    app.service.ready().await?;
    ok(&json!({"status": "ready"}))
}
