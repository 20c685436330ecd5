//! `countersign doctor`: what is not in order is found and named, and what is in order is not.

use std::fs::{self, OpenOptions};
use std::io::{Seek, SeekFrom, Write};
use std::path::Path;

use serde_json::json;
use tempfile::TempDir;

use crate::harness::outside::{refused, write_sql};
use crate::harness::{TestServer, confirmation, countersign, question, responses, secret, sql};

/// A server that has seen a little of everything.
fn filled() -> TestServer {
    let server = TestServer::start();
    let (agent, ada) = (server.agent("builder"), server.approver("ada"));
    let mut brief = confirmation("late");
    brief["expiresInMs"] = json!(1000);
    for registration in [confirmation("c"), confirmation("d"), confirmation("p"), secret("s"), question("q"), brief] {
        agent.register(&registration);
    }
    let selected =
        json!({"requestId": "c", "decision": "allow", "selectedPattern": "make *", "selectedScope": "/repo"});
    ada.post("/v1/confirm", &selected).expect(200);
    ada.confirm("d", "deny").expect(200);
    agent.register(&confirmation("hit"));
    agent.post("/v1/interactions/c/claim", &json!({"claimId": "i"})).expect(200);
    agent.post("/v1/interactions/c/outcome", &json!({"claimId": "i", "outcome": "succeeded"})).expect(200);
    ada.post("/v1/secret", &json!({"requestId": "s", "value": "v"})).expect(200);
    ada.post("/v1/question-response", &json!({"requestId": "q", "responses": responses()})).expect(200);
    server.advance(std::time::Duration::from_secs(5));
    assert_eq!(agent.look("late")["status"], "expired");
    server
}

/// What the doctor says of a database, and whether all is well.
fn examined(db: &Path) -> (bool, String) {
    let output = countersign().args(["doctor", "--db"]).arg(db).output().unwrap();
    assert!([Some(0), Some(1)].contains(&output.status.code()), "{output:?}");
    let said = String::from_utf8(output.stdout).unwrap();
    assert_eq!(output.status.success(), !said.contains("BROKEN") && output.stderr.is_empty(), "{said}");
    (output.status.success(), said + &String::from_utf8_lossy(&output.stderr))
}

#[test]
fn a_database_in_use_that_is_in_order_is_said_to_be() {
    let server = filled();
    let (is_well, said) = examined(&server.db());
    assert!(is_well, "{said}");
    assert!(said.lines().count() > 60, "{said}");
}

#[test]
fn each_thing_that_is_not_in_order_is_named() {
    for (sql, words) in [
        ("DROP TRIGGER audit_events_never_change", "trigger audit_events_never_change is missing"),
        ("DROP INDEX interactions_pending", "index interactions_pending is missing"),
        ("CREATE TABLE theirs (t)", "table theirs does not belong there"),
        ("DROP VIEW v_events; CREATE VIEW v_events AS SELECT 1", "view v_events is not as it should be"),
        (
            "DROP TRIGGER principals_role_for_ever; UPDATE principals SET role = 'king' WHERE name = 'ada'",
            "BROKEN  principals: role IN",
        ),
        (
            "UPDATE trust_rules SET last_used_at_ms = NULL",
            "BROKEN  trust_rules: (use_count = 0) = (last_used_at_ms IS NULL)",
        ),
        (
            "UPDATE interactions SET tool_name = NULL WHERE request_id = 'p'",
            "(kind = 'confirmation') = (tool_name IS NOT NULL): [\"3\"]",
        ),
        (
            "INSERT INTO own_events VALUES ('builder', 1)",
            "every event of an interaction is its owner's, and no other event is anybody's, as far as they are entered: [\"event 1\"]",
        ),
        (
            "DROP TRIGGER sealed_secrets_never_deleted; DELETE FROM sealed_secrets",
            "every answered secret has its value, sealed or wiped, and nothing else has one: [\"s\"]",
        ),
        (
            "INSERT INTO claims (interaction_id, claim_id, claimed_at_ms) VALUES (2, 'x', 1)",
            "only an approved confirmation is claimed",
        ),
        (
            "DROP TRIGGER audit_events_never_change; UPDATE audit_events SET principal = 'eve' WHERE seq = 3",
            "chain: [\"event 3 was edited",
        ),
        (
            "DROP TRIGGER interactions_never_deleted; PRAGMA foreign_keys = OFF; DELETE FROM interactions WHERE request_id = 'p'",
            "refers to one that is not there: [\"interaction_bodies row 3 to interactions\"]",
        ),
        (
            "DROP TRIGGER claims_never_deleted; DELETE FROM claims",
            "every claim that the history tells of is there, once: [\"c\"]",
        ),
        (
            "DROP TRIGGER claims_outcome_for_ever; UPDATE claims SET outcome = 'failed'",
            "outcome of a claim is the one that was reported: [\"c\"]",
        ),
        (
            "DROP TRIGGER interactions_resolved_for_ever; UPDATE interactions SET resolved_by_principal = 'builder' WHERE request_id = 'd'",
            "the resolver of an interaction is the one in the history: [\"d\"]",
        ),
        (
            "DROP TRIGGER trust_rules_terms_for_ever; UPDATE trust_rules SET pattern = '*'",
            "a rule says what the history says that it says",
        ),
        (
            "DROP TRIGGER trust_rules_terms_for_ever; UPDATE trust_rules SET status = 'expired', expires_at_ms = created_at_ms + 1",
            "a rule has ended where the history says so",
        ),
        (
            "UPDATE refinery_schema_history SET checksum = '1' WHERE version = 2",
            "the migrations are those of its version",
        ),
        (
            "INSERT INTO tokens SELECT 'planted', zeroblob(32), name, 1, NULL FROM principals LIMIT 1",
            "every token, and whether it is revoked, is as the history says: [\"planted\"]",
        ),
        (
            "DROP TRIGGER principals_role_for_ever; UPDATE principals SET role = 'admin' WHERE name = 'builder'",
            "a principal has the role that the history says: [\"builder\"]",
        ),
        ("CREATE TABLE sqlitexstat1 (t)", "table sqlitexstat1 does not belong there"),
        (
            "DROP TRIGGER interactions_resolved_for_ever; UPDATE interactions SET status = 'rejected' WHERE request_id = 'c'",
            "before its claim is its status: [\"c\"]",
        ),
    ] {
        let server = filled();
        write_sql(&server.db(), &format!("PRAGMA ignore_check_constraints = ON; {sql}")).unwrap();
        let (is_well, said) = examined(&server.db());
        assert!(!is_well && said.contains(words), "{sql}: {said}");
    }
}

#[test]
fn a_file_that_is_damaged_is_a_finding_wherever_it_is() {
    let server = filled();
    let directory = TempDir::new().unwrap();
    let whole = directory.path().join("whole.db");
    assert!(countersign().args(["backup", "--db"]).arg(server.db()).arg(&whole).output().unwrap().status.success());
    let length = fs::metadata(&whole).unwrap().len();
    let mut unnoticed = 0;
    for page in 0..length / 4096 {
        let db = directory.path().join("damaged.db");
        fs::copy(&whole, &db).unwrap();
        let mut file = OpenOptions::new().write(true).open(&db).unwrap();
        // The file's own header stays: without it this is no database.
        file.seek(SeekFrom::Start((page * 4096).max(100))).unwrap();
        file.write_all(&[0xff; 2000]).unwrap();
        unnoticed += u64::from(examined(&db).0);
    }
    // What a free page holds does not matter.
    let free = sql(&whole, "PRAGMA freelist_count")[0][0].as_u64().unwrap();
    assert!(unnoticed <= free, "{unnoticed} damaged pages were not noticed, and {free} are free");
}

#[test]
fn what_is_no_database_of_ours_is_said_plainly() {
    let directory = TempDir::new().unwrap();
    let db = directory.path().join("test.db");
    let doctor = || refused(countersign().args(["doctor", "--db"]).arg(&db));
    assert!(doctor().contains("there is no database"), "{}", doctor());
    fs::write(&db, "").unwrap();
    assert!(doctor().contains("it is empty"), "{}", doctor());
    fs::write(&db, "x".repeat(5000)).unwrap();
    assert!(doctor().contains("it is no SQLite database"), "{}", doctor());
    fs::remove_file(&db).unwrap();
    write_sql(&db, "CREATE TABLE theirs (t)").unwrap();
    assert!(doctor().contains("some other program's"), "{}", doctor());
}
