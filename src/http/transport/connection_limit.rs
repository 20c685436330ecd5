//! The limit on connections. A few slots over the limit are reserved for people: one request is read on each, and answered
//! if it is a person's; agents are told to retry. With those taken, too, the address that has the most of them makes room for one
//! that has fewer, at once; within one address, a slot that has been silent for a while is given to the next connection. So
//! neither silent clients nor ones that come often keep out people of other addresses. Where there is no room, a client is
//! refused at once.

use std::collections::{HashMap, VecDeque};
use std::future::poll_fn;
use std::io;
use std::net::{IpAddr, Ipv6Addr};
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::AbortHandle;

use super::stream::Stream;
use crate::http::error::too_many_connections;

/// The number of slots over the limit that are reserved for people.
pub(crate) const RESERVED: usize = 64;

/// How many connections are refused with an answer at once; any more are closed without one.
pub(crate) const LEAVING: usize = 64;

/// How long a reserved slot is not taken away: time enough to send a request.
const GRACE_PERIOD: Duration = Duration::from_millis(200);

/// How long a client may take to read that it was refused.
const REJECT_TIMEOUT: Duration = Duration::from_secs(1);

/// Counts the connections and refuses those over the limit.
pub(crate) struct ConnectionLimiter {
    limit: usize,
    slots: Arc<Semaphore>,
    reserved: Arc<Mutex<Reserved>>,
    leaving: Arc<Semaphore>,
}

/// Where a connection comes from: an IPv4 address, or the network of an IPv6 address, of which one client has many; none on a
/// Unix socket.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Source(Option<IpAddr>);

impl Source {
    pub(crate) fn of(peer: Option<IpAddr>) -> Self {
        Self(peer.map(|peer| match peer.to_canonical() {
            IpAddr::V4(address) => IpAddr::V4(address),
            IpAddr::V6(address) => IpAddr::V6(Ipv6Addr::from_bits(address.to_bits() & HOST_MASK)),
        }))
    }
}

/// What is left of an IPv6 address without its last 64 bits.
const HOST_MASK: u128 = !(u64::MAX as u128);

/// The reserved slots in use, in the order in which they were taken.
#[derive(Default)]
struct Reserved {
    taken: VecDeque<Taken>,
    next_number: u64,
}

struct Taken {
    number: u64,
    source: Source,
    since: Instant,
    /// Ends the connection in it; set once it is being served.
    end: Option<AbortHandle>,
}

impl Reserved {
    /// The oldest slot of the source that has the most, where `source` has fewer even with one more.
    fn of_busiest(&self, source: Source) -> Option<usize> {
        let mut counts = HashMap::<Source, usize>::new();
        for taken in &self.taken {
            *counts.entry(taken.source).or_default() += 1;
        }
        let own = counts.get(&source).map_or(0, |own| *own);
        let busiest = counts.into_iter().max_by_key(|(_, count)| *count).filter(|(_, count)| *count > own + 1)?.0;
        self.taken.iter().position(|taken| taken.source == busiest)
    }

    /// The oldest slot, where it has been taken for long enough.
    fn silent(&self, now: Instant) -> Option<usize> {
        let oldest = self.taken.front()?;
        (now.saturating_duration_since(oldest.since) > GRACE_PERIOD).then_some(0)
    }
}

/// Room for one connection, until it is dropped.
pub(crate) enum ConnectionSlot {
    /// Under the limit.
    Usual { _permit: OwnedSemaphorePermit },
    /// Over it.
    Reserved(ReservedSlot),
}

/// One of the reserved slots.
pub(crate) struct ReservedSlot {
    all: Arc<Mutex<Reserved>>,
    number: u64,
}

impl ConnectionSlot {
    pub(crate) const fn is_reserved(&self) -> bool {
        matches!(self, Self::Reserved(_))
    }

    /// Returns the function that registers how to end this connection, should another one need the slot.
    pub(crate) fn ends_with(&self) -> impl FnOnce(AbortHandle) + use<> {
        let slot = match self {
            Self::Usual { .. } => None,
            Self::Reserved(slot) => Some((Arc::clone(&slot.all), slot.number)),
        };
        move |end| {
            let Some((all, number)) = slot else { return };
            if let Some(taken) = lock(&all).taken.iter_mut().find(|taken| taken.number == number) {
                taken.end = Some(end);
            }
        }
    }
}

impl Drop for ReservedSlot {
    fn drop(&mut self) {
        lock(&self.all).taken.retain(|taken| taken.number != self.number);
    }
}

fn lock(reserved: &Mutex<Reserved>) -> MutexGuard<'_, Reserved> {
    // Nothing in this file can panic halfway through a change.
    reserved.lock().unwrap_or_else(PoisonError::into_inner)
}

impl ConnectionLimiter {
    pub(crate) fn new(limit: usize) -> Self {
        let [slots, leaving] = [limit, LEAVING].map(|size| Arc::new(Semaphore::new(size)));
        Self { limit, slots, reserved: Arc::default(), leaving }
    }

    /// Takes a slot for one more connection, if there is one.
    pub(crate) fn acquire(&self, now: Instant, source: Source) -> Option<ConnectionSlot> {
        if let Ok(permit) = Arc::clone(&self.slots).try_acquire_owned() {
            return Some(ConnectionSlot::Usual { _permit: permit });
        }
        let mut reserved = lock(&self.reserved);
        if reserved.taken.len() >= RESERVED {
            let place = reserved.of_busiest(source).or_else(|| reserved.silent(now))?;
            if let Some(end) = reserved.taken.remove(place).and_then(|taken| taken.end) {
                end.abort();
            }
        }
        let number = reserved.next_number;
        reserved.next_number += 1;
        reserved.taken.push_back(Taken { number, source, since: now, end: None });
        drop(reserved);
        Some(ConnectionSlot::Reserved(ReservedSlot { all: Arc::clone(&self.reserved), number }))
    }

    /// Answers a client that there are too many connections.
    pub(crate) fn reject(&self, stream: Stream) {
        let Ok(permit) = Arc::clone(&self.leaving).try_acquire_owned() else { return };
        let answer = too_many_connections(self.limit).into_wire();
        tokio::spawn(async move {
            let _permit = permit;
            let _ = tokio::time::timeout(REJECT_TIMEOUT, drain_and_close(stream, &answer)).await;
        });
    }
}

/// Reads on until the client closes: a connection that is closed with something unread loses what was written to it.
async fn drain_and_close(mut stream: Stream, mut answer: &[u8]) -> io::Result<()> {
    while !answer.is_empty() {
        let written = poll_fn(|context| Pin::new(&mut stream).poll_write(context, answer)).await?;
        answer = answer.get(written..).unwrap_or_default();
    }
    poll_fn(|context| Pin::new(&mut stream).poll_shutdown(context)).await?;
    let mut unread = [0; 1024];
    loop {
        let mut unread = ReadBuf::new(&mut unread);
        poll_fn(|context| Pin::new(&mut stream).poll_read(context, &mut unread)).await?;
        if unread.filled().is_empty() {
            return Ok(());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HERE: Source = Source(None);

    #[tokio::test]
    async fn past_the_cap_the_connection_that_has_been_silent_for_longest_makes_room() {
        let limiter = ConnectionLimiter::new(1);
        let begun = Instant::now();
        let later = begun + GRACE_PERIOD * 2;
        let usual = limiter.acquire(begun, HERE).unwrap();
        assert!(!usual.is_reserved());
        let serve = |slot: ConnectionSlot| {
            let ends_with = slot.ends_with();
            let served = tokio::spawn(async move {
                let _slot = slot;
                std::future::pending::<()>().await;
            });
            ends_with(served.abort_handle());
            served
        };
        let served: Vec<_> = (0..RESERVED).map(|_| serve(limiter.acquire(begun, HERE).unwrap())).collect();
        assert!(limiter.acquire(begun, HERE).is_none(), "those who have just come are heard first");
        let next = limiter.acquire(later, HERE).unwrap();
        assert!(next.is_reserved());
        let mut served = served.into_iter();
        assert!(served.next().unwrap().await.unwrap_err().is_cancelled());
        assert!(served.all(|other| !other.is_finished()));
        drop((usual, next));
        assert!(!limiter.acquire(later, HERE).unwrap().is_reserved());
        assert_eq!(lock(&limiter.reserved).taken.len(), RESERVED - 1);
    }

    #[tokio::test]
    async fn however_often_one_address_comes_another_finds_a_place() {
        let limiter = ConnectionLimiter::new(1);
        let now = Instant::now();
        let source = |address: &str| Source::of(Some(address.parse().unwrap()));
        let _usual = limiter.acquire(now, HERE).unwrap();
        let mut held: Vec<_> = (0..RESERVED).map(|_| limiter.acquire(now, source("2001:db8::1")).unwrap()).collect();
        assert!(limiter.acquire(now, source("2001:db8::2")).is_none(), "it is the same client's network");
        for _ in 0..RESERVED / 2 {
            held.push(limiter.acquire(now, source("192.0.2.1")).unwrap());
        }
        assert!(limiter.acquire(now, source("192.0.2.1")).is_none(), "it has as many as the other");
        assert!(limiter.acquire(now, source("2001:db8::3")).is_none());
        assert!(limiter.acquire(now, source("198.51.100.7")).is_some());
    }
}
