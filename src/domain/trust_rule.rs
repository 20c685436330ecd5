//! Standing decisions: what a trust rule says, and where it stands.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::clock::Timestamp;

use super::enums::{RuleDecision, RuleStatus};
use super::id::{PrincipalName, RequestId, RuleId, RuleName, ToolName};
use super::pattern::{Pattern, Scope};

/// What a trust rule says of its tool; two rules about one tool with equal terms are the same rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Terms {
    /// The subjects that it covers.
    pub pattern: Pattern,
    /// Where it applies.
    pub scope: Scope,
    /// What it does.
    pub decision: RuleDecision,
    /// Whether it allows high risk, too.
    pub allow_high_risk: bool,
    /// How long it lives, in milliseconds from its making; `None`: until it is revoked.
    pub lifetime_ms: Option<u64>,
    /// How often it may decide; `None`: any number of times.
    pub max_uses: Option<u64>,
}

/// A trust rule, as it stands.
#[derive(Clone, Debug)]
pub struct TrustRule {
    /// Its id: of this revision alone.
    pub rule_id: RuleId,
    /// The name that it is kept under in a file, where it is.
    pub name: Option<RuleName>,
    /// Which of the rules of that name this is: 1 is the first.
    pub revision: u64,
    /// Whether it still applies.
    pub status: RuleStatus,
    /// The tool that it is about.
    pub tool_name: ToolName,
    /// What it says of it.
    pub terms: Terms,
    /// When it was made.
    pub created_at: Timestamp,
    /// Who made it.
    pub created_by: PrincipalName,
    /// The request that it was made from.
    pub created_from: Option<RequestId>,
    /// From when on it no longer applies.
    pub expires_at: Option<Timestamp>,
    /// How often it has decided.
    pub use_count: u64,
    /// When it last did.
    pub last_used_at: Option<Timestamp>,
    /// When and by whom it was taken back.
    pub revoked: Option<(Timestamp, PrincipalName)>,
}

impl TrustRule {
    /// Returns a rule created at `now` that never expires, has no name and comes from no interaction.
    #[must_use]
    pub fn new(tool_name: ToolName, terms: Terms, created_by: PrincipalName, now: Timestamp) -> Self {
        Self {
            rule_id: RuleId::generate(),
            name: None,
            revision: 1,
            status: RuleStatus::Active,
            tool_name,
            terms,
            created_at: now,
            created_by,
            created_from: None,
            expires_at: None,
            use_count: 0,
            last_used_at: None,
            revoked: None,
        }
    }
}

/// A rule that took part in a decision.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RuleUse {
    /// Its id.
    pub rule_id: RuleId,
    /// Its revision.
    pub revision: u64,
}

impl From<&TrustRule> for RuleUse {
    fn from(rule: &TrustRule) -> Self {
        Self { rule_id: rule.rule_id.clone(), revision: rule.revision }
    }
}
