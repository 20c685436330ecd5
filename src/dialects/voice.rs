//! How a client is answered: each in its own shape, whatever became of the call.

use serde_json::{Value, json};

use super::elicitation::Fields;
use super::questions;
use crate::domain::enums::HookClient;
use crate::domain::json::JsonObject;
use crate::domain::tool_call::{Allowed, Answered, CallEnd, Denial};

/// How a client reads the answer to an event.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Shape {
    /// `PreToolUse` of Claude Code, Codex and Qwen Code.
    PreToolUse,
    /// `PermissionRequest` of the same.
    PermissionRequest,
    /// `Elicitation` of Claude Code.
    Elicitation(Fields),
    /// `preToolUse` of Copilot.
    CopilotTool,
    /// `permissionRequest` of Copilot.
    CopilotPermission,
    /// Copilot's events in Claude Code's shape: of the two that ask, the one for permissions or the other.
    CopilotClaude {
        /// Whether it is the one for permissions.
        is_permission: bool,
    },
    /// `BeforeTool` of Gemini CLI.
    GeminiTool,
    /// Every event of Cursor that asks.
    CursorTool,
}

/// Answers one event of one client.
#[derive(Clone, Debug)]
pub struct Voice {
    client: HookClient,
    shape: Shape,
    asked: Option<JsonObject>,
}

/// What is to be said, in whichever shape.
enum Verdict {
    /// Run it, with another input where one is named.
    Allow {
        why: String,
        input: Option<Value>,
    },
    Deny(String),
    /// An elicitation's answers.
    Accept(Value),
    /// An elicitation's no.
    Decline,
    /// No answer to an elicitation.
    Cancel,
}

impl Voice {
    pub(super) const fn new(client: HookClient, shape: Shape, asked: Option<JsonObject>) -> Self {
        Self { client, shape, asked }
    }

    /// The client that is answered.
    #[must_use]
    pub const fn client(&self) -> HookClient {
        self.client
    }

    /// How a call ended, in the client's own shape.
    #[must_use]
    pub fn say(&self, end: &CallEnd) -> Value {
        self.write(self.verdict(end))
    }

    /// That a call is denied, in the client's own shape.
    #[must_use]
    pub fn deny(&self, denial: &Denial) -> Value {
        self.say(&CallEnd::Denied(denial.clone()))
    }

    /// That the client may end and ask again when it is woken; `None` where it cannot.
    #[must_use]
    pub fn defer(&self) -> Option<Value> {
        let defers = self.client == HookClient::ClaudeCode && self.shape == Shape::PreToolUse;
        let defer = json!({"hookSpecificOutput": {"hookEventName": "PreToolUse", "permissionDecision": "defer"}});
        defers.then_some(defer)
    }

    fn verdict(&self, end: &CallEnd) -> Verdict {
        match end {
            CallEnd::Allowed(Allowed { request_id, effective_input, is_edited, .. }) => Verdict::Allow {
                why: format!("approved in countersign as {request_id}"),
                input: is_edited.then(|| Value::Object(effective_input.tree().clone())),
            },
            CallEnd::Answered(Answered { request_id, question, responses }) => match (&self.shape, &self.asked) {
                (Shape::Elicitation(fields), _) => {
                    fields.content(question, responses).map_or(Verdict::Cancel, Verdict::Accept)
                }
                (_, Some(asked)) => match questions::answered(asked, question, responses) {
                    Some(input) => {
                        Verdict::Allow { why: format!("answered in countersign as {request_id}"), input: Some(input) }
                    }
                    None => Verdict::Deny("countersign: every question was passed over".to_owned()),
                },
                (_, None) => Verdict::Deny(format!("countersign: {request_id} was answered, not approved")),
            },
            CallEnd::Denied(denial) => match (&self.shape, denial) {
                (Shape::Elicitation(_), Denial::Declined { .. } | Denial::Rejected { .. }) => Verdict::Decline,
                (Shape::Elicitation(_), _) => Verdict::Cancel,
                _ => Verdict::Deny(denial.to_string()),
            },
        }
    }

    fn write(&self, verdict: Verdict) -> Value {
        match &self.shape {
            Shape::PreToolUse => nested(&pre_tool_use(verdict)),
            Shape::PermissionRequest => nested(&self.permission_request(verdict)),
            Shape::Elicitation(_) => nested(&elicitation(verdict)),
            Shape::CopilotTool => copilot_tool(verdict),
            Shape::CopilotPermission => copilot_permission(verdict),
            Shape::CopilotClaude { is_permission: false } => {
                let verdict = plain(verdict);
                beside(copilot_tool(verdict.again()), &pre_tool_use(verdict.again()))
            }
            Shape::CopilotClaude { is_permission: true } => {
                let verdict = plain(verdict);
                beside(copilot_permission(verdict.again()), &self.permission_request(verdict.again()))
            }
            Shape::GeminiTool => gemini_tool(verdict),
            Shape::CursorTool => cursor_tool(verdict),
        }
    }

    /// Codex takes no input here: an answer that has one is void.
    fn permission_request(&self, verdict: Verdict) -> Value {
        let takes_input = self.client == HookClient::ClaudeCode;
        let decision = match plain(verdict) {
            Plain::Allow { input: Some(input), .. } if takes_input => {
                json!({"behavior": "allow", "updatedInput": input})
            }
            Plain::Allow { input: None, .. } => json!({"behavior": "allow"}),
            Plain::Allow { input: Some(input), .. } => json!({"behavior": "deny", "message": only_as(&input)}),
            Plain::Deny(why) => json!({"behavior": "deny", "message": why}),
        };
        json!({"hookEventName": "PermissionRequest", "decision": decision})
    }
}

/// A verdict on a call of a tool.
enum Plain {
    Allow { why: String, input: Option<Value> },
    Deny(String),
}

impl Plain {
    fn again(&self) -> Verdict {
        match self {
            Self::Allow { why, input } => Verdict::Allow { why: why.clone(), input: input.clone() },
            Self::Deny(why) => Verdict::Deny(why.clone()),
        }
    }
}

/// An elicitation's verdict says no in every other shape.
fn plain(verdict: Verdict) -> Plain {
    match verdict {
        Verdict::Allow { why, input } => Plain::Allow { why, input },
        Verdict::Deny(why) => Plain::Deny(why),
        Verdict::Accept(_) | Verdict::Decline | Verdict::Cancel => {
            Plain::Deny("countersign: this is not a question".to_owned())
        }
    }
}

/// What the model reads where an edit is approved that its client cannot run.
fn only_as(input: &Value) -> String {
    format!("countersign: approved only as: {input}")
}

fn nested(output: &Value) -> Value {
    json!({"hookSpecificOutput": output})
}

fn pre_tool_use(verdict: Verdict) -> Value {
    let mut output = json!({"hookEventName": "PreToolUse"});
    match plain(verdict) {
        Plain::Allow { why, input } => {
            output["permissionDecision"] = "allow".into();
            output["permissionDecisionReason"] = why.into();
            if let Some(input) = input {
                output["updatedInput"] = input;
            }
        }
        Plain::Deny(why) => {
            output["permissionDecision"] = "deny".into();
            output["permissionDecisionReason"] = why.into();
        }
    }
    output
}

fn elicitation(verdict: Verdict) -> Value {
    let mut output = json!({"hookEventName": "Elicitation"});
    match verdict {
        Verdict::Accept(content) => {
            output["action"] = "accept".into();
            output["content"] = content;
        }
        Verdict::Decline => output["action"] = "decline".into(),
        Verdict::Cancel | Verdict::Allow { .. } | Verdict::Deny(_) => output["action"] = "cancel".into(),
    }
    output
}

fn copilot_tool(verdict: Verdict) -> Value {
    match plain(verdict) {
        Plain::Allow { why, input: Some(input) } => {
            json!({"permissionDecision": "allow", "permissionDecisionReason": why, "modifiedArgs": input})
        }
        Plain::Allow { why, input: None } => json!({"permissionDecision": "allow", "permissionDecisionReason": why}),
        Plain::Deny(why) => json!({"permissionDecision": "deny", "permissionDecisionReason": why}),
    }
}

fn copilot_permission(verdict: Verdict) -> Value {
    match plain(verdict) {
        Plain::Allow { input: None, .. } => json!({"behavior": "allow"}),
        Plain::Allow { input: Some(input), .. } => json!({"behavior": "deny", "message": only_as(&input)}),
        Plain::Deny(why) => json!({"behavior": "deny", "message": why}),
    }
}

/// In its own shape and in Claude Code's: which of the two is read depends on the file that the hook stands in.
fn beside(mut own: Value, other: &Value) -> Value {
    own["hookSpecificOutput"] = other.clone();
    own
}

fn gemini_tool(verdict: Verdict) -> Value {
    match plain(verdict) {
        Plain::Allow { input: Some(input), .. } => {
            json!({"decision": "allow", "hookSpecificOutput": {"hookEventName": "BeforeTool", "tool_input": input}})
        }
        Plain::Allow { input: None, .. } => json!({"decision": "allow"}),
        Plain::Deny(why) => json!({"decision": "deny", "reason": why}),
    }
}

fn cursor_tool(verdict: Verdict) -> Value {
    match plain(verdict) {
        Plain::Allow { input: Some(input), .. } => json!({"permission": "allow", "updated_input": input}),
        Plain::Allow { input: None, .. } => json!({"permission": "allow"}),
        Plain::Deny(why) => json!({"permission": "deny", "user_message": why, "agent_message": why}),
    }
}
