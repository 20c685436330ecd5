//! The Model Context Protocol: over HTTP, and over stdio through `countersign mcp`.

mod elicitation;
mod http;
mod stdio;
mod tools;

use serde_json::{Value, json};

use crate::harness::{Answer, Client};

/// The revision without a handshake.
pub(crate) const NEW: &str = "2026-07-28";

/// What a client of that revision says of itself in every request.
pub(crate) fn meta() -> Value {
    json!({
        "io.modelcontextprotocol/protocolVersion": NEW,
        "io.modelcontextprotocol/clientInfo": {"name": "tester", "version": "1"},
        "io.modelcontextprotocol/clientCapabilities": {},
    })
}

/// A message with its headers as a client of the newest revision sends it.
pub(crate) fn send(client: &Client, method: &str, mut params: Value) -> Answer {
    if params.get("_meta").is_none() {
        params["_meta"] = meta();
    }
    let name = params["name"].as_str().unwrap_or_default().to_owned();
    let body = json!({"jsonrpc": "2.0", "id": 7, "method": method, "params": params}).to_string();
    let mut headers = vec![
        ("content-type", "application/json"),
        ("accept", "application/json, text/event-stream"),
        ("mcp-protocol-version", NEW),
        ("mcp-method", method),
    ];
    if !name.is_empty() {
        headers.push(("mcp-name", &name));
    }
    client.try_send("POST", "/mcp", &headers, Some(body.as_bytes())).unwrap()
}

/// A call of a tool; what it is answered with.
#[track_caller]
pub(crate) fn call(client: &Client, tool: &str, arguments: &Value) -> Value {
    call_with(client, json!({"name": tool, "arguments": arguments}))
}

#[track_caller]
pub(crate) fn call_with(client: &Client, params: Value) -> Value {
    let answer = send(client, "tools/call", params).expect(200);
    answer.body.get("result").unwrap_or_else(|| panic!("no result: {answer:?}")).clone()
}

/// The text of a result that is none of a failure.
#[track_caller]
pub(crate) fn text(result: &Value) -> &str {
    assert_ne!(result["isError"], true, "{result}");
    result["content"][0]["text"].as_str().unwrap_or_else(|| panic!("no text: {result}"))
}

/// The text of a result that failed.
#[track_caller]
pub(crate) fn failure(result: &Value) -> &str {
    assert_eq!(result["isError"], true, "{result}");
    result["content"][0]["text"].as_str().unwrap_or_else(|| panic!("no text: {result}"))
}

/// The only pending interaction.
#[track_caller]
pub(crate) fn only_pending(person: &Client) -> Value {
    let pending = person.get("/v1/pending-interactions").expect(200).body["interactions"].clone();
    let [one] = pending.as_array().unwrap().as_slice() else { panic!("{pending}") };
    one.clone()
}

/// The id of the only pending interaction.
#[track_caller]
pub(crate) fn only_id(person: &Client) -> String {
    only_pending(person)["requestId"].as_str().unwrap().to_owned()
}
