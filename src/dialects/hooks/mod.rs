//! What agents' clients say and read: the event of a hook to a call of a tool, and how that ended in the client's own shape.
//!
//! Pure: no I/O, no clock, nothing of HTTP. The caller is recognised by its payload, for clients start each other's hooks:
//! Cursor and Copilot run what is written for Claude Code.

pub(super) mod claude_code;
mod copilot;
mod cursor;
mod elicitation;
mod gemini;
mod payload;
pub(super) mod questions;
mod voice;

pub use self::payload::without_output;
pub use self::voice::Voice;

use self::payload::Payload;
use self::voice::Shape;
use super::origin_text;
use crate::domain::enums::{HookClient, RunOutcome};
use crate::domain::json::JsonObject;
use crate::domain::kinds::Content;
use crate::domain::origin::Origin;
use crate::domain::text::PlainText;
use crate::domain::tool_call::RanCall;

/// An event of a client, read.
#[derive(Clone, Debug)]
pub struct Hook {
    /// Whose event it is, whatever the hook is called.
    pub client: HookClient,
    /// What it is about.
    pub does: Does,
    /// How its client is answered; `None` where no answer is read, or it is not known which.
    pub voice: Option<Voice>,
}

/// What an event is about.
#[derive(Clone, Debug)]
pub enum Does {
    /// It asks whether a call may run.
    Ask(Box<Ask>),
    /// A call has run, or was refused by the client itself.
    Ran(Ran),
    /// A turn or a session is over.
    Ends {
        /// Which.
        session: String,
    },
    /// Nothing that matters here.
    Nothing,
    /// It cannot be understood: what of it.
    Unclear(String),
}

/// The question whether a call may run.
#[derive(Clone, Debug)]
pub struct Ask {
    /// The client's own id of the session.
    pub session: String,
    /// The client's own id of the call.
    pub call_id: Option<String>,
    /// What is asked; not accepted yet.
    pub content: Content,
    /// Which agent of the session, where it is not the first one.
    pub agent_id: Option<String>,
    /// Where it comes from, as far as the event says.
    pub origin: Origin,
    /// When the client asks.
    pub moment: Moment,
    /// Whether the client may end here and be woken for the answer.
    pub may_defer: bool,
}

/// When a client asks whether a call may run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Moment {
    /// Before every call.
    Every,
    /// Where it would ask a person itself.
    Permission,
    /// Apart from calls of tools.
    Apart,
}

/// A call that has run.
#[derive(Clone, Debug)]
pub struct Ran {
    /// Which.
    pub call: RanCall,
    /// How it went.
    pub outcome: RunOutcome,
    /// What the client says of it.
    pub detail: Option<PlainText>,
}

/// The longest text that is kept of why a call failed, in characters.
const LONGEST_DETAIL: usize = 1_000;

impl Hook {
    /// Reads the event of a hook; `said` is the client that the hook was installed for.
    #[must_use]
    pub fn read(said: HookClient, event: &JsonObject) -> Self {
        let payload = match Payload::read(event) {
            Ok(payload) => payload,
            Err(error) => {
                return Self { client: said, does: Does::Unclear(error.to_string()), voice: None };
            }
        };
        let client = payload.client(said);
        let read = match client {
            HookClient::ClaudeCode | HookClient::Codex | HookClient::Qwen => claude_code::read(client, &payload),
            HookClient::Copilot => copilot::read(&payload),
            HookClient::Gemini => gemini::read(&payload),
            HookClient::Cursor => cursor::read(&payload),
        };
        let Reading { shape, does, asked } = read;
        let does = does.unwrap_or_else(Does::Unclear);
        Self { client, does, voice: shape.map(|shape| Voice::new(client, shape, asked)) }
    }
}

/// Whether this client asks by another event where it would ask a person itself.
#[must_use]
pub const fn has_permission_event(client: HookClient) -> bool {
    match client {
        HookClient::ClaudeCode | HookClient::Codex | HookClient::Copilot | HookClient::Qwen => true,
        HookClient::Gemini | HookClient::Cursor => false,
    }
}

/// What a client's module makes of a payload.
struct Reading {
    /// How the client reads an answer to this event.
    shape: Option<Shape>,
    does: Result<Does, String>,
    /// The input of a call that asks questions: the answers go into it.
    asked: Option<JsonObject>,
}

impl Reading {
    /// An event that nothing is answered to: one that cannot be understood tells nothing.
    fn silent(does: Result<Does, String>) -> Self {
        Self { shape: None, does: Ok(does.unwrap_or(Does::Nothing)), asked: None }
    }

    /// An event that is answered.
    const fn answered(shape: Shape, does: Result<Does, String>) -> Self {
        Self { shape: Some(shape), does, asked: None }
    }

    /// An event of a name that is not known: it may ask.
    fn unknown(event: Option<&str>) -> Self {
        let what = event.map_or_else(|| "it names no event".to_owned(), |event| format!("the event {event:?}"));
        Self { shape: None, does: Err(what), asked: None }
    }
}

/// At most so many characters of what a client says of a failure.
fn detail(text: &str) -> Option<PlainText> {
    let text = text.trim();
    (!text.is_empty()).then(|| PlainText::lossy(&text.chars().take(LONGEST_DETAIL).collect::<String>()))
}
