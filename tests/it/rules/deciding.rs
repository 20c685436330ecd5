//! What standing rules decide when a confirmation is registered, and that they decide nothing else.

use std::time::Duration;

use countersign::domain::enums::Role;
use serde_json::{Value, json};

use super::{asking, made, made_id, own, status, with};
use crate::harness::{START, TestServer, altered, confirmation, secret};

#[test]
fn an_automatic_decision_stands_in_the_201_and_names_its_rule_everywhere() {
    let server = TestServer::start();
    let (agent, ada) = (server.agent("builder"), server.approver("ada"));
    let rule = made_id(&ada, &own("allow"));
    server.advance(Duration::from_secs(5));
    let shown = agent.register(&confirmation("c"));
    let (by, at) = (json!({"trustRule": rule}), "2030-01-01T00:00:05.000Z");
    assert_eq!((&shown["status"], &shown["resolvedAt"]), (&json!("approved"), &json!(at)));
    assert_eq!((&shown["resolution"]["decision"], &shown["resolution"]["resolvedBy"]), (&json!("allow"), &by));
    assert_eq!(shown["resolution"]["effectiveInput"], json!({"command": "make deploy"}));
    assert_eq!(agent.post("/v1/interactions", &confirmation("c")).expect(200).body, shown, "again: as it stands");
    assert_eq!(agent.look("c"), shown);
    let listed = ada.get(&format!("/v1/trust-rules/{rule}")).expect(200).body;
    assert_eq!((&listed["useCount"], &listed["lastUsedAt"]), (&json!(1), &json!(at)), "once, not once a retry");
    assert_eq!(
        server.sql("SELECT event, rule_id, principal FROM audit_events WHERE request_id = 'c' ORDER BY seq"),
        [
            [json!("interaction.registered"), Value::Null, json!("builder")],
            [json!("interaction.approved"), json!(rule), Value::Null]
        ]
    );
    assert_eq!(
        server.sql("SELECT rule_id, pattern, decision, created_by, request_id, subject, hit_at FROM v_rule_hits"),
        [[json!(rule), json!("make *"), json!("allow"), json!("ada"), json!("c"), json!("make deploy"), json!(at)]]
    );
    agent.post_nothing("/v1/interactions/c/claim").expect(200);
}

#[test]
fn deny_beats_ask_beats_allow_in_every_order_of_making() {
    let server = TestServer::start();
    let (agent, ada) = (server.agent("builder"), server.approver("ada"));
    let orders = [
        ["allow", "ask", "deny"],
        ["allow", "deny", "ask"],
        ["ask", "allow", "deny"],
        ["ask", "deny", "allow"],
        ["deny", "allow", "ask"],
        ["deny", "ask", "allow"],
    ];
    for (number, order) in orders.iter().enumerate() {
        let tool = json!({"toolName": format!("tool{number}")});
        let ids = order.map(|decision| {
            server.advance(Duration::from_millis(1));
            (decision, made_id(&ada, &with(&own(decision), &tool)))
        });
        let id_of = |decision: &str| ids.iter().find(|(made, _)| *made == decision).map(|(_, id)| id).unwrap();
        for (wins, expected) in [("deny", "rejected"), ("ask", "pending"), ("allow", "approved")] {
            let shown = agent.register(&asking(&format!("c{number}{wins}"), &tool));
            assert_eq!(shown["status"], expected, "{order:?}");
            if wins != "ask" {
                assert_eq!(shown["resolution"]["resolvedBy"], json!({"trustRule": id_of(wins)}), "{order:?}");
            }
            ada.delete(&format!("/v1/trust-rules/{}", id_of(wins))).expect(200);
        }
        assert_eq!(status(&agent, &asking(&format!("c{number}"), &tool)), "pending", "nothing stands any more");
    }
}

/// Registers one confirmation for each row under one rule for each row; a tool of its own keeps the rows apart.
fn applies(rows: &[(Value, Value, bool)]) {
    let server = TestServer::start();
    let (agent, ada) = (server.agent("builder"), server.approver("ada"));
    for (number, (rule, asked, expected)) in rows.iter().enumerate() {
        let tool = json!({"toolName": format!("tool{number}")});
        made(&ada, &with(&with(&own("allow"), &tool), rule));
        let found = status(&agent, &asking(&format!("c{number}"), &with(&tool, asked)));
        assert_eq!(found, if *expected { "approved" } else { "pending" }, "{rule} on {asked}");
    }
}

#[test]
fn a_pattern_is_held_against_the_subject_and_anchored() {
    let pattern = |text: &str| json!({"pattern": text});
    let to_prod = |text: &str| json!({"pattern": text, "members": {"/to": "prod"}});
    let input = |input: Value| json!({"input": input});
    applies(&[
        (pattern("make deploy"), json!({}), true),
        (pattern("make"), json!({}), false),
        (pattern("deploy"), json!({}), false),
        (pattern("* deploy"), json!({}), true),
        (pattern("MAKE *"), json!({}), false),
        (pattern("make?deploy"), json!({}), false),
        (to_prod("ship it"), json!({"subject": "ship it", "input": {"to": "prod"}}), true),
        (to_prod("ship *"), json!({"subject": "ship it", "input": {"to": "prod"}}), true),
        (to_prod("ship it"), json!({"subject": "ship it", "input": {"to": "test"}}), false),
        // What is done is in the input, too, and has to be spoken of.
        (pattern("ship it"), json!({"subject": "ship it", "input": {"to": "prod"}}), false),
        (pattern("make *"), json!({"subject": "ship it", "input": {"to": "prod"}}), false),
        // An agent's own words beside a command that says something else: what a person read is not what is run.
        (pattern("ship it"), json!({"subject": "ship it"}), false),
        (pattern("make *"), json!({"subject": "ship it"}), false),
        (pattern("make *"), json!({"subject": "make deploy"}), true),
        (pattern("/a/*"), input(json!({"file_path": "/a/b"})), true),
        (pattern("/a/*"), input(json!({"file_path": "/c", "more": "/a/b"})), false),
        // Two places at once: only one of them would be looked at.
        (pattern("/a/*"), input(json!({"file_path": "/a/b", "path": "/c"})), false),
        (pattern("/c*"), input(json!({"file_path": "/a/b", "path": "/c"})), false),
        (pattern("/c"), input(json!({"path": "/c"})), true),
        (pattern("https://x.test/*"), input(json!({"url": "https://x.test/a"})), true),
        (pattern(r#"{"a":1,"b":2}"#), input(json!({"b": 2, "a": 1})), true),
    ]);
}

#[test]
fn a_scope_is_everywhere_or_a_directory_by_whole_components_or_a_string_that_was_offered() {
    let scope = |text: &str| json!({"scope": text});
    let dir = |dir: &str| json!({"workingDir": dir});
    let team = json!({"scopeOptions": [{"label": "team", "scope": "team"}]});
    applies(&[
        (scope("everywhere"), json!({"workingDir": null}), true),
        (scope("/repo"), dir("/repo"), true),
        (scope("/repo"), dir("/repo/"), true),
        (scope("/repo/"), dir("/repo/sub/dir"), true),
        (scope("/repo"), dir("/repository"), false),
        (scope("/repo/sub"), dir("/repo"), false),
        (scope("/repo"), dir("/repo/../etc"), false),
        (scope("/repo"), dir("repo"), false),
        (scope("/repo"), json!({"workingDir": null}), false),
        (scope("/repo"), json!({"workingDir": null, "scopeOptions": [{"label": "l", "scope": "/repo"}]}), false),
        (scope("team"), team.clone(), true),
        (scope("tea"), team, false),
        (scope("team"), json!({}), false),
    ]);
}

#[test]
fn a_rule_allows_high_risk_only_where_it_says_so() {
    let high = |allowed: bool| json!({"allowHighRisk": allowed});
    let risk = |level: &str| json!({"riskLevel": level});
    applies(&[
        (high(false), risk("low"), true),
        (high(false), risk("medium"), true),
        (high(false), json!({}), true),
        (high(false), risk("high"), false),
        (high(true), risk("high"), true),
        (high(true), risk("low"), true),
        (json!({}), risk("high"), false),
    ]);
}

/// Caution needs no permission.
#[test]
fn what_is_denied_or_asked_for_is_so_at_high_risk_without_a_word_of_it() {
    let server = TestServer::start();
    let (agent, ada) = (server.agent("builder"), server.approver("ada"));
    let high = |id: &str| altered(confirmation(id), &json!({"confirmation": {"riskLevel": "high"}}));
    made(&ada, &with(&own("allow"), &json!({"allowHighRisk": true})));
    assert_eq!(status(&agent, &high("allowed")), "approved");
    made(&ada, &own("ask"));
    assert_eq!(status(&agent, &high("asked")), "pending");
    made(&ada, &own("deny"));
    assert_eq!(status(&agent, &high("denied")), "rejected");
}

#[test]
fn a_rule_decides_as_often_as_it_may_and_then_is_exhausted() {
    let server = TestServer::start();
    let (agent, ada) = (server.agent("builder"), server.approver("ada"));
    let rule = made_id(&ada, &with(&own("allow"), &json!({"maxUses": 2})));
    let ended = ["c1", "c2", "c3"].map(|id| status(&agent, &confirmation(id)));
    assert_eq!(ended, ["approved", "approved", "pending"]);
    assert_eq!(
        server.sql("SELECT rule_id, status, use_count, max_uses FROM trust_rules"),
        [[json!(rule), json!("exhausted"), json!(2), json!(2)]]
    );
    assert_eq!(
        server.sql("SELECT event, rule_id FROM audit_events WHERE request_id = 'c2' ORDER BY seq"),
        [
            [json!("interaction.registered"), Value::Null],
            [json!("trust_rule.exhausted"), json!(rule)],
            [json!("interaction.approved"), json!(rule)]
        ],
        "the resolution is the last"
    );
    assert_ne!(made_id(&ada, &with(&own("allow"), &json!({"maxUses": 2}))), rule, "an exhausted rule does not stand");
    assert_eq!(status(&agent, &confirmation("c4")), "approved");
}

#[test]
fn a_rule_ends_at_its_very_deadline() {
    let server = TestServer::start();
    let (agent, ada) = (server.agent("builder"), server.approver("ada"));
    let rule = made_id(&ada, &with(&own("allow"), &json!({"expiresInMs": 1000})));
    server.advance(Duration::from_millis(999));
    assert_eq!(status(&agent, &confirmation("before")), "approved");
    server.advance(Duration::from_millis(1));
    assert_eq!(status(&agent, &confirmation("after")), "pending");
    assert_eq!(ada.get(&format!("/v1/trust-rules/{rule}")).body["status"], "expired");
    assert_eq!(
        server.sql("SELECT event, principal, at_ms FROM audit_events WHERE rule_id IS NOT NULL AND request_id IS NULL"),
        [
            [json!("trust_rule.created"), json!("ada"), json!(1_893_456_000_000_i64)],
            [json!("trust_rule.expired"), Value::Null, json!(1_893_456_001_000_i64)]
        ]
    );
}

#[test]
fn a_revoked_rule_decides_nothing_from_the_very_next_registration_on() {
    let server = TestServer::start();
    let (agent, ada) = (server.agent("builder"), server.approver("ada"));
    for round in 0..20 {
        let rule = made_id(&ada, &own("allow"));
        assert_eq!(status(&agent, &confirmation(&format!("before{round}"))), "approved");
        ada.delete(&format!("/v1/trust-rules/{rule}")).expect(200);
        assert_eq!(status(&agent, &confirmation(&format!("after{round}"))), "pending");
    }
}

#[test]
fn a_rule_decides_neither_what_is_pending_already_nor_another_tool_nor_another_kind() {
    let server = TestServer::start();
    let (agent, ada) = (server.agent("builder"), server.approver("ada"));
    agent.register(&confirmation("earlier"));
    let rule = made(&ada, &with(&own("deny"), &json!({"pattern": "*"})));
    assert_eq!(status(&agent, &asking("other", &json!({"toolName": "shell2"}))), "pending");
    assert_eq!(status(&agent, &secret("s")), "pending");
    assert_eq!(agent.look("earlier")["status"], "pending");
    assert_eq!(ada.get("/v1/trust-rules").body["trustRules"], json!([rule]));
    assert_eq!(status(&agent, &confirmation("later")), "rejected");
    assert_eq!(server.sql("SELECT last_used_at FROM v_trust_rules"), [[json!(START)]]);
}

/// Else who registers and approves could approve their own requests by way of a rule.
#[test]
fn ones_own_rule_never_allows_ones_own_request_but_denies_it() {
    let server = TestServer::start();
    let root = server.client("root", Role::Admin);
    let agent = server.agent("builder");
    made(&root, &own("allow"));
    assert_eq!(status(&root, &confirmation("mine")), "pending");
    assert_eq!(status(&agent, &confirmation("theirs")), "approved");
    made(&root, &own("deny"));
    assert_eq!(status(&root, &confirmation("mine2")), "rejected");
}
