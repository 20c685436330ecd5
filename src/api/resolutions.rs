//! What a person resolves an interaction with, and how the API shows it afterwards.

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use utoipa::ToSchema;

use super::{BodyLimits, Invalid, Warning};
use crate::clock::Timestamp;
use crate::domain::acknowledgement::Acknowledgement;
use crate::domain::enums::{Decision, Delivery, ExecutionTarget, Kind, Outcome};
use crate::domain::id::{PrincipalName, RequestId};
use crate::domain::interaction::{self, ResolvedBy};
use crate::domain::json::{JsonObject, null_as_any};
use crate::domain::kinds::{Content, Remains, Response, check_form};
use crate::domain::members::Members;
use crate::domain::pattern::{Pattern, Scope};
use crate::domain::secret_value::SecretValue;
use crate::domain::text::PlainText;
use crate::domain::trust_rule::RuleUse;

/// A decision on a confirmation.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[expect(missing_docs, reason = "the interface's document has the words")]
pub struct ConfirmBody {
    pub request_id: RequestId,
    pub decision: Decision,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, pattern = r"^[^\x00]*$")]
    pub comment: Option<PlainText>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub updated_input: Option<JsonObject>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub selected_pattern: Option<Pattern>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub selected_scope: Option<Scope>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub selected_members: Option<Members>,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "null_as_any")]
    #[schema(value_type = Option<PrincipalName>)]
    pub selected_agent: Option<Option<PrincipalName>>,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "null_as_any")]
    #[schema(value_type = Option<ExecutionTarget>)]
    pub selected_execution_target: Option<Option<ExecutionTarget>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub acknowledged: Option<Vec<Acknowledgement>>,
}

impl ConfirmBody {
    /// A bare decision.
    #[must_use]
    pub const fn new(request_id: RequestId, decision: Decision) -> Self {
        Self {
            request_id,
            decision,
            comment: None,
            updated_input: None,
            selected_pattern: None,
            selected_scope: None,
            selected_members: None,
            selected_agent: None,
            selected_execution_target: None,
            acknowledged: None,
        }
    }

    /// Checks what can be checked without the confirmation.
    ///
    /// # Errors
    ///
    /// The first field at fault: an input that is edited to be denied, half a rule, what is too large.
    pub fn check(&self, limits: &BodyLimits) -> Result<(), Invalid> {
        if let Some(input) = &self.updated_input {
            if self.decision == Decision::Deny {
                return Err(Invalid::field("updatedInput", "an input is edited to be allowed, not to be denied"));
            }
            limits.check_input("updatedInput", input.text().len())?;
        }
        match (&self.selected_pattern, &self.selected_scope) {
            (Some(pattern), Some(scope)) => {
                limits.check_pattern("selectedPattern", pattern.as_str().len())?;
                limits.check_pattern("selectedScope", scope.as_str().len())?;
                scope.check().map_err(|problem| Invalid::field("selectedScope", problem))
            }
            (None, None) => self.check_no_parts(),
            (Some(_), None) => Err(Invalid::field("selectedScope", "selectedPattern and selectedScope go together")),
            (None, Some(_)) => Err(Invalid::field("selectedPattern", "selectedPattern and selectedScope go together")),
        }
    }
}

impl ConfirmBody {
    /// Refuses what is said of a rule where none is selected.
    fn check_no_parts(&self) -> Result<(), Invalid> {
        let said = [
            ("selectedMembers", self.selected_members.is_some()),
            ("selectedAgent", self.selected_agent.is_some()),
            ("selectedExecutionTarget", self.selected_execution_target.is_some()),
        ];
        match said.iter().find(|(_, is_said)| *is_said) {
            Some((field, _)) => Err(Invalid::field(*field, "it goes with selectedPattern and selectedScope")),
            None => Ok(()),
        }
    }
}

/// The value of a secret, or none to decline.
#[derive(Serialize, Deserialize, ToSchema)]
#[schema(as = GiveBody)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[expect(missing_docs, reason = "the interface's document has the words")]
pub struct ProvideSecretBody {
    pub request_id: RequestId,
    #[schema(value_type = Option<String>, pattern = r"\S")]
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "expose")]
    pub value: Option<SecretValue>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub delivery: Option<Delivery>,
}

/// Writes a value down, where there is one.
fn expose<S: Serializer>(value: &Option<SecretValue>, serializer: S) -> Result<S::Ok, S::Error> {
    match value {
        Some(value) => value.serialize_exposed(serializer),
        None => serializer.serialize_none(),
    }
}

/// The answers to a question.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[expect(missing_docs, reason = "the interface's document has the words")]
pub struct AnswerBody {
    pub request_id: RequestId,
    pub responses: Vec<Response>,
}

impl AnswerBody {
    /// Checks what can be checked without the question.
    ///
    /// # Errors
    ///
    /// A response that comes twice, or says nothing.
    pub fn check(&self) -> Result<(), Invalid> {
        check_form(&self.responses).map_err(|problem| Invalid::field("responses", problem))
    }
}

/// That it was accepted.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[expect(missing_docs, reason = "the interface's document has the words")]
pub struct Accepted {
    pub accepted: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub warnings: Option<Vec<Warning>>,
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
    pub(super) fn new(
        resolution: interaction::Resolution,
        content: &Content,
        wiping: Option<interaction::Wiping>,
    ) -> Self {
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
