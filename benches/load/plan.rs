//! How much is measured. Everything is bounded here: rounds, windows, rows, waiters, and the time of the whole.

use std::time::Duration;

/// The level of load that the targets speak of.
pub(crate) const TARGET_CONNECTIONS: usize = 64;

/// One run's dose of everything.
pub(crate) struct Plan {
    /// How often everything that is compared is measured in turn: the median of the rounds counts, since machines drift.
    pub(crate) rounds: usize,
    pub(crate) pace: Pace,
    /// Numbers of connections.
    pub(crate) levels: &'static [usize],
    pub(crate) small_history_rows: u64,
    pub(crate) large_history_rows: u64,
    pub(crate) waiters: usize,
    /// How many of the waiters are woken.
    pub(crate) wakes: usize,
    /// Starts of each sort.
    pub(crate) starts: usize,
    /// Registrations with and without rules.
    pub(crate) ruled_registrations: usize,
    /// Decisions by themselves.
    pub(crate) decisions: usize,
    /// How long an idle server is watched.
    pub(crate) idle: Duration,
    /// Rules that are made at one server while another is watched.
    pub(crate) rule_changes: u32,
    /// The whole run is given up after this.
    pub(crate) deadline: Duration,
}

/// The two parts of one stretch of load.
#[derive(Clone, Copy)]
pub(crate) struct Pace {
    /// Loaded, not counted: connections open, caches and statement caches fill.
    pub(crate) warm_up: Duration,
    /// Counted.
    pub(crate) window: Duration,
}

impl Plan {
    pub(crate) const FULL: Self = Self {
        rounds: 3,
        pace: Pace { warm_up: Duration::from_millis(1_000), window: Duration::from_secs(5) },
        levels: &[1, 16, TARGET_CONNECTIONS, 256],
        small_history_rows: 10_000,
        large_history_rows: 1_000_000,
        waiters: 10_000,
        wakes: 2_000,
        starts: 7,
        ruled_registrations: 2_000,
        decisions: 10_000,
        idle: Duration::from_secs(10),
        rule_changes: 20,
        deadline: Duration::from_secs(30 * 60),
    };

    pub(crate) const QUICK: Self = Self {
        rounds: 1,
        pace: Pace { warm_up: Duration::from_millis(300), window: Duration::from_millis(1_000) },
        large_history_rows: 100_000,
        waiters: 1_000,
        wakes: 200,
        starts: 2,
        ruled_registrations: 200,
        decisions: 500,
        idle: Duration::from_secs(2),
        rule_changes: 4,
        deadline: Duration::from_secs(3 * 60),
        ..Self::FULL
    };
}
