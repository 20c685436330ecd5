//! Where everything lives: the only place that names rusqlite, r2d2 or refinery.
//!
//! The seam is [`Store::write`] and [`Store::read`]: closures over a transaction with a handful of domain-worded
//! commands, one file a table. A write is answered after its COMMIT is on the disk, never before; a closure that
//! returns an error leaves nothing behind. Closures have no side effects and may be run again.

mod active_rules;
mod audit_events;
mod audit_log;
mod backup;
mod checkpointer;
mod claims;
mod columns;
mod connection;
mod copyable_sql;
mod direct;
mod doctor;
mod error;
mod identify;
mod interactions;
mod lock;
mod migrate;
mod open;
mod page;
mod principals;
mod priority;
mod readers;
mod resolve;
mod sealed_secrets;
mod sessions;
mod trust_rules;
mod where_clause;
mod writer;
mod writer_cache;

use std::ops::Deref;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use rusqlite::Connection;

pub use self::audit_events::EventFilter;
pub use self::audit_log::Events;
pub use self::backup::{BackupError, backup};
pub use self::copyable_sql::CopyableQuery;
pub use self::direct::{AuditLog, ExclusiveDatabase, with_read_tx, with_write_tx};
pub use self::doctor::{Checked, examine};
pub use self::error::{Error, OpenError, Source};
pub use self::interactions::Filter;
pub use self::lock::Generation;
pub use self::page::{Cursor, ListPage, Page};
pub use self::principals::{Token, TokenHash};
pub use self::priority::Priority;
pub use self::sealed_secrets::{Sealed, SealedValue};
pub use self::sessions::LoggedInBy;
pub use self::trust_rules::RuleFilter;

use self::checkpointer::Checkpointer;
use self::readers::{ReadBarrier, Readers};
use self::writer::Writer;
use self::writer_cache::WriterCache;
use crate::clock::{Clock, Timestamp};
use crate::domain::enums::{Outcome, RuleDecision};
use crate::domain::id::RequestId;

/// The longest that one transaction may read: while it does, the write-ahead log cannot begin anew.
const LONGEST_READ: Duration = Duration::from_secs(5);

/// The result of what the store does.
pub type Result<T> = std::result::Result<T, Error>;

/// What a transaction caused beside its rows, to be told once it is committed.
#[derive(Debug, Default)]
pub struct Committed {
    /// The interactions that were resolved.
    pub resolved: Vec<Ending>,
    /// What each use of a trust rule decided.
    pub rule_hits: Vec<RuleDecision>,
    /// The earliest of the deadlines that were set.
    pub next_deadline: Option<Timestamp>,
    /// The last audit event, where one was appended.
    pub last_seq: Option<i64>,
    /// How many pieces of work shared the commit.
    pub works: usize,
    /// How long COMMIT took, the sync of the disk above all.
    pub took: Duration,
}

/// How an interaction ended.
#[derive(Clone, Debug)]
pub struct Ending {
    /// Which.
    pub request_id: RequestId,
    /// How.
    pub outcome: Outcome,
    /// By whom: `principal`, `trust_rule` or `system`.
    pub by: &'static str,
}

impl Committed {
    fn add(&mut self, more: Self) {
        self.works += 1;
        self.resolved.extend(more.resolved);
        self.rule_hits.extend(more.rule_hits);
        self.next_deadline = [self.next_deadline, more.next_deadline].into_iter().flatten().min();
        self.last_seq = self.last_seq.max(more.last_seq);
    }
}

/// AuditContent of every commit, on the writer's thread: it must be quick.
pub type OnCommit = Box<dyn Fn(Committed) + Send>;

/// How much the store does at once, and how much may wait for it.
#[derive(Clone, Copy, Debug)]
pub struct Size {
    /// How many connections read; at least two, of which agents leave one to people.
    pub readers: u32,
    /// How many reads of agents may be queued.
    pub max_queued_reads: usize,
    /// How many writes may be queued before agents are refused; people are at twice as many.
    pub max_queued_writes: usize,
}

/// A read transaction: one consistent picture.
pub struct ReadTx<'c> {
    conn: &'c Connection,
}

/// A write transaction, or one part of a group commit.
pub struct WriteTx<'c> {
    read: ReadTx<'c>,
    cache: &'c mut WriterCache,
    now: Timestamp,
    committed: Committed,
}

impl<'c> Deref for WriteTx<'c> {
    type Target = ReadTx<'c>;

    fn deref(&self) -> &ReadTx<'c> {
        &self.read
    }
}

impl<'c> WriteTx<'c> {
    fn new(conn: &'c Connection, cache: &'c mut WriterCache, now: Timestamp) -> Self {
        Self { read: ReadTx { conn }, cache, now, committed: Committed::default() }
    }

    /// The one reading of the clock that this transaction goes by: never earlier than any committed before it.
    #[must_use]
    pub const fn now(&self) -> Timestamp {
        self.now
    }

    /// Writes one page anew that says what it said before. An UPDATE to the same values would write nothing.
    pub fn rewrite_header(&mut self) -> Result<()> {
        self.conn.prepare_cached("PRAGMA user_version = 0")?.execute([])?;
        Ok(())
    }

    /// Says, once committed, that something is to happen at `deadline`.
    fn set_deadline(&mut self, deadline: Option<Timestamp>) {
        self.committed.next_deadline = [self.committed.next_deadline, deadline].into_iter().flatten().min();
    }
}

/// An open database: one writer, a few readers, and the lock that keeps a second server away.
pub struct Store {
    writer: Writer,
    readers: Readers,
    lock: lock::LockFile,
}

impl Store {
    /// Opens the database at `path`, making it where there is none, and takes the lock on it.
    ///
    /// The clock is told the highest time in the database; `on_commit` hears of every commit.
    pub async fn open(
        path: &Path,
        size: Size,
        clock: Arc<dyn Clock>,
        on_commit: OnCommit,
    ) -> std::result::Result<Self, OpenError> {
        let open::Opened { lock, writer, checkpointer } = open::for_serving(path).await?;
        if let Some(highest) = (ReadTx { conn: &writer }).highest_time()? {
            clock.never_before(highest);
        }
        let gate = ReadBarrier::default();
        let readers = Readers::open(path, size, Arc::clone(&gate), LONGEST_READ)?;
        let checkpointer = Checkpointer::start(checkpointer, gate)?;
        let writer = Writer::start(writer, checkpointer, size.max_queued_writes, clock, on_commit)?;
        Ok(Self { writer, readers, lock })
    }

    /// Runs `work` in a transaction; its `Ok` comes back once it is on the disk, and after its `Err` nothing has changed.
    pub async fn write<T, E, F>(&self, priority: Priority, work: F) -> std::result::Result<T, E>
    where
        F: FnMut(&mut WriteTx<'_>) -> std::result::Result<T, E> + Send + 'static,
        T: Send + 'static,
        E: From<Error> + Send + 'static,
    {
        self.writer.write(priority, work).await
    }

    /// Runs `work` on one consistent picture of what is committed.
    pub async fn read<T, E, F>(&self, priority: Priority, work: F) -> std::result::Result<T, E>
    where
        F: FnOnce(&ReadTx<'_>) -> std::result::Result<T, E> + Send + 'static,
        T: Send + 'static,
        E: From<Error> + Send + 'static,
    {
        self.readers.read(priority, work).await
    }

    /// How many pieces of work wait for the writer, or are being done by it.
    #[must_use]
    pub fn queued_writes(&self) -> usize {
        self.writer.queued()
    }

    /// Changes whenever another process has changed the tokens; see [`Generation`].
    pub fn token_generation(&self) -> std::io::Result<Generation> {
        self.lock.generation()
    }

    /// Ends when the writer has ended: after [`Store::close`], or because the disk can no longer be trusted.
    pub async fn ended(&self) {
        self.writer.ended().await;
    }

    /// Lets what is queued finish, moves the write-ahead log into the database and ends the writer; whether all of it
    /// went well.
    pub async fn close(&self) -> Result<()> {
        self.writer.close().await
    }
}
