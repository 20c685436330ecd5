//! PostgreSQL: one database for several servers. A server still has one writer that commits in groups; here a group first takes its
//! turn among those of all servers.

mod connect;
mod dialect;
mod engine;
mod error;
mod migrate;
mod pool;
mod session;
mod values;

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use tokio_postgres::Config;

use self::connect::connect;
pub(super) use self::engine::PostgresEngine;
pub(super) use self::pool::Pool;
use self::session::Writing;
pub(super) use self::session::{Change, Row, Statements};
use crate::store::{OpenError, Source};

/// A database that a server has opened.
pub(super) struct Opened {
    pub(super) engine: PostgresEngine,
    pub(super) readers: Pool,
    pub(super) commits: Arc<Commits>,
}

/// The commits that have changed tokens, as far as this server knows of them.
#[derive(Default)]
pub(super) struct Commits(AtomicI64);

impl Commits {
    pub(super) fn generation(&self) -> i64 {
        self.0.load(Ordering::Acquire)
    }

    fn changed(&self) {
        self.0.fetch_add(1, Ordering::AcqRel);
    }
}

/// Opens the database for a server, and makes its tables where there are none. There are so many `readers`, none of whose
/// statements goes on for longer than `longest_read`.
pub(super) async fn open(url: &str, readers: u32, longest_read: Duration) -> Result<Opened, OpenError> {
    let config: Config = url.parse().map_err(|error| OpenError::NoServer(Arc::new(error) as Source))?;
    let mut client = connect(&config).await?;
    migrate::migrate(&mut client).await?;
    let readers = Pool::open(config, readers, longest_read)?;
    let commits = Arc::new(Commits::default());
    let writing = Writing::new(client, tokio::runtime::Handle::current());
    let engine = PostgresEngine::new(writing, Arc::clone(&commits));
    Ok(Opened { engine, readers, commits })
}
