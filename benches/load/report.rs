//! What was measured, as Markdown: the throughput of every server, then every figure that has a target beside that target.

use std::io::Write;
use std::time::Duration;

use crate::Result;
use crate::drive::Measured;
use crate::history::History;
use crate::plan::{Plan, TARGET_CONNECTIONS};
use crate::rules::{RULES, Rules};
use crate::startup::{FirstAnswers, Startup};
use crate::stats::{Percentiles, median, median_duration, median_ratio};
use crate::throughput::{Level, Throughput};
use crate::waiters::Waiters;

pub(crate) struct Report {
    pub(crate) throughput: Throughput,
    pub(crate) history: History,
    pub(crate) startup: Startup,
    pub(crate) waiters: Waiters,
    pub(crate) rules: Rules,
}

/// What is wanted, in one place.
mod target {
    use std::time::Duration;

    pub(super) const OVER_NAIVE: f64 = 10.0;
    pub(super) const OF_ECHO: f64 = 0.25;
    pub(super) const REQUEST_P99: Duration = Duration::from_millis(8);
    pub(super) const OF_SMALL_HISTORY: f64 = 0.8;
    pub(super) const WAITERS_MB: f64 = 200.0;
    pub(super) const WAKE_P99: Duration = Duration::from_millis(5);
    pub(super) const RULES_ADD: Duration = Duration::from_micros(200);
    pub(super) const FIRST_ANSWER: Duration = Duration::from_millis(100);
}

impl Report {
    pub(crate) fn print(&self, plan: &Plan, quick: bool, out: &mut impl Write) -> Result<()> {
        let (rounds, window) = (plan.rounds, plan.pace.window);
        writeln!(out, "## countersign under load\n")?;
        writeln!(
            out,
            "{}; generator and server share the cores. {rounds} round(s) in turn, {window:?} each.",
            machine()
        )?;
        if quick {
            writeln!(out, "This is a quick run: it shows that everything works, not how fast it is.")?;
        }
        self.print_throughput(out)?;
        self.print_figures(plan, out)
    }

    fn print_throughput(&self, out: &mut impl Write) -> Result<()> {
        writeln!(
            out,
            "\nA pair is a registration and its confirmation on one connection, each durable before it is answered."
        )?;
        writeln!(
            out,
            "Latencies in ms: of a pair, and of each of its two requests. A ratio is countersign's over that row's.\n"
        )?;
        writeln!(
            out,
            "| connections | server | pairs/s | ratio | pair p50 | p99 | p99.9 | request p50 | p99 | p99.9 | refused |"
        )?;
        writeln!(out, "|---:|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|")?;
        for level in &self.throughput.levels {
            for (name, runs) in [("countersign", &level.countersign), ("naive", &level.naive), ("echo", &level.echo)] {
                writeln!(out, "| {} | {name} | {}", level.connections, row(&level.countersign, runs))?;
            }
        }
        let disk = median(self.throughput.disk.iter().copied());
        let ratio =
            self.at_target().map_or(0.0, |level| median_ratio(&rates(&level.countersign), &self.throughput.disk));
        writeln!(out, "| – | SQLite alone, groups of {TARGET_CONNECTIONS} | {disk:.0} | {ratio:.2} | | | | | | | |")?;
        Ok(())
    }

    fn print_figures(&self, plan: &Plan, out: &mut impl Write) -> Result<()> {
        let figures = [
            self.throughput_figures(),
            self.history_figures(plan),
            self.waiter_figures(plan),
            self.startup_figures(plan),
            rule_figures(&self.rules),
        ];
        print_figures(figures.into_iter().flatten(), out)
    }

    fn at_target(&self) -> Option<&Level> {
        self.throughput.levels.iter().find(|level| level.connections == TARGET_CONNECTIONS)
    }

    fn throughput_figures(&self) -> Vec<Figure> {
        let Some(level) = self.at_target() else {
            return vec![];
        };
        let countersign = rates(&level.countersign);
        let p99 = percentiles(&level.countersign, |run| run.request).p99;
        let at = format!("at {TARGET_CONNECTIONS} connections");
        vec![
            Figure::ratio(
                format!("pairs {at}, over naive"),
                median_ratio(&countersign, &rates(&level.naive)),
                target::OVER_NAIVE,
            ),
            Figure::percent(
                format!("requests {at}, of the echo's"),
                median_ratio(&countersign, &rates(&level.echo)),
                target::OF_ECHO,
            ),
            Figure::time(format!("p99 of a request {at}"), p99, target::REQUEST_P99),
        ]
    }

    fn history_figures(&self, plan: &Plan) -> Vec<Figure> {
        let History { small, large } = &self.history;
        let (small_rate, large_rate) = (median(small.iter().copied()), median(large.iter().copied()));
        let what = format!(
            "pairs/s with {} old rows ({large_rate:.0}), of those with {} ({small_rate:.0})",
            plan.large_history_rows, plan.small_history_rows
        );
        vec![Figure::percent(what, median_ratio(large, small), target::OF_SMALL_HISTORY)]
    }

    fn waiter_figures(&self, plan: &Plan) -> Vec<Figure> {
        let Waiters { waiting, before_bytes, with_bytes, woken, lost, latency } = self.waiters;
        let (before, with) = (megabytes(before_bytes), megabytes(with_bytes));
        let what =
            format!("resident with {waiting} of {} idle waiters ({before:.0} MB before they came)", plan.waiters);
        let wakes = format!("{woken} of them woken: p99 (p50 {}, max {})", in_ms(latency.p50), in_ms(latency.max));
        vec![
            Figure {
                what,
                measured: format!("{with:.0} MB"),
                target: format!("≤ {} MB", target::WAITERS_MB),
                reached: with <= target::WAITERS_MB,
            },
            Figure::time(wakes, latency.p99, target::WAKE_P99),
            Figure { what: "never woken".into(), measured: lost.to_string(), target: "0".into(), reached: lost == 0 },
        ]
    }

    fn startup_figures(&self, plan: &Plan) -> Vec<Figure> {
        let Startup { after_stop, after_kill } = &self.startup;
        let first = |what: &str, starts: &[FirstAnswers], of: fn(&FirstAnswers) -> Duration| {
            let what = format!("exec to {what}, {} rows, median of {}", plan.large_history_rows, starts.len());
            Figure::time(what, median_duration(starts.iter().map(of)), target::FIRST_ANSWER)
        };
        vec![
            first("/healthz after a stop", after_stop, |start| start.alive),
            first("an authenticated answer after a stop", after_stop, |start| start.authenticated),
            first("/healthz after SIGKILL under load", after_kill, |start| start.alive),
            first("an authenticated answer after SIGKILL under load", after_kill, |start| start.authenticated),
        ]
    }
}

/// One figure that has a target.
struct Figure {
    what: String,
    measured: String,
    target: String,
    reached: bool,
}

impl Figure {
    fn ratio(what: String, measured: f64, target: f64) -> Self {
        Self {
            what, measured: format!("{measured:.1}×"), target: format!("≥ {target}×"), reached: measured >= target
        }
    }

    fn percent(what: String, measured: f64, target: f64) -> Self {
        let [shown, wanted] = [measured, target].map(|ratio| ratio * 100.0);
        Self {
            what,
            measured: format!("{shown:.0} %"),
            target: format!("≥ {wanted:.0} %"),
            reached: measured >= target,
        }
    }

    fn time(what: String, measured: Duration, target: Duration) -> Self {
        Self { what, measured: in_ms(measured), target: format!("≤ {}", in_ms(target)), reached: measured <= target }
    }
}

/// What the rules cost, by itself.
pub(crate) fn print_rules(rules: &Rules, out: &mut impl Write) -> Result<()> {
    print_figures(rule_figures(rules).into_iter(), out)
}

fn print_figures(figures: impl Iterator<Item = Figure>, out: &mut impl Write) -> Result<()> {
    writeln!(out, "\n| figure | measured | target | |\n|---|---:|---:|---|")?;
    for figure in figures {
        let verdict = if figure.reached { "reached" } else { "**not reached**" };
        writeln!(out, "| {} | {} | {} | {verdict} |", figure.what, figure.measured, figure.target)?;
    }
    Ok(())
}

fn rule_figures(rules: &Rules) -> Vec<Figure> {
    let Rules { added, without, taken_apart, ref decided } = *rules;
    let registered = format!("what {RULES} rules add to a registration of {}", in_ms(without));
    let decided = decided.iter().map(|(decision, time)| {
        let what = format!("deciding a line of five commands against {RULES} `{decision}` rules");
        Figure::time(what, *time, target::RULES_ADD)
    });
    let apart = Figure::time("taking that line apart".to_owned(), taken_apart, target::RULES_ADD);
    [Figure::time(registered, added, target::RULES_ADD), apart].into_iter().chain(decided).collect()
}

/// The rest of a row of the throughput table: medians over the rounds, and countersign's ratio to it.
fn row(countersign: &[Measured], runs: &[Measured]) -> String {
    let ratio = median_ratio(&rates(countersign), &rates(runs));
    let rate = median(rates(runs).into_iter());
    let refused: usize = runs.iter().map(|run| run.refused).sum();
    let latencies = [percentiles(runs, |run| run.pair), percentiles(runs, |run| run.request)];
    let latencies = latencies.map(|of| format!("{} | {} | {}", ms(of.p50), ms(of.p99), ms(of.p999))).join(" | ");
    format!("{rate:.0} | {ratio:.2} | {latencies} | {refused} |")
}

fn rates(runs: &[Measured]) -> Vec<f64> {
    runs.iter().map(|run| run.pairs_per_second).collect()
}

fn percentiles(runs: &[Measured], of: fn(&Measured) -> Percentiles) -> Percentiles {
    Percentiles::median(&runs.iter().map(of).collect::<Vec<_>>())
}

fn ms(time: Duration) -> String {
    format!("{:.2}", time.as_secs_f64() * 1_000.0)
}

fn in_ms(time: Duration) -> String {
    if time < Duration::from_millis(1) {
        return format!("{:.0} µs", time.as_secs_f64() * 1e6);
    }
    format!("{} ms", ms(time))
}

fn megabytes(bytes: u64) -> f64 {
    const MEGABYTE: f64 = 1e6;
    #[expect(clippy::cast_precision_loss, reason = "memory is far from 2^53 bytes")]
    let bytes = bytes as f64;
    bytes / MEGABYTE
}

/// The processor, how many of it, and the kernel.
fn machine() -> String {
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    let kernel = std::fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    let processors = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = processors.lines().find_map(|line| line.strip_prefix("model name")).unwrap_or_default();
    format!("{cores} cores ({}), Linux {}", model.trim_start_matches([' ', '\t', ':']), kernel.trim())
}
