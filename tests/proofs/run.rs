//! How proofs are run and reported: `[--long] [--seed SEED] [NAME…]`, one line of the table for each.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::ExitCode;

use clap::Parser;

/// One proof.
pub(crate) struct Proof {
    /// What it is called on the command line.
    pub(crate) name: &'static str,
    /// Tries it; panics where what is to be proved does not hold.
    pub(crate) prove: fn(&Run) -> Found,
}

/// What came of a proof that did not fail.
pub(crate) enum Found {
    /// It holds: the figures that it prints, each with its name.
    Held(Vec<(&'static str, String)>),
    /// It cannot run here: why, in a few words.
    Skipped(String),
}

/// How much is tried.
#[derive(Parser)]
#[command(name = "proofs")]
pub(crate) struct Run {
    /// The long form, which takes minutes
    #[arg(long)]
    pub(crate) long: bool,

    /// Where randomness begins; drawn anew where nothing is said, and printed
    #[arg(long, default_value_t = drawn())]
    pub(crate) seed: u64,

    /// Only the proofs whose name holds one of these
    names: Vec<String>,

    /// Cargo may hand on what means something only to its own test runner.
    #[arg(long, hide = true)]
    nocapture: bool,
}

fn drawn() -> u64 {
    uuid::Uuid::now_v7().as_u64_pair().1
}

impl Run {
    pub(crate) fn from_arguments() -> Self {
        Self::parse()
    }

    /// The short form's amount, or the long one's.
    pub(crate) fn amount<T>(&self, short: T, long: T) -> T {
        if self.long { long } else { short }
    }

    /// Runs all that were asked for; prints a row of a Markdown table for each, and fails if one of them does.
    pub(crate) fn all(&self, proofs: &[Proof]) -> ExitCode {
        let (mut held, mut failed, mut skipped) = (0, 0, 0);
        println!("proofs: seed {}\n\n| proof | result | figures |\n| --- | --- | --- |", self.seed);
        for proof in proofs.iter().filter(|proof| self.is_wanted(proof.name)) {
            let name = proof.name;
            // The panic's own message has gone to stderr by then.
            match catch_unwind(AssertUnwindSafe(|| (proof.prove)(self))) {
                Ok(Found::Held(figures)) => {
                    held += 1;
                    let figures = figures.iter().map(|(name, value)| format!("{name}: {value}")).collect::<Vec<_>>();
                    println!("| {name} | holds | {} |", figures.join("; "));
                }
                Ok(Found::Skipped(why)) => {
                    skipped += 1;
                    println!("| {name} | skipped: {why} | |");
                }
                Err(_) => {
                    failed += 1;
                    println!("| {name} | **FAILED** | repeat it with `--seed {} {name}` |", self.seed);
                }
            }
        }
        println!("\nproofs: {held} passed, {failed} failed, {skipped} skipped");
        if failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
    }

    fn is_wanted(&self, name: &str) -> bool {
        self.names.is_empty() || self.names.iter().any(|part| name.contains(part.as_str()))
    }
}
