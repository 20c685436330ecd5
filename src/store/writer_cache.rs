//! What the writer's thread remembers of the database from one transaction to the next: what is pending, the active
//! rules, the channels, the end of the chain, and how far what is kept behind it has come.
//!
//! What is remembered follows what the writer changes, by the very calls that change it. Where that is rolled back, or
//! another process has written to the file, it is forgotten and read again when next needed; what is pending is
//! not forgotten where it can be reverted. So what it says is what is
//! committed, or about to be.

use super::active_rules::ActiveRules;
use super::channels::Listener;
use super::engine::{Others, Turn};
use super::known_head::KnownHead;
use super::news::News;
use super::pending::{Change, FirstDeadline, Pending};
use super::sql::Sql;
use super::stored_bytes::StoredBytes;
use super::{Error, ReadTx, Result};
use crate::domain::chain::Head;
use crate::domain::id::PrincipalName;

/// What is remembered.
#[derive(Debug, Default)]
pub(super) struct WriterCache {
    pub(super) book: ActiveRules,
    /// `None` until it is needed.
    pub(super) head: Option<Head>,
    /// The number of the newest interaction; `None` until it is needed.
    pub(super) last_interaction: Option<i64>,
    /// What the file held at the end of the last transaction.
    known: KnownHead,
    /// The last event whose owner `own_events` tells; `None` until it is needed.
    pub(super) own_events_through: Option<i64>,
    /// What is pending; `None` until the writer begins a transaction, and in a command, which registers nothing.
    pub(super) pending: Option<Pending>,
    /// What this transaction has changed of it.
    changes: Vec<Change>,
    /// What was registered since `principals` was brought up to date; `None` until it is needed.
    pub(super) stored: Option<StoredBytes>,
    /// Who may resolve: at most two of them; `None` until it is needed.
    pub(super) resolvers: Option<Vec<PrincipalName>>,
    /// The channels that are on; `None` until they are needed.
    pub(super) listeners: Option<Vec<Listener>>,
}

impl WriterCache {
    /// Remembers what the database says, and its first deadline.
    pub(super) fn open(sql: Sql<'_>) -> Result<(Self, FirstDeadline)> {
        let pending = Pending::read(sql)?;
        let first_deadline = FirstDeadline::of(&pending);
        Ok((Self { pending: Some(pending), ..Self::default() }, first_deadline))
    }

    /// Begins a transaction: what others have committed since the last one is seen from here on.
    ///
    /// # Errors
    ///
    /// If the database cannot be read, or no longer holds what was committed to it.
    pub(super) fn begin(&mut self, turn: Turn, sql: Sql<'_>) -> Result<()> {
        // At the beginning of a transaction, what is remembered is committed.
        if let Some(head) = self.head {
            self.known.set(head);
        }
        self.book.begin();
        match turn.others {
            Others::Nothing => {}
            Others::News(news) => self.follow(&news, sql)?,
            Others::Anything => self.forget(sql)?,
        }
        if let Some(reached) = turn.reached {
            self.last_interaction = Some(reached.interactions);
            self.own_events_through = Some(reached.own_events);
            // Others have brought it up to date.
            self.stored.take_if(|stored| stored.through() != reached.stored_bytes);
        }
        if self.pending.is_none() {
            self.pending = Some(Pending::read(sql)?);
        }
        Ok(())
    }

    /// Others have written whatever it was.
    fn forget(&mut self, sql: Sql<'_>) -> Result<()> {
        // Before anything can fail: what others have done is told once.
        *self = Self { known: std::mem::take(&mut self.known), ..Self::default() };
        if !self.known.is_still_there(sql)? {
            tracing::error!("another database, or an earlier state of this one, was put into the database file");
            return Err(Error::Closed);
        }
        Ok(())
    }

    /// Others have written what these events tell of.
    fn follow(&mut self, news: &[News], sql: Sql<'_>) -> Result<()> {
        if let Some(pending) = &mut self.pending {
            news.iter().filter_map(News::change).for_each(|change| pending.apply(change));
        }
        self.head = news.last().map(|last| last.head);
        if !news.iter().all(News::is_of_an_interaction) {
            (self.resolvers, self.listeners) = (None, None);
        }
        let rules = news.iter().filter(|news| news.is_of_rules()).map(News::rule_id);
        self.book.renew(rules, &ReadTx::new(sql))?;
        if let Some(mut stored) = self.stored.take() {
            for (name, at, bytes) in news.iter().filter_map(News::registration) {
                stored.count(sql, name, at, bytes)?;
            }
            self.stored = Some(stored);
        }
        Ok(())
    }

    /// Follows a part of the transaction that is done.
    pub(super) fn apply(&mut self, changes: Vec<Change>) {
        if let Some(pending) = &mut self.pending {
            changes.iter().for_each(|change| pending.apply(change.clone()));
        }
        self.changes.extend(changes);
    }

    /// The transaction was committed: nothing of it can be undone any more.
    pub(super) fn committed(&mut self) {
        self.changes.clear();
    }

    /// Whether what is remembered of what is pending is what the rows say: reads them all, so only builds for tests ask. Where they
    /// cannot be read, nothing is committed either: on PostgreSQL a write may fail no earlier than with the next read.
    pub(super) fn is_right(&self, sql: Sql<'_>) -> bool {
        let is_another = Pending::read(sql).is_ok_and(|read| self.pending.as_ref() != Some(&read));
        !is_another
    }

    /// The whole transaction was undone.
    pub(super) fn undo(&mut self) {
        if let Some(pending) = &mut self.pending {
            self.changes.drain(..).rev().for_each(|change| pending.revert(change));
        }
        self.undo_part();
    }

    /// A part of the transaction was undone that was not applied.
    pub(super) fn undo_part(&mut self) {
        self.book.undo();
        self.stored = None;
        self.resolvers = None;
        self.listeners = None;
        self.head = None;
        self.last_interaction = None;
        self.own_events_through = None;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Timestamp;

    /// A transaction may fail before it has begun, where another process writes for long.
    #[test]
    fn what_is_committed_is_remembered_whatever_fails_afterwards() {
        let registered = || Change::of("r", "builder", Timestamp::from_millis(1), true);
        let mut cache = WriterCache { pending: Some(Pending::default()), ..WriterCache::default() };
        let builder = "builder".parse().unwrap();
        let count = |cache: &WriterCache| cache.pending.as_ref().unwrap().count_of(&builder);
        cache.apply(vec![registered()]);
        cache.undo();
        assert_eq!(count(&cache), 0);
        cache.apply(vec![registered()]);
        cache.committed();
        cache.undo();
        assert_eq!(count(&cache), 1);
    }
}
