//! How many connections there may be. Past the cap a few places are left, in which one request each is read to see whose it
//! is: people get in, agents are told to come again. Past those a client is told so without being asked anything.

use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::error::too_many_connections;
use super::stream::Stream;

/// How many connections past the cap are asked whose they are.
pub(super) const RESERVED: usize = 64;

/// How many connections are being told at once that there is no room; any more are closed without a word.
pub(super) const LEAVING: usize = 64;

/// How long a client may take to hear that there is no room.
const FAREWELL: Duration = Duration::from_secs(1);

pub(super) struct Gate {
    cap: usize,
    places: Arc<Semaphore>,
    reserved: Arc<Semaphore>,
    leaving: Arc<Semaphore>,
}

/// Room for one connection, until it is dropped.
pub(super) struct Place {
    pub(super) is_reserved: bool,
    _permit: OwnedSemaphorePermit,
}

impl Gate {
    pub(super) fn new(cap: usize) -> Self {
        let [places, reserved, leaving] = [cap, RESERVED, LEAVING].map(|size| Arc::new(Semaphore::new(size)));
        Self { cap, places, reserved, leaving }
    }

    /// Room for one more connection, where there is some.
    pub(super) fn enter(&self) -> Option<Place> {
        let place = |semaphore: &Arc<Semaphore>, is_reserved| {
            let permit = Arc::clone(semaphore).try_acquire_owned().ok()?;
            Some(Place { is_reserved, _permit: permit })
        };
        place(&self.places, false).or_else(|| place(&self.reserved, true))
    }

    /// Tells a client that there is no room.
    pub(super) fn turn_away(&self, stream: Stream) {
        let Ok(permit) = Arc::clone(&self.leaving).try_acquire_owned() else { return };
        let answer = too_many_connections(self.cap).into_wire();
        tokio::spawn(async move {
            let _permit = permit;
            let _ = tokio::time::timeout(FAREWELL, farewell(stream, &answer)).await;
        });
    }
}

/// Reads on until the client closes: a connection that is closed with something unread loses what was written to it.
async fn farewell(mut stream: Stream, mut answer: &[u8]) -> io::Result<()> {
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
