//! The calls of other programs: thin, for each is a use case of ours. `crate::dialects` has their words, `error/shape.rs` the
//! shapes of their errors.

pub(crate) mod aap;
pub(crate) mod hooks;
pub(crate) mod humanlayer;
pub(crate) mod mcp;
pub(crate) mod vellum;

use crate::api::RegisterBody;
use crate::domain::id::{ConversationId, RequestId};
use crate::domain::interaction::Deadline;
use crate::domain::json::JsonObject;
use crate::domain::kinds::Content;
use crate::domain::origin::Origin;
use crate::domain::traceparent::Traceparent;
use crate::http::App;
use crate::http::error::Problem;
use crate::service::{Caller, Register, Registered};

/// What an agent asks in a dialect.
struct Asked {
    request_id: RequestId,
    content: Content,
    conversation_id: Option<ConversationId>,
    deadline: Deadline,
    claim_within_ms: Option<u64>,
    metadata: JsonObject,
    origin: Origin,
    traceparent: Option<Traceparent>,
}

/// Registers it as any other interaction is.
async fn register(app: &App, caller: &Caller, asked: Asked) -> Result<Registered, Problem> {
    let Asked { request_id, content, conversation_id, deadline, claim_within_ms, metadata, origin, traceparent } =
        asked;
    let register = Register {
        request_id: Some(request_id),
        conversation_id,
        deadline,
        metadata: Some(metadata),
        origin: Some(origin),
        traceparent,
        claim_within_ms,
        content: RegisterBody::new(content).take_content(&app.limits.bodies())?,
    };
    Ok(app.service.register(caller, register).await?)
}
