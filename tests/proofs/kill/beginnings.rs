//! Kills where everything begins: in the first start on no database at all, and while a token is made.

use std::ffi::OsStr;
use std::path::Path;

use tempfile::TempDir;

use super::anywhere::{CALLS, kill_at, killed_in};
use super::{Tally, check};
use crate::harness::{Process, confirmation};
use crate::ledger::Ledger;
use crate::load::Tokens;
use crate::run::Run;
use crate::seeded_rng::SeededRng;
use crate::strace;

/// Which command makes the database.
#[derive(Clone, Copy)]
enum First {
    Serve,
    CreateToken,
}

/// Kills either command at each of its calls, in a directory of its own each time.
pub(super) fn killed(run: &Run, tally: &mut Tally) {
    let mut rng = SeededRng::of_part(run.seed, 2);
    for first in [First::Serve, First::CreateToken] {
        for (call, short) in CALLS {
            let traced = format!("trace={call}");
            let untouched = begun(first, &["-e", &traced], "nothing");
            let places = (1..=strace::most_by_one_thread(&untouched, call)).collect::<Vec<_>>();
            for place in rng.sample(places, run.amount(short.min(3), usize::MAX)) {
                let trace = begun(first, &["-e", &traced, "-e", &kill_at(call, place)], &format!("{call} {place}"));
                tally.kills += killed_in(&trace);
            }
        }
    }
}

/// Runs the command on no database, as far as it comes, and then the next command; its trace.
fn begun(first: First, options: &[&str], killed_at: &str) -> String {
    let directory = TempDir::new().unwrap();
    let (db, trace) = (directory.path().join("test.db"), directory.path().join("trace"));
    let trace = match first {
        First::Serve => {
            let mut child = strace::serve(&db, &trace, options).spawn().unwrap();
            let id = child.id();
            // It has said where it listens, or is gone.
            let mut line = String::new();
            std::io::BufRead::read_line(&mut std::io::BufReader::new(child.stdout.as_mut().unwrap()), &mut line)
                .unwrap();
            crate::harness::signal(id, "TERM");
            child.wait().unwrap();
            strace::whole(&trace, id)
        }
        First::CreateToken => {
            let mut arguments =
                ["token", "create", "--name", "first", "--role", "agent", "--db"].map(OsStr::new).to_vec();
            arguments.push(db.as_os_str());
            let mut child = strace::countersign(&trace, options, &arguments).spawn().unwrap();
            child.wait().unwrap();
            strace::whole(&trace, child.id())
        }
    };
    goes_on(&db, killed_at);
    trace
}

/// Whatever was left behind: tokens can be made, the server starts, and its tables agree.
fn goes_on(db: &Path, killed_at: &str) {
    let tokens = Tokens::make(db);
    let process = Process::serve(db, &[]);
    tokens.at(&process.url).agent.register(&confirmation("first"));
    assert_eq!(process.terminate().0.code(), Some(0), "{killed_at}");
    check(db, &Ledger::default(), killed_at);
}
