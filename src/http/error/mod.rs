//! Errors on the wire: the only place that chooses their statuses and codes.
//!
//! # Where errors come from
//!
//! - A use case that refuses a well-formed request returns a [`Refused`] as a value. It knows nothing of HTTP; the `match`
//!   in `refused.rs` has no `_`, so that a new refusal does not compile until it has a status and a code.
//! - A failure below the use cases is a [`store::Error`] or another variant of [`service::Error`].
//! - A body that has the right shape and breaks a rule of the wire is an [`Invalid`] of `api`.
//! - Everything else is found at the edge, by extractors, middleware, handlers and pages: a malformed request, a missing
//!   token, a limit that is reached. They call [`Problem::malformed`] or one of the functions at the end of this file, one
//!   for each code, and never choose a status themselves.
//!
//! All of them end as a [`Problem`], which [`IntoResponse`] turns into an answer in one place. `?` is enough to get there.
//!
//! # What is said
//!
//! Every refusal has one shape: `{"error": "<a sentence>", "code": "<stable_snake_case>"}`, with more members where they
//! help, such as `field`, `status` or `retryAfterMs`. Programs go by `code`, which never changes; the sentence is for people
//! and may. Dialects tell it in shapes of their own (`shape.rs`). Browsers get the sentence as a page, which `web` makes from the [`ErrorText`] beside the answer.
//!
//! A refusal is the caller's to correct: it says what was wrong, and the log has only its status and code, at `info`. A
//! failure is the operator's: the client gets one opaque sentence, or which resource is short and when to try again, and
//! the log gets the error itself, here, where it is turned into a `Problem`. No text of a driver or of the operating system
//! leaves the server.

mod refused;
mod shape;

use std::any::Any;
use std::time::Duration;

use axum::body::Body;
use axum::http::header::{CONNECTION, CONTENT_TYPE, HeaderValue, RETRY_AFTER, WWW_AUTHENTICATE};
use axum::http::{Method, Response, StatusCode};
use axum::response::IntoResponse;
use serde_json::{Map, Value};

pub(crate) use self::shape::ErrorShape;
use crate::api::{ErrorBody, Invalid};
use crate::domain::refused::Refused;
use crate::http::middleware::observe::Code;
use crate::service;
use crate::shares::Exceeded;
use crate::store;

/// How soon, in milliseconds, it is worth to try again when the server is short of something.
const RETRY_AFTER_MS: u64 = 1_000;

/// One refusal.
#[derive(Debug)]
pub(crate) struct Problem {
    status: StatusCode,
    code: &'static str,
    message: String,
    more: Map<String, Value>,
}

impl Problem {
    fn new(status: StatusCode, code: &'static str, message: impl Into<String>) -> Self {
        Self { status, code, message: message.into(), more: Map::new() }
    }

    /// A request that is not what the endpoint takes.
    pub(crate) fn malformed(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "malformed_request", message)
    }

    /// The same, where one field is at fault.
    pub(crate) fn malformed_field(field: &str, message: impl Into<String>) -> Self {
        Self::malformed(message).with("field", field)
    }

    /// The same refusal in another sentence.
    pub(crate) fn saying(self, message: impl Into<String>) -> Self {
        Self { message: message.into(), ..self }
    }

    /// The sentence of it.
    pub(crate) fn sentence(&self) -> &str {
        &self.message
    }

    pub(crate) fn with(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.more.insert(name.to_owned(), value.into());
        self
    }

    fn retry_later(self) -> Self {
        self.with("retryAfterMs", RETRY_AFTER_MS)
    }

    pub(crate) fn internal() -> Self {
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", "something went wrong inside; the log has it")
    }
}

/// The text of a refusal, as an extension of its answer: for layers that show it in another form than JSON.
#[derive(Clone)]
pub(crate) struct ErrorText {
    pub(crate) sentence: String,
    /// The field at fault, where one is.
    pub(crate) field: Option<String>,
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response<Body> {
        let retry_after = self.more.get("retryAfterMs").and_then(Value::as_u64);
        let field = self.more.get("field").and_then(Value::as_str).map(str::to_owned);
        let said = ErrorText { sentence: self.message.clone(), field };
        let shape = ErrorBody { error: self.message, code: self.code.to_owned(), more: self.more };
        // Strings and numbers under string keys: this cannot fail, and an empty body is what is left if it does.
        let mut response = Response::new(Body::from(serde_json::to_vec(&shape).unwrap_or_default()));
        *response.status_mut() = self.status;
        response.extensions_mut().insert(Code(self.code));
        response.extensions_mut().insert(said);
        // For the dialects, which tell it in a shape of their own.
        response.extensions_mut().insert(shape);
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        if self.status == StatusCode::UNAUTHORIZED {
            headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer realm=\"countersign\""));
        }
        // Its place is for the next one.
        if self.code == "too_many_connections" {
            headers.insert(CONNECTION, HeaderValue::from_static("close"));
        }
        if let Some(millis) = retry_after {
            headers.insert(RETRY_AFTER, HeaderValue::from(millis.div_ceil(1000)));
        }
        response
    }
}

impl Problem {
    /// The whole answer as it goes over the wire, for what is refused before there is a request.
    pub(crate) fn into_wire(self) -> Vec<u8> {
        let shape = ErrorBody { error: self.message, code: self.code.to_owned(), more: self.more };
        let body = serde_json::to_string(&shape).unwrap_or_default();
        let (status, length) = (self.status, body.len());
        let retry_after = shape.more.get("retryAfterMs").and_then(Value::as_u64);
        let retry_after = retry_after.map(|millis| format!("retry-after: {}\r\n", millis.div_ceil(1000)));
        format!(
            "HTTP/1.1 {status}\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n\
             {}cache-control: no-store\r\nconnection: close\r\n\r\n{body}",
            retry_after.unwrap_or_default()
        )
        .into_bytes()
    }
}

impl From<Invalid> for Problem {
    fn from(invalid: Invalid) -> Self {
        match invalid {
            Invalid::Field { field, message } => Self::malformed_field(&field, message),
            Invalid::InputTooLarge { field, limit } => input_too_large(field, limit),
        }
    }
}

impl From<service::Error> for Problem {
    fn from(error: service::Error) -> Self {
        match error {
            service::Error::Refused(refused) => refused.into(),
            service::Error::UnknownToken => Refused::UnknownToken.into(),
            service::Error::UnknownSession => unauthenticated(),
            service::Error::Store(error) => error.into(),
            service::Error::Sealing(_)
            | service::Error::Opening(_)
            | service::Error::Random(_)
            | service::Error::Writing(_) => {
                tracing::error!(%error, "a request could not be handled");
                Self::internal()
            }
        }
    }
}

impl From<store::Error> for Problem {
    fn from(error: store::Error) -> Self {
        if let store::Error::Unavailable(_) | store::Error::Doubtful(_) = error {
            // The store says once that it is away, and when it is there again.
            tracing::debug!(%error, "the database is away");
        } else if !matches!(error, store::Error::Overloaded | store::Error::OverShare { .. }) {
            tracing::error!(%error, "the store failed");
        }
        match error {
            store::Error::Overloaded => overloaded(),
            store::Error::OverShare { limit } => too_many_requests(Exceeded::Own { limit }),
            store::Error::Full => {
                let message = "the disk is full; nothing has changed";
                Self::new(StatusCode::INSUFFICIENT_STORAGE, "disk_full", message).retry_later()
            }
            store::Error::Failed(_) => {
                let message = "the disk failed; nothing has changed";
                Self::new(StatusCode::SERVICE_UNAVAILABLE, "disk_failed", message).retry_later()
            }
            store::Error::TooSlow => {
                let message = "this reads longer than one request may; ask for less";
                Self::new(StatusCode::SERVICE_UNAVAILABLE, "read_too_long", message).retry_later()
            }
            store::Error::Busy | store::Error::NoReader(_) | store::Error::Undone => {
                let message = "the database is busy; nothing has changed";
                Self::new(StatusCode::SERVICE_UNAVAILABLE, "database_busy", message).retry_later()
            }
            store::Error::Unavailable(_) => {
                let message = "the database cannot be reached; nothing has changed";
                Self::new(StatusCode::SERVICE_UNAVAILABLE, "database_unavailable", message).retry_later()
            }
            store::Error::Doubtful(_) => {
                let message = "the database went away at this moment; ask again whether this was done";
                Self::new(StatusCode::SERVICE_UNAVAILABLE, "database_unavailable", message).retry_later()
            }
            store::Error::Closed | store::Error::Unknown(_) => {
                let message = "the server is shutting down; ask the next one whether this was done";
                Self::new(StatusCode::SERVICE_UNAVAILABLE, "shutting_down", message).retry_later()
            }
            store::Error::Corrupt { .. } | store::Error::Internal(_) => Self::internal(),
        }
    }
}

pub(crate) fn unauthenticated() -> Problem {
    let message = "a bearer token is needed: Authorization: Bearer …";
    Problem::new(StatusCode::UNAUTHORIZED, "unauthenticated", message)
}

pub(crate) fn overloaded() -> Problem {
    let message = "the server has more to do than it can do in good time; nothing has changed";
    Problem::new(StatusCode::SERVICE_UNAVAILABLE, "overloaded", message).retry_later()
}

pub(crate) fn too_many_connections(limit: usize) -> Problem {
    let message = format!("there are {limit} connections already, which is as many as may be");
    Problem::new(StatusCode::SERVICE_UNAVAILABLE, "too_many_connections", message).retry_later()
}

/// More requests of one agent than may be in progress, or more of all agents.
pub(crate) fn too_many_requests(exceeded: Exceeded) -> Problem {
    match exceeded {
        Exceeded::Own { limit } => over_share("too_many_requests", format!("{limit} requests of this principal")),
        Exceeded::All { .. } => overloaded(),
    }
}

pub(crate) fn too_many_body_bytes(exceeded: Exceeded) -> Problem {
    match exceeded {
        Exceeded::Own { limit } => {
            over_share("too_many_body_bytes", format!("{limit} bytes of this principal's bodies"))
        }
        Exceeded::All { .. } => overloaded(),
    }
}

pub(crate) fn too_many_own_connections(exceeded: Exceeded) -> Problem {
    let (Exceeded::Own { limit } | Exceeded::All { limit }) = exceeded;
    over_share("too_many_connections", format!("{limit} connections of this principal"))
}

pub(crate) fn too_many_streams(exceeded: Exceeded) -> Problem {
    match exceeded {
        Exceeded::Own { limit } => over_share("too_many_streams", format!("{limit} streams of this principal")),
        Exceeded::All { limit } => {
            let message = format!("{limit} streams are open already, which is as many as may be");
            Problem::new(StatusCode::SERVICE_UNAVAILABLE, "too_many_streams", message).retry_later()
        }
    }
}

/// One principal has as much of something as one may.
fn over_share(code: &'static str, held: String) -> Problem {
    let message = format!("there are {held} already, which is as many as may be");
    Problem::new(StatusCode::TOO_MANY_REQUESTS, code, message).retry_later()
}

pub(crate) fn request_timeout(limit: Duration) -> Problem {
    let message = format!("the body was not here within {limit:?}");
    Problem::new(StatusCode::REQUEST_TIMEOUT, "request_timeout", message)
}

pub(crate) fn misdirected() -> Problem {
    let message = "this is not the host that was asked for; --allowed-host names others that it may be";
    Problem::new(StatusCode::MISDIRECTED_REQUEST, "misdirected_request", message)
}

pub(crate) fn origin_not_allowed() -> Problem {
    let message = "pages of this origin may not call; --allowed-origin names those that may";
    Problem::new(StatusCode::FORBIDDEN, "origin_not_allowed", message)
}

pub(crate) fn body_too_large(limit: usize) -> Problem {
    let message = format!("the body is larger than {limit} bytes");
    Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "body_too_large", message)
}

fn input_too_large(field: &str, limit: usize) -> Problem {
    let message = format!("the input is larger than {limit} bytes");
    Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "input_too_large", message).with("field", field)
}

pub(crate) fn headers_too_large(limit: usize) -> Problem {
    let message = format!("the headers are larger than {limit} bytes");
    Problem::new(StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE, "headers_too_large", message)
}

/// What cannot be read as a request; `status` says in which way.
pub(crate) fn unparsed(status: StatusCode, max_header_bytes: usize) -> Problem {
    match status {
        StatusCode::URI_TOO_LONG => Problem::new(status, "uri_too_long", "the path and query are too long"),
        StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE => {
            let message = format!("the headers are larger than {max_header_bytes} bytes, or too many");
            Problem::new(status, "headers_too_large", message)
        }
        _ => Problem::malformed("this is not a well-formed request of HTTP/1.1"),
    }
}

pub(crate) fn missing_idempotency_key() -> Problem {
    let message = "this call has one header Idempotency-Key, so that it can be repeated";
    Problem::new(StatusCode::BAD_REQUEST, "missing_idempotency_key", message)
}

pub(crate) fn not_json() -> Problem {
    unsupported_media_type("the body has to be JSON: Content-Type: application/json")
}

pub(crate) fn not_a_form() -> Problem {
    unsupported_media_type("the body has to be a form: Content-Type: application/x-www-form-urlencoded")
}

fn unsupported_media_type(message: &str) -> Problem {
    Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "unsupported_media_type", message)
}

pub(crate) fn number_out_of_range(field: &str, message: String) -> Problem {
    Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "number_out_of_range", message).with("field", field)
}

pub(crate) async fn unknown_path() -> Problem {
    Problem::new(StatusCode::NOT_FOUND, "unknown_path", "there is nothing at this path")
}

pub(crate) async fn method_not_allowed(method: Method) -> Problem {
    let message = format!("this path does not take {method}");
    Problem::new(StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed", message)
}

/// A form that no page of this session sent.
pub(crate) fn wrong_form() -> Problem {
    Problem::new(StatusCode::FORBIDDEN, "wrong_form", "this form is of another session; load the page anew")
}

/// An approval that would discard what was typed into its form.
pub(crate) fn input_discarded(message: &str) -> Problem {
    Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "not_meant", message)
}

/// The status of the log-in page where it says why logging in failed.
pub(crate) const LOGIN_FAILED: StatusCode = StatusCode::UNAUTHORIZED;

/// The status of a form's page where it is shown again with the fields at fault.
pub(crate) const FORM_AT_FAULT: StatusCode = StatusCode::BAD_REQUEST;

/// The status of a form's page where the form was carried out before.
pub(crate) const FORM_REPEATED: StatusCode = StatusCode::CONFLICT;

/// What a client sees of a bug; the log has the panic's own words.
pub(crate) fn panicked(_: Box<dyn Any + Send>) -> Response<Body> {
    Problem::internal().into_response()
}
