//! Looks a database over, beside a server or without one, and writes nothing: its pages, its schema, every constraint of
//! every row, what its tables say of each other, and the chain of its history.
//!
//! SQLite's own check can answer `ok` for a row that breaks a CHECK, and a dropped trigger is no damage to it. So what is
//! to hold is taken from a schema that this program makes in cache, never from the file that is looked over.

mod constraints;
mod invariants;

use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;

use rusqlite::Connection;

use self::constraints::constraints;
use self::invariants::{INVARIANTS, ROWS_OF_OTHERS};
use super::migrate::migrate;
use super::open;
use crate::domain::chain::{UnverifiedEvent, verify};
use crate::store::{OpenError, ReadTx, Result, audit_log};

/// How many rows that break a check are named.
const NAMED: usize = 5;

/// One check, and what it found.
#[derive(Debug)]
pub struct Checked {
    /// What is to hold, in a few words.
    pub name: String,
    /// Whether what it finds can only be a row that another program has changed by SQL: a backup then holds what the database
    /// holds, and is as good as it.
    pub is_of_rows: bool,
    /// What breaks it: the first few; none where all is well.
    pub found: Vec<String>,
}

/// How far an examination has come.
#[derive(Clone, Copy, Debug)]
pub enum Step<'s> {
    /// This check is being made.
    Check(&'s str),
    /// The signature of this block was looked at.
    Signature(i64),
    /// The chain was followed to this event.
    Event(i64),
}

impl fmt::Display for Step<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Check(name) => write!(f, "checking: {name}"),
            Self::Signature(block) => write!(f, "checking what searches pass over: block {block}"),
            Self::Event(seq) => write!(f, "checking the chain: event {seq}"),
        }
    }
}

/// Makes every check on the database at `path` and tells `progress` of each. What is no database of ours, or of another
/// schema, is refused.
pub fn examine(path: &Path, progress: &dyn Fn(Step<'_>)) -> std::result::Result<Vec<Checked>, OpenError> {
    let conn = open::for_examining(path)?;
    let mut trusted = Connection::open_in_memory()?;
    migrate(&mut trusted)?;
    let look = |name: &str, breaks: &str| {
        progress(Step::Check(name));
        checked(name, rows(&conn, breaks))
    };
    let mut checks = vec![
        look("pages and indexes are whole", "SELECT * FROM pragma_integrity_check WHERE integrity_check <> 'ok'"),
        look(
            "no row refers to one that is not there",
            "SELECT \"table\" || ' row ' || coalesce(rowid, '?') || ' to ' || parent FROM pragma_foreign_key_check",
        ),
        checked("the schema is that of its version", differences(&conn, &trusted)),
        checked("the migrations are those of its version", migrations(&conn, &trusted)),
    ];
    for (table, condition, breaks) in constraints(&trusted)? {
        checks.push(look(&format!("{table}: {condition}"), &breaks));
    }
    let of_rows = |name: &&str| ROWS_OF_OTHERS.contains(name);
    checks.extend(INVARIANTS.iter().map(|(name, breaks)| Checked { is_of_rows: of_rows(name), ..look(name, breaks) }));
    checks.push(signatures(&conn, progress));
    let events = audit_log::events((&conn).into()).inspect(|event| {
        if let Ok(UnverifiedEvent { seq: Some(seq), .. }) = event {
            progress(Step::Event(*seq));
        }
    });
    let chain = verify(events, None);
    checks.push(checked(
        "the history is a whole chain",
        chain.map(|chain| chain.err().iter().map(ToString::to_string).collect()),
    ));
    Ok(checks)
}

/// That every signature is what its interactions come to: then no search passes over what it is to find, and none finds what
/// is forgotten.
fn signatures(conn: &Connection, progress: &dyn Fn(Step<'_>)) -> Checked {
    let name = "searches pass over exactly what they may";
    let wrong = ReadTx::new(conn).wrong_signatures(|block| progress(Step::Signature(block)));
    checked(name, wrong.map(|wrong| wrong.iter().take(NAMED).map(|block| format!("search block {block}")).collect()))
}

/// A query that cannot be answered is itself a finding.
fn checked(name: &str, found: Result<Vec<String>>) -> Checked {
    Checked {
        is_of_rows: false,
        name: name.to_owned(),
        found: found.unwrap_or_else(|error| vec![format!("it cannot be checked: {error}")]),
    }
}

/// The first few rows of a query of one column.
fn rows(conn: &Connection, query: &str) -> Result<Vec<String>> {
    let mut statement = conn.prepare(query)?;
    let mut rows = statement.query([])?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        if found.len() == NAMED {
            found.push("and more".to_owned());
            break;
        }
        // Lossy: what breaks a check may be no text at all.
        let value = row.get_ref(0)?.as_bytes_or_null().ok().flatten().unwrap_or(b"?");
        found.push(String::from_utf8_lossy(value).into_owned());
    }
    Ok(found)
}

/// What is in one schema and not in the other, or not the same.
fn differences(conn: &Connection, trusted: &Connection) -> Result<Vec<String>> {
    let (is, should) = (schema(conn)?, schema(trusted)?);
    let missing = should.keys().filter(|name| !is.contains_key(*name)).map(|name| format!("{name} is missing"));
    let other = should.iter().filter(|(name, sql)| is.get(*name).is_some_and(|found| found != *sql));
    let other = other.map(|(name, _)| format!("{name} is not as it should be"));
    let more = is.keys().filter(|name| !should.contains_key(*name)).map(|name| format!("{name} does not belong there"));
    Ok(missing.chain(other).chain(more).collect())
}

/// The migrations that one database tells of and the other does not, or not so: a server would not start with it.
fn migrations(conn: &Connection, trusted: &Connection) -> Result<Vec<String>> {
    let schema = |conn: &Connection| {
        let each = "SELECT 'V' || version || ' ' || name || ' ' || checksum AS one FROM refinery_schema_history ORDER BY version";
        rows(conn, &format!("SELECT group_concat(one, ', ') FROM ({each})"))
    };
    let (is, should) = (schema(conn)?, schema(trusted)?);
    Ok(if is == should { vec![] } else { is })
}

/// Everything in a schema, by kind and name. Statistics that SQLite was asked to collect change nothing, nor do the two
/// tables that Litestream keeps in every database that it copies.
fn schema(conn: &Connection) -> Result<BTreeMap<String, Option<String>>> {
    let mut statement = conn.prepare(
        "SELECT type || ' ' || name, sql FROM sqlite_schema \
         WHERE name NOT GLOB 'sqlite_stat[0-9]' AND name NOT IN ('_litestream_seq', '_litestream_lock')",
    )?;
    let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}
