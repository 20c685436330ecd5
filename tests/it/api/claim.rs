//! `POST /v1/interactions/{requestId}/claim` and `…/outcome`: the one-time right to act, and what came of it.

use std::time::Duration;

use serde_json::{Value, json};

use crate::harness::{Answer, Client, TestServer, altered, confirmation, question, responses, secret};

fn claim(client: &Client, request_id: &str, body: &Value) -> Answer {
    client.post(&format!("/v1/interactions/{request_id}/claim"), body)
}

fn report(client: &Client, request_id: &str, body: &Value) -> Answer {
    client.post(&format!("/v1/interactions/{request_id}/outcome"), body)
}

fn approved(server: &TestServer, request_id: &str) -> Client {
    let agent = server.agent("builder");
    agent.register(&confirmation(request_id));
    server.approver("ada").confirm(request_id, "allow").expect(200);
    agent
}

fn story(server: &TestServer) -> Vec<Vec<Value>> {
    server.sql("SELECT request_id, story, claim_id FROM v_unclaimed")
}

#[test]
fn a_claim_succeeds_once_and_its_owner_may_repeat_it() {
    let server = TestServer::start();
    let agent = approved(&server, "c");
    assert_eq!(story(&server), [[json!("c"), json!("never claimed"), json!(null)]]);
    let digest = agent.look("c")["confirmation"]["inputDigest"].clone();
    let won = json!({"claimId": "mine", "effectiveInput": {"command": "make deploy"}, "effectiveInputDigest": digest});
    assert_eq!(claim(&agent, "c", &json!({"claimId": "mine", "inputDigest": digest})).expect(200).body, won);
    assert_eq!(story(&server), [[json!("c"), json!("claimed, outcome unknown"), json!("mine")]]);
    server.unchanged(|| {
        assert_eq!(claim(&agent, "c", &json!({"claimId": "mine"})).expect(200).body, won);
        assert_eq!(claim(&agent, "c", &json!({"claimId": "yours"})).refusal(), (409, "already_claimed"));
        assert_eq!(claim(&agent, "c", &json!({})).refusal(), (409, "already_claimed"));
        assert_eq!(agent.post_nothing("/v1/interactions/c/claim").refusal(), (409, "already_claimed"));
    });
    assert_eq!(server.history("c").last().unwrap(), "interaction.claimed by builder");
    let seen = agent.look("c")["claim"].clone();
    assert_eq!((&seen["claimId"], &seen["outcome"]), (&json!("mine"), &json!(null)));
}

#[test]
fn a_claim_without_an_id_is_given_one_that_can_be_repeated() {
    let server = TestServer::start();
    let agent = approved(&server, "c");
    let won = agent.post_nothing("/v1/interactions/c/claim").expect(200).body;
    let again = server.unchanged(|| claim(&agent, "c", &json!({"claimId": won["claimId"]})));
    assert_eq!(again.expect(200).body, won);
}

#[test]
fn a_digest_of_something_else_uses_nothing_up() {
    let server = TestServer::start();
    let (agent, ada) = (server.agent("builder"), server.approver("ada"));
    agent.register(&altered(confirmation("c"), &json!({"confirmation": {"inputEditsAllowed": true}})));
    let edited = json!({"requestId": "c", "decision": "allow", "updatedInput": {"command": "make test"}});
    ada.post("/v1/confirm", &edited).expect(200);
    let seen = agent.look("c");
    // What was proposed is not what was approved.
    for digest in [&seen["confirmation"]["inputDigest"], &json!("sha256:00"), &json!("")] {
        let refused = server.unchanged(|| claim(&agent, "c", &json!({"inputDigest": digest, "claimId": "mine"})));
        assert_eq!(refused.refusal(), (409, "digest_mismatch"));
    }
    let digest = &seen["resolution"]["effectiveInputDigest"];
    let won = claim(&agent, "c", &json!({"inputDigest": digest, "claimId": "mine"})).expect(200).body;
    assert_eq!(won["effectiveInput"], json!({"command": "make test"}));
    assert_eq!(&won["effectiveInputDigest"], digest);
}

#[test]
fn what_is_no_approved_confirmation_cannot_be_claimed() {
    let server = TestServer::start();
    let (agent, ada) = (server.agent("builder"), server.approver("ada"));
    for registration in [confirmation("pending"), confirmation("rejected"), secret("secret"), question("question")] {
        agent.register(&registration);
    }
    ada.confirm("rejected", "deny").expect(200);
    ada.post("/v1/secret", &json!({"requestId": "secret", "value": "v"})).expect(200);
    ada.post("/v1/question-response", &json!({"requestId": "question", "responses": responses()})).expect(200);
    for (id, status) in
        [("pending", "pending"), ("rejected", "rejected"), ("secret", "answered"), ("question", "answered")]
    {
        let refused = server.unchanged(|| claim(&agent, id, &json!({})));
        assert_eq!((refused.refusal(), &refused.body["status"]), ((409, "not_approved"), &json!(status)));
    }
    assert_eq!(server.unchanged(|| claim(&agent, "nothing", &json!({}))).refusal(), (404, "unknown_request"));
    assert_eq!(story(&server), Vec::<Vec<Value>>::new());
}

#[test]
fn no_agent_claims_or_reports_what_another_agent_asked() {
    let server = TestServer::start();
    let agent = approved(&server, "c");
    let (other, ada) = (server.agent("other"), server.approver("ada"));
    let report_body = json!({"claimId": "mine", "outcome": "failed"});
    server.unchanged(|| {
        assert_eq!(claim(&other, "c", &json!({})).refusal(), (404, "unknown_request"));
        assert_eq!(claim(&ada, "c", &json!({})).refusal(), (403, "forbidden"));
    });
    claim(&agent, "c", &json!({"claimId": "mine"})).expect(200);
    server.unchanged(|| {
        assert_eq!(claim(&other, "c", &json!({"claimId": "mine"})).refusal(), (404, "unknown_request"));
        assert_eq!(report(&other, "c", &report_body).refusal(), (404, "unknown_request"));
        assert_eq!(report(&ada, "c", &report_body).refusal(), (403, "forbidden"));
    });
}

#[test]
fn an_outcome_closes_the_story_and_is_never_told_differently() {
    let server = TestServer::start();
    for (id, outcome, other, detail) in
        [("good", "succeeded", "failed", json!(null)), ("bad", "failed", "succeeded", json!("exit status 2"))]
    {
        let agent = approved(&server, id);
        let told = json!({"claimId": "mine", "outcome": outcome, "detail": detail});
        assert_eq!(server.unchanged(|| report(&agent, id, &told)).refusal(), (409, "not_claimed"));
        claim(&agent, id, &json!({"claimId": "mine"})).expect(200);
        assert_eq!(
            server.unchanged(|| report(&agent, id, &altered(told.clone(), &json!({"claimId": "yours"})))).refusal(),
            (409, "claim_mismatch")
        );
        let closed = report(&agent, id, &told).expect(200).body;
        assert_eq!((&closed["claim"]["outcome"], &closed["claim"]["detail"]), (&json!(outcome), &detail));
        assert_eq!(server.history(id).last().unwrap(), "interaction.outcome_reported by builder");
        assert_eq!(server.unchanged(|| report(&agent, id, &told)).expect(200).body, closed);
        for changes in [json!({"outcome": other}), json!({"detail": "something else"})] {
            let refused = server.unchanged(|| report(&agent, id, &altered(told.clone(), &changes)));
            assert_eq!(refused.refusal(), (409, "outcome_conflict"), "{changes}");
        }
        // The claim stays what it was: it can be repeated, and not be made anew.
        server.unchanged(|| claim(&agent, id, &json!({"claimId": "mine"}))).expect(200);
        assert_eq!(server.unchanged(|| claim(&agent, id, &json!({}))).refusal(), (409, "already_claimed"));
    }
    assert_eq!(story(&server), Vec::<Vec<Value>>::new());
}

#[test]
fn an_approval_is_claimed_before_its_deadline_and_never_from_then_on() {
    let server = TestServer::start();
    let (agent, ada) = (server.agent("builder"), server.approver("ada"));
    for id in ["in-time", "late"] {
        let body = altered(confirmation(id), &json!({"confirmation": {"claimWithinMs": 60_000}}));
        let seen = agent.register(&body);
        assert_eq!((&seen["claimExpiresAt"], &seen["confirmation"]["claimWithinMs"]), (&json!(null), &json!(60_000)));
    }
    // It counts from the approval.
    server.advance(Duration::from_secs(3600));
    for id in ["in-time", "late"] {
        ada.confirm(id, "allow").expect(200);
        assert_eq!(agent.look(id)["claimExpiresAt"], "2030-01-01T01:01:00.000Z");
    }
    server.advance(Duration::from_millis(59_999));
    claim(&agent, "in-time", &json!({"claimId": "mine"})).expect(200);
    server.advance(Duration::from_millis(1));
    server.unchanged(|| {
        assert_eq!(claim(&agent, "late", &json!({"claimId": "mine"})).refusal(), (409, "approval_expired"));
        assert_eq!(claim(&agent, "late", &json!({"inputDigest": "sha256:00"})).refusal(), (409, "digest_mismatch"));
        // Its own claim, made in time, may be repeated at any time.
        claim(&agent, "in-time", &json!({"claimId": "mine"})).expect(200);
        assert_eq!(claim(&agent, "in-time", &json!({"claimId": "yours"})).refusal(), (409, "already_claimed"));
    });
    assert_eq!(agent.look("late")["status"], "approved");
    let shown = server.sql("SELECT request_id, claim_expires_at FROM v_unclaimed ORDER BY request_id");
    assert_eq!(
        shown,
        [["in-time", "2030-01-01T01:01:00.000Z"], ["late", "2030-01-01T01:01:00.000Z"]].map(|row| row.map(Value::from))
    );
}

#[test]
fn the_server_says_how_long_an_approval_is_good_for_where_the_agent_does_not() {
    for (flags, end) in [
        (&[][..], json!("2030-01-02T00:00:00.000Z")),
        (&["--claim-within", "90s"], json!("2030-01-01T00:01:30.000Z")),
        (&["--claim-within", "none"], json!(null)),
    ] {
        let server = TestServer::with(flags);
        let agent = approved(&server, "c");
        assert_eq!(agent.look("c")["claimExpiresAt"], end, "{flags:?}");
        assert_eq!(agent.look("c")["confirmation"].get("claimWithinMs"), None);
        server.approver("bob").confirm("c", "deny").refusal();
        agent.register(&secret("s"));
        assert_eq!(agent.look("s")["claimExpiresAt"], json!(null));
        // What is set at the registration stays, whatever the next server says.
        let server = server.restart(&["--claim-within", "1s"]);
        assert_eq!(server.client("root", countersign::domain::enums::Role::Auditor).look("c")["claimExpiresAt"], end);
    }
}

#[test]
fn what_a_rule_approves_has_its_deadline_too() {
    let server = TestServer::start();
    let (agent, ada) = (server.agent("builder"), server.approver("ada"));
    let rule = json!({"toolName": "shell", "pattern": "make *", "scope": "/repo", "decision": "allow"});
    ada.post("/v1/trust-rules", &rule).expect(201);
    let seen = agent.register(&altered(confirmation("c"), &json!({"confirmation": {"claimWithinMs": 1000}})));
    assert_eq!((&seen["status"], &seen["claimExpiresAt"]), (&json!("approved"), &json!("2030-01-01T00:00:01.000Z")));
    server.advance(Duration::from_secs(1));
    assert_eq!(server.unchanged(|| claim(&agent, "c", &json!({}))).refusal(), (409, "approval_expired"));
    assert_eq!(
        agent
            .post("/v1/interactions", &altered(confirmation("d"), &json!({"confirmation": {"claimWithinMs": 0}})))
            .refusal(),
        (400, "malformed_request")
    );
}
