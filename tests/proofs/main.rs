//! The proofs: what countersign promises, tried on the real server by force, one module a proof.
//!
//! `scripts/prove` runs their long form and prints the figures; as a test of Cargo's each runs in a short form. A proof
//! that cannot run here, for want of a tool, says so in one line and counts as ignored, never as passed.
//!
//! The variable `COUNTERSIGN_TEST_DB` says whether they run on SQLite or on PostgreSQL, as for the integration tests. A proof that
//! is of SQLite alone says why in the list below, and is ignored on PostgreSQL.
//!
//! `model` is a model test. A generator makes random requests, each is sent to the server and to an oracle, a second, naive
//! implementation of docs/reference/api.md in memory, and both have to answer the same; from time to time all tables are
//! compared. A failure prints the last steps and the seed that repeats them. To add a verb to it:
//!
//! 1. `model/request.rs`: add the verb to `Verb`, with its method and its path.
//! 2. `model/oracle`: say what it answers and what it changes, from the documentation and never from the server's code.
//! 3. `model/generate`: make requests of it, right ones and nearly right ones, and say how often.
//! 4. `model/coverage.rs`: list the kinds of answers that it has; the long form fails while one of them never occurs.
//! 5. Run `scripts/prove model`. Then break the server's answer on purpose, and see the proof fail.
#![expect(clippy::unwrap_used, reason = "a proof that cannot go on has failed")]
#![expect(clippy::print_stdout, reason = "a report is printed")]

mod audit;
mod clock;
mod endurance;
mod faults;
#[path = "../harness/mod.rs"]
#[expect(dead_code, unused_imports, reason = "the tests ask more")]
mod harness;
mod interface;
mod kill;
mod ledger;
mod linearizability;
mod load;
mod many_servers;
#[path = "../matching/mod.rs"]
#[expect(dead_code, reason = "the tests ask more")]
mod matching;
mod migration;
mod model;
mod mutated;
mod notices;
mod one_server;
mod power_loss;
mod retention;
mod run;
mod seeded_rng;
mod shares;
mod strace;

use std::process::ExitCode;

use self::run::Proof;

/// Every proof, in the order of the report.
const PROOFS: &[Proof] = &[
    Proof::new("kill", kill::prove),
    Proof::new("power loss", power_loss::prove)
        .only_on_sqlite("it tears the sectors of SQLite's files; what PostgreSQL has on its disk is its own"),
    Proof::new("model", model::prove),
    Proof::new("linearizability", linearizability::prove),
    Proof::new("faults", faults::prove)
        .only_on_sqlite("a server on PostgreSQL writes no file whose writes and syncs could fail"),
    Proof::new("log", faults::prove_log).only_on_sqlite("the write-ahead log is PostgreSQL's own"),
    Proof::new("interface", interface::prove),
    Proof::new("audit", audit::prove),
    Proof::new("migration", migration::prove).only_on_sqlite("no earlier version ran on PostgreSQL"),
    Proof::new("mutated lines", mutated::prove).only_on_sqlite("it has no database at all"),
    Proof::new("one server", one_server::prove).only_on_sqlite("several servers share a PostgreSQL"),
    Proof::new("many servers", many_servers::prove),
    Proof::new("failovers", many_servers::prove_failovers),
    Proof::new("patroni", many_servers::patroni::prove),
    Proof::new("clock", clock::prove).only_on_sqlite("the time is that of PostgreSQL's machine"),
    Proof::new("shares", shares::prove),
    Proof::new("retention", retention::prove),
    Proof::new("notices", notices::prove),
    Proof::new("endurance", endurance::prove),
];

fn main() -> ExitCode {
    run::run(PROOFS)
}
