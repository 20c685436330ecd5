//! The end of the chain of events as it was last seen: what the file has to hold for as long as a server has it open.
//!
//! The history only grows, whichever process writes. So where the event that was the last one is gone or is another, the
//! file holds another database, or an earlier state of this one: `.restore` of the `sqlite3` shell puts it there by an
//! orderly transaction, which damages nothing and takes away what was acknowledged.

use std::path::PathBuf;

use super::sql::{Sql, values};
use super::{OpenError, ReadTx, Result};
use crate::domain::chain::{EventHash, Head};

/// The last event that was seen.
#[derive(Debug)]
pub(super) struct KnownHead(Head);

impl Default for KnownHead {
    fn default() -> Self {
        Self(Head::NONE)
    }
}

impl KnownHead {
    /// Whether the event that was the last one is where it was; from here on, the one that now is the last one counts.
    ///
    /// # Errors
    ///
    /// If the history cannot be read.
    pub(super) fn is_still_there(&mut self, sql: Sql<'_>) -> Result<bool> {
        let tx = ReadTx::new(sql);
        let is_there = tx.has_event(self.0)?;
        if is_there {
            self.0 = tx.audit_head()?;
        }
        Ok(is_there)
    }

    /// An event of the connection itself, or of the writer, has become the last one.
    pub(super) const fn set(&mut self, head: Head) {
        self.0 = head;
    }
}

/// What a server has seen of a database before it opens it, where that is kept beside the database.
#[derive(Clone, Debug, Default)]
pub struct Seen {
    /// The file that remembers the last event that was seen.
    pub head_file: PathBuf,
    /// The last event that was seen, where it is known to be lost.
    pub accepted_loss: Option<Head>,
}

impl ReadTx<'_> {
    /// Whether this event is where it was, or there was none.
    pub(super) fn has_event(&self, Head { seq, hash }: Head) -> Result<bool> {
        if seq == Head::NONE.seq {
            return Ok(true);
        }
        let found: Option<EventHash> = self.sql.value("SELECT hash FROM audit_events WHERE seq = ?1", values![seq])?;
        Ok(found == Some(hash))
    }

    /// The last event that was seen, where it is no longer there and that was accepted.
    pub(super) fn lost(
        &self,
        known: Option<Head>,
        seen: &Seen,
        database: &str,
    ) -> std::result::Result<Option<Head>, OpenError> {
        let Some(known) = known else { return Ok(None) };
        if self.has_event(known)? {
            return Ok(None);
        }
        if seen.accepted_loss == Some(known) {
            return Ok(Some(known));
        }
        // There may be others since, which are not what was lost.
        let left = self.audit_head()?.seq.min(known.seq - 1);
        Err(OpenError::Lost { database: database.to_owned(), known, left, accepted: seen.accepted_loss.map(Box::new) })
    }
}
