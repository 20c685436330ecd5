//! Opening a database: look first, touch nothing that is not ours, then bring it up to date.

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use rusqlite::{Connection, OpenFlags};

use super::connection::{BUSY_TIMEOUT, ServingConnection, connect, open, read_only};
use super::held_files::HeldFiles;
use super::identify::{damaged, identify, inspect};
use super::lock::{Attempt, InUse, Locks, beside, in_use};
use super::migrate::{known_version, migrate, schema_version};
use crate::store::OpenError;

/// How long a server that starts waits for a lock which a command of a moment may hold.
const LOCK_TIMEOUT: Duration = Duration::from_millis(400);

/// How long two attempts to take the lock lie apart.
const LOCK_RETRY: Duration = Duration::from_millis(20);

/// What a server opens: the connections of its writer and its checkpointer, and the files, which outlive them.
pub(super) struct Opened {
    pub(super) writer: ServingConnection,
    pub(super) checkpointer: ServingConnection,
    pub(super) files: Arc<HeldFiles>,
}

/// A connection of a command, and the locks that were needed to open it. The locks are dropped last.
pub(super) struct Opening {
    pub(super) conn: Connection,
    _locks: Option<Locks>,
}

/// Takes the locks, looks, and brings the database up to date.
pub(super) async fn for_serving(path: &Path) -> Result<Opened, OpenError> {
    make_directory(path)?;
    let locks = take_locks(path).await?;
    inspect(path)?;
    let mut writer = connect(path)?;
    migrate(&mut writer)?;
    // What undoes a single statement is kept beside the transaction: where that might become a file, SQLite takes 64 KiB of
    // memory for each statement, and gives them back.
    writer.pragma_update(None, "temp_store", "MEMORY")?;
    // Its thread gives it its settings, so that nobody waits for that.
    let checkpointer = open(path, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
    locks.mark(path)?;
    finish_checkpoint(&writer);
    let files = Arc::new(HeldFiles::of(path, locks)?);
    let serving = |conn| ServingConnection::new(conn, Arc::clone(&files));
    Ok(Opened { writer: serving(writer), checkpointer: serving(checkpointer), files })
}

/// Copies what a log holds that was found: until then its index says that a checkpoint may be under way, which would hide that
/// something else writes to the database. A failure changes nothing: it is copied later.
fn finish_checkpoint(conn: &Connection) {
    if let Err(error) = conn.query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |_| Ok(())) {
        tracing::warn!(%error, "the write-ahead log that was found could not be moved into the database");
    }
}

/// A write connection for a command of a moment, beside a server or without one. Where another process is making the tables
/// at this moment, it waits until they are there.
pub(super) fn open_shared(path: &Path) -> Result<Opening, OpenError> {
    make_directory(path)?;
    let begun = Instant::now();
    loop {
        let refusal = match Locks::try_take(path)? {
            Attempt::Taken(locks) => {
                inspect(path)?;
                let mut conn = connect(path)?;
                migrate(&mut conn)?;
                locks.mark(path)?;
                locks.release().map_err(|error| OpenError::File(path.to_owned(), error))?;
                return Ok(Opening { conn, _locks: Some(locks) });
            }
            Attempt::HeldByThisName => match open_beside(path)? {
                Ok(conn) => return Ok(Opening { conn, _locks: None }),
                Err(refusal) => refusal,
            },
            Attempt::HeldByAnotherName if begun.elapsed() >= LOCK_TIMEOUT => {
                return Err(OpenError::UsedByAnotherName(path.to_owned()));
            }
            Attempt::HeldByAnotherName => OpenError::UsedByAnotherName(path.to_owned()),
        };
        if begun.elapsed() >= BUSY_TIMEOUT {
            return Err(refusal);
        }
        pause();
    }
}

/// A write connection beside the process that holds the locks; why not yet, where that process is still making its files.
fn open_beside(path: &Path) -> Result<Result<Connection, OpenError>, OpenError> {
    if !path.exists() {
        return Ok(Err(OpenError::TooOldToShare(path.to_owned())));
    }
    // SQLite would make a missing one anew, apart from the one that the server has open.
    if !["-wal", "-shm"].iter().all(|ending| beside(path, ending).exists()) {
        return Ok(Err(OpenError::UsedByAnotherName(path.to_owned())));
    }
    let conn = read_only(path)?;
    if schema_version(&conn)?.is_none_or(|version| version < known_version()) {
        return Ok(Err(OpenError::TooOldToShare(path.to_owned())));
    }
    inspect(path)?;
    connect(path).map(Ok)
}

#[expect(clippy::disallowed_methods, reason = "no event tells when another process gives the lock back")]
fn pause() {
    std::thread::sleep(LOCK_RETRY);
}

/// A database that is there, with the locks on it.
pub(super) fn exclusive(path: &Path) -> Result<Opening, OpenError> {
    if !path.exists() {
        return Err(OpenError::Missing(path.to_owned()));
    }
    let begun = Instant::now();
    let locks = loop {
        let refusal = match Locks::try_take(path)? {
            Attempt::Taken(locks) => break locks,
            Attempt::HeldByThisName => OpenError::InUse(path.to_owned()),
            Attempt::HeldByAnotherName => OpenError::UsedByAnotherName(path.to_owned()),
        };
        if begun.elapsed() >= LOCK_TIMEOUT {
            return Err(refusal);
        }
        pause();
    };
    inspect(path)?;
    let mut conn = connect(path)?;
    migrate(&mut conn)?;
    locks.mark(path)?;
    Ok(Opening { conn, _locks: Some(locks) })
}

/// A connection that only reads, beside a server or without one.
pub(super) fn for_reading(path: &Path) -> Result<Connection, OpenError> {
    if !path.exists() {
        return Err(OpenError::Missing(path.to_owned()));
    }
    check_name(path)?;
    inspect(path)?;
    read_only(path)
}

/// Refuses a name beside which there is no write-ahead log, though a server writes one.
fn check_name(path: &Path) -> Result<(), OpenError> {
    match in_use(path)? {
        InUse::No | InUse::ByThisName => Ok(()),
        InUse::ByAnotherName => Err(OpenError::UsedByAnotherName(path.to_owned())),
    }
}

/// The same, of a database that is up to date: what an earlier version wrote has no chain.
pub(super) fn for_reading_the_chain(path: &Path) -> Result<Connection, OpenError> {
    up_to_date(for_reading(path)?, path)
}

/// The same, however damaged it may be.
pub(super) fn for_examining(path: &Path) -> Result<Connection, OpenError> {
    if !path.exists() {
        return Err(OpenError::Missing(path.to_owned()));
    }
    check_name(path)?;
    let conn = identify(path)?.ok_or_else(|| OpenError::NotOurs(path.to_owned(), "it is empty"))?;
    up_to_date(conn, path)
}

fn up_to_date(conn: Connection, path: &Path) -> Result<Connection, OpenError> {
    match schema_version(&conn).map_err(|error| damaged(path, error))? {
        Some(version) if version >= known_version() => Ok(conn),
        Some(_) | None => Err(OpenError::TooOld(path.to_owned())),
    }
}

pub(super) fn make_directory(path: &Path) -> Result<(), OpenError> {
    match path.parent().filter(|parent| !parent.as_os_str().is_empty()) {
        Some(parent) => fs::create_dir_all(parent).map_err(|error| OpenError::Directory(parent.to_owned(), error)),
        None => Ok(()),
    }
}

async fn take_locks(path: &Path) -> Result<Locks, OpenError> {
    let timeout = tokio::time::sleep(LOCK_TIMEOUT);
    tokio::pin!(timeout);
    loop {
        let refusal = match Locks::try_take(path)? {
            Attempt::Taken(locks) => return Ok(locks),
            Attempt::HeldByThisName => OpenError::InUse(path.to_owned()),
            Attempt::HeldByAnotherName => OpenError::UsedByAnotherName(path.to_owned()),
        };
        tokio::select! {
            () = &mut timeout => return Err(refusal),
            () = tokio::time::sleep(LOCK_RETRY) => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::sqlite::identify::journal_path;

    /// The migrations' own table is committed before they are.
    #[test]
    fn a_start_that_was_killed_before_its_migrations_is_no_strangers_database() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("killed.db");
        let conn = connect(&path).unwrap();
        conn.execute_batch("CREATE TABLE refinery_schema_history (version INT4 PRIMARY KEY, name VARCHAR(255), applied_on VARCHAR(255), checksum VARCHAR(255))")
            .unwrap();
        drop(conn);
        assert_eq!(schema_version(&open_shared(&path).unwrap().conn).unwrap(), Some(known_version()));
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
        assert_eq!(schema_version(&open_shared(&killed).unwrap().conn).unwrap(), Some(known_version()));
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
