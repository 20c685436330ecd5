//! The proofs: what countersign promises, tried on the real server by force, one module a proof.
//!
//! `scripts/prove` runs their long form and prints the figures; as a test of Cargo's each runs in a short form. A proof
//! that cannot run here, for want of a tool, says so in one line and counts as ignored, never as passed.
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
    Proof { name: "kill", prove: kill::prove },
    Proof { name: "power loss", prove: power_loss::prove },
    Proof { name: "model", prove: model::prove },
    Proof { name: "linearizability", prove: linearizability::prove },
    Proof { name: "faults", prove: faults::prove },
    Proof { name: "log", prove: faults::prove_log },
    Proof { name: "interface", prove: interface::prove },
    Proof { name: "audit", prove: audit::prove },
    Proof { name: "migration", prove: migration::prove },
    Proof { name: "mutated lines", prove: mutated::prove },
    Proof { name: "one server", prove: one_server::prove },
    Proof { name: "many servers", prove: many_servers::prove },
    Proof { name: "clock", prove: clock::prove },
    Proof { name: "shares", prove: shares::prove },
    Proof { name: "retention", prove: retention::prove },
    Proof { name: "notices", prove: notices::prove },
    Proof { name: "endurance", prove: endurance::prove },
];

fn main() -> ExitCode {
    run::run(PROOFS)
}
