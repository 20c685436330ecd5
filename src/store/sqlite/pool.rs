//! The connections that read: they cannot write, and each is used for one short transaction at a time.

use std::path::Path;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, Instant};

use r2d2_sqlite::SqliteConnectionManager;
use rusqlite::{OpenFlags, Transaction, TransactionBehavior};

use super::connection::STATEMENTS;
use super::held_files::HeldFiles;
use crate::store::{Error, OpenError, ReadTx};

/// After how many steps of SQLite's virtual machine a read checks the time: a fraction of a millisecond.
const STEPS: i32 = 10_000;

/// A lock that every read shares, and that the writer takes alone when there are to be no reads.
pub(super) type ReadBarrier = Arc<RwLock<()>>;

/// The connections.
#[derive(Clone)]
pub(in crate::store) struct Pool {
    connections: r2d2::Pool<SqliteConnectionManager>,
    barrier: ReadBarrier,
    longest: Duration,
    /// A read may outlast the store: held until the connections are closed.
    _files: Arc<HeldFiles>,
}

impl Pool {
    /// Opens so many connections. Each of their transactions passes `barrier` and is stopped after `longest`.
    pub(super) fn open(
        path: &Path,
        connections: u32,
        barrier: ReadBarrier,
        longest: Duration,
        files: Arc<HeldFiles>,
    ) -> Result<Self, OpenError> {
        let manager = SqliteConnectionManager::file(path)
            .with_flags(OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX)
            .with_init(|conn| {
                conn.set_prepared_statement_cache_capacity(STATEMENTS);
                conn.execute_batch("PRAGMA query_only = ON; PRAGMA trusted_schema = OFF; PRAGMA busy_timeout = 5000")
            });
        // A connection that was opened once is good: a check before each use would cost as much as the use.
        let pool = r2d2::Pool::builder().max_size(connections).test_on_check_out(false).build(manager);
        let connections = pool.map_err(|error| Error::NoReader(Arc::new(error)))?;
        Ok(Self { connections, barrier, longest, _files: files })
    }

    /// Runs `work` in a transaction; blocks the thread. It takes the pool, whose fields are dropped last, in their order.
    pub(in crate::store) fn read<T, E: From<Error>>(
        self,
        work: impl FnOnce(&ReadTx<'_>) -> Result<T, E>,
    ) -> Result<T, E> {
        let _open = self.barrier.read().unwrap_or_else(PoisonError::into_inner);
        let conn = self.connections.get().map_err(|error| Error::NoReader(Arc::new(error)))?;
        let (begun, longest) = (Instant::now(), self.longest);
        conn.progress_handler(STEPS, Some(move || begun.elapsed() > longest)).map_err(Error::from)?;
        let tx = Transaction::new_unchecked(&conn, TransactionBehavior::Deferred).map_err(Error::from)?;
        work(&ReadTx::new(&*tx))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::sql::values;
    use crate::store::sqlite::open;

    #[tokio::test]
    async fn a_read_without_an_end_is_broken_off_and_its_connection_reads_on() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("test.db");
        let opened = open::for_serving(&path).await.unwrap();
        let files = Arc::clone(&opened.files);
        let pool = Pool::open(&path, 1, ReadBarrier::default(), Duration::from_millis(20), files).unwrap();
        let count = |sql: &str| pool.clone().read(|tx| -> Result<i64, Error> { tx.sql.one(sql, values![]) });
        let endless = "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n";
        assert!(matches!(count(endless), Err(Error::TooSlow)));
        assert_eq!(count("SELECT count(*) FROM tokens").unwrap(), 0);
    }
}
