//! Gemini CLI: a hook can only narrow what its policies allow.

use super::payload::Payload;
use super::voice::Shape;
use super::{Does, Reading};
use crate::domain::enums::{HookClient, RunOutcome};

/// Events that ask nothing and tell nothing that matters here.
const PASSED: &[&str] = &[
    "AfterAgent",
    "AfterModel",
    "BeforeAgent",
    "BeforeModel",
    "BeforeToolSelection",
    "Notification",
    "PreCompress",
    "SessionStart",
];

pub(super) fn read(payload: &Payload) -> Reading {
    match payload.hook_event_name.as_deref() {
        Some("BeforeTool") => {
            let read = || {
                let content = payload.confirmation(payload.tool_name()?, payload.input()?, true);
                payload.ask(HookClient::Gemini, content)
            };
            Reading::answered(Shape::GeminiTool, read())
        }
        Some("AfterTool") => Reading::silent(payload.ran(RunOutcome::Succeeded)),
        Some("SessionEnd") => Reading::silent(payload.ends()),
        Some(event) if PASSED.contains(&event) => Reading::silent(Ok(Does::Nothing)),
        event => Reading::unknown(event),
    }
}
