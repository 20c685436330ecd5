//! Rules made from a request that is pending: only from one that is, only what it offered, and without resolving it.

use std::sync::{Arc, Barrier};
use std::thread;
use std::time::Duration;

use serde_json::{Value, json};

use super::{asking, made, made_id, offered, own, picture, with};
use crate::harness::{START, TestServer, confirmation, question, responses, secret};

#[test]
fn a_rule_made_from_a_request_is_shown_whole_and_leaves_the_request_pending() {
    let server = TestServer::start();
    let (agent, ada) = (server.agent("builder"), server.approver("ada"));
    agent.register(&confirmation("c"));
    let waiter = agent.wait_in_background("c");
    server.until_waiting(1);
    let terms = json!({"expiresInMs": 60_000, "maxUses": 3, "allowHighRisk": true});
    let rule = made(&ada, &with(&offered("c", "allow"), &terms));
    let shown = json!({
        "ruleId": rule["ruleId"], "name": null, "revision": 1, "kind": "confirmation", "status": "active", "toolName": "shell", "pattern": "make *",
        "scope": "everywhere", "decision": "allow", "members": {}, "agent": "builder", "executionTarget": null, "reason": null,
        "coversLess": false, "allowHighRisk": true, "createdAt": START, "createdBy": "ada",
        "createdFrom": "c", "expiresAt": "2030-01-01T00:01:00.000Z", "maxUses": 3, "useCount": 0, "lastUsedAt": null,
        "revokedAt": null, "revokedBy": null,
    });
    assert_eq!(rule, shown);
    assert_eq!(
        server.sql("SELECT rule_id, kind, status, tool_name, pattern, scope, decision, created_from FROM trust_rules"),
        [[
            rule["ruleId"].clone(),
            json!("confirmation"),
            json!("active"),
            json!("shell"),
            json!("make *"),
            json!("everywhere"),
            json!("allow"),
            json!("c")
        ]]
    );
    assert_eq!(
        server.sql("SELECT event, rule_id, principal, json_extract(detail, '$.pattern') FROM audit_events WHERE request_id = 'c'"),
        [
            [json!("interaction.registered"), Value::Null, json!("builder"), Value::Null],
            [json!("trust_rule.created"), rule["ruleId"].clone(), json!("ada"), json!("make *")],
        ]
    );
    assert_eq!((server.service.waiting(), &agent.look("c")["status"]), (1, &json!("pending")));
    ada.confirm("c", "deny").expect(200);
    assert_eq!(waiter.join().unwrap().body["status"], "rejected", "the person's own word, not the rule's");
}

#[test]
fn the_same_rule_again_is_the_one_that_stands_and_no_second() {
    let server = TestServer::start();
    let (agent, ada, bob) = (server.agent("builder"), server.approver("ada"), server.approver("bob"));
    agent.register(&confirmation("c"));
    let first = made(&ada, &offered("c", "allow"));
    let before = picture(&server);
    for (who, same) in [
        (&ada, offered("c", "allow")),
        (&bob, offered("c", "allow")),
        (&ada, with(&own("allow"), &json!({"agent": "builder"}))),
    ] {
        let again = who.post("/v1/trust-rules", &same).expect(200).body;
        assert_eq!(again, json!({"accepted": true, "trustRule": first}), "{same}");
    }
    assert_eq!(picture(&server), before);
    let others = [
        json!({"scope": "/repo"}),
        json!({"decision": "deny"}),
        json!({"maxUses": 1}),
        json!({"expiresInMs": 1000}),
        json!({"allowHighRisk": true}),
    ];
    for other in &others {
        assert_ne!(made(&ada, &with(&offered("c", "allow"), other))["ruleId"], first["ruleId"], "{other}");
    }
    assert_eq!(server.sql("SELECT count(*) FROM trust_rules"), [[json!(1 + others.len())]]);
}

#[test]
fn a_rule_that_no_longer_stands_is_not_given_out_as_the_one_that_does() {
    let server = TestServer::start();
    let ada = server.approver("ada");
    let brief = with(&own("allow"), &json!({"expiresInMs": 1000}));
    let (revoked, expired) = (made_id(&ada, &own("allow")), made_id(&ada, &brief));
    ada.delete(&format!("/v1/trust-rules/{revoked}")).expect(200);
    server.advance(Duration::from_secs(1));
    assert_ne!(made_id(&ada, &own("allow")), revoked);
    assert_ne!(made_id(&ada, &brief), expired);
}

/// Otherwise a card that is still on a screen would make a rule from a question that another person has answered.
#[test]
fn no_rule_is_made_from_a_request_that_is_no_longer_pending() {
    let server = TestServer::start();
    let (agent, ada) = (server.agent("builder"), server.approver("ada"));
    for id in ["approved", "rejected", "cancelled", "superseded", "expired"] {
        let brief = if id == "expired" { json!({"expiresInMs": 1000}) } else { json!({}) };
        agent.register(&with(&with(&confirmation(id), &brief), &json!({"conversationId": id})));
    }
    ada.confirm("approved", "allow").expect(200);
    ada.confirm("rejected", "deny").expect(200);
    agent.post_nothing("/v1/interactions/cancelled/cancel").expect(200);
    agent.post_nothing("/v1/conversations/superseded/supersede").expect(200);
    server.advance(Duration::from_secs(1));
    assert_eq!(agent.look("expired")["status"], "expired");
    let before = picture(&server);
    for (id, code) in [
        ("approved", "already_resolved"),
        ("rejected", "already_resolved"),
        ("cancelled", "already_resolved"),
        ("superseded", "already_resolved"),
        ("expired", "expired"),
    ] {
        for decision in ["allow", "deny"] {
            let answer = ada.post("/v1/trust-rules", &offered(id, decision));
            assert_eq!(answer.refusal(), (404, code), "{id}");
            assert_eq!(answer.body["status"], id);
        }
    }
    assert_eq!(ada.post("/v1/trust-rules", &offered("nowhere", "allow")).refusal(), (404, "unknown_request"));
    assert_eq!(picture(&server), before);
}

/// Asked at once after each deadline, so that sometimes the question comes before the sweeper: it must not matter.
#[test]
fn no_rule_is_made_from_a_request_that_is_overdue_but_not_swept() {
    let server = TestServer::start();
    let (agent, ada) = (server.agent("builder"), server.approver("ada"));
    for round in 1..=30_u64 {
        agent.register(&with(&confirmation(&format!("c{round}")), &json!({"expiresInMs": 1000 * round})));
    }
    for round in 1..=30 {
        server.advance(Duration::from_secs(1));
        let answer = ada.post("/v1/trust-rules", &offered(&format!("c{round}"), "allow"));
        assert_eq!((answer.refusal(), &answer.body["status"]), ((404, "expired"), &json!("expired")), "{round}");
    }
    assert_eq!(server.sql("SELECT count(*) FROM trust_rules"), [[json!(0)]]);
}

#[test]
fn a_pending_request_of_another_kind_makes_no_rule_and_waits_on() {
    let server = TestServer::start();
    let (agent, ada) = (server.agent("builder"), server.approver("ada"));
    agent.register(&secret("s"));
    agent.register(&question("q"));
    let waiters = ["s", "q"].map(|id| agent.wait_in_background(id));
    server.until_waiting(2);
    let before = picture(&server);
    for id in ["s", "q"] {
        assert_eq!(ada.post("/v1/trust-rules", &offered(id, "allow")).refusal(), (409, "wrong_kind"));
    }
    assert_eq!((picture(&server), server.service.waiting()), (before, 2));
    ada.post("/v1/secret", &json!({"requestId": "s", "value": "v"})).expect(200);
    ada.post("/v1/question-response", &json!({"requestId": "q", "responses": responses()})).expect(200);
    for waiter in waiters {
        assert_eq!(waiter.join().unwrap().body["status"], "answered");
    }
    for id in ["s", "q"] {
        assert_eq!(ada.post("/v1/trust-rules", &offered(id, "allow")).refusal(), (404, "already_resolved"));
    }
}

#[test]
fn what_this_very_request_did_not_offer_makes_no_rule() {
    let server = TestServer::start();
    let (agent, ada) = (server.agent("builder"), server.approver("ada"));
    agent.register(&confirmation("c"));
    agent.register(&asking("never", &json!({"persistentDecisionsAllowed": false})));
    let other = json!({"allowlistOptions": [{"label": "l", "pattern": "make d*"}], "scopeOptions": [{"label": "s", "scope": "/etc"}]});
    agent.register(&asking("other", &other));
    let before = picture(&server);
    for (id, change, code, named) in [
        ("never", json!({}), "persistent_decisions_not_allowed", "trust rule"),
        ("c", json!({"pattern": "rm *"}), "pattern_not_offered", "pattern"),
        ("c", json!({"pattern": "make deploy"}), "pattern_not_offered", "pattern"),
        ("c", json!({"pattern": "make * "}), "pattern_not_offered", "pattern"),
        ("c", json!({"scope": "/etc"}), "scope_not_offered", "scope"),
        ("c", json!({"scope": "/repo/"}), "scope_not_offered", "scope"),
        ("other", json!({"pattern": "make d*"}), "scope_not_offered", "scope"),
    ] {
        let answer = ada.post("/v1/trust-rules", &with(&offered(id, "allow"), &change));
        assert_eq!(answer.refusal(), (403, code), "{id} {change}");
        assert!(answer.body["error"].as_str().unwrap().contains(named), "{answer:?}");
    }
    assert_eq!(picture(&server), before);
}

#[test]
fn a_body_that_means_two_things_or_nothing_is_refused() {
    let server = TestServer::start();
    let (agent, ada) = (server.agent("builder"), server.approver("ada"));
    agent.register(&confirmation("c"));
    let before = picture(&server);
    for (base, change) in [
        (offered("c", "allow"), json!({"toolName": "shell"})),
        (json!({}), json!({"pattern": "*", "scope": "everywhere", "decision": "deny"})),
        (offered("c", "ask"), json!({})),
        (offered("c", "allow"), json!({"decision": "maybe"})),
        (offered("c", "allow"), json!({"pattern": ""})),
        (offered("c", "allow"), json!({"scope": ""})),
        (offered("c", "allow"), json!({"pattern": "x".repeat(1025)})),
        (offered("c", "allow"), json!({"pattern": null})),
        (offered("c", "allow"), json!({"maxUses": 0})),
        (offered("c", "allow"), json!({"maxUses": 1.5})),
        (offered("c", "allow"), json!({"expiresInMs": -1})),
        (offered("c", "allow"), json!({"expiresInMs": 0})),
        (offered("c", "allow"), json!({"expiresInMs": u64::MAX})),
        (offered("c", "allow"), json!({"allowHighrisk": true})),
        (own("allow"), json!({"toolName": ""})),
    ] {
        let body = with(&base, &change);
        assert_eq!(ada.post("/v1/trust-rules", &body).refusal(), (400, "malformed_request"), "{body}");
    }
    assert_eq!(picture(&server), before);
}

#[test]
fn no_principal_makes_a_rule_from_its_own_request_unless_the_server_allows_it() {
    let server = TestServer::start();
    let (root, bob) = (server.client("root", countersign::domain::enums::Role::Admin), server.approver("bob"));
    root.register(&confirmation("c"));
    let before = picture(&server);
    assert_eq!(root.post("/v1/trust-rules", &offered("c", "allow")).refusal(), (403, "self_approval"));
    assert_eq!(picture(&server), before);
    made(&bob, &offered("c", "allow"));
    let lenient = TestServer::with(&["--allow-self-approval"]);
    let root = lenient.client("root", countersign::domain::enums::Role::Admin);
    root.register(&confirmation("c"));
    made(&root, &offered("c", "allow"));
}

/// A rule that was made while the request was being resolved stands before the resolution in the history, or not at all.
#[test]
fn a_rule_and_a_resolution_at_the_same_moment_never_leave_a_rule_from_a_closed_request() {
    let server = TestServer::start();
    let (agent, ada, bob) = (server.agent("builder"), server.approver("ada"), server.approver("bob"));
    for round in 0..40 {
        let id = format!("c{round}");
        agent.register(&asking(&id, &json!({"toolName": id})));
        let barrier = Arc::new(Barrier::new(2));
        let resolving = thread::spawn({
            let (barrier, bob, id) = (Arc::clone(&barrier), bob.clone(), id.clone());
            move || {
                barrier.wait();
                bob.confirm(&id, "deny").expect(200);
            }
        });
        barrier.wait();
        let answer = ada.post("/v1/trust-rules", &offered(&id, "allow"));
        resolving.join().unwrap();
        let events = server.sql(&format!("SELECT event FROM audit_events WHERE request_id = '{id}' ORDER BY seq"));
        let expected: &[&str] = match answer.status {
            201 => &["interaction.registered", "trust_rule.created", "interaction.rejected"],
            _ => {
                assert_eq!(answer.refusal(), (404, "already_resolved"));
                &["interaction.registered", "interaction.rejected"]
            }
        };
        assert_eq!(events.concat(), expected);
    }
}
