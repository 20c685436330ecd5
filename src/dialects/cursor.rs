//! Cursor, which also starts what is written for Claude Code, with its own payloads.

use serde_json::json;

use super::payload::Payload;
use super::voice::Shape;
use super::{Does, Reading};
use crate::domain::enums::{HookClient, RunOutcome};
use crate::domain::id::ToolName;
use crate::domain::json::JsonObject;

/// Events that ask nothing and tell nothing that matters here.
const PASSED: &[&str] = &[
    "afterAgentResponse",
    "afterAgentThought",
    "afterFileEdit",
    "afterMCPExecution",
    "afterShellExecution",
    "afterTabFileEdit",
    "beforeSubmitPrompt",
    "preCompact",
    "sessionStart",
    "subagentStop",
];

pub(super) fn read(payload: &Payload) -> Reading {
    match payload.hook_event_name.as_deref() {
        Some("preToolUse") => {
            let call = || Ok((payload.tool_name()?, payload.input()?));
            asking(payload, true, call())
        }
        Some("beforeShellExecution") => {
            let command = payload.command.as_ref().ok_or_else(|| "it names no command".to_owned());
            asking(payload, false, command.and_then(|command| call("Shell", &json!({"command": command}))))
        }
        Some("beforeReadFile" | "beforeTabFileRead") => {
            let file = payload.file_path.as_ref().ok_or_else(|| "it names no file".to_owned());
            asking(payload, false, file.and_then(|file| call("Read", &json!({"file_path": file}))))
        }
        Some("beforeMCPExecution") => {
            let called = || {
                let name = format!("MCP:{}", payload.tool_name()?);
                Ok((name.parse::<ToolName>().map_err(str::to_owned)?, payload.input()?))
            };
            asking(payload, false, called())
        }
        Some("subagentStart") => Reading::answered(Shape::CursorTool, Err("the start of another agent".to_owned())),
        Some("postToolUse") => Reading::silent(payload.ran(RunOutcome::Succeeded)),
        Some("postToolUseFailure") => Reading::silent(payload.ran(RunOutcome::Failed)),
        Some("stop" | "sessionEnd") => Reading::silent(payload.ends()),
        Some(event) if PASSED.contains(&event) => Reading::silent(Ok(Does::Nothing)),
        event => Reading::unknown(event),
    }
}

fn call(tool: &str, input: &serde_json::Value) -> Result<(ToolName, JsonObject), String> {
    let input = JsonObject::from_json(&input.to_string()).map_err(|error| error.to_string())?;
    Ok((tool.parse::<ToolName>().map_err(str::to_owned)?, input))
}

fn asking(payload: &Payload, takes_edits: bool, call: Result<(ToolName, JsonObject), String>) -> Reading {
    let does = call.and_then(|(tool_name, input)| {
        payload.ask(HookClient::Cursor, payload.confirmation(tool_name, input, takes_edits))
    });
    Reading::answered(Shape::CursorTool, does)
}
