//! Times as people say them.

use crate::clock::{Clock, SystemClock, Timestamp};
use crate::present::span;

/// How long ago, or how long until, whatever is listed: read once, so that all of a table is of one moment.
#[derive(Clone, Copy)]
pub(super) struct Now(Timestamp);

impl Now {
    pub(super) fn read() -> Self {
        Self(SystemClock::default().now())
    }

    /// How long it has been, such as `3m`.
    pub(super) fn since(self, moment: Timestamp) -> String {
        span(self.0.millis_since(moment))
    }

    /// Whether it is over.
    pub(super) fn is_past(self, moment: Timestamp) -> bool {
        moment <= self.0
    }

    /// How long it will be, such as `2h 10m`; `now` when that is over.
    pub(super) fn until(self, moment: Timestamp) -> String {
        match moment.millis_since(self.0) {
            0 => "now".to_owned(),
            left => span(left),
        }
    }
}
