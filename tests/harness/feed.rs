//! The live feed, read as any client of server-sent events reads it.

use std::io::{BufRead, BufReader};

use serde_json::Value;

use super::Client;

/// An open `GET /v1/events`.
pub(crate) struct Feed {
    lines: BufReader<ureq::BodyReader<'static>>,
}

/// What came in one message.
#[derive(Debug, PartialEq)]
pub(crate) struct Message {
    pub(crate) id: i64,
    pub(crate) event: String,
    pub(crate) data: Value,
}

impl Client {
    /// Opens the feed; what happens from its return on comes through it, and what came after `last_event_id` before.
    pub(crate) fn feed(&self, last_event_id: Option<i64>) -> Feed {
        let request = self.agent.get(format!("{}/v1/events", self.url));
        let mut request = request.header("authorization", format!("Bearer {}", self.token.as_deref().unwrap_or("")));
        if let Some(id) = last_event_id {
            request = request.header("last-event-id", id.to_string());
        }
        let response = request.call().unwrap();
        assert_eq!(response.status(), 200);
        assert_eq!(response.headers()["content-type"], "text/event-stream");
        Feed { lines: BufReader::new(response.into_body().into_reader()) }
    }
}

impl Client {
    /// The lines of a stream of events, as they come.
    pub(super) fn stream_lines(&self, path: &str, name: &str, credential: &str) -> impl Iterator<Item = String> {
        let request = self.agent.get(format!("{}{path}", self.url)).header(name, credential);
        BufReader::new(request.call().unwrap().into_body().into_reader()).lines().map(Result::unwrap)
    }

    /// The headers of a stream of events, of which nothing is read; `credential` is the value of the header `name`.
    pub(crate) fn stream_headers(&self, path: &str, name: &str, credential: &str) -> ureq::http::HeaderMap {
        let request = self.agent.get(format!("{}{path}", self.url)).header(name, credential);
        request.call().unwrap().headers().clone()
    }
}

impl Feed {
    /// The next message; `None` once the server has ended the stream.
    pub(crate) fn next(&mut self) -> Option<Message> {
        let (mut id, mut event, mut data) = (None, None, None);
        loop {
            let mut line = String::new();
            if self.lines.read_line(&mut line).unwrap() == 0 {
                return None;
            }
            match line.trim_end().split_once(':') {
                Some(("id", value)) => id = value.trim().parse().ok(),
                Some(("event", value)) => event = Some(value.trim().to_owned()),
                Some(("data", value)) => data = serde_json::from_str(value).ok(),
                // A comment, such as the one that keeps the connection alive.
                Some(_) => {}
                None => {
                    if let (Some(id), Some(event), Some(data)) = (id, event.take(), data.take()) {
                        return Some(Message { id, event, data });
                    }
                }
            }
        }
    }

    /// The next messages: how many are expected, each as its id and event.
    pub(crate) fn take(&mut self, count: usize) -> Vec<(i64, String)> {
        let messages = (0..count).map_while(|_| self.next());
        messages.map(|message| (message.id, message.event)).collect()
    }
}
