//! "May I do this?": what an agent wants to do with a tool, and what a decision about it may contain.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{ContentError, Summary, all_different};
use crate::domain::bounded::LifetimeMs;
use crate::domain::canonical::input_digest;
use crate::domain::enums::{ExecutionTarget, RiskLevel};
use crate::domain::id::{ConversationId, ToolName};
use crate::domain::json::{JsonObject, null_as_absent, null_as_yes, objects_only};
use crate::domain::matcher::{OfferFault, Subject};
use crate::domain::members::Members;
use crate::domain::pattern::{Pattern, Scope};
use crate::domain::refused::Refused;
use crate::domain::tools::Profiles;
use crate::domain::warning::Warning;

/// "May I do this?"
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, remote = "Self")]
pub struct Confirmation {
    /// The tool that the agent wants to use.
    pub tool_name: ToolName,
    /// What it wants to give to the tool, to the letter.
    pub input: JsonObject,
    /// SHA-256 over the canonical form of tool and input; made here, never taken from an agent.
    #[serde(default)]
    #[schema(read_only)]
    pub input_digest: Option<String>,
    /// How much harm it could do.
    #[serde(default, deserialize_with = "null_as_absent")]
    pub risk_level: RiskLevel,
    /// The agent's own id for this use of the tool.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tool_use_id: Option<String>,
    /// Where it is to run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub execution_target: Option<ExecutionTarget>,
    /// The directory it is to run in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub working_dir: Option<String>,
    /// What patterns are matched against, as the agent gave it; else what the tool's profile, or the shape of the input,
    /// names, else the canonical input.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subject: Option<String>,
    /// Why, in the agent's own words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// The edit that it would make.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub diff: Option<Diff>,
    /// The patterns that a lasting rule made from this may have.
    #[serde(default, deserialize_with = "null_as_absent")]
    pub allowlist_options: Vec<AllowlistOption>,
    /// The scopes that a lasting rule made from this may have.
    #[serde(default, deserialize_with = "null_as_absent")]
    pub scope_options: Vec<ScopeOption>,
    /// Whether a lasting rule may be made from this at all.
    #[serde(default = "super::yes", deserialize_with = "null_as_yes")]
    pub persistent_decisions_allowed: bool,
    /// How long an approval is good for, in milliseconds from the approval on; else as the server says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(inline)]
    pub claim_within_ms: Option<LifetimeMs>,
    /// Whether the approver may change the input.
    #[serde(default, deserialize_with = "null_as_absent")]
    pub input_edits_allowed: bool,
}

/// An edit of one file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, remote = "Self")]
pub struct Diff {
    /// The file.
    pub file_path: String,
    /// All of it, before.
    pub old_content: String,
    /// All of it, after.
    pub new_content: String,
    /// Whether there was no such file before.
    pub is_new_file: bool,
}

/// A pattern that the agent offers for a lasting rule.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, remote = "Self")]
pub struct AllowlistOption {
    /// What it is called to a person.
    pub label: String,
    /// What it means.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// The pattern.
    pub pattern: Pattern,
    /// What it says of the other members of the input; else each stays as it is, but for those that the tool's profile
    /// calls free.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub members: Option<Members>,
}

/// A scope that the agent offers for a lasting rule.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, remote = "Self")]
pub struct ScopeOption {
    /// What it is called to a person.
    pub label: String,
    /// The scope.
    pub scope: Scope,
}

objects_only!(Confirmation, Diff, AllowlistOption, ScopeOption);

/// What two confirmations have in common that may be approved as one: all that an approval is of. What the agent says
/// about it, its reason and the rules that it offers, is no part of that.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Sameness {
    tool_name: ToolName,
    input_digest: String,
    risk_level: RiskLevel,
    subject: String,
    execution_target: Option<ExecutionTarget>,
    working_dir: Option<String>,
    diff: Option<Diff>,
}

impl Confirmation {
    /// The question whether `tool_name` may be used with `input`, with nothing else said.
    #[must_use]
    pub fn new(tool_name: ToolName, input: JsonObject) -> Self {
        Self {
            tool_name,
            input,
            input_digest: None,
            risk_level: RiskLevel::default(),
            tool_use_id: None,
            execution_target: None,
            working_dir: None,
            subject: None,
            reason: None,
            diff: None,
            allowlist_options: Vec::new(),
            scope_options: Vec::new(),
            persistent_decisions_allowed: true,
            input_edits_allowed: false,
            claim_within_ms: None,
        }
    }

    /// What must be the same in whatever is approved together with this.
    #[must_use]
    pub fn sameness(&self) -> Sameness {
        Sameness {
            tool_name: self.tool_name.clone(),
            input_digest: input_digest(self.tool_name.as_str(), &self.input),
            risk_level: self.risk_level,
            subject: self.subject_text(),
            execution_target: self.execution_target,
            working_dir: self.working_dir.clone(),
            diff: self.diff.clone(),
        }
    }

    /// Checks what no type says.
    pub(super) fn check(&self) -> Result<(), ContentError> {
        if self.input_digest.is_some() {
            return Err(ContentError { field: "inputDigest", message: "the digest is computed, not given" });
        }
        let patterns = self.allowlist_options.iter();
        if !all_different(patterns.map(|option| (&option.pattern, option.members.as_ref().map(Members::to_json)))) {
            return Err(ContentError { field: "allowlistOptions", message: "a pattern is offered twice" });
        }
        if !all_different(self.scope_options.iter().map(|option| &option.scope)) {
            return Err(ContentError { field: "scopeOptions", message: "a scope is offered twice" });
        }
        Ok(())
    }

    /// Refuses an edited input where the agent does not allow edits.
    ///
    /// # Errors
    ///
    /// [`Refused::EditsNotAllowed`].
    pub const fn check_edit(&self) -> Result<(), Refused> {
        if self.input_edits_allowed { Ok(()) } else { Err(Refused::EditsNotAllowed) }
    }

    /// Refuses a trust rule whose pattern or scope this very confirmation did not offer. The scope of its own conversation is
    /// always one.
    ///
    /// # Errors
    ///
    /// [`Refused::PersistentDecisionsNotAllowed`], [`Refused::PatternNotOffered`] or [`Refused::ScopeNotOffered`].
    pub fn check_offered(
        &self,
        pattern: &Pattern,
        scope: &Scope,
        conversation_id: Option<&ConversationId>,
    ) -> Result<(), Refused> {
        if !self.persistent_decisions_allowed {
            return Err(Refused::PersistentDecisionsNotAllowed);
        }
        if !self.allowlist_options.iter().any(|option| option.pattern == *pattern) {
            return Err(Refused::PatternNotOffered);
        }
        let is_own_conversation =
            scope.conversation().is_some() && scope.conversation() == conversation_id.map(ConversationId::as_str);
        if !is_own_conversation && !self.scope_options.iter().any(|option| option.scope == *scope) {
            return Err(Refused::ScopeNotOffered);
        }
        Ok(())
    }

    /// Writes down the digest of what is to be approved.
    pub(super) fn digest(&mut self) {
        self.input_digest = Some(input_digest(self.tool_name.as_str(), &self.input));
    }

    /// Writes down what patterns will be matched against, where the agent has not said it.
    pub fn complete(&mut self, profiles: &Profiles) {
        if self.subject.is_none() {
            self.subject = Some(profiles.read(&self.tool_name, self.input.tree()).said.text());
        }
    }

    /// What the subject was before there were profiles, and what tells a repetition from a conflict for ever: no profile that
    /// is added makes the same content another.
    #[must_use]
    pub fn subject_before_profiles(&self) -> String {
        let from_input = || {
            let known = ["command", "file_path", "path", "url"];
            known.iter().find_map(|key| self.input.string(key)).map(str::to_owned)
        };
        self.subject.clone().or_else(from_input).unwrap_or_else(|| self.input.canonical())
    }

    /// The tool, and the subject that rules match.
    #[must_use]
    pub fn summary(&self) -> Summary<'_> {
        let text = self.subject.as_deref().map_or_else(|| self.subject_text().into(), Cow::Borrowed);
        Summary { title: self.tool_name.as_str(), text }
    }

    /// What patterns are matched against: as it was written down, else by the profiles that every server has.
    #[must_use]
    pub fn subject_text(&self) -> String {
        let read = || Profiles::built_in().read(&self.tool_name, self.input.tree()).said.text();
        self.subject.clone().unwrap_or_else(read)
    }

    /// Which of the patterns on offer the agent has written, in the order of the offer: the others are those that are offered
    /// by these profiles where it writes none.
    #[must_use]
    pub fn written_by_agent(&self, profiles: &Profiles) -> Vec<bool> {
        let ours = Subject::by(self, profiles).offers(usize::MAX);
        self.allowlist_options.iter().map(|option| !ours.contains(option)).collect()
    }

    /// Which offer is meant where a person says no more than "always": what is asked, with what the tool's profile calls free
    /// left free. None where the agent has written the first.
    #[must_use]
    pub fn usual_offer(&self, written_by_agent: &[bool]) -> Option<usize> {
        let first = self.allowlist_options.first()?;
        let is_like_first =
            |(offer, is_agents): (&AllowlistOption, &bool)| offer.pattern == first.pattern && !is_agents;
        let mut offers = self.allowlist_options.iter().zip(written_by_agent);
        offers.rposition(is_like_first).filter(|_| written_by_agent.first() == Some(&false))
    }

    /// Offers patterns of at most `max_pattern_bytes`, and scopes, where the agent has offered none and lasting rules are
    /// allowed: so no agent need invent them. An offer of the agent's own that does not cover this, or is far wider than it
    /// need be, is left out: what comes back says which.
    pub fn offer(&mut self, subject: &Subject, max_pattern_bytes: usize) -> Vec<Warning> {
        if !self.persistent_decisions_allowed {
            return Vec::new();
        }
        let offered = std::mem::take(&mut self.allowlist_options);
        let mut warnings = Vec::new();
        for option in offered {
            match subject.offer_fault(self, &option) {
                None => self.allowlist_options.push(option),
                Some(OfferFault::DoesNotCover) => warnings.push(Warning::OfferDoesNotCover(option.pattern)),
                Some(OfferFault::TooWide) => warnings.push(Warning::OfferTooWide(option.pattern)),
            }
        }
        if self.allowlist_options.is_empty() {
            self.allowlist_options = subject.offers(max_pattern_bytes);
        }
        if self.scope_options.is_empty() {
            self.scope_options = subject.scopes(self.working_dir.as_deref());
        }
        warnings
    }
}
