//! An agent registers an interaction; a trust rule may answer it in the same transaction.

use sha2::{Digest as _, Sha256};

use super::decide::{Asked, decide};
use super::{Result, Service};
use crate::clock::Timestamp;
use crate::config::Ttl;
use crate::domain::content::Content;
use crate::domain::id::{ConversationId, RequestId};
use crate::domain::interaction::{Body, Interaction, Record, Resolution};
use crate::domain::json::JsonObject;
use crate::domain::matcher::Subject;
use crate::domain::principal::Principal;
use crate::domain::refused::Refused;
use crate::domain::traceparent::Traceparent;
use crate::store::Priority;
use crate::store::{Error as StoreError, NewInteraction, WriteTx};

/// Until when an interaction may be resolved.
#[derive(Clone, Copy, Debug)]
pub enum Deadline {
    /// As the server is configured.
    Default,
    /// So many milliseconds from its registration.
    In(u64),
    /// At this time.
    At(Timestamp),
}

/// What an agent registers.
#[derive(Clone, Debug)]
pub struct Register {
    /// The agent's own id; a UUID v7 is made where there is none.
    pub request_id: Option<RequestId>,
    /// The conversation that it belongs to.
    pub conversation_id: Option<ConversationId>,
    /// Until when.
    pub deadline: Deadline,
    /// The agent's own notes.
    pub metadata: Option<JsonObject>,
    /// The trace that it is part of.
    pub traceparent: Option<Traceparent>,
    /// What is asked; accepted.
    pub content: Content,
}

/// What became of a registration.
#[derive(Clone, Debug)]
pub enum Registered {
    /// It is new.
    Created(Box<Record>),
    /// The same was registered before; as it now stands.
    Existing(Box<Record>),
}

impl Service {
    /// Registers an interaction, or finds the one that was registered before with the same id and content.
    pub async fn register(&self, by: &Principal, register: Register) -> Result<Registered> {
        let by = by.clone();
        let Register { request_id, conversation_id, deadline, metadata, traceparent, mut content } = register;
        let request_id = request_id.unwrap_or_else(RequestId::generate);
        let content_sha256 = identity(&mut content, conversation_id.as_ref(), deadline, metadata.as_ref())?;
        let (kind, tool_name) = (content.kind(), content.tool_name().cloned());
        // Taken apart here, beside the writer: it is the dearest part of a decision.
        let subject = match &mut content {
            Content::Confirmation(confirmation) => {
                let subject = Subject::of(confirmation);
                confirmation.offer(&subject, self.max_pattern_bytes);
                Some(subject)
            }
            Content::Secret(_) | Content::Question(_) => None,
        };
        let metadata = metadata.as_ref().map_or("{}", JsonObject::text).to_owned();
        let body = Body { json: content.to_json().map_err(not_json)?, metadata, content_sha256, traceparent };
        let asked = match (content, subject) {
            (Content::Confirmation(confirmation), Some(subject)) => Some(Asked::new(confirmation, subject)),
            (Content::Confirmation(_) | Content::Secret(_) | Content::Question(_), _) => None,
        };
        let (default_ttl, max_pending) = (self.default_ttl, self.max_pending);
        let allow_self_approval = self.allow_self_approval;
        self.store
            .write(Priority::of(&by), move |tx| {
                if let Some(existing) = existing(tx, &request_id, &by, &body)? {
                    return Ok(Registered::Existing(Box::new(existing)));
                }
                let mut interaction = Interaction {
                    request_id: request_id.clone(),
                    kind,
                    conversation_id: conversation_id.clone(),
                    tool_name: tool_name.clone(),
                    registered_by: by.name.clone(),
                    created_at: tx.now(),
                    expires_at: expires_at(deadline, default_ttl, tx.now())?,
                    resolution: None,
                };
                let new = NewInteraction { interaction: interaction.clone(), body: body.clone() };
                if !tx.insert_interaction(&new, max_pending)? {
                    return Err(Refused::TooManyPending { limit: max_pending }.into());
                }
                if let Some(asked) = &asked {
                    let candidate = asked.candidate(&by.name, allow_self_approval);
                    interaction.resolution = decide(tx, &interaction, &candidate, None)?;
                }
                Ok(Registered::Created(Box::new(Record { interaction, body: body.clone(), claim: None })))
            })
            .await
    }
}

/// The digest that tells a repetition from a conflict: of what the agent itself has said. A relative deadline is no part
/// of it: repeated later it means another moment, and the same question.
fn identity(
    content: &mut Content,
    conversation_id: Option<&ConversationId>,
    deadline: Deadline,
    metadata: Option<&JsonObject>,
) -> Result<[u8; 32]> {
    let deadline = match deadline {
        Deadline::At(moment) => moment.to_string(),
        Deadline::Default | Deadline::In(_) => String::new(),
    };
    let parts = [
        content.kind().as_str(),
        conversation_id.map_or("", ConversationId::as_str),
        &deadline,
        &metadata.map_or_else(|| "{}".to_owned(), JsonObject::canonical),
        &content.identity().map_err(not_json)?,
    ];
    // No part can hold a NUL: ids and times do not, and JSON escapes it.
    Ok(Sha256::digest(parts.join("\0")).into())
}

fn not_json(_: serde_json::Error) -> StoreError {
    StoreError::Corrupt { table: "interaction_bodies", key: "a new one".to_owned() }
}

/// The interaction of this id, where there is one: it must be this principal's and ask the same.
fn existing(tx: &mut WriteTx<'_>, request_id: &RequestId, by: &Principal, body: &Body) -> Result<Option<Record>> {
    let Some(mut record) = tx.record(request_id)? else {
        return Ok(None);
    };
    if record.interaction.registered_by != by.name || record.body.content_sha256 != body.content_sha256 {
        return Err(Refused::RequestIdConflict.into());
    }
    if let Some(end) = record.interaction.expires_at
        && record.interaction.is_overdue(tx.now())
    {
        let resolution = Resolution::expired(end);
        tx.resolve(&record.interaction, &resolution)?;
        record.interaction.resolution = Some(resolution);
    }
    Ok(Some(record))
}

fn expires_at(deadline: Deadline, default_ttl: Ttl, now: Timestamp) -> Result<Option<Timestamp>> {
    let end = match (deadline, default_ttl) {
        (Deadline::Default, Ttl::None) => return Ok(None),
        (Deadline::Default, Ttl::Millis(millis)) | (Deadline::In(millis), _) => now.plus_millis(millis),
        (Deadline::At(moment), _) => Some(moment),
    };
    let end = end.filter(|end| *end > now).ok_or(Refused::DeadlineOutOfRange)?;
    Ok(Some(end))
}
