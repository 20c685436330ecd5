//! The constraints of a schema, as queries for the rows that break them.

use rusqlite::Connection;

use crate::store::Result;

/// For each constraint: its table, what is to hold, and the query for the keys of the rows in which it does not.
pub(super) fn constraints(schema: &Connection) -> Result<Vec<(String, String, String)>> {
    let mut found = Vec::new();
    let mut tables = schema
        .prepare("SELECT name, sql FROM sqlite_schema WHERE type = 'table' AND sql LIKE '%STRICT%' ORDER BY rowid")?;
    let tables = tables.query_map([], |row| Ok((row.get::<_, String>(0)?, row.get::<_, String>(1)?)))?;
    for table in tables {
        let (table, sql) = table?;
        let mut columns =
            schema.prepare("SELECT name, \"notnull\" OR pk > 0 FROM pragma_table_info(?1) ORDER BY cid")?;
        let columns = columns.query_map([&table], |row| Ok((row.get::<_, String>(0)?, row.get::<_, bool>(1)?)))?;
        let columns = columns.collect::<rusqlite::Result<Vec<_>>>()?;
        let Some((key, _)) = columns.first() else { continue };
        let breaking = |condition: &str| format!("SELECT quote({key}) FROM {table} WHERE {condition}");
        // A CHECK that comes to null holds.
        let checks = checks(&sql).into_iter().map(|check| (check.to_owned(), breaking(&format!("NOT ({check})"))));
        let nulls = columns.iter().filter(|(_, must)| *must);
        let nulls = nulls.map(|(name, _)| (format!("{name} IS NOT NULL"), breaking(&format!("{name} IS NULL"))));
        found.extend(checks.chain(nulls).map(|(condition, breaks)| (table.clone(), condition, breaks)));
    }
    Ok(found)
}

/// The conditions of the CHECKs in a `CREATE TABLE`: what stands between balanced parentheses after the word.
fn checks(sql: &str) -> Vec<&str> {
    let mut found = Vec::new();
    let mut at = 0;
    while let Some(c) = sql[at..].chars().next() {
        let rest = &sql[at..];
        let is_word =
            rest.starts_with("CHECK") && !sql[..at].ends_with(|before: char| before.is_alphanumeric() || before == '_');
        if let Some(open) = rest.find('(').filter(|open| is_word && rest[5..*open].trim().is_empty()) {
            let length = balanced(&rest[open..]);
            found.push(rest[open + 1..open + length - 1].trim());
            at += open + length;
        } else {
            at += skipped(rest).unwrap_or(c.len_utf8());
        }
    }
    found
}

/// The length of what begins with an opening parenthesis, up to the one that closes it.
fn balanced(sql: &str) -> usize {
    let (mut depth, mut at) = (0_usize, 0);
    while let Some(c) = sql[at..].chars().next() {
        if let Some(length) = skipped(&sql[at..]) {
            at += length;
            continue;
        }
        at += c.len_utf8();
        match c {
            '(' => depth += 1,
            ')' => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            break;
        }
    }
    at
}

/// The length of a text in quotes or of a comment, where one begins: no parenthesis counts in them.
fn skipped(sql: &str) -> Option<usize> {
    let length_to = |end: &str, from: usize| sql[from..].find(end).map_or(sql.len(), |at| from + at + end.len());
    match sql.as_bytes() {
        [b'\'', ..] => Some(length_to("'", 1)),
        [b'"', ..] => Some(length_to("\"", 1)),
        [b'-', b'-', ..] => Some(length_to("\n", 2)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn checks_are_read_with_their_parentheses_whatever_is_quoted_or_said_beside() {
        let sql = "CREATE TABLE t (\n a TEXT CHECK (a <> ')' AND (a <> '(')), -- CHECK (not this)\n \
             UNCHECKED TEXT, b TEXT CHECK(length(b) = 1), CHECK ((a IS NULL) = (b IS NULL))) STRICT";
        assert_eq!(checks(sql), ["a <> ')' AND (a <> '(')", "length(b) = 1", "(a IS NULL) = (b IS NULL)"]);
    }

    #[test]
    fn no_check_of_the_schema_is_overlooked() {
        let mut schema = Connection::open_in_memory().unwrap();
        crate::store::sqlite::migrate::migrate(&mut schema).unwrap();
        let words: i64 = schema
            .query_row(
                "SELECT sum((length(sql) - length(replace(sql, 'CHECK (', ''))) / 7) FROM sqlite_schema WHERE type = 'table'",
                [],
                |row| row.get(0),
            )
            .unwrap();
        let constraints = constraints(&schema).unwrap();
        let checks = constraints.iter().filter(|(_, _, breaks)| breaks.contains("WHERE NOT (")).count();
        assert_eq!(i64::try_from(checks).unwrap(), words);
        for (_, condition, breaks) in &constraints {
            assert!(schema.prepare(breaks).is_ok(), "{condition}");
        }
    }
}
