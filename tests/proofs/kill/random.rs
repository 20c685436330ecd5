//! Kills at random moments of a load from many clients, one after the other, of one database.

use std::sync::mpsc::channel;
use std::thread;
use std::time::Instant;

use super::waiting::{Waiters, registered};
use super::{Tally, check};
use crate::harness::outside::succeeds;
use crate::harness::{Database, Named as _, Process, countersign};
use crate::ledger::Ledger;
use crate::load::Tokens;
use crate::run::Run;
use crate::seeded_rng::SeededRng;

const CLIENTS: usize = 6;
const WAITERS: usize = 8;

/// The most answers before a kill.
const MOST_ANSWERS: usize = 150;

/// Kills the server again and again; how many promises it kept.
pub(super) fn killed(run: &Run, tally: &mut Tally) -> usize {
    let db = Database::new();
    let tokens = Tokens::make(&db);
    let mut ledger = Ledger::default();
    let mut rng = SeededRng::of_part(run.seed, 0);
    let mut process = Process::serve(&db, &[]);
    for round in 0..run.amount(5, 200) {
        let waited = registered(&process, &tokens, &format!("r{round}-waited"), WAITERS, &mut ledger);
        let waiters = Waiters::for_each(&waited, &process, &tokens);
        load_and_kill(process, &tokens, round, 1 + rng.below(MOST_ANSWERS), &mut ledger);
        let restart = Instant::now();
        process = Process::serve(&db, &[]);
        tally.answered(&waiters.answered(&process, &tokens, restart, &mut ledger));
        tally.kills += 1;
        check(&db, &ledger, &format!("kill {round}"));
    }
    assert_eq!(process.terminate().0.code(), Some(0));
    succeeds(countersign().args(["audit", "verify"]).named(&db));
    ledger.len()
}

/// Loads the server and kills it when so many answers have come.
fn load_and_kill(process: Process, tokens: &Tokens, round: usize, answers: usize, ledger: &mut Ledger) {
    let (sender, promises) = channel();
    let workers: Vec<_> = (0..CLIENTS)
        .map(|worker| {
            let (sender, pair) = (sender.clone(), tokens.at(&process.url));
            thread::spawn(move || pair.work(&format!("r{round}w{worker}"), 0, |promise| sender.send(promise).is_ok()))
        })
        .collect();
    drop(sender);
    let mut process = Some(process);
    for (count, promise) in (1..).zip(promises) {
        ledger.add(promise);
        if count == answers {
            process.take().unwrap().kill();
        }
    }
    workers.into_iter().for_each(|worker| worker.join().unwrap());
    assert!(process.is_none(), "the server went before it was killed");
}
