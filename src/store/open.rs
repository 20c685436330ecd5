//! Opening a database: look first, touch nothing that is not ours, then bring it up to date.

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use rusqlite::Connection;

use super::connection::{BUSY_TIMEOUT, connect, read_only};
use super::error::OpenError;
use super::identify::{damaged, identify, inspect};
use super::lock::LockFile;
use super::migrate::{known_version, migrate, schema_version};

/// How long a server that starts waits for a lock which a command of a moment may hold.
const LOCK_TIMEOUT: Duration = Duration::from_millis(400);

/// How long two attempts to take the lock lie apart.
const LOCK_RETRY: Duration = Duration::from_millis(20);

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

/// A write connection for a command of a moment, beside a server or without one. Where another process is making the tables
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
        pause();
    }
}

#[expect(clippy::disallowed_methods, reason = "no event tells when another process gives the lock back")]
fn pause() {
    std::thread::sleep(LOCK_RETRY);
}

/// A database that is there, with the lock on it.
pub(super) fn exclusive(path: &Path) -> Result<(LockFile, Connection), OpenError> {
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

fn make_directory(path: &Path) -> Result<(), OpenError> {
    match path.parent().filter(|parent| !parent.as_os_str().is_empty()) {
        Some(parent) => fs::create_dir_all(parent).map_err(|error| OpenError::File(parent.to_owned(), error)),
        None => Ok(()),
    }
}

async fn take_lock(path: &Path) -> Result<LockFile, OpenError> {
    let timeout = tokio::time::sleep(LOCK_TIMEOUT);
    tokio::pin!(timeout);
    loop {
        if let Some(lock) = try_lock(path)? {
            return Ok(lock);
        }
        tokio::select! {
            () = &mut timeout => return Err(OpenError::InUse(path.to_owned())),
            () = tokio::time::sleep(LOCK_RETRY) => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::identify::journal_path;

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
}
