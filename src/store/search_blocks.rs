//! The table `search_blocks`: which stretches of interactions a search need not read.
//!
//! A signature is a Bloom filter: where a piece of a word is not in it, the word is in none of its interactions; where all
//! are, the interactions themselves tell. It is made of the rows, some time after them and beside the writer, and follows them
//! from then on: a comment adds to it, a forgetting has it made anew, each in the transaction of its own change.

use std::collections::BTreeSet;
use std::ops::{ControlFlow, Range};
use std::time::{Duration, Instant};

use super::interactions::{NUMBER, RECORDS, record_from};
use super::sql::values;
use super::{ReadTx, Result, WriteTx};
use crate::domain::id::RequestId;
use crate::domain::query::Searched;

/// How many interactions have a signature together.
pub const BLOCK_ROWS: i64 = 64;

/// How many of the newest interactions have none yet: an interaction that is resolved soon is written down once.
pub(super) const WITHOUT_SIGNATURE: i64 = 256;

/// How many bits a signature has for each piece that is in it, and how many of them a piece sets: of a hundred blocks that
/// do not have a piece, three seem to.
const BITS_PER_PIECE: usize = 10;
const BITS_SET: u32 = 2;

/// The longest signature, in bytes: what a page of the database holds beside its row.
const LONGEST: usize = 4_000;

/// The room that comments have which come later, in pieces.
const LATER_PIECES: usize = 64;

/// After this no further signature is begun in one read.
const LONG: Duration = Duration::from_millis(100);

/// A Bloom filter of the digests of pieces.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Signature(Vec<u8>);

impl Signature {
    /// Of pieces that are each there once.
    fn of_pieces(pieces: &[u64]) -> Self {
        let bits = (pieces.len() + LATER_PIECES) * BITS_PER_PIECE;
        let bytes = bits.div_ceil(64) * 8;
        Self::with_size(pieces, bytes.min(LONGEST))
    }

    fn with_size(pieces: &[u64], bytes: usize) -> Self {
        let mut signature = Self(vec![0; bytes]);
        pieces.iter().for_each(|piece| signature.add(*piece));
        signature
    }

    pub(super) const fn from_bytes(bytes: Vec<u8>) -> Self {
        Self(bytes)
    }

    fn add(&mut self, piece: u64) {
        for bit in self.bits_of(piece) {
            if let Some(byte) = self.0.get_mut(bit / 8) {
                *byte |= 1 << (bit % 8);
            }
        }
    }

    /// Whether this piece may be in it.
    pub(super) fn may_have(&self, piece: u64) -> bool {
        self.bits_of(piece).all(|bit| self.0.get(bit / 8).is_some_and(|byte| byte & (1 << (bit % 8)) != 0))
    }

    /// Halves of the digest, each as a part of all bits.
    fn bits_of(&self, piece: u64) -> impl Iterator<Item = usize> + use<> {
        let bits = self.0.len() as u64 * 8;
        let half_of = move |half: u32| (piece >> (32 * half)) & u64::from(u32::MAX);
        (0..BITS_SET).map(move |half| ((half_of(half) * bits) >> 32) as usize)
    }
}

/// A signature that is to be written: of the rows as they were when this event was the newest, or later.
#[derive(Clone, Debug)]
pub struct NewSignature {
    block: i64,
    signature: Signature,
    newest_event: i64,
}

/// The block that an interaction is in.
pub(super) const fn block_of(interaction_id: i64) -> i64 {
    interaction_id.div_euclid(BLOCK_ROWS)
}

const fn first_of(block: i64) -> i64 {
    block * BLOCK_ROWS
}

const fn last_of(block: i64) -> i64 {
    first_of(block + 1) - 1
}

/// All interactions of a block.
fn in_block() -> String {
    format!("{RECORDS} WHERE i.interaction_id BETWEEN ?1 AND ?2")
}

/// The interactions between two about which there is an event after this one.
const HAPPENED_SINCE: &str = "SELECT 1 FROM interactions AS i WHERE i.interaction_id BETWEEN ?2 AND ?3 \
     AND EXISTS (SELECT 1 FROM audit_events AS e WHERE e.request_id = i.request_id AND e.seq > ?1)";

const SIGNATURE: &str = "SELECT signature FROM search_blocks WHERE block = ?1";

impl ReadTx<'_> {
    /// The first block that has no signature, nor any after it.
    pub(super) fn first_open_block(&self) -> Result<i64> {
        self.sql.one("SELECT coalesce(max(block) + 1, 0) FROM search_blocks", values![])
    }

    /// Whether there is a block that is old enough for a signature and has none.
    ///
    /// # Errors
    ///
    /// An [`Error`](super::Error) of the store.
    pub fn is_search_behind(&self) -> Result<bool> {
        Ok(!self.blocks_to_sign()?.is_empty())
    }

    fn blocks_to_sign(&self) -> Result<Range<i64>> {
        let old_enough = block_of(self.last_interaction()? - WITHOUT_SIGNATURE);
        Ok(self.first_open_block()?..old_enough)
    }

    /// The signatures of the next blocks that have none and are old enough, at most so many: fewer where there is much to read.
    ///
    /// # Errors
    ///
    /// An [`Error`](super::Error) of the store.
    pub fn next_signatures(&self, most: usize) -> Result<Vec<NewSignature>> {
        // Asked for before the rows are: what happens in between is then looked for, and found, when they are written.
        let newest_event = self.last_seq()?;
        let of_block = |block| {
            let signature = Signature::of_pieces(&self.pieces_of_block(block)?);
            Ok(NewSignature { block, signature, newest_event })
        };
        let begun = Instant::now();
        let has_time = |_: &i64| begun.elapsed() < LONG;
        self.blocks_to_sign()?.take(most).take_while(has_time).map(of_block).collect()
    }

    /// The pieces of a block's interactions, each once.
    fn pieces_of_block(&self, block: i64) -> Result<Vec<u64>> {
        let mut pieces = Vec::new();
        self.sql.each(&in_block(), values![first_of(block), last_of(block)], |row| {
            Searched::of(&record_from(row)?).pieces(|piece| pieces.push(piece));
            Ok(ControlFlow::Continue(()))
        })?;
        pieces.sort_unstable();
        pieces.dedup();
        Ok(pieces)
    }

    fn signature(&self, block: i64) -> Result<Option<Signature>> {
        Ok(self.sql.value(SIGNATURE, values![block])?.map(Signature))
    }

    /// The blocks whose signatures are not those of their interactions, in order; `progress` is told of each that is looked at.
    pub(super) fn wrong_signatures(&self, progress: impl Fn(i64)) -> Result<Vec<i64>> {
        let mut wrong = Vec::new();
        for block in 0..self.first_open_block()? {
            progress(block);
            let is_right = match self.signature(block)? {
                Some(signature) => Signature::with_size(&self.pieces_of_block(block)?, signature.0.len()) == signature,
                None => false,
            };
            if !is_right {
                wrong.push(block);
            }
        }
        Ok(wrong)
    }
}

impl WriteTx<'_> {
    /// Writes signatures that were made in this order, up to the first that would be wrong: something has happened to one of
    /// its interactions meanwhile, or another server has written it.
    ///
    /// # Errors
    ///
    /// An [`Error`](super::Error) of the store.
    pub fn insert_signatures(&mut self, signatures: &[NewSignature]) -> Result<()> {
        for new in signatures {
            if self.first_open_block()? != new.block || self.has_happened_since(new)? {
                break;
            }
            let sql = "INSERT INTO search_blocks (block, signature) VALUES (?1, ?2)";
            self.sql.write(sql, values![new.block, new.signature.0])?;
        }
        Ok(())
    }

    fn has_happened_since(&self, new: &NewSignature) -> Result<bool> {
        self.sql.exists(HAPPENED_SINCE, values![new.newest_event, first_of(new.block), last_of(new.block)])
    }

    /// Lets an interaction be found by what was said when it was resolved.
    pub(super) fn add_to_search(&self, request_id: &RequestId, comment: &str) -> Result<()> {
        let Some(block) = self.block_of(request_id)? else { return Ok(()) };
        let Some(mut signature) = self.signature(block)? else { return Ok(()) };
        Searched::of_comment(comment).pieces(|piece| signature.add(piece));
        self.set_signature(block, &signature)
    }

    /// Makes the signatures anew of the blocks of these interactions, without what was forgotten of them.
    pub(super) fn renew_search(&self, request_ids: &[RequestId]) -> Result<()> {
        let blocks =
            request_ids.iter().filter_map(|id| self.block_of(id).transpose()).collect::<Result<BTreeSet<_>>>()?;
        for block in blocks {
            if let Some(Signature(signature)) = self.signature(block)? {
                self.set_signature(block, &Signature::with_size(&self.pieces_of_block(block)?, signature.len()))?;
            }
        }
        Ok(())
    }

    fn block_of(&self, request_id: &RequestId) -> Result<Option<i64>> {
        Ok(self.sql.value(NUMBER, values![request_id])?.map(block_of))
    }

    fn set_signature(&self, block: i64, Signature(signature): &Signature) -> Result<()> {
        let update = "UPDATE search_blocks SET signature = ?2 WHERE block = ?1";
        self.sql.write(update, values![block, signature])
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;
    use crate::domain::query::pieces_of;

    #[test]
    fn a_signature_has_all_its_pieces_and_hardly_any_other() {
        let pieces: HashSet<u64> = (0..1500).flat_map(|number| pieces_of(&format!("x{number:04}"))).collect();
        let signature = Signature::of_pieces(&Vec::from_iter(pieces.iter().copied()));
        assert!(pieces.iter().all(|piece| signature.may_have(*piece)));
        let others = (0..2000).flat_map(|number| pieces_of(&format!("é{number}ü")));
        let others: HashSet<u64> = others.filter(|piece| !pieces.contains(piece)).collect();
        let seeming = others.iter().filter(|piece| signature.may_have(**piece)).count();
        assert!(seeming * 20 < others.len(), "{seeming} of {}", others.len());
        assert!(signature.0.len().is_multiple_of(8) && signature.0.len() <= LONGEST);
    }

    #[test]
    fn a_signature_that_is_full_still_has_all_its_pieces() {
        let pieces: Vec<u64> = (0..50_000_u64).map(|number| number.wrapping_mul(0x9e37_79b9_7f4a_7c15)).collect();
        let signature = Signature::of_pieces(&pieces);
        assert_eq!(signature.0.len(), LONGEST);
        assert!(pieces.iter().all(|piece| signature.may_have(*piece)));
    }
}
