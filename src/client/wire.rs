//! What comes over the wire, as far as the commands look into it.

use serde::de::{DeserializeOwned, Error as _};
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

use crate::clock::Timestamp;
use crate::domain::enums::{Delivery, Kind, Outcome, RuleDecision, RuleStatus, RunOutcome};
use crate::domain::id::{ClaimId, ConversationId, PrincipalName, RequestId, RuleId, TakeId, ToolName};
use crate::domain::interaction::{ResolvedBy, Status};
use crate::domain::json::JsonObject;
use crate::domain::kinds::{Confirmation, SecretRequest};
use crate::domain::kinds::{Question, Response};
use crate::domain::pattern::{Pattern, Scope};

/// Something that the server said: read, and to the letter.
#[derive(Clone, Debug)]
pub struct WithRaw<T> {
    /// The very text.
    pub json: Box<RawValue>,
    /// What it says.
    pub value: T,
}

impl<'de, T: DeserializeOwned> Deserialize<'de> for WithRaw<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let json = Box::<RawValue>::deserialize(deserializer)?;
        let value = serde_json::from_str(json.get()).map_err(D::Error::custom)?;
        Ok(Self { json, value })
    }
}

/// An interaction.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
#[expect(missing_docs, reason = "the contract has the words")]
pub struct Interaction {
    pub request_id: RequestId,
    pub kind: Kind,
    #[serde(deserialize_with = "status")]
    pub status: Status,
    pub conversation_id: Option<ConversationId>,
    pub registered_by: PrincipalName,
    pub created_at: Timestamp,
    pub expires_at: Option<Timestamp>,
    pub resolved_at: Option<Timestamp>,
    pub confirmation: Option<Box<Confirmation>>,
    pub secret: Option<SecretRequest>,
    pub question: Option<Question>,
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

fn status<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Status, D::Error> {
    String::deserialize(deserializer)?.parse().map_err(D::Error::custom)
}

/// How an interaction ended, whatever its kind.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
#[expect(missing_docs, reason = "the contract has the words")]
pub struct Resolution {
    pub resolved_by: ResolvedBy,
    pub comment: Option<String>,
    pub effective_input: Option<JsonObject>,
    pub effective_input_digest: Option<String>,
    pub delivery: Option<Delivery>,
    pub responses: Option<Vec<Response>>,
}

/// That somebody has acted on an approval, and what came of it.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
#[expect(missing_docs, reason = "the contract has the words")]
pub struct Claim {
    pub claim_id: ClaimId,
    pub claimed_at: Timestamp,
    pub outcome: Option<RunOutcome>,
    pub detail: Option<String>,
    pub outcome_at: Option<Timestamp>,
}

/// The answer to a claim.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
#[expect(missing_docs, reason = "the contract has the words")]
pub struct ClaimGrant {
    pub claim_id: ClaimId,
    pub effective_input: JsonObject,
    pub effective_input_digest: String,
}

/// A secret that was taken. It cannot be printed by mistake.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
#[expect(missing_docs, reason = "the contract has the words")]
pub struct SecretHandout {
    pub value: String,
    pub delivery: Delivery,
    pub take_id: TakeId,
}

/// That something was accepted.
#[derive(Clone, Copy, Debug, Deserialize)]
pub struct Accepted {
    /// It was.
    pub accepted: bool,
}

/// A trust rule.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
#[expect(missing_docs, reason = "the contract has the words")]
pub struct TrustRule {
    pub rule_id: RuleId,
    pub name: Option<String>,
    pub revision: u64,
    pub status: RuleStatus,
    pub tool_name: ToolName,
    pub pattern: Pattern,
    pub scope: Scope,
    pub decision: RuleDecision,
    pub allow_high_risk: bool,
    pub created_at: Timestamp,
    pub created_by: PrincipalName,
    pub created_from: Option<RequestId>,
    pub expires_at: Option<Timestamp>,
    pub max_uses: Option<u64>,
    pub use_count: u64,
    pub last_used_at: Option<Timestamp>,
    pub revoked_at: Option<Timestamp>,
    pub revoked_by: Option<PrincipalName>,
}

/// What a rule would have decided.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
#[expect(missing_docs, reason = "the contract has the words")]
pub struct Preview {
    pub examined: u64,
    pub decided: Vec<WithRaw<Interaction>>,
    pub pending: Vec<WithRaw<Interaction>>,
    pub counts: Counts,
    pub truncated: bool,
}

/// How what a rule would have decided was decided without it.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
#[expect(missing_docs, reason = "the contract has the words")]
pub struct Counts {
    pub contradicted: u64,
    pub approved: u64,
    pub rejected: u64,
    pub by_rules: u64,
    pub unanswered: u64,
    pub pending: u64,
}

/// One line of the history. What happened is a word that may be newer than this program.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
#[expect(missing_docs, reason = "the contract has the words")]
pub struct AuditEvent {
    pub seq: i64,
    pub at: Timestamp,
    pub event: String,
    pub request_id: Option<RequestId>,
    pub rule_id: Option<RuleId>,
    pub principal: Option<PrincipalName>,
    pub detail: Box<RawValue>,
}

/// A code to log in to the inbox with.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
#[expect(missing_docs, reason = "the contract has the words")]
pub struct LoginLink {
    pub code: String,
    pub expires_at: Timestamp,
}

/// A page of a list.
pub(super) trait Page {
    type Row;

    /// What is on it, and where the next one begins.
    fn into_rows(self) -> (Vec<Self::Row>, Option<String>);
}

macro_rules! pages {
    ($($page:ident { $rows:ident: $row:ty }),+) => {
        $(
            #[derive(Deserialize)]
            #[serde(rename_all = "camelCase")]
            pub(super) struct $page {
                $rows: Vec<WithRaw<$row>>,
                next_cursor: Option<String>,
            }

            impl Page for $page {
                type Row = WithRaw<$row>;

                fn into_rows(self) -> (Vec<Self::Row>, Option<String>) {
                    (self.$rows, self.next_cursor)
                }
            }
        )+
    };
}

pages!(
    InteractionPage { interactions: Interaction },
    RulePage { trust_rules: TrustRule },
    EventPage { audit_events: AuditEvent }
);
