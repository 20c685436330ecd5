//! The history: one event for every change, in the order of the changes, and never touched again.

mod chain;
mod feed;
mod tables;
mod views;

use std::time::Duration;

use countersign::domain::enums::Role;
use serde_json::{Value, json};

use crate::harness::{Answer, Client, TestServer, confirmation, question, responses, secret};

/// The history of one interaction: each event's name, principal, and whether it names a rule.
fn story(server: &TestServer, request_id: &str) -> Vec<Vec<Value>> {
    server.sql(&format!(
        "SELECT event, principal, rule_id IS NOT NULL FROM audit_events WHERE request_id = '{request_id}' ORDER BY seq"
    ))
}

/// A line of [`story`].
fn told(event: &str, principal: &str, rule: u8) -> Vec<Value> {
    let principal = if principal.is_empty() { Value::Null } else { principal.into() };
    vec![event.into(), principal, rule.into()]
}

/// How long the history is, as the seq of its end; there are no gaps in it.
fn length(server: &TestServer) -> i64 {
    let counts = server.sql("SELECT count(*), max(seq) FROM audit_events");
    assert_eq!(counts[0][0], counts[0][1]);
    counts[0][0].as_i64().unwrap()
}

/// One of every change that a request of its own can make: who calls, the path, the body, the event and its request.
#[test]
fn every_change_appends_exactly_one_event_and_a_repetition_none() {
    let server = TestServer::start();
    let (agent, ada) = (server.agent("builder"), server.approver("ada"));
    let rule = json!({"toolName": "t", "pattern": "p", "scope": "everywhere", "decision": "ask"});
    let changes: Vec<(&Client, &str, Value, &str, Value)> = vec![
        (&agent, "/v1/interactions", confirmation("c"), "interaction.registered", json!("c")),
        (
            &ada,
            "/v1/confirm",
            json!({"requestId": "c", "decision": "allow", "comment": "go"}),
            "interaction.approved",
            json!("c"),
        ),
        (&agent, "/v1/interactions/c/claim", json!({"claimId": "i"}), "interaction.claimed", json!("c")),
        (
            &agent,
            "/v1/interactions/c/outcome",
            json!({"claimId": "i", "outcome": "succeeded"}),
            "interaction.outcome_reported",
            json!("c"),
        ),
        (&agent, "/v1/interactions", confirmation("d"), "interaction.registered", json!("d")),
        (&ada, "/v1/confirm", json!({"requestId": "d", "decision": "deny"}), "interaction.rejected", json!("d")),
        (&agent, "/v1/interactions", confirmation("e"), "interaction.registered", json!("e")),
        (&agent, "/v1/interactions/e/cancel", json!({}), "interaction.cancelled", json!("e")),
        (&agent, "/v1/interactions", question("q"), "interaction.registered", json!("q")),
        (
            &ada,
            "/v1/question-response",
            json!({"requestId": "q", "responses": responses()}),
            "interaction.answered",
            json!("q"),
        ),
        (&agent, "/v1/interactions", secret("s"), "interaction.registered", json!("s")),
        (&ada, "/v1/secret", json!({"requestId": "s", "value": "hush"}), "interaction.answered", json!("s")),
        (&agent, "/v1/interactions", secret("n"), "interaction.registered", json!("n")),
        (&ada, "/v1/secret", json!({"requestId": "n"}), "interaction.cancelled", json!("n")),
        (&ada, "/v1/trust-rules", rule, "trust_rule.created", Value::Null),
    ];
    for (nth, (who, path, body, event, request_id)) in (1_u64..).zip(&changes) {
        server.advance(Duration::from_millis(7));
        let before = length(&server);
        let answer: Answer = who.post(path, body);
        assert!([200, 201].contains(&answer.status), "{answer:?}");
        assert_eq!(length(&server), before + 1, "{path} {body}");
        let last = server.sql("SELECT event, request_id, at_ms FROM audit_events ORDER BY seq DESC LIMIT 1").concat();
        assert_eq!((&last[0], &last[1]), (&json!(event), request_id), "{path} {body}");
        assert_eq!(last[2], json!(1_893_456_000_000 + 7 * nth), "{path} {body}: at its own time");
        who.post(path, body).expect(200);
        assert_eq!(length(&server), before + 1, "a repetition of {path} {body} is no change");
    }
    assert!(!server.sql("SELECT * FROM audit_events").iter().flatten().any(|value| value.to_string().contains("hush")));
}

/// Each taking of a secret leaves an event.
#[test]
fn every_taking_of_a_secret_and_its_wiping_are_events() {
    let server = TestServer::start();
    let (agent, ada) = (server.agent("builder"), server.approver("ada"));
    agent.register(&secret("s"));
    ada.post("/v1/secret", &json!({"requestId": "s", "value": "hush", "delivery": "transient_send"})).expect(200);
    for _ in 0..2 {
        agent.post("/v1/interactions/s/secret", &json!({"takeId": "t"})).expect(200);
    }
    assert_eq!(agent.post_nothing("/v1/interactions/s/secret").refusal(), (409, "already_taken"));
    server.advance(Duration::from_secs(60));
    agent.get("/v1/interactions").expect(200);
    assert_eq!(
        story(&server, "s"),
        [
            told("interaction.registered", "builder", 0),
            told("interaction.answered", "ada", 0),
            told("secret.taken", "builder", 0),
            told("secret.taken", "builder", 0),
            told("secret.wiped", "", 0)
        ]
    );
}

#[test]
fn what_the_server_does_by_itself_is_told_without_a_principal_and_only_once() {
    let server = TestServer::start();
    let (agent, ada) = (server.agent("builder"), server.approver("ada"));
    let mut brief = confirmation("c");
    brief["expiresInMs"] = json!(1000);
    agent.register(&brief);
    server.advance(Duration::from_secs(1));
    for _ in 0..3 {
        assert_eq!(agent.look("c")["status"], "expired");
        assert_eq!(ada.confirm("c", "allow").refusal(), (404, "expired"));
    }
    assert_eq!(story(&server, "c"), [told("interaction.registered", "builder", 0), told("interaction.expired", "", 0)]);
}

#[test]
fn a_decision_with_a_rule_tells_of_the_rule_first_and_of_both_or_of_neither() {
    let server = TestServer::start();
    let (agent, ada) = (server.agent("builder"), server.approver("ada"));
    agent.register(&confirmation("c"));
    let mut confirm =
        json!({"requestId": "c", "decision": "allow", "selectedPattern": "make *", "selectedScope": "/etc"});
    let before = length(&server);
    assert_eq!(ada.post("/v1/confirm", &confirm).refusal(), (403, "scope_not_offered"));
    assert_eq!((length(&server), server.sql("SELECT count(*) FROM trust_rules")), (before, vec![vec![json!(0)]]));
    confirm["selectedScope"] = json!("/repo");
    ada.post("/v1/confirm", &confirm).expect(200);
    assert_eq!(
        story(&server, "c"),
        [
            told("interaction.registered", "builder", 0),
            told("trust_rule.created", "ada", 1),
            told("interaction.approved", "ada", 0)
        ]
    );
    assert_eq!(
        server.sql("SELECT json_extract(e.detail, '$.pattern'), e.rule_id = r.rule_id FROM audit_events AS e, trust_rules AS r WHERE event = 'trust_rule.created'"),
        [[json!("make *"), json!(1)]]
    );
}

#[test]
fn the_list_is_filtered_paged_and_shows_an_agent_its_own_alone() {
    let server = TestServer::start();
    let (agent, other, ada) = (server.agent("builder"), server.agent("other"), server.approver("ada"));
    let eve = server.client("eve", Role::Auditor);
    for number in 0..4 {
        agent.register(&confirmation(&format!("c{number}")));
    }
    other.register(&confirmation("o"));
    ada.confirm("c0", "allow").expect(200);
    ada.confirm("o", "deny").expect(200);
    let rule = json!({"requestId": "c1", "pattern": "make *", "scope": "everywhere", "decision": "deny"});
    let made = ada.post("/v1/trust-rules", &rule).expect(201).body["trustRule"].clone();
    let rule_id = made["ruleId"].as_str().unwrap();
    assert_eq!(agent.register(&confirmation("c4"))["status"], "rejected");
    let list = |who: &Client, query: &str| -> Vec<(Value, Value)> {
        let body = who.get(&format!("/v1/audit-events{query}")).expect(200).body;
        let events = body["auditEvents"].as_array().unwrap().iter();
        events.map(|event| (event["event"].clone(), event["requestId"].clone())).collect()
    };
    let line = |event: &str, request_id: &str| (json!(event), json!(request_id));
    let approved = [line("interaction.approved", "c0"), line("interaction.registered", "c0")];
    for who in [&agent, &ada, &eve] {
        assert_eq!(list(who, "?requestId=c0"), approved);
    }
    assert_eq!(list(&other, "?requestId=c0"), []);
    assert_eq!(list(&other, ""), [line("interaction.rejected", "o"), line("interaction.registered", "o")]);
    let by_rule = [line("interaction.rejected", "c4"), line("trust_rule.created", "c1")];
    assert_eq!(list(&ada, &format!("?ruleId={rule_id}")), by_rule);
    assert_eq!(list(&ada, "?principal=ada&requestId=o"), [line("interaction.rejected", "o")]);
    assert_eq!(list(&ada, "").len() as i64, length(&server), "an approver sees all, the tokens too");
    let whole = ada.get("/v1/audit-events").expect(200).body;
    let (mut walked, mut query) = (Vec::new(), "?limit=3".to_owned());
    loop {
        let page = ada.get(&format!("/v1/audit-events{query}")).expect(200).body;
        walked.extend(page["auditEvents"].as_array().unwrap().clone());
        let Some(cursor) = page["nextCursor"].as_str() else { break };
        agent.register(&question(&format!("meanwhile{cursor}")));
        query = format!("?limit=3&cursor={cursor}");
    }
    assert_eq!(json!(walked), whole["auditEvents"]);
    assert_eq!(walked[0]["detail"], json!({"trustRules": [{"ruleId": rule_id, "revision": 1}]}));
    for query in ["?limit=0", "?limit=501", "?cursor=-", "?requestId=a%20b", "?event=x"] {
        assert_eq!(ada.get(&format!("/v1/audit-events{query}")).refusal(), (400, "malformed_request"), "{query}");
    }
    assert_eq!(server.anonymous().get("/v1/audit-events").refusal(), (401, "unauthenticated"));
}
