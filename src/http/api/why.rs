//! `GET /v1/interactions/{requestId}/why`.

use axum::extract::State;
use axum::response::Response;

use crate::api::Why;
use crate::domain::id::RequestId;
use crate::http::App;
use crate::http::error::Problem;
use crate::http::extract::{NoQuery, Param, ok};
use crate::http::middleware::auth::Reviewer;

pub(crate) async fn why_asked(
    State(app): State<App>,
    Reviewer(caller): Reviewer,
    Param(request_id): Param<RequestId>,
    NoQuery: NoQuery,
) -> Result<Response, Problem> {
    let (why, signs) = app.service.why(&caller, &request_id).await?;
    ok(&Why::new(request_id, why, signs))
}
