//! How long a request waits for a resolution before it is answered: `waitMs` of its query, or AAP's `wait`.
//!
//! A long-poll is admitted however many requests are in progress, and the handler waits. Both go by [`wait_of`] and [`wait_for`], so
//! that `waitMs=0`, which is no wait, is neither.

use std::time::Duration;

use axum::extract::rejection::QueryRejection;
use axum::extract::{FromRequestParts, Query, Request};
use axum::http::request::Parts;
use axum::http::{Method, Uri};

use super::App;
use super::error::Problem;
use super::extract::query_problem;
use crate::api::WaitInteraction;
use crate::dialects::aap::{AapWait, millis};
use crate::domain::id::RequestId;
use crate::domain::interaction::Record;
use crate::service::Caller;

/// The longest that a request may wait, in milliseconds.
const LONGEST_WAIT_MS: u64 = 300_000;

/// Where AAP's requests are.
const AAP: &str = "/aap/";

/// How long this request waits; `None` answers it at once.
pub(crate) struct Wait(pub(crate) Option<Duration>);

impl FromRequestParts<App> for Wait {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &App) -> Result<Self, Problem> {
        wait_of(&parts.uri).map(Self)
    }
}

/// How long a request of AAP waits; `None` answers it at once.
pub(crate) struct WaitFor(pub(crate) Option<Duration>);

impl FromRequestParts<App> for WaitFor {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &App) -> Result<Self, Problem> {
        wait_for(&parts.uri).map(Self)
    }
}

/// Whether a request waits, which costs nothing meanwhile: the limits on waiters and on reads bound what it costs before.
/// HEAD waits as GET does.
pub(crate) fn is_long_poll(request: &Request) -> bool {
    matches!(*request.method(), Method::GET | Method::HEAD)
        && request.uri().query().is_some()
        && wait_at(request.uri()).is_ok_and(|wait| wait.is_some())
}

fn wait_at(uri: &Uri) -> Result<Option<Duration>, Problem> {
    if uri.path().starts_with(AAP) { wait_for(uri) } else { wait_of(uri) }
}

/// The interaction once it is resolved, or after `timeout` as it stands.
pub(crate) async fn waited(
    app: &App,
    caller: &Caller,
    request_id: &RequestId,
    timeout: Duration,
) -> Result<Record, Problem> {
    let record = app.service.wait(caller, request_id, timeout).await?;
    // The token may have been revoked meanwhile.
    app.service.check_caller(caller).await?;
    Ok(record)
}

/// The wait that the query of `uri` asks for.
fn wait_of(uri: &Uri) -> Result<Option<Duration>, Problem> {
    let read: Result<Query<WaitInteraction>, QueryRejection> = Query::try_from_uri(uri);
    let Query(query) = read.map_err(|rejection| query_problem(&rejection.body_text()))?;
    match query.wait_ms {
        None | Some(0) => Ok(None),
        Some(millis @ 1..=LONGEST_WAIT_MS) => Ok(Some(Duration::from_millis(millis))),
        Some(_) => Err(Problem::malformed_field("waitMs", format!("a call waits at most {LONGEST_WAIT_MS} ms"))),
    }
}

/// The wait that the query of `uri` asks for in AAP's way: `wait=25s`.
fn wait_for(uri: &Uri) -> Result<Option<Duration>, Problem> {
    let read: Result<Query<AapWait>, QueryRejection> = Query::try_from_uri(uri);
    let Query(query) = read.map_err(|rejection| query_problem(&rejection.body_text()))?;
    match query.wait.as_deref().map(millis) {
        None | Some(Some(0)) => Ok(None),
        Some(Some(millis @ 1..=LONGEST_WAIT_MS)) => Ok(Some(Duration::from_millis(millis))),
        Some(Some(_)) => Err(Problem::malformed_field("wait", format!("a call waits at most {LONGEST_WAIT_MS} ms"))),
        Some(None) => Err(Problem::malformed_field("wait", "a wait is written like 25s")),
    }
}
