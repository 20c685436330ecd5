//! `POST /v1/login-links`: a link that logs the holder of the token in to the inbox, once.

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use serde::Serialize;
use utoipa::ToSchema;

use super::cancel::Nothing;
use crate::clock::Timestamp;
use crate::http::App;
use crate::http::error::Problem;
use crate::http::extract::{OptionalJson, answer};
use crate::http::middleware::auth::{Reviewer, bearer};

#[utoipa::path(
    post,
    path = "/v1/login-links",
    operation_id = "makeLoginLink",
    tag = "everyone",
    summary = "Makes a link that logs this person in to the inbox, once",
    request_body = Option<Nothing>,
    responses(
        (status = 201, body = LoginLink, description = "The link is /login#code; it works once, for ten minutes"),
    )
)]
pub(crate) async fn make(
    State(app): State<App>,
    Reviewer(_): Reviewer,
    headers: HeaderMap,
    OptionalJson(Nothing {}): OptionalJson<Nothing>,
) -> Result<Response, Problem> {
    let pass = app.service.make_login_link(bearer(&headers)?).await?;
    answer(StatusCode::CREATED, &LoginLink { code: &pass.text, expires_at: pass.expires_at })
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct LoginLink<'p> {
    /// What stands behind the `#` of the link, where no server and no log sees it.
    code: &'p str,
    /// Until when it works.
    expires_at: Timestamp,
}
