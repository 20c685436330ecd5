//! What the writer's thread remembers of the database from one transaction to the next: the active rules, and the end of
//! the chain.
//!
//! What is remembered follows what the writer changes, by the very calls that change it. Where that is rolled back, or
//! another process has written to the file, it is forgotten and read again when next needed. So what it says is what is
//! committed, or about to be.

use rusqlite::Connection;

use super::active_rules::ActiveRules;
use super::known_head::KnownHead;
use super::{Error, Result};
use crate::domain::chain::Head;

/// What is remembered.
#[derive(Debug, Default)]
pub(super) struct WriterCache {
    pub(super) book: ActiveRules,
    /// `None` until it is needed.
    pub(super) head: Option<Head>,
    /// What the file held at the end of the last transaction.
    known: KnownHead,
    /// SQLite's own count of the changes that other connections have made.
    data_version: i64,
}

impl WriterCache {
    /// Begins a transaction on `conn`: what others have committed since the last one is seen from here on.
    ///
    /// # Errors
    ///
    /// If the database cannot be read, or no longer holds what was committed to it.
    pub(super) fn begin(&mut self, conn: &Connection) -> Result<()> {
        // At the beginning of a transaction, what is remembered is committed.
        if let Some(head) = self.head {
            self.known.set(head);
        }
        let data_version = conn.prepare_cached("PRAGMA data_version")?.query_row([], |row| row.get(0))?;
        if data_version != self.data_version {
            let mut known = std::mem::take(&mut self.known);
            if !known.is_still_there(conn)? {
                tracing::error!("another database, or an earlier state of this one, was put into the database file");
                return Err(Error::Closed);
            }
            *self = Self { data_version, known, ..Self::default() };
        }
        self.book.begin();
        Ok(())
    }

    /// The transaction, or a part of it, was undone.
    pub(super) fn undo(&mut self) {
        self.book.undo();
        self.head = None;
    }
}
