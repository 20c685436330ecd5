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
        let mut away_since: Option<Instant> = None;
        loop {
            let begun = Instant::now();
            let error = match call() {
                Ok(done) => return Ok(done),
                Err(error) => error,
            };
            // The time that a call waited before the server went away is not the server's absence; that of looking for it is.
            let since = *away_since.get_or_insert_with(|| if error.never_arrived() { begun } else { Instant::now() });
            match error.retry_after() {
                Some(after) if since.elapsed() + after < self.limit => pause(after),
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

#[cfg(test)]
mod tests {
    use std::sync::mpsc::{Receiver, channel};

    use super::*;

    const LIMIT: Duration = Duration::from_secs(1);
    /// As long as the limit, but for less than the pause before another try.
    const CALL: Duration = Duration::from_millis(900);

    /// How often it is called when each call takes so long and fails.
    fn calls(is_sent: bool) -> u32 {
        let (_sender, never): (_, Receiver<()>) = channel();
        let mut calls = 0;
        let done = RetryPolicy::new(LIMIT).run(|| -> Result<()> {
            calls += 1;
            never.recv_timeout(CALL).unwrap_err();
            Err(Error::Unreachable { url: "http://127.0.0.1:1".parse().unwrap(), why: "silence".to_owned(), is_sent })
        });
        assert!(done.is_err());
        calls
    }

    #[test]
    fn looking_for_a_server_is_a_part_of_its_absence() {
        assert_eq!(calls(false), 1);
    }

    #[test]
    fn waiting_for_its_answer_is_none() {
        assert_eq!(calls(true), 2);
    }
}
