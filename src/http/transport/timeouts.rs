//! Connections that end by themselves: when no request comes, when one does not come to the end of its headers, and when
//! an answer is not taken. What is being answered is left alone: a long-poll is silent on purpose.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, Sleep, sleep};

/// How long each thing may take on a connection.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Timeouts {
    /// From the first byte of a request, or from the start of the connection, to the end of its headers.
    pub(crate) header: Duration,
    /// Between two requests.
    pub(crate) idle: Duration,
    /// To read a response, once the system's buffers are full.
    pub(crate) write: Duration,
}

/// The number of requests on a connection, whether one is being answered, and whether one was not read to its end; kept up
/// to date by the service.
#[derive(Debug, Default)]
pub(crate) struct Activity {
    /// How many requests have come.
    begun: AtomicUsize,
    /// Whether one is being answered.
    busy: AtomicBool,
    /// Whether a body was left unread.
    unread: AtomicBool,
}

/// One request that is being answered, until it is dropped.
pub(crate) struct Busy(Arc<Activity>);

impl Activity {
    pub(crate) fn begin(self: &Arc<Self>) -> Busy {
        self.begun.fetch_add(1, Ordering::Relaxed);
        self.busy.store(true, Ordering::Release);
        Busy(Arc::clone(self))
    }

    /// Notes that the rest of a request's body is not read before its answer.
    pub(crate) fn leave_unread(&self) {
        self.unread.store(true, Ordering::Release);
    }

    /// Whether something was left unread, so that the connection has to be closed with care.
    pub(crate) fn has_unread(&self) -> bool {
        self.unread.load(Ordering::Acquire)
    }
}

impl Drop for Busy {
    fn drop(&mut self) {
        self.0.busy.store(false, Ordering::Release);
    }
}

/// A connection with its timers.
pub(crate) struct Timed<S> {
    stream: S,
    activity: Arc<Activity>,
    timeouts: Timeouts,
    /// How many requests had come when this was last looked at.
    seen: usize,
    /// Since when headers are awaited; none between two requests.
    header_since: Option<Instant>,
    /// When anything was last written or answered.
    quiet_since: Instant,
    silence: Pin<Box<Sleep>>,
    /// Since the client stopped taking its answer.
    stall: Option<Pin<Box<Sleep>>>,
}

impl<S> Timed<S> {
    pub(crate) fn new(stream: S, activity: Arc<Activity>, timeouts: Timeouts) -> Self {
        let now = Instant::now();
        Self {
            stream,
            activity,
            timeouts,
            seen: 0,
            header_since: Some(now),
            quiet_since: now,
            silence: Box::pin(sleep(timeouts.header)),
            stall: None,
        }
    }

    /// Whether a request is being answered; whatever came before one that has come since the last look is forgotten.
    fn is_busy(&mut self) -> bool {
        let begun = self.activity.begun.load(Ordering::Relaxed);
        if begun != self.seen {
            self.seen = begun;
            self.header_since = None;
        }
        self.activity.busy.load(Ordering::Acquire)
    }

    /// Ready when the client was silent for too long.
    fn poll_silence(&mut self, context: &mut Context<'_>) -> Poll<()> {
        if self.is_busy() {
            // The timer runs all the same: hyper, once it has been told that there is nothing to read, does not ask again
            // when it has answered, so that this is what makes it.
            self.quiet_since = Instant::now();
        }
        let idle_until = self.quiet_since + self.timeouts.idle;
        let until = self.header_since.map_or(idle_until, |since| since + self.timeouts.header);
        while Instant::now() < until {
            // Set anew only when it would be late: one that is early costs a look, and most requests come before it.
            if self.silence.deadline() > until || self.silence.is_elapsed() {
                self.silence.as_mut().reset(until);
            }
            ready!(self.silence.as_mut().poll(context));
        }
        Poll::Ready(())
    }

    /// What became of a write; it fails when the client has not taken what is there for too long.
    fn written(&mut self, context: &mut Context<'_>, written: Poll<io::Result<usize>>) -> Poll<io::Result<usize>> {
        if written.is_ready() {
            self.quiet_since = Instant::now();
            return written;
        }
        let write = self.timeouts.write;
        ready!(self.stall.get_or_insert_with(|| Box::pin(sleep(write))).as_mut().poll(context));
        Poll::Ready(Err(io::Error::new(io::ErrorKind::TimedOut, "the client did not read its response")))
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Timed<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        match Pin::new(&mut self.stream).poll_read(context, buffer) {
            Poll::Ready(read) => {
                if buffer.filled().len() > before && !self.is_busy() {
                    self.header_since.get_or_insert_with(Instant::now);
                }
                Poll::Ready(read)
            }
            // As if the client had closed it: between two requests that is no error.
            Poll::Pending => self.poll_silence(context).map(Ok),
        }
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Timed<S> {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(context, bytes);
        self.written(context, written)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write_vectored(context, slices);
        self.written(context, written)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        // Only when everything is written is this asked for.
        ready!(Pin::new(&mut self.stream).poll_flush(context))?;
        self.stall = None;
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}
