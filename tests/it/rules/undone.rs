//! What fails in the middle is undone in memory, too: no rule is lost by it, none is invented, and no use is counted.

use serde_json::{Value, json};

use super::{command, made_id, picture, rule, status, uses, with};
use crate::harness::outside::{without_trigger, write_sql};
use crate::harness::{Act, Answer, TestServer, is_postgres, race};

/// Has every write fail that tells of such an event: the last step of a transaction, after everything else is written.
fn breaking(server: &TestServer, event: &str) {
    let breaks = if is_postgres() {
        format!("FOR EACH ROW WHEN ({event}) EXECUTE FUNCTION refuse('broken')")
    } else {
        format!("WHEN {event} BEGIN SELECT RAISE(ABORT, 'broken'); END")
    };
    write_sql(&server.db(), &format!("CREATE TRIGGER broken BEFORE INSERT ON audit_events {breaks}")).unwrap();
}

fn mended(server: &TestServer) {
    write_sql(&server.db(), &without_trigger("audit_events", "broken")).unwrap();
}

#[track_caller]
fn failed(answer: &Answer) {
    assert_eq!(answer.refusal(), (500, "internal"));
}

#[test]
fn a_use_that_was_undone_is_left_to_the_next_request() {
    let server = TestServer::start();
    let (agent, ada) = (server.agent("builder"), server.approver("ada"));
    breaking(&server, "NEW.event = 'interaction.approved' AND NEW.request_id LIKE 'bad%'");
    let id = made_id(&ada, &with(&rule("allow", "git status *"), &json!({"maxUses": 2})));
    assert_eq!(status(&agent, &command("good1", "git status")), "approved");
    for number in 0..5 {
        failed(&agent.post("/v1/interactions", &command(&format!("bad{number}"), "git status")));
    }
    assert_eq!(server.count("interactions"), 1, "what failed was not registered");
    assert_eq!(status(&agent, &command("good2", "git status")), "approved");
    assert_eq!(status(&agent, &command("good3", "git status")), "pending");
    assert_eq!(uses(&ada, &id), 2);
}

/// In one group with others, whose work is kept: exactly the uses of these are counted.
#[test]
fn among_many_at_once_those_that_fail_use_nothing_and_disturb_no_other() {
    let server = TestServer::start();
    let (agent, ada) = (server.agent("builder"), server.approver("ada"));
    breaking(&server, "NEW.event = 'interaction.approved' AND NEW.request_id LIKE 'bad%'");
    for round in 0..4 {
        let pattern = format!("git status {round} *");
        let id = made_id(&ada, &with(&rule("allow", &pattern), &json!({"maxUses": 5})));
        let registrations = (0..32).map(|number| {
            let name = if number % 2 == 0 { "bad" } else { "good" };
            command(&format!("{name}-{round}-{number}"), &format!("git status {round}"))
        });
        let acts = registrations.map(|registration| -> Act<'_, Answer> {
            let agent = agent.clone();
            Box::new(move || agent.post("/v1/interactions", &registration))
        });
        let answers = race(acts);
        let with = |status: &str| answers.iter().filter(|answer| answer.body["status"] == status).count();
        let (approved, pending) = (with("approved"), with("pending"));
        assert_eq!(approved, 5);
        // A bad one is registered where the rule was used up before it.
        assert!(pending >= 11, "{pending} pending");
        answers.iter().filter(|answer| answer.status != 201).for_each(failed);
        assert_eq!(uses(&ada, &id), 5);
        let hits = format!("v_rule_hits WHERE rule_id = '{id}' AND request_id LIKE 'good%'");
        assert_eq!(server.count(&hits), 5);
    }
}

#[test]
fn a_rule_whose_making_failed_decides_nothing() {
    let server = TestServer::start();
    let (agent, ada) = (server.agent("builder"), server.approver("ada"));
    for id in ["waits1", "waits2"] {
        agent.register(&command(id, "git status"));
    }
    // The book is read before the rule comes into it.
    made_id(&ada, &rule("allow", "git log *"));
    assert_eq!(status(&agent, &command("log1", "git log")), "approved");
    breaking(&server, "NEW.event = 'interaction.approved' AND NEW.request_id = 'waits2'");
    let before = picture(&server);
    let new = with(&rule("allow", "git status *"), &json!({"applyToPending": true}));
    failed(&ada.post("/v1/trust-rules", &new));
    assert_eq!(picture(&server), before, "neither the rule nor the first of what it would have resolved");
    assert_eq!(status(&agent, &command("c", "git status")), "pending");
    assert_eq!(status(&agent, &command("log2", "git log")), "approved", "the other rule stands");
    mended(&server);
    let made = ada.post("/v1/trust-rules", &new).expect(201).body;
    assert_eq!(made["resolved"], json!(["waits1", "waits2", "c"]));
    assert_eq!(status(&agent, &command("d", "git status")), "approved");
}

#[test]
fn a_rule_whose_revocation_failed_stands() {
    let server = TestServer::start();
    let (agent, ada) = (server.agent("builder"), server.approver("ada"));
    let id = made_id(&ada, &rule("deny", "git push *"));
    assert_eq!(status(&agent, &command("c1", "git push")), "rejected");
    breaking(&server, "NEW.event = 'trust_rule.revoked'");
    // What another connection has changed has the rules read again: they are to be in memory when it fails.
    assert_eq!(status(&agent, &command("read", "git push")), "rejected");
    failed(&ada.delete(&format!("/v1/trust-rules/{id}")));
    assert_eq!(status(&agent, &command("c2", "git push")), "rejected");
    mended(&server);
    ada.delete(&format!("/v1/trust-rules/{id}")).expect(200);
    assert_eq!(status(&agent, &command("c3", "git push")), "pending");
}

/// A decision and its rule are one: where the decision fails there is no rule.
#[test]
fn a_decision_that_failed_leaves_no_rule_behind() {
    let server = TestServer::start();
    let (agent, ada) = (server.agent("builder"), server.approver("ada"));
    agent.register(&command("c", "git status"));
    made_id(&ada, &rule("allow", "git log *"));
    breaking(&server, "NEW.event = 'interaction.approved' AND NEW.request_id = 'c'");
    let chosen =
        json!({"requestId": "c", "decision": "allow", "selectedPattern": "git status", "selectedScope": "/repo"});
    failed(&ada.post("/v1/confirm", &chosen));
    assert_eq!((server.stored("c"), server.count("trust_rules")), (json!("pending"), 1));
    assert_eq!(status(&agent, &command("d", "git status")), "pending");
    mended(&server);
    ada.post("/v1/confirm", &chosen).expect(200);
    assert_eq!(agent.look("c")["resolution"]["resolvedBy"], json!({"principal": "ada"}));
    assert_eq!(agent.look("d")["resolution"], Value::Null);
    assert_eq!(status(&agent, &command("e", "git status")), "approved");
}
