//! The members of clients' events, whichever client's, and which client an event is of.

use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;

use super::{Ask, Does, Moment, Ran, detail, origin_text};
use crate::domain::enums::{ExecutionTarget, HookClient, RunOutcome};
use crate::domain::id::ToolName;
use crate::domain::json::JsonObject;
use crate::domain::kinds::{Confirmation, Content};
use crate::domain::origin::Origin;
use crate::domain::tool_call::RanCall;

/// All that any client says and that matters here; what else an event has is passed over.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Payload {
    pub(super) hook_event_name: Option<String>,
    #[serde(rename = "hookName")]
    pub(super) hook_name: Option<String>,
    pub(super) session_id: Option<String>,
    #[serde(rename = "sessionId")]
    pub(super) camel_session_id: Option<String>,
    pub(super) conversation_id: Option<String>,
    pub(super) generation_id: Option<String>,
    pub(super) cursor_version: Option<String>,
    pub(super) turn_id: Option<String>,
    pub(super) timestamp: Option<Value>,
    pub(super) transcript_path: Option<String>,
    pub(super) permission_mode: Option<String>,
    pub(super) agent_id: Option<String>,
    pub(super) model: Option<String>,
    pub(super) cwd: Option<String>,
    pub(super) tool_name: Option<String>,
    #[serde(rename = "toolName")]
    pub(super) camel_tool_name: Option<String>,
    pub(super) tool_input: Option<Box<RawValue>>,
    #[serde(rename = "toolArgs")]
    pub(super) tool_args: Option<Box<RawValue>>,
    #[serde(rename = "toolInput")]
    pub(super) camel_tool_input: Option<Box<RawValue>>,
    #[serde(rename = "toolResult")]
    pub(super) tool_result: Option<ToolResult>,
    pub(super) tool_use_id: Option<String>,
    pub(super) tool_call_id: Option<String>,
    pub(super) error: Option<Value>,
    pub(super) error_message: Option<String>,
    pub(super) reason: Option<String>,
    pub(super) prompt: Option<Value>,
    pub(super) source: Option<Value>,
    pub(super) mcp_server_name: Option<String>,
    pub(super) message: Option<String>,
    pub(super) mode: Option<String>,
    pub(super) url: Option<String>,
    pub(super) requested_schema: Option<Value>,
    pub(super) command: Option<String>,
    pub(super) file_path: Option<String>,
}

/// What Copilot says of a call that has run.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct ToolResult {
    #[serde(rename = "resultType")]
    pub(super) result_type: Option<String>,
}

/// What a tool has put out: nobody needs it to know how a call went.
const OUTPUTS: &[&str] = &["tool_response", "tool_output", "tool_result"];

/// The event of a call that has run, without what its tool has put out.
#[must_use]
pub fn without_output(event: &JsonObject) -> JsonObject {
    let mut members = event.tree().clone();
    OUTPUTS.iter().for_each(|output| drop(members.remove(*output)));
    if let Some(result) = members.get_mut("toolResult").and_then(Value::as_object_mut) {
        result.retain(|name, _| name == "resultType");
    }
    serde_json::from_value(Value::Object(members)).unwrap_or_else(|_| event.clone())
}

impl Payload {
    pub(super) fn read(event: &JsonObject) -> serde_json::Result<Self> {
        serde_json::from_str(event.text())
    }

    /// Whose event it is, where it says so.
    pub(super) fn client(&self) -> Option<HookClient> {
        let event = self.hook_event_name.as_deref();
        if self.cursor_version.is_some() || (self.conversation_id.is_some() && self.generation_id.is_some()) {
            return Some(HookClient::Cursor);
        }
        if self.camel_session_id.is_some() {
            return Some(HookClient::Copilot);
        }
        if event.is_some_and(|event| event.starts_with("Before") || event.starts_with("After")) {
            return Some(HookClient::Gemini);
        }
        if self.turn_id.is_some() {
            return Some(HookClient::Codex);
        }
        // Claude Code stamps no time on its events; Copilot, in Claude Code's shape, says little else.
        let is_stamped = event.is_some() && self.timestamp.is_some();
        match (is_stamped, self.transcript_path.is_some() || self.permission_mode.is_some()) {
            (true, false) => Some(HookClient::Copilot),
            (true, true) if self.tool_call_id.is_some() => Some(HookClient::Qwen),
            (true, true) | (false, _) => None,
        }
    }

    pub(super) fn session(&self) -> Result<String, String> {
        let session = [&self.session_id, &self.camel_session_id, &self.conversation_id];
        let session = session.into_iter().flatten().find(|id| !id.is_empty());
        session.cloned().ok_or_else(|| "it names no session".to_owned())
    }

    pub(super) fn tool_name(&self) -> Result<ToolName, String> {
        let name = self.tool_name.as_ref().or(self.camel_tool_name.as_ref()).ok_or("it names no tool")?;
        name.parse().map_err(|why| format!("the name of the tool: {why}"))
    }

    /// The input of the call; an object, or the JSON text of one.
    pub(super) fn input(&self) -> Result<JsonObject, String> {
        let raw = [&self.tool_input, &self.tool_args, &self.camel_tool_input].into_iter().flatten().next();
        let raw = raw.ok_or("it has no input of the tool")?.get();
        let text = if raw.starts_with('"') {
            serde_json::from_str(raw).map_err(|error| format!("the input of the tool: {error}"))?
        } else {
            raw.to_owned()
        };
        serde_json::from_str(&text).map_err(|error| format!("the input of the tool: {error}"))
    }

    pub(super) fn origin(&self, client: HookClient) -> Origin {
        let client = match &self.cursor_version {
            Some(version) if client == HookClient::Cursor => format!("{client} {version}"),
            Some(_) | None => client.to_string(),
        };
        Origin {
            client: origin_text(&client),
            session_id: self.session().ok().as_deref().and_then(origin_text),
            working_dir: self.cwd.as_deref().and_then(origin_text),
            model: self.model.as_deref().and_then(origin_text),
            ..Origin::default()
        }
    }

    /// The question whether this tool may run with this input.
    pub(super) fn confirmation(&self, tool_name: ToolName, input: JsonObject, takes_edits: bool) -> Content {
        let reason = input.string("description").filter(|reason| !reason.trim().is_empty()).map(str::to_owned);
        let is_command = input.string("command").is_some();
        Content::Confirmation(Box::new(Confirmation {
            working_dir: self.cwd.clone().filter(|directory| !directory.is_empty()),
            execution_target: Some(ExecutionTarget::Host),
            reason: reason.filter(|_| is_command),
            input_edits_allowed: takes_edits,
            ..Confirmation::new(tool_name, input)
        }))
    }

    /// The question that this event asks, with what every question says.
    pub(super) fn ask(&self, client: HookClient, content: Content) -> Result<Does, String> {
        Ok(Does::Ask(Box::new(Ask {
            session: self.session()?,
            call_id: self.tool_use_id.clone().filter(|id| !id.is_empty()),
            content,
            agent_id: self.agent_id.clone(),
            origin: self.origin(client),
            moment: Moment::Every,
            may_defer: false,
        })))
    }

    /// A call that has run.
    pub(super) fn ran(&self, outcome: RunOutcome) -> Result<Does, String> {
        let error = self.error.as_ref().map(|error| error.as_str().map_or_else(|| error.to_string(), str::to_owned));
        let said = error.or_else(|| self.error_message.clone()).or_else(|| self.reason.clone());
        let call = RanCall {
            session: Some(self.session()?),
            call_id: self.tool_use_id.clone().filter(|id| !id.is_empty()),
            tool_name: self.tool_name()?,
            input: self.input()?,
        };
        let detail = said.as_deref().and_then(detail).filter(|_| outcome == RunOutcome::Failed);
        Ok(Does::Ran(Ran { call, outcome, detail }))
    }

    pub(super) fn ends(&self) -> Result<Does, String> {
        Ok(Does::Ends { session: self.session()? })
    }
}
