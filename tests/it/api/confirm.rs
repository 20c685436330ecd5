//! `POST /v1/confirm`.

use std::time::Duration;

use countersign::domain::enums::Role;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use crate::harness::{TestServer, altered, confirmation, secret};

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

/// Otherwise the secret would count as resolved, and the agent would wait for its value without end.
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

#[test]
fn a_denial_and_its_comment_reach_the_agent_and_the_history() {
    let server = TestServer::start();
    let (agent, ada) = (server.agent("builder"), server.approver("ada"));
    agent.register(&confirmation("c"));
    ada.post("/v1/confirm", &json!({"requestId": "c", "decision": "deny", "comment": "not on a Friday"})).expect(200);
    let seen = agent.look("c");
    assert_eq!(seen["status"], "rejected");
    assert_eq!(
        seen["resolution"],
        json!({"decision": "deny", "resolvedBy": {"principal": "ada"}, "comment": "not on a Friday",
               "effectiveInput": null, "effectiveInputDigest": null})
    );
    assert_eq!(server.sql("SELECT comment FROM v_decisions"), [[json!("not on a Friday")]]);
    let detail = server.sql("SELECT detail FROM v_events WHERE event = 'interaction.rejected'").remove(0).remove(0);
    assert!(detail.as_str().unwrap().contains("not on a Friday"), "{detail}");
}

/// SHA-256 over the canonical form, spelt out.
fn digest_of(canonical: &str) -> String {
    format!("sha256:{}", hex::encode(Sha256::digest(canonical)))
}

#[test]
fn an_edited_input_stands_beside_the_proposed_one_with_a_digest_of_its_own() {
    let server = TestServer::start();
    let (agent, ada) = (server.agent("builder"), server.approver("ada"));
    agent.register(&altered(confirmation("c"), &json!({"confirmation": {"inputEditsAllowed": true}})));
    let edited = json!({"requestId": "c", "decision": "allow", "updatedInput": {"command": "make test"}});
    ada.post("/v1/confirm", &edited).expect(200);
    let seen = agent.look("c");
    let digests = ["make deploy", "make test"]
        .map(|command| digest_of(&format!(r#"{{"input":{{"command":"{command}"}},"toolName":"shell"}}"#)));
    assert_eq!(seen["confirmation"]["input"], json!({"command": "make deploy"}));
    assert_eq!(seen["confirmation"]["inputDigest"], digests[0]);
    assert_eq!(seen["resolution"]["effectiveInput"], json!({"command": "make test"}));
    assert_eq!(seen["resolution"]["effectiveInputDigest"], digests[1]);
    let stored = server.sql(
        "SELECT json_extract(b.body, '$.input.command'), json_extract(t.unshown, '$.updatedInput.command') \
         FROM interactions AS i JOIN interaction_bodies AS b USING (interaction_id) JOIN texts AS t USING (interaction_id)",
    );
    assert_eq!(stored, [[json!("make deploy"), json!("make test")]]);
    server.unchanged(|| ada.post("/v1/confirm", &edited).expect(200));
}

#[test]
fn an_approval_without_an_edit_is_of_the_proposed_input() {
    let server = TestServer::start();
    let (agent, ada) = (server.agent("builder"), server.approver("ada"));
    agent.register(&confirmation("c"));
    ada.confirm("c", "allow").expect(200);
    let seen = agent.look("c");
    assert_eq!(seen["resolution"]["effectiveInput"], json!({"command": "make deploy"}));
    assert_eq!(seen["resolution"]["effectiveInputDigest"], seen["confirmation"]["inputDigest"]);
}

#[test]
fn an_input_that_may_not_be_edited_is_not_and_the_decision_is_not_made_either() {
    let server = TestServer::start();
    let (agent, ada) = (server.agent("builder"), server.approver("ada"));
    agent.register(&confirmation("c"));
    let waiter = agent.wait_in_background("c");
    server.until_waiting(1);
    let edited = json!({"requestId": "c", "decision": "allow", "updatedInput": {"command": "make test"}});
    let refused = server.unchanged(|| ada.post("/v1/confirm", &edited));
    assert_eq!(refused.refusal(), (403, "edits_not_allowed"));
    ada.confirm("c", "deny").expect(200);
    assert_eq!(waiter.join().unwrap().body["status"], "rejected");
}

fn selecting(request_id: &str, decision: &str, pattern: &str, scope: &str) -> Value {
    json!({"requestId": request_id, "decision": decision, "selectedPattern": pattern, "selectedScope": scope})
}

#[test]
fn a_selected_rule_is_made_with_the_decision_and_decides_the_next_one() {
    for (decision, status) in [("allow", "approved"), ("deny", "rejected")] {
        let server = TestServer::start();
        let (agent, ada) = (server.agent("builder"), server.approver("ada"));
        agent.register(&confirmation("c"));
        ada.post("/v1/confirm", &selecting("c", decision, "make *", "/repo")).expect(200);
        assert_eq!(
            server.sql("SELECT tool_name, pattern, scope, decision, created_from, created_by, status FROM trust_rules"),
            [["shell", "make *", "/repo", decision, "c", "ada", "active"].map(Value::from)]
        );
        // The rule comes first, at the same moment: never after what it was made with.
        let resolved = format!("interaction.{status} by ada");
        let told = ["interaction.registered by builder", "trust_rule.created by ada", resolved.as_str()];
        assert_eq!(server.history("c"), told);
        let next = agent.register(&confirmation("next"));
        assert_eq!(next["status"], status);
        let rule = server.sql("SELECT rule_id FROM trust_rules").remove(0).remove(0);
        assert_eq!(next["resolution"]["resolvedBy"], json!({"trustRule": rule}));
    }
}

#[test]
fn a_refused_rule_takes_the_decision_back_with_it() {
    let server = TestServer::start();
    let (agent, ada) = (server.agent("builder"), server.approver("ada"));
    let no_rules = json!({"confirmation": {"persistentDecisionsAllowed": false}});
    // What others offer is not offered by this one.
    let elsewhere =
        json!({"confirmation": {"allowlistOptions": [{"label": "all", "pattern": "*"}], "scopeOptions": []}});
    agent.register(&altered(confirmation("other"), &elsewhere));
    for (id, changes, pattern, scope, code) in [
        ("pattern", json!({}), "*", "/repo", "pattern_not_offered"),
        ("scope", json!({}), "make *", "/", "scope_not_offered"),
        ("both", no_rules, "make *", "/repo", "persistent_decisions_not_allowed"),
    ] {
        agent.register(&altered(confirmation(id), &changes));
        let waiter = agent.wait_in_background(id);
        server.until_waiting(1);
        let refused = server.unchanged(|| ada.post("/v1/confirm", &selecting(id, "allow", pattern, scope)));
        assert_eq!(refused.refusal(), (403, code));
        ada.confirm(id, "allow").expect(200);
        assert_eq!(waiter.join().unwrap().body["status"], "approved");
    }
    assert_eq!(server.count("trust_rules"), 0);
}

#[test]
fn only_the_same_principal_may_repeat_and_only_the_very_same_decision() {
    let server = TestServer::start();
    let (agent, ada, bob) = (server.agent("builder"), server.approver("ada"), server.approver("bob"));
    agent.register(&altered(confirmation("c"), &json!({"confirmation": {"inputEditsAllowed": true}})));
    let edited = json!({"comment": "once", "updatedInput": {"command": "make test"}});
    let decision = altered(selecting("c", "allow", "make *", "/repo"), &edited);
    ada.post("/v1/confirm", &decision).expect(200);
    let again = server.unchanged(|| ada.post("/v1/confirm", &decision));
    assert_eq!(again.expect(200).body, json!({"accepted": true}));
    let others = [
        (&bob, decision.clone()),
        (&ada, json!({"requestId": "c", "decision": "deny"})),
        (&ada, json!({"requestId": "c", "decision": "allow"})),
        (&ada, altered(decision.clone(), &json!({"comment": "twice"}))),
        (&ada, altered(decision.clone(), &json!({"comment": null}))),
        (&ada, altered(decision.clone(), &json!({"updatedInput": {"command": "make all"}}))),
        (&ada, altered(decision.clone(), &json!({"selectedScope": "everywhere"}))),
        (&ada, altered(decision.clone(), &json!({"selectedScope": null, "selectedPattern": null}))),
    ];
    for (who, other) in others {
        let refused = server.unchanged(|| who.post("/v1/confirm", &other));
        assert_eq!(refused.refusal(), (404, "already_resolved"), "{other}");
        assert_eq!(refused.body["status"], "approved");
    }
}

#[test]
fn what_is_unknown_or_expired_is_not_found_and_the_two_are_told_apart() {
    let server = TestServer::without_sweeper();
    let (agent, ada) = (server.agent("builder"), server.approver("ada"));
    agent.register(&altered(confirmation("c"), &json!({"expiresInMs": 1})));
    server.advance(Duration::from_millis(1));
    let expired = server.unchanged(|| ada.confirm("c", "allow"));
    assert_eq!((expired.refusal(), &expired.body["status"]), ((404, "expired"), &json!("expired")));
    let unknown = server.unchanged(|| ada.confirm("nothing", "allow"));
    assert_eq!((unknown.refusal(), &unknown.body["status"]), ((404, "unknown_request"), &Value::Null));
}

#[test]
fn a_malformed_decision_is_told_so_before_anything_is_looked_up() {
    let server = TestServer::start();
    let (agent, ada) = (server.agent("builder"), server.approver("ada"));
    agent.register(&confirmation("c"));
    for id in ["c", "nothing"] {
        for changes in [
            json!({"decision": "maybe"}),
            json!({"decision": null}),
            json!({"requestId": ".."}),
            json!({"comment": 1}),
            json!({"updatedInput": []}),
            json!({"selectedPattern": "make *"}),
            json!({"selectedScope": "/repo"}),
            json!({"selectedPattern": "", "selectedScope": "/repo"}),
            json!({"selectedPattern": "*".repeat(1025), "selectedScope": "/repo"}),
            json!({"desicion": "allow"}),
        ] {
            let body = altered(json!({"requestId": id, "decision": "allow"}), &changes);
            assert_eq!(server.unchanged(|| ada.post("/v1/confirm", &body)).status, 400, "{body}");
        }
    }
}

#[test]
fn self_approval_has_to_be_allowed() {
    for (flags, status) in [(&[][..], 403), (&["--allow-self-approval"][..], 200)] {
        let server = TestServer::with(flags);
        let root = server.client("root", Role::Admin);
        root.register(&confirmation("c"));
        let answer = root.confirm("c", "allow").expect(status);
        if status == 403 {
            assert_eq!(answer.code(), "self_approval");
            assert_eq!(server.history("c"), ["interaction.registered by root"]);
            server.approver("ada").confirm("c", "allow").expect(200);
        }
        assert_eq!(server.stored("c"), "approved");
    }
}

#[test]
fn the_same_edit_may_be_repeated_however_it_is_written() {
    let server = TestServer::start();
    let (agent, ada) = (server.agent("builder"), server.approver("ada"));
    agent.register(&altered(confirmation("c"), &json!({"confirmation": {"inputEditsAllowed": true}})));
    let edit = |input: &str| format!(r#"{{"requestId": "c", "decision": "allow", "updatedInput": {input}}}"#);
    ada.post_text("/v1/confirm", &edit(r#"{"command": "make test", "n": 1}"#)).expect(200);
    server.unchanged(|| {
        ada.post_text("/v1/confirm", &edit(r#"{ "n":1,"command":"make \u0074est" }"#)).expect(200);
        let other = ada.post_text("/v1/confirm", &edit(r#"{"command": "make test", "n": 2}"#));
        assert_eq!(other.refusal(), (404, "already_resolved"));
    });
}
