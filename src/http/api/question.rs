//! `POST /v1/question-response`.

use axum::extract::State;
use axum::response::Response;

use super::confirm::accepted;
use crate::api::AnswerBody;
use crate::dialects::vellum::VellumAnswerBody;
use crate::http::App;
use crate::http::dialects::vellum::respond;
use crate::http::error::Problem;
use crate::http::extract::OursOr;
use crate::http::middleware::auth::Resolver;
use crate::service::Answer;

pub(crate) async fn answer_question(
    State(app): State<App>,
    Resolver(caller): Resolver,
    body: OursOr<AnswerBody, VellumAnswerBody>,
) -> Result<Response, Problem> {
    let body = match body {
        OursOr::Ours(body) => body,
        OursOr::Other(body) => return respond(&app, &caller, body).await,
    };
    body.check()?;
    let AnswerBody { request_id, responses } = body;
    app.service.answer_question(&caller, Answer { request_id, responses }).await?;
    accepted()
}
