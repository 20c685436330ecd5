//! `POST /v1/interactions/{requestId}/forget`: what goes, what stays, and what is refused.

use std::time::Duration;

use countersign::domain::enums::Role;
use serde_json::{Value, json};

use super::{at, forget, run, sound};
use crate::harness::{TestServer, altered, confirmation, countersign, question, responses, secret};

#[test]
fn a_forgotten_confirmation_shows_that_it_was_asked_and_not_what() {
    let server = TestServer::start();
    let (agent, ada, root) = (server.agent("builder"), server.approver("ada"), server.client("root", Role::Admin));
    let asked = altered(
        confirmation("c"),
        &json!({"metadata": {"note": "mine"}, "origin": {"host": "build-1"}, "confirmation": {"inputEditsAllowed": true, "riskLevel": "high"}}),
    );
    let digest = agent.register(&asked)["confirmation"]["inputDigest"].clone();
    let edited =
        json!({"requestId": "c", "decision": "allow", "comment": "go on", "updatedInput": {"command": "make test"}});
    ada.post("/v1/confirm", &edited).expect(200);
    run(&agent, "c", "there was no make");
    let before = agent.look("c");
    let forgotten = forget(&root, "c").expect(200).body;
    assert_eq!(
        forgotten["forgotten"],
        json!({"at": "2030-01-01T00:00:00.000Z", "by": "root", "toolName": "shell", "riskLevel": "high", "inputDigest": digest})
    );
    for member in ["confirmation", "origin", "acknowledgements"] {
        assert_eq!(forgotten[member], Value::Null, "{member}");
    }
    assert_eq!((&forgotten["metadata"], at(&forgotten, "/resolution/comment")), (&json!({}), &Value::Null));
    assert_eq!(at(&forgotten, "/resolution/effectiveInput"), &Value::Null);
    assert_eq!(at(&forgotten, "/claim/detail"), &Value::Null);
    for stays in [
        "/requestId",
        "/kind",
        "/status",
        "/conversationId",
        "/registeredBy",
        "/createdAt",
        "/expiresAt",
        "/resolvedAt",
        "/resolution/decision",
        "/resolution/resolvedBy",
        "/resolution/effectiveInputDigest",
        "/claim/claimId",
        "/claim/outcome",
        "/claim/outcomeAt",
    ] {
        assert_eq!(at(&forgotten, stays), at(&before, stays), "{stays}");
        assert_ne!(at(&forgotten, stays), &Value::Null, "{stays}");
    }
    assert_eq!(agent.look("c"), forgotten);
    server.unchanged(|| assert_eq!(forget(&root, "c").expect(200).body, forgotten));
    // The same again is the same, and something else is not.
    assert_eq!(agent.post("/v1/interactions", &asked).expect(200).body["forgotten"], forgotten["forgotten"]);
    let other = altered(asked, &json!({"confirmation": {"input": {"command": "make clean"}}}));
    assert_eq!(agent.post("/v1/interactions", &other).refusal(), (409, "request_id_conflict"));
    let events = "SELECT event, principal, detail FROM v_events WHERE request_id = 'c' ORDER BY seq DESC LIMIT 1";
    assert_eq!(server.sql(events), [[json!("interaction.forgotten"), json!("root"), json!("{}")]]);
    assert_eq!(
        server.sql("SELECT tool_name, subject, comment, forgotten_at FROM v_decisions"),
        [[json!("shell"), Value::Null, Value::Null, json!("2030-01-01T00:00:00.000Z")]]
    );
    let told = ada.get("/v1/audit-events?requestId=c").expect(200).text;
    assert!(!told.contains("go on") && !told.contains("there was no make"), "{told}");
    sound(&server.db());
}

#[test]
fn a_forgotten_question_and_a_forgotten_secret_show_nothing_of_their_own() {
    let server = TestServer::start();
    let (agent, ada, root) = (server.agent("builder"), server.approver("ada"), server.client("root", Role::Admin));
    agent.register(&question("q"));
    agent.register(&secret("s"));
    ada.post("/v1/question-response", &json!({"requestId": "q", "responses": responses()})).expect(200);
    ada.post("/v1/secret", &json!({"requestId": "s", "value": "hush"})).expect(200);
    agent.post("/v1/interactions/s/secret", &json!({})).expect(200);
    for (id, member) in [("q", "question"), ("s", "secret")] {
        let forgotten = forget(&root, id).expect(200).body;
        assert_eq!((&forgotten["status"], &forgotten[member]), (&json!("answered"), &Value::Null));
        assert_eq!(forgotten["forgotten"], json!({"at": "2030-01-01T00:00:00.000Z", "by": "root"}));
    }
    assert_eq!(at(&agent.look("q"), "/resolution/responses"), &Value::Null);
    assert_eq!(at(&agent.look("s"), "/resolution/wiped/by"), "root");
    assert_eq!(agent.post("/v1/interactions/s/secret", &json!({})).refusal(), (409, "wiped"));
    sound(&server.db());
}

#[test]
fn what_is_pending_or_can_be_claimed_is_not_forgotten() {
    let server = TestServer::start();
    let (agent, ada, root) = (server.agent("builder"), server.approver("ada"), server.client("root", Role::Admin));
    for id in ["p", "c", "w", "late"] {
        agent.register(&altered(confirmation(id), &json!({"expiresInMs": 600_000})));
    }
    for id in ["c", "w", "late"] {
        ada.confirm(id, "allow").expect(200);
    }
    server.unchanged(|| {
        assert_eq!(forget(&root, "p").refusal(), (409, "not_resolved"));
        assert_eq!(forget(&root, "c").refusal(), (409, "still_claimable"));
        assert_eq!(forget(&root, "unknown").refusal(), (404, "unknown_request"));
        for other in [&agent, &ada] {
            assert_eq!(forget(other, "c").refusal(), (403, "forbidden"));
        }
    });
    ada.post("/v1/interactions/w/withdraw", &json!({})).expect(200);
    forget(&root, "w").expect(200);
    assert_eq!(agent.post("/v1/interactions/w/claim", &json!({})).refusal(), (409, "approval_withdrawn"));
    run(&agent, "c", "why");
    forget(&root, "c").expect(200);
    let claim = |claim: &str| agent.post("/v1/interactions/c/claim", &json!({"claimId": claim}));
    assert_eq!(claim("other").refusal(), (409, "already_claimed"));
    assert_eq!(claim("claim-c").refusal(), (409, "forgotten"));
    server.advance(Duration::from_secs(24 * 60 * 60));
    // The one is overdue, the other can no longer be claimed.
    assert_eq!(forget(&root, "p").expect(200).body["status"], "expired");
    forget(&root, "late").expect(200);
    assert_eq!(agent.post("/v1/interactions/late/claim", &json!({})).refusal(), (409, "approval_expired"));
    sound(&server.db());
}

#[test]
fn an_outcome_that_comes_late_is_kept_without_its_words() {
    let server = TestServer::start();
    let (agent, ada, root) = (server.agent("builder"), server.approver("ada"), server.client("root", Role::Admin));
    agent.register(&confirmation("c"));
    ada.confirm("c", "allow").expect(200);
    agent.post("/v1/interactions/c/claim", &json!({"claimId": "i"})).expect(200);
    forget(&root, "c").expect(200);
    let report = |outcome: &str| {
        agent.post("/v1/interactions/c/outcome", &json!({"claimId": "i", "outcome": outcome, "detail": "these words"}))
    };
    for _ in 0..2 {
        let seen = report("failed").expect(200).body;
        assert_eq!((at(&seen, "/claim/outcome"), at(&seen, "/claim/detail")), (&json!("failed"), &Value::Null));
    }
    assert_eq!(report("succeeded").refusal(), (409, "outcome_conflict"));
    assert_eq!(server.count("texts"), 0);
    sound(&server.db());
}

/// Lists look for the risk, the resolver and the tool of what is forgotten as of all else, also as the SQL beside them says.
#[test]
fn what_is_forgotten_is_found_by_the_facts_that_stay() {
    let server = TestServer::start();
    let (agent, ada, root) = (server.agent("builder"), server.approver("ada"), server.client("root", Role::Admin));
    for (id, risk) in [("high", "high"), ("low", "low"), ("kept", "high")] {
        agent.register(&altered(confirmation(id), &json!({"confirmation": {"riskLevel": risk}})));
        ada.confirm(id, "deny").expect(200);
    }
    for id in ["high", "low"] {
        forget(&root, id).expect(200);
    }
    let found = |query: &str| -> Vec<Value> {
        let body = ada.get(&format!("/v1/interactions?{query}")).expect(200).body;
        body["interactions"].as_array().unwrap().iter().map(|item| item["requestId"].clone()).collect()
    };
    assert_eq!(found("risk=high&by=ada&toolName=shell"), [json!("kept"), json!("high")]);
    assert_eq!(found("risk=high&idPrefix=h"), [json!("high")]);
    assert_eq!(found("risk=low"), [json!("low")]);
    let mut history = countersign();
    history.args(["history", "--csv", "--risk", "low", "--url", &ada.url]);
    let told = history.env("COUNTERSIGN_TOKEN", ada.token.as_ref().unwrap()).output().unwrap();
    let lines = String::from_utf8(told.stdout).unwrap();
    assert!(lines.contains("low,confirmation,rejected,low,shell,builder,"), "{lines}");
    assert!(lines.trim_end().ends_with("ada,(forgotten)"), "{lines}");
}

/// Pages and commands that show it, and a rule that was to be made from it.
#[test]
fn what_is_forgotten_is_shown_as_such_to_people() {
    let server = TestServer::start();
    let (agent, root) = (server.agent("builder"), server.client("root", Role::Admin));
    let ada = server.approver("ada");
    for registration in [confirmation("c"), secret("s"), question("q")] {
        agent.register(&registration);
        let id = registration["requestId"].as_str().unwrap();
        agent.post(&format!("/v1/interactions/{id}/cancel"), &json!({})).expect(200);
        forget(&root, id).expect(200);
    }
    let browser = ada.browser();
    for id in ["c", "s", "q"] {
        let page = browser.get(&format!("/interactions/{id}")).expect(200).text;
        assert!(page.contains("It is forgotten"), "{page}");
    }
    assert!(browser.get("/history").expect(200).text.contains("(forgotten)"));
    assert_eq!(browser.get("/rules/new?requestId=c").status, 409);
    // The forms of cards that were open meanwhile.
    for (form, decision) in [("c/decide", "allow"), ("s/secret", "decline"), ("q/answer", "answer")] {
        let answer = browser.submit(&format!("/interactions/{form}"), &[("decision", decision)]);
        assert_eq!(answer.status, 409, "{form}: {}", answer.text);
    }
    let rule = json!({"requestId": "c", "pattern": "make *", "scope": "/repo", "decision": "allow"});
    assert_eq!(ada.post("/v1/trust-rules", &rule).status, 404);
    let rule = json!({"toolName": "shell", "pattern": "make *", "scope": "/repo", "decision": "allow"});
    assert_eq!(ada.post("/v1/trust-rules/preview", &rule).expect(200).body["decided"], json!([]));
}
