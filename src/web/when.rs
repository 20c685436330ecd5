//! Times as people say them; the script goes on counting.

use crate::clock::Timestamp;

/// A time, as it is told at another.
#[derive(Clone, Debug)]
pub(super) struct RelativeTime {
    pub(super) at: Timestamp,
    /// Such as `in 4 min` or `2 h ago`.
    pub(super) said: String,
}

impl RelativeTime {
    pub(super) fn new(at: Timestamp, now: Timestamp) -> Self {
        let said = match (at.millis_since(now), now.millis_since(at)) {
            (0, 0..1_000) => "now".to_owned(),
            (0, past) => format!("{} ago", span(past)),
            (future, _) => format!("in {}", span(future)),
        };
        Self { at, said }
    }
}

/// The largest two units that matter: nobody needs the seconds of a day.
fn span(millis: u64) -> String {
    let seconds = millis / 1_000;
    match seconds {
        0..60 => format!("{seconds} s"),
        60..3_600 => format!("{} min", seconds / 60),
        3_600..86_400 => format!("{} h {} min", seconds / 3_600, seconds % 3_600 / 60),
        _ => format!("{} d {} h", seconds / 86_400, seconds % 86_400 / 3_600),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_told_from_now() {
        let now = Timestamp::from_millis(1_000_000_000_000).unwrap();
        let at = |millis: i64| RelativeTime::new(Timestamp::from_millis(now.as_millis() + millis).unwrap(), now).said;
        assert_eq!(at(0), "now");
        assert_eq!(at(59_999), "in 59 s");
        assert_eq!(at(61_000), "in 1 min");
        assert_eq!(at(-3_600_000), "1 h 0 min ago");
        assert_eq!(at(90_000_000), "in 1 d 1 h");
    }
}
