//! The bytes of the requests, made once; only the request id is written over from one request to the next.

use std::io::Write;
use std::ops::Range;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

use serde_json::json;

use crate::drive::Target;
use crate::ledger::now_ms;

/// What is written over: as many bytes as an [`Ids`] id has.
const ID_BYTES: usize = 26;

/// Request ids that are unique in a database and grow with time, as a careful agent's do.
pub(crate) struct Ids {
    started_at_ms: i64,
    next: AtomicU64,
}

impl Ids {
    /// Several that start in the same millisecond differ as well.
    pub(crate) fn starting_now() -> Self {
        static LAST: AtomicI64 = AtomicI64::new(0);
        let now = now_ms();
        let started_at_ms = now.max(LAST.fetch_max(now, Ordering::Relaxed) + 1);
        LAST.fetch_max(started_at_ms, Ordering::Relaxed);
        Self { started_at_ms, next: AtomicU64::new(0) }
    }

    pub(crate) fn next(&self) -> u64 {
        self.next.fetch_add(1, Ordering::Relaxed)
    }

    /// The text of a number that [`Self::next`] gave.
    pub(crate) fn text(&self, number: u64) -> String {
        format!("r-{:012x}-{number:011x}", self.started_at_ms)
    }
}

/// What a server under load understands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wire {
    /// Countersign's own calls, and what takes the same bodies.
    Interactions,
    /// Durable promises in envelopes, version 2026-04-01 of their protocol: one is created and resolved.
    Promises,
}

/// How long a promise lasts, in milliseconds: as long as a confirmation does by default.
const PROMISE_MS: i64 = 86_400_000;

/// A finished request, but for its request id.
#[derive(Clone)]
pub(crate) struct Request {
    bytes: Vec<u8>,
    /// Where the number of the id stands.
    number: Range<usize>,
}

impl Request {
    /// An agent registers a confirmation, of the size that a shell command of a coding agent has.
    pub(crate) fn register(ids: &Ids, token: &str, conversation: &str) -> Self {
        let command = "cargo test --workspace --all-features -- --include-ignored --test-threads 2";
        Self::post(ids, "/v1/interactions", token, |request_id| {
            json!({
                "requestId": request_id,
                "kind": "confirmation",
                "conversationId": conversation,
                "confirmation": {
                    "toolName": "shell",
                    "input": {"command": command, "description": "Run the whole test suite", "timeoutMs": 600_000},
                    "riskLevel": "medium",
                    "workingDir": "/home/ada/projects/countersign",
                },
            })
        })
    }

    /// An agent registers a command of a tool, and nothing else.
    pub(crate) fn register_command(ids: &Ids, token: &str, tool: &str, command: &str) -> Self {
        Self::post(ids, "/v1/interactions", token, |request_id| {
            json!({
                "requestId": request_id,
                "kind": "confirmation",
                "confirmation": {"toolName": tool, "input": {"command": command}},
            })
        })
    }

    /// An approver allows it.
    pub(crate) fn confirm(ids: &Ids, token: &str) -> Self {
        Self::post(ids, "/v1/confirm", token, |request_id| json!({"requestId": request_id, "decision": "allow"}))
    }

    /// An approver makes a rule about a tool; each number gives another one.
    pub(crate) fn make_rule(ids: &Ids, token: &str, tool: &str) -> Self {
        Self::post(ids, "/v1/trust-rules", token, |request_id| {
            let pattern = format!("npm run {request_id}");
            json!({"toolName": tool, "pattern": pattern, "scope": "everywhere", "decision": "allow"})
        })
    }

    /// What asks, and what answers.
    pub(crate) fn pair(ids: &Ids, target: &Target, conversation: &str) -> [Self; 2] {
        match target.wire {
            Wire::Interactions => {
                [Self::register(ids, &target.agent, conversation), Self::confirm(ids, &target.approver)]
            }
            Wire::Promises => {
                let envelope = |kind: &str, data: serde_json::Value| json!({"kind": kind, "head": {"corrId": "c", "version": "2026-04-01"}, "data": data});
                let create = |id: &str| {
                    let timeout_at = now_ms() + PROMISE_MS;
                    envelope("promise.create", json!({"timeoutAt": timeout_at, "tags": {}, "param": {}, "id": id}))
                };
                let settle = |id: &str| envelope("promise.settle", json!({"state": "resolved", "value": {}, "id": id}));
                [Self::post(ids, "/", &target.agent, create), Self::post(ids, "/", &target.agent, settle)]
            }
        }
    }

    fn post(ids: &Ids, path: &str, token: &str, body: impl FnOnce(&str) -> serde_json::Value) -> Self {
        let request_id = ids.text(0);
        debug_assert_eq!(request_id.len(), ID_BYTES);
        let text = post(path, token, &body(&request_id));
        let end = text.rfind(&request_id).map_or(0, |start| start + ID_BYTES);
        Self { bytes: text.into_bytes(), number: end - 11..end }
    }

    /// The bytes to send for the id with this number.
    pub(crate) fn numbered(&mut self, number: u64) -> &[u8] {
        if let Some(mut digits) = self.bytes.get_mut(self.number.clone()) {
            // Eleven hexadecimal digits are room for any number that a run comes to.
            let _ = write!(digits, "{number:011x}");
        }
        &self.bytes
    }
}

/// A GET; without a token it carries no `Authorization`.
pub(crate) fn get(path: &str, token: Option<&str>) -> Vec<u8> {
    let authorization = token.map(|token| format!("Authorization: Bearer {token}\r\n")).unwrap_or_default();
    format!("GET {path} HTTP/1.1\r\nHost: localhost\r\n{authorization}\r\n").into_bytes()
}

/// An approver allows the interaction with this id.
pub(crate) fn confirm(token: &str, request_id: &str) -> Vec<u8> {
    post("/v1/confirm", token, &json!({"requestId": request_id, "decision": "allow"})).into_bytes()
}

fn post(path: &str, token: &str, body: &serde_json::Value) -> String {
    let body = body.to_string();
    let length = body.len();
    format!(
        "POST {path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {token}\r\n\
         Content-Type: application/json\r\nContent-Length: {length}\r\n\r\n{body}"
    )
}
