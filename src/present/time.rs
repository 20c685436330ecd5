//! How long something takes, as people say it.

/// The two largest units of a time, such as `2h 10m`; the script of the pages counts on in the same words.
#[must_use]
pub fn span(millis: u64) -> String {
    let seconds = millis / 1_000;
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
        for (seconds, said) in [
            (0, "0s"),
            (59, "59s"),
            (60, "1m 0s"),
            (61, "1m 1s"),
            (600, "10m"),
            (3_600, "1h"),
            (7_260, "2h 1m"),
            (86_400, "1d"),
            (90_000, "1d 1h"),
        ] {
            assert_eq!(span(seconds * 1000), said);
        }
    }
}
