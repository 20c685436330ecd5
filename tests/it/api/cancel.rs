//! `POST /v1/interactions/{requestId}/cancel`.

use countersign::domain::enums::Role;
use serde_json::json;

use crate::harness::{Answer, Client, KINDS, TestServer, confirmation};

fn cancel(client: &Client, request_id: &str) -> Answer {
    client.post_nothing(&format!("/v1/interactions/{request_id}/cancel"))
}

#[test]
fn cancelling_withdraws_any_kind_and_again_changes_nothing() {
    let server = TestServer::start();
    let agent = server.agent("builder");
    for registration in KINDS.iter().map(|kind| (kind.registration)(kind.id)) {
        let id = registration["requestId"].as_str().unwrap();
        agent.register(&registration);
        let waiter = agent.wait_in_background(id);
        server.until_waiting(1);
        let cancelled = cancel(&agent, id).expect(200).body;
        assert_eq!(cancelled["status"], "cancelled");
        assert_eq!(cancelled["resolution"]["resolvedBy"], json!({"principal": "builder"}));
        assert_eq!(cancelled, waiter.join().unwrap().expect(200).body);
        assert_eq!(server.history(id), ["interaction.registered by builder", "interaction.cancelled by builder"]);
        assert_eq!(server.unchanged(|| cancel(&agent, id)).expect(200).body, cancelled);
    }
}

#[test]
fn what_ended_otherwise_is_not_cancelled_and_says_how_it_ended() {
    let server = TestServer::start();
    let (agent, ada) = (server.agent("builder"), server.approver("ada"));
    for (id, decision, status) in [("yes", "allow", "approved"), ("no", "deny", "rejected")] {
        agent.register(&confirmation(id));
        ada.confirm(id, decision).expect(200);
        let refused = server.unchanged(|| cancel(&agent, id));
        assert_eq!((refused.refusal(), &refused.body["status"]), ((409, "already_resolved"), &json!(status)));
    }
}

#[test]
fn no_agent_cancels_what_another_agent_asked() {
    let server = TestServer::start();
    server.agent("builder").register(&confirmation("c"));
    let waiter = server.agent("builder").wait_in_background("c");
    server.until_waiting(1);
    let (other, ada) = (server.agent("other"), server.approver("ada"));
    let (mine, missing) = server.unchanged(|| (cancel(&other, "c"), cancel(&other, "nothing")));
    assert_eq!(mine.refusal(), (404, "unknown_request"));
    // To the other agent, what is not its own does not exist.
    assert_eq!(mine.text, missing.text);
    assert_eq!(server.unchanged(|| cancel(&ada, "c")).refusal(), (403, "forbidden"));
    cancel(&server.client("root", Role::Admin), "c").expect(200);
    assert_eq!(waiter.join().unwrap().body["resolution"]["resolvedBy"], json!({"principal": "root"}));
}

#[test]
fn cancelling_needs_no_body_and_takes_none_that_says_something() {
    let server = TestServer::start();
    let agent = server.agent("builder");
    for (id, body) in [("empty", ""), ("braces", "{}"), ("spaces", " \n")] {
        agent.register(&confirmation(id));
        let path = format!("/v1/interactions/{id}/cancel");
        let typed = agent.try_send("POST", &path, &[], Some(body.as_bytes())).unwrap();
        assert_eq!(typed.expect(200).body["status"], "cancelled");
        agent.post_text(&path, body).expect(200);
    }
    agent.register(&confirmation("c"));
    let refused = server.unchanged(|| agent.post("/v1/interactions/c/cancel", &json!({"reason": "bored"})));
    assert_eq!(refused.refusal(), (400, "malformed_request"));
}
