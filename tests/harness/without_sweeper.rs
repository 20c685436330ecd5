//! A server that never sweeps: what must be true before a sweep, and what a look sweeps.

use std::sync::Arc;

use countersign::clock::ManualClock;

use super::{Database, START, TestServer};

/// Whether anything happens by itself when time passes.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Sweeper {
    Runs,
    Never,
}

impl TestServer {
    /// One whose sweeper never runs.
    pub(crate) fn without_sweeper() -> Self {
        Self::without_sweeper_with(&[])
    }

    /// The same with flags as on the command line.
    pub(crate) fn without_sweeper_with(flags: &[&str]) -> Self {
        let clock = Arc::new(ManualClock::new(START.parse().unwrap()));
        Self::on(Arc::new(Database::new()), clock, flags, Sweeper::Never)
    }
}
