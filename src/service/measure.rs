//! What Prometheus is told.

use std::time::Duration;

use super::{Result, Service};
use crate::metrics::{Metrics, Snapshot};
use crate::store::Priority;

impl Service {
    /// Where what happens is counted.
    #[must_use]
    pub fn metrics(&self) -> &Metrics {
        &self.metrics
    }

    /// What stands at this moment.
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
