//! What agents and people do in the proofs: the story of one interaction after another.

use std::fs;
use std::path::Path;

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::harness::{Answer, Client, altered, confirmation, question, responses, secret};
use crate::ledger::Promise;

/// Who does something.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum By {
    Agent,
    Approver,
}

/// One write, and the status of its answer where nothing is in its way.
pub(crate) struct Act {
    by: By,
    path: String,
    body: Value,
    pub(crate) status: u16,
}

/// An agent and a person, as clients of one server.
#[derive(Clone)]
pub(crate) struct Pair {
    pub(crate) agent: Client,
    pub(crate) approver: Client,
}

/// Their tokens.
#[derive(Clone)]
pub(crate) struct Tokens {
    pub(crate) agent: String,
    pub(crate) approver: String,
}

impl Tokens {
    /// Made by the command line.
    pub(crate) fn make(db: &Path) -> Self {
        let token = |name, role| crate::harness::token(db, name, role);
        Self { agent: token("builder", "agent"), approver: token("ada", "approver") }
    }

    pub(crate) fn at(&self, url: &str) -> Pair {
        Pair { agent: Client::new(url, &self.agent), approver: Client::new(url, &self.approver) }
    }
}

/// A copy of a directory of files.
pub(crate) fn copied(directory: &Path) -> TempDir {
    let copy = TempDir::new().unwrap();
    for entry in fs::read_dir(directory).unwrap() {
        let from = entry.unwrap().path();
        fs::copy(&from, copy.path().join(from.file_name().unwrap())).unwrap();
    }
    copy
}

impl Act {
    pub(crate) fn new(by: By, path: impl Into<String>, body: Value, status: u16) -> Self {
        Self { by, path: path.into(), body, status }
    }

    /// What its 2xx promises.
    pub(crate) fn promise(&self) -> Option<Promise> {
        Promise::of(&self.path, &self.body)
    }
}

impl Pair {
    /// Does it; `None` where no whole answer came.
    pub(crate) fn perform(&self, act: &Act) -> Option<Answer> {
        let client = if act.by == By::Agent { &self.agent } else { &self.approver };
        let json = [("content-type", "application/json")];
        client.try_send("POST", &act.path, &json, Some(act.body.to_string().as_bytes())).ok()
    }

    /// Tells the stories of the interactions `name-0`, `name-1` and so on, and hands on what was promised; ends where
    /// the server is gone, or when it is told that this was enough.
    pub(crate) fn work(&self, name: &str, padding: usize, mut promised: impl FnMut(Promise) -> bool) {
        for number in 0.. {
            for act in story(&format!("{name}-{number}"), number, padding) {
                let Some(answer) = self.perform(&act) else { return };
                answer.expect(act.status);
                if act.promise().is_some_and(|promise| !promised(promise)) {
                    return;
                }
            }
        }
    }
}

/// All that happens to one interaction; it depends on `number` what, and its input is `padding` bytes longer than it
/// would be.
pub(crate) fn story(id: &str, number: usize, padding: usize) -> Vec<Act> {
    let registered = |registration: Value| Act::new(By::Agent, "/v1/interactions", registration, 201);
    // A tool of its own: the rule that is made for one decides no other.
    let asked = || {
        let input = json!({"command": "make deploy", "description": "x".repeat(padding)});
        registered(altered(confirmation(id), &json!({"confirmation": {"toolName": id, "input": input}})))
    };
    let resolved =
        |path: &str, body: Value| Act::new(By::Approver, path, altered(json!({"requestId": id}), &body), 200);
    match number % 8 {
        0 => vec![
            asked(),
            resolved("/v1/confirm", json!({"decision": "allow"})),
            Act::new(By::Agent, format!("/v1/interactions/{id}/claim"), json!({"claimId": format!("of-{id}")}), 200),
        ],
        1 => vec![asked(), resolved("/v1/confirm", json!({"decision": "deny"}))],
        2 => vec![registered(secret(id)), resolved("/v1/secret", json!({"value": "v"}))],
        3 => vec![registered(question(id)), resolved("/v1/question-response", json!({"responses": responses()}))],
        4 => vec![asked(), Act::new(By::Agent, format!("/v1/interactions/{id}/cancel"), json!({}), 200)],
        5 => vec![
            asked(),
            resolved(
                "/v1/confirm",
                json!({"decision": "allow", "selectedPattern": "make *", "selectedScope": "everywhere"}),
            ),
        ],
        6 => vec![asked()],
        _ => vec![registered(secret(id))],
    }
}
