//! Lists in pages: what a caller asks for, what it gets, and the cursor that leads from one page to the next.

use sha2::{Digest as _, Sha256};

use super::Result;
use super::sql::{Sql, values};
use crate::clock::Timestamp;

/// How many rows one page looks through, however few of them match: a read is to be short, and others wait for it.
pub(super) const LOOKED_THROUGH: i64 = 20_000;

/// The same where each of them has to be unpacked to know whether it matches.
pub(super) const UNPACKED: i64 = 2_000;

/// The same of a query that compares the narrow columns alone.
pub(super) const COMPARED: i64 = 400_000;

/// How many rows one page of a search unpacks, in the blocks that may have what is searched.
pub(super) const SEARCHED_ROWS: i64 = 8_192;

/// How many rows of these blocks it reads, where most of them need not be unpacked.
pub(super) const SEARCHED_THROUGH: i64 = 65_536;

/// How much a page may hold, in bytes, before it ends: 4 MiB, so that no list takes the cache of all.
pub(super) const PAGE_BYTES: usize = 4 * 1024 * 1024;

/// How much one page unpacks, in bytes, however little of it matches: 32 MiB, a fraction of what can be read in the time that a
/// read may take.
pub(super) const READ_BYTES: usize = 32 * 1024 * 1024;

/// The lists that have cursors, each of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum List {
    /// Interactions.
    Interactions,
    /// What is pending of them.
    Pending,
    /// Trust rules.
    TrustRules,
    /// Audit events.
    AuditEvents,
}

impl List {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Interactions => "interactions",
            Self::Pending => "pending",
            Self::TrustRules => "trust_rules",
            Self::AuditEvents => "audit_events",
        }
    }
}

/// How many hexadecimal digits tell whether a cursor was made here.
const CHECK_DIGITS: usize = 6;

/// A position in a list. The store makes it and reads it; to all others it is a text of at most 19 letters and digits, which
/// is of its own list and hardly ever found by guessing.
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

    /// What a client is given: a check, and the row in base 36.
    #[must_use]
    pub fn text(self, list: List) -> String {
        let mut number = self.0.unsigned_abs();
        let mut digits = Vec::new();
        loop {
            digits.push(char::from_digit((number % 36) as u32, 36).unwrap_or('0'));
            number /= 36;
            if number == 0 {
                break;
            }
        }
        self.check(list) + &digits.into_iter().rev().collect::<String>()
    }

    /// Reads what a client was given.
    ///
    /// # Errors
    ///
    /// When this is no cursor of this list.
    pub fn read(text: &str, list: List) -> std::result::Result<Self, &'static str> {
        let row = text.get(CHECK_DIGITS..).and_then(|digits| i64::from_str_radix(digits, 36).ok());
        // Written again it has to be the same: so signs, capitals and zeros in front are refused, too.
        let cursor = row.map(Self).filter(|cursor| cursor.text(list) == text);
        cursor.ok_or("a cursor is the nextCursor of an earlier page of the same list")
    }

    fn check(self, list: List) -> String {
        let digest = Sha256::digest(format!("{} {}", list.as_str(), self.0));
        hex::encode(digest).chars().take(CHECK_DIGITS).collect()
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
    /// One more than is shown tells whether there is more.
    pub(super) const fn one_more(self) -> u32 {
        self.limit.saturating_add(1)
    }

    /// The rows of `among` that one page looks through, `most` at the most.
    pub(super) fn window(self, among: Rows, most: i64) -> Rows {
        let before = self.before.map_or(i64::MAX, Cursor::row).min(among.before);
        Rows { after: before.saturating_sub(most + 1).max(among.after), before }
    }
}

/// A stretch of rows in their order: those after the first number and before the second.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Rows {
    pub(super) after: i64,
    pub(super) before: i64,
}

/// A table whose rows are numbered in the order of their times.
#[derive(Clone, Copy)]
pub(super) struct InOrder {
    /// The number of the last row; 0 before the first.
    pub(super) last: &'static str,
    /// The number and the time of the first row from the one with this number on.
    pub(super) first_from: &'static str,
}

impl InOrder {
    /// The rows of a time: those not before `since` and before `until`. Time never decreases from row to row, so each end is
    /// found by halving, without an index of times.
    pub(super) fn rows(self, sql: Sql<'_>, since: Option<Timestamp>, until: Option<Timestamp>) -> Result<Rows> {
        let last: i64 = sql.one(self.last, values![])?;
        let end = last.saturating_add(1);
        let from = |moment: Option<Timestamp>, otherwise| match moment {
            Some(moment) => self.first_not_before(sql, moment, end),
            None => Ok(otherwise),
        };
        let (first, before) = (from(since, 0)?, from(until, end)?);
        Ok(Rows { after: first.saturating_sub(1).max(0), before })
    }

    /// The number of the first row whose time is not before `moment`; `end` where there is none.
    fn first_not_before(self, sql: Sql<'_>, moment: Timestamp, end: i64) -> Result<i64> {
        let (mut low, mut high) = (0, end);
        while low < high {
            let middle = low + (high - low) / 2;
            let row: Option<(i64, Timestamp)> =
                sql.row(self.first_from, values![middle], |row| Ok((row.get(0)?, row.get(1)?)))?;
            match row {
                Some((number, at)) if at < moment => low = number.saturating_add(1),
                Some(_) | None => high = middle,
            }
        }
        Ok(low)
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
    use crate::store::sqlite::in_memory;

    #[test]
    fn a_cursor_is_read_back_as_the_position_it_was_made_from() {
        for row in [0, 1, 35, 36, 1_000_000, i64::MAX] {
            let text = Cursor(row).text(List::AuditEvents);
            assert_eq!(Cursor::read(&text, List::AuditEvents), Ok(Cursor(row)), "{text}");
            assert!(text.len() <= 19 && text.bytes().all(|byte| byte.is_ascii_digit() || byte.is_ascii_lowercase()));
        }
        assert!(Cursor(36 * 36 + 35).text(List::Pending).ends_with("10z"));
    }

    #[test]
    fn a_stretch_of_time_is_found_whatever_is_missing_between_its_rows() {
        let conn = in_memory::database();
        conn.execute_batch("CREATE TABLE t (n INTEGER PRIMARY KEY, at INTEGER)").unwrap();
        let times = InOrder {
            last: "SELECT coalesce(max(n), 0) FROM t",
            first_from: "SELECT n, at FROM t WHERE n >= ?1 ORDER BY n LIMIT 1",
        };
        let moment = |millis| Timestamp::from_millis(millis);
        assert_eq!(times.rows(Sql::from(&conn), moment(5), moment(6)).unwrap(), Rows { after: 0, before: 0 });
        let rows = [(1, 10), (2, 10), (3, 20), (900, 30), (901, 30), (5000, 40)];
        for (n, at) in rows {
            conn.execute("INSERT INTO t VALUES (?1, ?2)", [n, at]).unwrap();
        }
        for since in 5..45 {
            for until in 5..45 {
                let Rows { after, before } = times.rows(Sql::from(&conn), moment(since), moment(until)).unwrap();
                let found = rows.iter().filter(|(n, _)| *n > after && *n < before);
                let expected = rows.iter().filter(|(_, at)| *at >= since && *at < until);
                assert!(found.eq(expected), "{since} to {until}");
            }
        }
        assert_eq!(times.rows(Sql::from(&conn), None, None).unwrap(), Rows { after: 0, before: 5001 });
    }

    #[test]
    fn a_text_that_no_cursor_has_is_refused() {
        let own = Cursor(36).text(List::Interactions);
        let (check, row) = own.split_at(CHECK_DIGITS);
        let altered = [format!("{check}0{row}"), format!("{check}+{row}"), format!("{check}11"), own.to_uppercase()];
        let made_up = ["", "0", "x", "-1", "+1", "AAAA", "a b", "é", "ééééééé", "zzzzzzzzzzzzz", "0000000", check, row];
        for bad in made_up.into_iter().chain(altered.iter().map(String::as_str)) {
            assert!(Cursor::read(bad, List::Interactions).is_err(), "{bad:?} was taken");
        }
        for other in [List::Pending, List::TrustRules, List::AuditEvents] {
            assert!(Cursor::read(&own, other).is_err(), "{other:?} took another's");
        }
    }
}
