//! An agent registers an interaction; a trust rule may answer it in the same transaction.

use sha2::{Digest as _, Sha256};

use super::{Result, Service};
use crate::clock::Timestamp;
use crate::config::Ttl;
use crate::domain::content::Content;
use crate::domain::id::{ConversationId, RequestId};
use crate::domain::interaction::{Body, Detail, Interaction, Record, Resolution, ResolvedBy};
use crate::domain::json::JsonObject;
use crate::domain::principal::Principal;
use crate::domain::refused::Refused;
use crate::domain::trust_rule::{Candidate, deciding};
use crate::domain::words::{Outcome, RuleDecision};
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
        let Register { request_id, conversation_id, deadline, metadata, mut content } = register;
        let request_id = request_id.unwrap_or_else(RequestId::generate);
        let body = body(&mut content, conversation_id.as_ref(), deadline, metadata.as_ref())?;
        let (default_ttl, max_pending) = (self.default_ttl, self.max_pending);
        let allow_self_approval = self.allow_self_approval;
        self.store
            .write(move |tx| {
                if let Some(existing) = existing(tx, &request_id, &by, &body)? {
                    return Ok(Registered::Existing(Box::new(existing)));
                }
                let mut interaction = Interaction {
                    request_id: request_id.clone(),
                    kind: content.kind(),
                    conversation_id: conversation_id.clone(),
                    tool_name: content.tool_name().cloned(),
                    registered_by: by.name.clone(),
                    created_at: tx.now(),
                    expires_at: expires_at(deadline, default_ttl, tx.now())?,
                    resolution: None,
                };
                let new = NewInteraction { interaction: interaction.clone(), body: body.clone() };
                if !tx.insert_interaction(&new, max_pending)? {
                    return Err(Refused::TooManyPending { limit: max_pending }.into());
                }
                if let Content::Confirmation(confirmation) = &content {
                    let banned_author = (!allow_self_approval).then_some(&by.name);
                    let candidate = Candidate::new(confirmation, banned_author);
                    interaction.resolution = decide(tx, &interaction, &candidate)?;
                }
                Ok(Registered::Created(Box::new(Record { interaction, body: body.clone(), claim: None })))
            })
            .await
    }
}

/// What is stored of the content, and the digest that tells a repetition from a conflict. A relative deadline is no part
/// of that: repeated later it means another moment, and the same question.
fn body(
    content: &mut Content,
    conversation_id: Option<&ConversationId>,
    deadline: Deadline,
    metadata: Option<&JsonObject>,
) -> Result<Body> {
    let not_json = |_| StoreError::Corrupt { table: "interaction_bodies", key: "a new one".to_owned() };
    let json = content.to_json().map_err(not_json)?;
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
    let content_sha256 = Sha256::digest(parts.join("\0")).into();
    let metadata = metadata.map_or("{}", JsonObject::text).to_owned();
    Ok(Body { json, metadata, content_sha256 })
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
        tx.settle(&record.interaction, &resolution)?;
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

/// Lets the trust rules decide a confirmation that was just registered.
fn decide(tx: &mut WriteTx<'_>, interaction: &Interaction, candidate: &Candidate<'_>) -> Result<Option<Resolution>> {
    let Some(tool_name) = &interaction.tool_name else {
        return Ok(None);
    };
    let rules = tx.active_rules(tool_name)?;
    let Some(rule) = deciding(&rules, candidate, tx.now()) else {
        return Ok(None);
    };
    let outcome = match rule.terms.decision {
        RuleDecision::Allow => Outcome::Approved,
        RuleDecision::Deny => Outcome::Rejected,
        RuleDecision::Ask => return Ok(None),
    };
    let by = ResolvedBy::TrustRule(rule.rule_id.clone());
    let resolution = Resolution { outcome, by, at: tx.now(), detail: Detail::default() };
    tx.use_trust_rule(rule, &interaction.request_id)?;
    tx.settle(interaction, &resolution)?;
    Ok(Some(resolution))
}
