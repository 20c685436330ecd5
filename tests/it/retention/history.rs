//! The chain: whole with the texts and without them, and from before it held their digests.

use std::fs;
use std::process::Command;

use countersign::domain::enums::Role;
use rusqlite::Connection;
use serde_json::json;
use tempfile::TempDir;

use super::{forget, run, said, sound};
use crate::harness::old::{BEFORE_FORGETTING, migrated};
use crate::harness::outside::{refused, without_trigger, write_sql};
use crate::harness::{TestServer, confirmation, countersign, is_postgres};

fn answered(server: &TestServer) {
    let (agent, ada) = (server.agent("builder"), server.approver("ada"));
    for id in ["c", "d"] {
        agent.register(&confirmation(id));
        ada.post("/v1/confirm", &json!({"requestId": id, "decision": "allow", "comment": format!("go on with {id}")}))
            .expect(200);
        run(&agent, id, "it broke");
    }
}

#[test]
fn heads_and_exports_from_before_a_forgetting_prove_the_history_after_it() {
    let server = TestServer::start();
    let (db, root) = (server.db(), server.client("root", Role::Admin));
    answered(&server);
    let head = said(&db, &["audit", "head"]).trim_end().to_owned();
    let folder = TempDir::new().unwrap();
    let before = folder.path().join("before.jsonl");
    said(&db, &["audit", "export", before.to_str().unwrap()]);
    forget(&root, "c").expect(200);
    said(&db, &["audit", "verify", "--head", &head]);
    let after = folder.path().join("after.jsonl");
    said(&db, &["audit", "export", after.to_str().unwrap()]);
    let [before, after] = [before, after].map(|path| (fs::read_to_string(&path).unwrap(), path));
    assert!(before.0.contains("go on with c") && !after.0.contains("go on with c") && after.0.contains("go on with d"));
    for (_, path) in [&before, &after] {
        let mut verify = countersign();
        let output = verify.args(["audit", "verify", "--head", &head, "--file"]).arg(path).output().unwrap();
        assert!(output.status.success(), "{output:?}");
    }
    // Another text beside the same digest is found, in an export and in the file.
    fs::write(&after.1, after.0.replace("go on with d", "go on with e")).unwrap();
    let sentence = refused(countersign().args(["audit", "verify", "--file"]).arg(&after.1));
    assert!(sentence.contains("its text is not the one that was written"), "{sentence}");
    let edit = r#"UPDATE texts SET text = '{"comment":"stop"}' WHERE text LIKE '%go on%'"#;
    write_sql(&db, &(without_trigger("texts", "texts_only_wiped") + edit)).unwrap();
    let sentence = refused(countersign().args(["audit", "verify", "--db"]).arg(&db));
    assert!(sentence.contains("its text is not the one that was written"), "{sentence}");
}

/// The program of the document that verifies an export needs no more than Python.
#[test]
fn an_export_with_texts_is_verified_by_the_program_in_the_documents() {
    let server = TestServer::start();
    answered(&server);
    forget(&server.client("root", Role::Admin), "c").expect(200);
    let directory = TempDir::new().unwrap();
    said(&server.db(), &["audit", "export", directory.path().join("history.jsonl").to_str().unwrap()]);
    let document = fs::read_to_string("docs/operations/audit.md").unwrap();
    let program = document.split("```python\n").nth(1).and_then(|rest| rest.split("```").next()).unwrap();
    let Ok(output) = Command::new("python3").args(["-c", program]).current_dir(&directory).output() else { return };
    assert!(output.status.success(), "{output:?}");
    let head = said(&server.db(), &["audit", "head"]);
    let hash = head.trim_end().split_once(':').unwrap().1;
    assert!(String::from_utf8(output.stdout).unwrap().contains(hash));
}

/// As the version before has left it: comments and inputs in the events and rows themselves, chained with them.
#[test]
fn a_history_from_before_is_chained_anew_and_its_old_heads_prove_it() {
    let directory = TempDir::new().unwrap();
    let db = directory.path().join("old.db");
    let heads = migrated(&db, BEFORE_FORGETTING);
    let texts = "SELECT t.text, t.unshown FROM texts AS t ORDER BY told_in";
    said(&db, &["forget", "--older-than", "36500d", "--dry-run"]);
    sound(&db);
    let rows = crate::harness::sql(&db, texts);
    assert_eq!(
        rows,
        [
            [json!(r#"{"comment":"go on"}"#), json!(r#"{"updatedInput":{"command": "make  test"}}"#)],
            [json!(r#"{"detail":"it broke"}"#), json!(null)]
        ]
    );
    let last = "SELECT event, detail FROM audit_events ORDER BY seq DESC LIMIT 1";
    let newest = heads.last().unwrap();
    assert_eq!(
        crate::harness::sql(&db, last),
        [[json!("history.rechained"), json!(format!(r#"{{"formerHead":"{newest}"}}"#))]]
    );
    for head in &heads {
        said(&db, &["audit", "verify", "--head", head]);
    }
    assert_eq!(
        crate::harness::sql(&db, "SELECT detail FROM v_events WHERE event = 'interaction.approved'"),
        [[json!(r#"{"comment":"go on","updatedInputDigest":"sha256:0"}"#)]]
    );
    // Forgotten, it is proved as well.
    assert_eq!(said(&db, &["forget", "--older-than", "1ms"]), "1 forgotten\n");
    for head in &heads {
        said(&db, &["audit", "verify", "--head", head]);
    }
    sound(&db);
    let other = format!("2:{}", "0".repeat(64));
    let sentence = refused(countersign().args(["audit", "verify", "--head", &other, "--db"]).arg(&db));
    assert!(sentence.contains("this is another history"), "{sentence}");
}

/// What was forged before cannot be made good by chaining it anew.
#[test]
fn a_history_that_was_forged_before_it_was_chained_anew_is_found() {
    let directory = TempDir::new().unwrap();
    let db = directory.path().join("old.db");
    migrated(&db, BEFORE_FORGETTING);
    Connection::open(&db)
        .unwrap()
        .execute_batch(
            "DROP TRIGGER audit_events_never_change; UPDATE audit_events SET principal = 'eve' WHERE seq = 2",
        )
        .unwrap();
    let trigger = "CREATE TRIGGER audit_events_never_change BEFORE UPDATE ON audit_events
BEGIN
    SELECT RAISE(ABORT, 'audit_events only grows');
END";
    Connection::open(&db).unwrap().execute_batch(trigger).unwrap();
    said(&db, &["forget", "--older-than", "36500d", "--dry-run"]);
    let sentence = refused(countersign().args(["audit", "verify", "--db"]).arg(&db));
    assert!(sentence.contains("event 2 was edited: it is not what it was before"), "{sentence}");
}

#[test]
fn what_is_written_is_wiped_from_outside_only_with_what_is_forgotten() {
    let server = TestServer::start();
    answered(&server);
    forget(&server.client("root", Role::Admin), "d").expect(200);
    for (sql, words) in [
        ("UPDATE texts SET salt = NULL, text = NULL WHERE interaction_id = 1", "texts never change"),
        ("UPDATE texts SET text = '{}', salt = zeroblob(16) WHERE interaction_id = 2", "texts never change"),
        ("DELETE FROM texts WHERE interaction_id = 1", "texts are wiped before"),
        ("UPDATE interaction_bodies SET body = '{}' WHERE interaction_id = 1", "what was asked never changes"),
        ("DELETE FROM interaction_bodies WHERE interaction_id = 1", "never deleted before it is forgotten"),
        ("DELETE FROM forgettings", "forgettings only grow"),
        ("UPDATE forgettings SET forgotten_by = 'ada'", "forgettings only grow"),
        ("UPDATE audit_events SET text_digest = NULL", "audit_events only grows"),
        ("INSERT INTO texts VALUES (99, 2, 'resolution', zeroblob(16), '{}', NULL)", "of what is forgotten"),
        ("INSERT OR REPLACE INTO texts VALUES (99, 1, 'outcome', zeroblob(16), '{}', NULL)", "are never replaced"),
    ] {
        if is_postgres() && sql.contains("REPLACE INTO") {
            continue;
        }
        let error = write_sql(&server.db(), sql).unwrap_err();
        assert!(error.contains(words), "{sql}: {error}");
    }
}

#[test]
fn the_doctor_finds_what_is_half_forgotten() {
    for (sql, check) in [
        (
            "DROP TRIGGER texts_only_wiped; UPDATE texts SET salt = NULL, text = NULL WHERE interaction_id = 1",
            "nothing is wiped of what is not forgotten",
        ),
        (
            "DROP TRIGGER texts_only_wiped; UPDATE texts SET salt = zeroblob(16), text = '{}' WHERE interaction_id = 2",
            "what is forgotten is wiped",
        ),
        (
            "DROP TRIGGER interaction_bodies_never_change; UPDATE interaction_bodies SET metadata = '{\"a\":1}' WHERE interaction_id = 2",
            "what is forgotten is wiped",
        ),
        ("DROP TRIGGER forgettings_never_deleted; DELETE FROM forgettings", "every forgetting is in the history, once"),
    ] {
        let server = TestServer::start();
        answered(&server);
        forget(&server.client("root", Role::Admin), "d").expect(200);
        write_sql(&server.db(), sql).unwrap();
        let output = countersign().args(["doctor", "--db"]).arg(server.db()).output().unwrap();
        let told = String::from_utf8(output.stdout).unwrap();
        assert!(told.contains(&format!("BROKEN  {check}")), "{sql}: {told}");
    }
}
