//! Times as people say them.

use std::time::Duration;

use crate::clock::{Clock, SystemClock, Timestamp};

/// How long ago, or how long until, whatever is listed: read once, so that all of a table is of one moment.
#[derive(Clone, Copy)]
pub(super) struct Now(Timestamp);

impl Now {
    pub(super) fn read() -> Self {
        Self(SystemClock::default().now())
    }

    /// How long it has been, such as `3m`.
    pub(super) fn since(self, moment: Timestamp) -> String {
        short(self.0.millis_since(moment))
    }

    /// How long it will be, such as `2h 10m`; `now` when that is over.
    pub(super) fn until(self, moment: Timestamp) -> String {
        match moment.millis_since(self.0) {
            0 => "now".to_owned(),
            left => short(left),
        }
    }
}

/// The two largest units of a time.
fn short(millis: u64) -> String {
    let seconds = Duration::from_millis(millis).as_secs();
    let (days, hours, minutes) = (seconds / 86_400, seconds / 3_600 % 24, seconds / 60 % 60);
    match (days, hours, minutes) {
        (0, 0, 0) => format!("{seconds}s"),
        (0, 0, 1..10) => format!("{minutes}m {}s", seconds % 60),
        (0, 0, _) => format!("{minutes}m"),
        (0, _, 0) => format!("{hours}h"),
        (0, _, _) => format!("{hours}h {minutes}m"),
        (_, 0, _) => format!("{days}d"),
        _ => format!("{days}d {hours}h"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_said_in_its_two_largest_units() {
        for (seconds, said) in
            [(0, "0s"), (59, "59s"), (61, "1m 1s"), (600, "10m"), (3_600, "1h"), (7_260, "2h 1m"), (90_000, "1d 1h")]
        {
            assert_eq!(short(seconds * 1000), said);
        }
    }
}
