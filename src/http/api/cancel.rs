//! `POST /v1/interactions/{requestId}/cancel` and `POST /v1/conversations/{conversationId}/supersede`: an agent withdraws
//! what it asked.

use axum::extract::State;
use axum::response::Response;

use crate::api::{Interaction, NoBody, Superseded};
use crate::domain::id::{ConversationId, RequestId};
use crate::http::App;
use crate::http::error::Problem;
use crate::http::extract::{OptionalJson, Param, ok};
use crate::http::middleware::auth::{Registrant, Superseder};

pub(crate) async fn cancel_interaction(
    State(app): State<App>,
    Registrant(caller): Registrant,
    Param(request_id): Param<RequestId>,
    OptionalJson(NoBody {}): OptionalJson<NoBody>,
) -> Result<Response, Problem> {
    ok(&Interaction::from(app.service.cancel(&caller, &request_id).await?))
}

pub(crate) async fn supersede_conversation(
    State(app): State<App>,
    Superseder(caller): Superseder,
    Param(conversation): Param<ConversationId>,
    OptionalJson(NoBody {}): OptionalJson<NoBody>,
) -> Result<Response, Problem> {
    ok(&Superseded { superseded: app.service.supersede(&caller, &conversation).await? })
}
