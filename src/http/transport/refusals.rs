//! Refusals that hyper makes before a request is ours, in the shape of every other; and closing a connection in such a way
//! that a refusal is read.
//!
//! hyper answers what it cannot parse with a status and an empty body. Here that answer is exchanged for one with our body.
//! A connection that is closed with something unread in it is reset, and the client then never reads its answer: so where
//! something was left unread, the rest is read and thrown away after the answer, for a while.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use axum::http::StatusCode;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Sleep, sleep};

use super::timeouts::Activity;
use crate::http::error::unparsed;

/// How long a client that was refused may go on sending before the connection is reset.
const LINGER: Duration = Duration::from_secs(2);

/// How much of what it goes on sending is read and thrown away.
const LINGER_BYTES: usize = 16 * 1024 * 1024;

/// A connection whose refusals have our shape and arrive.
pub(crate) struct Refusing<S> {
    stream: S,
    activity: Arc<Activity>,
    max_header_bytes: usize,
    /// Whether nothing was read yet.
    is_new: bool,
    /// Whether all that was written before is on its way: an answer begins only then.
    at_start: bool,
    /// What is not sent yet of the answer that takes the place of hyper's own; there from that answer on.
    refusal: Option<Vec<u8>>,
    /// From the moment on at which nothing more is written.
    linger: Option<Pin<Box<Sleep>>>,
    skipped: usize,
}

impl<S> Refusing<S> {
    pub(crate) const fn new(stream: S, activity: Arc<Activity>, max_header_bytes: usize) -> Self {
        Self {
            stream,
            activity,
            max_header_bytes,
            is_new: true,
            at_start: true,
            refusal: None,
            linger: None,
            skipped: 0,
        }
    }

    /// Looks at what hyper is about to write: where it is a refusal of its own, ours goes out.
    fn look_at(&mut self, bytes: &[u8]) {
        if self.at_start
            && let Some(status) = status_of_refusal(bytes)
        {
            self.refusal = Some(unparsed(status, self.max_header_bytes).into_wire());
        }
        self.at_start = false;
    }
}

/// The status of an answer that hyper has made by itself: one without a body, and without the id that all of ours have.
fn status_of_refusal(answer: &[u8]) -> Option<StatusCode> {
    let line = answer.strip_prefix(b"HTTP/1.1 ").or_else(|| answer.strip_prefix(b"HTTP/1.0 "))?;
    let status = StatusCode::from_bytes(line.get(..3)?).ok().filter(StatusCode::is_client_error)?;
    let head = std::str::from_utf8(answer).ok()?.strip_suffix("\r\n\r\n")?;
    let has = |header: &str| head.lines().any(|line| line.starts_with(header));
    (has("content-length: 0") && !has("x-request-id")).then_some(status)
}

impl<S: AsyncRead + Unpin> AsyncRead for Refusing<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let read_before = buffer.filled().len();
        let read = Pin::new(&mut self.stream).poll_read(context, buffer);
        let new = buffer.filled_mut().get_mut(read_before..).unwrap_or_default();
        if !new.is_empty() && std::mem::take(&mut self.is_new) {
            refuse_other_version(new);
        }
        read
    }
}

/// How a connection of HTTP/2 begins.
const HTTP_2: &[u8] = b"PRI * HTTP/2.0\r\n";

/// hyper closes a connection that begins with HTTP/2 without a word. A byte that no method has makes it refuse that as
/// everything else that is no HTTP/1.1.
fn refuse_other_version(beginning: &mut [u8]) {
    if beginning.starts_with(HTTP_2)
        && let Some(first) = beginning.first_mut()
    {
        *first = 0;
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncWrite for Refusing<S> {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let this = &mut *self;
        this.look_at(bytes);
        let Some(unsent) = &mut this.refusal else { return Pin::new(&mut this.stream).poll_write(context, bytes) };
        while !unsent.is_empty() {
            let written = ready!(Pin::new(&mut this.stream).poll_write(context, unsent))?;
            unsent.drain(..written);
        }
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let mut filled = slices.iter().filter(|slice| !slice.is_empty());
        if let (Some(only), None) = (filled.next(), filled.next()) {
            return self.poll_write(context, only);
        }
        self.at_start = false;
        Pin::new(&mut self.stream).poll_write_vectored(context, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        // Only when everything is written is this asked for.
        ready!(Pin::new(&mut self.stream).poll_flush(context))?;
        self.at_start = true;
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = &mut *self;
        if this.linger.is_none() {
            ready!(Pin::new(&mut this.stream).poll_shutdown(context))?;
            if this.refusal.is_none() && !this.activity.has_unread() {
                return Poll::Ready(Ok(()));
            }
        }
        let linger = this.linger.get_or_insert_with(|| Box::pin(sleep(LINGER)));
        let mut unread = [0; 4096];
        while this.skipped <= LINGER_BYTES {
            let mut unread = ReadBuf::new(&mut unread);
            match Pin::new(&mut this.stream).poll_read(context, &mut unread) {
                Poll::Ready(Ok(())) if !unread.filled().is_empty() => this.skipped += unread.filled().len(),
                // The client has its answer, or is gone.
                Poll::Ready(_) => return Poll::Ready(Ok(())),
                Poll::Pending => return linger.as_mut().poll(context).map(Ok),
            }
        }
        Poll::Ready(Ok(()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_hyper_refuses_by_itself_is_exchanged() {
        let refusal =
            |head: &str| status_of_refusal(format!("{head}\r\n\r\n").as_bytes()).map(|status| status.as_u16());
        let empty = "connection: close\r\ncontent-length: 0\r\ndate: Thu, 01 Jan 1970 00:00:00 GMT";
        assert_eq!(refusal(&format!("HTTP/1.1 414 URI Too Long\r\n{empty}")), Some(414));
        assert_eq!(refusal(&format!("HTTP/1.0 400 Bad Request\r\n{empty}")), Some(400));
        assert_eq!(refusal(&format!("HTTP/1.1 200 OK\r\n{empty}")), None);
        assert_eq!(refusal(&format!("HTTP/1.1 400 Bad Request\r\nx-request-id: 1\r\n{empty}")), None);
        assert_eq!(refusal("HTTP/1.1 400 Bad Request\r\ncontent-length: 7"), None);
        assert_eq!(status_of_refusal(b"HTTP/1.1 4"), None);
    }
}
