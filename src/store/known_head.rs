//! The end of the chain of events as it was last seen: what the file has to hold for as long as a server has it open.
//!
//! The history only grows, whichever process writes. So where the event that was the last one is gone or is another, the
//! file holds another database, or an earlier state of this one: `.restore` of the `sqlite3` shell puts it there by an
//! orderly transaction, which damages nothing and takes away what was acknowledged.

use super::sql::{Sql, values};
use super::{ReadTx, Result};
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
        let Self(Head { seq, hash }) = *self;
        if seq > Head::NONE.seq {
            let found: Option<EventHash> = sql.value("SELECT hash FROM audit_events WHERE seq = ?1", values![seq])?;
            if found != Some(hash) {
                return Ok(false);
            }
        }
        self.0 = ReadTx::new(sql).audit_head()?;
        Ok(true)
    }

    /// An event of the connection itself, or of the writer, has become the last one.
    pub(super) const fn set(&mut self, head: Head) {
        self.0 = head;
    }
}
