//! A moment as people name it: a time, a day, or how long ago it was or how far ahead it is.

use std::fmt;
use std::str::FromStr;

use crate::clock::Timestamp;

/// How a moment is written.
const WRITTEN: &str = "write a time (2030-01-31T12:00:00Z), a day (2030-01-31), or how long ago (90m, 7d)";

/// Times are counted from 1970 on.
const OUT_OF_RANGE: &str = "times begin with 1970, and end with 9999";

/// A hundred years in milliseconds: more than any use needs, and far from the end of the dates that can be written.
const LONGEST_MS: f64 = 3.2e12;

/// Reads a length of time, such as 90s, 24h or 7d, in milliseconds.
///
/// # Errors
///
/// When the text is none, or it is not between a millisecond and a hundred years.
pub fn millis(text: &str) -> Result<u64, String> {
    // Days and weeks have no fixed length to jiff's durations, but they have to deadlines: 24 hours a day.
    let span = text.parse::<jiff::Span>().map_err(|error| error.to_string())?;
    let day = jiff::SpanRelativeTo::days_are_24_hours();
    let millis = span.total((jiff::Unit::Millisecond, day)).map_err(|error| error.to_string())?;
    if (1.0..=LONGEST_MS).contains(&millis) {
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "the range was checked")]
        return Ok(millis as u64);
    }
    Err("a time is between 1 ms and 100 years".to_owned())
}

/// A moment that a person names, as it was written: how long ago something was, or how far ahead it is, depends on when that is
/// asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Moment {
    written: String,
    meant: Meant,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Meant {
    At(Timestamp),
    Apart(u64),
}

impl Moment {
    /// When it was, asked at `now`; `None` for what is before all times.
    #[must_use]
    pub fn at(&self, now: Timestamp) -> Option<Timestamp> {
        match self.meant {
            Meant::At(moment) => Some(moment),
            Meant::Apart(millis) => now.as_millis().checked_sub_unsigned(millis).and_then(Timestamp::from_millis),
        }
    }

    /// When it will be, asked at `now`; `None` for what is after all times.
    #[must_use]
    pub fn ahead(&self, now: Timestamp) -> Option<Timestamp> {
        match self.meant {
            Meant::At(moment) => Some(moment),
            Meant::Apart(millis) => now.as_millis().checked_add_unsigned(millis).and_then(Timestamp::from_millis),
        }
    }

    /// As it was written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.written
    }
}

impl FromStr for Moment {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let day = format!("{text}T00:00:00Z");
        let named = text.parse().or_else(|_| day.parse()).ok().map(Meant::At);
        let meant = named.or_else(|| millis(text).ok().map(Meant::Apart));
        let is_a_time = |text: &str| text.parse::<jiff::Timestamp>().is_ok();
        let meant = meant.ok_or_else(|| if is_a_time(text) || is_a_time(&day) { OUT_OF_RANGE } else { WRITTEN })?;
        Ok(Self { written: text.to_owned(), meant })
    }
}

impl fmt::Display for Moment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.written)
    }
}

/// Reads a moment that a person names at `now`.
///
/// # Errors
///
/// When the text is none, or it is before 1970.
pub fn moment(text: &str, now: Timestamp) -> Result<Timestamp, &'static str> {
    text.parse::<Moment>()?.at(now).ok_or(OUT_OF_RANGE)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_is_a_time_a_day_or_how_long_ago() {
        let now: Timestamp = "2030-01-31T12:00:00Z".parse().unwrap();
        for (text, expected) in [
            ("2030-01-30T10:00:00+02:00", "2030-01-30T08:00:00.000Z"),
            ("2030-01-30", "2030-01-30T00:00:00.000Z"),
            ("90m", "2030-01-31T10:30:00.000Z"),
            ("1w", "2030-01-24T12:00:00.000Z"),
        ] {
            assert_eq!(moment(text, now).map(|at| at.to_string()).as_deref(), Ok(expected), "{text}");
        }
        for bad in ["", "yesterday", "2030-13-01", "0s", "-2h", "90", "80y"] {
            assert_eq!(moment(bad, now), Err(WRITTEN), "{bad:?}");
        }
        for early in ["1969-12-31", "1969-12-31T23:59:59Z", "0001-01-01", "4000w"] {
            assert_eq!(moment(early, now), Err(OUT_OF_RANGE), "{early:?}");
        }
    }
}
