//! The shells of the databases, and how SQL is written for them.

use crate::domain::visible::{Piece, pieces};

/// The shell in which people read the database.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shell {
    /// That of SQLite.
    Sqlite3,
    /// That of PostgreSQL.
    Psql,
}

impl Shell {
    /// Its name, as it is typed.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Sqlite3 => "sqlite3",
            Self::Psql => "psql",
        }
    }

    /// A text as an expression of SQL.
    pub(super) fn literal(self, text: &str) -> String {
        let char = match self {
            Self::Sqlite3 => "char",
            Self::Psql => "chr",
        };
        let mut parts: Vec<String> = Vec::new();
        let mut plain = String::new();
        for piece in pieces(text) {
            match piece {
                Piece::Plain(text) | Piece::Gap(text) => plain.push_str(&text.replace('\'', "''")),
                Piece::Lookalike(c) => plain.push(c),
                Piece::Unseen(c) => {
                    if !plain.is_empty() {
                        parts.push(format!("'{}'", std::mem::take(&mut plain)));
                    }
                    parts.push(format!("{char}({})", u32::from(c)));
                }
            }
        }
        if !plain.is_empty() || parts.is_empty() {
            parts.push(format!("'{plain}'"));
        }
        parts.join(" || ")
    }

    /// A column of milliseconds as a time that people can read.
    pub(super) fn time(self, column: &str) -> String {
        match self {
            Self::Sqlite3 => format!("datetime({column} / 1000, 'unixepoch')"),
            Self::Psql => format!("moment({column})"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_stays_a_value_and_hides_nothing() {
        assert_eq!(Shell::Sqlite3.literal("it's'; DROP TABLE x --"), "'it''s''; DROP TABLE x --'");
        assert_eq!(Shell::Sqlite3.literal("\u{202e}a\u{200b}b"), "char(8238) || 'a' || char(8203) || 'b'");
        assert_eq!(Shell::Psql.literal("\u{202e}a"), "chr(8238) || 'a'");
        assert_eq!(Shell::Sqlite3.literal(""), "''");
    }
}
