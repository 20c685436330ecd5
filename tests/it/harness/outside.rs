//! What only the outside of a process shows: a connection held open to the letter, a start that is refused, a database
//! that somebody else writes to.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Command, Stdio};

use rusqlite::Connection;

/// A connection with a request on it that the server has begun to answer, or with none.
pub(crate) struct Held {
    stream: TcpStream,
}

impl Held {
    /// Opens a connection, asks for `/healthz` and then, in the same breath, for `path`, if any.
    ///
    /// When the first answer is here the server has the second request, too: it reads on before it lets go of the
    /// connection. That is the event to await where nothing else tells that a long-poll is under way.
    pub(crate) fn open(url: &str, token: &str, path: Option<&str>) -> Self {
        let address = url.strip_prefix("http://").unwrap();
        let mut stream = TcpStream::connect(address).unwrap();
        let ask = |path: &str| format!("GET {path} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {token}\r\n\r\n");
        let requests = ask("/healthz") + &path.map(ask).unwrap_or_default();
        stream.write_all(requests.as_bytes()).unwrap();
        let mut head = Vec::new();
        while !head.ends_with(b"}") {
            let mut byte = [0];
            stream.read_exact(&mut byte).unwrap();
            head.extend(byte);
        }
        assert!(head.starts_with(b"HTTP/1.1 200"), "{}", String::from_utf8_lossy(&head));
        Self { stream }
    }

    /// A long-poll for `request_id` that is under way.
    pub(crate) fn poll(url: &str, token: &str, request_id: &str) -> Self {
        Self::open(url, token, Some(&format!("/v1/interactions/{request_id}?waitMs=300000")))
    }

    /// All that still comes until the server closes the connection, in whichever way.
    pub(crate) fn rest(mut self) -> String {
        let mut rest = Vec::new();
        // A killed process resets its connections: what came before counts.
        let _ = self.stream.read_to_end(&mut rest);
        String::from_utf8(rest).unwrap()
    }
}

/// Runs a command that has to refuse: exit code 1, nothing on stdout, one sentence on stderr, which comes back.
#[track_caller]
pub(crate) fn refused(command: &mut Command) -> String {
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    // One byte is enough to know that it serves instead, and would never end.
    let mut said = [0];
    if child.stdout.as_mut().unwrap().read(&mut said).unwrap() > 0 {
        child.kill().unwrap();
    }
    let output = child.wait_with_output().unwrap();
    let sentence = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{sentence}");
    assert!(sentence.starts_with("countersign: ") && sentence.trim_end().lines().count() == 1, "{sentence:?}");
    sentence.trim_end().to_owned()
}

/// Writes to a database as another program would; the error in SQLite's words.
pub(crate) fn write_sql(db: &Path, sql: &str) -> Result<(), String> {
    let conn = Connection::open(db).unwrap();
    conn.busy_timeout(std::time::Duration::from_secs(5)).unwrap();
    conn.execute_batch("PRAGMA foreign_keys = ON").unwrap();
    conn.execute_batch(sql).map_err(|error| error.to_string())
}
