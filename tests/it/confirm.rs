//! `POST /v1/confirm`.

use serde_json::json;

use crate::harness::{TestServer, confirmation, secret};

#[test]
fn a_decision_resolves_wakes_and_is_audited() {
    let server = TestServer::start();
    let (agent, ada) = (server.agent("builder"), server.approver("ada"));
    agent.register(&confirmation("c"));
    let waiter = agent.wait_in_background("c");
    server.until_waiting(1);
    assert_eq!(ada.confirm("c", "allow").expect(200).body, json!({"accepted": true}));
    let seen = waiter.join().unwrap().expect(200).body;
    assert_eq!(seen["status"], "approved");
    assert_eq!(seen["resolution"]["resolvedBy"], json!({"principal": "ada"}));
    assert_eq!(
        server.sql("SELECT event, principal FROM audit_events WHERE request_id = 'c' ORDER BY seq"),
        [[json!("interaction.registered"), json!("builder")], [json!("interaction.approved"), json!("ada")]]
    );
}

/// The first founding defect: `/v1/confirm` took whatever had that `requestId`.
#[test]
fn confirm_on_a_secret_neither_consumes_nor_orphans_it() {
    let server = TestServer::start();
    let (agent, ada) = (server.agent("builder"), server.approver("ada"));
    agent.register(&secret("s"));
    let waiter = agent.wait_in_background("s");
    server.until_waiting(1);
    assert_eq!(ada.confirm("s", "allow").refusal(), (404, "wrong_kind"));
    assert_eq!(server.service.waiting(), 1);
    assert_eq!(agent.look("s")["status"], "pending");
    ada.post("/v1/secret", &json!({"requestId": "s", "value": "v"})).expect(200);
    assert_eq!(waiter.join().unwrap().body["status"], "answered");
}
