//! The Model Context Protocol: which revisions are spoken, the tools that countersign offers to models, what their arguments
//! ask, and what their results say.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use serde_json::{Value, json};

use super::hooks::claude_code::ASK_TOOL;
use super::hooks::questions;
use crate::domain::enums::{ExecutionTarget, Outcome, RiskLevel};
use crate::domain::id::{OptionId, RequestId, ToolName};
use crate::domain::json::JsonObject;
use crate::domain::kinds::{Choice, Confirmation, Content, Entry, Question, Response, SecretRequest};

/// The revision without a handshake: every request says what it needs.
pub const REVISION: &str = "2026-07-28";

/// The newest revision that begins with `initialize`.
pub const NEWEST_WITH_HANDSHAKE: &str = "2025-11-25";

/// Every revision with a handshake, the newest first.
pub const WITH_HANDSHAKE: [&str; 4] = [NEWEST_WITH_HANDSHAKE, "2025-06-18", "2025-03-26", "2024-11-05"];

/// The members of a request's `_meta` that the protocol defines.
pub const META_VERSION: &str = "io.modelcontextprotocol/protocolVersion";
/// Who the client is.
pub const META_CLIENT: &str = "io.modelcontextprotocol/clientInfo";
/// What the client can do.
pub const META_CAPABILITIES: &str = "io.modelcontextprotocol/clientCapabilities";

/// Who the server is, in a result.
pub const META_SERVER: &str = "io.modelcontextprotocol/serverInfo";

/// Claude Code's id of the use of a tool: the same over all repetitions of the call.
pub const META_TOOL_USE: &str = "claudecode/toolUseId";

/// What Claude Code calls itself.
pub const CLAUDE_CODE: &str = "claude-code";

/// What Codex calls itself.
pub const CODEX: &str = "codex-mcp-client";

/// What `countersign mcp` adds: an id of this very call, the same where it is sent again because its answer was lost.
pub const META_CALL: &str = "countersign/call";
/// For how many milliseconds the server may wait; 0 asks for the last word.
pub const META_WAIT: &str = "countersign/waitMs";
/// The conversation that the call belongs to.
pub const META_CONVERSATION: &str = "countersign/conversation";
/// Where the agent says that it comes from.
pub const META_ORIGIN: &str = "countersign/origin";

/// Whether the client cannot run another input than it asks about, nor take answers.
pub const META_NO_EDITS: &str = "countersign/noEdits";
/// In a result: what waits.
pub const META_REQUEST: &str = "countersign/requestId";

/// How often a client is told to come back before it is told that the answer is kept: Claude Code and the protocol's own
/// libraries give up after ten rounds.
pub const MOST_ROUNDS: u32 = 9;

/// What a client tells its model about the server.
pub const INSTRUCTIONS: &str = "countersign asks a person. Use `ask` for a question, `request_approval` before something \
    that needs a person's approval, `request_secret` for a credential; its value is never shown to you. Where a result says \
    that it is still waiting, call `check` with its request_id: the answer is kept.";

/// What is returned once an approval of `request_approval` is claimed is good for one action.
const APPROVAL_TOOL: &str = "request_approval";

/// The tools.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tool {
    /// Claude Code's permission prompt.
    Approve,
    /// Claude Code's and Codex' hooks of the type `mcp_tool`.
    Hook,
    /// A question.
    Ask,
    /// A confirmation, for agents without a hook.
    RequestApproval,
    /// A secret.
    RequestSecret,
    /// How a request stands.
    Check,
}

impl Tool {
    /// Every tool, in the order in which they are listed.
    pub const ALL: [Self; 6] =
        [Self::Approve, Self::Hook, Self::Ask, Self::RequestApproval, Self::RequestSecret, Self::Check];

    /// Its name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Approve => "approve",
            Self::Hook => "hook",
            Self::Ask => "ask",
            Self::RequestApproval => APPROVAL_TOOL,
            Self::RequestSecret => "request_secret",
            Self::Check => "check",
        }
    }

    /// The tool of this name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|tool| tool.name() == name)
    }

    /// What a model is told of it.
    #[must_use]
    pub const fn description(self) -> &'static str {
        match self {
            Self::Approve => {
                "Permission prompt for Claude Code (--permission-prompt-tool): asks a person whether a tool may be used, and \
                 answers in Claude Code's own form"
            }
            Self::Hook => {
                "Handler for hooks of the type mcp_tool: takes a hook's event and answers in the form of that hook"
            }
            Self::Ask => "Ask a person a question and wait for the answer",
            Self::RequestApproval => {
                "Ask a person to approve an action before you do it. Where it is approved, do exactly what the result names, \
                 once"
            }
            Self::RequestSecret => {
                "Ask a person for a credential. The value is stored and never shown to you; the result says where it is kept"
            }
            Self::Check => "Say how an earlier request stands, at once: its answer, or that it still waits",
        }
    }

    /// The JSON Schema of its arguments.
    #[must_use]
    pub fn schema(self) -> Value {
        let request_id = json!({"type": "string", "description":
            "Your own id for this request; with the same id it is the same request, so that a repetition finds its answer"});
        let (properties, required) = match self {
            Self::Approve => (
                json!({
                    "tool_name": {"type": "string"},
                    "input": {"type": "object"},
                    "tool_use_id": {"type": "string"},
                }),
                vec!["tool_name", "input"],
            ),
            Self::Hook => (
                json!({
                    "event": {"description": "The whole event, as an object or as JSON text"},
                    "session": {"type": "string", "description": "${session_id}"},
                    "tool": {"type": "string", "description": "${tool_name}"},
                    "id": {"type": "string", "description": "${tool_use_id}"},
                    "input": {"description": "${tool_input}, as an object or as JSON text"},
                }),
                vec![],
            ),
            Self::Ask => (
                json!({
                    "question": {"type": "string"},
                    "header": {"type": "string", "description": "What it is about, in a word or two"},
                    "options": {"type": "array", "items": {
                        "type": "object",
                        "properties": {"label": {"type": "string"}, "description": {"type": "string"}},
                        "required": ["label"],
                        "additionalProperties": false,
                    }},
                    "multi_select": {"type": "boolean", "description": "Whether several options may be chosen"},
                    "free_text": {"type": "boolean", "description":
                        "Whether the person may answer in their own words; always, where there are no options"},
                    "request_id": request_id,
                }),
                vec!["question"],
            ),
            Self::RequestApproval => (
                json!({
                    "action": {"type": "string", "description": "What you want to do, exactly: a command, say"},
                    "input": {"type": "object", "description": "What it is done with, where that is more than the action"},
                    "reason": {"type": "string", "description": "Why"},
                    "risk": {"type": "string", "enum": ["low", "medium", "high"]},
                    "request_id": request_id,
                }),
                vec!["action"],
            ),
            Self::RequestSecret => (
                json!({
                    "service": {"type": "string", "description": "Whose secret it is: github, say"},
                    "field": {"type": "string", "description": "Which one: token, say"},
                    "label": {"type": "string", "description": "What it is called to a person"},
                    "purpose": {"type": "string", "description": "What you want it for"},
                    "request_id": request_id,
                }),
                vec!["service", "field", "label"],
            ),
            Self::Check => (json!({"request_id": {"type": "string"}}), vec!["request_id"]),
        };
        json!({"type": "object", "properties": properties, "required": required, "additionalProperties": false})
    }

    /// The tool as clients list it.
    #[must_use]
    pub fn listed(self) -> Value {
        json!({
            "name": self.name(),
            "description": self.description(),
            "inputSchema": self.schema(),
            "annotations": {"readOnlyHint": false, "destructiveHint": false, "openWorldHint": true},
        })
    }
}

/// The arguments of `ask`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Ask {
    question: String,
    #[serde(default)]
    header: Option<String>,
    #[serde(default)]
    options: Option<Vec<Offered>>,
    #[serde(default)]
    multi_select: Option<bool>,
    #[serde(default)]
    free_text: Option<bool>,
    #[serde(default)]
    request_id: Option<RequestId>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Offered {
    label: String,
    #[serde(default)]
    description: Option<String>,
}

/// The arguments of `request_approval`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RequestApproval {
    action: String,
    #[serde(default)]
    input: Option<JsonObject>,
    #[serde(default)]
    reason: Option<String>,
    #[serde(default)]
    risk: Option<RiskLevel>,
    #[serde(default)]
    request_id: Option<RequestId>,
}

/// The arguments of `request_secret`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RequestSecret {
    service: String,
    field: String,
    label: String,
    #[serde(default)]
    purpose: Option<String>,
    #[serde(default)]
    request_id: Option<RequestId>,
}

/// The arguments of `hook`: the whole event, or the pieces of one that comes before a tool is used.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HookEvent {
    #[serde(default)]
    event: Option<Box<RawValue>>,
    #[serde(default)]
    session: Option<String>,
    #[serde(default)]
    tool: Option<String>,
    #[serde(default)]
    id: Option<String>,
    #[serde(default)]
    input: Option<Box<RawValue>>,
}

impl HookEvent {
    /// The event as its client's command hook would be given it; `session` is the one that is known otherwise.
    ///
    /// # Errors
    ///
    /// What is wrong with it, for the model.
    pub fn event(&self, session: Option<&str>) -> Result<JsonObject, String> {
        #[derive(Serialize)]
        struct Event<'a> {
            hook_event_name: &'static str,
            session_id: &'a str,
            tool_name: &'a str,
            tool_input: JsonObject,
            #[serde(skip_serializing_if = "Option::is_none")]
            tool_use_id: Option<&'a str>,
        }
        if let Some(event) = &self.event {
            return object(event);
        }
        let tool_name = self.tool.as_deref().ok_or("there is neither an event nor a tool")?;
        let tool_input = object(self.input.as_ref().ok_or("there is no input of the tool")?)?;
        let session = self.session.as_deref().filter(|session| !session.is_empty()).or(session);
        let tool_use_id = self.id.as_deref().filter(|id| !id.is_empty());
        let hook_event_name = "PreToolUse";
        let session_id = session.unwrap_or(SESSIONLESS);
        let event = Event { hook_event_name, session_id, tool_name, tool_input, tool_use_id };
        let text = serde_json::to_string(&event).map_err(|error| error.to_string())?;
        serde_json::from_str(&text).map_err(|error| error.to_string())
    }
}

/// The session of a hook that names none.
const SESSIONLESS: &str = "mcp";

/// An object, or the text of one: clients write an object into an argument as JSON text.
fn object(value: &RawValue) -> Result<JsonObject, String> {
    let text = serde_json::from_str::<String>(value.get());
    let text = text.as_deref().unwrap_or(value.get());
    serde_json::from_str(text).map_err(|error| format!("this is no JSON object: {error}"))
}

/// The arguments of `check`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Check {
    /// The request.
    pub request_id: RequestId,
}

/// The arguments of `approve`.
#[derive(Clone, Debug, Deserialize)]
pub struct Approve {
    /// The tool that is to be used.
    pub tool_name: ToolName,
    /// What it is to be given.
    pub input: JsonObject,
    /// The client's id for this use of it.
    #[serde(default)]
    pub tool_use_id: Option<String>,
}

/// What a tool call asks, and the id that its model gave it.
#[derive(Debug)]
pub struct Asked {
    /// What is asked; not accepted yet.
    pub content: Content,
    /// The model's own id.
    pub request_id: Option<RequestId>,
}

/// Reads the arguments of a tool.
///
/// # Errors
///
/// What is wrong with them, for the model.
pub fn arguments<'a, T: Deserialize<'a>>(arguments: &'a JsonObject) -> Result<T, String> {
    serde_json::from_str(arguments.text())
        .map_err(|error| format!("the arguments are not what the tool takes: {error}"))
}

impl Ask {
    /// What it asks.
    ///
    /// # Errors
    ///
    /// What is wrong with it, for the model.
    pub fn asked(self) -> Result<Asked, String> {
        let options = self.options.unwrap_or_default();
        let free_text_allowed = options.is_empty() || self.free_text.unwrap_or(false);
        let options = options.into_iter().enumerate().map(|(index, Offered { label, description })| {
            let option_id: OptionId = (index + 1).to_string().parse().map_err(str::to_owned)?;
            Ok(Choice { option_id, label, description })
        });
        let entry = Entry {
            question_id: "q".parse().map_err(str::to_owned)?,
            header: self.header,
            text: self.question,
            options: options.collect::<Result<_, String>>()?,
            multi_select: self.multi_select.unwrap_or(false),
            free_text_allowed,
        };
        Ok(Asked { content: Content::Question(Question { entries: vec![entry] }), request_id: self.request_id })
    }
}

impl RequestApproval {
    /// What it asks.
    ///
    /// # Errors
    ///
    /// What is wrong with it, for the model.
    pub fn asked(self) -> Result<Asked, String> {
        #[derive(Serialize)]
        struct Input<'a> {
            action: &'a str,
            #[serde(skip_serializing_if = "Option::is_none")]
            input: Option<&'a JsonObject>,
        }
        if self.action.trim().is_empty() {
            return Err("the action is empty: say what you want to do".to_owned());
        }
        let text = serde_json::to_string(&Input { action: &self.action, input: self.input.as_ref() });
        let input = text.and_then(|text| serde_json::from_str(&text)).map_err(|error| error.to_string())?;
        let confirmation = Confirmation {
            subject: Some(self.action),
            reason: self.reason,
            risk_level: self.risk.unwrap_or_default(),
            input_edits_allowed: true,
            ..Confirmation::new(APPROVAL_TOOL.parse().map_err(str::to_owned)?, input)
        };
        Ok(Asked { content: Content::Confirmation(Box::new(confirmation)), request_id: self.request_id })
    }
}

impl Approve {
    /// What it asks: a question of the tool that is one, else whether the tool may be used.
    ///
    /// # Errors
    ///
    /// What is wrong with it, for the model.
    pub fn asked(self, working_dir: Option<String>, input_edits_allowed: bool) -> Result<Content, String> {
        if self.tool_name.as_str() == ASK_TOOL && input_edits_allowed {
            return Ok(Content::Question(questions::question(&self.input)?));
        }
        let is_plan = self.tool_name.as_str() == EXIT_PLAN_MODE;
        Ok(Content::Confirmation(Box::new(Confirmation {
            tool_use_id: self.tool_use_id,
            execution_target: Some(ExecutionTarget::Host),
            working_dir,
            reason: self.input.string("description").map(str::to_owned),
            risk_level: if is_plan { RiskLevel::Low } else { RiskLevel::default() },
            input_edits_allowed,
            ..Confirmation::new(self.tool_name, self.input)
        })))
    }
}

/// The tool with which Claude Code's model hands in its plan, a text in Markdown.
const EXIT_PLAN_MODE: &str = "ExitPlanMode";

impl RequestSecret {
    /// What it asks.
    ///
    /// # Errors
    ///
    /// What is wrong with it, for the model.
    pub fn asked(self) -> Result<Asked, String> {
        let name = |what: &str, text: String| text.parse().map_err(|error| format!("{what}: {error}"));
        let secret = SecretRequest {
            service: name("service", self.service)?,
            field: name("field", self.field)?,
            label: self.label,
            description: None,
            placeholder: None,
            purpose: self.purpose,
            allowed_tools: Vec::new(),
            allowed_domains: Vec::new(),
            allow_one_time_send: true,
        };
        Ok(Asked { content: Content::Secret(secret), request_id: self.request_id })
    }
}

/// What a person chose, in words.
#[must_use]
pub fn chosen(entry: &Entry, response: &Response) -> String {
    let label = |id: &OptionId| entry.options.iter().find(|option| option.option_id == *id);
    let labels = response.chosen().filter_map(label).map(|option| option.label.as_str()).collect::<Vec<_>>();
    if labels.is_empty() { response.text.clone().unwrap_or_default() } else { labels.join(", ") }
}

/// The answer of a permission prompt that allows, with the input to run with.
///
/// # Errors
///
/// If it cannot be written.
pub fn prompt_allows(input: &JsonObject) -> serde_json::Result<String> {
    #[derive(Serialize)]
    #[serde(rename_all = "camelCase")]
    struct Allow<'a> {
        behavior: &'static str,
        updated_input: &'a JsonObject,
    }
    serde_json::to_string(&Allow { behavior: "allow", updated_input: input })
}

/// The answer of a permission prompt to a question: the answers go into its input. `None` where all were passed over.
#[must_use]
pub fn prompt_answers(input: &JsonObject, question: &Question, responses: &[Response]) -> Option<String> {
    let input = questions::answered(input, question, responses)?;
    Some(json!({"behavior": "allow", "updatedInput": input}).to_string())
}

/// The answer of a permission prompt that denies, with the sentence that the model reads.
#[must_use]
pub fn prompt_denies(why: &str) -> String {
    json!({"behavior": "deny", "message": why}).to_string()
}

/// That a request waits, and where its answer is found.
#[must_use]
pub fn still_waiting(request_id: &RequestId) -> String {
    format!(
        "Still waiting for a person: request {request_id}. This is not a no. The answer is kept: call check with \
         request_id {request_id}."
    )
}

/// What an ending without an answer means, for a model.
#[must_use]
pub fn without_answer(outcome: Outcome, request_id: &RequestId) -> String {
    match outcome {
        Outcome::Expired => format!("Nobody answered request {request_id} in time. This is not a no, and not a yes."),
        Outcome::Cancelled => format!("Request {request_id} was cancelled: there is no answer to it."),
        Outcome::Superseded => format!("Request {request_id} was superseded by a later one: there is no answer to it."),
        Outcome::Rejected => format!("Request {request_id} was rejected."),
        Outcome::Approved | Outcome::Answered => format!("Request {request_id} is {outcome}."),
    }
}

/// How long a client of this name lets a tool run that it talks to over stdio, less some seconds.
///
/// ```
/// use std::time::Duration;
///
/// use countersign::dialects::mcp::tool_time;
///
/// assert_eq!(tool_time("cursor"), Duration::from_secs(50));
/// ```
#[must_use]
pub fn tool_time(client: &str) -> Duration {
    match client {
        // It sets no limit of its own over stdio.
        CLAUDE_CODE => Duration::from_secs(24 * 60 * 60),
        "gemini-cli-mcp-client" => Duration::from_secs(9 * 60 + 30),
        _ => Duration::from_secs(50),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn object(value: Value) -> JsonObject {
        serde_json::from_str(&value.to_string()).unwrap()
    }

    #[test]
    fn a_question_without_options_takes_own_words() {
        let ask: Ask = arguments(&object(json!({"question": "Which port?"}))).unwrap();
        let Content::Question(question) = ask.asked().unwrap().content else { panic!("it is a question") };
        assert!(question.entries[0].free_text_allowed && question.entries[0].options.is_empty());
    }

    #[test]
    fn an_approval_is_of_the_action_and_all_that_comes_with_it() {
        let given =
            object(json!({"action": "deploy", "input": {"to": "production"}, "risk": "high", "request_id": "d"}));
        let asked = arguments::<RequestApproval>(&given).unwrap().asked().unwrap();
        assert_eq!(asked.request_id.unwrap().as_str(), "d");
        let confirmation = asked.content.confirmation().unwrap().clone();
        assert_eq!(confirmation.input.text(), r#"{"action":"deploy","input":{"to":"production"}}"#);
        assert_eq!((confirmation.subject.as_deref(), confirmation.risk_level), (Some("deploy"), RiskLevel::High));
    }

    #[test]
    fn what_a_tool_does_not_take_is_refused_in_words() {
        for (arguments_of, given) in [
            (0, json!({"question": "a", "colour": 1})),
            (0, json!({"question": 7})),
            (1, json!({"action": "a", "risk": "none"})),
            (1, json!({"action": " "})),
            (2, json!({"service": "", "field": "token", "label": "l"})),
        ] {
            let given = object(given);
            let refused = match arguments_of {
                0 => arguments::<Ask>(&given).and_then(Ask::asked).map(|_| ()),
                1 => arguments::<RequestApproval>(&given).and_then(RequestApproval::asked).map(|_| ()),
                _ => arguments::<RequestSecret>(&given).and_then(RequestSecret::asked).map(|_| ()),
            };
            assert!(!refused.unwrap_err().is_empty());
        }
    }

    #[test]
    fn the_event_of_a_hook_is_taken_whole_or_in_pieces() {
        let event = |given: Value| arguments::<HookEvent>(&object(given)).and_then(|hook| hook.event(Some("s")));
        let whole = json!({"hook_event_name": "PreToolUse", "tool_name": "Bash"});
        assert_eq!(event(json!({"event": whole})).unwrap().tree()["tool_name"], "Bash");
        assert_eq!(event(json!({"event": whole.to_string()})).unwrap().tree()["tool_name"], "Bash");
        let input = json!({"command": "ls"});
        for input in [input.clone(), json!(input.to_string())] {
            let event = event(json!({"tool": "Bash", "id": "toolu_1", "input": input})).unwrap();
            let tree = event.tree();
            assert_eq!((&tree["tool_input"]["command"], &tree["session_id"]), (&json!("ls"), &json!("s")));
        }
        for wrong in [json!({}), json!({"tool": "Bash"}), json!({"tool": "Bash", "input": "ls"}), json!({"event": []})]
        {
            assert!(event(wrong).is_err());
        }
    }

    #[test]
    fn every_tool_is_found_by_its_name() {
        for tool in Tool::ALL {
            assert_eq!(Tool::named(tool.name()), Some(tool));
            assert_eq!(tool.schema()["type"], "object");
        }
        assert_eq!(Tool::named("run"), None);
    }
}
