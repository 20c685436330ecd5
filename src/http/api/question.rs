//! `POST /v1/question-response`.

use axum::extract::State;
use axum::response::Response;
use serde::Deserialize;
use utoipa::ToSchema;

use super::confirm::{Accepted, accepted};
use crate::domain::id::RequestId;
use crate::domain::question;
use crate::http::App;
use crate::http::error::Problem;
use crate::http::extract::Json;
use crate::http::middleware::auth::Resolver;
use crate::service::Answer;

#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct AnswerBody {
    request_id: RequestId,
    responses: Vec<question::Response>,
}

#[utoipa::path(
    post,
    path = "/v1/question-response",
    operation_id = "answerQuestion",
    tag = "approvers",
    summary = "Answers a question",
    request_body = AnswerBody,
    responses(
        (status = 200, body = Accepted, description = "It is answered"),
        (status = 404, body = Problem, description = "`unknown_request`, `wrong_kind`, `already_resolved`, `expired`: retire the card"),
        (status = 422, body = Problem, description = "`invalid_response`: not what the question offers"),
    )
)]
pub(crate) async fn answer(
    State(app): State<App>,
    Resolver(caller): Resolver,
    Json(body): Json<AnswerBody>,
) -> Result<Response, Problem> {
    question::check_form(&body.responses).map_err(|problem| Problem::malformed_field("responses", problem))?;
    app.service.answer_question(&caller, Answer { request_id: body.request_id, responses: body.responses }).await?;
    accepted()
}
