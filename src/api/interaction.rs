//! An interaction, as the API shows it: what was asked, how it ended, and whether an agent has acted on it.

use serde::{Deserialize, Deserializer, Serialize};
use utoipa::ToSchema;

use super::{RegisterBody, Warning};
use crate::clock::Timestamp;
use crate::domain::acknowledgement::{Acknowledgement, required};
use crate::domain::enums::{Decision, Delivery, Kind, Outcome, RiskLevel, RunOutcome};
use crate::domain::id::{ClaimId, ConversationId, PrincipalName, RequestId, ToolName};
use crate::domain::interaction::{self, Record, ResolvedBy, Status};
use crate::domain::json::JsonObject;
use crate::domain::kinds::{Asked, Confirmation, Content, Question, Remains, Response, SecretRequest};
use crate::domain::origin::Origin;
use crate::domain::traceparent::Traceparent;
use crate::domain::trust_rule::RuleUse;

/// An interaction, as the API shows it.
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
    pub claim_expires_at: Option<Timestamp>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub traceparent: Option<Traceparent>,
    #[schema(value_type = Object)]
    pub metadata: JsonObject,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub origin: Option<Origin>,
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
    /// Its forgetting, and what is known of its content still; only where it is forgotten.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub forgotten: Option<Forgotten>,
    /// What the agent should know; only in the answer to a registration.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub warnings: Option<Vec<Warning>>,
}

impl Interaction {
    /// What is asked; `None` where the member named after the kind is missing.
    #[must_use]
    pub fn asked(&self) -> Option<Asked<'_>> {
        match self.kind {
            Kind::Confirmation => self.confirmation.as_deref().map(Asked::Confirmation),
            Kind::Secret => self.secret.as_ref().map(Asked::Secret),
            Kind::Question => self.question.as_ref().map(Asked::Question),
        }
    }

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
    fn from(Record { interaction, body, claim, wiping, forgetting }: Record) -> Self {
        let status = interaction.status();
        let claim_expires_at = interaction.claim_expires_at();
        let resolved_at = interaction.resolution.as_ref().map(|resolution| resolution.at);
        let resolution = interaction.resolution.map(|resolution| Resolution::new(resolution, &body.content, wiping));
        let forgotten = forgetting.map(|forgetting| Forgotten::new(forgetting, &body.content));
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
            claim_expires_at,
            traceparent: body.traceparent,
            metadata: body.metadata,
            origin: body.origin,
            confirmation,
            secret,
            question,
            acknowledgements,
            resolution,
            claim: claim.map(Claim::from),
            forgotten,
            warnings: None,
        }
    }
}

/// The forgetting of an interaction: who had it wiped, and what is known of its content still.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[schema(as = ForgottenView)]
#[serde(rename_all = "camelCase")]
pub struct Forgotten {
    /// When.
    pub at: Timestamp,
    /// By whom; null: because of its age.
    pub by: Option<PrincipalName>,
    /// The tool of a confirmation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tool_name: Option<ToolName>,
    /// The risk of a confirmation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub risk_level: Option<RiskLevel>,
    /// The digest of what a confirmation asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub input_digest: Option<String>,
}

impl Forgotten {
    fn new(interaction::Forgetting { by, at }: interaction::Forgetting, content: &Content) -> Self {
        let Content::Forgotten(Remains { tool_name, risk_level, input_digest, .. }) = content else {
            return Self { at, by, tool_name: None, risk_level: None, input_digest: None };
        };
        let (tool_name, input_digest) = (tool_name.clone(), input_digest.clone());
        Self { at, by, tool_name, risk_level: *risk_level, input_digest }
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
    Secret {
        resolved_by: ResolvedBy,
        delivery: Option<Delivery>,
        #[serde(skip_serializing_if = "Option::is_none")]
        wiped: Option<Wiped>,
    },
    #[serde(rename_all = "camelCase")]
    Question { resolved_by: ResolvedBy, responses: Option<Vec<Response>> },
}

impl Resolution {
    fn new(resolution: interaction::Resolution, content: &Content, wiping: Option<interaction::Wiping>) -> Self {
        let decision = resolution.decision();
        let interaction::Resolution { outcome, by: resolved_by, detail, .. } = resolution;
        match content {
            Content::Forgotten(remains) => Self::of_forgotten(outcome, decision, resolved_by, detail, remains, wiping),
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
            Content::Secret(_) => {
                let wiped = wiping.map(|interaction::Wiping { by, at }| Wiped { at, by });
                Self::Secret { resolved_by, delivery: detail.delivery, wiped }
            }
            Content::Question(_) => Self::Question { resolved_by, responses: detail.responses },
        }
    }

    /// What is known still: the digest of what was approved, and not what it was.
    fn of_forgotten(
        outcome: Outcome,
        decision: Option<Decision>,
        resolved_by: ResolvedBy,
        detail: interaction::Detail,
        remains: &Remains,
        wiping: Option<interaction::Wiping>,
    ) -> Self {
        match remains.kind {
            Kind::Confirmation => {
                let digest = detail.updated_input_digest.or_else(|| remains.input_digest.clone());
                Self::Confirmation {
                    decision,
                    resolved_by,
                    comment: None,
                    effective_input: None,
                    effective_input_digest: digest.filter(|_| outcome == Outcome::Approved),
                    trust_rules: detail.trust_rules,
                }
            }
            Kind::Secret => {
                let wiped = wiping.map(|interaction::Wiping { by, at }| Wiped { at, by });
                Self::Secret { resolved_by, delivery: detail.delivery, wiped }
            }
            Kind::Question => Self::Question { resolved_by, responses: None },
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

    /// Who wiped a secret's value, where a person has.
    #[must_use]
    pub const fn wiped(&self) -> Option<&Wiped> {
        match self {
            Self::Secret { wiped, .. } => wiped.as_ref(),
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
            wiped: Option<Wiped>,
            #[serde(default, deserialize_with = "present")]
            responses: Option<Option<Vec<Response>>>,
        }

        let members = Members::deserialize(deserializer)?;
        let resolved_by = members.resolved_by;
        Ok(match (members.delivery, members.responses) {
            (Some(delivery), _) => Self::Secret { resolved_by, delivery, wiped: members.wiped },
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

/// That a person wiped a secret's value.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[expect(missing_docs, reason = "the interface's document has the words")]
pub struct Wiped {
    pub at: Timestamp,
    pub by: PrincipalName,
}

/// A member that is there, whatever it holds.
fn present<'de, T: Deserialize<'de>, D: Deserializer<'de>>(deserializer: D) -> Result<Option<T>, D::Error> {
    T::deserialize(deserializer).map(Some)
}

/// What became of an approval: an agent has acted on it, or an approver has taken it back.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[schema(as = ClaimView)]
#[serde(untagged)]
#[expect(missing_docs, reason = "the interface's document has the words")]
pub enum Claim {
    #[serde(rename_all = "camelCase")]
    Taken {
        claim_id: ClaimId,
        claimed_at: Timestamp,
        outcome: Option<RunOutcome>,
        detail: Option<String>,
        outcome_at: Option<Timestamp>,
    },
    #[serde(rename_all = "camelCase")]
    Withdrawn { withdrawn_at: Timestamp, withdrawn_by: PrincipalName },
}

impl From<interaction::Claim> for Claim {
    fn from(claim: interaction::Claim) -> Self {
        let claim = match claim {
            interaction::Claim::Taken(claim) => claim,
            interaction::Claim::Withdrawn(interaction::Withdrawal { by, at }) => {
                return Self::Withdrawn { withdrawn_at: at, withdrawn_by: by };
            }
        };
        let (outcome, detail, outcome_at) = match claim.report {
            Some(report) => (Some(report.outcome), report.detail, Some(report.at)),
            None => (None, None, None),
        };
        Self::Taken { claim_id: claim.claim_id, claimed_at: claim.claimed_at, outcome, detail, outcome_at }
    }
}
