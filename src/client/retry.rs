//! How long to go on where a server may come back.

use std::thread;
use std::time::{Duration, Instant};

use super::{Error, Result};

/// How long in a row a server may be away.
#[derive(Clone, Copy, Debug)]
pub struct RetryPolicy {
    limit: Duration,
}

impl RetryPolicy {
    /// As long as `limit`.
    #[must_use]
    pub const fn new(limit: Duration) -> Self {
        Self { limit }
    }

    /// Does `call` again while the server is away, or short of something, and may yet come back. What is done more than once
    /// has to be the same as if it were done once.
    pub fn run<T>(&self, mut call: impl FnMut() -> Result<T>) -> Result<T> {
        // The time that a call waited before the server went away is not the server's absence.
        let mut away_since = None;
        loop {
            let error = match call() {
                Ok(done) => return Ok(done),
                Err(error) => error,
            };
            match error.retry_after() {
                Some(after) if away_since.get_or_insert_with(Instant::now).elapsed() + after < self.limit => {
                    pause(after)
                }
                Some(_) | None => return Err(error),
            }
        }
    }
}

/// Waits for `time`.
#[expect(clippy::disallowed_methods, reason = "only another request tells whether a server is back")]
pub fn pause(time: Duration) {
    thread::sleep(time);
}

impl Error {
    /// Whether the server was away, or short of something, for all that is known.
    #[must_use]
    pub fn is_transient(&self) -> bool {
        self.retry_after().is_some()
    }
}
