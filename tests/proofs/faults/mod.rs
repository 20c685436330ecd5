//! Faults of the disk: each write and each sync of a recorded run fails in turn, and a file system is made full.
//!
//! What was answered with 2xx is there afterwards, what was refused is wholly absent, the server goes on after a write
//! that failed, and it stops at once after a sync that did.

mod full;
mod injected;
mod log;

use crate::ledger::{Ledger, Promise, audit};
use crate::load::{Act, Pair};
use crate::run::{Found, Run};
use crate::strace;

pub(crate) use self::log::prove as prove_log;

pub(crate) fn prove(run: &Run) -> Found {
    if let Some(why) = strace::missing() {
        return Found::Skipped(why);
    }
    let injected = injected::tried(run);
    let mut figures = vec![
        ("cases", injected.cases.to_string()),
        ("half-written states", "0".to_owned()),
        ("writes refused", injected.refused.to_string()),
        ("stops after a failed sync", injected.stops.to_string()),
        ("slowest stop", format!("{} ms", injected.slowest_stop.as_millis())),
    ];
    figures.push(("on a file system made full", full::tried().unwrap_or_else(|why| format!("left out: {why}"))));
    Found::Held(figures)
}

/// What clients were told in a time of faults.
#[derive(Default)]
struct Told {
    ledger: Ledger,
    /// What was answered with a refusal that says that nothing has changed.
    refused: Vec<Promise>,
    /// Status and code of each refusal.
    refusals: Vec<(u16, String)>,
    /// Whether an answer was missing, or said that the outcome is unknown.
    is_unsure: bool,
}

impl Told {
    /// Tells a story as far as it goes.
    fn tell(&mut self, pair: &Pair, story: &[Act]) {
        for act in story {
            let Some(answer) = pair.perform(act) else {
                self.is_unsure = true;
                return;
            };
            let promise = act.promise().unwrap();
            if answer.status == act.status {
                assert!(!self.is_unsure, "acknowledged after a sync that failed: {answer:?}");
                self.ledger.add(promise);
                continue;
            }
            self.refusals.push((answer.status, answer.code().to_owned()));
            if answer.code() == "shutting_down" {
                self.is_unsure = true;
            } else {
                self.refused.push(promise);
            }
            return;
        }
    }

    /// What a database holds although it was refused.
    fn half_written(&self, conn: &rusqlite::Connection) -> Vec<String> {
        let is_there = |sql: &str, id: &str| conn.prepare(sql).unwrap().exists([id]).unwrap();
        let kept = |promise: &&Promise| match promise {
            Promise::Registered(id) => is_there("SELECT 1 FROM interactions WHERE request_id = ?1", id),
            Promise::Resolved(id, _) => {
                is_there("SELECT 1 FROM interactions WHERE request_id = ?1 AND status <> 'pending'", id)
            }
            Promise::Claimed(id, _) => {
                is_there("SELECT 1 FROM claims JOIN interactions USING (interaction_id) WHERE request_id = ?1", id)
            }
        };
        self.refused.iter().filter(kept).map(|promise| format!("{promise:?} was refused and is there")).collect()
    }

    /// Checks the database of a server that has come back.
    #[track_caller]
    fn check(&self, db: &std::path::Path, of: &str) {
        let conn = rusqlite::Connection::open_with_flags(db, rusqlite::OpenFlags::SQLITE_OPEN_READ_ONLY).unwrap();
        let (lost, unbalanced) = audit(db, &self.ledger);
        let found = [lost, unbalanced, self.half_written(&conn)];
        assert_eq!(found.concat(), Vec::<String>::new(), "{of}");
    }
}
