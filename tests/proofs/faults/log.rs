//! The write-ahead log under load: its size, while large inputs are registered, lists are read without a pause, and slow
//! clients do not take their answers.

use std::fs;
use std::io::Write;
use std::net::TcpStream;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use tempfile::TempDir;

use crate::harness::Process;
use crate::load::{Pair, Tokens};
use crate::run::{Found, Run};

/// What the log stays under.
const LIMIT: u64 = 64 * 1024 * 1024;

const WRITERS: usize = 8;
const READERS: usize = 8;
const SLOW_READERS: usize = 16;

/// The bytes of an input.
const LARGE: usize = 200_000;

/// How often the size is looked at.
const LOOK: Duration = Duration::from_millis(5);

pub(crate) fn prove(run: &Run) -> Found {
    let directory = TempDir::new().unwrap();
    let db = directory.path().join("test.db");
    let tokens = Tokens::make(&db);
    let process = Process::serve(&db, &["--max-stored-per-day", "none"]);
    let pair = tokens.at(&process.url);
    let (over, written, lists) = (AtomicBool::new(false), AtomicU64::new(0), AtomicU64::new(0));
    let mut largest = 0;
    let slow = (0..SLOW_READERS).map(|_| slow_reader(&process.url, &tokens.agent)).collect::<Vec<_>>();
    thread::scope(|scope| {
        for writer in 0..WRITERS {
            let (pair, over, written) = (pair.clone(), &over, &written);
            scope.spawn(move || write(&pair, writer, over, written));
        }
        for _ in 0..READERS {
            let (agent, over, lists) = (pair.agent.clone(), &over, &lists);
            scope.spawn(move || {
                while !over.load(Ordering::Relaxed) {
                    agent.get("/v1/interactions?toolName=none&limit=500").expect(200);
                    lists.fetch_add(1, Ordering::Relaxed);
                }
            });
        }
        let (begun, log) = (Instant::now(), directory.path().join("test.db-wal"));
        while begun.elapsed() < Duration::from_secs(run.amount(8, 90)) {
            largest = largest.max(fs::metadata(&log).map_or(0, |log| log.len()));
            thread::park_timeout(LOOK);
        }
        over.store(true, Ordering::Relaxed);
    });
    drop(slow);
    let written = written.into_inner() * u64::try_from(LARGE).unwrap();
    assert!(largest < LIMIT, "{largest} bytes of log");
    assert!(written > LIMIT, "only {written} bytes were written: the log was not put to the test");
    assert_eq!(process.terminate().0.code(), Some(0));
    let mebibytes = |bytes: u64| format!("{} MiB", bytes / 1024 / 1024);
    Found::Held(vec![
        ("written", mebibytes(written)),
        ("lists read meanwhile", lists.into_inner().to_string()),
        ("largest log", mebibytes(largest)),
    ])
}

/// Registers and cancels until it is over.
fn write(pair: &Pair, writer: usize, over: &AtomicBool, written: &AtomicU64) {
    pair.work(&format!("w{writer}"), LARGE, |_| {
        written.fetch_add(1, Ordering::Relaxed);
        !over.load(Ordering::Relaxed)
    });
}

/// A client that asks for a list and never takes it.
fn slow_reader(url: &str, token: &str) -> TcpStream {
    let address = url.strip_prefix("http://").unwrap();
    let mut stream = TcpStream::connect(address).unwrap();
    let request =
        format!("GET /v1/interactions?limit=500 HTTP/1.1\r\nhost: {address}\r\nauthorization: Bearer {token}\r\n\r\n");
    stream.write_all(request.as_bytes()).unwrap();
    stream
}
