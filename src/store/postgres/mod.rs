//! PostgreSQL: one database for several servers. A server still has one writer that commits in groups; here a group first takes its
//! turn among those of all servers. What others commit reaches a server by the history, which its follower reads.

mod asked;
mod batches;
mod connect;
mod dialect;
mod direct;
mod doctor;
mod engine;
mod error;
mod filling;
mod follower;
mod grants;
mod head_file;
mod migrate;
mod pool;
mod probe;
mod readiness;
mod session;
mod tls;
mod values;
mod writing;

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use tokio::runtime::Handle;

use self::connect::Connector;
pub(super) use self::dialect::translated;
pub(super) use self::direct::Session;
pub(super) use self::doctor::examine;
pub(super) use self::engine::PostgresEngine;
use self::error::store_error;
use self::follower::Beside;
pub(super) use self::follower::{Following, Start};
use self::head_file::HeadFile;
pub(super) use self::pool::Pool;
pub(super) use self::session::{Change, Row, Statements};
use self::writing::Writing;
use crate::config::PostgresUrl;
use crate::domain::chain::Head;
use crate::store::sql::Sql;
use crate::store::{Error, OpenError, ReadTx, Result, Seen};

/// For how long a server may hear nothing of the others and still go by the tokens that it knows.
const LONGEST_DEAFNESS: Duration = Duration::from_secs(5);

/// A database that a server has opened.
pub(super) struct Opened {
    pub(super) engine: PostgresEngine,
    pub(super) readers: Pool,
    pub(super) commits: Arc<Commits>,
    /// Where its follower begins.
    pub(super) start: Start,
    /// The end of a history that was lost, where that was accepted.
    pub(super) lost: Option<Head>,
}

/// The commits that have changed tokens, as far as this server knows of them.
pub(super) struct Commits {
    generation: AtomicI64,
    begun: Instant,
    /// When the follower last knew all, in milliseconds since `begun`.
    heard_ms: AtomicU64,
}

impl Default for Commits {
    fn default() -> Self {
        Self { generation: AtomicI64::new(0), begun: Instant::now(), heard_ms: AtomicU64::new(0) }
    }
}

impl Commits {
    /// A number that changes with the tokens.
    ///
    /// # Errors
    ///
    /// If nothing was heard of other servers for too long.
    pub(super) fn generation(&self) -> Result<i64> {
        if self.silence() > LONGEST_DEAFNESS {
            let why = std::io::Error::other("nothing was heard of other servers for five seconds");
            return Err(Error::Unavailable(Arc::new(why)));
        }
        Ok(self.known_generation())
    }

    /// The same, as far as this server knows.
    fn known_generation(&self) -> i64 {
        self.generation.load(Ordering::Acquire)
    }

    /// How long ago this server last knew all that others have done.
    pub(super) fn silence(&self) -> Duration {
        let heard = Duration::from_millis(self.heard_ms.load(Ordering::Acquire));
        self.begun.elapsed().saturating_sub(heard)
    }

    /// Ends once nothing was heard of other servers for too long.
    pub(super) async fn unheard(&self) {
        while let Some(left) = LONGEST_DEAFNESS.checked_sub(self.silence()) {
            // Until then it cannot be too long, whatever is heard meanwhile.
            tokio::time::sleep(left + Duration::from_millis(1)).await;
        }
    }

    /// Has the tokens read anew by whoever needs them next.
    pub(super) fn changed(&self) {
        self.generation.fetch_add(1, Ordering::AcqRel);
    }

    fn heard(&self) {
        let since = u64::try_from(self.begun.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.heard_ms.store(since, Ordering::Release);
    }
}

/// Opens the database for a server, and makes its tables where there are none. There are so many `readers`, none of whose
/// statements goes on for longer than `longest_read`.
pub(super) async fn open(
    url: &PostgresUrl,
    (readers, longest_read): (u32, Duration),
    seen: &Seen,
) -> std::result::Result<Opened, OpenError> {
    let connector = Connector::new(url)?;
    let mut connection = connector.connect().await?;
    probe::probe(&connection, &connector).await?;
    migrate::migrate(&mut connection, &connector).await?;
    probe::may_serve(&connection.client, &connector).await?;
    probe::warn(&connection.client, &connector).await?;
    probe::tell_replication(&connection.client, &connector).await?;
    let database_id = "SELECT database_id::text FROM about";
    let database_id = connection.client.query_one(database_id, &[]).await.map_err(store_error)?.get(0);
    let head_file = HeadFile::new(seen.head_file.clone(), database_id);
    let writing = Writing::new(connection, Handle::current());
    let tx = ReadTx::new(Sql::Postgres(writing.statements()));
    let known = tx.audit_head()?;
    let lost = tx.lost(head_file.read()?, seen, connector.shown())?;
    drop(writing);
    let connection = engine::connect(&connector).await?;
    let readers = Pool::open(connector.clone(), readers, longest_read)?;
    let (commits, beside) = (Arc::new(Commits::default()), Arc::new(Beside::default()));
    let engine = PostgresEngine::new(connector.clone(), connection, Arc::clone(&commits), Arc::clone(&beside));
    let start = Start { connector, known, head_file, commits: Arc::clone(&commits), beside };
    Ok(Opened { engine, readers, commits, start, lost })
}
