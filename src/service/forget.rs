//! What was asked is forgotten: one interaction, for an admin, or what is older than it is to be kept.
//!
//! What can still be used is not forgotten because of its age: an approval that can be claimed, a secret that can be taken.

use std::time::Duration;

use super::{Caller, Error, Result, Service, find};
use crate::clock::{Clock, Timestamp};
use crate::config::Ttl;
use crate::domain::audit::{Event, NewAuditEvent};
use crate::domain::id::RequestId;
use crate::domain::interaction::{Interaction, Record, Resolution};
use crate::domain::refused::Refused;
use crate::store::{
    Aged, Cursor, Emptied, Error as StoreError, Forgettable, Priority, ReadTx, Result as StoreResult, Run,
    SharedDatabase, WriteTx,
};

/// The most interactions that are looked at in one read.
const LOOKED_AT_ONCE: u32 = 1_000;

/// The most interactions that are forgotten in one transaction, so that no other write waits long behind it.
const FORGOTTEN_AT_ONCE: usize = 50;

/// The most pages of the file that are given back in one transaction.
const SHRUNK_AT_ONCE: u32 = 128;

/// The longest time between two looks for what has become too old: an hour.
const LONGEST_INTERVAL_MS: u64 = 60 * 60 * 1000;

/// How long the keeper rests after a failure, such as a full disk.
const REST: Duration = Duration::from_secs(1);

/// How much was forgotten, and what was left though it is as old.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Forgotten {
    /// How many were forgotten, or would be.
    pub forgotten: u64,
    /// How many approvals can still be claimed.
    pub claimable: u64,
    /// How many secrets can still be taken.
    pub takeable: u64,
}

impl Forgotten {
    const fn add(&mut self, found: &Forgettable) {
        self.claimable += found.claimable;
        self.takeable += found.takeable;
    }
}

impl Service {
    /// Wipes what was asked and said of an interaction, with the value of a secret; one that is forgotten already stays so.
    ///
    /// # Errors
    ///
    /// A refusal if it is pending or can still be claimed, or an error of the store.
    pub async fn forget(&self, by: &Caller, request_id: &RequestId) -> Result<Record> {
        let id = request_id.clone();
        let forgotten = self.write_as(by, move |tx, by| {
            let mut interaction = find(tx, &id, by)?;
            if tx.is_forgotten(&id)? {
                return Ok::<_, Error>(tx.found_record(&id)?);
            }
            if let Some(end) = interaction.expires_at.filter(|_| interaction.is_overdue(tx.now())) {
                let expired = Resolution::expired(end);
                tx.resolve(&interaction, &expired)?;
                interaction.resolution = Some(expired);
            }
            check_over(tx, &interaction)?;
            if tx.sealed(&id)?.is_some_and(|sealed| sealed.value.is_some()) {
                tx.wipe_sealed(&id, &by.name)?;
                tx.append_audit(NewAuditEvent::new(Event::SecretWiped).request(&id).principal(&by.name))?;
            }
            tx.forget(std::slice::from_ref(&id), Some(&by.name))?;
            Ok(tx.found_record(&id)?)
        });
        let record = forgotten.await?;
        self.clean_log().await?;
        self.forgotten.notify_one();
        Ok(record)
    }

    /// Forgets what has become older than it is to be kept, and gives back what that leaves free, until the service closes.
    pub async fn run_keeper(&self) {
        let mut first = None;
        loop {
            match self.keep(&mut first).await {
                Ok(next) => self.until_next_look(next).await,
                Err(Error::Store(StoreError::Closed)) => return,
                Err(error) => {
                    error.log("what is too old could not be forgotten; will retry");
                    tokio::time::sleep(REST).await;
                }
            }
        }
    }

    async fn until_next_look(&self, next: Option<Timestamp>) {
        match next {
            Some(next) => {
                tokio::select! {
                    () = self.clock.sleep_until(next) => {}
                    () = self.forgotten.notified() => {}
                }
            }
            None => self.forgotten.notified().await,
        }
    }

    /// One look at all that may be too old, from `first` on; when the next one is due.
    async fn keep(&self, first: &mut Option<Cursor>) -> Result<Option<Timestamp>> {
        let (mut next, mut has_wiped) = (None, false);
        if let Ttl::Millis(age) = self.retain {
            let now = self.clock.now();
            next = now.plus_millis(age.min(LONGEST_INTERVAL_MS));
            let forgotten = self.forget_aged(&older_than(now, age), first).await?;
            if forgotten > 0 {
                has_wiped = true;
                tracing::info!(forgotten, "forgot what was older than it is kept");
            }
        }
        if self.give_back().await? || has_wiped {
            self.clean_log().await?;
        }
        Ok(next)
    }

    /// Forgets what is old enough, from `first` on, which then is where the next look begins.
    async fn forget_aged(&self, aged: &Aged, first: &mut Option<Cursor>) -> Result<usize> {
        let (mut after, mut whole, mut forgotten) = (*first, None, 0);
        loop {
            let (wanted, from, now) = (aged.clone(), after, self.clock.now());
            let look = move |tx: &ReadTx<'_>| tx.forgettable(&wanted, from, now, LOOKED_AT_ONCE);
            let found = self.store.read(Priority::Human, look).await?;
            whole = whole.or(found.first_whole);
            for ids in found.due.chunks(FORGOTTEN_AT_ONCE) {
                let ids = ids.to_vec();
                forgotten += self.write_itself(move |tx| forget_each(tx, &ids)).await?;
            }
            if found.next.is_none() {
                break;
            }
            after = found.next;
        }
        *first = whole.or(after);
        Ok(forgotten)
    }

    /// Moves the log into the database and empties it: what was wiped is in neither then.
    async fn clean_log(&self) -> Result<()> {
        if !self.store.empty_log().await? {
            tracing::warn!("another process reads the database: what was forgotten is still in the write-ahead log");
        }
        Ok(())
    }

    /// Deletes emptied rows and gives back free pages, a little at a time; whether there were any.
    async fn give_back(&self) -> Result<bool> {
        let mut has_written = false;
        for table in Emptied::ALL {
            let mut after = None;
            loop {
                let look = move |tx: &ReadTx<'_>| tx.emptied(table, after);
                let (runs, next) = self.store.read(Priority::Human, look).await?;
                has_written |= !runs.is_empty();
                for run in runs.iter().flat_map(|run| parts(*run)) {
                    self.write_itself(move |tx| tx.delete_emptied(table, &[run])).await?;
                }
                after = next;
                if after.is_none() {
                    break;
                }
            }
        }
        while self.store.read(Priority::Human, |tx| tx.excess_pages()).await? > 0 {
            self.write_itself(|tx| tx.shrink(SHRUNK_AT_ONCE)).await?;
            has_written = true;
        }
        Ok(has_written)
    }
}

/// Refuses what is pending, and an approval that can still be claimed: no agent is to act on what nobody knows any more.
fn check_over(tx: &WriteTx<'_>, interaction: &Interaction) -> Result<()> {
    if interaction.resolution.is_none() {
        return Err(Refused::NotResolved.into());
    }
    let is_in_time = interaction.claim_expires_at().is_none_or(|end| end > tx.now());
    if interaction.is_approved() && is_in_time && tx.claim(&interaction.request_id)?.is_none() {
        return Err(Refused::StillClaimable.into());
    }
    Ok(())
}

/// Forgets each of these because of its age, unless that was done meanwhile; how many they were.
fn forget_each(tx: &mut WriteTx<'_>, ids: &[RequestId]) -> StoreResult<usize> {
    let mut whole = Vec::with_capacity(ids.len());
    for id in ids {
        if !tx.is_forgotten(id)? {
            whole.push(id.clone());
        }
    }
    tx.forget(&whole, None)?;
    Ok(whole.len())
}

/// A run of keys in parts of so many that no other write waits long behind one.
fn parts((from, to): Run) -> impl Iterator<Item = Run> {
    const KEYS: usize = 500;
    (from..=to).step_by(KEYS).map(move |start| (start, to.min(start + KEYS as i64 - 1)))
}

/// What was resolved so long before `now`, at the earliest at the first of all times.
#[must_use]
pub fn older_than(now: Timestamp, age_ms: u64) -> Aged {
    let before = i64::try_from(age_ms).ok().and_then(|age| Timestamp::from_millis(now.as_millis() - age));
    Aged { before: before.unwrap_or(Timestamp::EPOCH), tool: None, agent: None }
}

/// Forgets what is older than `age_ms`, of one tool or of one principal where `aged` says so, in the database itself, beside a
/// server or without one, some in each transaction. With `is_dry` it only counts. `progress` is told how many there are so far.
///
/// # Errors
///
/// An error of the store; what was forgotten before stays so.
pub fn forget_aged(
    database: &SharedDatabase,
    aged: &Aged,
    clock: &dyn Clock,
    is_dry: bool,
    progress: &dyn Fn(u64),
) -> StoreResult<Forgotten> {
    let (mut done, mut after) = (Forgotten::default(), None);
    loop {
        let now = clock.now();
        let found = database.read(|tx| tx.forgettable(aged, after, now, LOOKED_AT_ONCE))?;
        done.add(&found);
        for ids in found.due.chunks(FORGOTTEN_AT_ONCE) {
            done.forgotten += match is_dry {
                true => ids.len() as u64,
                false => database.write(clock, |tx| forget_each(tx, ids))? as u64,
            };
            progress(done.forgotten);
        }
        after = found.next;
        if after.is_none() {
            return Ok(done);
        }
    }
}

/// Deletes emptied rows of a database and gives back free pages, some in each transaction, and empties the log; whether the log
/// is empty.
///
/// # Errors
///
/// An error of the store.
pub fn give_back(database: &SharedDatabase, clock: &dyn Clock) -> StoreResult<bool> {
    for table in Emptied::ALL {
        let mut after = None;
        loop {
            let (runs, next) = database.read(|tx| tx.emptied(table, after))?;
            for run in runs.iter().flat_map(|run| parts(*run)) {
                database.write(clock, |tx| tx.delete_emptied(table, &[run]))?;
            }
            after = next;
            if after.is_none() {
                break;
            }
        }
    }
    while database.read(|tx| tx.excess_pages())? > 0 {
        database.write(clock, |tx| tx.shrink(SHRUNK_AT_ONCE))?;
    }
    database.empty_log()
}
