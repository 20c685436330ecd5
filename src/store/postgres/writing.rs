//! The connection that writes.
//!
//! A turn costs what it waits for: so what is written waits in memory, and goes all at once, as soon as something is read or the turn
//! is over. What has to hold of it is checked by the database itself, for its COMMIT is on its way by then.

use std::cell::{Cell, RefCell};
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::Poll;
use std::time::Duration;

use tokio::runtime::Handle;
use tokio_postgres::types::ToSql;
use tokio_postgres::{Client, Statement};

use super::asked::{Asked, Question};
use super::batches::{Batch, Batches};
use super::connect::{Connection, Driver, Heard};
use super::dialect::translated;
use super::error::store_error;
use super::session::{Change, Prepared, Row, Statements, bound, places, waited};
use super::values::Kept;
use crate::clock::Timestamp;
use crate::domain::chain::Head;
use crate::store::engine::Reached;
use crate::store::news::{MOST_NEWS, NEWS, News};
use crate::store::sql::{self, Values};
use crate::store::{Error, Result, Wants};

/// The lock of a turn, which all servers and commands on the database share: the letters `csgn`, as a number that no other program
/// is likely to use.
pub(super) const TURN: i64 = 0x6373_676e_0001;

/// What the primary's clock shows, in milliseconds.
pub(super) const NOW: &str = "SELECT (extract(epoch FROM clock_timestamp()) * 1000)::bigint";

/// What a turn is to know at first.
const STATE: &str = "SELECT (extract(epoch FROM clock_timestamp()) * 1000)::bigint, \
     (SELECT max(interaction_id) FROM interactions), a.at_ms, a.seq, a.hash, \
     (SELECT number FROM kept_through WHERE what = 'own_events'), (SELECT number FROM kept_through WHERE what = 'stored_bytes') \
     FROM (SELECT) AS one LEFT JOIN (SELECT at_ms, seq, hash FROM audit_events ORDER BY seq DESC LIMIT 1) AS a ON true";

/// The smallest write that lasts.
pub(super) const WRITE_NOTHING: &str = "SELECT pg_logical_emit_message(true, 'countersign', '')";

/// Tells those who listen that there is something new.
pub(super) const RING: &str = "NOTIFY countersign";

/// How long the answer to a commit may take before it is looked for by another connection.
const LONGEST_COMMIT: Duration = Duration::from_secs(10);

/// A connection that writes.
pub(in crate::store) struct Writing {
    client: Client,
    /// `None` once the connection is given up.
    driver: Option<Driver>,
    heard: Arc<Heard>,
    runtime: Handle,
    prepared: Prepared,
    /// What is written and not sent.
    waiting: RefCell<Batches>,
    asked: Asked,
    /// Whether each write is sent at once: where parts of a turn may have to be undone.
    is_immediate: Cell<bool>,
    /// How many statements have written, or failed.
    changes: Cell<u64>,
    /// Whether a statement has failed: PostgreSQL then undoes the transaction, whatever else is said.
    has_failed: Cell<bool>,
}

/// What a turn begins with.
pub(super) struct Begun {
    /// What the primary's clock shows.
    pub(super) now: Timestamp,
    /// The time of the last event.
    pub(super) highest: Option<Timestamp>,
    /// How far the rows have come.
    pub(super) reached: Reached,
    /// The end of the chain.
    pub(super) head: Head,
    /// The events from the one on that was asked for.
    pub(super) news: Vec<News>,
}

/// How a commit has ended.
pub(super) enum Ended {
    /// It lasts.
    Committed,
    /// A statement has failed, and nothing was committed.
    Refused,
    /// The connection was lost, or the wait for a standby was given up: it may be committed, or not.
    InDoubt,
}

impl Writing {
    pub(super) fn new(Connection { client, heard, driver }: Connection, runtime: Handle) -> Self {
        Self {
            client,
            driver: Some(driver),
            heard,
            runtime,
            prepared: Prepared::default(),
            waiting: RefCell::default(),
            asked: Asked::default(),
            is_immediate: Cell::new(false),
            changes: Cell::new(0),
            has_failed: Cell::new(false),
        }
    }

    /// Its statements.
    pub(super) const fn statements(&self) -> Statements<'_> {
        Statements::Writing(self)
    }

    /// Begins a turn, which waits for those of others, and reads how they have left the database: each statement sees what was
    /// committed as it begins, so that these see what was while the first waited. The events are read from the one on whose
    /// number is given.
    pub(super) fn begin(&self, from: Option<i64>, wanted: &[&Wants]) -> Result<Begun> {
        self.is_immediate.set(false);
        self.has_failed.set(false);
        self.forget_warnings();
        let (state, news) = (self.prepared(STATE)?, self.prepared(NEWS)?);
        let from = from.unwrap_or(i64::MAX);
        let bounds: [&(dyn ToSql + Sync); 2] = [&from, &MOST_NEWS];
        let begin = format!("BEGIN ISOLATION LEVEL READ COMMITTED; SELECT pg_advisory_xact_lock({TURN})");
        let wanted = self.wanted(wanted)?;
        self.asked.clear();
        let begun = async {
            let begin = self.client.batch_execute(&begin);
            let state = self.client.query_one(&state, &[]);
            let news = self.client.query(&news, &bounds);
            // All of them go out before the first answer is waited for.
            tokio::try_join!(biased; begin, state, news, self.answers(&wanted))
        };
        let ((), state, news, ()) = self.wait_for(begun).inspect_err(|_| {
            // No turn is left halfway begun.
            let _ = self.roll_back();
        })?;
        let state = sql::Row::Postgres(Row(&state));
        let news = news.iter().map(|row| News::from_row(&sql::Row::Postgres(Row(row)))).collect::<Result<_>>()?;
        let (interactions, head): (Option<_>, Option<_>) = (state.get(1)?, state.get(3)?);
        let head = match head {
            Some(seq) => Head { seq, hash: state.get(4)? },
            None => Head::NONE,
        };
        let interactions = interactions.unwrap_or(0);
        let reached = Reached { interactions, own_events: state.get(5)?, stored_bytes: state.get(6)? };
        Ok(Begun { now: state.get(0)?, highest: state.get(2)?, reached, head, news })
    }

    /// Asks for all that is wanted at once.
    pub(super) fn ask_for(&self, wanted: &[&Wants]) -> Result<()> {
        let wanted = self.wanted(wanted)?;
        self.wait_for(self.answers(&wanted))
    }

    fn wanted<'w>(&self, wanted: &[&'w Wants]) -> Result<Vec<(Statement, Question<'w>)>> {
        let with_statement = |question: Question<'w>| Ok((self.prepared(&question.statement())?, question));
        Question::all(wanted).into_iter().map(with_statement).collect()
    }

    /// Asks, and keeps what is found for whoever reads it first.
    async fn answers(&self, wanted: &[(Statement, Question<'_>)]) -> Answer {
        let asked = wanted.iter().map(|(statement, question)| async move {
            let rows = self.client.query(statement, &[&question.ids]).await?;
            self.asked.keep(question, rows);
            Ok(())
        });
        futures_util::future::try_join_all(asked).await.map(drop)
    }

    /// What was warned of until now is nothing that a commit waits for.
    pub(super) fn forget_warnings(&self) {
        self.heard.warning.store(false, Ordering::Release);
    }

    /// Sends what waits, and COMMIT behind it. A turn that has changed no row answers from rows whose standby may have been away: it
    /// waits for the standbys as well, which PostgreSQL lets nothing do that leaves no line in its log.
    pub(super) fn commit(&self) -> Ended {
        if self.has_failed.get() {
            return Ended::Refused;
        }
        let to_send = self.to_send().and_then(|batches| Ok((batches, self.prepared(WRITE_NOTHING)?)));
        let Ok((batches, line)) = to_send else {
            return if self.is_closed() { Ended::InDoubt } else { Ended::Refused };
        };
        let sent = self.answers_to(&batches, Some(&line));
        let Ok(sent) = waited(&self.runtime, async { tokio::time::timeout(LONGEST_COMMIT, sent).await }) else {
            // It waits for a standby, or the primary is cut off from everybody.
            return Ended::InDoubt;
        };
        match sent.map_err(|error| self.failed(error)) {
            // PostgreSQL gives up to wait for a standby with a warning, and then says that all is well.
            Ok(()) if self.heard.warning.load(Ordering::Acquire) => Ended::InDoubt,
            Ok(()) => Ended::Committed,
            Err(error) if self.is_closed() || matches!(error, Error::Unavailable(_)) => Ended::InDoubt,
            Err(_) => Ended::Refused,
        }
    }

    /// Leaves no transaction open.
    pub(super) fn roll_back(&self) -> Result<()> {
        self.forget();
        self.run("ROLLBACK")
    }

    /// Marks a place, to which [`Writing::undo_part`] goes back; the one before is given up where `releases` says so.
    pub(super) fn mark(&self, releases: bool) -> Result<()> {
        self.send()?;
        self.is_immediate.set(true);
        self.run(if releases { "RELEASE work; SAVEPOINT work" } else { "SAVEPOINT work" })
    }

    /// Undoes what was written since the mark.
    pub(super) fn undo_part(&self) -> Result<()> {
        self.forget();
        self.run("ROLLBACK TO work")?;
        self.has_failed.set(false);
        Ok(())
    }

    /// Tells all servers that there is something new.
    pub(super) fn ring(&self) -> Result<()> {
        self.run(RING)
    }

    pub(super) fn write(&self, statement: &str, values: Values<'_>, change: Change) -> Result<()> {
        self.changes.set(self.changes.get() + 1);
        self.asked.outdate(statement, values);
        self.waiting.borrow_mut().add(statement, change, values.iter().map(|value| Kept::from(value.bind())));
        if self.is_immediate.get() { self.send() } else { Ok(()) }
    }

    pub(super) fn execute(&self, statement: &str, values: Values<'_>) -> Result<usize> {
        self.send()?;
        self.changes.set(self.changes.get() + 1);
        self.asked.outdate(statement, values);
        let statement = self.prepared(statement)?;
        let places = places(values);
        let changed = self.wait_for(self.client.execute(&statement, &bound(&places)))?;
        Ok(usize::try_from(changed).unwrap_or(usize::MAX))
    }

    pub(super) fn rows(&self, statement: &str, values: Values<'_>) -> Result<Vec<tokio_postgres::Row>> {
        if let Some(found) = self.asked.take(statement, values) {
            return Ok(found);
        }
        self.send()?;
        if !statement.starts_with("SELECT") {
            self.changes.set(self.changes.get() + 1);
            self.asked.outdate(statement, values);
        }
        let statement = self.prepared(statement)?;
        let places = places(values);
        self.wait_for(self.client.query(&statement, &bound(&places)))
    }

    fn prepared(&self, statement: &str) -> Result<Statement> {
        if let Some(prepared) = self.prepared.borrow().get(statement) {
            return Ok(prepared.clone());
        }
        let prepared = self.wait_for(self.client.prepare(&translated(statement)))?;
        self.prepared.borrow_mut().insert(statement.to_owned(), prepared.clone());
        Ok(prepared)
    }

    /// Sends what waits, and sees that all of it was done.
    fn send(&self) -> Result<()> {
        let batches = self.to_send()?;
        self.wait_for(self.answers_to(&batches, None))
    }

    /// What waits, each with its statement.
    fn to_send(&self) -> Result<Vec<(Statement, Batch)>> {
        let waiting = self.waiting.take().into_waiting();
        let with_statement = |batch: Batch| {
            let one = self.prepared(&batch.for_one())?;
            let many = batch.for_many(one.params()).map(|many| self.prepared(&many)).transpose()?;
            Ok((many.unwrap_or(one), batch))
        };
        waiting.into_iter().map(with_statement).collect()
    }

    /// Sends this, and behind it the line of the log and COMMIT where there is one, before any answer has come.
    async fn answers_to(&self, batches: &[(Statement, Batch)], line: Option<&Statement>) -> Answer {
        let mut sent: Vec<Pin<Box<dyn Future<Output = Answer> + '_>>> = Vec::with_capacity(batches.len() + 2);
        for (statement, batch) in batches {
            sent.push(Box::pin(async move { self.client.execute(statement, &batch.values()).await.map(drop) }));
        }
        if let Some(line) = line {
            sent.push(Box::pin(async move { self.client.execute(line, &[]).await.map(drop) }));
            sent.push(Box::pin(self.client.batch_execute("COMMIT")));
        }
        in_order(sent).await
    }

    fn wait_for<T>(&self, answer: impl Future<Output = std::result::Result<T, tokio_postgres::Error>>) -> Result<T> {
        waited(&self.runtime, answer).map_err(|error| self.failed(error))
    }

    fn failed(&self, error: tokio_postgres::Error) -> Error {
        self.has_failed.set(true);
        self.changes.set(self.changes.get() + 1);
        store_error(error)
    }

    /// Forgets what waits: the transaction is to be undone.
    fn forget(&self) {
        self.waiting.take();
    }

    pub(super) fn run(&self, statement: &str) -> Result<()> {
        self.wait_for(self.client.batch_execute(statement))
    }

    pub(super) fn is_closed(&self) -> bool {
        self.driver.is_none() || self.client.is_closed()
    }

    /// Ends the connection at once, whatever it waits for.
    pub(super) fn give_up(&mut self) {
        self.driver = None;
    }

    /// A number that grows with whatever is changed, or fails.
    pub(super) fn changes(&self) -> u64 {
        self.changes.get()
    }
}

type Answer = std::result::Result<(), tokio_postgres::Error>;

/// Sends all, in this order, before the first answer is waited for; the first error there is.
async fn in_order(mut sent: Vec<Pin<Box<dyn Future<Output = Answer> + '_>>>) -> Answer {
    let mut answers = Vec::with_capacity(sent.len());
    for one in &mut sent {
        // A statement goes out when it is first looked at.
        answers.push(futures_util::poll!(one));
    }
    let mut first = Ok(());
    for (one, answer) in sent.into_iter().zip(answers) {
        let answer = match answer {
            Poll::Ready(answer) => answer,
            Poll::Pending => one.await,
        };
        first = first.and(answer);
    }
    first
}
