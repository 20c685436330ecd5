//! Requests to the letter, for what no HTTP client sends.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpStream};
use std::time::Duration;

use serde_json::Value;

use super::Client;

/// What came back to the letter: the status line and headers, and the body.
#[derive(Debug)]
pub(crate) struct RawAnswer {
    pub(crate) head: String,
    pub(crate) body: Value,
    /// All of it, where there is more than one.
    pub(crate) text: String,
}

impl RawAnswer {
    /// The status; `None` where the connection ended without an answer.
    pub(crate) fn status(&self) -> Option<u16> {
        self.head.split(' ').nth(1)?.parse().ok()
    }
}

/// The head of a request with the client's token, where it has one, which asks for the connection to be closed after its
/// answer.
pub(crate) fn head(client: &Client, request_line: &str, headers: &[&str]) -> String {
    let mut head = format!("{request_line}\r\nHost: localhost\r\nConnection: close\r\n");
    let token = client.token.as_ref().map(|token| format!("Authorization: Bearer {token}"));
    for header in token.as_deref().iter().chain(headers) {
        head.push_str(header);
        head.push_str("\r\n");
    }
    head + "\r\n"
}

/// Sends the bytes, and reads until the server closes.
pub(crate) fn exchange(client: &Client, request: &[u8]) -> RawAnswer {
    converse(client, request, false)
}

/// Sends the bytes, says that no more come, and reads until the server closes.
pub(crate) fn exchange_and_end(client: &Client, request: &[u8]) -> RawAnswer {
    converse(client, request, true)
}

fn converse(client: &Client, request: &[u8], end: bool) -> RawAnswer {
    let mut stream = TcpStream::connect(client.url.trim_start_matches("http://")).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    stream.write_all(request).unwrap();
    if end {
        stream.shutdown(Shutdown::Write).unwrap();
    }
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).unwrap();
    let text = String::from_utf8(answer).unwrap();
    let (head, body) = text.split_once("\r\n\r\n").unwrap_or((&text, ""));
    RawAnswer { head: head.to_owned(), body: serde_json::from_str(body).unwrap_or(Value::Null), text }
}
