//! `countersign key rotate`: every value opens before, after, and whenever it was killed; the old seal is gone.

use std::fs;
use std::io::Write;
use std::path::Path;
use std::time::Duration;

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::harness::killed::{WRITES, can_kill, survives};
use crate::harness::outside::{refused, stored};
use crate::harness::{Client, Database, Named as _, Process, TestServer, countersign, key_file, secret, sql, token};

/// A database with three kept secrets; the agent's token.
fn filled(db: &Path) -> String {
    let (builder, ada) = (token(db, "builder", "agent"), token(db, "ada", "approver"));
    let process = Process::serve(db, &[]);
    let [agent, approver] = [&builder, &ada].map(|token| Client::new(&process.url, token));
    for id in ["s0", "s1", "s2"] {
        agent.register(&secret(id));
        approver.post("/v1/secret", &json!({"requestId": id, "value": format!("the value of {id}")})).expect(200);
    }
    assert_eq!(process.terminate().0.code(), Some(0));
    builder
}

/// Serves, and takes each value as its agent does.
#[track_caller]
fn all_open(db: &Path, builder: &str) {
    let process = Process::serve(db, &[]);
    let agent = Client::new(&process.url, builder);
    for id in ["s0", "s1", "s2"] {
        let taken = agent.post_nothing(&format!("/v1/interactions/{id}/secret")).expect(200);
        assert_eq!(taken.body["value"], format!("the value of {id}"));
    }
    assert_eq!(process.terminate().0.code(), Some(0));
}

fn keys(db: &Path) -> Vec<String> {
    let text = fs::read_to_string(key_file(db)).unwrap();
    text.lines().map(str::to_owned).collect()
}

#[test]
fn every_value_is_sealed_anew_and_the_old_key_and_the_old_seals_are_gone() {
    let db = Database::new();
    let builder = filled(&db);
    let (old_keys, sealed) = (keys(&db), sql(&db, "SELECT sealed FROM sealed_secrets"));
    let output = countersign().args(["key", "rotate"]).named(&db).output().unwrap();
    assert!(output.status.success(), "{output:?}");
    assert_eq!((keys(&db).len(), keys(&db) == old_keys), (1, false));
    all_open(&db, &builder);
    let told = sql(&db, "SELECT detail, principal FROM audit_events WHERE event = 'key.rotated'").concat();
    let detail: Value = serde_json::from_str(told[0].as_str().unwrap()).unwrap();
    assert_eq!((&detail["values"], &told[1]), (&json!(3), &Value::Null));
    assert_eq!(sql(&db, "SELECT DISTINCT key_id FROM sealed_secrets"), [[detail["to"].clone()]]);
    for (path, bytes) in stored(&db) {
        for value in sealed.iter().flatten() {
            let old = hex::decode(value.as_str().unwrap()).unwrap();
            assert!(!bytes.windows(old.len()).any(|window| window == old), "an old seal is in {}", path.display());
        }
        assert!(
            !bytes.windows(64).any(|window| window == old_keys[0].as_bytes()),
            "the old key is in {}",
            path.display()
        );
    }
}

#[test]
fn a_running_server_is_not_robbed_of_its_key() {
    let db = Database::new();
    filled(&db);
    let _process = Process::serve(&db, &[]);
    let before = keys(&db);
    let sentence = refused(countersign().args(["key", "rotate"]).named(&db));
    assert!(sentence.contains("stop it first"), "{sentence}");
    assert_eq!(keys(&db), before);
}

#[test]
fn a_value_that_does_not_open_leaves_everything_as_it_was_and_openable() {
    let db = Database::new();
    filled(&db);
    crate::harness::outside::write_sql(&db, "UPDATE sealed_secrets SET sealed = zeroblob(60) WHERE interaction_id = 2")
        .unwrap();
    let before = (keys(&db), sql(&db, "SELECT key_id, sealed FROM sealed_secrets"));
    let sentence = refused(countersign().args(["key", "rotate"]).named(&db));
    assert!(sentence.contains("the secret of s1 does not open"), "{sentence}");
    assert_eq!((keys(&db), sql(&db, "SELECT key_id, sealed FROM sealed_secrets")), before);
}

#[test]
fn whenever_a_rotation_is_killed_every_value_opens_and_it_can_be_run_again() {
    if !can_kill() {
        writeln!(std::io::stderr(), "skipped: there is no strace on this machine").unwrap();
        return;
    }
    let directory = TempDir::new().unwrap();
    let filled_db = directory.path().join("filled.db");
    let builder = filled(&filled_db);
    for call in WRITES {
        for nth in (1..).step_by(3) {
            let db = directory.path().join(format!("{call}-{nth}.db"));
            for ending in ["", ".key"] {
                fs::copy(format!("{}{ending}", filled_db.display()), format!("{}{ending}", db.display())).unwrap();
            }
            let survived = survives(call, nth, &["key", "rotate", "--db", db.to_str().unwrap()]);
            all_open(&db, &builder);
            let again = countersign().args(["key", "rotate"]).named(&db).output().unwrap();
            assert!(again.status.success() && keys(&db).len() == 1, "{again:?}");
            all_open(&db, &builder);
            if survived {
                break;
            }
        }
    }
}

/// `secure_delete`: what is wiped is in no page of the file any more.
#[test]
fn a_wiped_value_leaves_no_trace_of_its_seal_in_the_files() {
    let server = TestServer::start();
    let (agent, ada) = (server.agent("builder"), server.approver("ada"));
    agent.register(&secret("s"));
    ada.post("/v1/secret", &json!({"requestId": "s", "value": "hush", "delivery": "transient_send"})).expect(200);
    let sealed = server.sql("SELECT sealed FROM sealed_secrets").remove(0).remove(0);
    let sealed = hex::decode(sealed.as_str().unwrap()).unwrap();
    agent.post_nothing("/v1/interactions/s/secret").expect(200);
    server.advance(Duration::from_secs(60));
    agent.get("/v1/interactions").expect(200);
    assert_eq!(server.count("sealed_secrets WHERE sealed IS NOT NULL"), 0);
    let server = server.restart(&[]);
    for entry in fs::read_dir(server.db().parent().unwrap()).unwrap() {
        let path = entry.unwrap().path();
        let bytes = fs::read(&path).unwrap();
        assert!(!bytes.windows(sealed.len()).any(|window| window == sealed), "it is in {}", path.display());
    }
}
