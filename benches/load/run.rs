//! One whole run: the measurements in order, under one deadline, ended by a signal without leaving anything behind.

use std::io::Write;
use std::path::Path;
use std::time::Duration;

use tokio::signal::unix::{SignalKind, signal};

use crate::drive::{Target, drive};
use crate::fill::Pending;
use crate::plan::{Pace, Plan};
use crate::process::Site;
use crate::report::Report;
use crate::requests::Wire;
use crate::stats::Percentiles;
use crate::{
    DriveArguments, GrowthArguments, PostgresArguments, Result, RunArguments, against, growth, history, past, postgres,
    report, rules, startup, throughput, waiters,
};

/// How many rows a database has that has grown.
const GROWN_ROWS: u64 = 5_000_000;

/// After so long the measurement of it is given up.
const LONGEST_GROWTH: Duration = Duration::from_secs(2 * 60 * 60);

/// Measures everything and prints the report to stdout.
pub(crate) fn run(arguments: &RunArguments) -> Result<()> {
    let plan = if arguments.quick { Plan::QUICK } else { Plan::FULL };
    let plan = Plan { large_history_rows: arguments.rows.unwrap_or(plan.large_history_rows), ..plan };
    let report = interruptible(plan.deadline, measure(arguments, &plan))?;
    report.print(&plan, arguments.quick, &mut std::io::stdout().lock())?;
    past::remember(&report, &plan, arguments)
}

/// Runs a measurement until it ends, its time is up, or a signal comes.
fn interruptible<T>(deadline: Duration, measure: impl Future<Output = Result<T>>) -> Result<T> {
    // One thread: the servers need the cores more.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let measured = runtime.block_on(async {
        let mut interrupted = signal(SignalKind::interrupt())?;
        let mut terminated = signal(SignalKind::terminate())?;
        // Whichever comes first drops the measurement, which ends its servers and removes its files.
        tokio::select! {
            measured = tokio::time::timeout(deadline, measure) => measured?,
            _ = interrupted.recv() => Err("interrupted".into()),
            _ = terminated.recv() => Err("terminated".into()),
        }
    });
    // A blocking stretch of a measurement that was given up may still run, and is not waited for.
    runtime.shutdown_background();
    measured
}

/// Measures servers on PostgreSQL, and prints how they compare with it and with one another.
pub(crate) fn on_postgres(arguments: PostgresArguments) -> Result<()> {
    let PostgresArguments { quick, rounds, dir, server, history } = arguments;
    let plan = if quick { Plan::QUICK } else { Plan::FULL };
    let rounds = rounds.map_or(Ok(plan.rounds), usize::try_from)?;
    let plan = Plan { rounds, deadline: postgres::longest(rounds)?, ..plan };
    let arguments = RunArguments { quick, dir, server, history, ..RunArguments::default() };
    let report = interruptible(plan.deadline, postgres::measure(&arguments, &plan))?;
    report.print(&plan, quick, &mut std::io::stdout().lock())?;
    report.remember(&plan, &arguments)
}

/// Measures two servers in turn, and prints how the one built here compares with the other.
pub(crate) fn against(other: &Path, rounds: usize) -> Result<()> {
    let site = Site::new(&RunArguments::default())?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(against::measure(&site, other, &Plan { rounds, ..Plan::FULL }))
}

async fn measure(arguments: &RunArguments, plan: &Plan) -> Result<Report> {
    let site = Site::new(arguments)?;
    let throughput = throughput::measure(&site, plan, arguments.peer).await?;
    progress(&format!("filling a database with {} rows", plan.large_history_rows))?;
    let large = history::filled(&site, plan.large_history_rows, Pending::None).await?;
    let history = history::measure(&site, plan, &large).await?;
    let startup = startup::measure(&site, plan, &large).await?;
    drop(large);
    let waiters = waiters::measure(&site, plan).await?;
    let rules = rules::measure(&site, plan).await?;
    Ok(Report { throughput, history, startup, waiters, rules })
}

/// Measures what rules cost, and nothing else.
pub(crate) fn rules_alone() -> Result<()> {
    let site = Site::new(&RunArguments::default())?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let measured = runtime.block_on(rules::measure(&site, &Plan::FULL))?;
    report::print_rules(&measured, &mut std::io::stdout().lock())
}

/// Measures what grows with the past, and prints it.
pub(crate) fn growth(arguments: &GrowthArguments) -> Result<()> {
    let plan = if arguments.quick { Plan::QUICK } else { Plan::FULL };
    let rows = arguments.rows.unwrap_or(if arguments.quick { plan.large_history_rows } else { GROWN_ROWS });
    let plan = Plan { large_history_rows: rows, deadline: LONGEST_GROWTH, ..plan };
    let dir = arguments.dir.clone();
    let site = Site::new(&RunArguments { dir, ..RunArguments::default() })?;
    interruptible(plan.deadline, growth::measure(site, plan))
}

/// Measures what so many waiters cost, and prints it.
pub(crate) fn waiters_alone(count: usize) -> Result<()> {
    let plan = Plan { waiters: count, ..Plan::FULL };
    interruptible(plan.deadline, waiters::alone(Site::new(&RunArguments::default())?, plan))
}

/// Makes one measurement of its own, which prints its figures.
pub(crate) fn alone<M: Future<Output = Result<()>>>(quick: bool, measure: impl FnOnce(Site, Plan) -> M) -> Result<()> {
    let plan = if quick { Plan::QUICK } else { Plan::FULL };
    let deadline = plan.deadline;
    let site = Site::new(&RunArguments::default())?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async { tokio::time::timeout(deadline, measure(site, plan)).await? })
}

/// Tells who watches what is going on; stdout is the report's.
pub(crate) fn progress(what: &str) -> Result<()> {
    Ok(writeln!(std::io::stderr().lock(), "load: {what}")?)
}

/// Loads a server that is running already, and prints what it did.
pub(crate) fn drive_alone(arguments: DriveArguments) -> Result<()> {
    let DriveArguments { server, agent, approver, connections, seconds } = arguments;
    let pace = Pace { warm_up: Duration::from_millis(500), window: Duration::from_secs(seconds) };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let target = Target { server, agent, approver, wire: Wire::Interactions };
    let measured = runtime.block_on(drive(&target, connections, pace))?;
    let Percentiles { p50, p99, p999, max } = measured.request;
    let pairs = measured.pairs_per_second;
    Ok(writeln!(
        std::io::stdout().lock(),
        "{pairs:.0} pairs/s; a request: p50 {p50:?}, p99 {p99:?}, p99.9 {p999:?}, max {max:?}; refused {}",
        measured.refused
    )?)
}
