//! `POST /v1/conversations/{conversationId}/supersede`.

use std::time::Duration;

use countersign::domain::enums::Role;
use serde_json::{Value, json};

use crate::harness::{Answer, Client, TestServer, altered, confirmation, question, secret};

fn supersede(client: &Client, conversation: &str) -> Answer {
    client.post_nothing(&format!("/v1/conversations/{conversation}/supersede"))
}

/// Two agents in one conversation, and one of them in another and in none.
fn populate(server: &TestServer) -> (Client, Client) {
    let (one, two) = (server.agent("one"), server.agent("two"));
    one.register(&confirmation("one-c"));
    two.register(&confirmation("two-c"));
    one.register(&secret("one-s"));
    one.register(&question("one-q"));
    one.register(&altered(confirmation("elsewhere"), &json!({"conversationId": "another"})));
    one.register(&altered(confirmation("nowhere"), &json!({"conversationId": null})));
    (one, two)
}

fn superseded_in_file(server: &TestServer) -> Vec<Value> {
    let rows = server.sql("SELECT request_id FROM interactions WHERE status = 'superseded' ORDER BY interaction_id");
    rows.into_iter().flatten().collect()
}

#[test]
fn an_agent_closes_only_its_own_in_this_conversation() {
    let server = TestServer::start();
    let (one, two) = populate(&server);
    let mine = ["one-c", "one-s", "one-q"].map(|id| one.wait_in_background(id));
    let others = [two.wait_in_background("two-c"), one.wait_in_background("elsewhere")];
    server.until_waiting(5);
    assert_eq!(supersede(&one, "conversation").expect(200).body, json!({"superseded": ["one-c", "one-s", "one-q"]}));
    for waiter in mine {
        let seen = waiter.join().unwrap().expect(200).body;
        assert_eq!(
            (&seen["status"], &seen["resolution"]["resolvedBy"]),
            (&json!("superseded"), &json!({"principal": "one"}))
        );
    }
    assert_eq!(server.service.waiting(), 2);
    assert_eq!(superseded_in_file(&server), ["one-c", "one-s", "one-q"]);
    assert_eq!(server.history("one-s"), ["interaction.registered by one", "interaction.superseded by one"]);
    assert_eq!(server.unchanged(|| supersede(&one, "conversation")).expect(200).body, json!({"superseded": []}));
    supersede(&two, "conversation").expect(200);
    supersede(&one, "another").expect(200);
    for waiter in others {
        assert_eq!(waiter.join().unwrap().body["status"], "superseded");
    }
}

#[test]
fn an_approver_closes_those_of_every_agent_and_leaves_what_is_resolved() {
    let server = TestServer::start();
    populate(&server);
    let ada = server.approver("ada");
    ada.confirm("one-c", "deny").expect(200);
    assert_eq!(supersede(&ada, "conversation").expect(200).body, json!({"superseded": ["two-c", "one-s", "one-q"]}));
    assert_eq!(superseded_in_file(&server), ["two-c", "one-s", "one-q"]);
    assert_eq!(server.stored("one-c"), "rejected");
    let refused = server.unchanged(|| ada.confirm("two-c", "allow"));
    assert_eq!((refused.refusal(), &refused.body["status"]), ((404, "already_resolved"), &json!("superseded")));
}

#[test]
fn what_is_overdue_has_expired_and_is_not_superseded() {
    let server = TestServer::without_sweeper();
    let agent = server.agent("builder");
    agent.register(&altered(confirmation("overdue"), &json!({"expiresInMs": 10})));
    agent.register(&altered(confirmation("in time"), &json!({"requestId": "in-time", "expiresInMs": 11})));
    server.advance(Duration::from_millis(10));
    assert_eq!(supersede(&agent, "conversation").expect(200).body, json!({"superseded": ["in-time"]}));
    assert_eq!(server.stored("overdue"), "pending");
    assert_eq!(agent.look("overdue")["status"], "expired");
}

#[test]
fn an_auditor_closes_nothing_and_no_answer_tells_what_conversations_there_are() {
    let server = TestServer::start();
    populate(&server);
    let (auditor, stranger) = (server.client("eve", Role::Auditor), server.agent("stranger"));
    server.unchanged(|| {
        assert_eq!(supersede(&auditor, "conversation").refusal(), (403, "forbidden"));
        assert_eq!(supersede(&stranger, "conversation").expect(200).text, supersede(&stranger, "none").text);
    });
}
