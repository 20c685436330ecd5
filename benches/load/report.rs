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
    pub(super) const OF_ECHO: f64 = 0.28;
    pub(super) const OF_DISK: f64 = 0.33;
    pub(super) const REQUEST_P99: Duration = Duration::from_millis(4);
    pub(super) const WORKED: Duration = Duration::from_micros(40);
    pub(super) const ALONE_OVER_NAIVE: f64 = 1.1;
    /// At each number of connections.
    pub(super) const OVER_PEER: [(usize, f64); 4] = [(1, 1.0), (16, 7.0), (64, 9.0), (256, 10.0)];
    pub(super) const OF_SMALL_HISTORY: f64 = 0.95;
    pub(super) const WAITERS_MB: f64 = 120.0;
    pub(super) const WAKE_P99: Duration = Duration::from_micros(500);
    pub(super) const RULES_ADD: Duration = Duration::from_micros(100);
    pub(super) const AFTER_STOP: Duration = Duration::from_millis(10);
    pub(super) const AFTER_KILL: Duration = Duration::from_millis(20);
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
            for (name, runs) in level.servers() {
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
        print_figures(self.figures(plan).into_iter(), out)
    }

    /// Every figure that has a target.
    pub(crate) fn figures(&self, plan: &Plan) -> Vec<Figure> {
        let figures = [
            self.throughput_figures(),
            self.level_figures(),
            self.history_figures(plan),
            self.waiter_figures(plan),
            self.startup_figures(plan),
            rule_figures(&self.rules),
        ];
        figures.into_iter().flatten().collect()
    }

    fn at_target(&self) -> Option<&Level> {
        self.at(TARGET_CONNECTIONS)
    }

    fn at(&self, connections: usize) -> Option<&Level> {
        self.throughput.levels.iter().find(|level| level.connections == connections)
    }

    /// Beside the peer, where one was named, and a lone client beside the naive variant.
    fn level_figures(&self) -> Vec<Figure> {
        let over = |runs: fn(&Level) -> &Vec<Measured>, connections: usize| {
            let level = self.at(connections).filter(|level| !runs(level).is_empty())?;
            Some(median_ratio(&rates(&level.countersign), &rates(runs(level))))
        };
        let alone = over(|level| &level.naive, 1)
            .map(|ratio| Figure::ratio("pairs of one client, over naive".to_owned(), ratio, target::ALONE_OVER_NAIVE));
        let peers = target::OVER_PEER.into_iter().filter_map(|(connections, wanted)| {
            let ratio = over(|level| &level.peer, connections)?;
            Some(Figure::ratio(format!("pairs at {connections} connections, over the peer"), ratio, wanted))
        });
        alone.into_iter().chain(peers).collect()
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
            Figure::percent(
                format!("pairs {at}, of SQLite's alone in groups of as many"),
                median_ratio(&countersign, &self.throughput.disk),
                target::OF_DISK,
            ),
            Figure::time(
                format!("the server's work for a request {at}, on all cores together"),
                median_duration(level.worked.iter().copied()),
                target::WORKED,
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
                value: with,
                target: format!("≤ {} MB", target::WAITERS_MB),
                reached: with <= target::WAITERS_MB,
            },
            Figure::time(wakes, latency.p99, target::WAKE_P99),
            Figure {
                what: "never woken".into(),
                measured: lost.to_string(),
                value: f64::from(u32::try_from(lost).unwrap_or(u32::MAX)),
                target: "0".into(),
                reached: lost == 0,
            },
        ]
    }

    fn startup_figures(&self, plan: &Plan) -> Vec<Figure> {
        let Startup { after_stop, after_kill } = &self.startup;
        let first = |what: &str, (starts, wanted): (&[FirstAnswers], Duration), of: fn(&FirstAnswers) -> Duration| {
            let what = format!("exec to {what}, {} rows, median of {}", plan.large_history_rows, starts.len());
            Figure::time(what, median_duration(starts.iter().map(of)), wanted)
        };
        let (after_stop, after_kill) =
            ((after_stop.as_slice(), target::AFTER_STOP), (after_kill.as_slice(), target::AFTER_KILL));
        vec![
            first("/healthz after a stop", after_stop, |start| start.alive),
            first("an authenticated answer after a stop", after_stop, |start| start.authenticated),
            first("/healthz after SIGKILL under load", after_kill, |start| start.alive),
            first("an authenticated answer after SIGKILL under load", after_kill, |start| start.authenticated),
        ]
    }
}

/// One figure that has a target.
pub(crate) struct Figure {
    pub(crate) what: String,
    /// As it is shown.
    pub(crate) measured: String,
    /// A ratio, a number, or seconds.
    pub(crate) value: f64,
    target: String,
    pub(crate) reached: bool,
}

impl Figure {
    fn ratio(what: String, measured: f64, target: f64) -> Self {
        let (shown, wanted) = (format!("{measured:.1}×"), format!("≥ {target}×"));
        Self { what, measured: shown, value: measured, target: wanted, reached: measured >= target }
    }

    fn percent(what: String, measured: f64, target: f64) -> Self {
        let [shown, wanted] = [measured, target].map(|ratio| ratio * 100.0);
        Self {
            what,
            measured: format!("{shown:.0} %"),
            value: measured,
            target: format!("≥ {wanted:.0} %"),
            reached: measured >= target,
        }
    }

    fn time(what: String, measured: Duration, target: Duration) -> Self {
        let (shown, wanted) = (in_ms(measured), format!("≤ {}", in_ms(target)));
        Self { what, measured: shown, value: measured.as_secs_f64(), target: wanted, reached: measured <= target }
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

pub(crate) fn rates(runs: &[Measured]) -> Vec<f64> {
    runs.iter().map(|run| run.pairs_per_second).collect()
}

pub(crate) fn percentiles(runs: &[Measured], of: fn(&Measured) -> Percentiles) -> Percentiles {
    Percentiles::median(&runs.iter().map(of).collect::<Vec<_>>())
}

pub(crate) fn ms(time: Duration) -> String {
    format!("{:.2}", time.as_secs_f64() * 1_000.0)
}

pub(crate) fn in_ms(time: Duration) -> String {
    if time < Duration::from_millis(1) {
        return format!("{:.0} µs", time.as_secs_f64() * 1e6);
    }
    format!("{} ms", ms(time))
}

pub(crate) fn megabytes(bytes: u64) -> f64 {
    const MEGABYTE: f64 = 1e6;
    #[expect(clippy::cast_precision_loss, reason = "memory is far from 2^53 bytes")]
    let bytes = bytes as f64;
    bytes / MEGABYTE
}

/// The processor, how many of it, and the kernel.
pub(crate) fn machine() -> String {
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    let kernel = std::fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    let processors = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = processors.lines().find_map(|line| line.strip_prefix("model name")).unwrap_or_default();
    format!("{cores} cores ({}), Linux {}", model.trim_start_matches([' ', '\t', ':']), kernel.trim())
}
