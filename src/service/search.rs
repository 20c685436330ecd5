//! What searches pass over is written down some time after what it is of, beside all other work.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use tokio::sync::Notify;

use super::{Error, Result, Service};
use crate::store::{BLOCK_ROWS, Error as StoreError, Priority};

/// How many signatures are made in one read and written in one transaction, so that neither is long.
const SIGNED_AT_ONCE: usize = 4;

/// Of the time, one part in so many goes into signatures while there are many to make.
const PART_OF_TIME: u32 = 5;

/// How long the signer rests before it writes: what was registered is resolved meanwhile, and a start has other work.
const PAUSE: Duration = Duration::from_millis(200);

/// How long it rests after a failure, such as a full disk.
const REST: Duration = Duration::from_secs(1);

/// How many interactions were registered since the signer last looked. Where there is nothing to write, it looks at nothing.
#[derive(Default)]
pub(super) struct Unsigned {
    count: AtomicUsize,
    enough: Notify,
}

impl Unsigned {
    /// Counts interactions that were registered.
    pub(super) fn add(&self, registered: usize) {
        const ENOUGH: usize = BLOCK_ROWS as usize;
        if registered > 0 && self.count.fetch_add(registered, Ordering::Relaxed) + registered >= ENOUGH {
            self.count.store(0, Ordering::Relaxed);
            self.enough.notify_one();
        }
    }
}

impl Service {
    /// Writes the signatures of blocks of interactions, those of an earlier version's database too, until the service closes.
    pub async fn run_signer(&self) {
        loop {
            match self.sign_search_blocks().await {
                Ok(()) => self.unsigned.enough.notified().await,
                Err(Error::Store(StoreError::Closed)) => return,
                Err(error) => {
                    error.log("searches could not be made faster; will retry");
                    tokio::time::sleep(REST).await;
                }
            }
        }
    }

    async fn sign_search_blocks(&self) -> Result<()> {
        if !self.store.read(Priority::Human, |tx| tx.is_search_behind()).await? {
            return Ok(());
        }
        tokio::time::sleep(PAUSE).await;
        loop {
            let begun = Instant::now();
            let signatures = self.store.read(Priority::Human, |tx| tx.next_signatures(SIGNED_AT_ONCE)).await?;
            if signatures.is_empty() {
                return Ok(());
            }
            self.write_itself(move |tx| tx.insert_signatures(&signatures)).await?;
            tokio::time::sleep(begun.elapsed() * (PART_OF_TIME - 1)).await;
        }
    }
}
