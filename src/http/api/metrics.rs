//! `GET /metrics`: what Prometheus reads.

use axum::extract::State;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};

use crate::http::App;
use crate::http::error::Problem;
use crate::http::extract::NoQuery;
use crate::http::middleware::auth::Reviewer;
use crate::metrics;

#[utoipa::path(
    get,
    path = "/metrics",
    operation_id = "getMetrics",
    tag = "everyone",
    summary = "What Prometheus reads",
    responses(
        (status = 200, body = String, content_type = "application/openmetrics-text", description = "Metrics in the OpenMetrics text format"),
    )
)]
pub(crate) async fn metrics(
    State(app): State<App>,
    Reviewer(_): Reviewer,
    NoQuery: NoQuery,
) -> Result<Response, Problem> {
    let snapshot = app.service.snapshot().await?;
    let text = app.service.metrics().encode(&snapshot).map_err(|_| Problem::internal())?;
    Ok(([(CONTENT_TYPE, metrics::CONTENT_TYPE)], text).into_response())
}
