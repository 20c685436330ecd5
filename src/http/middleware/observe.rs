//! What is seen of each request: an id on its answer and on every line of the log about it, a count, and its duration.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::extract::{MatchedPath, Request};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method};
use axum::response::Response;
use tracing::Span;
use uuid::Uuid;
use uuid::fmt::Hyphenated;

use super::refusal_log::{Kind, Refused};
use crate::domain::traceparent::Traceparent;
use crate::http::transport::connection::Connection;
use crate::http::{ANY_PATH, App};
use crate::service::Caller;

/// The header that names a request, in its answer.
const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// The W3C's header that names the trace which a request is part of.
const TRACEPARENT: &str = "traceparent";

/// The code of a refusal: for the log, beside its answer.
#[derive(Clone, Copy)]
pub(crate) struct Code(pub(crate) &'static str);

/// One request, as it is seen while it is answered.
///
/// What was done is logged at the level `debug`, since the history has it; what was refused at `info`, what failed here at
/// `warn`. Of many refusals of one kind only the first has a line of its own above `debug`.
pub(crate) struct Observed {
    begun: Instant,
    /// Its id, as text.
    id: [u8; Hyphenated::LENGTH],
    method: &'static str,
    route: Option<MatchedPath>,
    client: Option<IpAddr>,
    span: Span,
}

impl Observed {
    /// Names a request.
    pub(crate) fn begin(request: &Request, app: &App) -> Self {
        let begun = Instant::now();
        let mut id = [0; Hyphenated::LENGTH];
        // Written out once, for the log and for the answer.
        let name = &*Uuid::now_v7().as_hyphenated().encode_lower(&mut id);
        let method = known(request.method());
        let route = request.extensions().get::<MatchedPath>().cloned();
        let client = client(request, app);
        let trace_id = traceparent(request.headers());
        let span = tracing::info_span!(
            "request",
            x_request_id = name,
            method,
            route = named(route.as_ref()),
            trace_id = trace_id.as_ref().map(Traceparent::trace_id),
            client = client.map(tracing::field::display),
        );
        Self { begun, id, method, route, client, span }
    }

    /// What every line of the log about it is in.
    pub(crate) const fn span(&self) -> &Span {
        &self.span
    }

    /// Counts and logs it, and names it in its answer.
    pub(crate) fn end(self, response: &mut Response, app: &App) {
        let (took, status) = (self.begun.elapsed(), response.status().as_u16());
        app.service.metrics().answered(self.method, named(self.route.as_ref()), status, took);
        let code = response.extensions().get().map(|Code(code)| *code);
        let is_told = status < 400 || app.refusals.is_first(Kind { status, code, client: self.client(response) });
        self.span.in_scope(|| log(status, code, took, is_told));
        if let Ok(id) = HeaderValue::from_bytes(&self.id) {
            response.headers_mut().insert(REQUEST_ID, id);
        }
    }

    /// Whom it came from: the principal, where it was found, else the address.
    fn client(&self, response: &Response) -> Refused {
        let caller = response.extensions().get::<Caller>();
        caller.map_or(Refused::Address(self.client), |caller| Refused::Principal(caller.name.clone()))
    }
}

/// The pattern of a request's path, where it is served.
fn named(route: Option<&MatchedPath>) -> &str {
    route.map(MatchedPath::as_str).filter(|route| *route != ANY_PATH).unwrap_or("none")
}

/// Whom a request comes from.
fn client(request: &Request, app: &App) -> Option<IpAddr> {
    let connection = request.extensions().get::<Arc<Connection>>()?;
    connection.client(request.headers(), &app.http.trusted_proxy)
}

fn log(status: u16, code: Option<&str>, took: Duration, is_told: bool) {
    let took_ms = took.as_secs_f64() * 1_000.0;
    match status {
        ..400 => tracing::debug!(status, took_ms, "answered"),
        400.. if !is_told => tracing::debug!(status, code, took_ms, "refused again"),
        400..500 => tracing::info!(status, code, took_ms, "refused"),
        500.. => tracing::warn!(status, code, took_ms, "failed"),
    }
}

/// A label of its own for each method that is served, and one for all others, of which there are as many as clients like.
fn known(method: &Method) -> &'static str {
    [Method::GET, Method::POST, Method::DELETE, Method::HEAD, Method::OPTIONS]
        .iter()
        .zip(["GET", "POST", "DELETE", "HEAD", "OPTIONS"])
        .find_map(|(known, name)| (known == method).then_some(name))
        .unwrap_or("OTHER")
}

/// The trace that a request says it is part of. As the W3C has it, one that is not well formed is as good as none.
pub(crate) fn traceparent(headers: &HeaderMap) -> Option<Traceparent> {
    let mut given = headers.get_all(TRACEPARENT).iter();
    let (Some(header), None) = (given.next(), given.next()) else { return None };
    header.to_str().ok()?.parse().ok()
}
