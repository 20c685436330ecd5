//! Times as people say them.

use std::str::FromStr;

use crate::clock::{Clock, SystemClock, Timestamp};
use crate::domain::moment::moment;
use crate::present::span;

/// How long ago, or how long until, whatever is listed: read once, so that all of a table is of one moment.
#[derive(Clone, Copy)]
pub(super) struct Now(Timestamp);

impl Now {
    pub(super) fn read() -> Self {
        Self(SystemClock::default().now())
    }

    /// By how many minutes days begin before those of UTC on this machine now.
    pub(super) fn offset_minutes(self) -> i32 {
        let now = jiff::Timestamp::from_millisecond(self.0.as_millis()).unwrap_or_default();
        jiff::tz::TimeZone::system().to_offset(now).seconds() / 60
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

/// A moment that a person names: a time, the beginning of a day in UTC, or how long ago it was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Moment(pub(super) Timestamp);

impl FromStr for Moment {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        moment(text, SystemClock::default().now()).map(Self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_is_a_time_a_day_or_a_while_ago() {
        let read = |text: &str| text.parse::<Moment>();
        let noon = "2030-01-31T12:00:00.000Z".parse().unwrap();
        assert_eq!(read("2030-01-31T12:00:00Z"), Ok(Moment(noon)));
        assert_eq!(read("2030-01-31"), Ok(Moment("2030-01-31T00:00:00.000Z".parse().unwrap())));
        assert!(read("7d").unwrap().0 < read("6d").unwrap().0);
        for bad in ["", "-7d", "yesterday", "2030-02-31", "7", "1000000d"] {
            assert!(read(bad).is_err(), "{bad:?} was taken");
        }
    }
}
