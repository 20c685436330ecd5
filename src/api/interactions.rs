//! The calls on interactions: how an agent awaits, claims and ends them, and the lists of them.

use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::{Interaction, WithRaw};
use crate::clock::Timestamp;
use crate::domain::enums::{Delivery, Kind, ListFormat, RiskLevel, RunOutcome};
use crate::domain::id::{ClaimId, ConversationId, IdPrefix, PrincipalName, TakeId, ToolName};
use crate::domain::interaction::{self, Status};
use crate::domain::json::JsonObject;
use crate::domain::query::Query;
use crate::domain::secret_value::SecretValue;
use crate::domain::text::PlainText;

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
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[into_params(parameter_in = Query)]
#[expect(missing_docs, reason = "they are the members of an interaction, and of every list")]
pub struct ListInteractions {
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[param(value_type = Option<Vec<Status>>, style = Form, explode = true)]
    pub status: Vec<String>,
    pub kind: Option<Kind>,
    pub conversation_id: Option<ConversationId>,
    pub tool_name: Option<ToolName>,
    pub principal: Option<PrincipalName>,
    #[param(inline)]
    pub id_prefix: Option<IdPrefix>,
    pub since: Option<Timestamp>,
    pub until: Option<Timestamp>,
    pub risk: Option<RiskLevel>,
    pub by: Option<PrincipalName>,
    #[param(inline)]
    pub q: Option<Query>,
    #[param(inline)]
    pub format: Option<ListFormat>,
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
    #[schema(value_type = Option<String>, pattern = r"^[^\x00]*$")]
    pub detail: Option<PlainText>,
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
