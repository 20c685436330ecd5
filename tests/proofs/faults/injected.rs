//! One call of the server fails at a time, by strace.

use std::path::Path;
use std::time::{Duration, Instant};

use tempfile::TempDir;

use super::Told;
use crate::harness::Process;
use crate::load::{Tokens, copied, story};
use crate::run::Run;
use crate::seeded_rng::SeededRng;
use crate::strace;

/// What is recorded, and made to fail.
const TRACED: &str = "trace=pwrite64,fdatasync,fsync,ftruncate";

/// How many stories are told in one case.
const STORIES: usize = 6;

/// The longest that a server may live after a sync has failed.
const STOPS_WITHIN: Duration = Duration::from_secs(1);

/// One fault: the calls `first` to `last` of a name, as its thread counts them, fail with `error`.
#[derive(Clone)]
struct Fault {
    call: &'static str,
    error: &'static str,
    first: usize,
    last: usize,
}

/// What came of all cases.
#[derive(Default)]
pub(super) struct Tried {
    pub(super) cases: usize,
    pub(super) refused: usize,
    pub(super) stops: usize,
    pub(super) slowest_stop: Duration,
}

/// A database with tokens and a key.
struct Base {
    directory: TempDir,
    tokens: Tokens,
}

impl Base {
    fn new() -> Self {
        let directory = TempDir::new().unwrap();
        let db = directory.path().join("test.db");
        let tokens = Tokens::make(&db);
        assert_eq!(Process::serve(&db, &[]).terminate().0.code(), Some(0));
        Self { directory, tokens }
    }
}

/// Each write and sync of a run fails in turn; in the short form, a few of them.
pub(super) fn tried(run: &Run) -> Tried {
    let base = Base::new();
    let mut rng = SeededRng::of_part(run.seed, 0);
    let mut tried = Tried::default();
    for (call, error, length, short) in [
        ("pwrite64", "ENOSPC", 3, 4),
        ("pwrite64", "EIO", 1, 4),
        ("fdatasync", "EIO", 1, 4),
        ("fsync", "EIO", 1, 1),
        ("ftruncate", "EIO", 1, 1),
    ] {
        let faults = (1..=base.calls(call)).map(|first| Fault { call, error, first, last: first + length - 1 });
        for fault in rng.sample(faults.collect(), run.amount(short, usize::MAX)) {
            base.suffers(&fault, &mut tried);
        }
    }
    tried
}

impl Base {
    /// How often one thread makes this call where nothing fails.
    fn calls(&self, call: &str) -> usize {
        let directory = copied(self.directory.path());
        let (trace, db) = (directory.path().join("trace"), directory.path().join("test.db"));
        let process = Process::spawn(&mut strace::serve_watched(&db, &trace, &[strace::FAST, "-e", TRACED]));
        let mut told = Told::default();
        self.tell(&mut told, &process.url);
        assert!(told.refusals.is_empty() && !told.is_unsure);
        let id = process.id();
        assert_eq!(process.terminate().0.code(), Some(0));
        strace::most_by_one_thread(&strace::whole(&trace, id), call)
    }

    fn tell(&self, told: &mut Told, url: &str) {
        let pair = self.tokens.at(url);
        for number in 0..STORIES {
            told.tell(&pair, &story(&format!("s{number}"), number, 0));
            if told.is_unsure {
                return;
            }
        }
    }

    /// One case: the fault, the end of the server, and a start that reads what is true.
    fn suffers(&self, fault: &Fault, tried: &mut Tried) {
        let Fault { call, error, first, last } = fault;
        let of = format!("{call} {first} to {last} fails with {error}");
        let directory = copied(self.directory.path());
        let (trace, db) = (directory.path().join("trace"), directory.path().join("test.db"));
        let inject = format!("inject={call}:error={error}:when={first}..{last}");
        let mut told = Told::default();
        let command = &mut strace::serve_watched(&db, &trace, &[strace::FAST, "-e", TRACED, "-e", &inject]);
        if let Ok(mut process) = Process::try_spawn(command) {
            self.tell(&mut told, &process.url);
            let (id, begun) = (process.id(), Instant::now());
            let status = if told.is_unsure { process.ended().0 } else { process.terminate().0 };
            let took = begun.elapsed();
            let trace = strace::whole(&trace, id);
            let failed = trace.lines().filter(|line| line.contains("(INJECTED)")).collect::<Vec<_>>();
            let is_sync = call.contains("sync") && !failed.is_empty();
            assert_eq!(status.code(), Some(i32::from(is_sync)), "{of}: {failed:?}, {:?}", told.refusals);
            if is_sync {
                assert!(took < STOPS_WITHIN, "{of}: it stopped only after {took:?}");
                tried.stops += 1;
                tried.slowest_stop = tried.slowest_stop.max(took);
            }
            check_refusals(&told, fault, &of);
        }
        self.comes_back(&db, &told, &of);
        tried.cases += 1;
        tried.refused += told.refusals.len();
    }

    /// The next start reads what is true, and takes writes.
    fn comes_back(&self, db: &Path, told: &Told, of: &str) {
        let process = Process::serve(db, &[]);
        told.check(db, of);
        let mut again = Told::default();
        again.tell(&self.tokens.at(&process.url), &story("again", 0, 0));
        assert!(again.refusals.is_empty() && !again.is_unsure, "{of}: {:?}", again.refusals);
        assert_eq!(process.terminate().0.code(), Some(0), "{of}");
        again.check(db, of);
    }
}

/// A refusal says why, and a server whose writes fail goes on.
fn check_refusals(told: &Told, fault: &Fault, of: &str) {
    for (status, code) in &told.refusals {
        let expected = match (fault.call, fault.error) {
            ("fdatasync" | "fsync", _) => (503, "shutting_down"),
            (_, "ENOSPC") => (507, "disk_full"),
            _ => (503, "disk_failed"),
        };
        assert_eq!((*status, code.as_str()), expected, "{of}");
    }
    assert!(fault.call.contains("sync") || !told.is_unsure, "{of}: the server did not go on");
}
