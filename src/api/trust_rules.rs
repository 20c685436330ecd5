//! Trust rules.

use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::{BodyLimits, Interaction, Invalid, Warning, WithRaw};
use crate::clock::Timestamp;
use crate::domain::bounded::{LifetimeMs, Uses};
use crate::domain::enums::{ExecutionTarget, Kind, RuleDecision, RuleStatus};
use crate::domain::id::{IdPrefix, PrincipalName, RequestId, RuleId, RuleName, ToolName};
use crate::domain::json::{null_as_absent, null_as_any};
use crate::domain::members::Members;
use crate::domain::pattern::{Pattern, Reason, Scope};
use crate::domain::rule_set::MissedPart;
use crate::domain::trust_rule::{self, NamedParts, NewTerms, Terms};

/// A rule that is to be made, or previewed: from a request, or of one's own.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[schema(as = RuleBody)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[expect(missing_docs, reason = "the interface's document has the words")]
pub struct TrustRuleBody {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub request_id: Option<RequestId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tool_name: Option<ToolName>,
    pub pattern: Pattern,
    pub scope: Scope,
    pub decision: RuleDecision,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub members: Option<Members>,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "null_as_any")]
    #[schema(value_type = Option<PrincipalName>)]
    pub agent: Option<Option<PrincipalName>>,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "null_as_any")]
    #[schema(value_type = Option<ExecutionTarget>)]
    pub execution_target: Option<Option<ExecutionTarget>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<Reason>,
    #[serde(default, deserialize_with = "null_as_absent")]
    pub allow_high_risk: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(inline)]
    pub expires_in_ms: Option<LifetimeMs>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(inline)]
    pub max_uses: Option<Uses>,
    #[serde(default, deserialize_with = "null_as_absent")]
    pub apply_to_pending: bool,
}

impl TrustRuleBody {
    /// Checks what can be checked without the request.
    ///
    /// # Errors
    ///
    /// The first field at fault: neither or both of `requestId` and `toolName`, an `ask` from a request, what is too long.
    pub fn check(&self, limits: &BodyLimits) -> Result<(), Invalid> {
        limits.check_pattern("pattern", self.pattern.as_str().len())?;
        limits.check_pattern("scope", self.scope.as_str().len())?;
        limits.check_pattern("reason", self.reason.as_ref().map_or(0, |reason| reason.as_str().len()))?;
        self.scope.check().map_err(|problem| Invalid::field("scope", problem))?;
        match (&self.request_id, &self.tool_name) {
            (Some(_), None) if self.decision == RuleDecision::Ask => {
                Err(Invalid::field("decision", "a rule made from a request allows or denies"))
            }
            (Some(_), None) | (None, Some(_)) => Ok(()),
            (Some(_), Some(_)) => {
                Err(Invalid::field("toolName", "give requestId or toolName, not both: a request has its tool"))
            }
            (None, None) => Err(Invalid::field("toolName", "a rule of one's own names its toolName")),
        }
    }

    /// What the rule says.
    #[must_use]
    pub fn terms(&self) -> NewTerms {
        let terms = Terms {
            reason: self.reason.clone(),
            allow_high_risk: self.allow_high_risk,
            lifetime_ms: self.expires_in_ms.map(LifetimeMs::get),
            max_uses: self.max_uses.map(Uses::get),
            ..Terms::new(self.pattern.clone(), self.scope.clone(), self.decision)
        };
        let named = NamedParts {
            members: self.members.clone(),
            agent: self.agent.clone(),
            execution_target: self.execution_target,
        };
        NewTerms { terms, named }
    }
}

/// Which rules a list shows.
#[derive(Clone, Debug, Default, Serialize, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[into_params(parameter_in = Query)]
#[expect(missing_docs, reason = "they are the members of a rule, and of every list")]
pub struct ListTrustRules {
    pub status: Option<RuleStatus>,
    pub tool_name: Option<ToolName>,
    pub name: Option<RuleName>,
    #[param(inline)]
    pub id_prefix: Option<IdPrefix>,
    #[param(minimum = 1, maximum = 500)]
    pub limit: Option<u32>,
    #[param(pattern = "^[0-9a-f]{6}[0-9a-z]{1,13}$")]
    pub cursor: Option<String>,
}

/// A page of rules, newest first.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[schema(as = RuleList)]
#[serde(rename_all = "camelCase")]
#[expect(missing_docs, reason = "the interface's document has the words")]
pub struct TrustRuleList {
    #[schema(value_type = Vec<TrustRule>)]
    pub trust_rules: Vec<WithRaw<TrustRule>>,
    pub next_cursor: Option<String>,
}

/// A trust rule, as the API shows it.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[schema(as = TrustRuleView)]
#[serde(rename_all = "camelCase")]
#[expect(missing_docs, reason = "the interface's document has the words")]
pub struct TrustRule {
    pub rule_id: RuleId,
    pub name: Option<RuleName>,
    pub revision: u64,
    pub kind: Kind,
    pub status: RuleStatus,
    #[schema(value_type = String)]
    pub tool_name: ToolName,
    #[schema(value_type = String)]
    pub pattern: Pattern,
    #[schema(value_type = String)]
    pub scope: Scope,
    pub decision: RuleDecision,
    pub members: Members,
    pub agent: Option<PrincipalName>,
    pub execution_target: Option<ExecutionTarget>,
    #[schema(value_type = Option<String>)]
    pub reason: Option<Reason>,
    pub covers_less: bool,
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

impl From<trust_rule::TrustRule> for TrustRule {
    fn from(rule: trust_rule::TrustRule) -> Self {
        let covers_less = rule.covers_less();
        let (revoked_at, revoked_by) = rule.revoked.unzip();
        Self {
            rule_id: rule.rule_id,
            name: rule.name,
            revision: rule.revision,
            kind: Kind::Confirmation,
            status: rule.status,
            tool_name: rule.tool_name,
            pattern: rule.terms.pattern,
            scope: rule.terms.scope,
            decision: rule.terms.decision,
            members: rule.terms.parts.members,
            agent: rule.terms.parts.agent,
            execution_target: rule.terms.parts.execution_target,
            reason: rule.terms.reason,
            covers_less,
            allow_high_risk: rule.terms.allow_high_risk,
            created_at: rule.created_at,
            created_by: rule.created_by,
            created_from: rule.created_from,
            expires_at: rule.expires_at,
            max_uses: rule.terms.max_uses,
            use_count: rule.use_count,
            last_used_at: rule.last_used_at,
            revoked_at,
            revoked_by,
        }
    }
}

/// A rule that was made, or stands already; and what it has resolved, where it was to.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[schema(as = Made)]
#[serde(rename_all = "camelCase")]
#[expect(missing_docs, reason = "the interface's document has the words")]
pub struct MadeTrustRule {
    pub accepted: bool,
    pub trust_rule: TrustRule,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resolved: Option<Vec<RequestId>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub warnings: Option<Vec<Warning>>,
}

/// How many of the latest confirmations were looked at, which of them the rule would have decided, those first that a
/// person had decided the other way round, what is pending that it would decide, and what of that comes nearest to it.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[schema(as = PreviewView)]
#[serde(rename_all = "camelCase")]
#[expect(missing_docs, reason = "the interface's document has the words")]
pub struct TrustRulePreview {
    pub examined: usize,
    #[schema(value_type = Vec<Interaction>)]
    pub decided: Vec<WithRaw<Interaction>>,
    #[schema(value_type = Vec<Interaction>)]
    pub pending: Vec<WithRaw<Interaction>>,
    pub counts: PreviewCounts,
    pub truncated: bool,
    pub covers: Option<Covers>,
    pub near_misses: Vec<NearMiss>,
}

/// Whether a rule covers the confirmation that it is made from, and if not, why.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[schema(as = CoversView)]
#[serde(rename_all = "camelCase")]
#[expect(missing_docs, reason = "the interface's document has the words")]
pub struct Covers {
    pub request_id: RequestId,
    pub covered: bool,
    pub missed: Option<MissedPart>,
    pub because: Option<String>,
}

/// Something that is pending and that a rule would not decide, though it comes near.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[schema(as = NearMissView)]
#[serde(rename_all = "camelCase")]
#[expect(missing_docs, reason = "the interface's document has the words")]
pub struct NearMiss {
    pub request_id: RequestId,
    pub missed: Option<MissedPart>,
    pub because: String,
}

/// How what a rule would have decided was decided without it.
#[derive(Clone, Copy, Debug, Serialize, Deserialize, ToSchema)]
#[schema(as = Counts)]
#[serde(rename_all = "camelCase")]
#[expect(missing_docs, reason = "the interface's document has the words")]
pub struct PreviewCounts {
    pub contradicted: usize,
    pub approved: usize,
    pub rejected: usize,
    pub by_rules: usize,
    pub unanswered: usize,
    pub pending: usize,
}
