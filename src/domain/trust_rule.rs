//! Standing decisions: what a trust rule says, and where it stands.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::clock::Timestamp;

use super::enums::{ExecutionTarget, RuleDecision, RuleStatus};
use super::id::{PrincipalName, RequestId, RuleId, RuleName, ToolName};
use super::kinds::Confirmation;
use super::matcher::Subject;
use super::members::Members;
use super::pattern::{Pattern, Reason, Scope};
use super::refused::Refused;
use super::tools::Profiles;

/// What a trust rule says of its tool; two rules about one tool with equal terms are the same rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Terms {
    /// The subjects that it covers.
    pub pattern: Pattern,
    /// Where it applies.
    pub scope: Scope,
    /// What it does.
    pub decision: RuleDecision,
    /// What it says beside its pattern and its scope.
    pub parts: Parts,
    /// Why; of a rule that denies, for the agent to read.
    pub reason: Option<Reason>,
    /// Whether it allows high risk, too.
    pub allow_high_risk: bool,
    /// How long it lives, in milliseconds from its making; `None`: until it is revoked.
    pub lifetime_ms: Option<u64>,
    /// How often it may decide; `None`: any number of times.
    pub max_uses: Option<u64>,
}

/// What a trust rule says of a request beside its tool, its subject and its place.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Parts {
    /// The other members of the input, beside those that its tool's profile calls free.
    pub members: Members,
    /// Who asks; `None`: any agent.
    pub agent: Option<PrincipalName>,
    /// Where it runs; `None`: anywhere.
    pub execution_target: Option<ExecutionTarget>,
}

/// The same as far as it is said: the inner `None` says "any", the outer one nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NamedParts {
    /// The other members of the input.
    pub members: Option<Members>,
    /// Who asks.
    pub agent: Option<Option<PrincipalName>>,
    /// Where it runs.
    pub execution_target: Option<Option<ExecutionTarget>>,
}

/// Terms of a rule that is to be made, of which some parts may not be said yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewTerms {
    /// What is said; its parts count where they are named.
    pub terms: Terms,
    /// The parts that are.
    pub named: NamedParts,
}

impl From<Terms> for NewTerms {
    /// Terms of which all is said.
    fn from(terms: Terms) -> Self {
        let Parts { members, agent, execution_target } = terms.parts.clone();
        let named = NamedParts { members: Some(members), agent: Some(agent), execution_target: Some(execution_target) };
        Self { terms, named }
    }
}

impl NewTerms {
    /// The terms, with these parts where none are named.
    #[must_use]
    pub fn with(&self, others: Parts) -> Terms {
        Terms { parts: self.named.or(others), ..self.terms.clone() }
    }

    /// The terms of a rule of one's own: what is not named is not spoken of.
    #[must_use]
    pub fn own(&self) -> Terms {
        self.with(Parts::default())
    }

    /// The terms of a rule that is made from `asked`, which `registered_by` has registered. What is not named is as it is
    /// there; a rule that denies does not speak of it.
    ///
    /// # Errors
    ///
    /// [`Refused::TooManyMembers`].
    pub fn like(
        &self,
        asked: &Confirmation,
        registered_by: &PrincipalName,
        profiles: &Profiles,
    ) -> Result<Terms, Refused> {
        if self.terms.decision != RuleDecision::Allow {
            return Ok(self.own());
        }
        let execution_target = asked.execution_target;
        let members = match self.named.members {
            Some(_) => Members::default(),
            None => Subject::by(asked, profiles).own_members().ok_or(Refused::TooManyMembers)?,
        };
        Ok(self.with(Parts { members, agent: Some(registered_by.clone()), execution_target }))
    }
}

impl NamedParts {
    /// These parts, and those of `others` that are not named.
    #[must_use]
    pub fn or(&self, others: Parts) -> Parts {
        let Self { members, agent, execution_target } = self.clone();
        Parts {
            members: members.unwrap_or(others.members),
            agent: agent.unwrap_or(others.agent),
            execution_target: execution_target.unwrap_or(others.execution_target),
        }
    }
}

impl Terms {
    /// Terms that say nothing else.
    #[must_use]
    pub fn new(pattern: Pattern, scope: Scope, decision: RuleDecision) -> Self {
        Self {
            pattern,
            scope,
            decision,
            parts: Parts::default(),
            reason: None,
            allow_high_risk: false,
            lifetime_ms: None,
            max_uses: None,
        }
    }
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
    /// Whether it was made before members were looked at: it covers less than its maker saw, and never more.
    pub is_before_parts: bool,
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
            is_before_parts: false,
        }
    }

    /// Whether it covers less than when it was made.
    #[must_use]
    pub fn covers_less(&self) -> bool {
        self.is_before_parts && self.terms.decision == RuleDecision::Allow
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
