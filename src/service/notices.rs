//! The sender of notices: at least once, one at a time to each channel, and what is over is not told.
//!
//! The rows of the outbox were written with what they tell of. The sender takes the next one of each channel that is due, reaches
//! the receiver, reads what the notice says now, sends it and writes down what came of it. Where the process dies in between, the
//! next server sends it again, with the same id.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::task::JoinSet;

use super::{Error, Service};
use crate::clock::Timestamp;
use crate::domain::channel::{ChannelAddress, ChannelKind};
use crate::domain::notice::Notice;
use crate::metrics::NoticeResult;
use crate::notify::{Compose, Delivery, Failure, Links};
use crate::store::{DueChannel, Error as StoreError, Priority, Taken, TakenNotice, Told};

/// To how many channels something is on its way at a time; a receiver keeps its place for ten seconds at most.
const MOST_AT_ONCE: usize = 64;

/// How many of these places the channels of one person may have, and those to one host: one receiver that is slow, however many
/// channels lead to it, leaves places for the others.
const MOST_ALIKE: usize = 8;

/// How long the sender sleeps at most, in milliseconds: commands write notices, too, and ring no bell.
const LONGEST_SLEEP_MS: u64 = 60_000;

/// The same among several servers.
const LONGEST_SLEEP_OF_ONE_MS: u64 = 5_000;

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
            Error::from(error).log("a notice could not be read");
            Failure::Unread
        });
        Ok(notice?.map(|(notice, told)| {
            *self.told.lock().unwrap_or_else(PoisonError::into_inner) = told;
            (notice, now)
        }))
    }
}

/// What came of looking at a channel.
enum Came {
    /// Something was done, and there may be more to do.
    ToAnEnd,
    /// Nothing: the channel rests before it is looked at again.
    Nothing,
}

/// To which channels something is on its way, and which of them are not to be looked at for a while. Whoever rests has no place.
#[derive(Default)]
struct Places {
    sending: JoinSet<(i64, Came)>,
    taken: HashMap<i64, DueChannel>,
    resting: JoinSet<i64>,
    rest: HashSet<i64>,
}

impl Places {
    fn has_one_for(&self, channel: &DueChannel) -> bool {
        let is_looked_at = self.taken.contains_key(&channel.number) || self.rest.contains(&channel.number);
        let owned = self.taken.values().filter(|taken| taken.owner == channel.owner).count();
        let beside = self.taken.values().filter(|taken| goes_to(taken) == goes_to(channel)).count();
        !is_looked_at && self.taken.len() < MOST_AT_ONCE && owned.max(beside) < MOST_ALIKE
    }

    /// Ends as soon as a place is free, or a rest is over.
    async fn change(&mut self) {
        tokio::select! {
            Some(done) = self.sending.join_next(), if !self.sending.is_empty() => match done {
                Ok((channel, came)) => {
                    self.taken.remove(&channel);
                    if matches!(came, Came::Nothing) {
                        self.rest.insert(channel);
                        self.resting.spawn(async move {
                            tokio::time::sleep(REST).await;
                            channel
                        });
                    }
                }
                // A task that has panicked says no more which channel was its own.
                Err(_) => self.taken.clear(),
            },
            Some(rested) = self.resting.join_next(), if !self.resting.is_empty() => match rested {
                Ok(channel) => { self.rest.remove(&channel); }
                Err(_) => self.rest.clear(),
            },
            else => std::future::pending().await,
        }
    }
}

/// What is called for a channel: all mail goes by one server.
fn goes_to(channel: &DueChannel) -> Option<&str> {
    (channel.kind != ChannelKind::Email).then_some(channel.host.as_str())
}

impl Service {
    /// Sends notices as they come, until the service closes.
    pub async fn run_notifier(self: &Arc<Self>) {
        // Among several servers, another one may be sending them: then they are given back when their time is over.
        while let Err(error) = if self.store.is_shared() { Ok(()) } else { self.release_notices().await } {
            if matches!(error, StoreError::Closed) {
                return;
            }
            tracing::error!(%error, "what an earlier server had of the notices could not be given back");
            tokio::time::sleep(REST).await;
        }
        let (mut places, mut tidy_at) = (Places::default(), self.clock.now());
        loop {
            let next = match self.send_what_is_due(&mut places, &mut tidy_at).await {
                Ok(next) => next,
                Err(Error::Store(StoreError::Closed)) => return,
                Err(error) => {
                    error.log("the sender of notices failed and will try again");
                    tokio::time::sleep(REST).await;
                    continue;
                }
            };
            tokio::select! {
                () = self.noticed.notified() => {}
                () = self.clock.sleep_until(next) => {}
                () = places.change() => {}
            }
        }
    }

    /// Gives back what an earlier server had of the notices. Without any, nothing is written.
    async fn release_notices(&self) -> Result<(), StoreError> {
        match self.store.read(Priority::Human, |tx| tx.has_held_notices()).await? {
            true => self.write_itself(|tx| tx.release_notices()).await,
            false => Ok(()),
        }
    }

    /// Begins to send to every channel that is due, as far as there are places; when the next one will be.
    async fn send_what_is_due(
        self: &Arc<Self>,
        places: &mut Places,
        tidy_at: &mut Timestamp,
    ) -> Result<Timestamp, Error> {
        let now = self.clock.now();
        // Another server that has notices to send may be gone.
        let longest_ms = if self.store.is_shared() { LONGEST_SLEEP_OF_ONE_MS } else { LONGEST_SLEEP_MS };
        let mut next = now.plus_millis(longest_ms).unwrap_or(now);
        if *tidy_at <= now {
            if self.store.read(Priority::Human, move |tx| tx.has_old_notices(now)).await? {
                while self.write_itself(|tx| tx.delete_old_notices()).await? {}
            }
            *tidy_at = now.plus_millis(TIDY_MS).unwrap_or(now);
        }
        let due = self.store.read(Priority::Human, move |tx| tx.due_channels(now)).await?;
        for channel in due {
            if channel.at > now {
                next = next.min(channel.at);
            } else if places.has_one_for(&channel) {
                let (service, number) = (Arc::clone(self), channel.number);
                places.sending.spawn(async move { (number, service.send_to(number).await) });
                places.taken.insert(number, channel);
            }
        }
        Ok(next)
    }

    /// Sends what is next to a channel, if anything is.
    async fn send_to(&self, channel: i64) -> Came {
        let sent = match self.write_itself(move |tx| tx.take_notice(channel)).await {
            Ok(Taken::Notice(taken)) => self.send(taken).await,
            Ok(Taken::Cleared) => Ok(()),
            // What looked due was not: whoever looks again does so a little later.
            Ok(Taken::None) => return Came::Nothing,
            Err(error) => Err(error.into()),
        };
        match sent {
            Ok(()) => Came::ToAnEnd,
            Err(error) => {
                error.log("a notice could not be sent, or what came of it not be written down");
                Came::Nothing
            }
        }
    }

    async fn send(&self, taken: TakenNotice) -> Result<(), Error> {
        let TakenNotice { number, gathers, channel } = taken;
        while gathers && self.write_itself(move |tx| tx.gather_notices(number)).await? {}
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
                self.write_itself(move |tx| tx.notice_sent(number, &told)).await?;
            }
            Err(Failure::NothingToSay) => {
                self.metrics.noticed(NoticeResult::Dropped);
                self.write_itself(move |tx| tx.notice_dropped(number)).await?;
            }
            Err(gone @ Failure::Gone(_)) => {
                let why = gone.to_string();
                tracing::warn!(channel = %channel.channel_id, %kind, %why, "a channel was turned off");
                self.metrics.noticed(NoticeResult::Failed);
                self.write_itself(move |tx| tx.receiver_gone(number, &why)).await?;
            }
            Err(failure) => {
                let why = failure.to_string();
                tracing::info!(channel = %channel.channel_id, %kind, %why, "a notice could not be sent");
                self.metrics.noticed(NoticeResult::Failed);
                self.write_itself(move |tx| tx.notice_failed(number, &why)).await?;
            }
        }
        Ok(())
    }

    /// What the links in notices begin with.
    pub(super) fn links(&self) -> Links {
        self.links.get().cloned().unwrap_or_default()
    }
}
