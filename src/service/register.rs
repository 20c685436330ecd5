//! An agent registers an interaction; a trust rule may answer it in the same transaction.

use std::sync::Arc;

use sha2::{Digest as _, Sha256};

use super::decide::{Foreseen, PendingConfirmation, decide};
use super::long_work::Turn;
use super::{Caller, Error, Result, Service};
use crate::clock::Timestamp;
use crate::config::{Quota, Ttl};
use crate::domain::id::{ConversationId, PrincipalName, RequestId};
use crate::domain::interaction::{Body, Deadline, Interaction, Record, Resolution};
use crate::domain::json::JsonObject;
use crate::domain::kinds::{Confirmation, Content};
use crate::domain::matcher::Subject;
use crate::domain::origin::Origin;
use crate::domain::principal::Principal;
use crate::domain::refused::Refused;
use crate::domain::rule_set::RuleSet;
use crate::domain::tools::Profiles;
use crate::domain::traceparent::Traceparent;
use crate::domain::warning::Warning;
use crate::store::{BodyColumns, Wants, WriteTx, stored_bytes};

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
    /// Where the agent says that it comes from.
    pub origin: Option<Origin>,
    /// The trace that it is part of.
    pub traceparent: Option<Traceparent>,
    /// How long an approval is good for, in milliseconds, where the content says nothing; `None`: as the server is configured.
    pub claim_within_ms: Option<u64>,
    /// What is asked; accepted.
    pub content: Content,
}

/// What became of a registration.
#[derive(Clone, Debug)]
pub struct Registered {
    /// Whether it is new; else the same was registered before.
    pub is_new: bool,
    /// As it now stands.
    pub record: Record,
    /// What its agent should know.
    pub warnings: Vec<Warning>,
}

impl Service {
    /// Registers an interaction, or finds the one that was registered before with the same id and content; without an id,
    /// one with the same content that is open for the same use of a tool.
    ///
    /// # Errors
    ///
    /// A refusal if the id is taken by another interaction, the deadline is out of range, too many are pending or too much is
    /// stored, or an error of the store.
    pub async fn register(&self, by: &Caller, register: Register) -> Result<Registered> {
        let given_id = register.request_id.clone();
        let request_id = given_id.clone().unwrap_or_else(RequestId::generate);
        let asked = self.prepare(by, register).await?;
        let body = Arc::clone(&asked.body);
        // Where the id is its own, nobody can have it.
        let wants = given_id.clone().map(Wants::new_id);
        let registered = self.write_about(by, wants, move |tx, _| {
            let found = match &asked.columns.tool_use_sha256 {
                _ if given_id.is_some() => existing(tx, &request_id, &asked.by, &asked.body)?,
                Some(tool_use) => tx.open_tool_use(tool_use, tx.now())?,
                None => None,
            };
            if let Some(existing) = found {
                let warnings = warnings(tx, &existing.interaction, asked.allow_self_approval)?;
                return Ok::<_, Error>((Err(existing), warnings));
            }
            let (interaction, warnings) = asked.insert(tx, &request_id)?;
            Ok((Ok(interaction), warnings))
        });
        let (registered, warnings) = registered.await?;
        let is_new = registered.is_ok();
        let record = registered.map_or_else(
            |existing| existing,
            |interaction| Record {
                interaction,
                body: Arc::unwrap_or_clone(body),
                claim: None,
                wiping: None,
                forgetting: None,
            },
        );
        Ok(Registered { is_new, record, warnings })
    }

    /// Everything of a registration that is found out before the writer has it: what is parsed, offered and foreseen.
    pub(super) async fn prepare(&self, by: &Principal, register: Register) -> Result<Prepared> {
        let Register { request_id: _, conversation_id, deadline, metadata, origin, traceparent, .. } = register;
        let mut content = register.content;
        let content_sha256 = identity(&mut content, conversation_id.as_ref(), deadline, metadata.as_ref())?;
        let (read, turn) = self.read(by, content, conversation_id.as_ref()).await?;
        let ReadContent { content, subject, left_out, foreseen } = read;
        let content_json = content.to_json()?;
        let origin_json = origin.as_ref().map(serde_json::to_string).transpose()?;
        let metadata = metadata.unwrap_or_default();
        let bytes = content_json.len() + metadata.text().len();
        let body = Arc::new(Body { content, metadata, origin, bytes, content_sha256, traceparent });
        let tool_use_sha256 = body.tool_use_sha256(&by.name, conversation_id.as_ref());
        let otherwise = register.claim_within_ms.map_or(self.claim_within, |millis| self.claim_within.at_most(millis));
        Ok(Prepared {
            by: by.clone(),
            columns: BodyColumns { content: content_json, origin: origin_json, tool_use_sha256 },
            claim_within_ms: claim_within_ms(&body.content, otherwise),
            body,
            conversation_id,
            deadline,
            subject,
            foreseen,
            left_out,
            default_ttl: self.default_ttl,
            max_pending: self.max_pending,
            quota: self.max_stored_per_day,
            allow_self_approval: self.allow_self_approval,
            _turn: turn,
        })
    }

    /// Reads what is asked, here and not on the writer's thread: it is the dearest part of a decision. The agent's turn comes
    /// with what is so large that writing it takes long, too.
    async fn read(
        &self,
        by: &Principal,
        content: Content,
        conversation: Option<&ConversationId>,
    ) -> Result<(ReadContent, Option<Turn>)> {
        let Content::Confirmation(confirmation) = content else {
            return Ok((ReadContent { content, subject: None, left_out: Vec::new(), foreseen: None }, None));
        };
        let reader = Reader {
            rules: self.store.committed_rules(&confirmation.tool_name),
            profiles: Arc::clone(&self.profiles),
            max_pattern_bytes: self.max_pattern_bytes,
            allow_self_approval: self.allow_self_approval,
            now: self.clock.now(),
            by: by.name.clone(),
            conversation: conversation.cloned(),
        };
        let bytes = confirmation.input.text().len();
        if bytes <= SHORT_INPUT_BYTES {
            return Ok((reader.read(confirmation), None));
        }
        let (read, mut turn) = self.long_work.run(&by.name, move || reader.read(confirmation)).await?;
        if bytes <= LARGE_INPUT_BYTES {
            return Ok((read, None));
        }
        turn.rest_for(bytes);
        Ok((read, Some(turn)))
    }
}

/// An input of more bytes than this may take long to read; most commands are shorter. By `cargo bench --bench hostile`, what
/// is made to take long takes milliseconds at 4 KiB, and the time grows faster than the length.
const SHORT_INPUT_BYTES: usize = 512;

/// Of inputs of more bytes than this an agent has one on its way to the disk at a time: everybody whose work is in the same
/// group waits for it to be written.
const LARGE_INPUT_BYTES: usize = 16 * 1024;

/// What a confirmation is read by.
struct Reader {
    rules: Option<Arc<RuleSet>>,
    profiles: Arc<Profiles>,
    max_pattern_bytes: usize,
    allow_self_approval: bool,
    now: Timestamp,
    by: PrincipalName,
    conversation: Option<ConversationId>,
}

/// What is asked, read.
struct ReadContent {
    /// With what is offered.
    content: Content,
    subject: Option<Subject>,
    /// What was offered and is left out.
    left_out: Vec<Warning>,
    foreseen: Option<Foreseen>,
}

impl Reader {
    fn read(self, mut confirmation: Box<Confirmation>) -> ReadContent {
        let subject = Subject::by(&confirmation, &self.profiles);
        confirmation.complete(&self.profiles);
        let left_out = confirmation.offer(&subject, self.max_pattern_bytes);
        let foreseen = self.rules.map(|rules| {
            let pending = PendingConfirmation::new(&confirmation, &subject);
            let input = pending.match_input(&self.by, self.conversation.as_ref(), self.allow_self_approval);
            Foreseen::new(rules, &input, self.now)
        });
        ReadContent { content: Content::Confirmation(confirmation), subject: Some(subject), left_out, foreseen }
    }
}

/// A registration that is ready for the writer.
#[derive(Debug)]
pub(super) struct Prepared {
    by: Principal,
    pub(super) body: Arc<Body>,
    columns: BodyColumns,
    conversation_id: Option<ConversationId>,
    deadline: Deadline,
    claim_within_ms: Option<u64>,
    subject: Option<Subject>,
    foreseen: Option<Foreseen>,
    /// What was offered and is left out.
    left_out: Vec<Warning>,
    default_ttl: Ttl,
    max_pending: u32,
    quota: Quota,
    allow_self_approval: bool,
    /// Held until it is written.
    _turn: Option<Turn>,
}

impl Prepared {
    /// Adds it under this id; a rule may decide it at once.
    pub(super) fn insert(&self, tx: &mut WriteTx<'_>, request_id: &RequestId) -> Result<(Interaction, Vec<Warning>)> {
        let Self { by, body, columns, conversation_id, .. } = self;
        let mut interaction = Interaction {
            request_id: request_id.clone(),
            kind: body.content.kind(),
            conversation_id: conversation_id.clone(),
            tool_name: body.content.tool_name().cloned(),
            registered_by: by.name.clone(),
            created_at: tx.now(),
            expires_at: expires_at(self.deadline, self.default_ttl, tx.now())?,
            claim_within_ms: self.claim_within_ms,
            resolution: None,
        };
        check_quota(tx, by, body, self.quota)?;
        if !tx.insert_interaction(&interaction, body, columns, self.max_pending)? {
            return Err(Refused::TooManyPending { limit: self.max_pending }.into());
        }
        if let (Some(confirmation), Some(subject)) = (body.content.confirmation(), &self.subject) {
            let pending = PendingConfirmation::new(confirmation, subject);
            let input = pending.match_input(&by.name, conversation_id.as_ref(), self.allow_self_approval);
            interaction.resolution = decide(tx, &interaction, &input, self.foreseen.as_ref())?;
        }
        if interaction.resolution.is_none() {
            let risk = body.content.confirmation().map(|confirmation| confirmation.risk_level);
            tx.announce(&interaction, risk, self.allow_self_approval)?;
        }
        let mut warnings = warnings(tx, &interaction, self.allow_self_approval)?;
        warnings.extend_from_slice(&self.left_out);
        Ok((interaction, warnings))
    }
}

/// Refuses what would be more than a principal may store today; before anything is written.
fn check_quota(tx: &mut WriteTx<'_>, by: &Principal, body: &Body, quota: Quota) -> Result<()> {
    let Quota::Bytes(limit) = quota else { return Ok(()) };
    if tx.stored_today(&by.name)?.saturating_add(stored_bytes(body)) <= limit {
        return Ok(());
    }
    Err(Refused::StorageShareUsed { limit, retry_after_ms: tx.now().left_of_day_ms() }.into())
}

/// What the agent should know of its interaction: that it waits, and nobody could answer it.
fn warnings(tx: &mut WriteTx<'_>, interaction: &Interaction, own_counts: bool) -> Result<Vec<Warning>> {
    let is_in_vain = interaction.resolution.is_none() && !tx.has_resolver(&interaction.registered_by, own_counts)?;
    Ok(is_in_vain.then_some(Warning::NobodyCanAnswer).into_iter().collect())
}

/// The digest that tells a repetition from a conflict: of what the agent itself has said. A relative deadline is no part
/// of it: repeated later it means another moment, and the same question. Nor is where the agent comes from.
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
    // No part can hold a NUL: ids and times do not, and JSON escapes it.
    let digest = Sha256::new()
        .chain_update(content.kind().as_str())
        .chain_update("\0")
        .chain_update(conversation_id.map_or("", ConversationId::as_str))
        .chain_update("\0")
        .chain_update(deadline)
        .chain_update("\0")
        .chain_update(metadata.map_or_else(|| "{}".to_owned(), JsonObject::canonical))
        .chain_update("\0")
        .chain_update(content.identity()?);
    Ok(digest.finalize().into())
}

/// The interaction of this id, where there is one: it must be this principal's and ask the same.
fn existing(tx: &mut WriteTx<'_>, request_id: &RequestId, by: &Principal, body: &Body) -> Result<Option<Record>> {
    let Some(mut record) = tx.record(request_id)? else {
        return Ok(None);
    };
    if record.interaction.registered_by != by.name || record.body.content_sha256 != body.content_sha256 {
        return Err(Refused::RequestIdConflict.into());
    }
    expire_if_overdue(tx, &mut record)?;
    Ok(Some(record))
}

/// Writes down that an interaction has expired, where its deadline is past and nothing has said so yet.
pub(super) fn expire_if_overdue(tx: &mut WriteTx<'_>, record: &mut Record) -> Result<()> {
    if let Some(end) = record.interaction.expires_at
        && record.interaction.is_overdue(tx.now())
    {
        let resolution = Resolution::expired(end);
        tx.resolve(&record.interaction, &resolution)?;
        record.interaction.resolution = Some(resolution);
    }
    Ok(())
}

/// How long an approval is good for: as the agent says, else as is otherwise so.
fn claim_within_ms(content: &Content, otherwise: Ttl) -> Option<u64> {
    match (content.confirmation()?.claim_within_ms, otherwise) {
        (Some(own), _) => Some(own.get()),
        (None, Ttl::Millis(millis)) => Some(millis),
        (None, Ttl::None) => None,
    }
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
