//! Why a person is asked.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::domain::enums::RuleDecision;
use crate::domain::id::{RequestId, RuleId};
use crate::domain::matcher::{Found, Sign, Signs};
use crate::domain::rule_set::{self, MissedPart, WhyAsked};

/// Why a person is asked, by the rules as they stand, and which of them came nearest.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[schema(as = WhyView)]
#[serde(rename_all = "camelCase")]
#[expect(missing_docs, reason = "the interface's document has the words")]
pub struct Why {
    pub request_id: RequestId,
    pub reason: WhyAsked,
    pub because: String,
    pub nearest: Vec<NearRule>,
    #[serde(default)]
    pub signs: Vec<FoundSign>,
}

/// What the input itself says that a call does; that a sign is not there says nothing.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[schema(as = SignView)]
#[serde(rename_all = "camelCase")]
#[expect(missing_docs, reason = "the interface's document has the words")]
pub struct FoundSign {
    pub sign: Sign,
    pub named: Vec<String>,
}

/// A rule that came near, and what of it missed.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[schema(as = NearRuleView)]
#[serde(rename_all = "camelCase")]
#[expect(missing_docs, reason = "the interface's document has the words")]
pub struct NearRule {
    pub rule_id: RuleId,
    pub decision: RuleDecision,
    pub missed: Option<MissedPart>,
    pub because: String,
}

impl Why {
    /// Why a person is asked about the interaction of this id.
    #[must_use]
    pub fn new(request_id: RequestId, why: rule_set::Why, signs: Signs) -> Self {
        let rule_set::Why { reason, because, nearest } = why;
        let nearest = nearest.into_iter().map(NearRule::from).collect();
        let signs = signs.found.into_iter().map(|Found { sign, named }| FoundSign { sign, named }).collect();
        Self { request_id, reason, because, nearest, signs }
    }
}

impl From<rule_set::NearRule> for NearRule {
    fn from(near: rule_set::NearRule) -> Self {
        let rule_set::NearRule { rule_id, decision, missed, because } = near;
        Self { rule_id, decision, missed, because }
    }
}
