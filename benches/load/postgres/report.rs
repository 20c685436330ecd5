//! What was measured, as Markdown and as a line of JSON: the ratios, what a write costs, then what both come from.

use std::io::Write;

use serde_json::{Value, json};

use super::figures::{Figure, Goal, WRITES, writes};
use super::{Level, Round, SERVERS};
use crate::plan::Plan;
use crate::report::{machine, ms};
use crate::stats::{Percentiles, median, median_duration};
use crate::{Result, RunArguments, past};

pub(crate) struct Report {
    /// PostgreSQL's.
    pub(super) version: String,
    pub(super) rounds: Vec<Round>,
}

impl Report {
    pub(crate) fn print(&self, plan: &Plan, quick: bool, out: &mut impl Write) -> Result<()> {
        let (rounds, window) = (plan.rounds, plan.pace.window);
        writeln!(out, "## countersign on PostgreSQL\n")?;
        writeln!(
            out,
            "PostgreSQL {}; {}; it, the servers and their load share the cores. {rounds} round(s) in turn, {window:?} each.",
            self.version,
            machine()
        )?;
        if quick {
            writeln!(out, "This is a quick run: it shows that everything works, not how fast it is.")?;
        }
        writeln!(
            out,
            "A pair is a registration and its confirmation: two writes. pgbench changes one of 100,000 rows by its key.\n\
             Each figure is the median of the rounds, with the least and the greatest; a ratio is of values of one round."
        )?;
        print_figures(&self.ratios(), out)?;
        print_figures(&self.costs(), out)?;
        self.print_levels(out)
    }

    fn print_levels(&self, out: &mut impl Write) -> Result<()> {
        writeln!(out, "\nMedians of what the ratios come from; latencies are of a request, in ms.\n")?;
        writeln!(out, "| connections | what | writes/s | p50 | p99 | refused |\n|---:|---|---:|---:|---:|---:|")?;
        let levels = self.rounds.first().map_or(0, |round| round.levels.len());
        for number in 0..levels {
            let runs = self.rounds.iter().filter_map(|round| round.levels.get(number)).collect::<Vec<_>>();
            for row in rows(&runs) {
                writeln!(out, "{row}")?;
            }
        }
        Ok(())
    }

    /// Adds the figures to the history.
    pub(crate) fn remember(&self, plan: &Plan, arguments: &RunArguments) -> Result<()> {
        let figures = self.ratios().iter().chain(&self.costs()).map(figure).collect::<Vec<_>>();
        let of_a_round = |round: &Round| round.levels.iter().map(level).collect::<Value>();
        let what = [
            ("postgres", Value::from(self.version.as_str())),
            ("figures", Value::from(figures)),
            ("levels", self.rounds.iter().map(of_a_round).collect()),
        ];
        past::add(what, plan, arguments)
    }
}

/// Those that there are values for.
fn print_figures(figures: &[Figure], out: &mut impl Write) -> Result<()> {
    writeln!(out, "\n| figure | measured | goal | |\n|---|---:|---:|---|")?;
    for figure in figures.iter().filter(|figure| !figure.values.is_empty()) {
        let [median, least, greatest] = [figure.median(), figure.least(), figure.greatest()].map(short);
        let unit = figure.unit;
        let goal = match figure.goal {
            Some(Goal::AtLeast(wanted)) => format!("≥ {wanted}{unit}"),
            Some(Goal::AtMost(wanted)) => format!("≤ {wanted}{unit}"),
            None => String::new(),
        };
        let verdict = figure.is_reached().map_or("", |reached| if reached { "reached" } else { "**not reached**" });
        writeln!(out, "| {} | {median}{unit} ({least} to {greatest}) | {goal} | {verdict} |", figure.what)?;
    }
    Ok(())
}

/// With as many digits as say something.
fn short(value: f64) -> String {
    let digits = match value.abs() {
        large if large >= 100.0 => 0,
        small if small < 1.0 => 3,
        _ => 2,
    };
    format!("{value:.digits$}")
}

/// The rows of one number of connections, from its runs in every round.
fn rows(runs: &[&Level]) -> Vec<String> {
    let Some(first) = runs.first() else { return vec![] };
    let rate = |of: &dyn Fn(&Level) -> f64| median(runs.iter().map(|level| of(level)));
    let latencies = |of: fn(&Level) -> Percentiles| {
        let of = Percentiles::median(&runs.iter().map(|level| of(level)).collect::<Vec<_>>());
        format!("{} | {}", ms(of.p50), ms(of.p99))
    };
    let refused = |of: fn(&Level) -> usize| runs.iter().map(|level| of(level)).sum::<usize>();
    let row = |what: &str, rate: f64, rest: String| format!("| {} | {what} | {rate:.0} | {rest} |", first.connections);
    let mut rows = vec![
        row("pgbench, one statement", rate(&|level| level.statement), "| |".to_owned()),
        row("pgbench, BEGIN, UPDATE, COMMIT", rate(&|level| level.transaction), "| |".to_owned()),
        row(
            "countersign on PostgreSQL",
            rate(&|level| writes(&level.one.measured)),
            format!(
                "{} | {}",
                latencies(|level| level.one.measured.request),
                refused(|level| level.one.measured.refused)
            ),
        ),
        row(
            "countersign on SQLite",
            rate(&|level| writes(&level.sqlite.0)),
            format!("{} | {}", latencies(|level| level.sqlite.0.request), refused(|level| level.sqlite.0.refused)),
        ),
    ];
    for (place, servers) in SERVERS.into_iter().enumerate() {
        let several = runs.iter().filter_map(|level| level.several.as_ref()?.get(place)).collect::<Vec<_>>();
        if !several.is_empty() {
            let rate = median(several.iter().map(|several| several.pairs_per_second() * WRITES));
            let p99 = median_duration(several.iter().map(|several| several.p99()));
            let refused = several.iter().map(|several| several.refused()).sum::<usize>();
            rows.push(row(&format!("{servers} servers on one PostgreSQL"), rate, format!("| {} | {refused}", ms(p99))));
        }
    }
    rows
}

fn figure(figure: &Figure) -> Value {
    json!({
        "figure": figure.what,
        "unit": figure.unit,
        "value": figure.median(),
        "least": figure.least(),
        "greatest": figure.greatest(),
        "reached": figure.is_reached(),
    })
}

/// Writes per second of one number of connections in one round.
fn level(level: &Level) -> Value {
    let several = level.several.iter().flatten().map(|several| several.pairs_per_second() * WRITES);
    json!({
        "connections": level.connections,
        "pgbenchStatement": level.statement,
        "pgbenchTransaction": level.transaction,
        "postgres": writes(&level.one.measured),
        "sqlite": writes(&level.sqlite.0),
        "several": several.collect::<Vec<_>>(),
    })
}
