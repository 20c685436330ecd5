//! `GET /healthz` (alive), `GET /readyz` (the database takes writes) and `GET /metrics` (for Prometheus).

use axum::extract::State;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};

use crate::api::Health;
use crate::http::App;
use crate::http::error::Problem;
use crate::http::extract::{NoQuery, ok};
use crate::http::middleware::auth::{Reviewer, Viewer};
use crate::metrics;
use crate::store::Priority;

pub(crate) async fn is_alive() -> Result<Response, Problem> {
    ok(&Health { status: "alive".to_owned(), clock_ahead_ms: None })
}

pub(crate) async fn is_ready(
    State(app): State<App>,
    Viewer(caller): Viewer,
    NoQuery: NoQuery,
) -> Result<Response, Problem> {
    app.service.ready(Priority::of(&caller)).await?;
    ok(&Health { status: "ready".to_owned(), clock_ahead_ms: app.service.clock_ahead_ms() })
}

pub(crate) async fn get_metrics(
    State(app): State<App>,
    Reviewer(_): Reviewer,
    NoQuery: NoQuery,
) -> Result<Response, Problem> {
    let snapshot = app.service.snapshot().await?;
    let text = app.service.metrics().encode(&snapshot).map_err(|_| Problem::internal())?;
    Ok(([(CONTENT_TYPE, metrics::CONTENT_TYPE)], text).into_response())
}
