//! A database of an earlier schema is brought up to date whole, or not at all, whenever the program dies.

use std::io::Write;
use std::path::Path;

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::harness::killed::{WRITES, can_kill, survives};
use crate::harness::old::{UNCHAINED, old_database};
use crate::harness::{Client, Process, confirmation, countersign, sql, token};

const TOLD: &str = "SELECT seq, at_ms, event, principal, detail FROM audit_events WHERE principal = 'builder' AND at_ms < 1000000 ORDER BY seq";

fn rows(db: &Path) -> Vec<Vec<Value>> {
    sql(db, TOLD)
}

fn verified(db: &Path) -> String {
    let output = countersign().args(["audit", "verify", "--db"]).arg(db).output().unwrap();
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn the_history_of_every_earlier_schema_becomes_a_chain_and_stays_what_it_was() {
    for version in 1..=UNCHAINED {
        let directory = TempDir::new().unwrap();
        let db = directory.path().join("test.db");
        old_database(&db, version, 50);
        let before = rows(&db);
        let agent = token(&db, "builder", "agent");
        let process = Process::serve(&db, &[]);
        Client::new(&process.url, &agent).register(&confirmation("c"));
        assert!(verified(&db).starts_with("53 events, the chain is whole"), "from {version}");
        assert_eq!(rows(&db), before);
        assert_eq!(sql(&db, "SELECT count(*) FROM v_events WHERE length(hash) = 64"), [[json!(53)]]);
    }
}

#[test]
fn what_reads_the_chain_of_an_earlier_schema_says_what_to_do() {
    let directory = TempDir::new().unwrap();
    let db = directory.path().join("test.db");
    old_database(&db, UNCHAINED, 1);
    let said = crate::harness::outside::refused(countersign().args(["audit", "head", "--db"]).arg(&db));
    assert!(said.contains("older schema"), "{said}");
}

#[test]
fn a_migration_that_is_killed_leaves_the_old_schema_or_the_new_one() {
    if !can_kill() {
        writeln!(std::io::stderr(), "skipped: there is no strace on this machine").unwrap();
        return;
    }
    let directory = TempDir::new().unwrap();
    for call in WRITES {
        // Every fourth of them here; the proof tries all.
        for nth in (1..).step_by(4) {
            let db = directory.path().join(format!("{call}-{nth}.db"));
            old_database(&db, UNCHAINED, 50);
            let before = rows(&db);
            let create = ["token", "create", "--name", "ada", "--role", "approver", "--db", db.to_str().unwrap()];
            let survived = survives(call, nth, &create);
            assert_eq!(rows(&db), before);
            token(&db, "eve", "auditor");
            verified(&db);
            assert_eq!(rows(&db), before);
            if survived {
                break;
            }
        }
    }
}
