//! The history: in pages, and as it grows.

use super::{Result, Service};
use crate::domain::audit::AuditEvent;
use crate::domain::principal::Principal;
use crate::store::{Error as StoreError, EventFilter, ListPage, Page, Priority};

/// The most events that are read at once for a live feed.
const FEED_PAGE: u32 = 200;

impl Service {
    /// A page of the events that `principal` may see, newest first.
    ///
    /// # Errors
    ///
    /// An error of the store.
    pub async fn audit_events(
        &self,
        principal: &Principal,
        filter: EventFilter,
        page: Page,
    ) -> Result<ListPage<AuditEvent>> {
        let filter = EventFilter { visible_to: principal.sees_only().cloned(), ..filter };
        Ok(self.store.read(Priority::of(principal), move |tx| tx.audit_events(&filter, page)).await?)
    }

    /// The place of the last event.
    ///
    /// # Errors
    ///
    /// An error of the store.
    pub async fn last_event(&self, principal: &Principal) -> Result<i64> {
        Ok(self.store.read(Priority::of(principal), |tx| tx.last_seq()).await?)
    }

    /// The next events after `seq` that `principal` may see, oldest first, waiting for one where there is none yet; and
    /// the place to go on from. `None` once the server stops.
    ///
    /// # Errors
    ///
    /// An error of the store.
    pub async fn events_after(&self, principal: &Principal, mut seq: i64) -> Result<Option<(Vec<AuditEvent>, i64)>> {
        let filter = EventFilter { visible_to: principal.sees_only().cloned(), ..EventFilter::default() };
        let mut last_seq = self.last_seq.clone();
        loop {
            // Marked as seen before the look: a commit in between is told of by the next change.
            last_seq.borrow_and_update();
            let filter = filter.clone();
            let ((events, reached), last) = self
                .store
                .read(Priority::of(principal).resumed(), move |tx| {
                    Ok::<_, StoreError>((tx.audit_events_after(seq, &filter, FEED_PAGE)?, tx.last_seq()?))
                })
                .await?;
            if let Some(newest) = events.last().map(|event| event.seq) {
                return Ok(Some((events, newest)));
            }
            if let Some(reached) = reached {
                seq = reached;
                continue;
            }
            seq = seq.max(last);
            tokio::select! {
                changed = last_seq.changed() => if changed.is_err() { return Ok(None) },
                () = self.stopping() => return Ok(None),
            }
        }
    }
}
