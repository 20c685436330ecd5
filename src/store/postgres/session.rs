//! How the store's statements run on a connection to PostgreSQL.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::future::Future;
use std::ops::ControlFlow;
use std::sync::Arc;

use tokio::runtime::Handle;
use tokio_postgres::types::ToSql;
use tokio_postgres::{Statement, Transaction};

use super::dialect::translated;
use super::error::store_error;
use super::values::{Found, Place};
use super::writing::Writing;
use crate::store::sql::{self, Stored, Values};
use crate::store::{Error, Result};

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

/// A transaction that reads.
pub(in crate::store) struct Reading<'c> {
    pub(super) transaction: Transaction<'c>,
    pub(super) runtime: Handle,
    pub(super) prepared: &'c Prepared,
    /// Whether an answer did not come, since the connection was lost.
    pub(super) is_lost: Cell<bool>,
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

    /// Counts anew what is in these tables.
    pub(in crate::store) fn analyze(self, tables: &[&str]) -> Result<()> {
        let Self::Writing(writing) = self else { return Err(read_only()) };
        writing.run(&format!("ANALYZE {}", tables.join(", ")))?;
        // Whoever does not own a table is warned of it: that is nothing that a commit is to wait for.
        writing.forget_warnings();
        Ok(())
    }
}

/// A row that PostgreSQL has found.
pub(in crate::store) struct Row<'r>(pub(super) &'r tokio_postgres::Row);

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
    crate::store::Error::Internal(Arc::new(std::io::Error::other("a transaction that reads was to write")))
}

/// Waits for it, on whatever thread: one of the runtime's own leaves its other work to another one.
pub(super) fn waited<T>(runtime: &Handle, answer: impl Future<Output = T>) -> T {
    tokio::task::block_in_place(|| runtime.block_on(answer))
}

impl Reading<'_> {
    fn rows(&self, statement: &str, values: Values<'_>) -> Result<Vec<tokio_postgres::Row>> {
        let statement = self.prepared(statement)?;
        let places = places(values);
        waited(&self.runtime, self.transaction.query(&statement, &bound(&places))).map_err(|error| self.failed(error))
    }

    fn each(
        &self,
        statement: &str,
        values: Values<'_>,
        mut give: impl FnMut(Vec<tokio_postgres::Row>) -> Result<ControlFlow<()>>,
    ) -> Result<()> {
        let statement = self.prepared(statement)?;
        let places = places(values);
        let portal = waited(&self.runtime, self.transaction.bind(&statement, &bound(&places)));
        let portal = portal.map_err(|error| self.failed(error))?;
        loop {
            let rows = waited(&self.runtime, self.transaction.query_portal(&portal, FETCHED));
            let rows = rows.map_err(|error| self.failed(error))?;
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
        let prepared = waited(&self.runtime, self.transaction.prepare(&translated(statement)));
        let prepared = prepared.map_err(|error| self.failed(error))?;
        self.prepared.borrow_mut().insert(statement.to_owned(), prepared.clone());
        Ok(prepared)
    }

    fn failed(&self, error: tokio_postgres::Error) -> Error {
        let error = store_error(error);
        if let Error::Unavailable(_) = error {
            self.is_lost.set(true);
        }
        error
    }
}

pub(super) fn places<'v>(values: Values<'v>) -> Vec<Place<'v>> {
    values.iter().map(|value| Place(value.bind())).collect()
}

pub(super) fn bound<'p>(places: &'p [Place<'_>]) -> Vec<&'p (dyn ToSql + Sync)> {
    places.iter().map(|place| place as &(dyn ToSql + Sync)).collect()
}
