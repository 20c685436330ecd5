//! The calls that are in progress, each in a thread of its own, and what is known of the client.

use std::collections::HashMap;
use std::io::Stdout;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::forward::{Forward, failed};
use crate::api::McpId;
use crate::cli::json_lines::Lines;
use crate::cli::upstream::Upstream;
use crate::config::Access;
use crate::dialects::mcp::Tool;

/// How many calls may be in progress: each has a thread.
const MOST_CALLS: usize = 256;

/// How often a call that waits for its client's person looks whether it is cancelled.
const LOOK: Duration = Duration::from_millis(250);

/// All calls, and their client.
pub(super) struct Calls {
    pub(super) upstream: Upstream,
    /// How long a call may take, where the command line says so.
    pub(super) within: Option<Duration>,
    pub(super) session: String,
    out: Lines<Stdout>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    handshake: Value,
    /// Whether each call in progress is cancelled.
    running: HashMap<McpId, Arc<AtomicBool>>,
    /// Who waits for which answer of the client.
    asked: HashMap<McpId, Sender<Value>>,
    next_question: u64,
}

impl Calls {
    pub(super) fn new(access: Access, within: Option<Duration>, session: String, out: Lines<Stdout>) -> Self {
        Self { upstream: Upstream::new(access), within, session, out, state: Mutex::default() }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Nothing in this file can panic halfway through a change.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Writes a message. Where nobody reads it, there is nobody to be told so either: the end of standard input says the rest.
    fn send(&self, message: &Value) {
        let _ = self.out.send(message);
    }

    pub(super) fn answer(&self, id: &McpId, result: Value) {
        self.send(&json!({"jsonrpc": "2.0", "id": id, "result": result}));
    }

    pub(super) fn refuse(&self, id: Option<&McpId>, code: i32, message: &str, data: Option<Value>) {
        let mut error = json!({"code": code, "message": message});
        if let Some(data) = data {
            error["data"] = data;
        }
        self.send(&json!({"jsonrpc": "2.0", "id": id, "error": error}));
    }

    /// Keeps what the client says of itself in the old handshake.
    pub(super) fn shake_hands(&self, params: &Value) {
        self.state().handshake = params.clone();
    }

    /// What the client said of itself in the old handshake; null where it had none.
    pub(super) fn handshake(&self) -> Value {
        self.state().handshake.clone()
    }

    /// Notes that the client no longer waits for a call.
    pub(super) fn cancel(&self, params: &str) {
        let params = serde_json::from_str::<Value>(params).unwrap_or_default();
        let id = serde_json::from_value::<McpId>(params["requestId"].clone()).ok();
        if let Some(cancelled) = id.and_then(|id| self.state().running.remove(&id)) {
            cancelled.store(true, Ordering::Relaxed);
        }
    }

    /// Takes the client's answer to a question of ours.
    pub(super) fn answered(&self, id: &McpId, result: Value) {
        if let Some(waits) = self.state().asked.remove(id) {
            // Whoever asked may have given up.
            let _ = waits.send(result);
        }
    }

    /// Asks the client's person, in the way of the old revisions; null where nothing came back in time.
    pub(super) fn ask(&self, method: &str, params: Value, until: Instant, cancelled: &AtomicBool) -> Value {
        let (id, answer) = self.question();
        self.send(&json!({"jsonrpc": "2.0", "id": id, "method": method, "params": params}));
        loop {
            match answer.recv_timeout(LOOK.min(until.saturating_duration_since(Instant::now()))) {
                Ok(answer) => return answer,
                Err(RecvTimeoutError::Timeout) if Instant::now() < until && !cancelled.load(Ordering::Relaxed) => {}
                Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => break,
            }
        }
        self.state().asked.remove(&id);
        Value::Null
    }

    fn question(&self) -> (McpId, Receiver<Value>) {
        let (sender, receiver) = channel();
        let mut state = self.state();
        state.next_question += 1;
        let id = McpId::Text(format!("countersign-{}", state.next_question));
        state.asked.insert(id.clone(), sender);
        (id, receiver)
    }

    /// Begins a call of a tool; the answer goes out when it is there.
    pub(super) fn call(self: Arc<Self>, id: McpId, tool: Tool, params: &str, is_new: bool) {
        let cancelled = Arc::new(AtomicBool::new(false));
        let is_free = {
            let mut state = self.state();
            let is_free = state.running.len() < MOST_CALLS;
            if is_free {
                state.running.insert(id.clone(), Arc::clone(&cancelled));
            }
            is_free
        };
        if !is_free {
            return self.answer(&id, failed(tool, &format!("more than {MOST_CALLS} calls wait already"), is_new));
        }
        let params = params.to_owned();
        thread::spawn(move || {
            let forward = Forward { calls: &self, tool, params: &params, is_new, cancelled: &cancelled };
            let done = catch_unwind(AssertUnwindSafe(|| forward.run()));
            let done = done.unwrap_or_else(|_| Ok(failed(tool, "something went wrong inside", is_new)));
            // Of what is cancelled a client hears nothing more.
            if self.state().running.remove(&id).is_some() {
                match done {
                    Ok(result) => self.answer(&id, result),
                    Err(error) => self.send(&json!({"jsonrpc": "2.0", "id": id, "error": error})),
                }
            }
        });
    }
}
