//! A forgetting beside claims, takings, outcomes, and its own end by SIGKILL: an interaction is whole or forgotten, never half.

use std::io::Write;
use std::path::Path;
use std::time::Duration;

use countersign::domain::enums::Role;
use serde_json::{Value, json};
use tempfile::TempDir;

use super::{forget, sound};
use crate::harness::killed::{WRITES, can_kill, survives};
use crate::harness::{Act, Client, Process, TestServer, altered, confirmation, race, secret, sql, token};

const ROUNDS: usize = 25;

#[test]
fn a_forgetting_beside_a_report_leaves_no_word_of_it() {
    let server = TestServer::start();
    let (agent, ada, root) = (server.agent("builder"), server.approver("ada"), server.client("root", Role::Admin));
    for round in 0..ROUNDS {
        let id = format!("c{round}");
        agent.register(&confirmation(&id));
        ada.confirm(&id, "allow").expect(200);
        agent.post(&format!("/v1/interactions/{id}/claim"), &json!({"claimId": "i"})).expect(200);
        let report = json!({"claimId": "i", "outcome": "failed", "detail": "these words"});
        let acts: [Act<'_, u16>; 2] = [
            Box::new(|| forget(&root, &id).status),
            Box::new(|| agent.post(&format!("/v1/interactions/{id}/outcome"), &report).status),
        ];
        assert_eq!(race(acts), [200, 200]);
        let seen = agent.look(&id);
        assert_eq!((&seen["claim"]["outcome"], &seen["claim"]["detail"]), (&json!("failed"), &Value::Null));
    }
    assert_eq!(server.count("texts WHERE text IS NOT NULL"), 0);
    sound(&server.db());
}

#[test]
fn a_forgetting_beside_a_claim_never_takes_what_was_claimed_or_can_be() {
    let server = TestServer::start();
    let (agent, ada, root) = (server.agent("builder"), server.approver("ada"), server.client("root", Role::Admin));
    for round in 0..ROUNDS {
        let id = format!("c{round}");
        agent.register(&confirmation(&id));
        ada.confirm(&id, "allow").expect(200);
        let acts: [Act<'_, (u16, Value)>; 2] = [
            Box::new(|| {
                let answer = forget(&root, &id);
                (answer.status, answer.body["code"].clone())
            }),
            Box::new(|| {
                let answer = agent.post(&format!("/v1/interactions/{id}/claim"), &json!({}));
                (answer.status, answer.body["effectiveInput"].clone())
            }),
        ];
        let [forgetting, claim] = race(acts).try_into().unwrap();
        assert_eq!(claim, (200, json!({"command": "make deploy"})));
        assert!(forgetting.0 == 200 || forgetting == (409, json!("still_claimable")), "{forgetting:?}");
    }
    sound(&server.db());
}

#[test]
fn a_secret_is_taken_before_it_is_forgotten_or_not_at_all() {
    let server = TestServer::start();
    let (agent, ada, root) = (server.agent("builder"), server.approver("ada"), server.client("root", Role::Admin));
    for round in 0..ROUNDS {
        let id = format!("s{round}");
        agent.register(&secret(&id));
        let delivery = if round % 2 == 0 { "store" } else { "transient_send" };
        ada.post("/v1/secret", &json!({"requestId": id, "value": "hush", "delivery": delivery})).expect(200);
        let acts: [Act<'_, (u16, Value)>; 2] = [
            Box::new(|| (forget(&root, &id).status, Value::Null)),
            Box::new(|| {
                let answer = agent.post(&format!("/v1/interactions/{id}/secret"), &json!({}));
                (
                    answer.status,
                    if answer.status == 200 { answer.body["value"].clone() } else { answer.body["code"].clone() },
                )
            }),
        ];
        let [forgetting, taking] = race(acts).try_into().unwrap();
        assert_eq!(forgetting.0, 200);
        assert!(taking == (200, json!("hush")) || taking == (409, json!("wiped")), "{taking:?}");
    }
    assert_eq!(server.count("sealed_secrets WHERE sealed IS NOT NULL OR service <> ''"), 0);
    sound(&server.db());
}

#[test]
fn every_one_of_many_forgettings_at_once_gets_the_same_answer() {
    let server = TestServer::start();
    let agent = server.agent("builder");
    let admins = server.crowd(4, Role::Admin);
    for round in 0..ROUNDS {
        let id = format!("c{round}");
        agent.register(&confirmation(&id));
        agent.post(&format!("/v1/interactions/{id}/cancel"), &json!({})).expect(200);
        let acts = admins.iter().map(|admin| -> Act<'_, Value> { Box::new(|| forget(admin, &id).expect(200).body) });
        let answers = race(acts);
        assert!(answers.iter().all(|answer| *answer == answers[0]), "{answers:?}");
        assert_eq!(
            server.count(&format!("audit_events WHERE request_id = '{id}' AND event = 'interaction.forgotten'")),
            1
        );
    }
    server.advance(Duration::from_secs(1));
    sound(&server.db());
}

/// So many that a command forgets them in several transactions.
const MANY: usize = 120;

fn filled(db: &Path) {
    let [agent, root] = [("builder", "agent"), ("root", "admin")].map(|(name, role)| token(db, name, role));
    let process = Process::serve(db, &[]);
    let [agent, root] = [agent, root].map(|token| Client::new(&process.url, &token));
    for number in 0..MANY {
        let id = format!("c{number}");
        agent.register(&altered(confirmation(&id), &json!({"metadata": {"note": "x".repeat(200)}})));
        root.post("/v1/confirm", &json!({"requestId": id, "decision": "deny", "comment": "no"})).expect(200);
    }
    process.terminate();
}

#[test]
fn a_run_that_is_killed_leaves_each_interaction_whole_or_forgotten() {
    if !can_kill() {
        writeln!(std::io::stderr(), "skipped: there is no strace on this machine").unwrap();
        return;
    }
    let directory = TempDir::new().unwrap();
    let (full, db) = (directory.path().join("full.db"), directory.path().join("test.db"));
    filled(&full);
    let mut partly = 0;
    for call in WRITES {
        for nth in (1..).step_by(7) {
            std::fs::copy(&full, &db).unwrap();
            let arguments = ["forget", "--older-than", "1ms", "--db", db.to_str().unwrap()];
            let survived = survives(call, nth, &arguments);
            // What the kill left in the log is found by the next command.
            sound(&db);
            let rows = sql(
                &db,
                "SELECT (SELECT count(*) FROM forgettings), (SELECT count(*) FROM interaction_bodies WHERE body <> '{}'), \
                 (SELECT count(*) FROM texts WHERE text IS NOT NULL)",
            )
            .concat();
            let [forgotten, bodies, texts] = [0, 1, 2].map(|column| rows[column].as_u64().unwrap() as usize);
            assert_eq!((bodies, texts), (MANY - forgotten, MANY - forgotten), "{call} {nth}");
            partly += usize::from(forgotten > 0 && forgotten < MANY);
            for ending in ["", "-wal", "-shm", ".lock"] {
                let _ = std::fs::remove_file(format!("{}{ending}", db.display()));
            }
            if survived {
                break;
            }
        }
    }
    assert!(partly > 0, "no run was killed between two of its transactions");
}
