//! How the store's statements run on a connection to PostgreSQL.
//!
//! A turn costs what it waits for: so what is written waits in memory, and goes all at once, as soon as something is read or the turn
//! is over. What has to hold of it is checked by the database itself, for its COMMIT is on its way by then.

use std::borrow::Cow;
use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::future::Future;
use std::ops::ControlFlow;
use std::pin::Pin;
use std::task::Poll;

use tokio::runtime::Handle;
use tokio_postgres::types::ToSql;
use tokio_postgres::{Client, Statement, Transaction};

use super::dialect::translated;
use super::error::store_error;
use super::values::{Found, Kept, Place};
use crate::domain::chain::Head;
use crate::store::Result;
use crate::store::sql::{self, Stored, Values, values};

/// A token that others have made or revoked since an event.
const TOKENS_CHANGED: &str =
    "SELECT 1 FROM audit_events WHERE seq > ?1 AND event IN ('token.created', 'token.revoked') LIMIT 1";

/// How many rows of a reading are fetched at once.
const FETCHED: i32 = 256;

/// The statements that a connection has prepared, by their text.
pub(super) type Prepared = RefCell<HashMap<String, Statement>>;

/// What a statement is to bring about beside its change.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(in crate::store) enum Change {
    /// However many rows it changes.
    Any,
    /// One row, or the transaction fails.
    One,
}

/// The statements of one connection.
#[derive(Clone, Copy)]
pub(in crate::store) enum Statements<'c> {
    /// In a turn.
    Writing(&'c Writing),
    /// In a transaction that only reads.
    Reading(&'c Reading<'c>),
}

/// A connection that writes.
pub(in crate::store) struct Writing {
    client: Client,
    runtime: Handle,
    prepared: Prepared,
    /// What is written and not sent.
    waiting: RefCell<Vec<Write>>,
    /// Whether each write is sent at once: where parts of a turn may have to be undone.
    pub(super) is_immediate: Cell<bool>,
    /// How many statements have written.
    pub(super) written: Cell<u64>,
    /// The last event of the history, as this connection knows it.
    last_seq: Cell<i64>,
    /// How often it was another one than this connection had left.
    changes_of_others: Cell<i64>,
}

/// A statement that waits to be sent.
struct Write {
    statement: Statement,
    values: Vec<Kept>,
}

/// A transaction that reads.
pub(in crate::store) struct Reading<'c> {
    pub(super) transaction: Transaction<'c>,
    pub(super) runtime: Handle,
    pub(super) prepared: &'c Prepared,
}

impl Statements<'_> {
    pub(in crate::store) fn write(self, statement: &str, values: Values<'_>, change: Change) -> Result<()> {
        match self {
            Self::Writing(writing) => writing.write(statement, values, change),
            Self::Reading(_) => Err(read_only()),
        }
    }

    pub(in crate::store) fn execute(self, statement: &str, values: Values<'_>) -> Result<usize> {
        match self {
            Self::Writing(writing) => writing.execute(statement, values),
            Self::Reading(_) => Err(read_only()),
        }
    }

    pub(in crate::store) fn each(
        self,
        statement: &str,
        values: Values<'_>,
        mut read: impl FnMut(&sql::Row<'_>) -> Result<ControlFlow<()>>,
    ) -> Result<()> {
        let mut give = |rows: Vec<tokio_postgres::Row>| -> Result<ControlFlow<()>> {
            for row in &rows {
                if read(&sql::Row::Postgres(Row(row)))?.is_break() {
                    return Ok(ControlFlow::Break(()));
                }
            }
            Ok(ControlFlow::Continue(()))
        };
        match self {
            Self::Writing(writing) => give(writing.rows(statement, values)?).map(drop),
            Self::Reading(reading) => reading.each(statement, values, give),
        }
    }
}

impl Statements<'_> {
    pub(in crate::store) fn first<T>(
        self,
        statement: &str,
        values: Values<'_>,
        read: impl FnOnce(&sql::Row<'_>) -> Result<T>,
    ) -> Result<Option<T>> {
        let rows = match self {
            Self::Writing(writing) => writing.rows(statement, values)?,
            Self::Reading(reading) => reading.rows(statement, values)?,
        };
        rows.first().map(|row| read(&sql::Row::Postgres(Row(row)))).transpose()
    }

    pub(in crate::store) fn changes_of_others(self) -> i64 {
        match self {
            Self::Writing(writing) => writing.changes_of_others.get(),
            Self::Reading(_) => 0,
        }
    }

    /// Takes a number of a transaction, which is a write to its log.
    pub(in crate::store) fn write_nothing(self) -> Result<()> {
        self.first("SELECT pg_current_xact_id()::text", &[], |_| Ok(())).map(drop)
    }
}

/// A row that PostgreSQL has found.
pub(in crate::store) struct Row<'r>(&'r tokio_postgres::Row);

impl Row<'_> {
    pub(in crate::store) fn name(&self, column: usize) -> &str {
        self.0.columns().get(column).map_or("a column that is not there", |column| column.name())
    }

    pub(in crate::store) fn stored(&self, column: usize) -> Result<Stored<'_>> {
        self.0.try_get::<_, Found<'_>>(column).map(|Found(stored)| stored).map_err(store_error)
    }
}

/// Nothing that reads can write: its types do not let it.
fn read_only() -> crate::store::Error {
    crate::store::Error::Internal(std::sync::Arc::new(std::io::Error::other("a transaction that reads was to write")))
}

impl Writing {
    pub(super) fn new(client: Client, runtime: Handle) -> Self {
        Self {
            client,
            runtime,
            prepared: Prepared::default(),
            waiting: RefCell::default(),
            is_immediate: Cell::new(false),
            written: Cell::new(0),
            last_seq: Cell::new(0),
            changes_of_others: Cell::new(0),
        }
    }

    fn write(&self, statement: &str, values: Values<'_>, change: Change) -> Result<()> {
        self.written.set(self.written.get() + 1);
        let text = match change {
            Change::Any => Cow::Borrowed(statement),
            Change::One => {
                format!("WITH done AS ({statement} RETURNING 1) SELECT must_be(count(*), 1) FROM done").into()
            }
        };
        let statement = self.prepared(&text)?;
        let values = values.iter().map(|value| Kept::from(value.bind())).collect();
        self.waiting.borrow_mut().push(Write { statement, values });
        if self.is_immediate.get() { self.send() } else { Ok(()) }
    }

    fn execute(&self, statement: &str, values: Values<'_>) -> Result<usize> {
        self.send()?;
        self.written.set(self.written.get() + 1);
        let statement = self.prepared(statement)?;
        let places = places(values);
        let changed = self.wait_for(self.client.execute(&statement, &bound(&places)))?;
        Ok(usize::try_from(changed).unwrap_or(usize::MAX))
    }

    fn rows(&self, statement: &str, values: Values<'_>) -> Result<Vec<tokio_postgres::Row>> {
        self.send()?;
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
    pub(super) fn send(&self) -> Result<()> {
        self.send_with(None)
    }

    /// The same, and `last` behind it, before any answer has come.
    pub(super) fn send_with(&self, last: Option<&str>) -> Result<()> {
        let waiting = self.waiting.take();
        let mut sent: Vec<Pin<Box<dyn Future<Output = Answer> + '_>>> = Vec::with_capacity(waiting.len() + 1);
        for Write { statement, values } in &waiting {
            let places = values.iter().map(|value| value as &(dyn ToSql + Sync)).collect::<Vec<_>>();
            sent.push(Box::pin(async move { self.client.execute(statement, &places).await.map(drop) }));
        }
        if let Some(last) = last {
            sent.push(Box::pin(self.client.batch_execute(last)));
        }
        self.wait_for(in_order(sent))
    }

    pub(super) fn wait_for<T>(
        &self,
        answer: impl Future<Output = std::result::Result<T, tokio_postgres::Error>>,
    ) -> Result<T> {
        waited(&self.runtime, answer).map_err(store_error)
    }

    /// Forgets what waits: the transaction is to be undone.
    pub(super) fn forget(&self) {
        self.waiting.borrow_mut().clear();
    }

    pub(super) fn run(&self, statement: &str) -> Result<()> {
        self.wait_for(self.client.batch_execute(statement))
    }

    pub(super) fn is_closed(&self) -> bool {
        self.client.is_closed()
    }
}

/// Waits for it, on whatever thread: one of the runtime's own leaves its other work to another one.
pub(super) fn waited<T>(runtime: &Handle, answer: impl Future<Output = T>) -> T {
    tokio::task::block_in_place(|| runtime.block_on(answer))
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

impl Reading<'_> {
    fn rows(&self, statement: &str, values: Values<'_>) -> Result<Vec<tokio_postgres::Row>> {
        let statement = self.prepared(statement)?;
        let places = places(values);
        waited(&self.runtime, self.transaction.query(&statement, &bound(&places))).map_err(store_error)
    }

    fn each(
        &self,
        statement: &str,
        values: Values<'_>,
        mut give: impl FnMut(Vec<tokio_postgres::Row>) -> Result<ControlFlow<()>>,
    ) -> Result<()> {
        let statement = self.prepared(statement)?;
        let places = places(values);
        let portal = waited(&self.runtime, self.transaction.bind(&statement, &bound(&places))).map_err(store_error)?;
        loop {
            let rows = waited(&self.runtime, self.transaction.query_portal(&portal, FETCHED)).map_err(store_error)?;
            let was_all = rows.len() < FETCHED as usize;
            if give(rows)?.is_break() || was_all {
                return Ok(());
            }
        }
    }

    fn prepared(&self, statement: &str) -> Result<Statement> {
        if let Some(prepared) = self.prepared.borrow().get(statement) {
            return Ok(prepared.clone());
        }
        let prepared = waited(&self.runtime, self.transaction.prepare(&translated(statement))).map_err(store_error)?;
        self.prepared.borrow_mut().insert(statement.to_owned(), prepared.clone());
        Ok(prepared)
    }
}

fn places<'v>(values: Values<'v>) -> Vec<Place<'v>> {
    values.iter().map(|value| Place(value.bind())).collect()
}

fn bound<'p>(places: &'p [Place<'_>]) -> Vec<&'p (dyn ToSql + Sync)> {
    places.iter().map(|place| place as &(dyn ToSql + Sync)).collect()
}

impl Writing {
    /// Reads the end of the chain: where it is not the one that this connection has left, others have written. Whether they have
    /// made or revoked tokens, as their events say.
    pub(super) fn look_at_head(&self) -> Result<bool> {
        let head = self.rows("SELECT seq FROM audit_events ORDER BY seq DESC LIMIT 1", &[])?;
        let seq = head.first().map_or(0, |row| row.get::<_, i64>(0));
        let before = self.last_seq.replace(seq);
        if before == seq {
            return Ok(false);
        }
        self.changes_of_others.set(self.changes_of_others.get() + 1);
        Ok(!self.rows(TOKENS_CHANGED, values![before])?.is_empty())
    }

    /// Remembers where the last commit has left the chain.
    pub(super) fn committed(&self, head: Option<Head>) {
        head.into_iter().for_each(|head| self.last_seq.set(head.seq));
    }
}
