//! The SQL that shows what a page shows, for people who read the database with the `sqlite3` shell.
//!
//! It is copied into terminals: values are quoted, and no character that is not seen stands in it.

use crate::domain::visible::{Piece, pieces};

/// A text as an expression of SQL. What is not seen is written by its number.
pub(super) fn literal(text: &str) -> String {
    let mut parts: Vec<String> = Vec::new();
    let mut plain = String::new();
    for piece in pieces(text) {
        match piece {
            Piece::Plain(text) => plain.push_str(&text.replace('\'', "''")),
            Piece::Lookalike(c) => plain.push(c),
            Piece::Unseen(c) => {
                if !plain.is_empty() {
                    parts.push(format!("'{}'", std::mem::take(&mut plain)));
                }
                parts.push(format!("char({})", u32::from(c)));
            }
        }
    }
    if !plain.is_empty() || parts.is_empty() {
        parts.push(format!("'{plain}'"));
    }
    parts.join(" || ")
}

/// `WHERE` and those conditions `column = value` that have a value.
pub(super) fn conditions(equal: &[(&str, Option<&str>)]) -> Vec<String> {
    let given = equal.iter().filter_map(|(column, value)| Some((column, (*value)?)));
    given.map(|(column, value)| format!("{column} = {}", literal(value))).collect()
}

/// A query: a line each for what is selected, each condition, and what comes after.
pub(super) fn query(select: &str, conditions: &[String], tail: &str) -> String {
    if conditions.is_empty() {
        return format!("{select}\n{tail};");
    }
    format!("{select}\nWHERE {}\n{tail};", conditions.join("\n  AND "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_stays_a_value_and_hides_nothing() {
        assert_eq!(literal("it's'; DROP TABLE x --"), "'it''s''; DROP TABLE x --'");
        assert_eq!(literal("\u{202e}a\u{200b}b"), "char(8238) || 'a' || char(8203) || 'b'");
        assert_eq!(literal(""), "''");
    }
}
