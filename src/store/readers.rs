//! The readers: who may use one of the few connections that read, and in which turn.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::sync::Semaphore;

use super::{Error, ReadTx, StoreLimits, postgres, sqlite};
use crate::fair_queue::{FairQueue, Place};
use crate::shares::{Exceeded, Share, ShareLimits, Shares};
use crate::store::Priority;

/// The connections that read.
#[derive(Clone)]
pub(super) enum Pool {
    Sqlite(sqlite::Pool),
    Postgres(postgres::Pool),
}

impl Pool {
    /// Runs `work` in a transaction; blocks the thread.
    fn read<T, E: From<Error>>(self, work: impl Fn(&ReadTx<'_>) -> Result<T, E>) -> Result<T, E> {
        match self {
            Self::Sqlite(pool) => pool.read(work),
            Self::Postgres(pool) => pool.read(work),
        }
    }
}

pub(super) struct Readers {
    pool: Pool,
    /// One permit a connection: reads wait here for one, without a thread.
    permits: Semaphore,
    /// Places that agents need beside: one fewer, so that people never wait behind them.
    agents: Arc<FairQueue>,
    /// How many reads of agents and strangers are queued or running.
    queued: AtomicUsize,
    max_queued: usize,
    /// The same for each agent.
    shares: Arc<Shares>,
}

impl Readers {
    /// Shares the connections of `pool`, of which there are as many as `limits` says.
    pub(super) fn new(pool: Pool, limits: StoreLimits) -> Self {
        let readers = limits.readers as usize;
        let places = readers.saturating_sub(1).max(1);
        Self {
            pool,
            permits: Semaphore::new(readers),
            // One of them is always left to the next agent.
            agents: FairQueue::new(places, places.saturating_sub(1).max(1)),
            queued: AtomicUsize::new(0),
            max_queued: limits.max_queued_reads,
            shares: Shares::new(ShareLimits { all: usize::MAX, own: limits.max_own_queued_reads, assured: 0 }),
        }
    }

    pub(super) async fn read<T, E, F>(&self, priority: Priority, work: F) -> Result<T, E>
    where
        F: Fn(&ReadTx<'_>) -> Result<T, E> + Send + 'static,
        T: Send + 'static,
        E: From<Error> + Send + 'static,
    {
        let _queued = self.enter(&priority)?;
        let _place = self.place(&priority).await?;
        let _permit = self.permits.acquire().await.map_err(|_| Error::Closed)?;
        let pool = self.pool.clone();
        tokio::task::spawn_blocking(move || pool.read(work)).await.map_err(|_| Error::Closed)?
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
