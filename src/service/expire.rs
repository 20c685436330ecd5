//! What happens by itself: deadlines pass, one-time secrets are wiped, and what is left of log-ins goes.
//!
//! Nothing depends on the sweeper being in time: the deadline is part of every resolution's condition, and a read
//! of something that is overdue sweeps it first, so that no answer shows what the file does not say.

use std::time::Duration;

use super::{Result, Service};
use crate::clock::Timestamp;
use crate::domain::audit::{Event, NewAuditEvent};
use crate::domain::interaction::Resolution;
use crate::store::Priority;
use crate::store::{Error as StoreError, WriteTx};

/// The most rows of each table that are swept in one transaction, so that no other write waits long behind it.
const SWEPT_AT_ONCE: u32 = 500;

/// How often what is left of log-ins is deleted, in milliseconds: an hour.
const TIDY_MS: u64 = 60 * 60 * 1000;

/// How long the sweeper rests after a failure, such as a full disk.
const REST: Duration = Duration::from_secs(1);

impl Service {
    /// Sweeps whenever something is due, and takes no place in the writer's queue before, until the service closes.
    pub async fn run_sweeper(&self) {
        let mut tidy_at = self.clock.now();
        loop {
            self.alarm.reset();
            match self.sweep_and_tidy(&mut tidy_at).await {
                Ok(deadline) => self.alarm.sleep(&*self.clock, deadline).await,
                Err(super::Error::Store(StoreError::Closed)) => return,
                Err(error) => {
                    error.log("the sweeper failed and will try again");
                    tokio::time::sleep(REST).await;
                }
            }
        }
    }

    /// When something is to be done next.
    async fn sweep_and_tidy(&self, tidy_at: &mut Timestamp) -> Result<Option<Timestamp>> {
        let now = self.clock.now();
        if *tidy_at <= now {
            self.delete_expired_logins().await?;
            *tidy_at = now.plus_millis(TIDY_MS).unwrap_or(now);
        }
        let deadline = self.sweep_what_is_due().await?;
        Ok(Some(deadline.map_or(*tidy_at, |deadline| deadline.min(*tidy_at))))
    }

    /// Deletes links and sessions that have expired, and ends what hangs on them.
    async fn delete_expired_logins(&self) -> Result<()> {
        let now = self.clock.now();
        let has_any = self.store.read(Priority::Human, move |tx| {
            Ok::<_, StoreError>(tx.has_expired_logins()? || tx.has_ended_subscriptions(now)?)
        });
        if !has_any.await? {
            return Ok(());
        }
        while self.write_itself(|tx| tx.delete_expired_logins()).await? {}
        Ok(())
    }

    /// When something will be due next.
    async fn sweep_what_is_due(&self) -> Result<Option<Timestamp>> {
        let deadline = self.store.next_deadline(Priority::Human).await?;
        if deadline.is_none_or(|deadline| deadline > self.clock.now()) {
            return Ok(deadline);
        }
        self.sweep().await?;
        Ok(self.store.next_deadline(Priority::Human).await?)
    }

    /// Sweeps everything that is due now.
    pub(super) async fn sweep(&self) -> Result<()> {
        while self.write_itself(sweep_some).await? >= SWEPT_AT_ONCE as usize {}
        Ok(())
    }

    /// Sweeps if anything is due: what every look at the queue begins with.
    pub(super) async fn sweep_if_due(&self, priority: Priority) -> Result<()> {
        let now = self.clock.now();
        let deadline = self.store.next_deadline(priority).await?;
        if deadline.is_some_and(|deadline| deadline <= now) {
            self.sweep_for_a_reader().await;
        }
        Ok(())
    }

    /// Sweeps before a read, which is answered even where nothing can be written: on a full disk, say.
    pub(super) async fn sweep_for_a_reader(&self) {
        if let Err(error) = self.sweep().await {
            tracing::warn!(%error, "what is overdue could not be swept before a read");
        }
    }
}

/// How many rows of the fullest table were swept.
fn sweep_some(tx: &mut WriteTx<'_>) -> std::result::Result<usize, super::Error> {
    let overdue = tx.overdue(SWEPT_AT_ONCE as usize)?;
    for interaction in &overdue {
        if let Some(end) = interaction.expires_at {
            tx.resolve(interaction, &Resolution::expired(end))?;
        }
    }
    let rules = tx.expire_trust_rules(SWEPT_AT_ONCE)?;
    let wiped = tx.wipe_taken(SWEPT_AT_ONCE)?;
    for request_id in &wiped {
        tx.append_audit(NewAuditEvent::new(Event::SecretWiped).request(request_id))?;
    }
    Ok(overdue.len().max(rules).max(wiped.len()))
}
