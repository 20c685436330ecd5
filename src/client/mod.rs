//! A client of a running server: REST over TCP, TLS or a Unix socket, one call at a time, and the live feed.
//!
//! It knows the wire and the domain's words, and nothing of how a server does what it is asked. What goes wrong is told
//! apart by what to do next: [`Error::Unreachable`] may pass, [`Error::Refused`] is the server's own no.

mod calls;
mod error;
mod feed;
mod lists;
mod open;
mod retry;
mod transport;

use serde::Serialize;
use serde::de::DeserializeOwned;
use ureq::http::request::Builder;
use ureq::http::{Request, Response};
use ureq::{Agent, Body};

pub use self::error::{Error, OpenError, Refusal};
pub use self::feed::Feed;
pub use self::retry::{RetryPolicy, pause};
use crate::api::{Call, Interaction, WaitInteraction, WithRaw};
use crate::config::ServerUrl;
use crate::dialects::mcp::REVISION;
use crate::domain::id::RequestId;

/// What a call comes to.
pub type Result<T> = std::result::Result<T, Error>;

/// How long one call waits for a resolution: short enough that a server that is gone is noticed.
const WAIT_MS: u64 = 25_000;

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

    /// Whether it speaks with a token that was found in the credentials file, and not with one that was handed over.
    #[must_use]
    pub const fn has_stored_token(&self) -> bool {
        self.token.is_stored
    }

    /// The interaction once it is resolved, or after a while as it stands.
    ///
    /// # Errors
    ///
    /// What the server refuses, or that it cannot be reached.
    pub fn wait(&self, request_id: &RequestId) -> Result<WithRaw<Interaction>> {
        self.get_interaction(request_id, &WaitInteraction { wait_ms: Some(WAIT_MS) })
    }

    /// The live feed, from the event after `seq` on, or from now on.
    #[must_use]
    pub fn feed(&self, after: Option<i64>) -> Feed<'_> {
        Feed::new(self, after)
    }

    /// Sends one request of the Model Context Protocol, in the revision without a handshake, and returns what it is answered.
    ///
    /// # Errors
    ///
    /// What the server refuses, or that it cannot be reached.
    pub fn call_mcp<T: DeserializeOwned>(&self, method: &str, tool: &str, message: &impl Serialize) -> Result<T> {
        let mut request = self.request(Call::CallMcp, &[]).body(message);
        let headers = [("mcp-protocol-version", REVISION), ("mcp-method", method), ("mcp-name", tool)];
        for (name, value) in headers {
            request.builder = request.builder.header(name, value);
        }
        request.builder = request.builder.header("accept", "application/json, text/event-stream");
        request.send()
    }

    fn open_feed(&self, after: Option<i64>) -> Result<Response<Body>> {
        let mut request = self.request(Call::FollowAuditEvents, &[]);
        if let Some(seq) = after {
            request.builder = request.builder.header("last-event-id", seq.to_string());
        }
        let response = request.respond()?;
        if response.status().is_success() { Ok(response) } else { Err(self.refusal(response)) }
    }

    /// A request that makes `call`, with these parameters in its path.
    fn request(&self, call: Call, parameters: &[&str]) -> CallRequest<'_> {
        let builder =
            Request::builder().method(call.method()).header("authorization", format!("Bearer {}", *self.token.text));
        let address = format!("{}{}", self.base, call.path_with(parameters));
        CallRequest { client: self, builder, address, query: Ok(String::new()), body: Ok(Vec::new()) }
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
        Error::Unreachable { url: self.url.clone(), why: why.to_string(), is_sent: true }
    }

    fn foreign(&self, why: impl std::fmt::Display) -> Error {
        Error::Foreign { url: self.url.clone(), why: why.to_string() }
    }
}

/// A request on its way.
struct CallRequest<'c> {
    client: &'c Client,
    builder: Builder,
    address: String,
    query: serde_json::Result<String>,
    body: serde_json::Result<Vec<u8>>,
}

impl CallRequest<'_> {
    /// The members of `query` that are there, as a query; one that is an array comes once for each of its elements.
    fn query(self, query: &impl Serialize) -> Self {
        let encoded = serde_json::to_value(query).map(|members| {
            let mut encoded = form_urlencoded::Serializer::new(String::new());
            for (name, value) in members.as_object().into_iter().flatten() {
                let values = value.as_array().map_or(std::slice::from_ref(value), Vec::as_slice);
                for value in values.iter().filter(|value| !value.is_null()) {
                    let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
                    encoded.append_pair(name, &text);
                }
            }
            encoded.finish()
        });
        Self { query: encoded, ..self }
    }

    fn body(self, body: &impl Serialize) -> Self {
        let builder = self.builder.header("content-type", "application/json");
        Self { body: serde_json::to_vec(body), builder, ..self }
    }

    fn send<T: DeserializeOwned>(self) -> Result<T> {
        let client = self.client;
        let response = self.respond()?;
        if !response.status().is_success() {
            return Err(client.refusal(response));
        }
        let body = client.read(response)?;
        serde_json::from_slice(&body).map_err(|error| client.foreign(error))
    }

    fn respond(self) -> Result<Response<Body>> {
        let client = self.client;
        let foreign = |error: serde_json::Error| client.foreign(error);
        let (query, body) = (self.query.map_err(foreign)?, self.body.map_err(foreign)?);
        let mark = if query.is_empty() { "" } else { "?" };
        let request = self.builder.uri(format!("{}{mark}{query}", self.address)).body(body);
        let request = request.map_err(|error| client.foreign(error))?;
        client.agent.run(request).map_err(|error| match transport::is_unsent(&error) {
            true => Error::Unreachable { url: client.url.clone(), why: error.to_string(), is_sent: false },
            false => client.unreachable(error),
        })
    }
}
