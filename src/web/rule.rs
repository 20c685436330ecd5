//! A trust rule, as pages show it.

use super::moment::AbsoluteTime;
use super::text::{Markup, escape_untrusted};
use crate::domain::enums::{RuleDecision, RuleStatus};
use crate::domain::trust_rule::TrustRule;

/// What there is to say of a rule.
pub(super) struct Card {
    pub(super) rule_id: String,
    pub(super) name: Option<String>,
    pub(super) revision: u64,
    pub(super) status: RuleStatus,
    pub(super) decision: RuleDecision,
    pub(super) tool_name: Markup,
    pub(super) pattern: Markup,
    pub(super) scope: Markup,
    pub(super) allow_high_risk: bool,
    pub(super) use_count: u64,
    pub(super) max_uses: Option<u64>,
    pub(super) last_used_at: Option<AbsoluteTime>,
    pub(super) created_at: AbsoluteTime,
    pub(super) created_by: String,
    pub(super) created_from: Option<String>,
    pub(super) expires_at: Option<AbsoluteTime>,
    pub(super) revoked: Option<(AbsoluteTime, String)>,
}

impl From<&TrustRule> for Card {
    fn from(rule: &TrustRule) -> Self {
        Self {
            rule_id: rule.rule_id.to_string(),
            name: rule.name.as_ref().map(ToString::to_string),
            revision: rule.revision,
            status: rule.status,
            decision: rule.terms.decision,
            tool_name: escape_untrusted(rule.tool_name.as_str()),
            pattern: escape_untrusted(rule.terms.pattern.as_str()),
            scope: escape_untrusted(rule.terms.scope.as_str()),
            allow_high_risk: rule.terms.allow_high_risk,
            use_count: rule.use_count,
            max_uses: rule.terms.max_uses,
            last_used_at: rule.last_used_at.map(AbsoluteTime),
            created_at: AbsoluteTime(rule.created_at),
            created_by: rule.created_by.to_string(),
            created_from: rule.created_from.as_ref().map(ToString::to_string),
            expires_at: rule.expires_at.map(AbsoluteTime),
            revoked: rule.revoked.as_ref().map(|(at, by)| (AbsoluteTime(*at), by.to_string())),
        }
    }
}

impl Card {
    /// Whether it approves: only then the risk matters.
    pub(super) fn is_allowing(&self) -> bool {
        self.decision == RuleDecision::Allow
    }

    /// Whether it can be taken back.
    pub(super) fn is_active(&self) -> bool {
        self.status == RuleStatus::Active
    }
}
