//! `POST /v1/login-links`: a link that logs the holder of the token in to the inbox, once.

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;

use crate::api::{LoginLink, NoBody};
use crate::http::App;
use crate::http::error::Problem;
use crate::http::extract::{OptionalJson, answer};
use crate::http::middleware::auth::{Reviewer, bearer};

pub(crate) async fn make_login_link(
    State(app): State<App>,
    Reviewer(_): Reviewer,
    headers: HeaderMap,
    OptionalJson(NoBody {}): OptionalJson<NoBody>,
) -> Result<Response, Problem> {
    let pass = app.service.make_login_link(bearer(&headers)?).await?;
    let url = app.http.public_url.as_ref().map(|url| format!("{url}/login#{}", *pass.text));
    answer(StatusCode::CREATED, &LoginLink { code: pass.text.to_string(), url, expires_at: pass.expires_at })
}
