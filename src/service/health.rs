//! Readiness and measurements: whether the service works, and how much it has to do.

use std::time::Duration;

use super::{Result, Service};
use crate::metrics::{Metrics, Snapshot};
use crate::store::Priority;

impl Service {
    /// Commits a write that changes nothing: succeeds if the database takes writes.
    ///
    /// # Errors
    ///
    /// An error of the store: the database takes no writes.
    pub async fn ready(&self, priority: Priority) -> Result<()> {
        self.store.write(priority, |tx| Ok(tx.rewrite_header()?)).await
    }

    /// Returns how many requests wait for a resolution.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.waiters.count()
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
        })
    }
}
