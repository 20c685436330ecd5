//! Claude Code, and those who took its hooks over: Codex and Qwen Code, each with less.

use super::elicitation::Fields;
use super::payload::Payload;
use super::voice::Shape;
use super::{Does, Moment, Reading, questions};
use crate::domain::enums::{HookClient, RunOutcome};
use crate::domain::id::ToolName;
use crate::domain::json::JsonObject;
use crate::domain::kinds::Content;

/// The tool by which the model asks people: it is answered, not allowed.
pub(in crate::dialects) const ASK_TOOL: &str = "AskUserQuestion";

/// Events that ask nothing and tell nothing that matters here.
const PASSED: &[&str] = &[
    "ConfigChange",
    "CwdChanged",
    "ElicitationResult",
    "FileChanged",
    "InstructionsLoaded",
    "Notification",
    "PostCompact",
    "PostToolBatch",
    "PreCompact",
    "PreModelSwitch",
    "SessionStart",
    "Setup",
    "StopFailure",
    "SubagentStart",
    "SubagentStop",
    "TaskCompleted",
    "TaskCreated",
    "TeammateIdle",
    "UserPromptExpansion",
    "UserPromptSubmit",
    "WorktreeCreate",
    "WorktreeRemove",
];

pub(super) fn read(client: HookClient, payload: &Payload) -> Reading {
    match payload.hook_event_name.as_deref() {
        Some("PreToolUse") => asking(client, payload, Shape::PreToolUse),
        Some("PermissionRequest") => asking(client, payload, Shape::PermissionRequest),
        Some("Elicitation") if client == HookClient::ClaudeCode => eliciting(client, payload),
        Some("PostToolUse") => Reading::silent(payload.ran(RunOutcome::Succeeded)),
        Some("PostToolUseFailure" | "PermissionDenied") => Reading::silent(payload.ran(RunOutcome::Failed)),
        Some("Stop" | "SessionEnd") => Reading::silent(payload.ends()),
        Some(event) if PASSED.contains(&event) => Reading::silent(Ok(Does::Nothing)),
        event => Reading::unknown(event),
    }
}

/// A call that asks; the input of one that asks a person stays, for the answers to go into.
fn asking(client: HookClient, payload: &Payload, shape: Shape) -> Reading {
    let is_permission = shape == Shape::PermissionRequest;
    let read = || -> Result<(Does, Option<JsonObject>), String> {
        let (tool_name, input) = (payload.tool_name()?, payload.input()?);
        let (content, asked) = if tool_name.as_str() == ASK_TOOL && client == HookClient::ClaudeCode {
            (Content::Question(questions::question(&input)?), Some(input))
        } else {
            let input =
                if client == HookClient::Codex { as_called(payload, &tool_name, input)? } else { (input, None) };
            let takes_edits = match client {
                HookClient::Codex => !is_permission,
                HookClient::Qwen => false,
                HookClient::ClaudeCode | HookClient::Copilot | HookClient::Gemini | HookClient::Cursor => true,
            };
            let (input, reason) = input;
            let mut content = payload.confirmation(tool_name, input, takes_edits);
            if let (Some(confirmation), Some(reason)) = (content.confirmation_mut(), reason) {
                confirmation.reason = Some(reason);
            }
            (content, None)
        };
        let mut does = payload.ask(client, content)?;
        if let Does::Ask(ask) = &mut does {
            if is_permission {
                ask.moment = Moment::Permission;
            }
            ask.may_defer = client == HookClient::ClaudeCode && !is_permission;
        }
        Ok((does, asked))
    };
    match read() {
        Ok((does, asked)) => Reading { shape: Some(shape), does: Ok(does), asked },
        Err(what) => Reading::answered(shape, Err(what)),
    }
}

/// The tool of Codex' that runs commands, and how a description of it begins that is no justification but names a host.
const CODEX_SHELL: &str = "Bash";
const CODEX_NETWORK: &str = "network-access";

/// Codex puts its justification into the input of a command where it asks for a permission: without it the call is the same as
/// before. Every other description is a part of what is asked.
fn as_called(
    payload: &Payload,
    tool_name: &ToolName,
    input: JsonObject,
) -> Result<(JsonObject, Option<String>), String> {
    let reason = input.string("description").filter(|reason| !reason.trim_start().starts_with(CODEX_NETWORK));
    let reason = reason.map(str::to_owned);
    if payload.tool_use_id.is_some() || tool_name.as_str() != CODEX_SHELL || reason.is_none() {
        return Ok((input, None));
    }
    let mut members = input.tree().clone();
    members.remove("description");
    let input = serde_json::from_value(members.into()).map_err(|error| error.to_string())?;
    Ok((input, reason))
}

/// Another server's question to the person.
fn eliciting(client: HookClient, payload: &Payload) -> Reading {
    match Fields::read(payload) {
        Ok((fields, question)) => {
            let mut does = payload.ask(client, Content::Question(question));
            if let Ok(Does::Ask(ask)) = &mut does {
                ask.moment = Moment::Apart;
            }
            Reading::answered(Shape::Elicitation(fields), does)
        }
        Err(what) => Reading::answered(Shape::Elicitation(Fields::default()), Err(what)),
    }
}
