//! `POST /v1/question-response`.

use axum::extract::State;
use axum::response::Response;

use super::confirm::accepted;
use crate::api::AnswerBody;
use crate::http::App;
use crate::http::error::Problem;
use crate::http::extract::Json;
use crate::http::middleware::auth::Resolver;
use crate::service::Answer;

pub(crate) async fn answer_question(
    State(app): State<App>,
    Resolver(caller): Resolver,
    Json(body): Json<AnswerBody>,
) -> Result<Response, Problem> {
    body.check()?;
    app.service.answer_question(&caller, Answer { request_id: body.request_id, responses: body.responses }).await?;
    accepted()
}
