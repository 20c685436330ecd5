//! Times for people.

use std::fmt;

use askama::filters::HtmlSafe;

use crate::clock::Timestamp;

/// A time as HTML: to the second, with the whole of it for programs.
#[derive(Clone, Copy, Debug)]
pub(super) struct AbsoluteTime(pub(super) Timestamp);

impl fmt::Display for AbsoluteTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let whole = self.0.to_string();
        let (day, rest) = whole.split_once('T').unwrap_or((&whole, ""));
        let second = rest.split('.').next().unwrap_or_default();
        write!(f, "<time datetime=\"{whole}\">{day} {second} UTC</time>")
    }
}

impl HtmlSafe for AbsoluteTime {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_shown_to_the_second_and_known_to_the_millisecond() {
        let at = Timestamp::from_millis(1_893_456_000_123).unwrap();
        let expected = "<time datetime=\"2030-01-01T00:00:00.123Z\">2030-01-01 00:00:00 UTC</time>";
        assert_eq!(AbsoluteTime(at).to_string(), expected);
    }
}
