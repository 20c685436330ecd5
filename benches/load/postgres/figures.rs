//! What follows from the rounds: each figure in every round, from values of that round alone.

use std::time::Duration;

use super::report::Report;
use super::{Level, Round, SERVERS, SHARED};
use crate::drive::Measured;
use crate::plan::TARGET_CONNECTIONS;
use crate::rules::RULES;
use crate::stats::{median, median_duration};

/// Two writes are a pair: its registration and its confirmation.
pub(super) const WRITES: f64 = 2.0;

/// Something that was measured or follows from it, in every round.
pub(super) struct Figure {
    pub(super) what: String,
    pub(super) values: Vec<f64>,
    pub(super) unit: &'static str,
    pub(super) goal: Option<Goal>,
}

/// What is wanted of a figure's median.
#[derive(Clone, Copy)]
pub(super) enum Goal {
    AtLeast(f64),
    AtMost(f64),
}

impl Figure {
    pub(super) fn median(&self) -> f64 {
        median(self.values.iter().copied())
    }

    pub(super) fn least(&self) -> f64 {
        self.values.iter().copied().fold(f64::INFINITY, f64::min)
    }

    pub(super) fn greatest(&self) -> f64 {
        self.values.iter().copied().fold(f64::NEG_INFINITY, f64::max)
    }

    /// Whether the goal is reached, where there is one.
    pub(super) fn is_reached(&self) -> Option<bool> {
        self.goal.map(|goal| match goal {
            Goal::AtLeast(wanted) => self.median() >= wanted,
            Goal::AtMost(wanted) => self.median() <= wanted,
        })
    }
}

impl Report {
    /// What is held against something else of the same round.
    pub(super) fn ratios(&self) -> Vec<Figure> {
        let mut ratios = vec![];
        for (number, connections) in self.connections().into_iter().enumerate() {
            ratios.extend(self.over_others(number, connections));
        }
        for (number, connections) in self.connections().into_iter().enumerate() {
            if SHARED.contains(&connections) {
                ratios.extend(self.of_several(number, connections));
            }
        }
        ratios.extend(self.of_full_queues());
        let with_standby = |round: &Round| {
            Some(round.standby.measured.pairs_per_second / target(round)?.one.measured.pairs_per_second)
        };
        let at = format!("at {TARGET_CONNECTIONS} connections");
        ratios.push(self.ratio(
            format!("pairs/s {at}, with a standby ÷ without"),
            Some(Goal::AtLeast(0.7)),
            with_standby,
        ));
        ratios
    }

    /// What a write costs, and what is not held against anything.
    pub(super) fn costs(&self) -> Vec<Figure> {
        let of_a_write = |what: &str, unit, goal, of: fn(&Level) -> f64| {
            let what = format!("{what}, at {TARGET_CONNECTIONS} connections");
            self.figure(what, unit, goal, |round| target(round).map(of))
        };
        let statements = format!("statements a write, at {TARGET_CONNECTIONS} connections");
        let mut costs = vec![
            self.figure(statements, "", Some(Goal::AtMost(0.5)), |round| Some(round.statements)),
            of_a_write("WAL syncs a write", "", Some(Goal::AtMost(0.1)), |level| level.one.wal_syncs_per_write),
            of_a_write("WAL bytes a write", "", None, |level| level.one.wal_bytes_per_write),
            of_a_write("writes a turn", "", None, |level| 1.0 / level.one.turns_per_write),
            of_a_write("transactions of any kind a write", "", None, |level| level.one.transactions_per_write),
            of_a_write("work of the writer's backend for a write", " µs", None, |level| {
                in_us(level.one.backend_worked)
            }),
            of_a_write("work of the server for a request", " µs", None, |level| in_us(level.one.worked)),
            of_a_write("the same on SQLite", " µs", None, |level| in_us(level.sqlite.1)),
        ];
        costs.extend(self.of_waiters());
        costs.push(self.figure(
            "transactions a second of an idle server".to_owned(),
            "",
            Some(Goal::AtMost(10.0)),
            |round| Some(round.idle),
        ));
        costs.extend(self.of_rules());
        costs
    }

    /// One server at a number of connections, beside PostgreSQL alone and beside SQLite.
    fn over_others(&self, number: usize, connections: usize) -> Vec<Figure> {
        let ratio = |over: &str, goal: Option<f64>, other: fn(&Level) -> f64| {
            let what = format!("writes/s at {connections} connections ÷ {over}");
            self.ratio(what, goal.map(Goal::AtLeast), |round| {
                round.levels.get(number).map(|level| writes(&level.one.measured) / other(level))
            })
        };
        let (statement, transaction, sqlite) = match connections {
            1 => (None, Some(0.5), None),
            TARGET_CONNECTIONS => (Some(1.0), None, Some(0.4)),
            256 => (Some(2.0), None, None),
            _ => (None, None, None),
        };
        vec![
            ratio("pgbench's in one statement", statement, |level| level.statement),
            ratio("pgbench's in BEGIN, UPDATE, COMMIT", transaction, |level| level.transaction),
            ratio("SQLite's", sqlite, |level| writes(&level.sqlite.0)),
        ]
    }

    /// Several servers beside one that has all their connections.
    fn of_several(&self, number: usize, connections: usize) -> Vec<Figure> {
        let mut figures = vec![];
        for (place, (servers, (rate, p99))) in SERVERS.into_iter().zip([(0.9, 2.0), (0.7, 3.0)]).enumerate() {
            let name = format!("{servers} servers ÷ 1, {connections} connections in all");
            let of = |round: &Round, of: &dyn Fn(&super::Several, &Measured) -> f64| {
                let level = round.levels.get(number)?;
                Some(of(level.several.as_ref()?.get(place)?, &level.one.measured))
            };
            figures.push(self.ratio(format!("{name}: pairs/s"), Some(Goal::AtLeast(rate)), |round| {
                of(round, &|several, one| several.pairs_per_second() / one.pairs_per_second)
            }));
            figures.push(self.ratio(format!("{name}: p99 of a request"), Some(Goal::AtMost(p99)), |round| {
                of(round, &|several, one| several.p99().as_secs_f64() / one.request.p99.as_secs_f64())
            }));
            let what = format!("{servers} servers, {connections} connections in all: the least share ÷ the greatest");
            figures
                .push(self.ratio(what, Some(Goal::AtLeast(0.7)), |round| of(round, &|several, _| several.evenness())));
        }
        figures
    }

    /// Several servers that each have as many connections as the one beside them.
    fn of_full_queues(&self) -> Vec<Figure> {
        let figures = SERVERS.into_iter().enumerate().map(|(place, servers)| {
            let what = format!("{servers} servers ÷ 1, {TARGET_CONNECTIONS} connections each: pairs/s");
            self.ratio(what, None, |round| {
                Some(round.full.get(place)?.pairs_per_second() / target(round)?.one.measured.pairs_per_second)
            })
        });
        figures.collect()
    }

    fn of_waiters(&self) -> Vec<Figure> {
        let waiting = self.rounds.first().map_or(0, |round| round.waiters.waiting);
        let what = |which: &str| format!("resolved at A, answered to a waiter at B, where {waiting} wait: {which}");
        let lost = |round: &Round| u32::try_from(round.waiters.lost).ok().map(f64::from);
        vec![
            self.figure(what("p50"), " ms", None, |round| Some(in_ms(round.waiters.latency.p50))),
            self.figure(what("p99"), " ms", Some(Goal::AtMost(5.0)), |round| Some(in_ms(round.waiters.latency.p99))),
            self.figure(what("never"), "", Some(Goal::AtMost(0.0)), lost),
        ]
    }

    fn of_rules(&self) -> Vec<Figure> {
        let usual = |round: &Round| round.changes.each_ref().map(|of| in_ms(median_duration(of.iter().copied())));
        let longest = |of: &[Duration]| of.iter().copied().max().map(in_ms);
        let what = |rules: &str| format!("the longest request at B around a rule that A makes, {rules}");
        vec![
            self.figure(what(&format!("{RULES} there: median")), " ms", None, |round| Some(usual(round)[0])),
            self.figure(what("none there: median"), " ms", None, |round| Some(usual(round)[1])),
            self.figure(what(&format!("{RULES} there: greatest")), " ms", None, |round| longest(&round.changes[0])),
            self.figure(what("none there: greatest"), " ms", None, |round| longest(&round.changes[1])),
            self.figure(what("the difference of the medians"), " ms", Some(Goal::AtMost(5.0)), |round| {
                let [with, without] = usual(round);
                Some(with - without)
            }),
        ]
    }

    fn ratio(&self, what: String, goal: Option<Goal>, of: impl Fn(&Round) -> Option<f64>) -> Figure {
        self.figure(what, "×", goal, of)
    }

    fn figure(
        &self,
        what: String,
        unit: &'static str,
        goal: Option<Goal>,
        of: impl Fn(&Round) -> Option<f64>,
    ) -> Figure {
        Figure { what, values: self.rounds.iter().filter_map(of).collect(), unit, goal }
    }

    /// The numbers of connections, which are those of every round.
    fn connections(&self) -> Vec<usize> {
        self.rounds
            .first()
            .map(|round| round.levels.iter().map(|level| level.connections).collect())
            .unwrap_or_default()
    }
}

/// What was measured at the number of connections that the goals speak of.
fn target(round: &Round) -> Option<&Level> {
    round.levels.iter().find(|level| level.connections == TARGET_CONNECTIONS)
}

pub(super) fn writes(measured: &Measured) -> f64 {
    measured.pairs_per_second * WRITES
}

fn in_ms(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}

fn in_us(time: Duration) -> f64 {
    time.as_secs_f64() * 1e6
}
