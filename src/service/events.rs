//! The history: in pages, and as it grows.

use super::{Result, Service};
use crate::domain::audit::AuditEvent;
use crate::domain::principal::Principal;
use crate::store::{EventFilter, ListPage, Page, Priority};

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
    /// the place to go on from. `None` once the server stops, or has not known for too long what others have done.
    ///
    /// A stream that waits costs nothing while others are busy: only an event that it may see wakes it.
    ///
    /// # Errors
    ///
    /// An error of the store.
    pub async fn events_after(&self, principal: &Principal, seq: i64) -> Result<Option<(Vec<AuditEvent>, i64)>> {
        // There is none once the writer has ended.
        let Some(mut woken) = self.feeds.upgrade().map(|feeds| feeds.follow(principal)) else { return Ok(None) };
        loop {
            // Marked as seen before the look: a commit in between is told of by the next change.
            woken.mark_unchanged();
            let own = principal.sees_only().cloned();
            let (events, _) = self
                .store
                .read(Priority::of(principal).resumed(), move |tx| tx.audit_events_after(seq, own.as_ref(), FEED_PAGE))
                .await?;
            if let Some(newest) = events.last().map(|event| event.seq) {
                return Ok(Some((events, newest)));
            }
            tokio::select! {
                changed = woken.changed() => if changed.is_err() { return Ok(None) },
                () = self.stopping() => return Ok(None),
                // Whoever follows would take silence for calm: it is told, and may find another server.
                () = self.store.unheard() => return Ok(None),
            }
        }
    }
}
