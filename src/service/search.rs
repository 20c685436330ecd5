//! What searches pass over is written down some time after what it is of, beside all other work.

use std::time::{Duration, Instant};

use super::{Error, Result, Service};
use crate::store::{Error as StoreError, Priority};

/// How many signatures are written in one transaction, so that no other write waits long behind it.
const SIGNED_AT_ONCE: usize = 2;

/// Of the writer's time, one part in so many goes into signatures while there are many to write.
const PART_OF_TIME: u32 = 5;

/// How long the signer rests between two looks, and before the first: a start has other work.
const PAUSE: Duration = Duration::from_millis(200);

/// How long it rests after a failure, such as a full disk.
const REST: Duration = Duration::from_secs(1);

impl Service {
    /// Writes the signatures of blocks of interactions, those of an earlier version's database too, until the service closes.
    pub async fn run_signer(&self) {
        loop {
            tokio::time::sleep(PAUSE).await;
            match self.sign_search_blocks().await {
                Ok(()) => self.committed.notified().await,
                Err(Error::Store(StoreError::Closed)) => return,
                Err(error) => {
                    tracing::error!(%error, "searches could not be made faster; will retry");
                    tokio::time::sleep(REST).await;
                }
            }
        }
    }

    async fn sign_search_blocks(&self) -> Result<()> {
        let mut is_behind = self.store.read(Priority::Human, |tx| tx.is_search_behind()).await?;
        while is_behind {
            let begun = Instant::now();
            is_behind = self.store.write(Priority::Human, |tx| tx.sign_search_blocks(SIGNED_AT_ONCE)).await?;
            tokio::time::sleep(begun.elapsed() * (PART_OF_TIME - 1)).await;
        }
        Ok(())
    }
}
