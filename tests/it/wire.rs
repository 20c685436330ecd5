//! Requests to the letter, for what no HTTP client sends.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpStream};
use std::time::Duration;

use serde_json::Value;

use crate::harness::Client;

/// What came back to the letter: the status line and headers, and the body.
#[derive(Debug)]
pub(crate) struct RawAnswer {
    pub(crate) head: String,
    pub(crate) body: Value,
}

impl RawAnswer {
    /// The status; `None` where the connection ended without an answer.
    pub(crate) fn status(&self) -> Option<u16> {
        self.head.split(' ').nth(1)?.parse().ok()
    }
}

/// The head of a request with the client's token, which asks for the connection to be closed after its answer.
pub(crate) fn head(client: &Client, request_line: &str, headers: &[&str]) -> String {
    let token = client.token.as_deref().unwrap_or_default();
    let mut head = format!("{request_line}\r\nHost: test\r\nConnection: close\r\nAuthorization: Bearer {token}\r\n");
    for header in headers {
        head.push_str(header);
        head.push_str("\r\n");
    }
    head + "\r\n"
}

/// Sends the bytes, says that no more come, and reads until the server closes.
pub(crate) fn exchange(client: &Client, request: &[u8]) -> RawAnswer {
    let mut stream = TcpStream::connect(client.url.trim_start_matches("http://")).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    stream.write_all(request).unwrap();
    stream.shutdown(Shutdown::Write).unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).unwrap();
    let answer = String::from_utf8(answer).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap_or((&answer, ""));
    RawAnswer { head: head.to_owned(), body: serde_json::from_str(body).unwrap_or(Value::Null) }
}
