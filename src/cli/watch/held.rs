//! A decision that is held for a moment, in which the person can take it back. Nobody has been told of it yet.

use std::time::{Duration, Instant};

use crate::cli::kinds::Answer;
use crate::domain::id::RequestId;

/// A decision that has not been sent.
pub(super) struct Held {
    pub(super) request_id: RequestId,
    pub(super) answer: Answer,
    /// What was decided about, in a line that may be an agent's.
    pub(super) about: String,
    since: Instant,
    grace: Duration,
}

impl Held {
    pub(super) fn new(request_id: RequestId, answer: Answer, about: String, grace: Duration) -> Self {
        Self { request_id, answer, about, since: Instant::now(), grace }
    }

    /// Whether it is time to send it.
    pub(super) fn is_due(&self) -> bool {
        self.since.elapsed() >= self.grace
    }

    /// What is said of it while it is held.
    pub(super) fn sentence(&self) -> String {
        let done = self.answer.done();
        let (first, rest) = done.split_at(done.chars().next().map_or(0, char::len_utf8));
        format!("{}{rest}: {}. z takes it back", first.to_uppercase(), self.about)
    }
}

/// Reads how long a decision is held.
pub(super) fn grace(text: &str) -> Result<Duration, String> {
    let seconds = text.strip_suffix('s').unwrap_or(text).parse::<u64>().ok().filter(|seconds| *seconds <= 10);
    seconds.map(Duration::from_secs).ok_or_else(|| "a decision is held for 0 to 10 seconds".to_owned())
}
