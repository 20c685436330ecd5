//! `countersign audit`: what was done to the history is found and named, beside the server, in the file and in an export.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};
use std::sync::Arc;

use serde_json::{Value, json};

use crate::harness::outside::{refused, write_sql};
use crate::harness::{Database, TestServer, confirmation, countersign, is_postgres};

fn audit(arguments: &[&str], db: &Path) -> Command {
    let mut command = countersign();
    command.arg("audit").args(arguments).arg("--db").arg(db);
    command
}

#[track_caller]
fn said(command: &mut Command) -> String {
    let Output { status, stdout, stderr } = command.output().unwrap();
    assert!(status.success(), "{}", String::from_utf8_lossy(&stderr));
    String::from_utf8(stdout).unwrap()
}

/// A server whose history has 12 events: two tokens, then registrations and resolutions by turns.
fn filled() -> TestServer {
    let server = TestServer::start();
    let (agent, ada) = (server.agent("builder"), server.approver("ada"));
    for number in 0..5 {
        agent.register(&confirmation(&format!("c{number}")));
        ada.confirm(&format!("c{number}"), "allow").expect(200);
    }
    server
}

/// The database of a server that has ended: `sql` has done to the history what its triggers and checks forbid.
fn tampered(server: TestServer, sql: &str) -> Arc<Database> {
    let db = server.stopped();
    let guards = if is_postgres() {
        "ALTER TABLE audit_events DISABLE TRIGGER ALL; ALTER TABLE audit_events DROP CONSTRAINT audit_events_hash_check;"
    } else {
        "DROP TRIGGER audit_events_never_change; DROP TRIGGER audit_events_never_deleted; \
         DROP TRIGGER audit_events_never_replaced; PRAGMA ignore_check_constraints = ON;"
    };
    write_sql(&db, &format!("{guards} {sql}")).unwrap();
    db
}

#[test]
fn a_whole_history_is_verified_beside_the_server_and_goes_on_from_a_head_that_was_kept() {
    let server = filled();
    let db = server.db();
    let head = said(&mut audit(&["head"], &db)).trim_end().to_owned();
    assert_eq!(
        said(&mut audit(&["verify", "--head", &head], &db)),
        format!("12 events, the chain is whole; head {head}\n")
    );
    server.agent("other").register(&confirmation("later"));
    let later = said(&mut audit(&["verify", "--head", &head], &db));
    assert!(later.starts_with("14 events"), "{later}");
    let newest = server.approver("eve").get("/v1/audit-events?limit=1").expect(200).body["auditEvents"][0].clone();
    let head = said(&mut audit(&["head"], &db));
    assert_eq!(head.trim_end(), format!("{}:{}", newest["seq"], newest["hash"].as_str().unwrap()));
}

#[test]
fn what_was_done_to_the_history_is_named() {
    for (sql, words) in [
        ("UPDATE audit_events SET principal = 'eve' WHERE seq = 5", "event 5 was edited"),
        ("UPDATE audit_events SET detail = ' {}' WHERE seq = 12", "event 12 was edited"),
        ("UPDATE audit_events SET at_ms = at_ms + 1 WHERE seq = 1", "event 1 was edited"),
        ("UPDATE audit_events SET at_ms = -9000000000000000 WHERE seq = 3", "event 3 was edited: its at_ms is none"),
        ("UPDATE audit_events SET event = CAST(x'ff' AS TEXT) WHERE seq = 3", "event 3 was edited: its event is none"),
        ("UPDATE audit_events SET request_id = 'c0' || char(0) WHERE seq = 3", "event 3 was edited"),
        ("UPDATE audit_events SET hash = zeroblob(32) WHERE seq = 4", "event 4 was edited: its hash"),
        ("UPDATE audit_events SET hash = zeroblob(1) WHERE seq = 4", "event 4 was edited: its hash"),
        ("DELETE FROM audit_events WHERE seq = 1", "event 1 was removed"),
        ("DELETE FROM audit_events WHERE seq BETWEEN 6 AND 8", "events 6 to 8 were removed"),
        ("UPDATE audit_events SET seq = 99 WHERE seq = 7", "what was event 7 stands at 99"),
        (
            "UPDATE audit_events SET seq = -seq WHERE seq > 5; UPDATE audit_events SET seq = 1 - seq WHERE seq < 0; \
             INSERT INTO audit_events SELECT 6, at_ms, event, request_id, rule_id, principal, detail, text_digest, former_hash, hash FROM audit_events WHERE seq = 5",
            "event 6 was inserted",
        ),
        (
            "UPDATE audit_events SET seq = 0 WHERE seq = 4; UPDATE audit_events SET seq = 4 WHERE seq = 9; UPDATE audit_events SET seq = 9 WHERE seq = 0",
            "what was event 4 stands at 9",
        ),
    ] {
        // Such text cannot be there.
        if is_postgres() && (sql.contains("CAST(") || sql.contains("char(0)")) {
            continue;
        }
        let sentence = refused(&mut audit(&["verify"], &tampered(filled(), sql)));
        assert!(sentence.contains(words), "{sql}: {sentence}");
    }
}

#[test]
fn a_cut_tail_and_another_history_are_found_by_the_head() {
    let server = filled();
    let head = said(&mut audit(&["head"], &server.db())).trim_end().to_owned();
    let db = tampered(server, "DELETE FROM audit_events WHERE seq > 10");
    assert!(said(&mut audit(&["verify"], &db)).starts_with("10 events"));
    let sentence = refused(&mut audit(&["verify", "--head", &head], &db));
    assert!(sentence.contains("events 11 to 12 were removed"), "{sentence}");
    let other = format!("9:{}", "0".repeat(64));
    let sentence = refused(&mut audit(&["verify", "--head", &other], &db));
    assert!(sentence.contains("this is another history"), "{sentence}");
}

#[test]
fn an_export_is_verified_without_the_database_and_by_any_program() {
    let server = filled();
    let db = server.db();
    let folder = tempfile::TempDir::new().unwrap();
    let file = folder.path().join("history.jsonl");
    let export = || audit(&["export", file.to_str().unwrap()], &db);
    said(&mut export());
    refused(&mut export());
    let text = fs::read_to_string(&file).unwrap();
    assert_eq!(said(&mut audit(&["export"], &db)), text);
    let verify = || {
        let mut command = countersign();
        command.args(["audit", "verify", "--file"]).arg(&file);
        command
    };
    let head = said(&mut audit(&["head"], &db)).trim_end().to_owned();
    assert_eq!(said(verify().args(["--head", &head])), format!("12 events, the chain is whole; head {head}\n"));
    let lines = text.lines().collect::<Vec<_>>();
    let third: Value = serde_json::from_str(lines[2]).unwrap();
    assert_eq!((&third["event"], &third["requestId"]), (&json!("interaction.registered"), &json!("c0")));
    for (forged, words) in [
        (
            text.replacen(
                "\"principal\":\"builder\",\"requestId\":\"c0\"",
                "\"principal\":\"eve\",\"requestId\":\"c0\"",
                1,
            ),
            "event 3 was edited",
        ),
        (text.replacen(lines[4], &lines[4].replace("\"seq\"", " \"seq\""), 1), "event 5 was edited: it is not written"),
        (text.replacen(lines[4], "nonsense", 1), "event 5 was edited: it is no event"),
        (text.replacen(&format!("{}\n", lines[4]), "", 1), "event 5 was removed"),
        (text.replacen(lines[4], lines[6], 1), "event 5 was removed"),
        (format!("{text}\n"), "event 13 was edited: it is no event"),
    ] {
        assert_ne!(forged, text);
        fs::write(&file, forged).unwrap();
        let sentence = refused(&mut verify());
        assert!(sentence.contains(words), "{sentence}");
    }
}
