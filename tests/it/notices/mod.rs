//! Notices: what leaves the machine, to whom, when, and what never does.

mod addresses;
mod channels;
mod kinds;
mod links;
mod mail;
mod outbox;
mod page;
mod push;
mod secrecy;
mod webhook;

use std::time::Duration;

use serde_json::{Value, json};

use crate::harness::receiver::{Received, Receiver};
use crate::harness::{Client, TestServer, altered, confirmation};

/// What lets the receivers of tests be called.
pub(crate) const LOOPBACK: [&str; 2] = ["--allow-notice-net", "127.0.0.0/8"];

/// How long a channel is silent after it has spoken.
const PACE: Duration = Duration::from_secs(30);

/// An agent, a person, and a server that may call receivers on this machine.
fn fixture() -> (TestServer, Client, Client) {
    let server = TestServer::with(&LOOPBACK);
    let (agent, ada) = (server.agent("builder"), server.approver("ada"));
    (server, agent, ada)
}

/// What makes a channel of this kind to a receiver.
fn channel(kind: &str, receiver: &Receiver) -> Value {
    json!({"name": kind, "kind": kind, "url": receiver.url()})
}

/// Makes a channel; its answer.
#[track_caller]
fn add(client: &Client, body: &Value) -> Value {
    client.post("/v1/channels", body).expect(201).body
}

/// A confirmation of this risk.
fn risky(id: &str, risk: &str) -> Value {
    altered(confirmation(id), &json!({"confirmation": {"riskLevel": risk}}))
}

/// What kind of event each of these tells, and of which interaction.
fn told(received: &[Received]) -> Vec<(String, String)> {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    received.iter().map(Received::json).map(|body| (text(&body["type"]), text(&body["data"]["requestId"]))).collect()
}

/// Pairs of the same.
fn pairs<const N: usize>(expected: [(&str, &str); N]) -> Vec<(String, String)> {
    expected.map(|(kind, id)| (kind.to_owned(), id.to_owned())).to_vec()
}
