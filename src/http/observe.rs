//! What is seen of each request: an id on its answer and on every line of the log about it, a count, and its duration.

use std::time::{Duration, Instant};

use axum::extract::{MatchedPath, Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method};
use axum::middleware::Next;
use axum::response::Response;
use tracing::Instrument;
use uuid::Uuid;

use super::App;
use crate::domain::traceparent::Traceparent;

/// The header that names a request, in its answer.
const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// The W3C's header that names the trace which a request is part of.
const TRACEPARENT: &str = "traceparent";

/// The code of a refusal: for the log, beside its answer.
#[derive(Clone, Copy)]
pub(super) struct Code(pub(super) &'static str);

/// Names, counts and logs each request.
///
/// What was done is logged at the level `debug`, since the history has it; what was refused at `info`, what failed here at
/// `warn`.
pub(super) async fn observe(State(app): State<App>, request: Request, next: Next) -> Response {
    let begun = Instant::now();
    let id = Uuid::now_v7();
    let method = known(request.method());
    let route = request.extensions().get::<MatchedPath>().cloned();
    let route = route.as_ref().map_or("none", MatchedPath::as_str);
    let trace_id = traceparent(request.headers());
    let trace_id = trace_id.as_ref().map(Traceparent::trace_id);
    let span =
        tracing::info_span!("request", x_request_id = %id, method, route, trace_id, client = tracing::field::Empty);
    let mut response = next.run(request).instrument(span.clone()).await;
    let (took, status) = (begun.elapsed(), response.status().as_u16());
    app.service.metrics().answered(method, route, status, took);
    span.in_scope(|| log(status, response.extensions().get(), took));
    if let Ok(id) = HeaderValue::try_from(id.to_string()) {
        response.headers_mut().insert(REQUEST_ID, id);
    }
    response
}

fn log(status: u16, code: Option<&Code>, took: Duration) {
    let code = code.map(|Code(code)| *code);
    let took_ms = took.as_secs_f64() * 1_000.0;
    match status {
        ..400 => tracing::debug!(status, took_ms, "answered"),
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
pub(super) fn traceparent(headers: &HeaderMap) -> Option<Traceparent> {
    let mut given = headers.get_all(TRACEPARENT).iter();
    let (Some(header), None) = (given.next(), given.next()) else { return None };
    header.to_str().ok()?.parse().ok()
}
