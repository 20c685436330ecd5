//! What clients send and read, as they were seen to in the versions that docs/guide/agents/hooks.md names.

use serde_json::{Value, json};

/// An event by which a client asks whether a call may run.
pub(super) struct Gate {
    /// What the hook is called with.
    pub(super) client: &'static str,
    pub(super) name: &'static str,
    /// The event, of this session and call, that is to run this command.
    pub(super) event: fn(&str, &str, &str) -> Value,
    /// Why an answer denies; `None` where it does not.
    pub(super) denial: fn(&Value) -> Option<&str>,
    /// Whether an answer allows.
    pub(super) allows: fn(&Value) -> bool,
    /// The input that an answer changes the call to, where the client takes one.
    pub(super) edit: Option<fn(&Value) -> &Value>,
    /// Whether the event names the call.
    pub(super) has_call_id: bool,
}

pub(super) const GATES: &[Gate] = &[
    Gate {
        client: "claude-code",
        name: "PreToolUse",
        event: |session, call, command| {
            let mut event = claude("PreToolUse", session, command);
            event["tool_use_id"] = call.into();
            event
        },
        denial: pre_tool_use_denial,
        allows: |answer| answer["hookSpecificOutput"]["permissionDecision"] == "allow",
        edit: Some(|answer| &answer["hookSpecificOutput"]["updatedInput"]),
        has_call_id: true,
    },
    Gate {
        client: "claude-code",
        name: "PermissionRequest",
        event: |session, _, command| {
            let mut event = claude("PermissionRequest", session, command);
            event["permission_suggestions"] =
                json!([{"type": "setMode", "mode": "acceptEdits", "destination": "session"}]);
            event
        },
        denial: permission_denial,
        allows: |answer| answer["hookSpecificOutput"]["decision"]["behavior"] == "allow",
        edit: Some(|answer| &answer["hookSpecificOutput"]["decision"]["updatedInput"]),
        has_call_id: false,
    },
    Gate {
        client: "codex",
        name: "PreToolUse",
        event: |session, call, command| {
            json!({"session_id": session, "turn_id": "turn-1", "transcript_path": "/home/ada/.codex/rollout.jsonl",
                "cwd": "/home/ada/shop", "hook_event_name": "PreToolUse", "model": "gpt", "tool_use_id": call,
                "permission_mode": "bypassPermissions", "tool_name": "Bash", "tool_input": {"command": command}})
        },
        denial: pre_tool_use_denial,
        allows: |answer| answer["hookSpecificOutput"]["permissionDecision"] == "allow",
        edit: Some(|answer| &answer["hookSpecificOutput"]["updatedInput"]),
        has_call_id: true,
    },
    Gate {
        client: "codex",
        name: "PermissionRequest",
        event: |session, _, command| {
            json!({"session_id": session, "turn_id": "turn-1", "transcript_path": null, "cwd": "/home/ada/shop",
                "hook_event_name": "PermissionRequest", "model": "gpt", "permission_mode": "default",
                "tool_name": "Bash", "tool_input": {"command": command, "description": "need to write"}})
        },
        denial: permission_denial,
        allows: |answer| {
            answer
                == &json!({"hookSpecificOutput":
            {"hookEventName": "PermissionRequest", "decision": {"behavior": "allow"}}})
        },
        edit: None,
        has_call_id: false,
    },
    Gate {
        client: "copilot",
        name: "preToolUse",
        event: |session, _, command| {
            json!({"sessionId": session, "timestamp": 1_795_863_236_807_u64, "cwd": "/home/ada/shop",
                "toolName": "bash", "toolArgs": {"command": command, "description": "make a file"}})
        },
        denial: |answer| text_if(&answer["permissionDecision"], "deny", &answer["permissionDecisionReason"]),
        allows: |answer| answer["permissionDecision"] == "allow",
        edit: Some(|answer| &answer["modifiedArgs"]),
        has_call_id: false,
    },
    Gate {
        client: "copilot",
        name: "permissionRequest",
        event: |session, _, command| {
            json!({"hookName": "permissionRequest", "sessionId": session, "timestamp": 1_795_863_308_753_u64,
                "cwd": "/home/ada/shop", "toolName": "bash", "toolInput": {"command": command},
                "permissionSuggestions": []})
        },
        denial: |answer| text_if(&answer["behavior"], "deny", &answer["message"]),
        allows: |answer| answer == &json!({"behavior": "allow"}),
        edit: None,
        has_call_id: false,
    },
    Gate {
        client: "copilot",
        name: "PreToolUse in Claude Code's shape",
        event: |session, _, command| {
            json!({"hook_event_name": "PreToolUse", "session_id": session, "timestamp": "2026-11-28T11:05:11.370Z",
                "cwd": "/home/ada/shop", "tool_name": "Bash", "tool_input": {"command": command}})
        },
        denial: |answer| {
            let own = text_if(&answer["permissionDecision"], "deny", &answer["permissionDecisionReason"]);
            own.filter(|own| pre_tool_use_denial(answer) == Some(own))
        },
        allows: |answer| {
            answer["permissionDecision"] == "allow" && answer["hookSpecificOutput"]["permissionDecision"] == "allow"
        },
        edit: Some(|answer| &answer["modifiedArgs"]),
        has_call_id: false,
    },
    Gate {
        client: "gemini",
        name: "BeforeTool",
        event: |session, _, command| {
            json!({"session_id": session, "transcript_path": "/home/ada/.gemini/chat.json", "cwd": "/home/ada/shop",
                "hook_event_name": "BeforeTool", "timestamp": "2026-11-28T10:54:23.446Z",
                "tool_name": "run_shell_command", "tool_input": {"command": command}})
        },
        denial: |answer| text_if(&answer["decision"], "deny", &answer["reason"]),
        allows: |answer| answer["decision"] == "allow",
        edit: Some(|answer| &answer["hookSpecificOutput"]["tool_input"]),
        has_call_id: false,
    },
    Gate {
        client: "qwen",
        name: "PreToolUse",
        event: |session, call, command| {
            json!({"session_id": session, "transcript_path": "/home/ada/.qwen/chat.jsonl", "cwd": "/home/ada/shop",
                "hook_event_name": "PreToolUse", "timestamp": "2026-11-28T11:11:33.121Z", "permission_mode": "yolo",
                "prompt_id": "session########0", "tool_name": "run_shell_command", "tool_use_id": call,
                "tool_input": {"command": command, "is_background": false}, "tool_call_id": "call_1"})
        },
        denial: pre_tool_use_denial,
        allows: |answer| answer["hookSpecificOutput"]["permissionDecision"] == "allow",
        edit: None,
        has_call_id: true,
    },
    Gate {
        client: "cursor",
        name: "preToolUse",
        event: |session, call, command| {
            json!({"conversation_id": session, "generation_id": "g", "model": "m", "hook_event_name": "preToolUse",
                "cursor_version": "2.1.0", "workspace_roots": ["/home/ada/shop"], "user_email": "ada@example.org",
                "tool_name": "Shell", "tool_input": {"command": command, "cwd": "/home/ada/shop"},
                "tool_use_id": call, "cwd": "/home/ada/shop"})
        },
        denial: |answer| text_if(&answer["permission"], "deny", &answer["agent_message"]),
        allows: |answer| answer["permission"] == "allow",
        edit: Some(|answer| &answer["updated_input"]),
        has_call_id: true,
    },
    Gate {
        client: "cursor",
        name: "beforeShellExecution",
        event: |session, _, command| {
            json!({"conversation_id": session, "generation_id": "g", "hook_event_name": "beforeShellExecution",
                "cursor_version": "2.1.0", "command": command, "cwd": "/home/ada/shop", "sandbox": false})
        },
        denial: |answer| text_if(&answer["permission"], "deny", &answer["agent_message"]),
        allows: |answer| answer["permission"] == "allow",
        edit: None,
        has_call_id: false,
    },
];

/// An event of Claude Code about a command.
pub(super) fn claude(event: &str, session: &str, command: &str) -> Value {
    json!({"session_id": session, "transcript_path": "/home/ada/.claude/projects/shop/session.jsonl",
        "cwd": "/home/ada/shop", "prompt_id": "a732360d", "permission_mode": "default", "hook_event_name": event,
        "tool_name": "Bash", "tool_input": {"command": command, "description": "make a file"}})
}

fn pre_tool_use_denial(answer: &Value) -> Option<&str> {
    let output = &answer["hookSpecificOutput"];
    text_if(&output["permissionDecision"], "deny", &output["permissionDecisionReason"])
        .filter(|_| output["hookEventName"] == "PreToolUse")
}

fn permission_denial(answer: &Value) -> Option<&str> {
    let output = &answer["hookSpecificOutput"];
    text_if(&output["decision"]["behavior"], "deny", &output["decision"]["message"])
        .filter(|_| output["hookEventName"] == "PermissionRequest")
}

fn text_if<'v>(value: &Value, is: &str, text: &'v Value) -> Option<&'v str> {
    text.as_str().filter(|text| value == is && !text.is_empty())
}
