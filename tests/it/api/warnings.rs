//! What a caller should know of a request that was carried out all the same.

use countersign::domain::enums::Role;
use serde_json::{Value, json};

use crate::harness::{TestServer, altered, confirmation, secret};

fn codes(body: &Value) -> Vec<&str> {
    let warnings = body["warnings"].as_array().into_iter().flatten();
    warnings
        .map(|warning| {
            assert!(warning["message"].as_str().is_some_and(|message| !message.is_empty()), "{warning}");
            warning["code"].as_str().unwrap()
        })
        .collect()
}

#[test]
fn a_registration_that_nobody_could_answer_says_so() {
    let server = TestServer::start();
    let (agent, root) = (server.agent("builder"), server.client("eve", Role::Auditor));
    assert_eq!(codes(&agent.register(&confirmation("a"))), ["nobody_can_answer"]);
    // It is said in the answer to the registration, and nowhere else.
    assert_eq!(agent.look("a").get("warnings"), None);
    assert_eq!(codes(&agent.post("/v1/interactions", &confirmation("a")).expect(200).body), ["nobody_can_answer"]);
    assert_eq!(root.look("a").get("warnings"), None);
    let admin = server.client("root", Role::Admin);
    assert_eq!(agent.register(&confirmation("b")).get("warnings"), None);
    // Nobody decides what they registered themselves.
    assert_eq!(codes(&admin.register(&secret("own"))), ["nobody_can_answer"]);
    server.approver("ada");
    assert_eq!(admin.register(&secret("own-2")).get("warnings"), None);
}

#[test]
fn whoever_may_answer_themselves_is_somebody() {
    let server = TestServer::with(&["--allow-self-approval"]);
    assert_eq!(server.client("root", Role::Admin).register(&secret("own")).get("warnings"), None);
}

#[test]
fn what_a_rule_decides_needs_nobody() {
    let server = TestServer::start();
    let agent = server.agent("builder");
    let ada = server.approver("ada");
    let rule = json!({"toolName": "shell", "pattern": "make *", "scope": "/repo", "decision": "deny"});
    ada.post("/v1/trust-rules", &rule).expect(201);
    let token = server.sql("SELECT token_id FROM tokens WHERE principal = 'ada'")[0][0].as_str().unwrap().to_owned();
    let revoke = format!("UPDATE tokens SET revoked_at_ms = created_at_ms WHERE token_id = '{token}'");
    crate::harness::outside::write_sql(&server.db(), &revoke).unwrap();
    let decided = agent.register(&confirmation("a"));
    assert_eq!((&decided["status"], decided.get("warnings")), (&json!("rejected"), None));
    assert_eq!(codes(&agent.register(&secret("s"))), ["nobody_can_answer"], "a token that is revoked answers nothing");
}

#[test]
fn a_rule_that_does_not_cover_the_risk_that_it_was_made_from_is_warned_of() {
    let server = TestServer::start();
    let (agent, ada) = (server.agent("builder"), server.approver("ada"));
    let confirm = |id: &str, decision: &str, with_rule: bool| {
        let rule = json!({"selectedPattern": "make *", "selectedScope": "/repo"});
        let body = json!({"requestId": id, "decision": decision});
        ada.post("/v1/confirm", &if with_rule { altered(body, &rule) } else { body }).expect(200).body
    };
    for (id, risk, decision, with_rule, warned) in [
        ("high", "high", "allow", true, &["high_risk_not_covered"][..]),
        ("alone", "high", "allow", false, &[]),
        ("medium", "medium", "allow", true, &[]),
        // A rule that denies covers high risk, too.
        ("denied", "high", "deny", true, &[]),
    ] {
        let own = json!({"conversationId": id, "confirmation": {"riskLevel": risk, "toolName": id}});
        agent.register(&altered(confirmation(id), &own));
        let answer = confirm(id, decision, with_rule);
        assert_eq!((&answer["accepted"], codes(&answer)), (&json!(true), warned.to_vec()), "{id}");
        assert_eq!(answer.get("warnings").is_some(), !warned.is_empty());
        assert_eq!(server.unchanged(|| confirm(id, decision, with_rule)), answer, "the same again says the same");
    }
}
