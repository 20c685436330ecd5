//! Interactions: how an agent registers, awaits, claims and ends them, and how everyone sees them.

use serde::{Deserialize, Deserializer, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::{BodyLimits, Invalid, WithRaw};
use crate::clock::Timestamp;
use crate::domain::acknowledgement::{Acknowledgement, required};
use crate::domain::bounded::LifetimeMs;
use crate::domain::enums::{Decision, Delivery, Kind, Outcome, RunOutcome};
use crate::domain::id::{ClaimId, ConversationId, PrincipalName, RequestId, TakeId, ToolName};
use crate::domain::interaction::{self, Deadline, Record, ResolvedBy, Status};
use crate::domain::json::JsonObject;
use crate::domain::kinds::{Confirmation, Content, Question, Response, SecretRequest};
use crate::domain::secret_value::SecretValue;
use crate::domain::traceparent::Traceparent;
use crate::domain::trust_rule::RuleUse;

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
        };
        Self {
            request_id: None,
            kind,
            conversation_id: None,
            expires_in_ms: None,
            expires_at: None,
            metadata: None,
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

/// An interaction, as everyone sees it.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[schema(as = InteractionView)]
#[serde(rename_all = "camelCase")]
#[expect(missing_docs, reason = "the interface's document has the words")]
pub struct Interaction {
    pub request_id: RequestId,
    pub kind: Kind,
    pub status: Status,
    pub conversation_id: Option<ConversationId>,
    pub registered_by: PrincipalName,
    pub created_at: Timestamp,
    pub expires_at: Option<Timestamp>,
    pub resolved_at: Option<Timestamp>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub traceparent: Option<Traceparent>,
    #[schema(value_type = Object)]
    pub metadata: JsonObject,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub confirmation: Option<Box<Confirmation>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub secret: Option<SecretRequest>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub question: Option<Question>,
    /// What an approval of a confirmation has to acknowledge.
    #[schema(value_type = Vec<Acknowledgement>, required = false)]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub acknowledgements: Option<Vec<Acknowledgement>>,
    pub resolution: Option<Resolution>,
    pub claim: Option<Claim>,
}

impl Interaction {
    /// How it ended; `None` while it is pending.
    #[must_use]
    pub const fn outcome(&self) -> Option<Outcome> {
        match self.status {
            Status::Pending => None,
            Status::Resolved(outcome) => Some(outcome),
        }
    }
}

impl From<Record> for Interaction {
    fn from(Record { interaction, body, claim }: Record) -> Self {
        let status = interaction.status();
        let resolved_at = interaction.resolution.as_ref().map(|resolution| resolution.at);
        let resolution = interaction.resolution.map(|resolution| Resolution::new(resolution, &body.content));
        let RegisterBody { kind, mut confirmation, secret, question, .. } = RegisterBody::new(body.content);
        let acknowledgements = confirmation.as_ref().map(|asked| required(asked, None));
        // A page of a list holds many of these, and none is looked into any more.
        confirmation.iter_mut().for_each(|asked| asked.input.drop_tree());
        Self {
            request_id: interaction.request_id,
            kind,
            status,
            conversation_id: interaction.conversation_id,
            registered_by: interaction.registered_by,
            created_at: interaction.created_at,
            expires_at: interaction.expires_at,
            resolved_at,
            traceparent: body.traceparent,
            metadata: body.metadata,
            confirmation,
            secret,
            question,
            acknowledgements,
            resolution,
            claim: claim.map(Claim::from),
        }
    }
}

/// How an interaction ended: one shape a kind; `resolvedBy` is in all of them.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = ResolutionView)]
#[serde(untagged)]
#[expect(missing_docs, reason = "the interface's document has the words")]
pub enum Resolution {
    #[serde(rename_all = "camelCase")]
    Confirmation {
        decision: Option<Decision>,
        resolved_by: ResolvedBy,
        comment: Option<String>,
        #[schema(value_type = Option<Object>)]
        effective_input: Option<JsonObject>,
        effective_input_digest: Option<String>,
        #[serde(skip_serializing_if = "Option::is_none")]
        trust_rules: Option<Vec<RuleUse>>,
    },
    #[serde(rename_all = "camelCase")]
    Secret { resolved_by: ResolvedBy, delivery: Option<Delivery> },
    #[serde(rename_all = "camelCase")]
    Question { resolved_by: ResolvedBy, responses: Option<Vec<Response>> },
}

impl Resolution {
    fn new(resolution: interaction::Resolution, content: &Content) -> Self {
        let decision = resolution.decision();
        let interaction::Resolution { outcome, by: resolved_by, detail, .. } = resolution;
        match content {
            Content::Confirmation(proposed) => {
                let edited = detail.updated_input.zip(detail.updated_input_digest);
                let (effective_input, effective_input_digest) = match (outcome, edited) {
                    (Outcome::Approved, Some((input, digest))) => (Some(input), Some(digest)),
                    (Outcome::Approved, None) => (Some(proposed.input.clone()), proposed.input_digest.clone()),
                    _ => (None, None),
                };
                Self::Confirmation {
                    decision,
                    resolved_by,
                    comment: detail.comment,
                    effective_input,
                    effective_input_digest,
                    trust_rules: detail.trust_rules,
                }
            }
            Content::Secret(_) => Self::Secret { resolved_by, delivery: detail.delivery },
            Content::Question(_) => Self::Question { resolved_by, responses: detail.responses },
        }
    }

    /// Who or what resolved it.
    #[must_use]
    pub const fn resolved_by(&self) -> &ResolvedBy {
        match self {
            Self::Confirmation { resolved_by, .. }
            | Self::Secret { resolved_by, .. }
            | Self::Question { resolved_by, .. } => resolved_by,
        }
    }

    /// The answers to a question.
    #[must_use]
    pub fn responses(&self) -> &[Response] {
        match self {
            Self::Question { responses, .. } => responses.as_deref().unwrap_or_default(),
            Self::Confirmation { .. } | Self::Secret { .. } => &[],
        }
    }

    /// The digest of the input that was approved.
    #[must_use]
    pub fn effective_input_digest(&self) -> Option<&str> {
        match self {
            Self::Confirmation { effective_input_digest, .. } => effective_input_digest.as_deref(),
            Self::Secret { .. } | Self::Question { .. } => None,
        }
    }

    /// The input that was approved.
    #[must_use]
    pub const fn effective_input(&self) -> Option<&JsonObject> {
        match self {
            Self::Confirmation { effective_input, .. } => effective_input.as_ref(),
            Self::Secret { .. } | Self::Question { .. } => None,
        }
    }

    /// What becomes of a secret's value.
    #[must_use]
    pub const fn delivery(&self) -> Option<Delivery> {
        match self {
            Self::Secret { delivery, .. } => *delivery,
            Self::Confirmation { .. } | Self::Question { .. } => None,
        }
    }

    /// What the person added to a decision.
    #[must_use]
    pub fn comment(&self) -> Option<&str> {
        match self {
            Self::Confirmation { comment, .. } => comment.as_deref(),
            Self::Secret { .. } | Self::Question { .. } => None,
        }
    }
}

impl<'de> Deserialize<'de> for Resolution {
    /// By the member that only one kind has: it is there, be it null.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Members {
            resolved_by: ResolvedBy,
            decision: Option<Decision>,
            comment: Option<String>,
            effective_input: Option<JsonObject>,
            effective_input_digest: Option<String>,
            trust_rules: Option<Vec<RuleUse>>,
            #[serde(default, deserialize_with = "present")]
            delivery: Option<Option<Delivery>>,
            #[serde(default, deserialize_with = "present")]
            responses: Option<Option<Vec<Response>>>,
        }

        let members = Members::deserialize(deserializer)?;
        let resolved_by = members.resolved_by;
        Ok(match (members.delivery, members.responses) {
            (Some(delivery), _) => Self::Secret { resolved_by, delivery },
            (None, Some(responses)) => Self::Question { resolved_by, responses },
            (None, None) => Self::Confirmation {
                decision: members.decision,
                resolved_by,
                comment: members.comment,
                effective_input: members.effective_input,
                effective_input_digest: members.effective_input_digest,
                trust_rules: members.trust_rules,
            },
        })
    }
}

/// A member that is there, whatever it holds.
fn present<'de, T: Deserialize<'de>, D: Deserializer<'de>>(deserializer: D) -> Result<Option<T>, D::Error> {
    T::deserialize(deserializer).map(Some)
}

/// That an agent has acted on an approval, and what came of it.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[schema(as = ClaimView)]
#[serde(rename_all = "camelCase")]
#[expect(missing_docs, reason = "the interface's document has the words")]
pub struct Claim {
    pub claim_id: ClaimId,
    pub claimed_at: Timestamp,
    pub outcome: Option<RunOutcome>,
    pub detail: Option<String>,
    pub outcome_at: Option<Timestamp>,
}

impl From<interaction::Claim> for Claim {
    fn from(claim: interaction::Claim) -> Self {
        let (outcome, detail, outcome_at) = match claim.report {
            Some(report) => (Some(report.outcome), report.detail, Some(report.at)),
            None => (None, None, None),
        };
        Self { claim_id: claim.claim_id, claimed_at: claim.claimed_at, outcome, detail, outcome_at }
    }
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
    #[param(minimum = 1, maximum = 500)]
    pub limit: Option<u32>,
    #[param(pattern = "^[0-9a-z]{1,12}$")]
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
    #[param(pattern = "^[0-9a-z]{1,12}$")]
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
