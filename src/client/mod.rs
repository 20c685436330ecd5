//! A client of a running server: REST over TCP, TLS or a Unix socket, one call at a time, and the live feed.
//!
//! It knows the wire and the domain's words, and nothing of how a server does what it is asked. What goes wrong is told
//! apart by what to do next: [`Error::Unreachable`] may pass, [`Error::Refused`] is the server's own no.

mod error;
mod feed;
mod lists;
mod open;
mod retry;
mod transport;
pub mod wire;

use serde::Serialize;
use serde::de::DeserializeOwned;
use ureq::http::{Request, Response};
use ureq::{Agent, Body};

pub use self::error::{Error, OpenError, Refusal};
pub use self::feed::Feed;
pub use self::retry::{RetryPolicy, pause};
use crate::config::ServerUrl;
use crate::domain::id::RequestId;

/// What a call comes to.
pub type Result<T> = std::result::Result<T, Error>;

/// How long one call waits for a resolution: short enough that a server that is gone is noticed.
const WAIT_MS: &str = "25000";

/// The largest answer, in bytes: more than a server's largest page.
const LARGEST_ANSWER: u64 = 64 * 1024 * 1024;

/// Speaks with one server as one principal.
pub struct Client {
    url: ServerUrl,
    base: String,
    agent: Agent,
    token: open::Token,
}

impl Client {
    /// The server.
    #[must_use]
    pub const fn url(&self) -> &ServerUrl {
        &self.url
    }

    /// `GET path`, with a query.
    pub fn get<T: DeserializeOwned>(&self, path: &str, query: &[(&str, &str)]) -> Result<T> {
        let mut request = self.agent.get(self.address(path)).header("authorization", self.bearer());
        for (name, value) in query {
            request = request.query(*name, *value);
        }
        self.answer(request.call())
    }

    /// `POST path`, with a body.
    pub fn post<T: DeserializeOwned>(&self, path: &str, body: &impl Serialize) -> Result<T> {
        let body = serde_json::to_vec(body).map_err(|error| self.foreign(error))?;
        let request = self.agent.post(self.address(path)).header("authorization", self.bearer());
        self.answer(request.header("content-type", "application/json").send(&body))
    }

    /// `DELETE path`.
    pub fn delete<T: DeserializeOwned>(&self, path: &str) -> Result<T> {
        self.answer(self.agent.delete(self.address(path)).header("authorization", self.bearer()).call())
    }

    /// The interaction as it stands.
    pub fn look(&self, request_id: &RequestId) -> Result<wire::WithRaw<wire::Interaction>> {
        self.get(&format!("/v1/interactions/{request_id}"), &[])
    }

    /// The interaction once it is resolved, or after a while as it stands.
    pub fn wait(&self, request_id: &RequestId) -> Result<wire::WithRaw<wire::Interaction>> {
        self.get(&format!("/v1/interactions/{request_id}"), &[("waitMs", WAIT_MS)])
    }

    /// The live feed, from the event after `seq` on, or from now on.
    #[must_use]
    pub fn feed(&self, after: Option<i64>) -> Feed<'_> {
        Feed::new(self, after)
    }

    fn open_feed(&self, after: Option<i64>) -> Result<Response<Body>> {
        let mut request = Request::get(self.address("/v1/events")).header("authorization", self.bearer());
        if let Some(seq) = after {
            request = request.header("last-event-id", seq.to_string());
        }
        let request = request.body(()).map_err(|error| self.foreign(error))?;
        let response = self.agent.run(request).map_err(|error| self.unreachable(error))?;
        if response.status().is_success() { Ok(response) } else { Err(self.refusal(response)) }
    }

    fn address(&self, path: &str) -> String {
        format!("{}{path}", self.base)
    }

    fn bearer(&self) -> String {
        format!("Bearer {}", *self.token.text)
    }

    fn answer<T: DeserializeOwned>(&self, answer: std::result::Result<Response<Body>, ureq::Error>) -> Result<T> {
        let response = answer.map_err(|error| self.unreachable(error))?;
        if !response.status().is_success() {
            return Err(self.refusal(response));
        }
        let body = self.read(response)?;
        serde_json::from_slice(&body).map_err(|error| self.foreign(error))
    }

    fn read(&self, mut response: Response<Body>) -> Result<Vec<u8>> {
        let read = response.body_mut().with_config().limit(LARGEST_ANSWER).read_to_vec();
        read.map_err(|error| self.unreachable(error))
    }

    fn refusal(&self, response: Response<Body>) -> Error {
        let status = response.status();
        let body = match self.read(response) {
            Ok(body) => body,
            Err(error) => return error,
        };
        match serde_json::from_slice::<Refusal>(&body) {
            Ok(refusal) if refusal.code == "unauthenticated" => {
                Error::UnknownToken { url: self.url.clone(), from: self.token.from.clone() }
            }
            Ok(refusal) => Error::Refused(refusal),
            // What a proxy says of a server that is away.
            Err(_) if matches!(status.as_u16(), 502..=504) => self.unreachable(status),
            Err(_) => self.foreign(status),
        }
    }

    fn unreachable(&self, why: impl std::fmt::Display) -> Error {
        Error::Unreachable { url: self.url.clone(), why: why.to_string() }
    }

    fn foreign(&self, why: impl std::fmt::Display) -> Error {
        Error::Foreign { url: self.url.clone(), why: why.to_string() }
    }
}
