//! One call of a tool on its way to the server and back, however often that takes.

use std::sync::atomic::AtomicBool;
use std::time::Instant;

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::calls::Calls;
use super::with;
use crate::cli::upstream::{Answer, Patience};
use crate::dialects::mcp::{
    META_CALL, META_CAPABILITIES, META_CLIENT, META_CONVERSATION, META_ORIGIN, META_VERSION, META_WAIT, REVISION, Tool,
    prompt_denies, tool_time,
};
use crate::domain::tool_call::Denial;

/// A call of a tool.
pub(super) struct Forward<'a> {
    pub(super) calls: &'a Calls,
    pub(super) tool: Tool,
    /// Its parameters, as the client wrote them.
    pub(super) params: &'a str,
    /// Whether the client speaks the revision without a handshake.
    pub(super) is_new: bool,
    pub(super) cancelled: &'a AtomicBool,
}

/// The parameters of a call; its arguments stay as they are.
#[derive(Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
struct Params {
    name: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    arguments: Option<Box<RawValue>>,
    #[serde(rename = "_meta", default)]
    meta: Map<String, Value>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    input_responses: Option<Value>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    request_state: Option<String>,
}

impl Forward<'_> {
    /// The result for the client, or the protocol's error.
    pub(super) fn run(&self) -> Result<Value, Value> {
        match self.forwarded() {
            Ok(Answer { result: Some(result), .. }) => Ok(if self.is_new { result } else { as_of_old(result) }),
            Ok(Answer { error: Some(error), .. }) => Err(error),
            Ok(Answer { result: None, error: None }) => Ok(self.failed("the server's answer is empty")),
            Err(why) => Ok(self.failed(&why)),
        }
    }

    fn failed(&self, why: &str) -> Value {
        failed(self.tool, why, self.is_new)
    }

    fn forwarded(&self) -> Result<Answer, String> {
        let mut params: Params = serde_json::from_str(self.params).map_err(|error| error.to_string())?;
        let handshake = self.calls.handshake();
        self.complete(&mut params.meta, &handshake);
        let client = params.meta[META_CLIENT]["name"].as_str().unwrap_or_default();
        let until = Instant::now() + self.calls.within.unwrap_or_else(|| tool_time(client));
        let patience = Patience { until, cancelled: self.cancelled };
        loop {
            params.meta.insert(META_WAIT.to_owned(), patience.next_wait().into());
            let answer = self.calls.upstream.call(self.tool.name(), &params, patience)?;
            let Some(result) = answer.result.as_ref().filter(|result| result["resultType"] == "input_required") else {
                return Ok(answer);
            };
            let requests = result["inputRequests"].as_object();
            if requests.is_some() && self.is_new {
                return Ok(answer);
            }
            params.input_responses = requests.map(|requests| self.ask_person(requests, until, &handshake));
            params.request_state = result["requestState"].as_str().map(str::to_owned);
            if patience.is_cancelled() {
                return Err("the call was cancelled".to_owned());
            }
        }
    }

    /// Adds what a request without a handshake says of its client, and what this process knows.
    fn complete(&self, meta: &mut Map<String, Value>, handshake: &Value) {
        let mut put = |name: &str, value: Value| {
            meta.entry(name).or_insert(value);
        };
        let said = |member: &str| handshake.get(member).filter(|said| !said.is_null()).cloned();
        let client = said("clientInfo").unwrap_or_else(|| json!({"name": "unknown", "version": "0"}));
        let capabilities = said("capabilities").unwrap_or_else(|| json!({}));
        put(META_CLIENT, client);
        put(META_CAPABILITIES, capabilities);
        let directory = std::env::current_dir().ok().and_then(|directory| directory.to_str().map(str::to_owned));
        put(META_ORIGIN, json!({"workingDir": directory, "sessionId": self.calls.session}));
        put(META_CONVERSATION, self.calls.session.clone().into());
        meta.insert(META_VERSION.to_owned(), REVISION.into());
        meta.insert(META_CALL.to_owned(), format!("mcp-{}", Uuid::now_v7()).into());
    }

    /// Asks the client's person what the server wants to know, in the way of the old revisions.
    fn ask_person(&self, requests: &Map<String, Value>, until: Instant, handshake: &Value) -> Value {
        let answers = requests.iter().map(|(key, request)| {
            let mut params = request["params"].clone();
            if handshake["protocolVersion"] == "2025-06-18" && params["mode"] == "form" {
                // This revision knows no other.
                params.as_object_mut().map(|params| params.remove("mode"));
            }
            if params["mode"] == "url" {
                params["elicitationId"] = Uuid::now_v7().to_string().into();
            }
            let method = request["method"].as_str().unwrap_or_default();
            let answer = self.calls.ask(method, params, until, self.cancelled);
            let answer = if answer.is_null() { json!({"action": "cancel"}) } else { answer };
            (key.clone(), answer)
        });
        Value::Object(answers.collect())
    }
}

/// A result as the revisions with a handshake have it.
fn as_of_old(mut result: Value) -> Value {
    result.as_object_mut().map(|members| members.remove("resultType"));
    result
}

/// The result of a call that has none, in the words of its tool: where a decision is asked for, it is no.
pub(super) fn failed(tool: Tool, why: &str, is_new: bool) -> Value {
    let denial = Denial::Unreachable { why: why.to_owned() }.to_string();
    let (text, is_error) = match tool {
        Tool::Approve => (prompt_denies(&denial), false),
        Tool::Hook | Tool::Ask | Tool::RequestApproval | Tool::RequestSecret | Tool::Check => {
            (format!("countersign: {why}"), true)
        }
    };
    let result = json!({"content": [{"type": "text", "text": text}], "isError": is_error});
    if is_new { with(result, json!({"resultType": "complete"})) } else { result }
}
