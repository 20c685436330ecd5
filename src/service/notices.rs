//! The sender of notices: at least once, one at a time to each channel, and what is over is not told.
//!
//! The rows of the outbox were written with what they tell of. The sender takes the next one of each channel that is due, reaches
//! the receiver, reads what the notice says now, sends it and writes down what came of it. Where the process dies in between, the
//! next server sends it again, with the same id.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::task::JoinSet;

use super::{Error, Service};
use crate::clock::Timestamp;
use crate::domain::channel::ChannelAddress;
use crate::domain::notice::Notice;
use crate::metrics::NoticeResult;
use crate::notify::{Compose, Delivery, Failure, Links};
use crate::store::{Error as StoreError, Priority, Taken, TakenNotice, Told};

/// To how many channels something is on its way at a time; a receiver keeps its place for ten seconds at most.
const MOST_AT_ONCE: usize = 64;

/// How long the sender sleeps at most, in milliseconds: commands write notices, too, and ring no bell.
const LONGEST_SLEEP_MS: u64 = 60_000;

/// How often notices that ended long ago are deleted, in milliseconds: an hour.
const TIDY_MS: u64 = 60 * 60 * 1000;

/// How long the sender rests after a failure of the store, such as a full disk.
const REST: Duration = Duration::from_secs(1);

/// A notice that says the same whenever it is asked.
pub(super) struct At(pub(super) Notice, pub(super) Timestamp);

impl Compose for At {
    async fn compose(&self) -> Result<Option<(Notice, Timestamp)>, Failure> {
        Ok(Some((self.0.clone(), self.1)))
    }
}

/// A notice of the outbox, which says what is so when it is asked.
struct Row<'s> {
    service: &'s Service,
    number: i64,
    /// Of what it has told, as it was last asked, that it waits.
    told: Mutex<Told>,
}

impl Compose for Row<'_> {
    async fn compose(&self) -> Result<Option<(Notice, Timestamp)>, Failure> {
        let (number, now) = (self.number, self.service.clock.now());
        let read = self.service.store.read(Priority::Human, move |tx| tx.notice(number, now)).await;
        let notice = read.map_err(|error: StoreError| {
            tracing::error!(%error, "a notice could not be read");
            Failure::Unread
        });
        Ok(notice?.map(|(notice, told)| {
            *self.told.lock().unwrap_or_else(PoisonError::into_inner) = told;
            (notice, now)
        }))
    }
}

impl Service {
    /// Sends notices as they come, until the service closes.
    pub async fn run_notifier(self: &Arc<Self>) {
        while let Err(error) = self.release_notices().await {
            if matches!(error, StoreError::Closed) {
                return;
            }
            tracing::error!(%error, "what an earlier server had of the notices could not be given back");
            tokio::time::sleep(REST).await;
        }
        let (mut sending, mut busy, mut tidy_at) = (JoinSet::new(), HashSet::new(), self.clock.now());
        loop {
            let next = match self.send_what_is_due(&mut sending, &mut busy, &mut tidy_at).await {
                Ok(next) => next,
                Err(Error::Store(StoreError::Closed)) => return,
                Err(error) => {
                    tracing::error!(%error, "the sender of notices failed and will try again");
                    tokio::time::sleep(REST).await;
                    continue;
                }
            };
            tokio::select! {
                () = self.noticed.notified() => {}
                () = self.clock.sleep_until(next) => {}
                Some(done) = sending.join_next(), if !sending.is_empty() => {
                    // A task that has panicked says no more which channel was its own.
                    match done {
                        Ok(channel) => { busy.remove(&channel); }
                        Err(_) => busy.clear(),
                    }
                }
            }
        }
    }

    /// Gives back what an earlier server had of the notices. Without any, nothing is written.
    async fn release_notices(&self) -> Result<(), StoreError> {
        match self.store.read(Priority::Human, |tx| tx.has_held_notices()).await? {
            true => self.store.write(Priority::Human, |tx| tx.release_notices()).await,
            false => Ok(()),
        }
    }

    /// Begins to send to every channel that is due; when the next one will be.
    async fn send_what_is_due(
        self: &Arc<Self>,
        sending: &mut JoinSet<i64>,
        busy: &mut HashSet<i64>,
        tidy_at: &mut Timestamp,
    ) -> Result<Timestamp, Error> {
        let now = self.clock.now();
        let mut next = now.plus_millis(LONGEST_SLEEP_MS).unwrap_or(now);
        if *tidy_at <= now {
            if self.store.read(Priority::Human, move |tx| tx.has_old_notices(now)).await? {
                while self.store.write(Priority::Human, |tx| tx.delete_old_notices()).await? {}
            }
            *tidy_at = now.plus_millis(TIDY_MS).unwrap_or(now);
        }
        let due = self.store.read(Priority::Human, move |tx| tx.due_channels(now)).await?;
        for channel in due {
            if busy.contains(&channel.number) {
                continue;
            }
            if channel.at > now {
                next = next.min(channel.at);
            } else if busy.len() < MOST_AT_ONCE {
                busy.insert(channel.number);
                let service = Arc::clone(self);
                sending.spawn(async move {
                    service.send_to(channel.number).await;
                    channel.number
                });
            }
        }
        Ok(next)
    }

    /// Sends what is next to a channel, if anything is.
    async fn send_to(&self, channel: i64) {
        let sent = match self.store.write(Priority::Human, move |tx| tx.take_notice(channel)).await {
            Ok(Taken::Notice(taken)) => self.send(taken).await,
            Ok(Taken::Cleared) => Ok(()),
            // What looked due was not: whoever looks again does so a little later.
            Ok(Taken::None) => {
                tokio::time::sleep(REST).await;
                Ok(())
            }
            Err(error) => Err(error.into()),
        };
        if let Err(error) = sent {
            tracing::error!(%error, "a notice could not be sent, or what came of it not be written down");
            tokio::time::sleep(REST).await;
        }
    }

    async fn send(&self, taken: TakenNotice) -> Result<(), Error> {
        let TakenNotice { number, gathers, channel } = taken;
        while gathers && self.store.write(Priority::Human, move |tx| tx.gather_notices(number)).await? {}
        let address: ChannelAddress = self.sealer.open_channel(&channel.channel_id, &channel.sealed)?;
        let push_key = self.push_key_for(channel.kind).await?;
        let links = self.links();
        let delivery = Delivery { kind: channel.kind, address: &address, links: &links, push_key: push_key.as_ref() };
        let row = Row { service: self, number, told: Mutex::default() };
        let sent = self.outbound.deliver(&delivery, &row).await;
        let told = row.told.into_inner().unwrap_or_else(PoisonError::into_inner);
        let kind = channel.kind;
        match sent {
            Ok(_) => {
                self.metrics.noticed(NoticeResult::Sent);
                self.store.write(Priority::Human, move |tx| tx.notice_sent(number, &told)).await?;
            }
            Err(Failure::NothingToSay) => {
                self.metrics.noticed(NoticeResult::Dropped);
                self.store.write(Priority::Human, move |tx| tx.notice_dropped(number)).await?;
            }
            Err(gone @ Failure::Gone(_)) => {
                let why = gone.to_string();
                tracing::warn!(channel = %channel.channel_id, %kind, %why, "a channel was turned off");
                self.metrics.noticed(NoticeResult::Failed);
                self.store.write(Priority::Human, move |tx| tx.receiver_gone(number, &why)).await?;
            }
            Err(failure) => {
                let why = failure.to_string();
                tracing::info!(channel = %channel.channel_id, %kind, %why, "a notice could not be sent");
                self.metrics.noticed(NoticeResult::Failed);
                self.store.write(Priority::Human, move |tx| tx.notice_failed(number, &why)).await?;
            }
        }
        Ok(())
    }

    /// What the links in notices begin with.
    pub(super) fn links(&self) -> Links {
        self.links.get().cloned().unwrap_or_default()
    }
}
