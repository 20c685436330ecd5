//! A machine whose clock was ahead once: time goes on from there, and the operator is told.

use std::path::{Path, PathBuf};
use std::process::Command;

use countersign::clock::{Clock, ManualClock, SystemClock, Timestamp};
use countersign::domain::enums::Role;
use serde_json::json;
use tempfile::TempDir;

use crate::harness::outside::refused;
use crate::harness::{Client, Named as _, Process, altered, confirmation, countersign, create_token};

const HOUR_MS: u64 = 60 * 60 * 1000;

/// A database whose last event is this much later than now: it, an agent's token, and the time of that event.
fn written_later(directory: &Path, millis: u64) -> (PathBuf, String, Timestamp) {
    let db = directory.join("test.db");
    let later = SystemClock::default().now().plus_millis(millis).unwrap();
    let token = create_token(&db, &ManualClock::new(later), "builder", Role::Agent);
    (db, token, later)
}

fn serve(db: &Path) -> Command {
    let mut command = countersign();
    command.args(["serve", "--listen", "127.0.0.1:0"]).named(db);
    command
}

#[test]
fn what_is_to_end_in_a_second_ends_though_the_clock_was_ahead_once() {
    for (ahead_ms, flags) in [(HOUR_MS, &[][..]), (10 * 365 * 24 * HOUR_MS, &["--accept-clock"])] {
        let directory = TempDir::new().unwrap();
        let (db, token, later) = written_later(directory.path(), ahead_ms);
        let process = Process::serve(&db, flags);
        let agent = Client::new(&process.url, &token);
        agent.register(&altered(confirmation("brief"), &json!({"expiresInMs": 1000})));
        let ended = agent.get("/v1/interactions/brief?waitMs=60000").expect(200).body;
        assert_eq!(ended["status"], "expired");
        let resolved_at: Timestamp = ended["resolvedAt"].as_str().unwrap().parse().unwrap();
        assert!(resolved_at > later, "time went backwards");
        let ready = agent.get("/readyz").expect(200).body;
        assert_eq!(ready["status"], "ready");
        assert!(ready["clockAheadMs"].as_u64().unwrap() > ahead_ms / 2, "{ready}");
        let (status, _, err) = process.terminate();
        assert_eq!(status.code(), Some(0));
        assert!(err.contains("later than this machine's clock"), "{err}");
        let doctor = countersign().args(["doctor", "--db"]).arg(&db).output().unwrap();
        let said = String::from_utf8(doctor.stdout).unwrap();
        assert!(doctor.status.success() && said.contains("note    the last event is of "), "{said}");
    }
}

#[test]
fn a_clock_that_is_more_than_a_day_behind_has_to_be_accepted() {
    let directory = TempDir::new().unwrap();
    let (db, token, later) = written_later(directory.path(), 25 * HOUR_MS);
    let sentence = refused(&mut serve(&db));
    let day = |moment: Timestamp| moment.to_string().split_once('T').unwrap().0.to_owned();
    for said in [&day(later), &day(SystemClock::default().now()), "--accept-clock"] {
        assert!(sentence.contains(said), "it does not say {said}: {sentence}");
    }
    let process = Process::serve(&db, &["--accept-clock"]);
    Client::new(&process.url, &token).register(&confirmation("c"));
}

#[test]
fn a_clock_that_is_right_is_not_spoken_of() {
    let directory = TempDir::new().unwrap();
    let (db, token, _) = written_later(directory.path(), 0);
    let process = Process::serve(&db, &[]);
    let ready = Client::new(&process.url, &token).get("/readyz").expect(200).body;
    assert_eq!(ready, json!({"status": "ready"}));
    let (_, _, err) = process.terminate();
    assert!(!err.contains("clock"), "{err}");
}
