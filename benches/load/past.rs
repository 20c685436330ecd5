//! What runs have measured, a line of JSON a run, so that later ones can be held against it.

use std::fs::OpenOptions;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::{Value, json};

use crate::drive::Measured;
use crate::ledger::now_ms;
use crate::plan::Plan;
use crate::report::{Report, machine, percentiles, rates};
use crate::stats::median;
use crate::{Result, RunArguments};

/// Adds the figures of a run to the file that `arguments` name.
pub(crate) fn remember(report: &Report, plan: &Plan, arguments: &RunArguments) -> Result<()> {
    let levels = report
        .throughput
        .levels
        .iter()
        .flat_map(|level| level.servers().map(|(server, runs)| throughput(level.connections, server, runs)));
    let figures = report.figures(plan).into_iter().map(|figure| {
        json!({"figure": figure.what, "value": figure.value, "shown": figure.measured, "reached": figure.reached})
    });
    let what = [
        ("throughput", Value::from(levels.collect::<Vec<_>>())),
        ("figures", Value::from(figures.collect::<Vec<_>>())),
    ];
    add(what, plan, arguments)
}

/// Adds a line that says of what run these are.
pub(crate) fn add<const N: usize>(what: [(&str, Value); N], plan: &Plan, arguments: &RunArguments) -> Result<()> {
    let file = arguments.history.clone().unwrap_or_else(default_file);
    if file.as_os_str() == "none" {
        return Ok(());
    }
    let mut line = json!({
        "atMs": now_ms(),
        "revision": revision(),
        "machine": machine(),
        "quick": arguments.quick,
        "rounds": plan.rounds,
        "windowMs": u64::try_from(plan.pace.window.as_millis())?,
    });
    for (name, value) in what {
        line[name] = value;
    }
    let mut file = OpenOptions::new().create(true).append(true).open(file)?;
    Ok(writeln!(file, "{line}")?)
}

/// The medians over the rounds, the latencies of a request in seconds, and the rate of each round.
fn throughput(connections: usize, server: &str, runs: &[Measured]) -> Value {
    let request = percentiles(runs, |run| run.request);
    let rates = rates(runs);
    json!({
        "connections": connections,
        "server": server,
        "pairsPerSecond": median(rates.iter().copied()),
        "p50": request.p50.as_secs_f64(),
        "p99": request.p99.as_secs_f64(),
        "p999": request.p999.as_secs_f64(),
        "rounds": rates,
    })
}

fn default_file() -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).with_file_name("bench.jsonl")
}

/// What was measured, as git calls it; nothing where there is none.
fn revision() -> Option<String> {
    let mut command = Command::new("git");
    command.args(["describe", "--always", "--dirty"]).current_dir(env!("CARGO_MANIFEST_DIR"));
    let output = command.output().ok().filter(|output| output.status.success())?;
    Some(String::from_utf8(output.stdout).ok()?.trim().to_owned())
}
