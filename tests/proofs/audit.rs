//! Whatever is done to the rows of the history is found, and the first event that is wrong is named.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;
use std::sync::Arc;

use countersign::domain::chain::{Broken, EventHash, Head, verify};
use countersign::store::AuditLog;
use serde_json::json;

use crate::harness::outside::write_sql;
use crate::harness::{Database, Named as _, TestServer, confirmation, countersign, is_postgres, location, secret, sql};
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

/// What is done, and what is to be said of it.
struct Action {
    kind: &'static str,
    statements: String,
    first_wrong: i64,
    is_named: fn(&Broken) -> bool,
}

/// A real server's history, which any SQL may change, and which is put back.
struct History {
    database: Arc<Database>,
    /// Where the untouched database is kept, where it is a file.
    untouched: PathBuf,
    /// The hash of each event.
    hashes: Vec<EventHash>,
}

/// What a connection is told that is to write whatever it likes.
const LAWLESS: &str = "PRAGMA synchronous = OFF; PRAGMA journal_mode = MEMORY; PRAGMA ignore_check_constraints = ON;";

const WITHOUT_TRIGGERS: &str = "PRAGMA journal_mode = DELETE; DROP TRIGGER audit_events_never_change; \
     DROP TRIGGER audit_events_never_deleted; DROP TRIGGER audit_events_never_replaced";

impl History {
    fn new() -> Self {
        let server = TestServer::start();
        let (agent, ada) = (server.agent("builder"), server.approver("ada"));
        for number in 0..30 {
            let id = format!("c{number}");
            agent.register(&if number % 3 == 0 { secret(&id) } else { confirmation(&id) });
            if number % 3 != 0 {
                ada.confirm(&id, if number % 2 == 0 { "allow" } else { "deny" }).expect(200);
            }
        }
        let database = server.stopped();
        let events = sql(&database, "SELECT seq, lower(hex(hash)) FROM audit_events ORDER BY seq");
        let hash = |(place, row): (usize, &Vec<serde_json::Value>)| {
            assert_eq!(row[0], json!(place + 1));
            EventHash::from(<[u8; 32]>::try_from(hex::decode(row[1].as_str().unwrap()).unwrap()).unwrap())
        };
        let hashes = events.iter().enumerate().map(hash).collect();
        let untouched = database.folder().join("untouched.db");
        if is_postgres() {
            write_sql(&database, "ALTER TABLE audit_events RENAME TO untouched").unwrap();
        } else {
            write_sql(&database, WITHOUT_TRIGGERS).unwrap();
            fs::copy(database.name(), &untouched).unwrap();
        }
        Self { database, untouched, hashes }
    }

    fn last(&self) -> i64 {
        self.hashes.len().try_into().unwrap()
    }

    /// The hash of the event with this number.
    fn hash(&self, seq: i64) -> EventHash {
        seq.checked_sub(1)
            .and_then(|place| self.hashes.get(usize::try_from(place).ok()?))
            .copied()
            .unwrap_or(EventHash::ZERO)
    }

    /// Runs these statements on the untouched history.
    fn change(&self, statements: &str) {
        let before = if is_postgres() {
            // A copy has neither triggers nor constraints.
            "DROP TABLE IF EXISTS audit_events; CREATE TABLE audit_events AS SELECT * FROM untouched;"
        } else {
            fs::copy(&self.untouched, self.database.name()).unwrap();
            LAWLESS
        };
        write_sql(&self.database, &format!("{before} {statements}")).unwrap();
    }

    fn log(&self) -> AuditLog {
        AuditLog::open(&location(&self.database)).unwrap()
    }

    fn verified(&self, head: Head) -> Result<Head, Broken> {
        verify(self.log().events(), Some(head)).unwrap()
    }

    fn said_by_the_binary(&self, head: Head, broken: &Broken) {
        let mut command = countersign();
        command.args(["audit", "verify", "--head", &head.to_string()]).named(&self.database);
        let output = command.output().unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!((output.status.code(), said.contains(&broken.to_string())), (Some(1), true), "{said}");
    }
}

pub(crate) fn prove(run: &Run) -> Found {
    let history = History::new();
    history.change("");
    let head = history.log().head().unwrap();
    assert_eq!(head.seq, history.last());
    assert_eq!(history.verified(head), Ok(head), "nothing has been done yet");
    let (mut random, mut counts) = (Random(run.seed), BTreeMap::<_, u32>::new());
    for trial in 0..run.amount(300, 10_000) {
        let action = [edit, remove, insert, swap][trial % 4](&history, &mut random);
        history.change(&action.statements);
        let Err(broken) = history.verified(head) else {
            panic!("{} at {} went unnoticed: {}", action.kind, action.first_wrong, action.statements)
        };
        let is_right = broken.seq() == action.first_wrong && (action.is_named)(&broken);
        assert!(is_right, "{} at {} is said to be: {broken}", action.kind, action.first_wrong);
        if trial < 4 {
            history.said_by_the_binary(head, &broken);
        }
        *counts.entry(action.kind).or_default() += 1;
    }
    let detected = counts.values().sum::<u32>();
    let mut figures = counts.into_iter().map(|(kind, count)| (kind, count.to_string())).collect::<Vec<_>>();
    figures.push(("detected and named", detected.to_string()));
    figures.push(("missed", "0".to_owned()));
    Found::Held(figures)
}

/// What one column of one row may be made.
const EDITS: [&str; 11] = [
    "at_ms = at_ms + 1",
    "at_ms = -1",
    "event = event || 'x'",
    "request_id = CASE WHEN request_id IS NULL THEN '' END",
    "rule_id = coalesce(rule_id, '') || 'x'",
    "principal = 'eve'",
    "detail = detail || ' '",
    "detail = 'no json'",
    "hash = randomblob(32)",
    "hash = zeroblob(0)",
    // PostgreSQL holds no such text.
    "principal = CAST(x'ff00' AS TEXT)",
];

/// One column of one row, in some way that is not what it was.
fn edit(history: &History, random: &mut Random) -> Action {
    let seq = random.place(history.last());
    let edit = random.below(if is_postgres() { 10 } else { 11 });
    let statements = format!("UPDATE audit_events SET {} WHERE seq = {seq}", EDITS[usize::try_from(edit).unwrap()]);
    Action { kind: "edits", statements, first_wrong: seq, is_named: |broken| matches!(broken, Broken::Edited { .. }) }
}

/// A few rows, the end of the history among them; sometimes those after them close the gap.
fn remove(history: &History, random: &mut Random) -> Action {
    let last = history.last();
    let first = random.place(last);
    let end = last.min(first + random.below(4));
    let statements = format!("DELETE FROM audit_events WHERE seq BETWEEN {first} AND {end}");
    if random.below(2) == 0 || end == last {
        let is_named = |broken: &Broken| matches!(broken, Broken::Removed { .. });
        return Action { kind: "removals", statements, first_wrong: first, is_named };
    }
    let statements = format!("{statements}; {}", shift(end, first - end - 1));
    // What was there before is gone, and nothing tells that it was removed and not edited.
    Action { kind: "removals, renumbered", statements, first_wrong: first, is_named: |_| true }
}

/// A row of the forger's own, with the hash of another, a random one, or one that goes on from the row before.
fn insert(history: &History, random: &mut Random) -> Action {
    let seq = random.place(history.last());
    let hash = match random.below(3) {
        0 => "randomblob(32)".to_owned(),
        1 => format!("(SELECT hash FROM audit_events WHERE seq <> {seq} ORDER BY random() LIMIT 1)"),
        _ => format!("unhex('{}')", forged(history, seq)),
    };
    let statements = format!(
        "{}; INSERT INTO audit_events (seq, at_ms, event, principal, detail, hash) \
         VALUES ({seq}, 5, 'token.created', 'eve', '{{}}', {hash})",
        shift(seq - 1, 1)
    );
    let is_named = |broken: &Broken| matches!(broken, Broken::Inserted { .. });
    Action { kind: "insertions", statements, first_wrong: seq, is_named }
}

/// The hash that the inserted row would have by right.
fn forged(history: &History, seq: i64) -> EventHash {
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
    told.hash(seq, history.hash(seq - 1))
}

/// Two rows, with their hashes or without.
fn swap(history: &History, random: &mut Random) -> Action {
    let last = history.last();
    let one = random.place(last - 1);
    let other = one + random.place(last - one);
    let mut statements = [(one, 0), (other, one), (0, other)]
        .map(|(from, to)| format!("UPDATE audit_events SET seq = {to} WHERE seq = {from};"))
        .concat();
    if random.below(2) == 0 {
        let stays = |seq| format!("UPDATE audit_events SET hash = unhex('{}') WHERE seq = {seq};", history.hash(seq));
        statements += &[one, other].map(stays).concat();
    }
    let is_named = |broken: &Broken| matches!(broken, Broken::Reordered { .. });
    Action { kind: "swaps", statements, first_wrong: one, is_named }
}

/// Gives the rows after `seq` other numbers, by way of ones that no row has.
fn shift(seq: i64, by: i64) -> String {
    format!(
        "UPDATE audit_events SET seq = -seq WHERE seq > {seq}; UPDATE audit_events SET seq = -seq + {by} WHERE seq < 0"
    )
}
