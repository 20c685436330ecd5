//! The live feed as an iterator that comes back by itself.

use std::io::{BufRead, BufReader, Read};
use std::time::Duration;

use ureq::BodyReader;

use crate::api::{AuditEvent, FeedReset, WithRaw};

use super::{Client, Error, Result, pause};

/// The longest line of an event, in bytes: an end to what a server that is none could send.
const LONGEST_LINE: u64 = 16 * 1024 * 1024;

/// How long to wait before coming again.
const RETRY_AFTER: Duration = Duration::from_millis(500);

/// The events of `GET /v1/events`, one after the other, without an end.
///
/// An error that may pass ([`Error::is_transient`]) is given once each time; asking for the next event then comes again, and
/// goes on after the last one that was given. After any other error there is nothing more.
pub struct Feed<'c> {
    client: &'c Client,
    last: Option<i64>,
    state: State,
}

enum State {
    New,
    Open(BufReader<BodyReader<'static>>),
    Lost,
    Over,
}

impl<'c> Feed<'c> {
    pub(super) const fn new(client: &'c Client, after: Option<i64>) -> Self {
        Self { client, last: after, state: State::New }
    }

    /// Opens the feed now, where it is not open: what happens from here on comes through it.
    pub fn connect(&mut self) -> Result<()> {
        if matches!(self.state, State::New | State::Lost) {
            let response = self.client.open_feed(self.last)?;
            self.state = State::Open(BufReader::new(response.into_body().into_reader()));
        }
        Ok(())
    }

    fn read(&mut self) -> Result<WithRaw<AuditEvent>> {
        self.connect()?;
        let State::Open(lines) = &mut self.state else { return Err(self.client.unreachable("the feed is over")) };
        let (mut name, mut data) = (String::new(), String::new());
        loop {
            let mut line = String::new();
            let read = lines.take(LONGEST_LINE).read_line(&mut line);
            if read.map_err(|error| self.client.unreachable(error))? == 0 {
                return Err(self.client.unreachable("the feed ended"));
            }
            match line.trim_end_matches(['\r', '\n']).split_once(':') {
                Some(("data", text)) => data.push_str(text.strip_prefix(' ').unwrap_or(text)),
                Some(("event", text)) => text.trim().clone_into(&mut name),
                None if name == FeedReset::EVENT => {
                    let reset: FeedReset = serde_json::from_str(&data).map_err(|error| self.client.foreign(error))?;
                    self.last = Some(reset.last_event_id);
                    (name, data) = (String::new(), String::new());
                }
                None if !data.is_empty() => break,
                // The id is in the data, too; comments keep the connection alive.
                Some(_) | None => {}
            }
        }
        let event: WithRaw<AuditEvent> = serde_json::from_str(&data).map_err(|error| self.client.foreign(error))?;
        self.last = Some(event.value.seq);
        Ok(event)
    }
}

impl Iterator for Feed<'_> {
    type Item = Result<WithRaw<AuditEvent>>;

    fn next(&mut self) -> Option<Self::Item> {
        match self.state {
            State::Over => return None,
            State::Lost => pause(RETRY_AFTER),
            State::New | State::Open(_) => {}
        }
        let read = self.read();
        match &read {
            Ok(_) => {}
            Err(error) if Error::is_transient(error) => self.state = State::Lost,
            Err(_) => self.state = State::Over,
        }
        Some(read)
    }
}
