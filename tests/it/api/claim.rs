//! `POST /v1/interactions/{requestId}/claim` and `…/outcome`: the one-time right to act, and what came of it.

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
