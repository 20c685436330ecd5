//! The database: a file a table, with its statements; `writer` and `readers`, which say whose turn it is; `sql`, by which
//! statements run, and `engine`, which commits; and `sqlite` and `postgres`, which have both for their database and all that is its
//! own. `news` is what servers on one database hear of one another.
//!
//! What the layers above see is [`Store::write`] and [`Store::read`]: closures over a transaction with a handful of domain-worded
//! commands, one file a table. A write is answered after its COMMIT is on the disk, never before; a closure that
//! returns an error leaves nothing behind. Closures have no side effects and may be run again.

mod active_rules;
mod audit_events;
mod audit_log;
mod channels;
mod claims;
mod columns;
mod copyable_sql;
mod direct;
mod doctor;
mod draft;
mod engine;
mod error;
mod forgettings;
mod gathered_notices;
mod interaction_lists;
mod interactions;
mod invariants;
mod known_head;
mod moving;
mod news;
mod notices;
mod old_notices;
mod outbox;
mod page;
mod pending;
mod postgres;
mod principals;
mod priority;
mod query_sql;
mod readers;
mod resolve;
mod saved_views;
mod sealed_secrets;
mod search;
mod search_blocks;
mod sessions;
mod snoozes;
mod sql;
mod sqlite;
mod stats;
mod stored_bytes;
mod tool_calls;
mod trust_rules;
mod wants;
mod where_clause;
mod writer;
mod writer_cache;

use std::ops::Deref;
use std::sync::Arc;
use std::time::Duration;

pub use self::audit_events::EventFilter;
pub use self::audit_log::Events;
pub use self::channels::{ChannelToSend, StoredPushKey};
pub use self::copyable_sql::{CopyableQuery, Shell};
pub use self::direct::{AuditLog, ExclusiveDatabase, SharedDatabase, with_read_tx, with_write_tx};
pub use self::doctor::{Checked, Examined, Step, examine};
pub use self::error::{Error, OpenError, Source};
pub use self::forgettings::{Aged, Emptied, Forgettable, Run};
pub use self::interaction_lists::Filter;
pub use self::interactions::BodyColumns;
pub use self::known_head::Seen;
pub use self::moving::{Moved, MovingError, MovingStep, check, export, export_to, import};
pub use self::notices::Told;
pub use self::outbox::{DueChannel, Taken, TakenNotice};
pub use self::page::{Cursor, List, ListPage, Page};
pub use self::principals::{Agent, Token, TokenHash};
pub use self::priority::Priority;
pub use self::sealed_secrets::StoredSecret;
pub use self::search_blocks::{BLOCK_ROWS, NewSignature};
pub use self::sessions::{LoggedInBy, Session};
pub use self::sqlite::{BackupError, Kept, backup, backup_and_keep};
pub use self::stored_bytes::stored_bytes;
pub use self::trust_rules::RuleFilter;
pub use self::wants::Wants;

use self::active_rules::CommittedRules;
use self::engine::Engine;
use self::pending::{Change, FirstDeadline};
use self::readers::{Pool, Readers};
use self::sql::Sql;
use self::writer::Writer;
use self::writer_cache::WriterCache;
use crate::clock::{Clock, Timestamp};
use crate::config::Location;
use crate::domain::enums::{Outcome, RuleDecision};
use crate::domain::id::{PrincipalName, RequestId, ToolName};
use crate::domain::rule_set::RuleSet;

/// The longest that one transaction may read: while it does, the write-ahead log cannot begin anew.
const LONGEST_READ: Duration = Duration::from_secs(5);

/// How often the write-ahead log is tried to be emptied, and how long two attempts lie apart.
const EMPTYING_ATTEMPTS: u32 = 10;
const EMPTYING_PAUSE: Duration = Duration::from_millis(20);

/// The result of a call of the store.
pub type Result<T> = std::result::Result<T, Error>;

/// What a commit caused beside its rows: handed to the [`OnCommit`] function.
#[derive(Debug, Default)]
pub struct CommitSummary {
    /// The interactions that were resolved.
    pub resolved: Vec<ResolvedInteraction>,
    /// What each use of a trust rule decided.
    pub rule_hits: Vec<RuleDecision>,
    /// The earliest of the deadlines that were set.
    pub next_deadline: Option<Timestamp>,
    /// Whether audit events were appended.
    pub has_events: bool,
    /// The principals whose own interactions these events are about; some more than once.
    pub owners: Vec<PrincipalName>,
    /// Whether a token was made or taken back.
    pub has_changed_tokens: bool,
    /// Whether notices were written that are to be sent.
    pub has_notices: bool,
    /// How many interactions were registered.
    pub registered: usize,
    /// How what is pending has changed.
    changes: Vec<Change>,
    /// Whether it was a commit of others.
    pub is_of_others: bool,
    /// How many writes shared the commit.
    pub writes: usize,
    /// How long COMMIT took, the sync of the disk above all.
    pub duration: Duration,
    /// How long a turn among several servers was waited for, and how long it took; `None` on SQLite.
    pub turn: Option<(Duration, Duration)>,
}

/// An interaction that a commit resolved.
#[derive(Clone, Debug)]
pub struct ResolvedInteraction {
    /// Its id.
    pub request_id: RequestId,
    /// Its outcome.
    pub outcome: Outcome,
    /// The kind of its resolver: `principal`, `trust_rule` or `system`.
    pub by: &'static str,
}

impl CommitSummary {
    fn add(&mut self, more: Self) {
        self.writes += 1;
        self.resolved.extend(more.resolved);
        self.rule_hits.extend(more.rule_hits);
        self.next_deadline = [self.next_deadline, more.next_deadline].into_iter().flatten().min();
        self.has_events |= more.has_events;
        self.owners.extend(more.owners);
        self.has_changed_tokens |= more.has_changed_tokens;
        self.has_notices |= more.has_notices;
        self.registered += more.registered;
    }
}

/// Called after every commit, on the writer's thread, and after others of which this server learns: it must be quick.
pub type OnCommit = Arc<dyn Fn(CommitSummary) + Send + Sync>;

/// How much the store does at once, and how much may be queued for it.
#[derive(Clone, Copy, Debug)]
pub struct StoreLimits {
    /// How many connections read; at least two, of which agents leave one to people.
    pub readers: u32,
    /// How many reads of agents may be queued.
    pub max_queued_reads: usize,
    /// How many reads of one agent may be queued.
    pub max_own_queued_reads: usize,
    /// How many writes may be queued before agents are refused; people are at twice as many.
    pub max_queued_writes: usize,
    /// How many writes of one agent may be queued.
    pub max_own_queued_writes: usize,
}

/// A read transaction, which sees one consistent state of the database.
pub struct ReadTx<'c> {
    sql: Sql<'c>,
}

/// A write transaction, or one part of a group commit.
pub struct WriteTx<'c> {
    read: ReadTx<'c>,
    cache: &'c mut WriterCache,
    now: Timestamp,
    /// The version of the tokens; `None` where this very transaction has changed them, or nobody keeps count.
    tokens_at: Option<Generation>,
    committed: CommitSummary,
}

impl<'c> Deref for WriteTx<'c> {
    type Target = ReadTx<'c>;

    fn deref(&self) -> &ReadTx<'c> {
        &self.read
    }
}

impl<'c> ReadTx<'c> {
    fn new(sql: impl Into<Sql<'c>>) -> Self {
        Self { sql: sql.into() }
    }
}

impl<'c> WriteTx<'c> {
    fn new(sql: impl Into<Sql<'c>>, cache: &'c mut WriterCache, now: Timestamp) -> Self {
        Self { read: ReadTx::new(sql), cache, now, tokens_at: None, committed: CommitSummary::default() }
    }

    /// Returns the time of this transaction, which is read once and never earlier than that of a commit before it.
    #[must_use]
    pub const fn now(&self) -> Timestamp {
        self.now
    }

    /// Whether the tokens are still those of this version, which were read before.
    #[must_use]
    pub fn is_of_generation(&self, generation: Generation) -> bool {
        self.tokens_at == Some(generation)
    }

    /// The smallest write: nothing that anybody reads is another afterwards.
    ///
    /// # Errors
    ///
    /// If the page cannot be written.
    pub fn write_nothing(&mut self) -> Result<()> {
        self.sql.write_nothing()
    }

    /// Adds `deadline` to the commit's summary, so that the sweeper wakes by then.
    fn set_deadline(&mut self, deadline: Option<Timestamp>) {
        self.committed.next_deadline = [self.committed.next_deadline, deadline].into_iter().flatten().min();
    }
}

/// An open database: one writer and a few readers, which share the locks that keep a second server away.
pub struct Store {
    writer: Writer,
    readers: Readers,
    commits: Commits,
    known: Known,
    /// `None` where no other server can use the database.
    following: Option<postgres::Following>,
}

/// The commits to the database, as far as requests keep something in memory that they change.
enum Commits {
    Sqlite(Arc<sqlite::Commits>),
    Postgres(Arc<postgres::Commits>),
}

/// A version of what other processes may have changed: equal only while none of them has committed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Generation(Version);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Version {
    Sqlite(sqlite::Generation),
    Postgres(i64),
}

/// What the writer tells everybody of what it has committed.
#[derive(Clone)]
struct Known {
    first_deadline: FirstDeadline,
    rules: CommittedRules,
}

impl Store {
    /// Opens the database, makes it where there is none, and, where it is a file, takes the locks on it.
    ///
    /// The clock is set forward to the highest time in the database; `on_commit` is called after every commit.
    ///
    /// # Errors
    ///
    /// If another server has the database, or it is damaged, of another program or of a newer version, or a file cannot be
    /// read or made.
    pub async fn open(
        location: &Location,
        seen: &Seen,
        limits: StoreLimits,
        clock: Arc<dyn Clock>,
        on_commit: OnCommit,
    ) -> std::result::Result<Self, OpenError> {
        let (engine, pool, commits, shared): (Box<dyn Engine>, _, _, _) = match location {
            Location::File(path) => {
                let sqlite::Opened { engine, readers, commits } =
                    sqlite::open(path, limits.readers, LONGEST_READ).await?;
                (Box::new(engine), Pool::Sqlite(readers), Commits::Sqlite(commits), None)
            }
            Location::Postgres(url) => {
                let readers = (limits.readers, LONGEST_READ);
                let postgres::Opened { engine, readers, commits, start, lost } =
                    postgres::open(url, readers, seen).await?;
                (Box::new(engine), Pool::Postgres(readers), Commits::Postgres(commits), Some((start, lost)))
            }
        };
        if let Some(highest) = ReadTx::new(engine.sql()).highest_time()? {
            clock.never_before(highest);
        }
        let (cache, first_deadline) = WriterCache::open(engine.sql())?;
        let known = Known { first_deadline, rules: CommittedRules::default() };
        let writer = Writer::start(engine, (cache, known.clone()), limits, Arc::clone(&clock), Arc::clone(&on_commit))?;
        let mut store = Self { writer, readers: Readers::new(pool, limits), commits, known, following: None };
        if let Some((start, lost)) = shared {
            if let Some(lost) = lost {
                store.write(Priority::Human, move |tx| tx.note_loss(lost)).await?;
            }
            store.follow(start, clock, on_commit);
        }
        Ok(store)
    }

    /// From here on, what others commit is known soon after.
    fn follow(&mut self, start: postgres::Start, clock: Arc<dyn Clock>, on_commit: OnCommit) {
        let first_deadline = self.known.first_deadline.clone();
        let on_news = move |news: CommitSummary| {
            news.next_deadline.into_iter().for_each(|deadline| first_deadline.no_later_than(deadline));
            on_commit(news);
        };
        self.following = Some(postgres::Following::start(start, clock, Arc::new(on_news)));
    }

    /// Whether other servers may use the database as well.
    #[must_use]
    pub const fn is_shared(&self) -> bool {
        self.following.is_some()
    }

    /// Runs `work` in a transaction. Its `Ok` is returned once it is on the disk; after its `Err` nothing has changed.
    ///
    /// `work` may run more than once, so it has no side effects of its own.
    ///
    /// ```no_run
    /// use countersign::domain::enums::Role;
    /// use countersign::domain::id::TokenId;
    /// use countersign::domain::principal::Principal;
    /// use countersign::store::{Error, Priority, Store, TokenHash};
    /// use countersign::tokens;
    ///
    /// # async fn example(store: &Store, token: &str) -> Result<(), Box<dyn std::error::Error>> {
    /// let principal = Principal { name: "builder".parse()?, role: Role::Agent };
    /// let holder = TokenHash { token_sha256: tokens::digest(token), principal };
    /// store.write(Priority::Human, move |tx| tx.insert_token(&TokenId::generate(), &holder)).await?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// The error of `work`, or an [`Error`] of the store. After [`Error::Unknown`] and [`Error::Closed`], only the next
    /// start can tell whether anything has changed; after all others nothing has.
    pub async fn write<T, E, F>(&self, priority: Priority, work: F) -> std::result::Result<T, E>
    where
        F: FnMut(&mut WriteTx<'_>) -> std::result::Result<T, E> + Send + 'static,
        T: Send + 'static,
        E: From<Error> + Send + 'static,
    {
        self.write_about(priority, None, work).await
    }

    /// The same for work that reads first what it `wants`.
    ///
    /// # Errors
    ///
    /// The same.
    pub async fn write_about<T, E, F>(
        &self,
        priority: Priority,
        wants: Option<Wants>,
        work: F,
    ) -> std::result::Result<T, E>
    where
        F: FnMut(&mut WriteTx<'_>) -> std::result::Result<T, E> + Send + 'static,
        T: Send + 'static,
        E: From<Error> + Send + 'static,
    {
        self.writer.write(priority, wants, work).await
    }

    /// Runs `work` on one consistent state of what is committed; again, on another, where the connection to it is lost: so it has no
    /// side effects of its own.
    ///
    /// ```no_run
    /// use countersign::store::{Error, Filter, Page, Priority, Store};
    ///
    /// # async fn example(store: &Store) -> Result<(), Error> {
    /// let page = Page { before: None, limit: 20 };
    /// let newest = store.read(Priority::Human, move |tx| tx.records(&Filter::default(), page)).await?;
    /// println!("{} interactions", newest.rows.len());
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// The error of `work`, or an [`Error`] of the store; [`Error::TooSlow`] if it reads for too long.
    pub async fn read<T, E, F>(&self, priority: Priority, work: F) -> std::result::Result<T, E>
    where
        F: Fn(&ReadTx<'_>) -> std::result::Result<T, E> + Send + 'static,
        T: Send + 'static,
        E: From<Error> + Send + 'static,
    {
        self.readers.read(priority, work).await
    }

    /// The next moment at which something is to happen by itself: a deadline of an interaction or of a rule, or the wiping
    /// of a secret.
    ///
    /// # Errors
    ///
    /// An [`Error`] of the store.
    pub async fn next_deadline(&self, priority: Priority) -> Result<Option<Timestamp>> {
        let of_others = self.read(priority, |tx| tx.next_deadline_beside_pending()).await?;
        Ok([of_others, self.known.first_deadline.get()].into_iter().flatten().min())
    }

    /// The active rules about a tool as some commit has left them, to be held against something before the writer has it;
    /// `None` where there are none, or the writer has not needed any yet. In a transaction,
    /// [`WriteTx::rules_about`] is the same pointer for as long as they are the same rules.
    #[must_use]
    pub fn committed_rules(&self, tool_name: &ToolName) -> Option<Arc<RuleSet>> {
        self.known.rules.about(tool_name)
    }

    /// Moves the write-ahead log into the database and empties it, so that what was wiped is in neither; whether it did. It
    /// cannot while another process reads.
    ///
    /// # Errors
    ///
    /// If the store is closed, or its disk failed.
    pub async fn empty_log(&self) -> Result<bool> {
        for attempt in 1..=EMPTYING_ATTEMPTS {
            // The last attempt waits for the readers of this server, and holds new ones back.
            if self.writer.empty_log(attempt == EMPTYING_ATTEMPTS).await? {
                return Ok(true);
            }
            tokio::time::sleep(EMPTYING_PAUSE).await;
        }
        Ok(false)
    }

    /// Returns how many writes are queued or running.
    #[must_use]
    pub fn queued_writes(&self) -> usize {
        self.writer.queued()
    }

    /// Returns the version of the tokens, which changes whenever they have been changed, by whichever process.
    ///
    /// # Errors
    ///
    /// If that cannot be known.
    pub fn token_generation(&self) -> Result<Generation> {
        Ok(Generation(match &self.commits {
            Commits::Sqlite(commits) => Version::Sqlite(commits.generation().map_err(|error| {
                tracing::error!(%error, "the index of the write-ahead log cannot be read");
                Error::Closed
            })?),
            Commits::Postgres(commits) => Version::Postgres(commits.generation()?),
        }))
    }

    /// Whether a token is in force that this server may not have heard of yet; the tokens are then of another version. It is one
    /// read of an index, for which all strangers together wait in one queue.
    ///
    /// # Errors
    ///
    /// An [`Error`] of the store; [`Error::Overloaded`] where too many ask.
    pub async fn has_new_token(&self, token_sha256: &[u8; 32]) -> Result<bool> {
        let Commits::Postgres(commits) = &self.commits else { return Ok(false) };
        let token_sha256 = *token_sha256;
        let is_in_force = self.read(Priority::Stranger, move |tx| tx.is_in_force(&token_sha256)).await?;
        if is_in_force {
            commits.changed();
        }
        Ok(is_in_force)
    }

    /// Whether the database takes writes: makes the smallest one that lasts.
    ///
    /// # Errors
    ///
    /// If it does not.
    pub async fn probe(&self, priority: Priority) -> Result<()> {
        match &self.following {
            None => self.write(priority, |tx| tx.write_nothing()).await,
            // In no turn: many ask often.
            Some(following) => following.probe().await,
        }
    }

    /// The shell in which people read the database.
    #[must_use]
    pub const fn shell(&self) -> Shell {
        match &self.commits {
            Commits::Sqlite(_) => Shell::Sqlite3,
            Commits::Postgres(_) => Shell::Psql,
        }
    }

    /// How long ago this server last knew all that others had committed; zero where it has the database to itself.
    #[must_use]
    pub fn follower_silence(&self) -> Duration {
        match &self.commits {
            Commits::Sqlite(_) => Duration::ZERO,
            Commits::Postgres(commits) => commits.silence(),
        }
    }

    /// Ends once this server has not known for too long what others have committed; never where it has the database to itself.
    pub async fn unheard(&self) {
        match &self.commits {
            Commits::Sqlite(_) => std::future::pending().await,
            Commits::Postgres(commits) => commits.unheard().await,
        }
    }

    /// Ends when the writer has ended: after [`Store::close`], or because the disk can no longer be trusted.
    pub async fn ended(&self) {
        self.writer.ended().await;
    }

    /// Finishes what is queued, moves the write-ahead log into the database and ends the writer.
    ///
    /// # Errors
    ///
    /// If a commit or the checkpoint fails, or the store is closed already.
    pub async fn close(&self) -> Result<()> {
        self.writer.close().await
    }
}
