//! Looks a database over, beside a server or without one, and writes nothing: its pages, its schema, every constraint of
//! every row, what its tables say of each other, and the chain of its history.
//!
//! SQLite's own check can answer `ok` for a row that breaks a CHECK, and a dropped trigger is no damage to it. So what is
//! to hold is taken from a schema that this program makes in cache, never from the file that is looked over.

mod constraints;

use std::collections::BTreeMap;
use std::path::Path;

use rusqlite::Connection;

use self::constraints::constraints;
use super::migrate::migrate;
use super::open;
use crate::store::doctor::{Checked, NAMED, Step, chain, invariants, signatures};
use crate::store::{OpenError, ReadTx, Result};

/// Makes every check on the database at `path` and tells `progress` of each. What is no database of ours, or of another
/// schema, is refused.
pub(in crate::store) fn examine(
    path: &Path,
    progress: &dyn Fn(Step<'_>),
) -> std::result::Result<Vec<Checked>, OpenError> {
    let conn = open::for_examining(path)?;
    let mut trusted = Connection::open_in_memory()?;
    migrate(&mut trusted)?;
    let look = |name: &str, breaks: &str| {
        progress(Step::Check(name));
        Checked::new(name, rows(&conn, breaks))
    };
    let mut checks = vec![
        look("pages and indexes are whole", "SELECT * FROM pragma_integrity_check WHERE integrity_check <> 'ok'"),
        look(
            "no row refers to one that is not there",
            "SELECT \"table\" || ' row ' || coalesce(rowid, '?') || ' to ' || parent FROM pragma_foreign_key_check",
        ),
        Checked::new("the schema is that of its version", differences(&conn, &trusted)),
        Checked::new("the migrations are those of its version", migrations(&conn, &trusted)),
    ];
    for (table, condition, breaks) in constraints(&trusted)? {
        checks.push(look(&format!("{table}: {condition}"), &breaks));
    }
    checks.extend(invariants((&conn).into(), progress));
    checks.push(signatures(&ReadTx::new(&conn), progress));
    checks.push(chain((&conn).into(), progress));
    Ok(checks)
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
