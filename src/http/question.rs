//! `POST /v1/question-response`.

use axum::extract::State;
use axum::response::Response;
use serde::Deserialize;

use super::App;
use super::auth::Resolver;
use super::confirm::accepted;
use super::error::Problem;
use super::extract::Json;
use crate::domain::id::RequestId;
use crate::domain::question;
use crate::service::Answer;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct AnswerBody {
    request_id: RequestId,
    responses: Vec<question::Response>,
}

pub(super) async fn answer(
    State(app): State<App>,
    Resolver(caller): Resolver,
    Json(body): Json<AnswerBody>,
) -> Result<Response, Problem> {
    question::check_form(&body.responses).map_err(|problem| Problem::malformed_field("responses", problem))?;
    app.service.answer_question(&caller, Answer { request_id: body.request_id, responses: body.responses }).await?;
    accepted()
}
