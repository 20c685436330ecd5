//! A client's call of a tool: it finds the interaction that it goes by, or registers one, waits, and claims before it may run.
//!
//! Every face that has a client behind it (hooks, MCP's permission tool, ACP) decides its calls here.
//!
//! - A call with an id of its own finds its own interaction again, whatever became of that: a client that crashed and asks again
//!   gets the same answer. So does a repeated try of a call without an id.
//! - A new call of the same in the same conversation joins one that is pending, else takes an approval that is not claimed: an
//!   answer that came too late for its own call is not lost.
//! - After a rejection, or a used approval, the same call asks anew.

use std::time::Duration;

use super::register::expire_if_overdue;
use super::{Caller, Error, Register, Result, Service};
use crate::domain::canonical::input_digest;
use crate::domain::enums::{Kind, Outcome, RunOutcome};
use crate::domain::id::{ClaimId, ConversationId, PrincipalName, RequestId};
use crate::domain::interaction::{Claim, Interaction, Record, Resolution, ResolvedBy, Status};
use crate::domain::kinds::Content;
use crate::domain::principal::Principal;
use crate::domain::refused::Refused;
use crate::domain::text::PlainText;
use crate::domain::tool_call::{Allowed, Answered, CallEnd, Denial, RanCall, ToolCall, derived_id, ran_sha256};
use crate::domain::warning::Warning;
use crate::store::{Priority, ReadTx, WriteTx};

/// A call that has found its interaction.
#[derive(Clone, Debug)]
pub struct BegunCall {
    /// The interaction that it goes by.
    pub request_id: RequestId,
    /// Whether it has registered that.
    pub is_new: bool,
    /// What its client should know.
    pub warnings: Vec<Warning>,
    claim_id: ClaimId,
    /// The session that the outcome is found by where the call has no id.
    session: Option<String>,
    has_call_id: bool,
    /// Whether its client can run another input than its own.
    takes_edits: bool,
}

/// What a client is told where the wait ends before the answer comes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AfterWait {
    /// Nothing yet: it asks again at once.
    AsksAgain,
    /// That the answer is kept: what is pending outlives the turn of its client.
    Keeps,
}

impl Service {
    /// Finds the interaction that a call goes by, or registers one; or says why it is denied without either.
    ///
    /// # Errors
    ///
    /// A refusal if too many are pending or too much is stored, or an error of the store.
    pub async fn begin_tool_call(
        &self,
        by: &Caller,
        mut call: ToolCall,
    ) -> Result<std::result::Result<BegunCall, Denial>> {
        if let (Some(confirmation), Some(call_id)) = (call.content.confirmation_mut(), &call.call_id) {
            confirmation.tool_use_id.get_or_insert_with(|| call_id.clone());
        }
        let known_by = KnownBy::of(&call, &by.name);
        let register = Register {
            request_id: None,
            conversation_id: call.conversation_id(),
            deadline: call.deadline,
            metadata: call.metadata.take(),
            origin: call.origin.take(),
            traceparent: call.traceparent.take(),
            claim_within_ms: None,
            content: call.content.clone(),
        };
        let takes_edits = call.content.confirmation().is_some_and(|asked| asked.input_edits_allowed);
        let claim_id = call.try_id.clone().unwrap_or_else(ClaimId::generate);
        let (session, has_call_id) = (call.session.clone(), call.call_id.is_some());
        // Without a session, the answer to another call that asked the same may be another session's.
        let takes_answers = session.is_some() || !has_call_id;
        let prepared = self.prepare(by, register).await?;
        let begun = self.write_as(by, move |tx, by| {
            if let Some(own) = known_by.own(tx)? {
                return Ok::<_, Error>(if known_by.is_of(&own, &by.name) {
                    Ok((own.interaction.request_id, false, Vec::new()))
                } else {
                    Err(Denial::OtherCall { request_id: own.interaction.request_id })
                });
            }
            let open = tx.open_call(&known_by.asked_sha256, tx.now())?;
            let open = open.filter(|open| takes_answers || open.interaction.resolution.is_none());
            let (request_id, is_new, warnings) = match open {
                Some(open) => (open.interaction.request_id, false, Vec::new()),
                None => {
                    let request_id = known_by.new_id(tx, &call)?;
                    let (_, warnings) = prepared.insert(tx, &request_id)?;
                    tx.insert_tool_call(&request_id, &known_by.asked_sha256)?;
                    (request_id, true, warnings)
                }
            };
            if let Some(identity) = &known_by.identity
                && known_by.own_id.as_ref() != Some(&request_id)
            {
                tx.join_call(identity, &request_id)?;
            }
            Ok(Ok((request_id, is_new, warnings)))
        });
        let begun = begun.await?;
        Ok(begun.map(|(request_id, is_new, warnings)| BegunCall {
            request_id,
            is_new,
            warnings,
            claim_id,
            session,
            has_call_id,
            takes_edits,
        }))
    }

    /// Waits for the answer to a call. Afterwards the token of its client may be another's: it is to be looked at again before
    /// [`Service::end_tool_call`].
    ///
    /// # Errors
    ///
    /// A refusal if too many requests wait, or an error of the store.
    pub async fn await_tool_call(&self, by: &Principal, begun: &BegunCall, wait: Duration) -> Result<Record> {
        self.wait(by, &begun.request_id, wait).await
    }

    /// Uses the answer to a call, as [`Service::await_tool_call`] found it: an approval is claimed before the call may run.
    ///
    /// # Errors
    ///
    /// An error of the store.
    pub async fn end_tool_call(
        &self,
        by: &Caller,
        begun: &BegunCall,
        record: Record,
        after: AfterWait,
    ) -> Result<CallEnd> {
        let Some(resolution) = &record.interaction.resolution else {
            if after == AfterWait::Keeps {
                self.keep_call(by, &begun.request_id).await?;
            }
            return Ok(CallEnd::Denied(Denial::Waiting { request_id: begun.request_id.clone() }));
        };
        match resolution.outcome {
            Outcome::Approved => self.claim_call(by, begun, &record).await,
            Outcome::Answered => self.take_answers(by, record).await,
            Outcome::Rejected | Outcome::Expired | Outcome::Cancelled | Outcome::Superseded => {
                Ok(CallEnd::Denied(denial(&record.interaction, resolution)))
            }
        }
    }

    async fn claim_call(&self, by: &Caller, begun: &BegunCall, record: &Record) -> Result<CallEnd> {
        let request_id = begun.request_id.clone();
        let edited = record.interaction.resolution.as_ref().and_then(|it| it.detail.updated_input.as_ref());
        if let Some(edited) = edited.filter(|_| !begun.takes_edits) {
            return Ok(CallEnd::Denied(Denial::ApprovedOnlyAs { request_id, input: edited.text().to_owned() }));
        }
        let is_edited = edited.is_some();
        let claimed = self.claim(by, &request_id, None, Some(begun.claim_id.clone())).await;
        let grant = match claimed {
            Ok(grant) => grant,
            Err(Error::Refused(refused)) => return not_claimed(request_id, refused).map(CallEnd::Denied),
            Err(error) => return Err(error),
        };
        if !begun.has_call_id {
            let ran = ran_sha256(&by.name, begun.session.as_deref(), &grant.effective_input_digest);
            let request_id = request_id.clone();
            self.write_as(by, move |tx, _| Ok(tx.join_call(&ran, &request_id)?)).await?;
        }
        let (claim_id, effective_input) = (grant.claim_id, grant.effective_input);
        Ok(CallEnd::Allowed(Allowed { request_id, claim_id, effective_input, is_edited }))
    }

    async fn take_answers(&self, by: &Caller, record: Record) -> Result<CallEnd> {
        let request_id = record.interaction.request_id;
        let responses = record.interaction.resolution.and_then(|resolution| resolution.detail.responses);
        let (Content::Question(question), Some(responses)) = (record.body.content, responses) else {
            return Ok(CallEnd::Denied(Denial::Forgotten { request_id }));
        };
        let taken = request_id.clone();
        self.write_as(by, move |tx, _| Ok(tx.take_answers(&taken)?)).await?;
        Ok(CallEnd::Answered(Answered { request_id, question, responses }))
    }

    /// Notes that the answer to a request was handed out, so that a later call of the same asks anew.
    ///
    /// # Errors
    ///
    /// An error of the store.
    pub async fn note_handed_out(&self, by: &Caller, request_id: &RequestId) -> Result<()> {
        let request_id = request_id.clone();
        self.write_as(by, move |tx, _| Ok(tx.take_answers(&request_id)?)).await
    }

    async fn keep_call(&self, by: &Caller, request_id: &RequestId) -> Result<()> {
        let request_id = request_id.clone();
        self.write_as(by, move |tx, _| Ok(tx.keep_call(&request_id)?)).await
    }

    /// Writes down what came of a call that was allowed; `false` where no claim of it is open.
    ///
    /// # Errors
    ///
    /// An error of the store.
    pub async fn report_tool_call(
        &self,
        by: &Caller,
        client: &str,
        ran: &RanCall,
        outcome: RunOutcome,
        detail: Option<PlainText>,
    ) -> Result<bool> {
        let call = ran.call_sha256(&by.name);
        let own_id = call.as_ref().and_then(|call| derived_id(client, call));
        let known_by = call.into_iter().chain([ran.ran_sha256(&by.name)]).collect::<Vec<_>>();
        let name = by.name.clone();
        let found = self.store.read(Priority::of(by), move |tx| {
            let mut record = own_id.as_ref().map(|id| tx.record(id)).transpose()?.flatten();
            for identity in &known_by {
                if record.is_none() {
                    record = tx.joined_call(identity)?;
                }
            }
            Ok::<_, Error>(record.filter(|record| record.interaction.registered_by == name))
        });
        let Some(Record { interaction, claim: Some(Claim::Taken(claim)), .. }) = found.await? else {
            return Ok(false);
        };
        if claim.report.is_some() {
            return Ok(false);
        }
        match self.report_outcome(by, &interaction.request_id, Some(claim.claim_id), outcome, detail).await {
            Ok(_) => Ok(true),
            // Another report of the same call was quicker.
            Err(Error::Refused(_)) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Supersedes what calls of this principal left pending in a conversation, but for that whose answer was said to be kept.
    ///
    /// # Errors
    ///
    /// An error of the store.
    pub async fn supersede_calls(&self, by: &Caller, conversation: &ConversationId) -> Result<Vec<RequestId>> {
        let conversation = conversation.clone();
        self.write_as(by, move |tx, by| {
            let mut superseded = Vec::new();
            for interaction in tx.pending_in(&conversation, Some(&by.name))? {
                let is_open = interaction.check_open(interaction.kind, tx.now()).is_ok();
                if is_open && tx.is_dropped_call(&interaction.request_id)? {
                    tx.resolve(&interaction, &Resolution::by_principal(Outcome::Superseded, by, tx.now()))?;
                    superseded.push(interaction.request_id);
                }
            }
            Ok(superseded)
        })
        .await
    }
}

/// What a call is known by.
#[derive(Clone, Debug)]
struct KnownBy {
    /// The id of the interaction that it registers, where it has an id of its own.
    own_id: Option<RequestId>,
    /// What tells it from other calls.
    identity: Option<[u8; 32]>,
    /// What it asks.
    asked_sha256: [u8; 32],
    kind: Kind,
    /// The digest of a confirmation's tool and input.
    input_digest: Option<String>,
    /// Where a confirmation's tool is to run.
    working_dir: Option<String>,
    /// What else is asked, as JSON.
    other: Option<String>,
}

impl KnownBy {
    fn of(call: &ToolCall, principal: &PrincipalName) -> Self {
        let confirmation = call.content.confirmation();
        Self {
            own_id: call.request_id(principal),
            identity: call.identity(principal),
            asked_sha256: call.asked_sha256(principal),
            kind: call.content.kind(),
            input_digest: confirmation.map(|asked| input_digest(asked.tool_name.as_str(), &asked.input)),
            working_dir: confirmation.and_then(|asked| asked.working_dir.clone()),
            other: other(&call.content),
        }
    }

    /// The interaction of this very call, whatever became of it.
    fn own(&self, tx: &mut WriteTx<'_>) -> Result<Option<Record>> {
        let own = match self.own_id.as_ref().map(|id| tx.record(id)).transpose()?.flatten() {
            Some(own) => Some(own),
            None => self.identity.as_ref().map(|identity| tx.joined_call(identity)).transpose()?.flatten(),
        };
        let Some(mut own) = own else { return Ok(None) };
        expire_if_overdue(tx, &mut own)?;
        Ok(Some(own))
    }

    /// Whether an interaction asks what this call asks.
    fn is_of(&self, record: &Record, principal: &PrincipalName) -> bool {
        let (digest, is_there) = match &record.body.content {
            Content::Confirmation(asked) => (asked.input_digest.as_ref(), asked.working_dir == self.working_dir),
            Content::Forgotten(remains) => (remains.input_digest.as_ref(), true),
            Content::Secret(_) | Content::Question(_) => (None, true),
        };
        is_there
            && record.interaction.registered_by == *principal
            && record.interaction.kind == self.kind
            && digest == self.input_digest.as_ref()
            && (other(&record.body.content) == self.other || record.forgetting.is_some())
    }

    /// The id of a new interaction: the call's own, else that of the next one that asks the same.
    fn new_id(&self, tx: &ReadTx<'_>, call: &ToolCall) -> Result<RequestId> {
        if let Some(own) = &self.own_id {
            return Ok(own.clone());
        }
        let next = call.nth_request_id(&self.asked_sha256, tx.calls_asked(&self.asked_sha256)?);
        let is_free = |id: &RequestId| Ok::<_, Error>(tx.interaction(id)?.is_none());
        match next {
            Some(id) if is_free(&id)? => Ok(id),
            // The agent has taken it by itself.
            Some(_) | None => Ok(RequestId::generate()),
        }
    }
}

/// What is asked that is no confirmation, as JSON.
fn other(content: &Content) -> Option<String> {
    match content {
        Content::Question(_) | Content::Secret(_) => content.to_json().ok(),
        Content::Confirmation(_) | Content::Forgotten(_) => None,
    }
}

/// Why a call does not run whose interaction ended like this.
fn denial(interaction: &Interaction, resolution: &Resolution) -> Denial {
    let request_id = interaction.request_id.clone();
    let by = match &resolution.by {
        ResolvedBy::Principal(name) => name.to_string(),
        ResolvedBy::TrustRule(rule_id) => format!("trust rule {rule_id}"),
        ResolvedBy::System(_) => "the deadline".to_owned(),
    };
    match resolution.outcome {
        Outcome::Rejected => Denial::Rejected { by, comment: resolution.detail.comment.clone() },
        Outcome::Cancelled
            if interaction.kind == Kind::Question
                && resolution.by != ResolvedBy::Principal(interaction.registered_by.clone()) =>
        {
            Denial::Declined { by }
        }
        outcome @ (Outcome::Approved
        | Outcome::Answered
        | Outcome::Expired
        | Outcome::Cancelled
        | Outcome::Superseded) => Denial::Ended { outcome, request_id },
    }
}

/// Why an approval was not claimed; what is no such reason comes back as the error that it is.
fn not_claimed(request_id: RequestId, refused: Refused) -> Result<Denial> {
    if let Refused::NotApproved { status: Status::Resolved(outcome) } = refused {
        return Ok(Denial::Ended { outcome, request_id });
    }
    if refused == Refused::AlreadyClaimed {
        return Ok(Denial::AlreadyClaimed { request_id });
    }
    if refused == Refused::ApprovalExpired {
        return Ok(Denial::ApprovalExpired { request_id });
    }
    if refused == Refused::ApprovalWithdrawn {
        return Ok(Denial::Withdrawn { request_id });
    }
    if refused == Refused::Forgotten {
        return Ok(Denial::Forgotten { request_id });
    }
    Err(refused.into())
}
