//! `countersign mcp`: the Model Context Protocol on standard input and output.
//!
//! It always starts, and lists its tools, whether or not a server runs. Each call of a tool is sent to the server's `/mcp`,
//! again and again while that is away, and the answer passed on: what a tool does is decided there. It ends when its client
//! closes standard input, and not before.

mod calls;
mod forward;

use std::io;
use std::sync::Arc;
use std::time::Duration;

use clap::Args;
use serde_json::value::RawValue;
use serde_json::{Value, json};
use uuid::Uuid;

use self::calls::Calls;
use super::Failure;
use super::json_lines::{LONGEST_LINE, Line, Lines, Message, next_line, skip_line};
use crate::api::McpId;
use crate::config::{Access, timeout};
use crate::dialects::mcp::{
    INSTRUCTIONS, META_SERVER, META_VERSION, NEWEST_WITH_HANDSHAKE, REVISION, Tool, WITH_HANDSHAKE,
};

/// What JSON-RPC and the protocol call what is wrong.
const PARSE_ERROR: i32 = -32700;
const INVALID_REQUEST: i32 = -32600;
const METHOD_NOT_FOUND: i32 = -32601;
const INVALID_PARAMS: i32 = -32602;
const UNSUPPORTED_VERSION: i32 = -32022;

/// Serve the Model Context Protocol.
#[derive(Debug, Args)]
pub(super) struct Mcp {
    /// How long a call of a tool may wait for its answer, such as 50s or 1h; then the model is told that the answer is kept
    /// [default: below what the client gives a tool, as far as that is known]
    #[arg(long, value_name = "TIME", env = "COUNTERSIGN_WITHIN", value_parser = timeout)]
    within: Option<Duration>,

    #[command(flatten)]
    access: Access,
}

impl Mcp {
    pub(super) fn run(self) -> Result<(), Failure> {
        // Claude Code tells its servers which session they are of.
        let session = std::env::var("CLAUDE_CODE_SESSION_ID").ok().filter(|session| !session.is_empty());
        let session = session.unwrap_or_else(|| format!("mcp-{}", Uuid::now_v7()));
        let calls = Arc::new(Calls::new(self.access, self.within, session, Lines::new(io::stdout())));
        let mut stdin = io::stdin().lock();
        loop {
            match next_line(&mut stdin, LONGEST_LINE)? {
                Some(Line::Whole(line)) => take(&calls, &line),
                Some(Line::TooLong(_)) => {
                    skip_line(&mut stdin)?;
                    let why = format!("a message is at most {LONGEST_LINE} bytes long");
                    calls.refuse(None, INVALID_REQUEST, &why, None);
                }
                None => return Ok(()),
            }
        }
    }
}

/// Takes one line.
fn take(calls: &Arc<Calls>, line: &[u8]) {
    if line.iter().all(u8::is_ascii_whitespace) {
        return;
    }
    let message = match serde_json::from_slice::<Message<'_>>(line) {
        Ok(message) => message,
        Err(error) => {
            let code = if error.is_data() { INVALID_REQUEST } else { PARSE_ERROR };
            return calls.refuse(None, code, &format!("this is no message: {error}"), None);
        }
    };
    let params = message.params.map_or("{}", RawValue::get);
    match (message.method.as_deref(), message.id) {
        (Some("notifications/cancelled"), _) => calls.cancel(params),
        (Some(_), None) => {}
        (Some(method), Some(id)) => request(calls, method, id, params),
        // An error is no answer of a person, either.
        (None, Some(id)) => {
            // What was read as JSON is JSON.
            let result = message.result.and_then(|result| serde_json::from_str(result.get()).ok());
            calls.answered(&id, result.unwrap_or_default());
        }
        (None, None) => calls.refuse(None, INVALID_REQUEST, "a message has a method or an id", None),
    }
}

/// Answers a request.
fn request(calls: &Arc<Calls>, method: &str, id: McpId, params: &str) {
    let read = serde_json::from_str::<Value>(params).unwrap_or_default();
    let version = read["_meta"][META_VERSION].as_str().map(str::to_owned);
    if let Some(version) = &version
        && version != REVISION
        && !WITH_HANDSHAKE.contains(&version.as_str())
    {
        let spoken = json!({"supported": revisions(), "requested": version});
        let why = format!("this revision is not spoken: {version}");
        return calls.refuse(Some(&id), UNSUPPORTED_VERSION, &why, Some(spoken));
    }
    let is_new = version.as_deref() == Some(REVISION);
    let server = json!({"name": "countersign", "title": "countersign", "version": env!("CARGO_PKG_VERSION")});
    let about = json!({"capabilities": {"tools": {}}, "serverInfo": server, "instructions": INSTRUCTIONS});
    match method {
        "initialize" => {
            let asked = read["protocolVersion"].as_str().filter(|version| WITH_HANDSHAKE.contains(version));
            calls.shake_hands(&read);
            calls.answer(&id, with(about, json!({"protocolVersion": asked.unwrap_or(NEWEST_WITH_HANDSHAKE)})));
        }
        "server/discover" => {
            let server = json!({META_SERVER: about["serverInfo"].clone()});
            let discovered = json!({"supportedVersions": revisions(), "_meta": server});
            calls.answer(&id, with(with(about, discovered), cacheable()));
        }
        "ping" => calls.answer(&id, json!({})),
        "tools/list" => {
            let listed = json!({"tools": Tool::ALL.map(Tool::listed)});
            calls.answer(&id, if is_new { with(listed, cacheable()) } else { listed });
        }
        "tools/call" => match read["name"].as_str().and_then(Tool::named) {
            Some(tool) => Arc::clone(calls).call(id, tool, params, is_new),
            None => calls.refuse(Some(&id), INVALID_PARAMS, "there is no such tool", None),
        },
        _ => calls.refuse(Some(&id), METHOD_NOT_FOUND, &format!("there is no method {method:?}"), None),
    }
}

/// Every revision that is spoken, the newest first.
fn revisions() -> Vec<&'static str> {
    std::iter::once(REVISION).chain(WITH_HANDSHAKE).collect()
}

/// What a result says of itself that may be kept for the moment.
fn cacheable() -> Value {
    json!({"resultType": "complete", "ttlMs": 0, "cacheScope": "private"})
}

/// An object with the members of another.
fn with(mut object: Value, others: Value) -> Value {
    if let (Value::Object(members), Value::Object(others)) = (&mut object, others) {
        members.extend(others);
    }
    object
}
