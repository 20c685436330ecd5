//! `POST /v1/conversations/{conversationId}/supersede`.

use axum::extract::State;
use axum::response::Response;
use serde_json::json;

use super::App;
use super::auth::Superseder;
use super::cancel::Nothing;
use super::error::Problem;
use super::extract::{OptionalJson, Param, ok};
use crate::domain::id::ConversationId;

pub(super) async fn supersede(
    State(app): State<App>,
    Superseder(caller): Superseder,
    Param(conversation): Param<ConversationId>,
    OptionalJson(Nothing {}): OptionalJson<Nothing>,
) -> Result<Response, Problem> {
    ok(&json!({"superseded": app.service.supersede(&caller, &conversation).await?}))
}
