//! A migration that is killed at each of its writes and syncs in turn leaves a database that the next start opens whole.

use std::path::Path;

use serde_json::Value;
use tempfile::TempDir;

use crate::harness::killed::{WRITES, can_kill, survives};
use crate::harness::old::{UNCHAINED, old_database};
use crate::harness::{countersign, sql, token};
use crate::run::{Found, Run};

/// Enough events that the new table has pages of its own to be torn from.
const EVENTS: u32 = 400;

const TOLD: &str =
    "SELECT seq, at_ms, event, principal, detail FROM audit_events WHERE principal = 'builder' ORDER BY seq";

pub(crate) fn prove(run: &Run) -> Found {
    if !can_kill() {
        return Found::Skipped("there is no strace that may trace".to_owned());
    }
    let directory = TempDir::new().unwrap();
    let (mut kills, mut whole) = (0, 0);
    for version in run.amount(UNCHAINED, 1)..=UNCHAINED {
        for call in WRITES {
            for nth in (1..).step_by(run.amount(9, 1)) {
                let db = directory.path().join(format!("{version}-{call}-{nth}.db"));
                old_database(&db, version, EVENTS);
                let before = told(&db);
                let create = ["token", "create", "--name", "ada", "--role", "approver", "--db", db.to_str().unwrap()];
                let survived = survives(call, nth, &create);
                assert_eq!(told(&db), before, "killed at {call} {nth}, from version {version}");
                opens_whole(&db);
                assert_eq!(told(&db), before, "after {call} {nth}, from version {version}");
                whole += 1;
                if survived {
                    break;
                }
                kills += 1;
                std::fs::remove_file(&db).unwrap();
            }
        }
    }
    Found::Held(vec![
        ("kills", kills.to_string()),
        ("opened whole", whole.to_string()),
        ("events lost", "0".to_owned()),
    ])
}

fn told(db: &Path) -> Vec<Vec<Value>> {
    sql(db, TOLD)
}

/// The next start migrates it, and the doctor finds nothing.
fn opens_whole(db: &Path) {
    token(db, "eve", "auditor");
    let doctor = countersign().args(["doctor", "--db"]).arg(db).output().unwrap();
    assert!(doctor.status.success(), "{}", String::from_utf8_lossy(&doctor.stdout));
}
