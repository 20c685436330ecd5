//! The engine of PostgreSQL: each transaction is a *turn*. Its first act is to take the one lock that all servers and commands on
//! this database share, so that the transactions that write follow one another as they do in one file.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::runtime::Handle;
use tokio::sync::watch;

use super::Commits;
use super::connect::{Connection, Connector};
use super::error::{store_error, unavailable};
use super::follower::Beside;
use super::probe;
use super::session::waited;
use super::writing::{Begun, Ended, Writing};
use crate::domain::chain::Head;
use crate::store::engine::{Engine, Others, Turn};
use crate::store::error::Disk;
use crate::store::news::{MOST_NEWS, News};
use crate::store::sql::Sql;
use crate::store::{Error, Generation, OpenError, ReadTx, Result, Version, Wants};

/// What the connection that writes is set to beside. Plans are made once and by index, as they are right for a database that has
/// grown; whoever holds the lock and says nothing loses it. A commit waits for its standby without a limit: where PostgreSQL gives that
/// up, it shows to all what no standby has.
const SETTINGS: &str = "SET statement_timeout = 0; SELECT set_config(name, '0', false) FROM pg_settings WHERE name = 'transaction_timeout'; \
     SET plan_cache_mode = force_generic_plan; SET enable_seqscan = off; SET enable_hashjoin = off; \
     SET enable_mergejoin = off; SET enable_bitmapscan = off; SET enable_material = off; SET jit = off; SET lock_timeout = '5s'; SET idle_in_transaction_session_timeout = '1s'";

/// For how long what is to be written waits for a database that does not answer.
const PATIENCE: Duration = Duration::from_secs(10);

/// How long two attempts to reach it lie apart, at first and at last.
const PAUSES: (Duration, Duration) = (Duration::from_millis(50), Duration::from_secs(1));

/// A larger group brings few more writes and lets all other servers wait: a turn of 1,024 took 36 ms where one of 256 took 10 ms.
const LARGEST_GROUP: usize = 256;

/// The connection that writes.
pub(in crate::store) struct PostgresEngine {
    connector: Connector,
    runtime: Handle,
    writing: Writing,
    commits: Arc<Commits>,
    /// What is shared with the follower.
    beside: Arc<Beside>,
    /// The end of the chain as this turn has found it, or as the last one has left it; `None` before the first one.
    known: Option<Head>,
    is_open: bool,
    is_marked: bool,
    /// Since when the database has not been reached.
    away_since: Option<Instant>,
}

/// Opens a connection that writes, by which this server is known to be there.
pub(super) async fn connect(connector: &Connector) -> std::result::Result<Connection, OpenError> {
    let connection = connector.connect().await?;
    connection.client.batch_execute(SETTINGS).await.map_err(store_error)?;
    connection.serve(connector).await?;
    Ok(connection)
}

impl PostgresEngine {
    pub(super) fn new(
        connector: Connector,
        connection: Connection,
        commits: Arc<Commits>,
        beside: Arc<Beside>,
    ) -> Self {
        let runtime = Handle::current();
        Self {
            writing: Writing::new(connection, runtime.clone()),
            connector,
            runtime,
            commits,
            beside,
            known: None,
            is_open: false,
            is_marked: false,
            away_since: None,
        }
    }

    /// Does what needs the database, with new connections where it is away, for as long as that may take.
    fn patiently<T>(&mut self, mut work: impl FnMut(&mut Self) -> Result<T>) -> Result<T> {
        let (mut pause, longest) = PAUSES;
        loop {
            let done = if self.writing.is_closed() { self.reconnect() } else { Ok(()) };
            match done.and_then(|()| work(self)) {
                Err(error @ Error::Unavailable(_)) => {
                    let since = *self.away_since.get_or_insert_with(|| {
                        tracing::warn!(%error, "the database is away");
                        Instant::now()
                    });
                    if since.elapsed() >= PATIENCE {
                        return Err(error);
                    }
                    waited(&self.runtime, async { tokio::time::sleep(pause).await });
                    pause = (pause * 2).min(longest);
                }
                done => {
                    if let Some(since) = self.away_since.take_if(|_| done.is_ok()) {
                        tracing::info!(after_ms = since.elapsed().as_millis(), "the database is there again");
                    }
                    return done;
                }
            }
        }
    }

    fn reconnect(&mut self) -> Result<()> {
        let connection = waited(&self.runtime, async {
            let connection = connect(&self.connector).await?;
            // It may be another primary, which waits for other standbys, or for none.
            probe::tell_replication(&connection.client, &self.connector).await?;
            Ok(connection)
        });
        let connection = connection.map_err(unavailable)?;
        self.writing = Writing::new(connection, self.runtime.clone());
        Ok(())
    }

    /// What others have done since the last turn.
    fn others(&mut self, begun: &mut Begun) -> Result<Others> {
        let Some(known) = self.known else {
            self.known = Some(begun.head);
            return Ok(Others::Anything);
        };
        let mut news = std::mem::take(&mut begun.news);
        self.beside.check(known, &mut news)?;
        // The follower may know more of what is to be there than the last turn did.
        let seen = self.beside.seen();
        let has_seen = |news: &News| news.head == seen;
        if seen.seq > known.seq && !news.iter().any(has_seen) && !ReadTx::new(self.sql()).has_event(seen)? {
            return Err(self.beside.has_lost(seen));
        }
        // Only now: a turn that fails before that is to hear the same news again.
        self.known = Some(begun.head);
        Ok(match i64::try_from(news.len()) {
            Ok(0) => Others::Nothing,
            Ok(read) if read < MOST_NEWS - 1 => Others::News(news),
            Ok(_) | Err(_) => Others::Anything,
        })
    }

    /// Finds out whether a commit of which no answer has come was done: its last event is in the chain, or it is not. The turn in
    /// which this is asked comes after the commit, and a commit of its own after that, which waits for the standbys as well.
    fn find_out(&mut self, end: Option<Head>) -> Result<bool> {
        self.patiently(|engine| {
            engine.writing.begin(None, &[])?;
            let sql = Sql::Postgres(engine.writing.statements());
            let sought = end.filter(|end| Some(*end) != engine.known);
            let is_there = sought.map_or(Ok(false), |end| ReadTx::new(sql).has_event(end))?;
            match engine.writing.commit() {
                Ended::Committed => Ok(is_there),
                Ended::Refused | Ended::InDoubt => Err(unanswered()),
            }
        })
    }
}

fn unanswered() -> Error {
    Error::Unavailable(Arc::new(std::io::Error::other("a commit was not answered")))
}

impl Engine for PostgresEngine {
    fn failed(&self) -> watch::Receiver<bool> {
        self.beside.failed.subscribe()
    }

    fn start(&mut self) {}

    fn begin(&mut self, wanted: &[&Wants]) -> Result<Turn> {
        (self.is_marked, self.is_open) = (false, false);
        if !self.may_acknowledge() {
            return Err(Error::Closed);
        }
        let asked = Instant::now();
        let mut begun = self.patiently(|engine| {
            engine.beside.waits_for_turn(true);
            let begun = engine.writing.begin(engine.known.map(|head| head.seq), wanted);
            engine.beside.waits_for_turn(false);
            begun
        })?;
        self.is_open = true;
        let others = self.others(&mut begun)?;
        let has_changed_tokens = match &others {
            Others::Nothing => false,
            Others::News(news) => news.iter().any(|news| news.is_of_tokens()),
            Others::Anything => true,
        };
        if has_changed_tokens {
            self.commits.changed();
        }
        // A turn knows all that the follower would tell, which may be the later of the two to find the database again.
        self.commits.heard();
        Ok(Turn { others, now: Some(begun.now), reached: Some(begun.reached), waited: Some(asked.elapsed()) })
    }

    fn ask_for(&mut self, wanted: &[&Wants]) -> Result<()> {
        self.writing.ask_for(wanted)
    }

    fn largest_group(&self) -> usize {
        LARGEST_GROUP
    }

    fn token_generation(&self) -> Generation {
        Generation(Version::Postgres(self.commits.known_generation()))
    }

    fn sql(&self) -> Sql<'_> {
        Sql::Postgres(self.writing.statements())
    }

    fn is_open(&self) -> bool {
        self.is_open && !self.writing.is_closed()
    }

    fn changes(&self) -> u64 {
        self.writing.changes()
    }

    fn mark(&mut self) -> Result<()> {
        let releases = std::mem::replace(&mut self.is_marked, true);
        self.writing.mark(releases)
    }

    fn undo_part(&mut self) -> Result<()> {
        self.writing.undo_part()
    }

    fn commit(&mut self, end: Option<Head>) -> Result<bool> {
        self.is_open = false;
        match self.writing.commit() {
            Ended::Committed => Ok(true),
            Ended::Refused => {
                tracing::warn!("a statement of a group has failed: each piece of it runs again by itself");
                // It is undone already; whatever the answer to this is, the next turn begins anew.
                self.is_open = !self.writing.is_closed();
                Ok(false)
            }
            Ended::InDoubt => {
                tracing::warn!("the answer to a commit is lost; it is looked for in the history");
                // The old connection may not be used again, whatever it says now.
                self.writing.give_up();
                match self.find_out(end) {
                    Ok(true) => Ok(true),
                    Ok(false) => Err(unanswered()),
                    Err(error) => Err(Error::Doubtful(Arc::new(error))),
                }
            }
        }
    }

    fn committed(&mut self, head: Option<Head>, has_changed_tokens: bool) {
        // Whoever was only refused has written nothing that others are to hear of.
        let has_written = head.is_some() && head != self.known;
        self.known = head.or(self.known);
        if has_changed_tokens {
            self.commits.changed();
        }
        if has_written {
            self.beside.bell.notify_one();
        }
    }

    fn may_run_again(&self, error: &Error) -> bool {
        matches!(error, Error::Unavailable(_) | Error::Undone)
    }

    fn after(&mut self, error: &Error) -> Disk {
        if self.roll_back().is_err() && !self.writing.is_closed() {
            // A connection that does not even undo is given up: the database then does.
            let _ = self.reconnect();
        }
        if let Error::Closed = error { Disk::Unknown } else { Disk::Trusted }
    }

    fn roll_back(&mut self) -> Result<()> {
        let is_open = std::mem::take(&mut self.is_open) && !self.writing.is_closed();
        if is_open { self.writing.roll_back() } else { Ok(()) }
    }

    fn may_acknowledge(&self) -> bool {
        !*self.beside.failed.borrow()
    }

    fn between_commits(&mut self) -> Disk {
        Disk::Trusted
    }

    fn remove_wiped(&mut self, _waits: bool) -> bool {
        // What was wiped lies in dead rows until PostgreSQL takes them away by itself.
        true
    }

    fn close(&mut self) -> Result<()> {
        if self.may_acknowledge() { Ok(()) } else { Err(Error::Closed) }
    }
}
