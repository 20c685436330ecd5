//! The ceiling of HTTP: axum reads each body and sends it back, under the paths that the load calls.

use axum::Router;
use axum::body::Bytes;
use axum::http::header::CONTENT_TYPE;
use axum::response::IntoResponse;
use axum::routing::post;

use crate::{Result, serve};

pub(crate) fn serve() -> Result<()> {
    serve::serve(Router::new().route("/v1/interactions", post(echo)).route("/v1/confirm", post(echo)))
}

async fn echo(body: Bytes) -> impl IntoResponse {
    ([(CONTENT_TYPE, "application/json")], body)
}
