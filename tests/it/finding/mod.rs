//! The one query of all lists: what each word and field finds, on every surface, and what none finds any more.

mod fields;
mod files;
mod pages;
mod signatures;
mod words;

use serde_json::{Value, json};

use crate::harness::{Client, TestServer, altered, confirmation};

/// A query as a part of a URL.
fn encoded(query: &str) -> String {
    query.bytes().map(|byte| format!("%{byte:02x}")).collect()
}

fn ids_of(body: &Value) -> Vec<String> {
    let items = body["interactions"].as_array().unwrap().iter();
    items.map(|item| item["requestId"].as_str().unwrap().to_owned()).collect()
}

/// What a query finds, the newest first.
#[track_caller]
fn found(client: &Client, query: &str) -> String {
    let body = client.get(&format!("/v1/interactions?limit=500&q={}", encoded(query))).expect(200).body;
    assert_eq!(body["nextCursor"], Value::Null, "{query}");
    ids_of(&body).join(" ")
}

/// Asks to run a command.
fn command(agent: &Client, id: &str, command: &str) {
    agent.register(&altered(confirmation(id), &json!({"confirmation": {"input": {"command": command}}})));
}

/// A server with an agent and an approver.
fn started() -> (TestServer, Client, Client) {
    let server = TestServer::start();
    let (agent, ada) = (server.agent("claude-ci"), server.approver("ada"));
    (server, agent, ada)
}
