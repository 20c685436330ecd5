//! How many connections there may be. Past the cap a few places are left, in which one request each is read to see whose it
//! is: people get in, agents are told to come again. Who has been in one for a while without an answer makes room for the
//! next, so that silence keeps nobody out. Past those a client is told so without being asked anything.

use std::collections::VecDeque;
use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::AbortHandle;

use super::stream::Stream;
use crate::http::error::too_many_connections;

/// How many connections past the cap are asked whose they are.
pub(crate) const RESERVED: usize = 64;

/// How many connections are being told at once that there is no room; any more are closed without a word.
pub(crate) const LEAVING: usize = 64;

/// How long a slot past the cap is surely kept: whoever means to ask something has asked it by then.
const SURE: Duration = Duration::from_millis(200);

/// How long a client may take to hear that there is no room.
const FAREWELL: Duration = Duration::from_secs(1);

pub(crate) struct ConnectionLimiter {
    cap: usize,
    places: Arc<Semaphore>,
    reserved: Arc<Mutex<Reserved>>,
    leaving: Arc<Semaphore>,
}

/// The places past the cap, those first that were taken first.
#[derive(Default)]
struct Reserved {
    taken: VecDeque<Taken>,
    next_number: u64,
}

struct Taken {
    number: u64,
    since: Instant,
    /// Ends whoever is in it; there once it is being served.
    end: Option<AbortHandle>,
}

/// Room for one connection, until it is dropped.
pub(crate) enum ConnectionSlot {
    /// Under the cap.
    Usual { _permit: OwnedSemaphorePermit },
    /// Past it.
    Reserved(ReservedPlace),
}

/// One of the places past the cap.
pub(crate) struct ReservedPlace {
    all: Arc<Mutex<Reserved>>,
    number: u64,
}

impl ConnectionSlot {
    pub(crate) const fn is_reserved(&self) -> bool {
        matches!(self, Self::Reserved(_))
    }

    /// Says how to end whoever is served here, should somebody else need the slot.
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

impl Drop for ReservedPlace {
    fn drop(&mut self) {
        lock(&self.all).taken.retain(|taken| taken.number != self.number);
    }
}

fn lock(reserved: &Mutex<Reserved>) -> MutexGuard<'_, Reserved> {
    // Nothing in this file can panic halfway through a change.
    reserved.lock().unwrap_or_else(PoisonError::into_inner)
}

impl ConnectionLimiter {
    pub(crate) fn new(cap: usize) -> Self {
        let [places, leaving] = [cap, LEAVING].map(|size| Arc::new(Semaphore::new(size)));
        Self { cap, places, reserved: Arc::default(), leaving }
    }

    /// Room for one more connection, where there is some.
    pub(crate) fn enter(&self, now: Instant) -> Option<ConnectionSlot> {
        if let Ok(permit) = Arc::clone(&self.places).try_acquire_owned() {
            return Some(ConnectionSlot::Usual { _permit: permit });
        }
        let mut reserved = lock(&self.reserved);
        if reserved.taken.len() >= RESERVED {
            let is_over = |oldest: &Taken| now.saturating_duration_since(oldest.since) > SURE;
            if !reserved.taken.front().is_some_and(is_over) {
                return None;
            }
            if let Some(end) = reserved.taken.pop_front().and_then(|oldest| oldest.end) {
                end.abort();
            }
        }
        let number = reserved.next_number;
        reserved.next_number += 1;
        reserved.taken.push_back(Taken { number, since: now, end: None });
        drop(reserved);
        Some(ConnectionSlot::Reserved(ReservedPlace { all: Arc::clone(&self.reserved), number }))
    }

    /// Tells a client that there is no room.
    pub(crate) fn reject(&self, stream: Stream) {
        let Ok(permit) = Arc::clone(&self.leaving).try_acquire_owned() else { return };
        let answer = too_many_connections(self.cap).into_wire();
        tokio::spawn(async move {
            let _permit = permit;
            let _ = tokio::time::timeout(FAREWELL, drain_and_close(stream, &answer)).await;
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

    #[tokio::test]
    async fn past_the_cap_whoever_has_been_silent_for_longest_makes_room() {
        let limiter = ConnectionLimiter::new(1);
        let begun = Instant::now();
        let later = begun + SURE * 2;
        let usual = limiter.enter(begun).unwrap();
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
        let served: Vec<_> = (0..RESERVED).map(|_| serve(limiter.enter(begun).unwrap())).collect();
        assert!(limiter.enter(begun).is_none(), "those who have just come are heard first");
        let next = limiter.enter(later).unwrap();
        assert!(next.is_reserved());
        let mut served = served.into_iter();
        assert!(served.next().unwrap().await.unwrap_err().is_cancelled());
        assert!(served.all(|other| !other.is_finished()));
        drop((usual, next));
        assert!(!limiter.enter(later).unwrap().is_reserved());
        assert_eq!(lock(&limiter.reserved).taken.len(), RESERVED - 1);
    }
}
