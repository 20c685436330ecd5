//! SIGKILL: at random moments, and on SQLite at every write and every sync of a recorded run, in a first start, and in the
//! middle of a command that makes a token.
//!
//! After each start that follows: what was acknowledged is there, nothing is resolved twice, the tables agree, and
//! a waiter that asks again gets an answer. The chain of the history is whole in the end.

mod anywhere;
mod beginnings;
mod random;
mod waiting;

use std::path::Path;
use std::time::Duration;

use crate::harness::is_postgres;
use crate::ledger::{Ledger, audit};
use crate::run::{Found, Run};
use crate::strace;

/// How soon after a restart a waiter has to have an answer.
const ANSWERS_WITHIN: Duration = Duration::from_secs(2);

/// What many kills came to.
#[derive(Default)]
struct Tally {
    kills: usize,
    waiters: usize,
    slowest_answer: Duration,
}

impl Tally {
    /// Adds up the answers that waiters got, each so long after the restart.
    fn answered(&mut self, after: &[Duration]) {
        self.waiters += after.len();
        self.slowest_answer = after.iter().copied().chain([self.slowest_answer]).max().unwrap_or_default();
    }
}

pub(crate) fn prove(run: &Run) -> Found {
    let mut tally = Tally::default();
    let promises = random::killed(run, &mut tally);
    let random = tally.kills;
    let everywhere = if is_postgres() {
        "left out: a server on PostgreSQL writes no file".to_owned()
    } else if let Some(why) = strace::missing() {
        format!("left out: {why}")
    } else {
        anywhere::killed(run, &mut tally);
        beginnings::killed(run, &mut tally);
        format!("{}", tally.kills - random)
    };
    assert!(tally.slowest_answer < ANSWERS_WITHIN, "an answer took {:?}", tally.slowest_answer);
    Found::Held(vec![
        ("kills", tally.kills.to_string()),
        ("at random moments", random.to_string()),
        ("at a write or sync", everywhere),
        ("acknowledged at random kills", promises.to_string()),
        ("acknowledged writes lost", "0".to_owned()),
        ("interactions resolved twice", "0".to_owned()),
        ("waiters", tally.waiters.to_string()),
        ("waiters without an answer 2 s after the restart", "0".to_owned()),
        ("slowest answer", format!("{} ms", tally.slowest_answer.as_millis())),
    ])
}

/// Panics where a database does not keep what was promised, or its tables do not agree.
#[track_caller]
fn check(db: &Path, ledger: &Ledger, of: &str) {
    let (lost, unbalanced) = audit(db, ledger);
    assert_eq!((lost, unbalanced), (Vec::new(), Vec::new()), "{of}");
}
