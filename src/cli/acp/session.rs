//! What is known of the sessions that pass through, and the requests for permission that wait.

use std::collections::HashMap;
use std::io::{self, Stdout, Write};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use serde_json::{Value, json};
use uuid::Uuid;

use super::permission::{Decision, Request, ToolCall};
use super::{AgentInput, Mode};
use crate::api::{McpId, NoBody};
use crate::cli::json_lines::{Line, Lines, Message};
use crate::cli::safe_text;
use crate::cli::upstream::{Patience, Upstream};
use crate::config::Access;
use crate::dialects::mcp::{
    META_CALL, META_CAPABILITIES, META_CLIENT, META_CONVERSATION, META_NO_EDITS, META_ORIGIN, META_REQUEST,
    META_TOOL_USE, META_VERSION, META_WAIT, REVISION, Tool,
};
use crate::domain::id::RequestId;

/// How many calls of tools are kept in mind: those that may yet be asked about.
const MOST_CALLS: usize = 10_000;

/// The first wait, in milliseconds: only so long that the request's id is known.
const FIRST_WAIT_MS: u64 = 1;

/// Between an editor and its agent.
pub(super) struct Proxy {
    upstream: Upstream,
    mode: Mode,
    within: Duration,
    agent: Arc<AgentInput>,
    editor: Arc<Lines<Stdout>>,
    state: Mutex<State>,
}

struct State {
    /// The agent's name and version.
    client: Value,
    /// Whether what comes next is the rest of a line that was too long.
    inside_line: [bool; 2],
    /// What was said of calls of tools, by session and id.
    calls: HashMap<(String, String), ToolCall>,
    waiting: HashMap<McpId, Arc<Waiting>>,
    /// Requests that are answered already, whose answer by the editor is not wanted any more.
    answered: Vec<McpId>,
    /// What is done meanwhile.
    threads: Vec<JoinHandle<()>>,
}

/// A request for permission that waits.
struct Waiting {
    request: Request,
    given_up: AtomicBool,
    /// What it waits for, once that is known.
    request_id: Mutex<Option<RequestId>>,
}

/// Says on standard error, which editors show, what no message of the protocol has room for.
fn say(why: &str) {
    // Where nobody reads it, the answer says enough.
    let _ = writeln!(io::stderr(), "countersign acp: {}", safe_text::line(why));
}

/// The two that speak.
const EDITOR: usize = 0;
const AGENT: usize = 1;

impl Proxy {
    pub(super) fn new(
        access: Access,
        mode: Mode,
        within: Duration,
        program: &str,
        agent: Arc<AgentInput>,
        editor: Arc<Lines<Stdout>>,
    ) -> Self {
        let name = program.rsplit('/').next().unwrap_or(program);
        let state = State {
            client: json!({"name": name, "version": ""}),
            inside_line: [false; 2],
            calls: HashMap::new(),
            waiting: HashMap::new(),
            answered: Vec::new(),
            threads: Vec::new(),
        };
        Self { upstream: Upstream::new(access), mode, within, agent, editor, state: Mutex::new(state) }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Nothing in this file can panic halfway through a change.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Does something beside what passes through, which goes on until it is done.
    fn start(&self, work: impl FnOnce() + Send + 'static) {
        let thread = thread::spawn(work);
        let threads = &mut self.state().threads;
        threads.retain(|thread| !thread.is_finished());
        threads.push(thread);
    }

    /// The bytes of a piece of a line, and whether they are a line of their own.
    fn piece(&self, of: usize, line: Line) -> (Vec<u8>, bool) {
        let (bytes, is_whole) = match line {
            Line::Whole(bytes) => (bytes, true),
            Line::TooLong(bytes) => (bytes, false),
        };
        let mut state = self.state();
        let was_inside = state.inside_line.get(of).copied().unwrap_or_default();
        if let Some(inside) = state.inside_line.get_mut(of) {
            *inside = !is_whole;
        }
        (bytes, is_whole && !was_inside)
    }

    /// Passes on what the editor says, but for an answer that is not wanted any more.
    pub(super) fn take_from_editor(&self, line: Line) -> io::Result<()> {
        let (bytes, is_line) = self.piece(EDITOR, line);
        let message = is_line.then(|| serde_json::from_slice::<Message<'_>>(&bytes).ok()).flatten();
        if let Some(message) = message {
            match (message.method.as_deref(), &message.id) {
                (Some("session/cancel"), _) => self.cancel_turn(message.params),
                (None, Some(id)) if self.is_answered(id) => return Ok(()),
                (None, Some(id)) => {
                    // The editor was first.
                    let waiting = self.state().waiting.remove(id);
                    if let Some(waiting) = waiting {
                        self.withdraw(&waiting);
                    }
                }
                _ => {}
            }
        }
        self.agent.write(&bytes)
    }

    fn is_answered(&self, id: &McpId) -> bool {
        let mut state = self.state();
        let place = state.answered.iter().position(|answered| answered == id);
        place.map(|place| state.answered.swap_remove(place)).is_some()
    }

    /// Passes on what the agent says, but for the requests for permission that are answered here.
    pub(super) fn take_from_agent(self: &Arc<Self>, line: Line) -> io::Result<()> {
        let (bytes, is_line) = self.piece(AGENT, line);
        let message = is_line.then(|| serde_json::from_slice::<Message<'_>>(&bytes).ok()).flatten();
        if let Some(message) = message {
            match (message.method.as_deref(), message.id) {
                (Some("session/request_permission"), Some(id)) => {
                    let asked = self.asked(&id, message.params);
                    if !(asked && self.mode == Mode::AskBoth) {
                        return Ok(());
                    }
                }
                (Some("session/update"), None) => self.note_update(message.params),
                (None, Some(_)) => self.note_agent(message.result),
                _ => {}
            }
        }
        self.editor.write(&bytes)
    }

    /// Keeps the name of the agent, which its answer to `initialize` has.
    fn note_agent(&self, result: Option<&RawValue>) {
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Initialized {
            agent_info: Info,
        }
        #[derive(Deserialize)]
        struct Info {
            name: String,
            #[serde(default)]
            version: String,
        }
        let read = result.and_then(|result| serde_json::from_str::<Initialized>(result.get()).ok());
        if let Some(Initialized { agent_info: Info { name, version } }) = read {
            self.state().client = json!({"name": name, "version": version});
        }
    }

    /// Keeps what is said of a call of a tool.
    fn note_update(&self, params: Option<&RawValue>) {
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Update<'a> {
            session_id: String,
            #[serde(borrow)]
            update: &'a RawValue,
        }
        let Some(Ok(Update { session_id, update })) = params.map(|params| serde_json::from_str(params.get())) else {
            return;
        };
        let Ok(call) = serde_json::from_str::<ToolCall>(update.get()) else { return };
        let key = (session_id, call.tool_call_id.clone());
        let mut state = self.state();
        if matches!(call.status.as_deref(), Some("completed" | "failed")) {
            state.calls.remove(&key);
            return;
        }
        if state.calls.len() >= MOST_CALLS {
            state.calls.clear();
        }
        let known = state.calls.remove(&key).unwrap_or_default();
        state.calls.insert(key, known.updated(call));
    }

    /// Begins to answer a request for permission; `false` where it cannot be understood, which the agent is told.
    fn asked(self: &Arc<Self>, id: &McpId, params: Option<&RawValue>) -> bool {
        let params = params.map_or("null", RawValue::get);
        let mut request = match serde_json::from_str::<Request>(params) {
            Ok(request) => request,
            Err(error) => {
                say(&format!("a request for permission could not be understood: {error}"));
                let message = format!("countersign does not understand this request: {error}");
                let refused = json!({"jsonrpc": "2.0", "id": id, "error": {"code": -32602, "message": message}});
                self.tell_agent(&refused);
                return false;
            }
        };
        let key = (request.session_id.clone(), request.tool_call.tool_call_id.clone());
        let mut state = self.state();
        if let Some(known) = state.calls.get(&key) {
            request.tool_call = known.clone().updated(request.tool_call);
        }
        let waiting = Arc::new(Waiting { request, given_up: AtomicBool::new(false), request_id: Mutex::default() });
        state.waiting.insert(id.clone(), Arc::clone(&waiting));
        drop(state);
        let (proxy, id) = (Arc::clone(self), id.clone());
        self.start(move || {
            let decision = proxy.decide(&waiting);
            let was_waiting = {
                let mut state = proxy.state();
                let was_waiting = state.waiting.remove(&id).is_some();
                if was_waiting && proxy.mode == Mode::AskBoth {
                    state.answered.push(id.clone());
                }
                was_waiting
            };
            if was_waiting {
                proxy.tell_agent(&waiting.request.answer(&id, decision));
            }
        });
        true
    }

    fn tell_agent(&self, message: &Value) {
        // An agent that has ended needs no answer.
        let _ = self.agent.write(format!("{message}\n").as_bytes());
    }

    /// Whether countersign allows it: everything but an approval is no.
    fn decide(&self, waiting: &Waiting) -> Decision {
        match self.answer_of_server(waiting) {
            Ok(true) => Decision::Allow,
            Ok(false) => Decision::Reject,
            Err(error) => {
                say(&format!("a request for permission is rejected: {error}"));
                Decision::Reject
            }
        }
    }

    fn answer_of_server(&self, waiting: &Waiting) -> Result<bool, String> {
        #[derive(Serialize)]
        struct Params<'a> {
            name: &'static str,
            arguments: Arguments<'a>,
            #[serde(rename = "_meta")]
            meta: Value,
            #[serde(rename = "requestState", skip_serializing_if = "Option::is_none")]
            state: Option<String>,
        }
        #[derive(Serialize)]
        struct Arguments<'a> {
            tool_name: &'a str,
            input: Box<RawValue>,
            tool_use_id: &'a str,
        }
        let Request { session_id, tool_call, .. } = &waiting.request;
        let input = tool_call.input().map_err(|error| error.to_string())?;
        let arguments = Arguments { tool_name: tool_call.tool(), input, tool_use_id: &tool_call.tool_call_id };
        let mut params =
            Params { name: Tool::Approve.name(), arguments, meta: self.meta(waiting, session_id), state: None };
        let patience = Patience { until: Instant::now() + self.within, cancelled: &waiting.given_up };
        params.meta[META_WAIT] = FIRST_WAIT_MS.into();
        loop {
            let answer = self.upstream.call(params.name, &params, patience)?;
            let result = match (answer.result, answer.error) {
                (Some(result), _) => result,
                (None, error) => return Err(error.unwrap_or_default().to_string()),
            };
            if result["resultType"] == "input_required" {
                let request_id = result["_meta"][META_REQUEST].as_str().and_then(|id| id.parse().ok());
                *waiting.request_id.lock().unwrap_or_else(PoisonError::into_inner) = request_id;
                if patience.is_cancelled() {
                    self.withdraw(waiting);
                    return Ok(false);
                }
                params.state = result["requestState"].as_str().map(str::to_owned);
                params.meta[META_WAIT] = patience.next_wait().into();
                continue;
            }
            let text = result["content"][0]["text"].as_str().unwrap_or_default();
            let decided = serde_json::from_str::<Value>(text).map_err(|error| error.to_string())?;
            if decided["behavior"] != "allow" {
                say(decided["message"].as_str().unwrap_or("a request for permission is rejected"));
            }
            return Ok(decided["behavior"] == "allow");
        }
    }

    fn meta(&self, waiting: &Waiting, session_id: &str) -> Value {
        let directory = std::env::current_dir().ok().and_then(|directory| directory.to_str().map(str::to_owned));
        json!({
            META_VERSION: REVISION,
            META_CLIENT: self.state().client.clone(),
            META_CAPABILITIES: {},
            META_CONVERSATION: session_id,
            META_TOOL_USE: waiting.request.tool_call.tool_call_id,
            META_CALL: format!("acp-{}", Uuid::now_v7()),
            META_NO_EDITS: true,
            META_ORIGIN: {"workingDir": directory, "sessionId": session_id},
        })
    }

    /// Withdraws what is not waited for any more, where that is known already.
    fn withdraw(&self, waiting: &Waiting) {
        waiting.given_up.store(true, Ordering::Relaxed);
        let request_id = waiting.request_id.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let (Some(request_id), Ok(client)) = (request_id, self.upstream.client()) else { return };
        self.start(move || {
            // Where it cannot be withdrawn, its deadline ends it.
            let _ = client.cancel_interaction(&request_id, &NoBody {});
        });
    }

    /// Answers what waits in a turn that the editor's person has cancelled.
    fn cancel_turn(&self, params: Option<&RawValue>) {
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Cancel {
            session_id: String,
        }
        let Some(Ok(Cancel { session_id })) = params.map(|params| serde_json::from_str(params.get())) else { return };
        let cancelled = {
            let mut state = self.state();
            let is_of = |waiting: &Arc<Waiting>| waiting.request.session_id == session_id;
            let ids = state.waiting.iter().filter(|(_, waiting)| is_of(waiting)).map(|(id, _)| id.clone());
            let ids = ids.collect::<Vec<_>>();
            if self.mode == Mode::AskBoth {
                state.answered.extend(ids.iter().cloned());
            }
            ids.into_iter().filter_map(|id| state.waiting.remove_entry(&id)).collect::<Vec<_>>()
        };
        for (id, waiting) in cancelled {
            self.tell_agent(&waiting.request.answer(&id, Decision::TurnCancelled));
            self.withdraw(&waiting);
        }
    }

    /// Withdraws all that waits, since the agent has ended, and waits until that is done.
    pub(super) fn end(&self) {
        let waiting = std::mem::take(&mut self.state().waiting);
        waiting.into_values().for_each(|waiting| self.withdraw(&waiting));
        loop {
            let Some(thread) = self.state().threads.pop() else { return };
            // A thread that has panicked has said so.
            let _ = thread.join();
        }
    }
}
