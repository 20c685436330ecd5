//! `GET` and `POST /v1/views`, and `DELETE /v1/views/{name}`.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;

use crate::api::{View, ViewBody, ViewList};
use crate::domain::saved_view::ViewName;
use crate::http::App;
use crate::http::error::Problem;
use crate::http::extract::{Json, NoQuery, Param, answer, ok};
use crate::http::middleware::auth::Reviewer;

pub(crate) async fn list_views(
    State(app): State<App>,
    Reviewer(caller): Reviewer,
    NoQuery: NoQuery,
) -> Result<Response, Problem> {
    let views = app.service.views(&caller).await?.into_iter().map(View::from).collect();
    ok(&ViewList { views })
}

pub(crate) async fn save_view(
    State(app): State<App>,
    Reviewer(caller): Reviewer,
    Json(body): Json<ViewBody>,
) -> Result<Response, Problem> {
    if body.query.is_empty() {
        return Err(Problem::malformed_field("query", "a view has a query that asks for something"));
    }
    let (view, is_new) = app.service.keep_view(&caller, body.name, body.query).await?;
    answer(if is_new { StatusCode::CREATED } else { StatusCode::OK }, &View::from(view))
}

pub(crate) async fn delete_view(
    State(app): State<App>,
    Reviewer(caller): Reviewer,
    Param(name): Param<ViewName>,
    NoQuery: NoQuery,
) -> Result<Response, Problem> {
    ok(&View::from(app.service.delete_view(&caller, name).await?))
}
