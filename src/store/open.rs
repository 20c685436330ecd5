//! Opening a database: look first, touch nothing that is not ours, then bring it up to date.

use std::fs;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use refinery::{Migration, Runner};
use rusqlite::{Connection, ErrorCode, OpenFlags};

use super::error::OpenError;
use super::history;
use super::lock::LockFile;

mod embedded {
    refinery::embed_migrations!("migrations");
}

/// `CSGN`, in the header of every countersign database.
const APPLICATION_ID: i64 = 0x4353_474E;

/// How long a server that starts waits for a lock which a command of a moment may hold.
const LOCK_TIMEOUT: Duration = Duration::from_millis(400);

/// How long a write waits for another process.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);

/// The largest file that is read through for damage when it is opened: more would be felt at the start.
const CHECKED_BYTES: u64 = 16 * 1024 * 1024;

/// How many prepared statements a connection keeps: more than there are.
pub(super) const STATEMENTS: usize = 128;

/// The header of every SQLite database.
const HEADER_BYTES: u64 = 100;

/// What a server opens: its lock, and the connections of its writer and its checkpointer.
pub(super) struct Opened {
    pub(super) lock: LockFile,
    pub(super) writer: Connection,
    pub(super) checkpointer: Connection,
}

/// Takes the lock, looks, and brings the database up to date.
pub(super) async fn for_serving(path: &Path) -> Result<Opened, OpenError> {
    make_directory(path)?;
    let lock = take_lock(path).await?;
    inspect(path)?;
    let mut writer = connect(path)?;
    migrate(&mut writer)?;
    Ok(Opened { lock, writer, checkpointer: connect(path)? })
}

/// A write connection for a command of a moment, beside a server or without one. Where somebody else is making the tables
/// at this moment, it waits until they are there.
pub(super) fn open_shared(path: &Path) -> Result<Connection, OpenError> {
    make_directory(path)?;
    let deadline = Instant::now() + BUSY_TIMEOUT;
    loop {
        if let Some(_held_while_migrating) = try_lock(path)? {
            inspect(path)?;
            let mut conn = connect(path)?;
            migrate(&mut conn)?;
            return Ok(conn);
        }
        if path.exists() {
            let conn = read_only(path)?;
            if schema_version(&conn)?.is_some_and(|version| version >= known_version()) {
                inspect(path)?;
                return connect(path);
            }
        }
        if Instant::now() >= deadline {
            return Err(OpenError::TooOldToShare(path.to_owned()));
        }
        // Nobody unparks this thread: it is a rest between two looks at what another process does.
        std::thread::park_timeout(LOCK_TIMEOUT / 20);
    }
}

/// A database that is there, with the lock on it.
pub(super) fn alone(path: &Path) -> Result<(LockFile, Connection), OpenError> {
    if !path.exists() {
        return Err(OpenError::File(path.to_owned(), std::io::ErrorKind::NotFound.into()));
    }
    let lock = try_lock(path)?.ok_or_else(|| OpenError::InUse(path.to_owned()))?;
    inspect(path)?;
    let mut conn = connect(path)?;
    migrate(&mut conn)?;
    Ok((lock, conn))
}

fn try_lock(path: &Path) -> Result<Option<LockFile>, OpenError> {
    LockFile::try_take(path).map_err(|error| OpenError::File(path.to_owned(), error))
}

/// A connection that only reads, beside a server or without one.
pub(super) fn for_reading(path: &Path) -> Result<Connection, OpenError> {
    if !path.exists() {
        return Err(OpenError::File(path.to_owned(), std::io::ErrorKind::NotFound.into()));
    }
    inspect(path)?;
    read_only(path)
}

/// The same, of a database that is up to date: what an earlier version wrote has no chain.
pub(super) fn for_reading_the_chain(path: &Path) -> Result<Connection, OpenError> {
    up_to_date(for_reading(path)?, path)
}

/// The same, however damaged it may be.
pub(super) fn for_examining(path: &Path) -> Result<Connection, OpenError> {
    if !path.exists() {
        return Err(OpenError::File(path.to_owned(), std::io::ErrorKind::NotFound.into()));
    }
    let conn = identify(path)?.ok_or_else(|| OpenError::NotOurs(path.to_owned(), "it is empty"))?;
    up_to_date(conn, path)
}

fn up_to_date(conn: Connection, path: &Path) -> Result<Connection, OpenError> {
    match schema_version(&conn).map_err(|error| damaged(path, error))? {
        Some(version) if version >= known_version() => Ok(conn),
        Some(_) | None => Err(OpenError::TooOld(path.to_owned())),
    }
}

fn read_only(path: &Path) -> Result<Connection, OpenError> {
    open(path, OpenFlags::SQLITE_OPEN_READ_ONLY)
}

/// A connection as SQLite gives it: nothing is asked of the file yet.
fn open(path: &Path, access: OpenFlags) -> Result<Connection, OpenError> {
    let conn = Connection::open_with_flags(path, access | OpenFlags::SQLITE_OPEN_NO_MUTEX)?;
    conn.busy_timeout(BUSY_TIMEOUT)?;
    Ok(conn)
}

fn make_directory(path: &Path) -> Result<(), OpenError> {
    match path.parent().filter(|parent| !parent.as_os_str().is_empty()) {
        Some(parent) => fs::create_dir_all(parent).map_err(|error| OpenError::File(parent.to_owned(), error)),
        None => Ok(()),
    }
}

async fn take_lock(path: &Path) -> Result<LockFile, OpenError> {
    let patience = tokio::time::sleep(LOCK_TIMEOUT);
    tokio::pin!(patience);
    loop {
        if let Some(lock) = try_lock(path)? {
            return Ok(lock);
        }
        tokio::select! {
            () = &mut patience => return Err(OpenError::InUse(path.to_owned())),
            () = tokio::time::sleep(LOCK_TIMEOUT / 20) => {}
        }
    }
}

/// Refuses what is no healthy database of ours, or of a later version, without writing a byte to it.
fn inspect(path: &Path) -> Result<(), OpenError> {
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

fn damaged(path: &Path, error: rusqlite::Error) -> OpenError {
    match error.sqlite_error_code() {
        Some(ErrorCode::NotADatabase) => OpenError::NotOurs(path.to_owned(), "it is no SQLite database"),
        Some(ErrorCode::DatabaseCorrupt) => OpenError::Damaged(path.to_owned(), error.to_string()),
        _ => error.into(),
    }
}

/// Refuses what is no database of ours, or of a later version; a connection to it, unless there is nothing yet.
fn identify(path: &Path) -> Result<Option<Connection>, OpenError> {
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
fn journal_path(path: &Path) -> PathBuf {
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

/// The last migration that was applied; `None` before the first.
fn schema_version(conn: &Connection) -> rusqlite::Result<Option<i64>> {
    let exists = conn.prepare("SELECT 1 FROM sqlite_schema WHERE name = 'refinery_schema_history'")?.exists([])?;
    if !exists {
        return Ok(None);
    }
    conn.query_row("SELECT max(version) FROM refinery_schema_history", [], |row| row.get(0))
}

/// The last migration that this program knows.
fn known_version() -> i64 {
    embedded::migrations::runner().get_migrations().iter().map(Migration::version).map(i64::from).max().unwrap_or(0)
}

/// Brings `conn` up to date.
pub(super) fn migrate(conn: &mut Connection) -> Result<(), OpenError> {
    history::chain_while_migrating(conn)?;
    let migrated = migrations().run(conn);
    history::chained(conn)?;
    migrated.map(drop).map_err(|error| OpenError::Migration(Arc::new(error)))
}

/// All migrations in one transaction: killed in the middle, it leaves the database as it was.
fn migrations() -> Runner {
    embedded::migrations::runner().set_grouped(true)
}

fn connect(path: &Path) -> Result<Connection, OpenError> {
    // A new file is its owner's alone, and so are the files that SQLite puts beside it.
    match fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(path) {
        Ok(_) => {}
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {}
        Err(error) => return Err(OpenError::File(path.to_owned(), error)),
    }
    let conn = open(path, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
    conn.pragma_update(None, "journal_mode", "WAL")?;
    conn.pragma_update(None, "synchronous", "FULL")?;
    conn.pragma_update(None, "foreign_keys", "ON")?;
    // A value that is wiped or sealed anew is to be in no byte of the file.
    conn.pragma_update(None, "secure_delete", "ON")?;
    conn.pragma_update(None, "trusted_schema", "OFF")?;
    // A server has a checkpointer; the last connection to be closed moves the log in any case.
    conn.pragma_update(None, "wal_autocheckpoint", 0)?;
    conn.set_prepared_statement_cache_capacity(STATEMENTS);
    Ok(conn)
}

#[cfg(test)]
mod tests {
    use refinery::Target;

    use super::*;
    use crate::domain::chain::verify;

    /// As `version` of the schema had it.
    fn at_version(conn: &mut Connection, version: i64) {
        history::chain_while_migrating(conn).unwrap();
        migrations().set_target(Target::Version(i32::try_from(version).unwrap())).run(conn).unwrap();
        history::chained(conn).unwrap();
    }

    fn schema(conn: &Connection) -> Vec<(String, Option<String>)> {
        let mut rows = conn.prepare("SELECT name, sql FROM sqlite_schema ORDER BY type, name").unwrap();
        let rows = rows.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).unwrap();
        rows.map(Result::unwrap).collect()
    }

    #[test]
    fn every_earlier_schema_is_brought_to_the_same_one_as_an_empty_file() {
        let mut fresh = Connection::open_in_memory().unwrap();
        migrate(&mut fresh).unwrap();
        assert!(schema(&fresh).len() > 20);
        for version in 1..known_version() {
            let mut old = Connection::open_in_memory().unwrap();
            at_version(&mut old, version);
            assert_ne!(schema(&old), schema(&fresh), "migration {} changed nothing", version + 1);
            migrate(&mut old).unwrap();
            assert_eq!(schema(&old), schema(&fresh), "from version {version}");
        }
    }

    #[test]
    fn the_history_of_every_earlier_schema_is_chained_to_the_letter() {
        for version in 1..4 {
            let mut old = Connection::open_in_memory().unwrap();
            at_version(&mut old, version);
            old.execute_batch(
                "INSERT INTO audit_events (at_ms, event, principal, detail) VALUES (7, 'token.created', 'ada', '{ \"b\":1,  \"a\":2}'); \
                 INSERT INTO audit_events (at_ms, event, request_id, rule_id) VALUES (7, 'interaction.approved', 'r', 'rule')",
            )
            .unwrap();
            let rows = |conn: &Connection| {
                let told = "SELECT group_concat(seq || at_ms || event || quote(request_id) || quote(rule_id) || quote(principal) || detail) FROM audit_events";
                conn.query_row(told, [], |row| row.get::<_, String>(0)).unwrap()
            };
            let before = rows(&old);
            migrate(&mut old).unwrap();
            assert_eq!(rows(&old), before);
            let head = verify(history::events(&old), None).unwrap().unwrap();
            assert_eq!(head.seq, 2, "from version {version}");
            assert!(old.prepare("SELECT audit_hash(1, 2, '', NULL, NULL, NULL, '')").is_err(), "it stays");
        }
    }

    /// The migrations' own table is committed before they are.
    #[test]
    fn a_start_that_was_killed_before_its_migrations_is_no_strangers_database() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("killed.db");
        let conn = connect(&path).unwrap();
        conn.execute_batch("CREATE TABLE refinery_schema_history (version INT4 PRIMARY KEY, name VARCHAR(255), applied_on VARCHAR(255), checksum VARCHAR(255))")
            .unwrap();
        drop(conn);
        assert_eq!(schema_version(&open_shared(&path).unwrap()).unwrap(), Some(known_version()));
    }

    #[test]
    fn a_journal_that_a_killed_start_has_left_is_rolled_back() {
        let directory = tempfile::tempdir().unwrap();
        let [writing, killed] = ["writing.db", "killed.db"].map(|name| directory.path().join(name));
        let conn = Connection::open(&writing).unwrap();
        conn.execute_batch("PRAGMA cache_size = 1; BEGIN; CREATE TABLE half (done)").unwrap();
        while fs::metadata(&writing).unwrap().len() == 0 {
            conn.execute("INSERT INTO half VALUES (randomblob(4000))", []).unwrap();
        }
        for copied in [Path::to_path_buf, journal_path] {
            fs::copy(copied(&writing), copied(&killed)).unwrap();
        }
        assert_eq!(schema_version(&open_shared(&killed).unwrap()).unwrap(), Some(known_version()));
    }

    #[test]
    fn a_strangers_database_is_left_alone_while_it_has_a_journal() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("strangers.db");
        let conn = Connection::open(&path).unwrap();
        conn.execute_batch("CREATE TABLE theirs (t); BEGIN IMMEDIATE; INSERT INTO theirs VALUES (1)").unwrap();
        assert!(journal_path(&path).exists());
        let before = fs::read(&path).unwrap();
        assert!(matches!(open_shared(&path), Err(OpenError::NotOurs(..))));
        conn.execute_batch("COMMIT").unwrap();
        let mode: String = conn.query_row("PRAGMA journal_mode", [], |row| row.get(0)).unwrap();
        assert_eq!((mode.as_str(), fs::read(&path).unwrap().len()), ("delete", before.len()));
    }

    #[test]
    fn the_database_says_whose_it_is() {
        let mut conn = Connection::open_in_memory().unwrap();
        migrate(&mut conn).unwrap();
        let id: i64 = conn.query_row("PRAGMA application_id", [], |row| row.get(0)).unwrap();
        assert_eq!(id, APPLICATION_ID);
    }
}
