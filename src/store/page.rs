//! Lists in pages: what a caller asks for, what it gets, and the cursor that leads from one page to the next.

use std::fmt::{self, Display, Formatter};
use std::str::FromStr;

/// How many rows one page looks through, however few of them match: a read is to be short, and others wait for it.
const LOOKED_THROUGH: i64 = 20_000;

/// How much a page may hold, in bytes, before it ends: 4 MiB, so that no list takes the cache of all.
pub(super) const PAGE_BYTES: usize = 4 * 1024 * 1024;

/// A position in a list. The store makes it and reads it; to all others it is a text of at most 13 letters and digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cursor(i64);

impl Cursor {
    /// The position of the row with this number, which is never negative.
    pub(super) const fn at(row: i64) -> Self {
        Self(row)
    }

    /// The number of the row.
    pub(super) const fn row(self) -> i64 {
        self.0
    }
}

/// In base 36.
impl Display for Cursor {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let mut number = self.0.unsigned_abs();
        let mut digits = Vec::new();
        loop {
            digits.push(char::from_digit((number % 36) as u32, 36).unwrap_or('0'));
            number /= 36;
            if number == 0 {
                break;
            }
        }
        f.write_str(&digits.into_iter().rev().collect::<String>())
    }
}

impl FromStr for Cursor {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let is_digit = |c: char| c.is_ascii_digit() || c.is_ascii_lowercase();
        let row = if text.chars().all(is_digit) { i64::from_str_radix(text, 36).ok() } else { None };
        row.map(Self).ok_or("a cursor is the nextCursor of an earlier page")
    }
}

/// One page of a list, newest first.
#[derive(Clone, Copy, Debug)]
pub struct Page {
    /// Only what is older than this; `None` for the first page.
    pub before: Option<Cursor>,
    /// At most so many.
    pub limit: u32,
}

impl Page {
    /// The rows that one page looks through: those after the first of the two and before the second. `newest` is the
    /// newest that there is.
    pub(super) fn window(self, newest: i64) -> (i64, i64) {
        let before = self.before.map_or(i64::MAX, Cursor::row).min(newest.saturating_add(1));
        (before.saturating_sub(LOOKED_THROUGH + 1).max(0), before)
    }
}

/// What a page of a list holds.
#[derive(Debug)]
pub struct ListPage<T> {
    /// In the order of the list.
    pub rows: Vec<T>,
    /// Where the next page begins; `None` where there is no more.
    pub next: Option<Cursor>,
}

impl<T> Default for ListPage<T> {
    fn default() -> Self {
        Self { rows: Vec::new(), next: None }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_is_read_back_as_the_position_it_was_made_from() {
        for row in [0, 1, 35, 36, 1_000_000, i64::MAX] {
            assert_eq!(Cursor(row).to_string().parse(), Ok(Cursor(row)));
        }
        assert_eq!(Cursor(36 * 36 + 35).to_string(), "10z");
    }

    #[test]
    fn a_text_that_no_cursor_has_is_refused() {
        for bad in ["", "-1", "+1", "A", "a b", "é", "zzzzzzzzzzzzz"] {
            assert!(bad.parse::<Cursor>().is_err(), "{bad:?} was taken");
        }
    }
}
