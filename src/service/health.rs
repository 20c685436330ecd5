//! Readiness and measurements: whether the service works, and how much it has to do.

use std::time::Duration;

use super::{OpenError, Result, Service};
use crate::clock::{Clock, MOST_AHEAD_MS, TOLD_AHEAD_MS, Timestamp};
use crate::config::Location;
use crate::metrics::{Metrics, Snapshot};
use crate::store::{Priority, Shell};

/// Warns where the machine's clock is behind the database, and refuses where it is far behind and that is not
/// accepted.
pub(super) fn check_clock(
    location: &Location,
    clock: &dyn Clock,
    is_accepted: bool,
) -> std::result::Result<(), OpenError> {
    let (ahead, last) = (clock.ahead_ms(), clock.now());
    let machine = i64::try_from(ahead).ok().and_then(|ahead| Timestamp::from_millis(last.as_millis() - ahead));
    let machine = machine.unwrap_or(Timestamp::EPOCH);
    if ahead > MOST_AHEAD_MS && !is_accepted {
        return Err(OpenError::ClockBehind { database: location.to_string(), last, clock: machine });
    }
    if ahead > TOLD_AHEAD_MS {
        tracing::warn!(
            %last,
            %machine,
            "the database has events that are later than this machine's clock; time goes on from the last of them"
        );
    }
    Ok(())
}

impl Service {
    /// Commits a write that changes nothing: succeeds if the database takes writes.
    ///
    /// # Errors
    ///
    /// An error of the store: the database takes no writes.
    pub async fn ready(&self, priority: Priority) -> Result<()> {
        Ok(self.store.probe(priority).await?)
    }

    /// Returns how many milliseconds the time here is ahead of the machine's clock, where that is worth telling.
    #[must_use]
    pub fn clock_ahead_ms(&self) -> Option<u64> {
        Some(self.clock.ahead_ms()).filter(|ahead| *ahead > TOLD_AHEAD_MS)
    }

    /// Returns how many requests wait for a resolution.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.waiters.count()
    }

    /// The shell in which people read the database.
    #[must_use]
    pub const fn shell(&self) -> Shell {
        self.store.shell()
    }

    /// Returns how many pieces of work wait for the writer.
    #[must_use]
    pub fn queued_writes(&self) -> usize {
        self.store.queued_writes()
    }

    /// Returns the counters of everything that happens.
    #[must_use]
    pub fn metrics(&self) -> &Metrics {
        &self.metrics
    }

    /// Measures how much is queued, waiting and pending at this moment.
    ///
    /// # Errors
    ///
    /// An error of the store.
    pub async fn snapshot(&self) -> Result<Snapshot> {
        let pending = self.store.read(Priority::Human, |tx| tx.pending_by_kind()).await?;
        let now = self.clock.now();
        let oldest = pending.iter().map(|(_, _, since)| now.millis_since(*since)).max();
        Ok(Snapshot {
            queued_writes: self.store.queued_writes(),
            waiters: self.waiters.count(),
            pending: pending.into_iter().map(|(kind, count, _)| (kind, count)).collect(),
            oldest_pending_age: Duration::from_millis(oldest.unwrap_or(0)),
            follower_silence: self.store.follower_silence(),
            clock_ahead: Duration::from_millis(self.clock.ahead_ms()),
        })
    }
}
