//! GitHub Copilot: the CLI, and VS Code's Copilot; two events in two shapes, and a third in Claude Code's.

use super::payload::Payload;
use super::voice::Shape;
use super::{Does, Moment, Reading};
use crate::domain::enums::{HookClient, RunOutcome};

pub(super) fn read(payload: &Payload) -> Reading {
    match payload.hook_event_name.as_deref() {
        Some("PreToolUse") => asking(payload, Shape::CopilotClaude { is_permission: false }, false, true),
        Some("PermissionRequest") => asking(payload, Shape::CopilotClaude { is_permission: true }, true, false),
        Some("PostToolUse") => Reading::silent(payload.ran(RunOutcome::Succeeded)),
        Some("PostToolUseFailure") => Reading::silent(payload.ran(RunOutcome::Failed)),
        Some("Stop" | "SessionEnd") => Reading::silent(payload.ends()),
        Some(
            "SessionStart" | "UserPromptSubmit" | "SubagentStop" | "SubagentStart" | "Notification" | "PreCompact",
        ) => Reading::silent(Ok(Does::Nothing)),
        Some(event) => Reading::unknown(Some(event)),
        None => native(payload),
    }
}

/// Its own events do not say what they are, but for one: they are told by their members.
fn native(payload: &Payload) -> Reading {
    match payload.hook_name.as_deref() {
        Some("permissionRequest") => return asking(payload, Shape::CopilotPermission, true, false),
        Some("preToolUse") => return asking(payload, Shape::CopilotTool, false, true),
        Some("postToolUse" | "postToolUseFailure") | None => {}
        Some("sessionEnd" | "agentStop") => return Reading::silent(payload.ends()),
        Some(event) => return Reading::unknown(Some(event)),
    }
    match (&payload.tool_result, &payload.tool_args) {
        (Some(result), _) => {
            let is_success = result.result_type.as_deref() == Some("success");
            Reading::silent(payload.ran(if is_success { RunOutcome::Succeeded } else { RunOutcome::Failed }))
        }
        (None, Some(_)) => asking(payload, Shape::CopilotTool, false, true),
        (None, None) if payload.camel_tool_name.is_some() => {
            Reading::answered(Shape::CopilotTool, Err("it has no input of the tool".to_owned()))
        }
        (None, None) if payload.prompt.is_some() || payload.source.is_some() || payload.error.is_some() => {
            Reading::silent(Ok(Does::Nothing))
        }
        (None, None) if payload.reason.is_some() => Reading::silent(payload.ends()),
        (None, None) => Reading::unknown(None),
    }
}

fn asking(payload: &Payload, shape: Shape, is_permission: bool, takes_edits: bool) -> Reading {
    let read = || {
        let content = payload.confirmation(payload.tool_name()?, payload.input()?, takes_edits);
        let mut does = payload.ask(HookClient::Copilot, content)?;
        if let Does::Ask(ask) = &mut does {
            if is_permission {
                ask.moment = Moment::Permission;
            }
        }
        Ok(does)
    };
    Reading::answered(shape, read())
}
