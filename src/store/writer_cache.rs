//! What the writer's thread remembers of the database from one transaction to the next: the active rules, the end of the
//! chain, and how far what is kept behind it has come.
//!
//! What is remembered follows what the writer changes, by the very calls that change it. Where that is rolled back, or
//! another process has written to the file, it is forgotten and read again when next needed. So what it says is what is
//! committed, or about to be.

use rusqlite::Connection;

use super::Result;
use super::active_rules::ActiveRules;
use crate::domain::chain::Head;

/// What is remembered.
#[derive(Debug, Default)]
pub(super) struct WriterCache {
    pub(super) book: ActiveRules,
    /// `None` until it is needed.
    pub(super) head: Option<Head>,
    /// The last event whose owner `own_events` tells; `None` until it is needed.
    pub(super) own_events_through: Option<i64>,
    /// SQLite's own count of the changes that other connections have made.
    data_version: i64,
}

impl WriterCache {
    /// Begins a transaction on `conn`: what others have committed since the last one is seen from here on.
    pub(super) fn begin(&mut self, conn: &Connection) -> Result<()> {
        let data_version = conn.prepare_cached("PRAGMA data_version")?.query_row([], |row| row.get(0))?;
        if data_version != self.data_version {
            *self = Self { data_version, ..Self::default() };
        }
        self.book.begin();
        Ok(())
    }

    /// The transaction, or a part of it, was undone.
    pub(super) fn undo(&mut self) {
        self.book.undo();
        self.head = None;
        self.own_events_through = None;
    }
}
