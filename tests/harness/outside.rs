//! What only the outside of a process shows: a connection held open to the letter, a start that is refused, a database
//! that another program writes to.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use rusqlite::Connection;
use serde_json::Value;

use super::{database, postgres};

/// A connection with a request on it that the server has begun to answer, or with none.
pub(crate) struct Held {
    stream: BufReader<TcpStream>,
}

impl Held {
    /// Opens a connection, asks for `/healthz` and then, in the same breath, for `path`, if any.
    ///
    /// When the first answer is here the server has the second request, too: it reads on before it lets go of the
    /// connection. That is the event to await where nothing else tells that a long-poll is under way.
    pub(crate) fn open(url: &str, token: &str, path: Option<&str>) -> Self {
        let address = url.strip_prefix("http://").unwrap();
        let mut stream = TcpStream::connect(address).unwrap();
        let ask =
            |path: &str| format!("GET {path} HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer {token}\r\n\r\n");
        let requests = ask("/healthz") + &path.map(ask).unwrap_or_default();
        stream.write_all(requests.as_bytes()).unwrap();
        let mut held = Self { stream: BufReader::new(stream) };
        assert_eq!(held.body()["status"], "alive");
        held
    }

    /// The next answer's body; its status is 200.
    pub(crate) fn body(&mut self) -> Value {
        let (mut status, mut length) = (String::new(), 0);
        self.stream.read_line(&mut status).unwrap();
        loop {
            let mut header = String::new();
            self.stream.read_line(&mut header).unwrap();
            match header.trim_end().split_once(": ") {
                Some(("content-length", value)) => length = value.parse().unwrap(),
                Some(_) => {}
                None => break,
            }
        }
        let mut body = vec![0; length];
        self.stream.read_exact(&mut body).unwrap();
        assert!(status.starts_with("HTTP/1.1 200"), "{status:?} {}", String::from_utf8_lossy(&body));
        serde_json::from_slice(&body).unwrap()
    }

    /// Sends more, to the letter.
    pub(crate) fn send(&mut self, bytes: &[u8]) {
        self.stream.get_mut().write_all(bytes).unwrap();
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

/// What a command says that ends well.
#[track_caller]
pub(crate) fn succeeds(command: &mut Command) -> Output {
    let output = command.output().unwrap();
    assert!(output.status.success(), "{command:?} {output:?}");
    output
}

/// The names of what is in a folder.
pub(crate) fn contents(folder: &Path) -> Vec<String> {
    let names = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut names = names.collect::<Vec<_>>();
    names.sort();
    names
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
    assert_eq!(output.status.code(), Some(1), "{command:?} said {sentence:?}");
    assert!(sentence.starts_with("countersign: ") && sentence.trim_end().lines().count() == 1, "{sentence:?}");
    sentence.trim_end().to_owned()
}

/// The files of a directory with their bytes, as another process reads them. Where one closes a database that a server of the
/// same process has open, the system drops that server's locks: another process may then take the log away.
pub(crate) fn files_in(directory: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let paths = fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path());
    let read = |path: PathBuf| {
        let output = Command::new("cat").arg(&path).output().unwrap();
        assert!(output.status.success(), "{output:?}");
        (path, output.stdout)
    };
    paths.map(read).collect()
}

/// The statement by which a program that writes beside a server tells it of an event: a server on PostgreSQL goes by the history alone.
pub(crate) fn told(event: &str, request_id: &str) -> String {
    if !database::is_postgres() {
        return String::new();
    }
    format!(
        "INSERT INTO audit_events (seq, at_ms, event, request_id, hash) \
         SELECT max(seq) + 1, max(at_ms), '{event}', {request_id}, zeroblob(32) FROM audit_events"
    )
}

/// The statement that takes a trigger away, for what it would refuse.
pub(crate) fn without_trigger(table: &str, name: &str) -> String {
    let on = if database::is_postgres() { format!(" ON {table}") } else { String::new() };
    format!("DROP TRIGGER {name}{on};")
}

/// All that is stored: the files of a database, or the rows of its tables, byte by byte.
pub(crate) fn stored(db: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    if database::is_url(db) { postgres::copied(db) } else { files_in(db.parent().unwrap()) }
}

/// Another program in the middle of a transaction that writes: everybody else waits.
pub(crate) enum Writing {
    Sqlite(Connection),
    Postgres(postgres::Turn),
}

impl Writing {
    pub(crate) fn begin(db: &Path) -> Self {
        if database::is_url(db) {
            return Self::Postgres(postgres::Turn::begin(db));
        }
        let conn = Connection::open(db).unwrap();
        conn.execute_batch("BEGIN IMMEDIATE").unwrap();
        Self::Sqlite(conn)
    }

    pub(crate) fn change(&self, sql: &str) {
        match self {
            Self::Sqlite(conn) => conn.execute_batch(sql).unwrap(),
            Self::Postgres(turn) => turn.change(sql),
        }
    }

    pub(crate) fn end(self) {
        match self {
            Self::Sqlite(conn) => conn.execute_batch("COMMIT").unwrap(),
            Self::Postgres(turn) => turn.end(),
        }
    }
}

/// Writes to a database as another program would; the error in the database's words.
pub(crate) fn write_sql(db: &Path, sql: &str) -> Result<(), String> {
    if database::is_url(db) {
        return postgres::write_sql(db, sql);
    }
    let conn = Connection::open(db).unwrap();
    conn.busy_timeout(std::time::Duration::from_secs(5)).unwrap();
    conn.execute_batch("PRAGMA foreign_keys = ON").unwrap();
    conn.execute_batch(sql).map_err(|error| error.to_string())
}
