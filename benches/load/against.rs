//! The server built here and another one, in turn on the same machine: how many times as fast, as many times as it was asked.

use std::io::Write;
use std::path::Path;
use std::time::Duration;

use crate::Result;
use crate::drive::Measured;
use crate::plan::Plan;
use crate::process::Site;
use crate::run::progress;
use crate::stats::median;
use crate::throughput::countersign;

/// What one round brought of one server: its load, and its work for a request.
type Run = (Measured, Duration);

/// Measures both, and prints a row a number of connections.
pub(crate) async fn measure(site: &Site, other: &Path, plan: &Plan) -> Result<()> {
    let there = site.with(other);
    let mut rows = Vec::new();
    for connections in plan.levels {
        let (mut here_runs, mut there_runs) = (vec![], vec![]);
        for round in 1..=plan.rounds {
            progress(&format!("{connections} connections, round {round} of {}", plan.rounds))?;
            // Who goes first changes, so that neither has what the other left behind each time.
            if round % 2 == 1 {
                here_runs.push(countersign(site, *connections, plan.pace).await?);
                there_runs.push(countersign(&there, *connections, plan.pace).await?);
            } else {
                there_runs.push(countersign(&there, *connections, plan.pace).await?);
                here_runs.push(countersign(site, *connections, plan.pace).await?);
            }
        }
        rows.push(row(*connections, &here_runs, &there_runs));
    }
    let mut out = std::io::stdout().lock();
    writeln!(out, "Each ratio is the median of {} rounds, with the least and the greatest.\n", plan.rounds)?;
    writeln!(out, "| connections | pairs/s here | there | ratio | p99 of a request | work for a request |")?;
    writeln!(out, "|---:|---:|---:|---:|---:|---:|")?;
    for row in rows {
        writeln!(out, "{row}")?;
    }
    Ok(())
}

fn row(connections: usize, here: &[Run], there: &[Run]) -> String {
    let ratio = |of: fn(&Run) -> f64| {
        let ratios = here.iter().zip(there).map(|(here, there)| of(here) / of(there)).collect::<Vec<_>>();
        let least = ratios.iter().copied().fold(f64::INFINITY, f64::min);
        let greatest = ratios.iter().copied().fold(0.0, f64::max);
        format!("{:.3} ({least:.3} to {greatest:.3})", median(ratios.iter().copied()))
    };
    let rate = |(measured, _): &Run| measured.pairs_per_second;
    let [here_rate, there_rate] = [here, there].map(|runs| median(runs.iter().map(rate)));
    format!(
        "| {connections} | {here_rate:.0} | {there_rate:.0} | {} | {} | {} |",
        ratio(rate),
        ratio(|(measured, _)| measured.request.p99.as_secs_f64()),
        ratio(|(_, worked)| worked.as_secs_f64()),
    )
}
