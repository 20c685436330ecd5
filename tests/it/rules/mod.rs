//! `/v1/trust-rules`: how rules are made, what they decide, how they are listed and taken back.

mod apply;
mod deciding;
mod files;
mod from_offers;
mod from_requests;
mod lifetime;
mod managing;
mod offers;
mod parts;
mod preview;
mod profiles;
mod races;
mod revisions;
mod undone;
mod why;

use serde_json::{Value, json};

use crate::harness::{Client, TestServer, confirmation};

/// `base` with some members replaced or added.
fn with(base: &Value, changes: &Value) -> Value {
    let mut merged = base.clone();
    if let (Some(merged), Some(changes)) = (merged.as_object_mut(), changes.as_object()) {
        merged.extend(changes.clone());
    }
    merged
}

/// A confirmation whose own member has some members replaced or added.
fn asking(request_id: &str, changes: &Value) -> Value {
    let base = confirmation(request_id);
    with(&base, &json!({"confirmation": with(&base["confirmation"], changes)}))
}

/// A confirmation of the tool `shell` with this input, from `/repo`, that offers nothing of its own.
fn bare(request_id: &str, input: &Value) -> Value {
    let asked = json!({"toolName": "shell", "input": input, "workingDir": "/repo"});
    json!({"requestId": request_id, "kind": "confirmation", "confirmation": asked})
}

/// The same for a command line.
fn command(request_id: &str, line: &str) -> Value {
    bare(request_id, &json!({"command": line}))
}

/// A rule for the tool `shell`, everywhere, as an approver makes it on its own.
fn rule(decision: &str, pattern: &str) -> Value {
    json!({"toolName": "shell", "pattern": pattern, "scope": "everywhere", "decision": decision})
}

/// Registers, and says what became of it.
#[track_caller]
fn status(agent: &Client, registration: &Value) -> String {
    agent.register(registration)["status"].as_str().unwrap().to_owned()
}

/// The ids of interactions, in their order.
fn ids(list: &Value) -> Vec<&str> {
    list.as_array().unwrap().iter().map(|interaction| interaction["requestId"].as_str().unwrap()).collect()
}

/// How often a rule has decided.
#[track_caller]
fn uses(approver: &Client, rule_id: &str) -> Value {
    approver.get(&format!("/v1/trust-rules/{rule_id}")).expect(200).body["useCount"].clone()
}

/// The rule for the tool `shell`, `make *`, everywhere, as an approver makes it on its own.
fn own(decision: &str) -> Value {
    json!({"toolName": "shell", "pattern": "make *", "scope": "everywhere", "decision": decision})
}

/// The same, made from a request.
fn offered(request_id: &str, decision: &str) -> Value {
    json!({"requestId": request_id, "pattern": "make *", "scope": "everywhere", "decision": decision})
}

/// A new rule, as the API shows it.
#[track_caller]
fn made(approver: &Client, rule: &Value) -> Value {
    let body = approver.post("/v1/trust-rules", rule).expect(201).body;
    assert_eq!(body["accepted"], true);
    body["trustRule"].clone()
}

/// The id of a new rule.
#[track_caller]
fn made_id(approver: &Client, rule: &Value) -> String {
    made(approver, rule)["ruleId"].as_str().unwrap().to_owned()
}

/// Everything that must be the same when nothing has changed: rules, interactions, and the length of the history.
fn picture(server: &TestServer) -> Vec<Vec<Value>> {
    let tables = [
        "SELECT rule_id, status, use_count, revoked_at_ms FROM trust_rules",
        "SELECT request_id, status, resolved_at_ms, resolution FROM interactions",
        "SELECT count(*) FROM audit_events WHERE event NOT LIKE 'token.%'",
    ];
    tables.iter().flat_map(|query| server.sql(query)).collect()
}
