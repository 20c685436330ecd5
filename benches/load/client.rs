//! A keep-alive HTTP/1.1 connection that sends finished bytes and reads of the answer only the status and where it ends.
//! It trusts the server on the rest: what it saves is the server's, since both share the cores.

use std::future::poll_fn;
use std::io::{Error, ErrorKind, Result};
use std::net::{Ipv4Addr, SocketAddr};
use std::pin::Pin;
use std::task::ready;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpSocket, TcpStream};

/// Enough for every answer that a measurement expects; a longer one makes the buffer grow.
const BUFFER_BYTES: usize = 2 * 1024;
const LONGEST_ANSWER_BYTES: usize = 4 * 1024 * 1024;

pub(crate) struct Connection {
    stream: TcpStream,
    buffer: Vec<u8>,
}

impl Connection {
    pub(crate) async fn open(server: SocketAddr) -> Result<Self> {
        Self::open_from(Ipv4Addr::LOCALHOST, server).await
    }

    /// Opens from a given loopback address: each has ephemeral ports of its own.
    pub(crate) async fn open_from(source: Ipv4Addr, server: SocketAddr) -> Result<Self> {
        let socket = TcpSocket::new_v4()?;
        // Only another address is bound: binding takes the port at once, connecting may share it.
        if source != Ipv4Addr::LOCALHOST {
            socket.bind(SocketAddr::from((source, 0)))?;
        }
        let stream = socket.connect(server).await?;
        stream.set_nodelay(true)?;
        Ok(Self { stream, buffer: vec![0; BUFFER_BYTES] })
    }

    /// One request and its status; the answer's body has been read and is forgotten.
    pub(crate) async fn exchange(&mut self, request: &[u8]) -> Result<u16> {
        self.send(request).await?;
        self.answer().await
    }

    /// The same, and when to come again, where the server says so.
    pub(crate) async fn ask(&mut self, request: &[u8]) -> Result<(u16, Option<Duration>)> {
        let status = self.exchange(request).await?;
        let told = matches!(status, 429 | 503).then(|| self.retry_after()).flatten();
        Ok((status, told))
    }

    /// What the last answer's head says.
    fn retry_after(&self) -> Option<Duration> {
        let head = self.buffer.split(|byte| *byte == b'\n').take_while(|line| *line != b"\r");
        let seconds = head.filter_map(|line| field(line, b"retry-after:")).next()?;
        u64::try_from(seconds).ok().map(Duration::from_secs)
    }

    pub(crate) async fn send(&mut self, mut request: &[u8]) -> Result<()> {
        while !request.is_empty() {
            let written = poll_fn(|context| Pin::new(&mut self.stream).poll_write(context, request)).await?;
            request = request.get(written..).unwrap_or_default();
        }
        Ok(())
    }

    pub(crate) async fn answer(&mut self) -> Result<u16> {
        let mut filled = 0;
        loop {
            filled += self.read(filled).await?;
            let seen = self.buffer.get(..filled).unwrap_or_default();
            if let Some(answer) = Answer::parse(seen)?
                && filled >= answer.bytes
            {
                return if filled == answer.bytes {
                    Ok(answer.status)
                } else {
                    Err(invalid("more than was asked for"))
                };
            }
            if filled == self.buffer.len() {
                self.grow()?;
            }
        }
    }

    /// Reads through `poll_read`, which remembers that a socket read short is empty: `try_read` would pay for one more
    /// system call in each answer to learn it.
    async fn read(&mut self, filled: usize) -> Result<usize> {
        let free = self.buffer.get_mut(filled..).unwrap_or_default();
        let mut free = ReadBuf::new(free);
        let read = poll_fn(|context| {
            ready!(Pin::new(&mut self.stream).poll_read(context, &mut free))?;
            std::task::Poll::Ready(Ok::<_, Error>(free.filled().len()))
        })
        .await?;
        if read == 0 { Err(Error::new(ErrorKind::UnexpectedEof, "the server closed the connection")) } else { Ok(read) }
    }

    fn grow(&mut self) -> Result<()> {
        if self.buffer.len() >= LONGEST_ANSWER_BYTES {
            return Err(invalid("an answer without end"));
        }
        self.buffer.resize(self.buffer.len() * 2, 0);
        Ok(())
    }
}

/// What a measurement wants to know of an answer.
struct Answer {
    status: u16,
    /// Head and body together.
    bytes: usize,
}

impl Answer {
    /// `None` while the head is not complete.
    fn parse(seen: &[u8]) -> Result<Option<Self>> {
        let Some(head_bytes) = seen.windows(4).position(|four| four == b"\r\n\r\n") else {
            return Ok(None);
        };
        let head = seen.get(..head_bytes).unwrap_or_default();
        let mut lines = head.split(|byte| *byte == b'\n');
        // "HTTP/1.1 200 OK"
        let status = lines.next().and_then(|line| line.get(9..12)).and_then(number);
        let body_bytes = lines.find_map(content_length);
        match (status.and_then(|status| u16::try_from(status).ok()), body_bytes) {
            (Some(status), Some(body_bytes)) => Ok(Some(Self { status, bytes: head_bytes + 4 + body_bytes })),
            (None, _) => Err(invalid("an answer without a status")),
            (_, None) => Err(invalid("an answer without Content-Length")),
        }
    }
}

fn content_length(line: &[u8]) -> Option<usize> {
    field(line, b"content-length:")
}

fn field(line: &[u8], named: &[u8]) -> Option<usize> {
    let (name, value) = line.split_at_checked(named.len())?;
    if name.eq_ignore_ascii_case(named) { number(value.trim_ascii()) } else { None }
}

fn number(digits: &[u8]) -> Option<usize> {
    std::str::from_utf8(digits).ok()?.parse().ok()
}

fn invalid(what: &'static str) -> Error {
    Error::new(ErrorKind::InvalidData, what)
}
