//! `POST /v1/conversations/{conversationId}/supersede`.

use axum::extract::State;
use axum::response::Response;
use serde::Serialize;
use utoipa::ToSchema;

use super::cancel::Nothing;
use crate::domain::id::{ConversationId, RequestId};
use crate::http::App;
use crate::http::error::Problem;
use crate::http::extract::{OptionalJson, Param, ok};
use crate::http::middleware::auth::Superseder;

#[utoipa::path(
    post,
    path = "/v1/conversations/{conversationId}/supersede",
    operation_id = "supersedeConversation",
    tag = "agents",
    summary = "Closes what is pending in a conversation",
    params(("conversationId" = ConversationId, Path, description = "The conversation")),
    request_body = Option<Nothing>,
    responses(
        (status = 200, body = SupersededView, description = "What was closed"),
    )
)]
pub(crate) async fn supersede(
    State(app): State<App>,
    Superseder(caller): Superseder,
    Param(conversation): Param<ConversationId>,
    OptionalJson(Nothing {}): OptionalJson<Nothing>,
) -> Result<Response, Problem> {
    ok(&SupersededView { superseded: app.service.supersede(&caller, &conversation).await? })
}

/// Which interactions were closed.
#[derive(Serialize, ToSchema)]
struct SupersededView {
    superseded: Vec<RequestId>,
}
