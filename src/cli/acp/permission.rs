//! A request for permission, as agents send it: what is asked, and how an answer is written. Pure.

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use serde_json::{Value, json};

use crate::api::McpId;
use crate::domain::id::ToolName;

/// The parameters of `session/request_permission`.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Request {
    pub(super) session_id: String,
    pub(super) tool_call: ToolCall,
    options: Vec<PermissionOption>,
}

/// A call of a tool, or what changed of one.
#[derive(Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ToolCall {
    pub(super) tool_call_id: String,
    #[serde(default)]
    title: Option<String>,
    #[serde(default)]
    kind: Option<String>,
    #[serde(default)]
    name: Option<String>,
    #[serde(default)]
    pub(super) status: Option<String>,
    #[serde(default)]
    raw_input: Option<Box<RawValue>>,
    #[serde(default)]
    content: Option<Box<RawValue>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct PermissionOption {
    option_id: String,
    kind: String,
}

/// What the tool is to be given, as JSON text.
const TOOL_WITHOUT_A_NAME: &str = "tool";

impl ToolCall {
    /// The call with what a later message says of it.
    pub(super) fn updated(self, later: Self) -> Self {
        Self {
            tool_call_id: later.tool_call_id,
            title: later.title.or(self.title),
            kind: later.kind.or(self.kind),
            name: later.name.or(self.name),
            status: later.status.or(self.status),
            raw_input: later.raw_input.or(self.raw_input),
            content: later.content.or(self.content),
        }
    }

    /// The tool: its name, else what kind it is of.
    pub(super) fn tool(&self) -> &str {
        let named = [&self.name, &self.kind].into_iter().flatten().map(String::as_str);
        let mut named = named.filter(|name| name.parse::<ToolName>().is_ok());
        named.next().unwrap_or(TOOL_WITHOUT_A_NAME)
    }

    /// What the tool is given: its raw input, else what the agent shows of it.
    pub(super) fn input(&self) -> serde_json::Result<Box<RawValue>> {
        #[derive(Serialize)]
        struct Input<'a> {
            input: &'a RawValue,
        }
        #[derive(Serialize)]
        struct Shown<'a> {
            #[serde(skip_serializing_if = "Option::is_none")]
            title: Option<&'a str>,
            #[serde(skip_serializing_if = "Option::is_none")]
            content: Option<&'a RawValue>,
        }
        match &self.raw_input {
            Some(input) if input.get().starts_with('{') => Ok(input.clone()),
            Some(input) => serde_json::value::to_raw_value(&Input { input }),
            None => {
                let shown = Shown { title: self.title.as_deref(), content: self.content.as_deref() };
                serde_json::value::to_raw_value(&shown)
            }
        }
    }
}

/// How a request for permission is answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Decision {
    /// Yes, this once.
    Allow,
    /// No, or not now.
    Reject,
    /// The turn was cancelled.
    TurnCancelled,
}

impl Request {
    /// The answer to the request with this id. An option is found by its kind, and what is lasting is never chosen where
    /// there is another: rules remember here, not there.
    pub(super) fn answer(&self, id: &McpId, decision: Decision) -> Value {
        let of_kind = |kind: &str| self.options.iter().find(|option| option.kind == kind);
        let reject = || of_kind("reject_once").or_else(|| of_kind("reject_always"));
        let option = match decision {
            Decision::Allow => of_kind("allow_once").or_else(reject),
            Decision::Reject => reject(),
            Decision::TurnCancelled => None,
        };
        let outcome = match option {
            Some(option) => json!({"outcome": "selected", "optionId": option.option_id}),
            None => json!({"outcome": "cancelled"}),
        };
        json!({"jsonrpc": "2.0", "id": id, "result": {"outcome": outcome}})
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(kinds: &[&str], call: Value) -> Request {
        let options = kinds.iter().map(|kind| json!({"optionId": format!("o-{kind}"), "name": "Yes", "kind": kind}));
        let options = options.collect::<Vec<_>>();
        serde_json::from_value(json!({"sessionId": "s", "toolCall": call, "options": options})).unwrap()
    }

    fn outcome(kinds: &[&str], decision: Decision) -> String {
        let request = request(kinds, json!({"toolCallId": "c"}));
        let outcome = &request.answer(&McpId::Number(1), decision)["result"]["outcome"];
        outcome["optionId"].as_str().or(outcome["outcome"].as_str()).unwrap().to_owned()
    }

    #[test]
    fn an_option_is_found_by_its_kind_and_lasting_ones_are_left_alone() {
        let all = ["allow_always", "reject_always", "allow_once", "reject_once"];
        assert_eq!(outcome(&all, Decision::Allow), "o-allow_once");
        assert_eq!(outcome(&all, Decision::Reject), "o-reject_once");
        assert_eq!(outcome(&all, Decision::TurnCancelled), "cancelled");
        assert_eq!(outcome(&["allow_always", "reject_once"], Decision::Allow), "o-reject_once");
        assert_eq!(outcome(&["allow_always"], Decision::Allow), "cancelled");
        assert_eq!(outcome(&["allow_once"], Decision::Reject), "cancelled");
    }

    #[test]
    fn the_input_is_what_the_agent_has_said_of_the_call() {
        let input = |call: Value| serde_json::from_value::<ToolCall>(call).unwrap().input().unwrap().get().to_owned();
        assert_eq!(input(json!({"toolCallId": "c", "rawInput": {"command": "ls"}})), r#"{"command":"ls"}"#);
        assert_eq!(input(json!({"toolCallId": "c", "rawInput": ["ls"]})), r#"{"input":["ls"]}"#);
        assert_eq!(input(json!({"toolCallId": "c", "title": "ls", "content": []})), r#"{"title":"ls","content":[]}"#);
    }

    #[test]
    fn a_later_message_says_more_of_a_call_and_takes_nothing_away() {
        let call = |text: Value| serde_json::from_value::<ToolCall>(text).unwrap();
        let first = call(json!({"toolCallId": "c", "kind": "execute", "rawInput": {"command": "ls"}}));
        let later = first.updated(call(json!({"toolCallId": "c", "title": "List"})));
        assert_eq!((later.tool(), later.input().unwrap().get()), ("execute", r#"{"command":"ls"}"#));
        assert_eq!(call(json!({"toolCallId": "c", "name": "Bash", "kind": "execute"})).tool(), "Bash");
        assert_eq!(call(json!({"toolCallId": "c", "name": ""})).tool(), "tool");
    }
}
