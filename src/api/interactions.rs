//! The calls on interactions: how an agent registers, awaits, claims and ends them, and the lists of them.

use serde::{Deserialize, Deserializer, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::{BodyLimits, Interaction, Invalid, WithRaw};
use crate::clock::Timestamp;
use crate::domain::bounded::LifetimeMs;
use crate::domain::enums::{Delivery, Kind, RunOutcome};
use crate::domain::id::{ClaimId, ConversationId, IdPrefix, PrincipalName, RequestId, TakeId, ToolName};
use crate::domain::interaction::{Deadline, Record, Status};
use crate::domain::json::JsonObject;
use crate::domain::kinds::{Confirmation, Content, Question, SecretRequest};
use crate::domain::origin::Origin;
use crate::domain::secret_value::SecretValue;

/// What an agent registers: the member named after the kind, and no other kind's.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[expect(missing_docs, reason = "the interface's document has the words")]
pub struct RegisterBody {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub request_id: Option<RequestId>,
    pub kind: Kind,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub conversation_id: Option<ConversationId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(inline)]
    pub expires_in_ms: Option<LifetimeMs>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub metadata: Option<JsonObject>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub origin: Option<Origin>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub confirmation: Option<Box<Confirmation>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub secret: Option<SecretRequest>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub question: Option<Question>,
}

impl RegisterBody {
    /// A registration of `content` with nothing else said.
    #[must_use]
    pub fn new(content: Content) -> Self {
        let kind = content.kind();
        let (confirmation, secret, question) = match content {
            Content::Confirmation(confirmation) => (Some(confirmation), None, None),
            Content::Secret(secret) => (None, Some(secret), None),
            Content::Question(question) => (None, None, Some(question)),
            Content::Forgotten(_) => (None, None, None),
        };
        Self {
            request_id: None,
            kind,
            conversation_id: None,
            expires_in_ms: None,
            expires_at: None,
            metadata: None,
            origin: None,
            confirmation,
            secret,
            question,
        }
    }

    /// Until when the interaction may be resolved.
    ///
    /// # Errors
    ///
    /// When two deadlines are given.
    pub fn deadline(&self) -> Result<Deadline, Invalid> {
        match (self.expires_in_ms, self.expires_at) {
            (None, None) => Ok(Deadline::Default),
            (Some(millis), None) => Ok(Deadline::In(millis.get())),
            (None, Some(moment)) => Ok(Deadline::At(moment)),
            (Some(_), Some(_)) => Err(Invalid::field("expiresAt", "give expiresInMs or expiresAt, not both")),
        }
    }

    /// What is asked, checked and completed; it is taken out of the body.
    ///
    /// # Errors
    ///
    /// The first field at fault: another kind's member, what the kind does not allow, what is too large.
    pub fn take_content(&mut self, limits: &BodyLimits) -> Result<Content, Invalid> {
        let content = match (self.kind, self.confirmation.take(), self.secret.take(), self.question.take()) {
            (Kind::Confirmation, Some(confirmation), None, None) => Content::Confirmation(confirmation),
            (Kind::Secret, None, Some(secret), None) => Content::Secret(secret),
            (Kind::Question, None, None, Some(question)) => Content::Question(question),
            (kind, ..) => {
                let message = format!("an interaction of kind {kind} has the member {kind}, and no other kind's");
                return Err(Invalid::field(kind.as_str(), message));
            }
        };
        if let Content::Confirmation(confirmation) = &content {
            check_limits(confirmation, limits)?;
        }
        let kind = self.kind;
        content.accept().map_err(|error| Invalid::field(format!("{kind}.{}", error.field), error.message))
    }
}

fn check_limits(confirmation: &Confirmation, limits: &BodyLimits) -> Result<(), Invalid> {
    limits.check_input("confirmation.input", confirmation.input.text().len())?;
    let longest = confirmation.allowlist_options.iter().map(|option| option.pattern.as_str().len()).max();
    limits.check_pattern("confirmation.allowlistOptions", longest.unwrap_or(0))?;
    let longest = confirmation.scope_options.iter().map(|option| option.scope.as_str().len()).max();
    limits.check_pattern("confirmation.scopeOptions", longest.unwrap_or(0))
}

/// How long a call waits for a resolution.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[into_params(parameter_in = Query)]
#[expect(missing_docs, reason = "the interface's document has the words")]
pub struct WaitInteraction {
    #[param(maximum = 300_000)]
    pub wait_ms: Option<u64>,
}

/// Which interactions a list shows.
#[derive(Clone, Debug, Default, Serialize, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[into_params(parameter_in = Query)]
#[expect(missing_docs, reason = "they are the members of an interaction, and of every list")]
pub struct ListInteractions {
    #[param(value_type = Option<Status>)]
    pub status: Option<String>,
    pub kind: Option<Kind>,
    pub conversation_id: Option<ConversationId>,
    pub tool_name: Option<ToolName>,
    pub principal: Option<PrincipalName>,
    #[param(inline)]
    pub id_prefix: Option<IdPrefix>,
    #[param(minimum = 1, maximum = 500)]
    pub limit: Option<u32>,
    #[param(pattern = "^[0-9a-f]{6}[0-9a-z]{1,13}$")]
    pub cursor: Option<String>,
}

/// A page of interactions, newest first.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[expect(missing_docs, reason = "the interface's document has the words")]
pub struct InteractionList {
    #[schema(value_type = Vec<Interaction>)]
    pub interactions: Vec<WithRaw<Interaction>>,
    pub next_cursor: Option<String>,
}

/// Of which conversation what is pending is shown; of all where none is given.
#[derive(Clone, Debug, Default, Serialize, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[into_params(parameter_in = Query)]
#[expect(missing_docs, reason = "they are the members of every list")]
pub struct ListPending {
    pub conversation_id: Option<ConversationId>,
    #[param(minimum = 1, maximum = 500)]
    pub limit: Option<u32>,
    #[param(pattern = "^[0-9a-f]{6}[0-9a-z]{1,13}$")]
    pub cursor: Option<String>,
}

/// What is pending, as the query asked for it.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(untagged)]
#[expect(missing_docs, reason = "the interface's document has the words")]
pub enum Pending {
    All(InteractionList),
    Newest(Box<NewestPending>),
}

impl<'de> Deserialize<'de> for Pending {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Members {
            interactions: Option<Vec<WithRaw<Interaction>>>,
            next_cursor: Option<String>,
            pending_confirmation: Option<Interaction>,
            pending_secret: Option<Interaction>,
            pending_question: Option<Interaction>,
        }

        let members = Members::deserialize(deserializer)?;
        Ok(match members.interactions {
            Some(interactions) => Self::All(InteractionList { interactions, next_cursor: members.next_cursor }),
            None => Self::Newest(Box::new(NewestPending {
                pending_confirmation: members.pending_confirmation,
                pending_secret: members.pending_secret,
                pending_question: members.pending_question,
            })),
        })
    }
}

/// The newest interaction of each kind that is pending in a conversation.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[expect(missing_docs, reason = "the interface's document has the words")]
pub struct NewestPending {
    pub pending_confirmation: Option<Interaction>,
    pub pending_secret: Option<Interaction>,
    pub pending_question: Option<Interaction>,
}

impl From<Vec<Record>> for NewestPending {
    /// From at most one record of each kind.
    fn from(records: Vec<Record>) -> Self {
        let mut newest = Self { pending_confirmation: None, pending_secret: None, pending_question: None };
        for record in records {
            let member = match record.interaction.kind {
                Kind::Confirmation => &mut newest.pending_confirmation,
                Kind::Secret => &mut newest.pending_secret,
                Kind::Question => &mut newest.pending_question,
            };
            *member = Some(record.into());
        }
        newest
    }
}

/// The body of a request that needs nothing: empty, or `{}`.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize, ToSchema)]
#[schema(as = Nothing)]
#[serde(deny_unknown_fields)]
pub struct NoBody {}

/// A claim of the right to act on an approved confirmation.
#[derive(Clone, Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[expect(missing_docs, reason = "the interface's document has the words")]
pub struct ClaimBody {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub input_digest: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub claim_id: Option<ClaimId>,
}

/// The right to act, and on what.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[schema(as = ClaimedView)]
#[serde(rename_all = "camelCase")]
#[expect(missing_docs, reason = "the interface's document has the words")]
pub struct ClaimGrant {
    pub claim_id: ClaimId,
    pub effective_input: JsonObject,
    pub effective_input_digest: String,
}

/// What came of an action that was claimed.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[expect(missing_docs, reason = "the interface's document has the words")]
pub struct OutcomeBody {
    pub claim_id: ClaimId,
    pub outcome: RunOutcome,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
}

/// A taking of a secret that was given.
#[derive(Clone, Debug, Default, Serialize, Deserialize, ToSchema)]
#[schema(as = TakeBody)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[expect(missing_docs, reason = "the interface's document has the words")]
pub struct TakeSecretBody {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub take_id: Option<TakeId>,
}

/// A secret in the hands of the agent that asked for it. It cannot be printed by mistake.
#[derive(Serialize, Deserialize, ToSchema)]
#[schema(as = TakenView)]
#[serde(rename_all = "camelCase")]
#[expect(missing_docs, reason = "the interface's document has the words")]
pub struct SecretHandout {
    #[schema(value_type = String)]
    #[serde(serialize_with = "SecretValue::serialize_exposed")]
    pub value: SecretValue,
    pub delivery: Delivery,
    pub take_id: TakeId,
}

/// Which interactions were closed.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[schema(as = SupersededView)]
#[expect(missing_docs, reason = "the interface's document has the words")]
pub struct Superseded {
    pub superseded: Vec<RequestId>,
}
