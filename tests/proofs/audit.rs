//! Whatever is done to the rows of the history is found, and the first event that is wrong is named.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use countersign::config::Location;
use countersign::domain::chain::{Broken, EventHash, Head, verify};
use countersign::store::AuditLog;
use rusqlite::{Connection, params};
use tempfile::TempDir;

use crate::harness::{TestServer, confirmation, countersign, secret};
use crate::run::{Found, Run};

/// Random numbers that the seed decides.
struct Random(u64);

impl Random {
    fn below(&mut self, below: i64) -> i64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        i64::try_from((mixed ^ (mixed >> 31)) % u64::try_from(below).unwrap()).unwrap()
    }

    /// From 1 to `last`.
    fn place(&mut self, last: i64) -> i64 {
        1 + self.below(last)
    }
}

/// What was done, and what is to be said of it.
struct Action {
    kind: &'static str,
    first_wrong: i64,
    is_named: fn(&Broken) -> bool,
}

/// A copy of a real server's database, its triggers dropped.
fn history(directory: &Path) -> std::path::PathBuf {
    let server = TestServer::start();
    let (agent, ada) = (server.agent("builder"), server.approver("ada"));
    for number in 0..30 {
        let id = format!("c{number}");
        agent.register(&if number % 3 == 0 { secret(&id) } else { confirmation(&id) });
        if number % 3 != 0 {
            ada.confirm(&id, if number % 2 == 0 { "allow" } else { "deny" }).expect(200);
        }
    }
    let base = directory.join("base.db");
    assert!(countersign().args(["backup", "--db"]).arg(server.db()).arg(&base).output().unwrap().status.success());
    let conn = Connection::open(&base).unwrap();
    conn.execute_batch(
        "DROP TRIGGER audit_events_never_change; DROP TRIGGER audit_events_never_deleted; DROP TRIGGER audit_events_never_replaced",
    )
    .unwrap();
    base
}

pub(crate) fn prove(run: &Run) -> Found {
    let directory = TempDir::new().unwrap();
    let base = history(directory.path());
    let head = AuditLog::open(&Location::File(base.clone())).unwrap().head().unwrap();
    assert_eq!(verified(&base, head), Ok(head), "nothing has been done yet");
    let (mut random, mut counts) = (Random(run.seed), BTreeMap::<_, u32>::new());
    let db = directory.path().join("tampered.db");
    for trial in 0..run.amount(300, 10_000) {
        fs::copy(&base, &db).unwrap();
        let conn = Connection::open(&db).unwrap();
        conn.execute_batch(
            "PRAGMA synchronous = OFF; PRAGMA journal_mode = MEMORY; PRAGMA ignore_check_constraints = ON",
        )
        .unwrap();
        let action = [edit, remove, insert, swap][trial % 4](&conn, head.seq, &mut random);
        conn.close().unwrap();
        let Err(broken) = verified(&db, head) else {
            panic!("{} at {} went unnoticed", action.kind, action.first_wrong)
        };
        let is_right = broken.seq() == action.first_wrong && (action.is_named)(&broken);
        assert!(is_right, "{} at {} is said to be: {broken}", action.kind, action.first_wrong);
        if trial < 4 {
            said_by_the_binary(&db, head, &broken);
        }
        *counts.entry(action.kind).or_default() += 1;
    }
    let detected = counts.values().sum::<u32>();
    let mut figures = counts.into_iter().map(|(kind, count)| (kind, count.to_string())).collect::<Vec<_>>();
    figures.push(("detected and named", detected.to_string()));
    figures.push(("missed", "0".to_owned()));
    Found::Held(figures)
}

fn verified(db: &Path, head: Head) -> Result<Head, Broken> {
    verify(AuditLog::open(&Location::File(db.to_owned())).unwrap().events(), Some(head)).unwrap()
}

fn said_by_the_binary(db: &Path, head: Head, broken: &Broken) {
    let output = countersign().args(["audit", "verify", "--head", &head.to_string(), "--db"]).arg(db).output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!((output.status.code(), said.contains(&broken.to_string())), (Some(1), true), "{said}");
}

/// One column of one row, in some way that is not what it was.
fn edit(conn: &Connection, last: i64, random: &mut Random) -> Action {
    let edits = [
        "at_ms = at_ms + 1",
        "at_ms = -1",
        "event = event || 'x'",
        "request_id = iif(request_id IS NULL, '', NULL)",
        "rule_id = coalesce(rule_id, '') || 'x'",
        "principal = 'eve'",
        "principal = CAST(x'ff00' AS TEXT)",
        "detail = detail || ' '",
        "detail = 'no json'",
        "hash = randomblob(32)",
        "hash = x''",
    ];
    let seq = random.place(last);
    let edit = edits[usize::try_from(random.below(11)).unwrap()];
    assert_eq!(conn.execute(&format!("UPDATE audit_events SET {edit} WHERE seq = ?1"), [seq]).unwrap(), 1);
    Action { kind: "edits", first_wrong: seq, is_named: |broken| matches!(broken, Broken::Edited { .. }) }
}

/// A few rows, the end of the history among them; sometimes those after them close the gap.
fn remove(conn: &Connection, last: i64, random: &mut Random) -> Action {
    let first = random.place(last);
    let end = last.min(first + random.below(4));
    conn.execute("DELETE FROM audit_events WHERE seq BETWEEN ?1 AND ?2", [first, end]).unwrap();
    if random.below(2) == 0 || end == last {
        let is_named = |broken: &Broken| matches!(broken, Broken::Removed { .. });
        return Action { kind: "removals", first_wrong: first, is_named };
    }
    shift(conn, end, first - end - 1);
    // What was there before is gone, and nothing tells that it was removed and not edited.
    Action { kind: "removals, renumbered", first_wrong: first, is_named: |_| true }
}

/// A row of the forger's own, with the hash of another, a random one, or one that goes on from the row before.
fn insert(conn: &Connection, last: i64, random: &mut Random) -> Action {
    let seq = random.place(last);
    shift(conn, seq - 1, 1);
    let hash = match random.below(3) {
        0 => "randomblob(32)".to_owned(),
        1 => format!("(SELECT hash FROM audit_events WHERE seq <> {seq} ORDER BY random() LIMIT 1)"),
        _ => format!("x'{}'", forged(conn, seq)),
    };
    let row = format!(
        "INSERT INTO audit_events (seq, at_ms, event, principal, hash) VALUES (?1, 5, 'token.created', 'eve', {hash})"
    );
    conn.execute(&row, params![seq]).unwrap();
    Action { kind: "insertions", first_wrong: seq, is_named: |broken| matches!(broken, Broken::Inserted { .. }) }
}

/// The hash that the inserted row would have by right.
fn forged(conn: &Connection, seq: i64) -> EventHash {
    let previous =
        conn.query_row("SELECT hash FROM audit_events WHERE seq = ?1", [seq - 1], |row| row.get::<_, [u8; 32]>(0));
    let told = countersign::domain::chain::AuditContent {
        at: countersign::clock::Timestamp::from_millis(5).unwrap(),
        event: "token.created".into(),
        request_id: None,
        rule_id: None,
        principal: Some("eve".into()),
        detail: "{}".into(),
        writing: None,
        former: None,
    };
    told.hash(seq, previous.map_or(EventHash::ZERO, EventHash::from))
}

/// Two rows, with their hashes or without.
fn swap(conn: &Connection, last: i64, random: &mut Random) -> Action {
    let one = random.place(last - 1);
    let other = one + random.place(last - one);
    for (from, to) in [(one, 0), (other, one), (0, other)] {
        conn.execute("UPDATE audit_events SET seq = ?2 WHERE seq = ?1", [from, to]).unwrap();
    }
    if random.below(2) == 0 {
        let hash = |seq: i64| {
            conn.query_row("SELECT hash FROM audit_events WHERE seq = ?1", [seq], |row| row.get::<_, Vec<u8>>(0))
                .unwrap()
        };
        for (seq, hash) in [(one, hash(other)), (other, hash(one))] {
            conn.execute("UPDATE audit_events SET hash = ?2 WHERE seq = ?1", params![seq, hash]).unwrap();
        }
    }
    Action { kind: "swaps", first_wrong: one, is_named: |broken| matches!(broken, Broken::Reordered { .. }) }
}

/// Gives the rows after `seq` other numbers, by way of ones that no row has.
fn shift(conn: &Connection, seq: i64, by: i64) {
    conn.execute("UPDATE audit_events SET seq = -seq WHERE seq > ?1", [seq]).unwrap();
    conn.execute("UPDATE audit_events SET seq = -seq + ?1 WHERE seq < 0", [by]).unwrap();
}
