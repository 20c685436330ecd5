//! Files by path, beside a server or without one.

use std::path::Path;
use std::time::Duration;

use rusqlite::{Connection, Transaction, TransactionBehavior};

use super::open;
use crate::clock::Clock;
use crate::store::sql::Sql;
use crate::store::writer_cache::WriterCache;
use crate::store::{Error, OpenError, ReadTx, Result, WriteTx};

/// Runs `work` in a transaction of its own on the database at `path`, beside a server or without one, and makes the
/// database where there is none. It waits for other writers and blocks the thread.
///
/// # Errors
///
/// The error of `work`, or that of opening or writing the database.
pub(in crate::store) fn with_write_tx<T, E>(
    path: &Path,
    clock: &dyn Clock,
    work: impl FnOnce(&mut WriteTx<'_>) -> std::result::Result<T, E>,
) -> std::result::Result<T, E>
where
    E: From<Error> + From<OpenError>,
{
    write_once(&open::open_shared(path)?.conn, clock, work)
}

/// An existing database that no server uses, nor can use while this lives.
pub(in crate::store) struct ExclusiveDatabase {
    opening: open::Opening,
}

impl ExclusiveDatabase {
    /// Takes the locks on the database at `path` and brings it up to date.
    ///
    /// # Errors
    ///
    /// If there is no database, a server uses it, or it cannot be opened.
    pub(in crate::store) fn open(path: &Path) -> std::result::Result<Self, OpenError> {
        Ok(Self { opening: open::exclusive(path)? })
    }

    /// Runs `work` in a transaction of its own.
    ///
    /// # Errors
    ///
    /// The error of `work`, or that of writing the database.
    pub(in crate::store) fn write<T, E: From<Error>>(
        &self,
        clock: &dyn Clock,
        work: impl FnOnce(&mut WriteTx<'_>) -> std::result::Result<T, E>,
    ) -> std::result::Result<T, E> {
        write_once(&self.opening.conn, clock, work)
    }

    /// Moves the write-ahead log into the database and empties it: what a transaction replaced is in neither.
    ///
    /// # Errors
    ///
    /// [`Error::Busy`] while another process reads; nothing is emptied then.
    pub(in crate::store) fn checkpoint(&self) -> Result<()> {
        let is_busy = self.opening.conn.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get(0))?;
        if is_busy { Err(Error::Busy) } else { Ok(()) }
    }

    /// Writes the whole file anew: nothing that was wiped is left in it, it is as small as it can be, and from then on it
    /// can shrink beside a server, too.
    ///
    /// # Errors
    ///
    /// If there is no room for it, or another process reads.
    pub(in crate::store) fn vacuum(&self) -> Result<()> {
        self.opening.conn.pragma_update(None, "auto_vacuum", "INCREMENTAL")?;
        self.opening.conn.execute_batch("VACUUM")?;
        self.checkpoint()
    }
}

/// An existing database beside a server or without one, for a command that writes more than once.
pub(in crate::store) struct SharedDatabase {
    opening: open::Opening,
}

/// How long a command that empties the write-ahead log holds up a server's writes, each time that it tries, and how often it
/// does.
const EMPTYING_TIMEOUT: Duration = Duration::from_millis(100);
const EMPTYING_ATTEMPTS: u32 = 20;

impl SharedDatabase {
    /// Opens the existing database at `path`, and brings it up to date where no server uses it.
    ///
    /// # Errors
    ///
    /// If there is no database, or it cannot be opened.
    pub(in crate::store) fn open(path: &Path) -> std::result::Result<Self, OpenError> {
        if !path.exists() {
            return Err(OpenError::Missing(path.to_owned()));
        }
        Ok(Self { opening: open::open_shared(path)? })
    }

    /// Runs `work` in a transaction of its own; it waits for other writers.
    ///
    /// # Errors
    ///
    /// The error of `work`, or that of writing the database.
    pub(in crate::store) fn write<T, E: From<Error>>(
        &self,
        clock: &dyn Clock,
        work: impl FnOnce(&mut WriteTx<'_>) -> std::result::Result<T, E>,
    ) -> std::result::Result<T, E> {
        write_once(&self.opening.conn, clock, work)
    }

    /// Runs `work` on one consistent state.
    ///
    /// # Errors
    ///
    /// The error of `work`, or that of reading the database.
    pub(in crate::store) fn read<T>(&self, work: impl FnOnce(&ReadTx<'_>) -> Result<T>) -> Result<T> {
        let tx = Transaction::new_unchecked(&self.opening.conn, TransactionBehavior::Deferred)?;
        work(&ReadTx::new(&*tx))
    }

    /// Moves the write-ahead log into the database and empties it; whether it did. It cannot while another process reads
    /// for long.
    ///
    /// # Errors
    ///
    /// If the log cannot be moved.
    pub(in crate::store) fn empty_log(&self) -> Result<bool> {
        self.opening.conn.busy_timeout(EMPTYING_TIMEOUT)?;
        for _ in 0..EMPTYING_ATTEMPTS {
            if !self.opening.conn.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get::<_, bool>(0))? {
                return Ok(true);
            }
        }
        Ok(false)
    }
}

fn write_once<T, E: From<Error>>(
    conn: &Connection,
    clock: &dyn Clock,
    work: impl FnOnce(&mut WriteTx<'_>) -> std::result::Result<T, E>,
) -> std::result::Result<T, E> {
    let tx = Transaction::new_unchecked(conn, TransactionBehavior::Immediate).map_err(Error::from)?;
    if let Some(highest) = ReadTx::new(&*tx).highest_time()? {
        clock.never_before(highest);
    }
    let mut cache = WriterCache::default();
    let mut write = WriteTx::new(&*tx, &mut cache, clock.now());
    let done = work(&mut write)?;
    tx.commit().map_err(Error::from)?;
    Ok(done)
}

/// Runs `work` on one consistent state of the existing database at `path`, beside a server or without one.
///
/// # Errors
///
/// If there is no database, it cannot be opened, or `work` fails.
pub(in crate::store) fn with_read_tx<T>(
    path: &Path,
    work: impl FnOnce(&ReadTx<'_>) -> Result<T>,
) -> std::result::Result<T, OpenError> {
    let conn = open::for_reading(path)?;
    let tx = Transaction::new_unchecked(&conn, TransactionBehavior::Deferred).map_err(Error::from)?;
    Ok(work(&ReadTx::new(&*tx))?)
}

/// Runs `read` on one consistent state of the existing database at `path`, whose schema is that of this program. A server's
/// write-ahead log grows as long as it reads.
///
/// # Errors
///
/// If there is no database, it cannot be opened, or its schema is an earlier one.
pub(in crate::store) fn with_snapshot<T>(
    path: &Path,
    read: impl FnOnce(Sql<'_>) -> T,
) -> std::result::Result<T, OpenError> {
    let conn = open::for_reading_the_chain(path)?;
    let tx = Transaction::new_unchecked(&conn, TransactionBehavior::Deferred).map_err(Error::from)?;
    Ok(read((&*tx).into()))
}

/// The audit log of a database, open for reading beside a server or without one.
pub(in crate::store) struct AuditLog {
    conn: Connection,
}

impl AuditLog {
    /// Opens the existing database at `path`.
    ///
    /// # Errors
    ///
    /// If there is no database, it cannot be opened, or its schema is older than the chain.
    pub(in crate::store) fn open(path: &Path) -> std::result::Result<Self, OpenError> {
        Ok(Self { conn: open::for_reading_the_chain(path)? })
    }

    /// Its statements, each of which reads by itself.
    pub(in crate::store) fn sql(&self) -> Sql<'_> {
        (&self.conn).into()
    }
}
