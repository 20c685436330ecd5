//! The readers: a few connections that cannot write, each used for one short transaction at a time.

use std::path::Path;
use std::sync::Arc;

use r2d2::Pool;
use r2d2_sqlite::SqliteConnectionManager;
use rusqlite::{OpenFlags, Transaction, TransactionBehavior};
use tokio::sync::Semaphore;

use super::open::STATEMENTS;
use super::{Error, OpenError, ReadTx};

pub(super) struct Readers {
    pool: Pool<SqliteConnectionManager>,
    /// One permit a connection: who waits for one waits here, without a thread.
    permits: Semaphore,
}

impl Readers {
    pub(super) fn open(path: &Path, size: u32) -> Result<Self, OpenError> {
        let manager = SqliteConnectionManager::file(path)
            .with_flags(OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX)
            .with_init(|conn| {
                conn.set_prepared_statement_cache_capacity(STATEMENTS);
                conn.execute_batch("PRAGMA query_only = ON; PRAGMA trusted_schema = OFF; PRAGMA busy_timeout = 5000")
            });
        // A connection that was opened once is good: a check before each use would cost as much as the use.
        let pool = Pool::builder().max_size(size).test_on_check_out(false).build(manager);
        let pool = pool.map_err(|error| Error::NoReader(Arc::new(error)))?;
        Ok(Self { pool, permits: Semaphore::new(size as usize) })
    }

    pub(super) async fn read<T, E, F>(&self, work: F) -> Result<T, E>
    where
        F: FnOnce(&ReadTx<'_>) -> Result<T, E> + Send + 'static,
        T: Send + 'static,
        E: From<Error> + Send + 'static,
    {
        let _permit = self.permits.acquire().await.map_err(|_| Error::Closed)?;
        let pool = self.pool.clone();
        let run = move || {
            let conn = pool.get().map_err(|error| Error::NoReader(Arc::new(error)))?;
            let tx = Transaction::new_unchecked(&conn, TransactionBehavior::Deferred).map_err(Error::from)?;
            work(&ReadTx { conn: &tx })
        };
        tokio::task::spawn_blocking(run).await.map_err(|_| Error::Closed)?
    }
}
