//! `POST /v1/interactions/{requestId}/withdraw`: an approval is taken back before it is claimed, or never.

use std::time::Duration;

use countersign::domain::enums::Role;
use serde_json::{Value, json};

use crate::harness::{Act, Answer, Client, TestServer, altered, confirmation, race};

fn withdraw(client: &Client, request_id: &str) -> Answer {
    client.post_nothing(&format!("/v1/interactions/{request_id}/withdraw"))
}

fn claim(client: &Client, request_id: &str, claim_id: &str) -> Answer {
    client.post(&format!("/v1/interactions/{request_id}/claim"), &json!({"claimId": claim_id}))
}

fn approved(server: &TestServer, request_id: &str) -> (Client, Client) {
    let (agent, ada) = (server.agent("builder"), server.approver("ada"));
    agent.register(&confirmation(request_id));
    ada.confirm(request_id, "allow").expect(200);
    (agent, ada)
}

#[test]
fn what_is_withdrawn_is_never_claimed_and_says_by_whom() {
    let server = TestServer::start();
    let (agent, ada) = approved(&server, "c");
    let root = server.client("root", Role::Admin);
    server.advance(Duration::from_secs(1));
    let seen = withdraw(&ada, "c").expect(200).body;
    assert_eq!(seen["status"], "approved");
    assert_eq!(seen["claim"], json!({"withdrawnAt": "2030-01-01T00:00:01.000Z", "withdrawnBy": "ada"}));
    assert_eq!(agent.look("c"), seen);
    server.unchanged(|| {
        assert_eq!(claim(&agent, "c", "mine").refusal(), (409, "approval_withdrawn"));
        let report = json!({"claimId": "mine", "outcome": "failed"});
        assert_eq!(agent.post("/v1/interactions/c/outcome", &report).refusal(), (409, "not_claimed"));
        assert_eq!(withdraw(&ada, "c").expect(200).body, seen);
        assert_eq!(withdraw(&root, "c").expect(200).body, seen);
    });
    assert_eq!(server.history("c").last().unwrap(), "interaction.approval_withdrawn by ada");
    assert_eq!(server.count("v_unclaimed"), 0);
    let shown = server.sql("SELECT withdrawn_by, withdrawn_at FROM v_decisions");
    assert_eq!(shown, [[json!("ada"), json!("2030-01-01T00:00:01.000Z")]]);
}

#[test]
fn an_approval_that_is_void_is_not_repeated() {
    let server = TestServer::start();
    let (agent, ada) = approved(&server, "c");
    ada.confirm("c", "allow").expect(200);
    ada.post_nothing("/v1/interactions/c/withdraw").expect(200);
    assert_eq!(server.unchanged(|| ada.confirm("c", "allow")).refusal(), (404, "already_resolved"));
    agent.register(&altered(confirmation("late"), &json!({"confirmation": {"claimWithinMs": 1000}})));
    ada.confirm("late", "allow").expect(200);
    server.advance(Duration::from_millis(999));
    ada.confirm("late", "allow").expect(200);
    server.advance(Duration::from_millis(1));
    assert_eq!(server.unchanged(|| ada.confirm("late", "allow")).refusal(), (404, "already_resolved"));
}

#[test]
fn what_is_claimed_is_not_withdrawn() {
    let server = TestServer::start();
    let (agent, ada) = approved(&server, "c");
    claim(&agent, "c", "mine").expect(200);
    server.unchanged(|| {
        assert_eq!(withdraw(&ada, "c").refusal(), (409, "already_claimed"));
        claim(&agent, "c", "mine").expect(200);
    });
}

#[test]
fn only_those_who_resolve_withdraw() {
    let server = TestServer::start();
    let (agent, ada) = approved(&server, "c");
    let eve = server.client("eve", Role::Auditor);
    server.unchanged(|| {
        assert_eq!(withdraw(&agent, "c").refusal(), (403, "forbidden"));
        assert_eq!(withdraw(&eve, "c").refusal(), (403, "forbidden"));
        assert_eq!(withdraw(&ada, "nothing").refusal(), (404, "unknown_request"));
    });
}

/// What a rule has approved is taken back as any other approval is, and what is past its deadline, too.
#[test]
fn what_a_rule_approved_and_what_was_not_claimed_in_time_are_withdrawn() {
    let server = TestServer::start();
    let (agent, ada) = (server.agent("builder"), server.approver("ada"));
    let rule = json!({"toolName": "shell", "pattern": "make *", "scope": "/repo", "decision": "allow"});
    ada.post("/v1/trust-rules", &rule).expect(201);
    for (id, wait) in [("soon", 0), ("late", 60)] {
        agent.register(&altered(confirmation(id), &json!({"confirmation": {"claimWithinMs": 60_000}})));
        server.advance(Duration::from_secs(wait));
        withdraw(&ada, id).expect(200);
        assert_eq!(claim(&agent, id, "mine").refusal(), (409, "approval_withdrawn"));
    }
}

#[test]
fn of_many_claims_and_withdrawals_at_once_exactly_one_happens() {
    const EACH: usize = 16;
    let server = TestServer::start();
    let (agent, crowd) = (server.agent("builder"), server.crowd(EACH, Role::Approver));
    let mut happened = [0, 0];
    for round in 0..8 {
        let id = &format!("c{round}");
        agent.register(&confirmation(id));
        crowd[0].confirm(id, "allow").expect(200);
        let claims = (0..EACH).map(|number| -> Act<'_, (bool, Answer)> {
            let agent = &agent;
            Box::new(move || (true, claim(agent, id, &format!("claim-{number}"))))
        });
        let withdrawals = crowd
            .iter()
            .map(|approver| -> Act<'_, (bool, Answer)> { Box::new(move || (false, withdraw(approver, id))) });
        // One after the other, so that either may be first.
        let acts = claims.zip(withdrawals).flat_map(|(one, other)| [one, other]);
        let answers = race(acts);
        let won = answers.iter().filter(|(is_claim, answer)| *is_claim && answer.status == 200).count();
        let withdrawn = answers.iter().filter(|(is_claim, answer)| !is_claim && answer.status == 200).count();
        assert!((won, withdrawn) == (1, 0) || (won, withdrawn) == (0, EACH), "{won} claims, {withdrawn} withdrawals");
        let refusal = if won == 1 { "already_claimed" } else { "approval_withdrawn" };
        for (_, answer) in answers.iter().filter(|(_, answer)| answer.status != 200) {
            assert_eq!(answer.refusal(), (409, refusal));
        }
        let told = "event IN ('interaction.claimed', 'interaction.approval_withdrawn')";
        assert_eq!(server.count(&format!("audit_events WHERE request_id = '{id}' AND {told}")), 1);
        happened[usize::from(won == 1)] += 1;
    }
    assert_eq!(happened.iter().sum::<usize>(), 8);
    assert_eq!(server.sql("SELECT count(*) FROM claims"), [[Value::from(8)]]);
}

#[test]
fn a_withdrawal_names_the_rule_that_was_made_with_the_approval_and_goes_on() {
    let server = TestServer::start();
    let (agent, ada) = (server.agent("builder"), server.approver("ada"));
    agent.register(&confirmation("c"));
    let always = json!({"requestId": "c", "decision": "allow", "selectedPattern": "make *", "selectedScope": "/repo"});
    ada.post("/v1/confirm", &always).expect(200);
    let page = ada.browser().page("/interactions/c");
    assert!(page.contains("The rule that was made with it goes on."), "{page}");
    let rule = ada.get("/v1/trust-rules").body["trustRules"][0]["ruleId"].as_str().unwrap().to_owned();
    for _ in 0..2 {
        let warnings = withdraw(&ada, "c").expect(200).body["warnings"].clone();
        assert_eq!((&warnings[0]["code"], &warnings[0]["ruleId"]), (&json!("rule_still_active"), &json!(rule)));
    }
    assert!(agent.look("c").get("warnings").is_none());
    let revoke = format!("/rules/{rule}/revoke");
    let page = ada.browser().page("/interactions/c");
    assert!(page.contains(&format!("action=\"{revoke}\"")), "{page}");
    ada.browser().submit(&revoke, &[]).expect(303);
    assert!(withdraw(&ada, "c").expect(200).body.get("warnings").is_none());
    assert!(!ada.browser().page("/interactions/c").contains(&revoke));
}
