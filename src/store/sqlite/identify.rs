//! Which database a file holds, and whether it is whole: asked before anything is written to it.

use std::fs;
use std::path::{Path, PathBuf};

use rusqlite::{Connection, ErrorCode, OpenFlags};

use super::connection::open;
use super::migrate::{known_version, schema_version};
use crate::store::OpenError;

/// `CSGN`, in the header of every countersign database.
const APPLICATION_ID: i64 = 0x4353_474E;

/// The largest file that is read through for damage when it is opened: more would be felt at the start.
const CHECKED_BYTES: u64 = 16 * 1024 * 1024;

/// The header of every SQLite database.
const HEADER_BYTES: u64 = 100;

/// Refuses what is no healthy database of ours, or of a later version, without writing a byte to it.
pub(super) fn inspect(path: &Path) -> Result<(), OpenError> {
    let Some(conn) = identify(path)? else { return Ok(()) };
    let metadata = fs::metadata(path).map_err(|error| OpenError::File(path.to_owned(), error))?;
    if metadata.len() <= CHECKED_BYTES {
        let found: String =
            conn.query_row("PRAGMA quick_check(1)", [], |row| row.get(0)).map_err(|error| damaged(path, error))?;
        if found != "ok" {
            // The last line says what is wrong; before it may stand in which of the attached databases.
            let problem = found.lines().last().unwrap_or_default().to_owned();
            return Err(OpenError::Damaged(path.to_owned(), problem));
        }
    }
    Ok(())
}

/// Says what SQLite's refusal to read a file means for it.
pub(super) fn damaged(path: &Path, error: rusqlite::Error) -> OpenError {
    match error.sqlite_error_code() {
        Some(ErrorCode::NotADatabase) => OpenError::NotOurs(path.to_owned(), "it is no SQLite database"),
        Some(ErrorCode::DatabaseCorrupt) => OpenError::Damaged(path.to_owned(), error.to_string()),
        _ => error.into(),
    }
}

/// Refuses what is no database of ours, or of a later version; a connection to it, unless there is nothing yet.
pub(super) fn identify(path: &Path) -> Result<Option<Connection>, OpenError> {
    let metadata = match fs::metadata(path) {
        Ok(metadata) => metadata,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(OpenError::File(path.to_owned(), error)),
    };
    if !metadata.is_file() {
        return Err(OpenError::NotOurs(path.to_owned(), "it is not a file"));
    }
    if metadata.permissions().readonly() {
        return Err(OpenError::ReadOnly(path.to_owned()));
    }
    if metadata.len() == 0 {
        return Ok(None);
    }
    // SQLite takes a file of one byte for an empty one, and would write over it.
    if metadata.len() < HEADER_BYTES {
        return Err(OpenError::NotOurs(path.to_owned(), "it is no SQLite database"));
    }
    let damaged = |error| damaged(path, error);
    // A start that was killed while it made the file has left a journal, which only a connection that may write can roll
    // back. It asks for nothing else, WAL mode least of all: whose database this is, is not known yet.
    let may_write =
        if journal_path(path).exists() { OpenFlags::SQLITE_OPEN_READ_WRITE } else { OpenFlags::SQLITE_OPEN_READ_ONLY };
    let conn = open(path, may_write)?;
    let application_id: i64 = conn.query_row("PRAGMA application_id", [], |row| row.get(0)).map_err(damaged)?;
    if application_id != APPLICATION_ID && !is_empty(&conn).map_err(damaged)? {
        return Err(OpenError::NotOurs(path.to_owned(), "it is some other program's SQLite database"));
    }
    match schema_version(&conn).map_err(damaged)? {
        Some(found) if found > known_version() => {
            return Err(OpenError::TooNew { path: path.to_owned(), found, known: known_version() });
        }
        Some(_) | None => {}
    }
    Ok(Some(conn))
}

/// SQLite's rollback journal: there only while a file that is not yet in WAL mode is written, or was when its writer died.
pub(super) fn journal_path(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push("-journal");
    name.into()
}

/// Whether there is nothing in it: a start that was killed before its first migration leaves such a file.
fn is_empty(conn: &Connection) -> rusqlite::Result<bool> {
    conn.query_row(
        "SELECT NOT EXISTS (SELECT 1 FROM sqlite_schema WHERE tbl_name <> 'refinery_schema_history')",
        [],
        |row| row.get(0),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::sqlite::migrate::migrate;

    #[test]
    fn the_database_says_whose_it_is() {
        let mut conn = Connection::open_in_memory().unwrap();
        migrate(&mut conn).unwrap();
        let id: i64 = conn.query_row("PRAGMA application_id", [], |row| row.get(0)).unwrap();
        assert_eq!(id, APPLICATION_ID);
    }
}
