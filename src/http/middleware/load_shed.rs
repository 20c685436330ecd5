//! Load shedding: when more requests of agents are in progress than can be done in good time, the rest are told to retry,
//! before any work is done for them. Of everything that agents share, one of them may have a share and no more, so that what
//! one agent does shuts no other out. People's requests always pass.

use std::convert::Infallible;
use std::sync::{Arc, Mutex, PoisonError};

use axum::body::{Body, Bytes, HttpBody};
use axum::extract::{FromRequestParts, Request};
use axum::http::Method;
use axum::http::request::Parts;
use axum::response::{IntoResponse, Response};
use http_body_util::BodyExt;

use crate::config::Limits;
use crate::domain::id::PrincipalName;
use crate::domain::principal::Principal;
use crate::http::App;
use crate::http::error::{
    Problem, overloaded, too_many_body_bytes, too_many_connections, too_many_own_connections, too_many_requests,
    too_many_streams,
};
use crate::http::transport::connection::Connection;
use crate::http::wait::is_long_poll;
use crate::shares::{Share, ShareLimits, Shares};
use crate::store::Priority;

/// A response of more bytes than this is large.
const LARGE_BYTES: usize = 64 * 1024;

/// How many bytes of large responses all agents together may leave unread: they stay in memory until they are read.
const MOST_UNREAD_BYTES: usize = 64 * 1024 * 1024;

/// How many bytes of large responses each agent may leave unread, however much the others do.
const ASSURED_UNREAD_BYTES: usize = 8 * 1024 * 1024;

/// Counts what agents have in progress: turns, bodies, connections, streams and unread responses.
pub(crate) struct LoadShedder {
    turns: Arc<Shares>,
    bodies: Arc<Shares>,
    connections: Arc<Shares>,
    streams: Arc<Shares>,
    unread: Arc<Shares>,
    max_connections: usize,
}

impl LoadShedder {
    pub(crate) fn new(limits: &Limits) -> Self {
        let share = |all, own, assured| Shares::new(ShareLimits { all, own, assured });
        Self {
            turns: share(limits.max_in_flight, limits.max_in_flight_per_principal, 0),
            bodies: share(limits.max_bodies_bytes, limits.max_bodies_bytes_per_principal, limits.max_body_bytes),
            connections: share(usize::MAX, limits.connections_per_principal(), 0),
            streams: share(limits.max_streams, limits.max_streams_per_principal, 0),
            unread: share(MOST_UNREAD_BYTES, MOST_UNREAD_BYTES, ASSURED_UNREAD_BYTES),
            max_connections: limits.max_connections,
        }
    }

    /// Admits a request, or refuses it where too much is in progress. `None` for people's.
    ///
    /// A request with a body takes its turn once the body is here: until then it costs a connection and the bytes that have
    /// come. A long-poll takes none: the limits on waiters and reads bound it.
    pub(crate) fn admit(&self, principal: &Principal, request: &Request) -> Result<Option<Turn>, Problem> {
        if Priority::of(principal) == Priority::Human {
            return Ok(None);
        }
        if let Some(connection) = request.extensions().get::<Arc<Connection>>() {
            if connection.is_reserved {
                return Err(too_many_connections(self.max_connections));
            }
            connection.hold(&self.connections, &principal.name).map_err(too_many_own_connections)?;
        }
        let turn = Turn(Arc::new(Held {
            turns: Arc::clone(&self.turns),
            bodies: Arc::clone(&self.bodies),
            principal: principal.name.clone(),
            turn: Mutex::default(),
            body: Mutex::default(),
        }));
        // Every handler of a POST reads a body, or finds that there is none, and takes the turn then.
        if request.method() != Method::POST && !is_long_poll(request) {
            turn.begin()?;
        }
        Ok(Some(turn))
    }

    /// Counts a stream of events for as long as it is open, or refuses it.
    pub(crate) fn open_stream(&self, principal: &Principal) -> Result<Option<Share>, Problem> {
        if Priority::of(principal) == Priority::Human {
            return Ok(None);
        }
        self.streams.take(&principal.name, 1).map(Some).map_err(too_many_streams)
    }

    /// Lets a response to an agent go out, or refuses it where too many large ones are unread.
    pub(crate) async fn release(&self, principal: &PrincipalName, answer: Response) -> Response {
        let bytes = answer.body().size_hint().exact().unwrap_or(0);
        let Some(bytes) = usize::try_from(bytes).ok().filter(|bytes| *bytes > LARGE_BYTES) else { return answer };
        let Ok(share) = self.unread.take(principal, bytes) else { return overloaded().into_response() };
        let (head, body) = answer.into_parts();
        match body.collect().await {
            Ok(body) => Response::from_parts(head, Body::from(Bytes::from_owner(Unread(body.to_bytes(), share)))),
            Err(_) => overloaded().into_response(),
        }
    }
}

/// What a request of an agent holds while it is answered. A clone is the same turn.
#[derive(Clone)]
pub(crate) struct Turn(Arc<Held>);

struct Held {
    turns: Arc<Shares>,
    bodies: Arc<Shares>,
    principal: PrincipalName,
    turn: Mutex<Option<Share>>,
    body: Mutex<Option<Share>>,
}

impl Turn {
    /// Counts so many more bytes of the request's body, or refuses them.
    pub(crate) fn add_to_body(&self, bytes: usize) -> Result<(), Problem> {
        let Held { bodies, principal, body, .. } = &*self.0;
        let mut body = body.lock().unwrap_or_else(PoisonError::into_inner);
        match &mut *body {
            Some(share) => share.grow(bytes),
            None => bodies.take(principal, bytes).map(|share| *body = Some(share)),
        }
        .map_err(too_many_body_bytes)
    }

    /// Takes the turn: from here on the request is in progress.
    pub(crate) fn begin(&self) -> Result<(), Problem> {
        let Held { turns, principal, turn, .. } = &*self.0;
        let share = turns.take(principal, 1).map_err(too_many_requests)?;
        *turn.lock().unwrap_or_else(PoisonError::into_inner) = Some(share);
        Ok(())
    }

    /// Gives the turn back: what is left of the request waits, as a long-poll does. Its body stays counted while it is held.
    pub(crate) fn give_back(&self) {
        self.0.turn.lock().unwrap_or_else(PoisonError::into_inner).take();
    }

    /// Returns the agent whose turn it is.
    pub(crate) fn principal(&self) -> &PrincipalName {
        &self.0.principal
    }
}

/// The turn of the request at hand; `None` of a person's.
pub(crate) struct CurrentTurn(pub(crate) Option<Turn>);

impl FromRequestParts<App> for CurrentTurn {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &App) -> Result<Self, Infallible> {
        Ok(Self(parts.extensions.get::<Turn>().cloned()))
    }
}

/// A large response: its share is given back when the last of it is sent.
struct Unread(Bytes, #[expect(dead_code, reason = "held until it is dropped")] Share);

impl AsRef<[u8]> for Unread {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}
