//! The walk over the signatures: which stretches of interactions a search has to read, the newest first.

use super::query_sql::Needed;
use super::search_blocks::{BLOCK_ROWS, Signature, block_of};
use super::sql::{Sql, values};
use super::{ReadTx, Result};

/// How many signatures are looked at in one statement.
const AT_ONCE: i64 = 256;

/// How many signatures one page looks at: two million interactions.
const MOST_BLOCKS: i64 = 32_768;

/// Interactions that follow one another, by the first and the last of their numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Stretch {
    pub(super) first: i64,
    pub(super) last: i64,
}

/// What the walk comes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Found {
    /// Interactions that may have what is needed.
    ToRead(Stretch),
    /// As many signatures were looked at as one page may: none from this number on is left.
    TooFar {
        /// The number.
        before: i64,
    },
}

/// The walk.
pub(super) struct Stretches<'c> {
    sql: Sql<'c>,
    needed: &'c Needed,
    /// The numbers that are left lie between these.
    after: i64,
    before: i64,
    /// The first block without a signature.
    open: i64,
    /// The signatures that were read and not looked at, the newest last.
    read: Vec<(i64, Signature)>,
    looked_at: i64,
}

impl ReadTx<'_> {
    /// What is to be read of the interactions after one and before another.
    pub(super) fn stretches<'c>(&'c self, needed: &'c Needed, after: i64, before: i64) -> Result<Stretches<'c>> {
        let open = self.first_open_block()?;
        Ok(Stretches { sql: self.sql, needed, after, before, open, read: Vec::new(), looked_at: 0 })
    }
}

impl Iterator for Stretches<'_> {
    type Item = Result<Found>;

    fn next(&mut self) -> Option<Self::Item> {
        while self.before > self.after + 1 {
            let block = block_of(self.before - 1);
            let first = if block >= self.open { self.open * BLOCK_ROWS } else { block * BLOCK_ROWS };
            let stretch = Stretch { first: first.max(self.after + 1), last: self.before - 1 };
            if self.looked_at >= MOST_BLOCKS {
                return Some(Ok(Found::TooFar { before: self.before }));
            }
            self.before = stretch.first;
            match self.may_have(block) {
                Ok(true) => return Some(Ok(Found::ToRead(stretch))),
                Ok(false) => {}
                Err(error) => return Some(Err(error)),
            }
        }
        None
    }
}

impl Stretches<'_> {
    /// Whether an interaction of this block may have what is needed; without a signature any may.
    fn may_have(&mut self, block: i64) -> Result<bool> {
        if block >= self.open {
            return Ok(true);
        }
        self.looked_at += 1;
        if self.read.is_empty() {
            self.read = self.sql.rows(
                "SELECT block, signature FROM search_blocks WHERE block BETWEEN ?1 AND ?2 ORDER BY block",
                values![block - AT_ONCE + 1, block],
                |row| Ok((row.get(0)?, Signature::from_bytes(row.get(1)?))),
            )?;
        }
        let signature = self.read.pop_if(|(number, _)| *number == block);
        Ok(signature.is_none_or(|(_, signature)| self.needed.may_be_in(&signature)))
    }
}
