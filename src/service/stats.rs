//! The numbers: what was asked, by day and by agent, and how it ended; and how things stand now.

use super::{Result, Service};
use crate::domain::principal::Principal;
use crate::domain::stats::{Period, Stats, Tally, Waiting};
use crate::store::Priority;

impl Service {
    /// The numbers of what all agents asked in a period, and what waits now. They are read in several short steps, and what
    /// is decided meanwhile may be in some of them.
    ///
    /// # Errors
    ///
    /// An error of the store.
    pub async fn stats(&self, period: Period) -> Result<Stats> {
        self.sweep_if_due(Priority::Human).await?;
        let (mut tally, mut after) = (Tally::new(period), Some(0));
        while let Some(from) = after {
            (tally, after) = self
                .store
                .read(Priority::Human, move |tx| {
                    let mut tally = tally.clone();
                    let next = tx.count_asked(&mut tally, from)?;
                    Ok::<_, super::Error>((tally, next))
                })
                .await?;
        }
        let waiting = self.store.read(Priority::Human, |tx| Ok::<_, super::Error>(tx.waiting(None)?)).await?;
        Ok(tally.stats(waiting))
    }

    /// What waits, as far as `principal` sees it.
    ///
    /// # Errors
    ///
    /// An error of the store.
    pub async fn waits(&self, principal: &Principal) -> Result<Waiting> {
        self.sweep_if_due(Priority::of(principal)).await?;
        let own = principal.sees_only().cloned();
        Ok(self.store.read(Priority::of(principal), move |tx| tx.waiting(own.as_ref())).await?)
    }
}
