//! Looks and lists, newest first. Lists are told whole: their reader puts pages together.

use serde_json::{Value, json};

use super::{Expected, Interaction, Oracle, Rule, refused};
use crate::model::actors::Caller;
use crate::model::request::Request;

impl Oracle {
    pub(super) fn look(&self, caller: Caller, id: &str) -> Expected {
        Ok((200, self.interactions[self.find(caller, id)?].shown()))
    }

    pub(super) fn look_rule(&self, id: &str) -> Expected {
        let found = self.rules.iter().find(|rule| rule.id == id);
        found.map_or_else(|| refused(404, "unknown_rule"), |rule| Ok((200, rule.shown())))
    }

    pub(super) fn list(&self, caller: Caller, request: &Request) -> Value {
        let is_shown = |interaction: &&Interaction| {
            let is = |name: &str, value: &Value| request.asked(name).is_none_or(|asked| *value == asked);
            caller.sees(interaction.by)
                && is("status", &json!(interaction.status()))
                && is("kind", &json!(interaction.kind))
                && is("conversationId", &interaction.conversation)
                && is("toolName", interaction.says("toolName"))
                && is("principal", &json!(interaction.by))
        };
        json!({"interactions": self.newest_first(is_shown)})
    }

    pub(super) fn pending(&self, request: &Request) -> Value {
        let pending = |interaction: &&Interaction| interaction.end.is_none();
        let Some(conversation) = request.asked("conversationId") else {
            return json!({"interactions": self.newest_first(pending)});
        };
        let newest = |kind: &str| {
            let mut newest = self.interactions.iter().rev().filter(pending);
            newest.find(|it| it.kind == kind && it.conversation == conversation).map(Interaction::shown)
        };
        json!({"pendingConfirmation": newest("confirmation"), "pendingSecret": newest("secret"),
            "pendingQuestion": newest("question")})
    }

    fn newest_first(&self, is_shown: impl Fn(&&Interaction) -> bool) -> Vec<Value> {
        self.interactions.iter().rev().filter(is_shown).map(Interaction::shown).collect()
    }

    pub(super) fn list_rules(&self, request: &Request) -> Value {
        let is_shown = |rule: &&Rule| {
            request.asked("status").is_none_or(|status| rule.status == status)
                && request.asked("toolName").is_none_or(|tool| rule.terms.tool == tool)
        };
        let shown: Vec<_> = self.rules.iter().rev().filter(is_shown).map(Rule::shown).collect();
        json!({"trustRules": shown})
    }
}
