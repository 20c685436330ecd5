//! Looking at rules, taking them back, and trying them out.

use std::time::Duration;

use countersign::domain::enums::Role;
use serde_json::{Value, json};

use super::{asking, made, made_id, offered, own, picture, with};
use crate::harness::{TestServer, confirmation, secret};

#[test]
fn revoking_keeps_the_row_and_is_the_same_again() {
    let server = TestServer::start();
    let (ada, bob) = (server.approver("ada"), server.approver("bob"));
    let rule = made(&ada, &own("allow"));
    let path = format!("/v1/trust-rules/{}", rule["ruleId"].as_str().unwrap());
    server.advance(Duration::from_secs(1));
    let revoked = bob.delete(&path).expect(200).body;
    let end = json!({"status": "revoked", "revokedAt": "2030-01-01T00:00:01.000Z", "revokedBy": "bob"});
    assert_eq!(revoked, with(&rule, &end));
    let before = picture(&server);
    server.advance(Duration::from_secs(1));
    assert_eq!(ada.delete(&path).expect(200).body, revoked);
    assert_eq!(ada.get(&path).expect(200).body, revoked);
    assert_eq!(picture(&server), before);
    assert_eq!(
        server.sql("SELECT principal FROM audit_events WHERE event = 'trust_rule.revoked'"),
        [[json!("bob")]],
        "one change, one event"
    );
}

#[test]
fn revoking_a_rule_whose_time_is_over_does_not_rewrite_how_it_ended() {
    let server = TestServer::start();
    let (agent, ada) = (server.agent("builder"), server.approver("ada"));
    let expired = made_id(&ada, &with(&own("deny"), &json!({"expiresInMs": 1000})));
    server.advance(Duration::from_secs(1));
    let exhausted = made_id(&ada, &with(&own("allow"), &json!({"maxUses": 1})));
    agent.register(&confirmation("c"));
    for (rule, status) in [(expired, "expired"), (exhausted, "exhausted")] {
        let shown = ada.delete(&format!("/v1/trust-rules/{rule}")).expect(200).body;
        assert_eq!((&shown["status"], &shown["revokedAt"]), (&json!(status), &Value::Null));
    }
    assert_eq!(server.sql("SELECT count(*) FROM audit_events WHERE event = 'trust_rule.revoked'"), [[json!(0)]]);
}

#[test]
fn rules_are_managed_by_approvers_read_by_auditors_and_hidden_from_agents() {
    let server = TestServer::start();
    let (agent, ada, eve) = (server.agent("builder"), server.approver("ada"), server.client("eve", Role::Auditor));
    agent.register(&confirmation("c"));
    let path = format!("/v1/trust-rules/{}", made_id(&ada, &own("allow")));
    let before = picture(&server);
    for (who, rights) in [(&agent, (403, "forbidden")), (&server.anonymous(), (401, "unauthenticated"))] {
        assert_eq!(who.get("/v1/trust-rules").refusal(), rights);
        assert_eq!(who.get(&path).refusal(), rights);
        assert_eq!(who.post("/v1/trust-rules/preview", &own("deny")).refusal(), rights);
    }
    for who in [&agent, &eve] {
        for rule in [own("deny"), offered("c", "deny")] {
            assert_eq!(who.post("/v1/trust-rules", &rule).refusal(), (403, "forbidden"));
        }
        assert_eq!(who.delete(&path).refusal(), (403, "forbidden"));
    }
    for path in ["/v1/trust-rules", &path] {
        eve.get(path).expect(200);
    }
    eve.post("/v1/trust-rules/preview", &own("deny")).expect(200);
    assert_eq!(picture(&server), before);
}

#[test]
fn a_rule_that_is_not_there_is_404_and_an_id_that_cannot_be_is_400() {
    let server = TestServer::start();
    let ada = server.approver("ada");
    for path in ["/v1/trust-rules/nowhere", "/v1/trust-rules/01890000-0000-7000-8000-000000000000"] {
        assert_eq!(ada.get(path).refusal(), (404, "unknown_rule"));
        assert_eq!(ada.delete(path).refusal(), (404, "unknown_rule"));
    }
    for path in ["/v1/trust-rules/a%20b", "/v1/trust-rules/a%00"] {
        assert_eq!(ada.get(path).refusal(), (400, "malformed_request"), "{path}");
    }
}

#[test]
fn the_list_is_newest_first_filtered_and_paged_without_gaps() {
    let server = TestServer::start();
    let ada = server.approver("ada");
    let ids: Vec<String> = (0..7)
        .map(|number| {
            let tool = if number % 2 == 0 { "even" } else { "odd" };
            made_id(&ada, &with(&own("allow"), &json!({"toolName": tool, "pattern": format!("p{number}")})))
        })
        .collect();
    ada.delete(&format!("/v1/trust-rules/{}", ids[2])).expect(200);
    let list = |query: &str| -> (Vec<String>, Value) {
        let body = ada.get(&format!("/v1/trust-rules{query}")).expect(200).body;
        let rules = body["trustRules"].as_array().unwrap().iter();
        (rules.map(|rule| rule["ruleId"].as_str().unwrap().to_owned()).collect(), body["nextCursor"].clone())
    };
    let newest = |numbers: &[usize]| -> Vec<String> { numbers.iter().map(|number| ids[*number].clone()).collect() };
    assert_eq!(list(""), (newest(&[6, 5, 4, 3, 2, 1, 0]), Value::Null));
    assert_eq!(list("?toolName=odd").0, newest(&[5, 3, 1]));
    assert_eq!(list("?status=revoked").0, newest(&[2]));
    assert_eq!(list("?status=active&toolName=even").0, newest(&[6, 4, 0]));
    assert_eq!(list("?status=exhausted"), (vec![], Value::Null));
    let (mut walked, mut query) = (Vec::new(), "?limit=3".to_owned());
    loop {
        let (page, cursor) = list(&query);
        assert!(page.len() <= 3);
        walked.extend(page);
        let Some(cursor) = cursor.as_str() else { break };
        made(&ada, &with(&own("deny"), &json!({"pattern": cursor})));
        query = format!("?limit=3&cursor={cursor}");
    }
    assert_eq!(walked, newest(&[6, 5, 4, 3, 2, 1, 0]), "what is made meanwhile shifts no page");
    for query in
        ["?limit=0", "?limit=501", "?limit=x", "?cursor=%21", "?status=gone", "?colour=red", "?limit=1&limit=2"]
    {
        assert_eq!(ada.get(&format!("/v1/trust-rules{query}")).refusal(), (400, "malformed_request"), "{query}");
    }
}

#[test]
fn a_preview_shows_what_a_rule_would_have_decided_and_changes_nothing() {
    let server = TestServer::start();
    let (agent, ada) = (server.agent("builder"), server.approver("ada"));
    for id in ["done", "waits"] {
        agent.register(&confirmation(id));
    }
    agent.register(&asking("high", &json!({"riskLevel": "high"})));
    agent.register(&asking("other", &json!({"input": {"command": "rm -r /"}})));
    agent.register(&asking("tool", &json!({"toolName": "browser"})));
    agent.register(&secret("s"));
    ada.confirm("done", "deny").expect(200);
    let waiter = agent.wait_in_background("waits");
    server.until_waiting(1);
    let before = picture(&server);
    let ids = |list: &Value| -> Vec<Value> {
        list.as_array().unwrap().iter().map(|interaction| interaction["requestId"].clone()).collect()
    };
    for (rule, pending) in [
        (own("allow"), vec!["waits"]),
        (offered("waits", "allow"), vec!["waits"]),
        (with(&own("deny"), &json!({"allowHighRisk": true})), vec!["waits", "high"]),
    ] {
        let body = ada.post("/v1/trust-rules/preview", &rule).expect(200).body;
        assert_eq!(
            (ids(&body["decided"]), ids(&body["pending"])),
            (vec![json!("done")], pending.into_iter().map(Value::from).collect())
        );
        assert_eq!(body["pending"].as_array().unwrap().first(), Some(&agent.look("waits")), "as the API shows them");
        assert_eq!(body["examined"], 5, "confirmations only");
    }
    for (rule, refusal) in [
        (with(&offered("waits", "allow"), &json!({"pattern": "rm *"})), (403, "pattern_not_offered")),
        (with(&offered("waits", "allow"), &json!({"toolName": "shell"})), (400, "malformed_request")),
        (offered("done", "allow"), (404, "already_resolved")),
        (offered("s", "allow"), (409, "wrong_kind")),
    ] {
        assert_eq!(ada.post("/v1/trust-rules/preview", &rule).refusal(), refusal);
    }
    assert_eq!((picture(&server), server.service.waiting()), (before, 1));
    assert_eq!(agent.register(&confirmation("next"))["status"], "pending", "no rule was made");
    ada.confirm("waits", "allow").expect(200);
    waiter.join().unwrap().expect(200);
}
