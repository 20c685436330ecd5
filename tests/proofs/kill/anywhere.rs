//! Kills at each write and each sync of a run in turn.

use std::thread;
use std::time::Instant;

use tempfile::TempDir;

use super::waiting::{Waiters, registered};
use super::{Tally, check};
use crate::harness::Process;
use crate::ledger::{Ledger, Promise};
use crate::load::{Tokens, copied, story};
use crate::run::Run;
use crate::seeded_rng::SeededRng;
use crate::strace;

/// At which calls the server is killed, and at how many of each in the short form.
pub(super) const CALLS: [(&str, usize); 3] = [("pwrite64", 5), ("fdatasync", 3), ("ftruncate", 1)];

/// The clients of a run, each of which tells so many stories.
const CLIENTS: usize = 2;
const STORIES: usize = 6;

const WAITERS: usize = 2;

/// The option that kills at the `place`th such call of a thread.
pub(super) fn kill_at(call: &str, place: usize) -> String {
    format!("inject={call}:signal=KILL:when={place}")
}

/// Whether a trace tells of a kill: 1 or 0. Another order of things may have made less of the calls than there were before.
pub(super) fn killed_in(trace: &str) -> usize {
    usize::from(trace.contains("+++ killed by SIGKILL"))
}

/// What every run begins with.
struct Base {
    directory: TempDir,
    tokens: Tokens,
    ledger: Ledger,
    /// The interactions that have a waiter.
    waited: Vec<String>,
}

/// Kills the server at each call of a run.
pub(super) fn killed(run: &Run, tally: &mut Tally) {
    let base = Base::new();
    let mut rng = SeededRng::of_part(run.seed, 1);
    for (call, short) in CALLS {
        let traced = format!("trace={call}");
        let whole_run = base.run(&["-e", &traced], "nothing");
        let places = (1..=strace::most_by_one_thread(&whole_run.trace, call)).collect::<Vec<_>>();
        for place in rng.sample(places, run.amount(short, usize::MAX)) {
            let ran = base.run(&["-e", &traced, "-e", &kill_at(call, place)], &format!("{call} {place}"));
            tally.kills += killed_in(&ran.trace);
            tally.answered(&ran.answers);
        }
    }
}

/// What came of one run.
struct Ran {
    trace: String,
    answers: Vec<std::time::Duration>,
}

impl Base {
    fn new() -> Self {
        let directory = TempDir::new().unwrap();
        let db = directory.path().join("test.db");
        let tokens = Tokens::make(&db);
        let process = Process::serve(&db, &[]);
        let mut ledger = Ledger::default();
        let waited = registered(&process, &tokens, "waited", WAITERS, &mut ledger);
        assert_eq!(process.terminate().0.code(), Some(0));
        Self { directory, tokens, ledger, waited }
    }

    /// Runs the load on a copy of the database until the server is gone, or asks it to go; then starts it again and checks.
    fn run(&self, options: &[&str], killed_at: &str) -> Ran {
        let directory = copied(self.directory.path());
        let (db, trace) = (directory.path().join("test.db"), directory.path().join("trace"));
        let mut ledger = self.ledger.clone();
        let process = Process::spawn(&mut strace::serve_watched(&db, &trace, options));
        let id = process.id();
        let waiters = Waiters::for_each(&self.waited, &process, &self.tokens);
        load(&process, &self.tokens).into_iter().for_each(|promise| ledger.add(promise));
        // Where the load did not come so far, the last checkpoint may.
        drop(process.terminate());
        let trace = strace::whole(&trace, id);
        let restart = Instant::now();
        let process = Process::serve(&db, &[]);
        check(&db, &ledger, killed_at);
        let answers = waiters.answered(&process, &self.tokens, restart, &mut ledger);
        check(&db, &ledger, killed_at);
        Ran { trace, answers }
    }
}

/// What a few clients are promised before the server is gone, or they have told all their stories.
fn load(process: &Process, tokens: &Tokens) -> Vec<Promise> {
    let worker = |worker| {
        let pair = tokens.at(&process.url);
        thread::spawn(move || {
            let mut promises = Vec::new();
            for number in 0..STORIES {
                for act in story(&format!("w{worker}-{number}"), number, 0) {
                    let Some(answer) = pair.perform(&act) else { return promises };
                    answer.expect(act.status);
                    promises.extend(act.promise());
                }
            }
            promises
        })
    };
    let workers = (0..CLIENTS).map(worker).collect::<Vec<_>>();
    workers.into_iter().flat_map(|worker| worker.join().unwrap()).collect()
}
