//! What a rule missed, in sentences for a person, without their ends; the words that matter stand in backquotes.

use super::why::MissedPart;
use super::{Evaluation, MatchInput, Missed};
use crate::domain::enums::ExecutionTarget;
use crate::domain::id::{ConversationId, PrincipalName};
use crate::domain::matcher::{CompiledPattern, Likeness, Path, quoted};
use crate::domain::members::{Members, Pointer, value_text};
use crate::domain::trust_rule::TrustRule;

/// How many names of members are listed.
const MAX_NAMES: usize = 8;

impl Evaluation<'_, '_> {
    /// Why a rule that denies or asks is not certainly about it: the first part that is not.
    pub(super) fn caution_missed(&self, rule: &TrustRule, pattern: &CompiledPattern) -> (Option<MissedPart>, String) {
        let MatchInput { confirmation, subject, registered_by, .. } = *self.candidate;
        let parts = &rule.terms.parts;
        let pattern_said = || quoted(rule.terms.pattern.as_str());
        if parts.agent.as_ref().is_some_and(|agent| agent != registered_by) {
            return self.said(rule, &Missed::Agent);
        }
        if parts.execution_target.is_some() && parts.execution_target != confirmation.execution_target {
            return self.said(rule, &Missed::ExecutionTarget);
        }
        match self.scope(rule) {
            Likeness::No => return self.said(rule, &Missed::Scope),
            Likeness::Possible => {
                let scope = quoted(rule.terms.scope.as_str());
                return (Some(MissedPart::Scope), format!("it only may be about {scope}, which the rule is about"));
            }
            Likeness::Certain => {}
        }
        let was_about = rule.is_before_parts && pattern.resembles_before(subject);
        match pattern.resembles(subject) {
            _ if was_about => {}
            Likeness::No => {
                let because = format!("it is not what the pattern {} is about", pattern_said());
                return (Some(MissedPart::Pattern), because);
            }
            Likeness::Possible => {
                return (
                    Some(MissedPart::Pattern),
                    format!("it only may be what the pattern {} is about", pattern_said()),
                );
            }
            Likeness::Certain => {}
        }
        let is_sure = |pointer: &Pointer, pattern: &str| {
            let mut member = Members::default();
            member.insert(pointer.clone(), pattern.to_owned());
            member.resembles(confirmation.input.tree()) == Likeness::Certain
        };
        match parts.members.iter().find(|(pointer, pattern)| !is_sure(pointer, pattern)) {
            Some((pointer, _)) => self.said(rule, &Missed::Members(pointer.clone())),
            None => (None, format!("it says `{}`", rule.terms.decision)),
        }
    }

    /// A part beside the pattern that missed, and why.
    pub(super) fn said(&self, rule: &TrustRule, missed: &Missed) -> (Option<MissedPart>, String) {
        let MatchInput { confirmation, registered_by, .. } = *self.candidate;
        let parts = &rule.terms.parts;
        match missed {
            Missed::HighRisk => {
                (Some(MissedPart::Risk), "the risk is high, and the rule does not allow high risk".to_owned())
            }
            Missed::Author => {
                let because = format!("{} made the rule and registered the request", quoted(registered_by.as_str()));
                (Some(MissedPart::Author), because)
            }
            Missed::Agent => {
                let agent = parts.agent.as_ref().map_or("", PrincipalName::as_str);
                let because = format!(
                    "the rule is about the agent {}, and {} asks",
                    quoted(agent),
                    quoted(registered_by.as_str())
                );
                (Some(MissedPart::Agent), because)
            }
            Missed::ExecutionTarget => {
                let said = |target: ExecutionTarget| quoted(target.as_str());
                let about = parts.execution_target.map_or_else(String::new, said);
                let runs = confirmation.execution_target.map_or_else(
                    || "the request does not say where it runs".to_owned(),
                    |target| format!("this runs on {}", said(target)),
                );
                (Some(MissedPart::ExecutionTarget), format!("the rule is about what runs on {about}, and {runs}"))
            }
            Missed::Scope => (Some(MissedPart::Scope), self.scope_said(rule)),
            Missed::Members(pointer) => (Some(MissedPart::Members), self.member_said(rule, pointer)),
        }
    }

    fn scope_said(&self, rule: &TrustRule) -> String {
        let MatchInput { confirmation, subject, conversation_id, .. } = *self.candidate;
        let scope = &rule.terms.scope;
        let said = quoted(scope.as_str());
        if let Some(id) = scope.conversation() {
            let own = conversation_id.map(ConversationId::as_str).map_or("none".to_owned(), quoted);
            return format!("the rule is about the conversation {}, and this belongs to {own}", quoted(id));
        }
        let Some(directory) = scope.directory() else {
            return format!("the request does not offer the scope {said}");
        };
        let Some(here) = confirmation.working_dir.as_deref() else {
            return format!("the rule is about {said}, and the request names no working directory");
        };
        let start = Path::parse(here).ok();
        let is_in = |place: Option<Path>| place.is_some_and(|place| place.is_in(&directory));
        let is_outside = |dir: &&str| !is_in(start.as_ref().and_then(|start| start.join(dir).ok()));
        let elsewhere = subject.directories().find(is_outside).filter(|_| is_in(start.clone()));
        format!("the rule is about {said}, and this runs in {}", quoted(elsewhere.unwrap_or(here)))
    }

    fn member_said(&self, rule: &TrustRule, pointer: &Pointer) -> String {
        let members = &rule.terms.parts.members;
        let member = quoted(&pointer.name());
        let Some(pattern) = members.get(pointer) else {
            return match members.iter().any(|(above, _)| above.covers(pointer)) {
                true => format!("the member {member} looks like another subject, and the rule does not name it"),
                false => format!("the rule does not speak of the member {member}"),
            };
        };
        if pointer.as_str().is_empty() {
            return format!("the other members are not what the rule says: {}", quoted(pattern));
        }
        match pointer.find(self.candidate.confirmation.input.tree()) {
            Some(value) => {
                let value = quoted(&value_text(value));
                format!("the member {member} is {value}, and the rule says {}", quoted(pattern))
            }
            None => {
                let names = self.candidate.confirmation.input.tree().keys().take(MAX_NAMES);
                let names = names.map(|name| quoted(name)).collect::<Vec<_>>().join(", ");
                let names = if names.is_empty() { "nothing".to_owned() } else { names };
                format!("the member {member} is missing, and the rule says {} (the input has {names})", quoted(pattern))
            }
        }
    }
}
