//! What is pending, as the writer's thread remembers it: how much each principal has, and which deadline is the first. In the
//! file it would be a page or two in every commit, and the rows of `interactions` say the same.
//!
//! It is read from those rows when the server starts and after another program has written, and follows what the writer does.

use std::collections::{BTreeSet, HashMap};
use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use super::Result;
use super::sql::{Sql, values};
use crate::clock::Timestamp;
use crate::domain::id::{PrincipalName, RequestId};
use crate::domain::interaction::Interaction;

/// One pending interaction, as far as it is remembered.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Entry {
    request_id: RequestId,
    registered_by: PrincipalName,
    expires_at: Option<Timestamp>,
}

impl From<&Interaction> for Entry {
    fn from(interaction: &Interaction) -> Self {
        Self {
            request_id: interaction.request_id.clone(),
            registered_by: interaction.registered_by.clone(),
            expires_at: interaction.expires_at,
        }
    }
}

/// How a transaction changes what is pending.
#[derive(Clone, Debug)]
pub(super) struct Change {
    entry: Entry,
    is_added: bool,
}

impl Change {
    /// It was registered.
    pub(super) fn added(interaction: &Interaction) -> Self {
        Self { entry: interaction.into(), is_added: true }
    }

    /// What the history tells of one: its id, by whom it was registered, and its deadline.
    pub(super) fn told(
        (request_id, registered_by, expires_at): (RequestId, PrincipalName, Option<Timestamp>),
        is_added: bool,
    ) -> Self {
        Self { entry: Entry { request_id, registered_by, expires_at }, is_added }
    }

    /// It was resolved.
    pub(super) fn removed(interaction: &Interaction) -> Self {
        Self { entry: interaction.into(), is_added: false }
    }
}

#[cfg(test)]
impl Change {
    /// For tests.
    pub(super) fn of(id: &str, by: &str, expires_at: Option<Timestamp>, is_added: bool) -> Self {
        let (request_id, registered_by) = (id.parse().unwrap(), by.parse().unwrap());
        Self { entry: Entry { request_id, registered_by, expires_at }, is_added }
    }
}

/// What is pending.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Pending {
    /// Nobody has none.
    counts: HashMap<PrincipalName, u32>,
    deadlines: BTreeSet<(Timestamp, RequestId)>,
}

impl Pending {
    /// Reads it from the rows.
    pub(super) fn read(sql: Sql<'_>) -> Result<Self> {
        let mut pending = Self::default();
        let entries = "SELECT request_id, registered_by, expires_at_ms FROM interactions WHERE status = 'pending'";
        sql.each(entries, values![], |row| {
            pending.add(Entry { request_id: row.get(0)?, registered_by: row.get(1)?, expires_at: row.get(2)? });
            Ok(ControlFlow::Continue(()))
        })?;
        Ok(pending)
    }

    /// How many interactions of a principal are pending.
    pub(super) fn count_of(&self, name: &PrincipalName) -> u32 {
        self.counts.get(name).copied().unwrap_or(0)
    }

    /// The first deadline of all.
    pub(super) fn first_deadline(&self) -> Option<Timestamp> {
        self.deadlines.first().map(|(deadline, _)| *deadline)
    }

    /// Those whose deadline is not after `now`, the longest overdue first; at most `limit`.
    pub(super) fn overdue(&self, now: Timestamp, limit: usize) -> Vec<RequestId> {
        let overdue = self.deadlines.iter().take_while(|(deadline, _)| *deadline <= now).take(limit);
        overdue.map(|(_, request_id)| request_id.clone()).collect()
    }

    /// Follows what a transaction has done.
    pub(super) fn apply(&mut self, change: Change) {
        if change.is_added {
            self.add(change.entry);
        } else {
            self.remove(change.entry);
        }
    }

    /// Takes back what [`Pending::apply`] did.
    pub(super) fn revert(&mut self, change: Change) {
        self.apply(Change { is_added: !change.is_added, ..change });
    }

    fn add(&mut self, entry: Entry) {
        self.deadlines.extend(entry.expires_at.map(|deadline| (deadline, entry.request_id)));
        *self.counts.entry(entry.registered_by).or_default() += 1;
    }

    fn remove(&mut self, entry: Entry) {
        if let Some(deadline) = entry.expires_at {
            self.deadlines.remove(&(deadline, entry.request_id));
        }
        if let Some(count) = self.counts.get_mut(&entry.registered_by) {
            *count -= 1;
            if *count == 0 {
                self.counts.remove(&entry.registered_by);
            }
        }
    }
}

/// The first deadline of what is pending, as the last commit left it: for all threads.
#[derive(Clone, Debug)]
pub(super) struct FirstDeadline(Arc<AtomicI64>);

impl FirstDeadline {
    pub(super) fn of(pending: &Pending) -> Self {
        let first = Self(Arc::new(AtomicI64::new(i64::MAX)));
        first.set(pending);
        first
    }

    pub(super) fn set(&self, pending: &Pending) {
        let millis = pending.first_deadline().map_or(i64::MAX, Timestamp::as_millis);
        self.0.store(millis, Ordering::Release);
    }

    /// Others have set this one, which may be over by now: whoever sweeps then finds that out.
    pub(super) fn no_later_than(&self, deadline: Timestamp) {
        self.0.fetch_min(deadline.as_millis(), Ordering::AcqRel);
    }

    pub(super) fn get(&self) -> Option<Timestamp> {
        Timestamp::from_millis(self.0.load(Ordering::Acquire))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::sqlite::in_memory::plan;

    fn change(id: &str, by: &str, at: Option<i64>, is_added: bool) -> Change {
        Change::of(id, by, at.and_then(Timestamp::from_millis), is_added)
    }

    #[test]
    fn what_is_reverted_leaves_nothing_behind() {
        let mut pending = Pending::default();
        pending.apply(change("a", "builder", Some(5), true));
        let before = format!("{pending:?}");
        let changes = [change("b", "other", Some(3), true), change("a", "builder", Some(5), false)];
        changes.iter().for_each(|change| pending.apply(change.clone()));
        assert_eq!(pending.first_deadline(), Timestamp::from_millis(3));
        assert_eq!(
            (pending.count_of(&"builder".parse().unwrap()), pending.count_of(&"other".parse().unwrap())),
            (0, 1)
        );
        changes.into_iter().rev().for_each(|change| pending.revert(change));
        assert_eq!(format!("{pending:?}"), before);
    }

    #[test]
    fn what_is_overdue_comes_in_the_order_of_its_deadlines_and_no_more_than_asked_for() {
        let mut pending = Pending::default();
        for (id, at) in [("late", Some(9)), ("second", Some(4)), ("first", Some(2)), ("never", None)] {
            pending.apply(change(id, "builder", at, true));
        }
        let overdue = |now, limit| pending.overdue(Timestamp::from_millis(now).unwrap(), limit);
        assert_eq!(overdue(4, 10), ["first", "second"].map(|id| id.parse().unwrap()));
        assert_eq!(overdue(4, 1), ["first".parse().unwrap()]);
        assert_eq!(overdue(1, 10), []);
    }

    #[test]
    fn it_is_read_without_what_is_over() {
        let plan = plan("SELECT request_id, registered_by, expires_at_ms FROM interactions WHERE status = 'pending'");
        assert_eq!(plan, ["SCAN interactions USING INDEX interactions_pending"]);
    }
}
