//! The readers: a few connections that cannot write, each used for one short transaction at a time.

use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, Instant};

use r2d2::Pool;
use r2d2_sqlite::SqliteConnectionManager;
use rusqlite::{OpenFlags, Transaction, TransactionBehavior};
use tokio::sync::Semaphore;

use super::connection::STATEMENTS;
use super::held_files::HeldFiles;
use super::{Error, OpenError, ReadTx, StoreLimits};
use crate::fair_queue::{FairQueue, Place};
use crate::shares::{Exceeded, Share, ShareLimits, Shares};
use crate::store::Priority;

/// After how many steps of SQLite's virtual machine a read checks the time: a fraction of a millisecond.
const STEPS: i32 = 10_000;

/// A lock that every read shares, and that the writer takes alone when there are to be no reads.
pub(super) type ReadBarrier = Arc<RwLock<()>>;

pub(super) struct Readers {
    pool: Pool<SqliteConnectionManager>,
    /// One permit a connection: reads wait here for one, without a thread.
    permits: Semaphore,
    /// Places that agents need beside: one fewer, so that people never wait behind them.
    agents: Arc<FairQueue>,
    /// How many reads of agents and strangers are queued or running.
    queued: AtomicUsize,
    max_queued: usize,
    /// The same for each agent.
    shares: Arc<Shares>,
    barrier: ReadBarrier,
    longest: Duration,
    /// Dropped after the pool.
    files: Arc<HeldFiles>,
}

impl Readers {
    /// Opens the connections. Each of their transactions passes `barrier` and is stopped after `longest`.
    pub(super) fn open(
        path: &Path,
        limits: StoreLimits,
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
        let pool = Pool::builder().max_size(limits.readers).test_on_check_out(false).build(manager);
        let pool = pool.map_err(|error| Error::NoReader(Arc::new(error)))?;
        let readers = limits.readers as usize;
        let places = readers.saturating_sub(1).max(1);
        Ok(Self {
            pool,
            permits: Semaphore::new(readers),
            // One of them is always left to the next agent.
            agents: FairQueue::new(places, places.saturating_sub(1).max(1)),
            queued: AtomicUsize::new(0),
            max_queued: limits.max_queued_reads,
            shares: Shares::new(ShareLimits { all: usize::MAX, own: limits.max_own_queued_reads, assured: 0 }),
            barrier,
            longest,
            files,
        })
    }

    pub(super) async fn read<T, E, F>(&self, priority: Priority, work: F) -> Result<T, E>
    where
        F: FnOnce(&ReadTx<'_>) -> Result<T, E> + Send + 'static,
        T: Send + 'static,
        E: From<Error> + Send + 'static,
    {
        let _queued = self.enter(&priority)?;
        let _place = self.place(&priority).await?;
        let _permit = self.permits.acquire().await.map_err(|_| Error::Closed)?;
        let (pool, barrier, longest) = (self.pool.clone(), Arc::clone(&self.barrier), self.longest);
        let files = Arc::clone(&self.files);
        let run = move || {
            // A read may outlast the store: the files are dropped after its connection.
            let (_files, pool) = (files, pool);
            let _open = barrier.read().unwrap_or_else(PoisonError::into_inner);
            let conn = pool.get().map_err(|error| Error::NoReader(Arc::new(error)))?;
            let begun = Instant::now();
            conn.progress_handler(STEPS, Some(move || begun.elapsed() > longest)).map_err(Error::from)?;
            let tx = Transaction::new_unchecked(&conn, TransactionBehavior::Deferred).map_err(Error::from)?;
            work(&ReadTx { conn: &tx })
        };
        tokio::task::spawn_blocking(run).await.map_err(|_| Error::Closed)?
    }

    /// Counts a read of an agent or a stranger for as long as it lasts, or refuses it.
    fn enter(&self, priority: &Priority) -> Result<Option<Queued<'_>>, Error> {
        let own = match priority {
            Priority::Agent(name) => Some(self.shares.take(name, 1)?),
            Priority::Stranger => None,
            Priority::Resumed(_) | Priority::Human => return Ok(None),
        };
        let queued = Queued { count: &self.queued, _own: own };
        if self.queued.fetch_add(1, Ordering::Relaxed) < self.max_queued {
            Ok(Some(queued))
        } else {
            Err(Error::Overloaded)
        }
    }

    /// Waits for a place among the agents: each of them, and all strangers together, take turns.
    async fn place(&self, priority: &Priority) -> Result<Option<Place>, Error> {
        if *priority == Priority::Human {
            return Ok(None);
        }
        self.agents.enter(&priority.agent().cloned()).await.map(Some).ok_or(Error::Closed)
    }
}

/// A read that is counted until this is dropped.
struct Queued<'c> {
    count: &'c AtomicUsize,
    _own: Option<Share>,
}

impl Drop for Queued<'_> {
    fn drop(&mut self) {
        self.count.fetch_sub(1, Ordering::Relaxed);
    }
}

impl From<Exceeded> for Error {
    fn from(exceeded: Exceeded) -> Self {
        match exceeded {
            Exceeded::Own { limit } => Self::OverShare { limit },
            Exceeded::All { .. } => Self::Overloaded,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::open;

    #[tokio::test]
    async fn a_read_without_an_end_is_broken_off_and_its_connection_reads_on() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("test.db");
        let open::Opened { writer, files, .. } = open::for_serving(&path).await.unwrap();
        let limits = StoreLimits {
            readers: 1,
            max_queued_reads: 1,
            max_own_queued_reads: 1,
            max_queued_writes: 1,
            max_own_queued_writes: 1,
        };
        let readers = Readers::open(&path, limits, ReadBarrier::default(), Duration::from_millis(20), files).unwrap();
        let count = |sql: &'static str| {
            readers.read(Priority::Human, move |tx| -> Result<i64, Error> {
                Ok(tx.conn.query_row(sql, [], |row| row.get(0))?)
            })
        };
        let endless = "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n";
        assert!(matches!(count(endless).await, Err(Error::TooSlow)));
        assert_eq!(count("SELECT count(*) FROM tokens").await.unwrap(), 0);
        drop((readers, writer));
    }
}
