//! The history as it stands in the file, trusted in nothing: for whoever verifies or exports it.
//!
//! It is read in short transactions of some thousand rows each, so that the write-ahead log of a running server is not
//! held however long the history is. A history that only grows looks the same through them as through one.

use std::borrow::Cow;
use std::cell::Cell;
use std::path::Path;

use rusqlite::functions::{Context, FunctionFlags};
use rusqlite::types::{FromSql, ValueRef};
use rusqlite::{Connection, Row};

use super::{OpenError, ReadTx, Result, open};
use crate::domain::chain::{AuditContent, EventHash, Head, UnverifiedEvent};

/// How many rows one transaction reads.
const CHUNK: i64 = 2_000;

/// What the columns of a told event are called, in their order in every query here.
const COLUMNS: [&str; 6] = ["at_ms", "event", "request_id", "rule_id", "principal", "detail"];

/// The history of a database, open for reading beside a server or without one.
pub struct History {
    conn: Connection,
}

impl History {
    /// Opens the database at `path`, which has to be there and to have a chain.
    pub fn open(path: &Path) -> std::result::Result<Self, OpenError> {
        Ok(Self { conn: open::for_reading_the_chain(path)? })
    }

    /// Its end, as the last row says it.
    pub fn head(&self) -> Result<Head> {
        (ReadTx { conn: &self.conn }).audit_head()
    }

    /// Every event, in order.
    pub fn events(&self) -> Events<'_> {
        events(&self.conn)
    }
}

/// Every event that `conn` sees, in order.
pub(super) fn events(conn: &Connection) -> Events<'_> {
    Events { conn, chunk: Vec::new().into_iter(), after: None, is_done: false }
}

/// The events of a history, one chunk in memory at a time.
pub struct Events<'h> {
    conn: &'h Connection,
    chunk: std::vec::IntoIter<UnverifiedEvent>,
    /// The place of the last one that was read.
    after: Option<i64>,
    is_done: bool,
}

impl Iterator for Events<'_> {
    type Item = Result<UnverifiedEvent>;

    fn next(&mut self) -> Option<Result<UnverifiedEvent>> {
        if self.chunk.len() == 0 && !self.is_done {
            match self.read() {
                Ok(chunk) => self.chunk = chunk.into_iter(),
                Err(error) => {
                    self.is_done = true;
                    return Some(Err(error));
                }
            }
        }
        self.chunk.next().map(Ok)
    }
}

impl Events<'_> {
    fn read(&mut self) -> Result<Vec<UnverifiedEvent>> {
        let mut statement = self.conn.prepare_cached(&format!(
            "SELECT {}, seq, hash FROM audit_events WHERE ?1 IS NULL OR seq > ?1 ORDER BY seq LIMIT {CHUNK}",
            COLUMNS.join(", ")
        ))?;
        let mut rows = statement.query([self.after])?;
        let mut chunk = Vec::new();
        while let Some(row) = rows.next()? {
            let found = found(row)?;
            self.after = found.seq;
            chunk.push(found);
        }
        self.is_done = chunk.len() < CHUNK as usize;
        Ok(chunk)
    }
}

fn found(row: &Row<'_>) -> Result<UnverifiedEvent> {
    let mut values = [ValueRef::Null; COLUMNS.len()];
    for (column, value) in values.iter_mut().enumerate() {
        *value = row.get_ref(column)?;
    }
    let hash = EventHash::column_result(row.get_ref(COLUMNS.len() + 1)?).ok();
    Ok(UnverifiedEvent { seq: Some(row.get(COLUMNS.len())?), told: told(values), hash, previous: None })
}

/// What the columns of a row tell, or which of them holds nothing of the kind.
fn told(values: [ValueRef<'_>; COLUMNS.len()]) -> std::result::Result<AuditContent<'static>, String> {
    fn column<T: FromSql>(values: &[ValueRef<'_>], column: usize) -> std::result::Result<T, String> {
        T::column_result(values[column]).map_err(|_| format!("its {} is none", COLUMNS[column]))
    }
    let optional = |index| Ok::<_, String>(column::<Option<String>>(&values, index)?.map(Cow::Owned));
    Ok(AuditContent {
        at: column(&values, 0)?,
        event: column::<String>(&values, 1)?.into(),
        request_id: optional(2)?,
        rule_id: optional(3)?,
        principal: optional(4)?,
        detail: column::<String>(&values, 5)?.into(),
    })
}

/// Lets `conn` chain what an earlier schema has written: `audit_hash(seq, at_ms, event, …)`, asked of each event in its
/// order. Only a connection that migrates has it.
pub(super) fn chain_while_migrating(conn: &Connection) -> rusqlite::Result<()> {
    let previous = Cell::new(EventHash::ZERO);
    let chain = move |context: &Context<'_>| {
        let seq: i64 = context.get(0)?;
        let values = std::array::from_fn(|column| context.get_raw(column + 1));
        let told = told(values).map_err(|why| format!("event {seq} cannot be chained: {why}"));
        let hash = told.map_err(|why| rusqlite::Error::UserFunctionError(why.into()))?.hash(seq, previous.get());
        previous.set(hash);
        Ok(hash.as_bytes().to_vec())
    };
    conn.create_scalar_function("audit_hash", ARGUMENTS, FunctionFlags::SQLITE_UTF8, chain)
}

/// Takes away what [`chain_while_migrating`] gave.
pub(super) fn chained(conn: &Connection) -> rusqlite::Result<()> {
    conn.remove_function("audit_hash", ARGUMENTS)
}

/// The place, and what is told.
const ARGUMENTS: std::ffi::c_int = 1 + COLUMNS.len() as std::ffi::c_int;
