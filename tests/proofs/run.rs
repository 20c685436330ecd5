//! How proofs are run and reported. The flags and filters are those of Cargo's own test runner, by way of libtest-mimic;
//! `--long` and `--seed SEED` stand beside them. A table at the end has a row of figures for each proof.

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::ExitCode;
use std::sync::{Arc, Mutex};

use clap::{Args, Parser};
use libtest_mimic::{Completion, Failed, Trial};

use crate::harness::is_postgres;

/// One proof.
pub(crate) struct Proof {
    /// What it is called on the command line.
    name: &'static str,
    /// Tries it; panics where what is to be proved does not hold.
    prove: fn(&Run) -> Found,
    /// Why it is left out where tests run on PostgreSQL, if it is.
    sqlite_only: Option<&'static str>,
}

impl Proof {
    pub(crate) const fn new(name: &'static str, prove: fn(&Run) -> Found) -> Self {
        Self { name, prove, sqlite_only: None }
    }

    pub(crate) const fn only_on_sqlite(self, because: &'static str) -> Self {
        Self { sqlite_only: Some(because), ..self }
    }

    fn tried(&self, run: &Run) -> Found {
        match self.sqlite_only.filter(|_| is_postgres()) {
            Some(why) => Found::Skipped(why.to_owned()),
            None => (self.prove)(run),
        }
    }
}

/// What came of a proof that did not fail.
pub(crate) enum Found {
    /// It holds: the figures that it prints, each with its name.
    Held(Vec<(&'static str, String)>),
    /// It cannot run here: why, in a few words.
    Skipped(String),
}

/// How much is tried.
#[derive(Clone, Copy, Args)]
pub(crate) struct Run {
    /// The long form, which takes minutes
    #[arg(long)]
    pub(crate) long: bool,

    /// Where randomness begins; drawn anew where nothing is said, and printed
    #[arg(long, default_value_t = drawn())]
    pub(crate) seed: u64,

    /// How long the proof of endurance takes
    #[arg(long, overrides_with = "minutes")]
    pub(crate) minutes: Option<u64>,

    /// How often it kills the server, in seconds
    #[arg(long, value_name = "SECONDS", overrides_with = "kill_every")]
    pub(crate) kill_every: Option<u64>,
}

fn drawn() -> u64 {
    uuid::Uuid::now_v7().as_u64_pair().1
}

impl Run {
    /// The short form's amount, or the long one's.
    pub(crate) fn amount<T>(&self, short: T, long: T) -> T {
        if self.long { long } else { short }
    }
}

#[derive(Parser)]
#[command(name = "proofs")]
struct CommandLine {
    #[command(flatten)]
    run: Run,

    #[command(flatten)]
    libtest: libtest_mimic::Arguments,

    /// More filters: proofs run whose name contains any of them
    #[arg(value_name = "FILTER")]
    filters: Vec<String>,
}

impl CommandLine {
    /// Takes the filters out, of which libtest-mimic knows one only, and leaves what they select.
    fn selected(&mut self, proofs: &'static [Proof]) -> Vec<(usize, &'static Proof)> {
        let filters = self.libtest.filter.take().into_iter().chain(self.filters.drain(..)).collect::<Vec<_>>();
        let exact = self.libtest.exact;
        let names = |filter: &str, name: &str| if exact { name == filter } else { name.contains(filter) };
        let is_selected = |name: &str| filters.is_empty() || filters.iter().any(|filter| names(filter, name));
        proofs.iter().enumerate().filter(|(_, proof)| is_selected(proof.name)).collect()
    }
}

/// Runs the proofs that the command line selects, prints the table, and fails if one of them does.
pub(crate) fn run(proofs: &'static [Proof]) -> ExitCode {
    let mut line = CommandLine::parse();
    // One after the other: each of them keeps the machine busy, and some measure.
    line.libtest.test_threads.get_or_insert(1);
    let run = line.run;
    let rows = Arc::new(Mutex::new(BTreeMap::new()));
    let trial = |(place, proof): (usize, &'static Proof)| {
        let rows = rows.clone();
        Trial::ignorable_test(proof.name, move || {
            let (row, outcome) = tried(proof, &run);
            rows.lock().unwrap().insert(place, row);
            outcome
        })
    };
    let trials = line.selected(proofs).into_iter().map(trial).collect();
    if !line.libtest.list {
        println!("proofs on {}: seed {}", if is_postgres() { "PostgreSQL" } else { "SQLite" }, run.seed);
    }
    let conclusion = libtest_mimic::run(&line.libtest, trials);
    let rows = rows.lock().unwrap();
    if !rows.is_empty() {
        println!("| proof | result | figures |\n| --- | --- | --- |");
        rows.values().for_each(|row| println!("{row}"));
    }
    conclusion.exit_code()
}

/// The row of the table, and what the test runner counts.
fn tried(proof: &Proof, run: &Run) -> (String, Result<Completion, Failed>) {
    let name = proof.name;
    // The panic's own message has gone to stderr by then.
    match catch_unwind(AssertUnwindSafe(|| proof.tried(run))) {
        Ok(Found::Held(figures)) => {
            let figures = figures.iter().map(|(name, value)| format!("{name}: {value}")).collect::<Vec<_>>();
            (format!("| {name} | holds | {} |", figures.join("; ")), Ok(Completion::Completed))
        }
        Ok(Found::Skipped(why)) => {
            (format!("| {name} | skipped: {why} | |"), Ok(Completion::Ignored { reason: Some(why) }))
        }
        Err(_) => {
            let again = format!("repeat it with `--seed {} \"{name}\"`", run.seed);
            (format!("| {name} | **FAILED** | {again} |"), Err(again.into()))
        }
    }
}
