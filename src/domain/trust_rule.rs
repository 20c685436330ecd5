//! Standing decisions: which confirmations a trust rule applies to, and which rule wins.

use crate::clock::Timestamp;

use super::content::Confirmation;
use super::id::{PrincipalName, RequestId, RuleId, ToolName};
use super::pattern::{Pattern, Scope, Subject};
use super::words::{RiskLevel, RuleDecision, RuleStatus};

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
    /// How long it lives, in milliseconds from its making; `None`: for ever.
    pub lifetime_ms: Option<u64>,
    /// How often it may decide; `None`: any number of times.
    pub max_uses: Option<u64>,
}

/// A trust rule, as it stands.
#[derive(Clone, Debug)]
pub struct TrustRule {
    /// Its id.
    pub rule_id: RuleId,
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

/// A confirmation, as trust rules look at it.
#[derive(Clone, Debug)]
pub struct Candidate<'a> {
    confirmation: &'a Confirmation,
    subject: Subject,
    /// Who registered it: where self-approval is banned, a rule of that principal's own does not allow it.
    banned_author: Option<&'a PrincipalName>,
}

impl<'a> Candidate<'a> {
    /// `banned_author`: the principal whose own `allow` rules do not count, where there is one.
    #[must_use]
    pub fn new(confirmation: &'a Confirmation, banned_author: Option<&'a PrincipalName>) -> Self {
        Self { confirmation, subject: Subject::of(confirmation), banned_author }
    }
}

impl Terms {
    /// Whether a rule about `tool_name` of these terms, made by `author`, covers `candidate`.
    #[must_use]
    pub fn cover(&self, tool_name: &ToolName, candidate: &Candidate<'_>, author: &PrincipalName) -> bool {
        let confirmation = candidate.confirmation;
        let offered = confirmation.scope_options.iter().map(|option| &option.scope);
        let pattern_covers = || match self.decision {
            RuleDecision::Allow => {
                candidate.banned_author != Some(author)
                    && (self.allow_high_risk || confirmation.risk_level != RiskLevel::High)
                    && self.pattern.covers_safely(&candidate.subject)
            }
            // Caution needs no permission: what is denied or asked for at low risk is so at high risk, too.
            RuleDecision::Deny | RuleDecision::Ask => self.pattern.covers(&candidate.subject),
        };
        *tool_name == confirmation.tool_name
            && self.scope.covers(confirmation.working_dir.as_deref(), offered)
            && pattern_covers()
    }
}

impl TrustRule {
    /// Whether this may decide `candidate` at `now`: it stands, has uses left, and its terms cover it.
    #[must_use]
    pub fn applies_to(&self, candidate: &Candidate<'_>, now: Timestamp) -> bool {
        self.status == RuleStatus::Active
            && self.expires_at.is_none_or(|end| now < end)
            && self.terms.max_uses.is_none_or(|max| self.use_count < max)
            && self.terms.cover(&self.tool_name, candidate, &self.created_by)
    }
}

/// The rule that decides `candidate`, if any applies: deny beats ask beats allow, whatever the order of `rules`; among
/// equals the oldest.
#[must_use]
pub fn deciding<'a>(rules: &'a [TrustRule], candidate: &Candidate<'_>, now: Timestamp) -> Option<&'a TrustRule> {
    let rank = |rule: &TrustRule| match rule.terms.decision {
        RuleDecision::Deny => 0,
        RuleDecision::Ask => 1,
        RuleDecision::Allow => 2,
    };
    let applying = rules.iter().filter(|rule| rule.applies_to(candidate, now));
    applying.min_by(|a, b| (rank(a), a.created_at, &a.rule_id).cmp(&(rank(b), b.created_at, &b.rule_id)))
}
