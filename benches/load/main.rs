//! The load benchmark: what the release server does on this machine, beside what the machine could do at best and what
//! the obvious design would do. `scripts/bench` runs it; `scripts/bench --quick` is the smoke form.
//!
//! In reading order: [`plan`] says how much is measured, [`run`] in which order; [`throughput`], [`history`], [`waiters`],
//! [`startup`], [`rules`], [`overload`], [`neighbour`] and [`growth`] are the measurements, [`disk`] the ceiling of the disk; [`report`]
//! prints, [`past`] keeps the figures, and [`against`] compares two servers. [`postgres`] holds one server and several on a
//! database of PostgreSQL against what PostgreSQL does by itself. [`drive`] is the load: pairs of requests over the
//! raw keep-alive sockets of [`client`]. [`process`] starts and ends servers: countersign, and from this very binary [`naive`]
//! and [`echo`] (served by [`serve`]), which share their plain tables with [`disk`] in [`ledger`]. [`fill`] writes old rows into
//! a database of the server.
//!
//! Generator and servers share the same cores, so the generator is one thread that does nothing it could have done before.

mod against;
mod client;
mod disk;
mod drive;
mod echo;
mod fill;
mod growth;
mod history;
mod ledger;
mod naive;
mod neighbour;
mod overload;
mod past;
mod plan;
mod postgres;
mod process;
mod report;
mod requests;
mod rules;
mod run;
mod serve;
mod startup;
mod stats;
mod throughput;
mod waiters;

use std::io::Write;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand};

use self::plan::Plan;

/// Whatever goes wrong in a measurement ends it with a sentence, so one boxed type is enough.
pub(crate) type Error = Box<dyn std::error::Error + Send + Sync>;
pub(crate) type Result<T> = std::result::Result<T, Error>;

/// Measures countersign on this machine and prints a Markdown report
#[derive(Parser)]
#[command(name = "load")]
struct CommandLine {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    run: RunArguments,
    /// Cargo adds this to every benchmark: it means nothing here.
    #[arg(long, hide = true, global = true)]
    bench: bool,
}

/// How the whole measurement runs.
#[derive(Args, Default)]
pub(crate) struct RunArguments {
    /// A smoke run of less than a minute: short windows, one round, fewer rows and waiters.
    #[arg(long)]
    pub(crate) quick: bool,
    /// How many old rows the large database has, such as 5000000 [default: a million; a hundred thousand with --quick]
    #[arg(long, value_name = "N")]
    pub(crate) rows: Option<u64>,
    /// Where the databases go, in a directory of their own that is removed; must be on a real disk [default: target/tmp]
    #[arg(long, value_name = "DIRECTORY")]
    pub(crate) dir: Option<PathBuf>,
    /// Another server binary than the one built here.
    #[arg(long, value_name = "PATH")]
    pub(crate) server: Option<PathBuf>,
    /// A server of another make that runs already, that speaks promises and asks for no token, to be measured in turn with the
    /// others, such as 127.0.0.1:8001.
    #[arg(long, value_name = "ADDRESS")]
    pub(crate) peer: Option<SocketAddr>,
    /// Where each run adds its figures, a line of JSON a run; `none` for nowhere [default: bench.jsonl in target]
    #[arg(long, value_name = "FILE")]
    pub(crate) history: Option<PathBuf>,
}

#[derive(Subcommand)]
enum Command {
    /// Add resolved interactions to a database that the server has created and that no process has open.
    Fill {
        #[arg(long)]
        db: PathBuf,
        #[arg(long)]
        rows: u64,
    },
    /// Serve the naive variant: one transaction a request.
    Naive {
        #[arg(long)]
        db: PathBuf,
    },
    /// Serve an echo of every body.
    Echo,
    /// Compare the server built here with another, in turn: the ratios of all rounds.
    Against {
        /// The other server's binary.
        other: PathBuf,
        #[arg(long, default_value_t = 5)]
        rounds: usize,
    },
    /// Measure what grows with the past, and what does not: lists, searches, decisions, commands.
    Growth(GrowthArguments),
    /// Measure what rules cost, and nothing else.
    Rules,
    /// Measure what idle waiters cost, themselves and the others.
    Waiters {
        /// How many wait, as far as `ulimit -n` lets them
        #[arg(long, value_name = "N", default_value_t = Plan::FULL.waiters)]
        count: usize,
    },
    /// Measure what four times the load that the server can take does to it.
    Overload {
        /// The short form.
        #[arg(long)]
        quick: bool,
    },
    /// Measure what an agent notices of another that sends what costs most.
    Neighbour {
        /// The short form.
        #[arg(long)]
        quick: bool,
    },
    /// Measure one server and several on a database of PostgreSQL, which is started for it.
    Postgres(PostgresArguments),
    /// Load a server that is running already: for a profiler.
    Drive(DriveArguments),
}

impl RunArguments {
    /// The directory in which a run makes its own.
    fn parent(&self) -> std::io::Result<PathBuf> {
        let parent = self.dir.clone().unwrap_or_else(|| PathBuf::from(env!("CARGO_TARGET_TMPDIR")));
        std::fs::create_dir_all(&parent)?;
        std::path::absolute(parent)
    }
}

/// How PostgreSQL is measured.
#[derive(Args)]
pub(crate) struct PostgresArguments {
    /// A smoke run: short windows and one round.
    #[arg(long)]
    pub(crate) quick: bool,
    /// How often everything is measured in turn [default: 3; 1 with --quick]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=100))]
    pub(crate) rounds: Option<u32>,
    /// Where the databases go, in directories of their own that are removed; must be on a real disk [default: target/tmp]
    #[arg(long, value_name = "DIRECTORY")]
    pub(crate) dir: Option<PathBuf>,
    /// Another server binary than the one built here.
    #[arg(long, value_name = "PATH")]
    pub(crate) server: Option<PathBuf>,
    /// Where each run adds its figures, a line of JSON a run; `none` for nowhere [default: bench.jsonl in target]
    #[arg(long, value_name = "FILE")]
    pub(crate) history: Option<PathBuf>,
}

/// How much of a past is measured.
#[derive(Args)]
pub(crate) struct GrowthArguments {
    /// The short form.
    #[arg(long)]
    quick: bool,
    /// How many old interactions the larger database has [default: five million; a hundred thousand with --quick]
    #[arg(long, value_name = "N")]
    rows: Option<u64>,
    /// Where the databases go, in a directory of their own that is removed; must be on a real disk [default: target/tmp]
    #[arg(long, value_name = "DIRECTORY")]
    dir: Option<PathBuf>,
}

/// A load of its own.
#[derive(Args)]
pub(crate) struct DriveArguments {
    #[arg(long)]
    pub(crate) server: SocketAddr,
    /// The agent's token.
    #[arg(long)]
    pub(crate) agent: String,
    /// The approver's token.
    #[arg(long)]
    pub(crate) approver: String,
    #[arg(long, default_value_t = 64)]
    pub(crate) connections: usize,
    #[arg(long, default_value_t = 5)]
    pub(crate) seconds: u64,
}

fn main() -> ExitCode {
    match command() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // When even this fails, there is no other place to report it.
            let _ = writeln!(std::io::stderr().lock(), "load: {error}");
            ExitCode::FAILURE
        }
    }
}

fn command() -> Result<()> {
    if !asked_for() {
        let hint = "the load benchmark takes minutes, so tests do not run it: scripts/bench, or scripts/bench --quick";
        return Ok(writeln!(std::io::stdout().lock(), "{hint}")?);
    }
    let line = CommandLine::parse();
    match line.command {
        None => run::run(&line.run),
        Some(Command::Fill { db, rows }) => fill::fill(&db, rows, fill::Pending::None),
        Some(Command::Growth(arguments)) => run::growth(&arguments),
        Some(Command::Naive { db }) => naive::serve(&db),
        Some(Command::Echo) => echo::serve(),
        Some(Command::Against { other, rounds }) => run::against(&other, rounds),
        Some(Command::Rules) => run::rules_alone(),
        Some(Command::Waiters { count }) => run::waiters_alone(count),
        Some(Command::Overload { quick }) => run::alone(quick, overload::measure),
        Some(Command::Neighbour { quick }) => run::alone(quick, neighbour::measure),
        Some(Command::Postgres(arguments)) => run::on_postgres(arguments),
        Some(Command::Drive(arguments)) => run::drive_alone(arguments),
    }
}

/// Whether this is to run: `cargo bench` passes `--bench`, `cargo test --benches` does not (and passes on
/// whatever arguments it was given for tests), and a sub-command speaks for itself.
fn asked_for() -> bool {
    std::env::args().skip(1).any(|argument| argument == "--bench" || CommandLine::has_subcommand(&argument))
}

impl CommandLine {
    fn has_subcommand(name: &str) -> bool {
        <Self as clap::CommandFactory>::command().find_subcommand(name).is_some()
    }
}
