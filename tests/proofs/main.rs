//! The proofs: what countersign promises, tried on the real server by force, one file a proof.
//!
//! `scripts/prove` runs their long form and prints the figures; as a test of Cargo's each runs in a short form. A proof
//! that cannot run here, for want of a tool, says so in one line and counts as skipped, never as passed.
#![expect(clippy::unwrap_used, reason = "a proof that cannot go on has failed")]
#![expect(clippy::print_stdout, reason = "a report is printed")]

mod audit;
mod books;
mod dice;
mod faults;
#[path = "../harness/mod.rs"]
#[expect(dead_code, unused_imports, reason = "the tests ask more")]
mod harness;
mod interface;
mod kill;
mod linearizability;
mod load;
mod migration;
mod model;
mod power_loss;
mod run;
mod strace;

use std::process::ExitCode;

use self::run::{Proof, Run};

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
];

fn main() -> ExitCode {
    Run::from_arguments().all(PROOFS)
}
