//! When the sweeper is to wake: one time that can be moved forward from anywhere.

use std::sync::atomic::{AtomicI64, Ordering};

use tokio::sync::Notify;

use crate::clock::{Clock, Timestamp};

/// The time that the sweeper sleeps until.
#[derive(Debug)]
pub(super) struct Alarm {
    /// [`i64::MAX`] while the sweeper does not sleep, so that every deadline that is set meanwhile rings.
    until_ms: AtomicI64,
    moved: Notify,
}

impl Default for Alarm {
    fn default() -> Self {
        Self { until_ms: AtomicI64::new(i64::MAX), moved: Notify::new() }
    }
}

impl Alarm {
    /// Rings at `deadline`, or earlier if it is set to an earlier time already.
    pub(super) fn set_no_later_than(&self, deadline: Timestamp) {
        if self.until_ms.fetch_min(deadline.as_millis(), Ordering::AcqRel) > deadline.as_millis() {
            self.moved.notify_one();
        }
    }

    /// Forgets the time; from here on every deadline rings. To be called before the next deadline is looked up.
    pub(super) fn reset(&self) {
        self.until_ms.store(i64::MAX, Ordering::Release);
    }

    /// Ends at `deadline`, or once it may be that an earlier one was set.
    pub(super) async fn sleep(&self, clock: &dyn Clock, deadline: Option<Timestamp>) {
        match deadline {
            Some(deadline) => {
                self.until_ms.fetch_min(deadline.as_millis(), Ordering::AcqRel);
                tokio::select! {
                    () = clock.sleep_until(deadline) => {}
                    () = self.moved.notified() => {}
                }
            }
            None => self.moved.notified().await,
        }
    }
}
