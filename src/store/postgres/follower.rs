//! The follower: a connection by which a server learns what others have committed.
//!
//! It reads the history from where it has come, four times a second and whenever somebody rings. A ring that is lost is no news that
//! is lost. It also rings for this server's own commits, and ends a turn whose holder has gone silent.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::{Notify, watch};
use tokio::task::JoinHandle;
use tokio_postgres::types::ToSql;
use tokio_postgres::{Client, Statement};

use super::Commits;
use super::connect::{Connection, Connector, LONGEST_ANSWER};
use super::dialect::translated;
use super::error::store_error;
use super::head_file::HeadFile;
use super::readiness::Readiness;
use super::session::Row;
use super::writing::{NOW, RING, TURN};
use crate::clock::{Clock, Timestamp};
use crate::domain::chain::Head;
use crate::store::news::{self, MOST_NEWS, NEWS, News, is_after};
use crate::store::{Error, OnCommit, OpenError, Result, sql};

/// How long two looks at the history lie apart where nobody rings.
const POLL: Duration = Duration::from_millis(250);

/// What the follower writes has not to last: a ring waits for no standby. Who locks the history for long is told from a database that
/// does not answer.
const SETTINGS: &str = "SET synchronous_commit = local; SET statement_timeout = '8s'";

/// How long a turn may be waited for before its holder is looked at.
const LONGEST_TURN: Duration = Duration::from_secs(3);

/// What the writer's thread and the follower tell one another.
#[derive(Default)]
pub(super) struct Beside {
    /// Something was committed.
    pub(super) bell: Notify,
    /// Since when the writer waits for its turn.
    waiting_since: Mutex<Option<Instant>>,
    /// The last event that the follower has read.
    seen: Mutex<Option<Head>>,
    /// Whether the database is found to have lost something.
    pub(super) failed: watch::Sender<bool>,
}

impl Beside {
    pub(super) fn waits_for_turn(&self, waits: bool) {
        *self.waiting_since.lock().unwrap_or_else(PoisonError::into_inner) = waits.then(Instant::now);
    }

    /// Takes what was `known` already out of the news. Where they do not begin with it, nothing is acknowledged any more.
    pub(super) fn check(&self, known: Head, news: &mut Vec<News>) -> Result<()> {
        if is_after(known, news) { Ok(()) } else { Err(self.has_lost(known)) }
    }

    /// Says that an event is gone which was there: nothing is acknowledged any more.
    pub(super) fn has_lost(&self, known: Head) -> Error {
        tracing::error!(%known, "the database has lost what it had acknowledged, or it is another one");
        self.failed.send_replace(true);
        Error::Closed
    }

    /// The last event that the follower has read.
    pub(super) fn seen(&self) -> Head {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).unwrap_or(Head::NONE)
    }

    fn has_seen(&self, head: Head) {
        *self.seen.lock().unwrap_or_else(PoisonError::into_inner) = Some(head);
    }

    fn has_waited_for_long(&self) -> bool {
        let since = *self.waiting_since.lock().unwrap_or_else(PoisonError::into_inner);
        since.is_some_and(|since| since.elapsed() >= LONGEST_TURN)
    }
}

/// Where a follower begins.
pub(in crate::store) struct Start {
    pub(super) connector: Connector,
    /// The last event that is known.
    pub(super) known: Head,
    pub(super) head_file: HeadFile,
    pub(super) commits: Arc<Commits>,
    pub(super) beside: Arc<Beside>,
}

/// The follower of an open database; it ends when this is dropped.
pub(in crate::store) struct Following {
    task: JoinHandle<()>,
    readiness: Readiness,
}

impl Drop for Following {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Following {
    /// Starts with what is committed after `known`; `on_commit` is told of it.
    pub(in crate::store) fn start(from: Start, clock: Arc<dyn Clock>, on_commit: OnCommit) -> Self {
        let readiness = Readiness::new(from.connector.clone());
        let Start { connector, known, head_file, commits, beside } = from;
        let follower =
            Follower { connector, known, head_file, commits, beside, clock, on_commit, is_away: false, silent: None };
        Self { task: tokio::spawn(follower.run()), readiness }
    }

    /// Whether the database takes writes: makes the smallest one that lasts, in no turn.
    pub(in crate::store) async fn probe(&self) -> Result<()> {
        self.readiness.probe().await
    }
}

struct Follower {
    connector: Connector,
    /// The last event that is known.
    known: Head,
    head_file: HeadFile,
    commits: Arc<Commits>,
    beside: Arc<Beside>,
    clock: Arc<dyn Clock>,
    on_commit: OnCommit,
    /// Whether the database could not be reached when that was tried last.
    is_away: bool,
    /// Who had the turn when it was last looked at, and since when nothing was heard of it.
    silent: Option<(i32, String)>,
}

/// A connection, with what the follower says on it.
struct Listening {
    client: Client,
    /// The news, and what the primary's clock shows in a last column: one question, since an idle server asks nothing else. Where
    /// there is no news, there is one row with the time alone.
    news: Statement,
}

impl Listening {
    async fn on(connection: &Connection) -> Result<Statement> {
        let client = &connection.client;
        client.batch_execute(SETTINGS).await.map_err(store_error)?;
        client.batch_execute("LISTEN countersign").await.map_err(store_error)?;
        let news = format!(
            "SELECT news.*, time.ms FROM ({NOW}) AS time (ms) LEFT JOIN ({NEWS}) AS news ON true ORDER BY news.seq"
        );
        let news = client.prepare(&translated(&news)).await.map_err(store_error)?;
        let process = client.query_one("SELECT pg_backend_pid()", &[]).await.map_err(store_error)?;
        connection.heard.process.store(process.get(0), std::sync::atomic::Ordering::Relaxed);
        Ok(news)
    }
}

impl Follower {
    async fn run(mut self) {
        loop {
            if let Err(error) = self.follow().await {
                // Once for each time that it is away.
                if !std::mem::replace(&mut self.is_away, true) {
                    tracing::warn!(%error, "what other servers commit cannot be followed");
                }
                // Those who wait for answers on other connections wait for the same silent host, as far as is known.
                if self.commits.silence() > LONGEST_ANSWER {
                    self.connector.give_up();
                }
            }
            tokio::time::sleep(POLL).await;
        }
    }

    /// Follows for as long as one connection lasts.
    async fn follow(&mut self) -> std::result::Result<(), OpenError> {
        let connection = self.connector.connect().await?;
        let connector = self.connector.clone();
        let news = connector.answered(Listening::on(&connection)).await?;
        let Connection { client, heard, driver: _driver } = connection;
        let listening = Listening { client, news };
        loop {
            while connector.answered(self.catch_up(&listening)).await? {}
            self.remember().await;
            connector.answered(self.watch_turn(&listening.client)).await?;
            tokio::select! {
                () = heard.rung.notified() => {}
                () = tokio::time::sleep(POLL) => {}
                failed = self.ring(&listening.client) => failed?,
            }
        }
    }

    /// Rings for what this server commits, which is no news to itself, until that fails.
    async fn ring(&self, client: &Client) -> Result<()> {
        loop {
            self.beside.bell.notified().await;
            client.batch_execute(RING).await.map_err(store_error)?;
        }
    }

    /// Reads what is new; whether there may be more.
    async fn catch_up(&mut self, Listening { client, news }: &Listening) -> Result<bool> {
        let bounds: [&(dyn ToSql + Sync); 2] = [&self.known.seq, &MOST_NEWS];
        let rows = client.query(news, &bounds).await.map_err(store_error)?;
        if let Some(now) = rows.first().and_then(|row| Timestamp::from_millis(row.get("ms"))) {
            self.clock.follow(now);
        }
        self.commits.heard();
        if std::mem::take(&mut self.is_away) {
            tracing::info!("what other servers commit is followed again");
        }
        let told = rows.iter().filter(|row| row.get::<_, Option<i64>>(0).is_some());
        let mut news = told.map(|row| News::from_row(&sql::Row::Postgres(Row(row)))).collect::<Result<Vec<_>>>()?;
        let may_be_more = i64::try_from(news.len()) == Ok(MOST_NEWS);
        self.beside.check(self.known, &mut news)?;
        if let Some(last) = news.last() {
            self.known = last.head;
            self.beside.has_seen(last.head);
            let summary = news::summary(&news);
            if summary.has_changed_tokens {
                self.commits.changed();
            }
            (self.on_commit)(summary);
        }
        Ok(may_be_more)
    }

    async fn remember(&mut self) {
        if self.head_file.is_due(self.known) {
            let (mut file, known) = (self.head_file.clone(), self.known);
            let written = tokio::task::spawn_blocking(move || {
                file.write(known);
                file
            });
            if let Ok(file) = written.await {
                self.head_file = file;
            }
        }
    }

    /// Ends the turn of a server that has stopped in the middle of it: no time limit of PostgreSQL reaches one whose answer is on its
    /// way and is not read. One whose COMMIT is under way is not ended, however long it takes: its wait for a standby would be given
    /// up, and all would see what a failover may lose.
    async fn watch_turn(&mut self, client: &Client) -> Result<()> {
        if !self.beside.has_waited_for_long() {
            self.silent = None;
            return Ok(());
        }
        let holder = format!(
            "SELECT l.pid, a.state_change::text FROM pg_locks AS l JOIN pg_stat_activity AS a USING (pid) \
             WHERE l.locktype = 'advisory' AND l.granted AND l.objsubid = 1 AND l.classid = {} AND l.objid = {} \
             AND a.datname = current_database() AND NOT (a.state = 'active' AND a.query = 'COMMIT')",
            TURN >> 32,
            TURN & 0xffff_ffff
        );
        let holder = client.query_opt(&holder, &[]).await.map_err(store_error)?;
        let holder = holder.map(|holder| (holder.get(0), holder.get(1)));
        if let Some((process, _)) = holder.as_ref().filter(|holder| self.silent.as_ref() == Some(holder)) {
            tracing::warn!(process, "a server has its turn and is silent: its connection is ended");
            client.execute("SELECT pg_terminate_backend($1)", &[process]).await.map_err(store_error)?;
        }
        self.silent = holder;
        Ok(())
    }
}
