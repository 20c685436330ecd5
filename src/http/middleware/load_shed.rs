//! Load shedding: when more requests of agents are in progress than can be done in good time, the rest are told to retry,
//! before any work is done for them. People's requests always pass.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use axum::body::{Body, Bytes, HttpBody};
use axum::extract::Request;
use axum::response::{IntoResponse, Response};
use http_body_util::BodyExt;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::config::Limits;
use crate::domain::principal::Principal;
use crate::http::error::{Problem, overloaded, too_many_connections};
use crate::http::transport::connection::Connection;
use crate::http::wait::is_long_poll;
use crate::store::Priority;

/// A response of more bytes than this is large.
const LARGE_BYTES: usize = 64 * 1024;

/// How many KiB of large responses all agents together may leave unread: they stay in memory until they are read.
const MOST_UNREAD_KIB: usize = 64 * 1024;

/// Counts the agents' requests in progress and their unread responses.
#[derive(Clone, Debug)]
pub(crate) struct InFlightLimiter {
    /// How many requests are in progress.
    count: Arc<AtomicUsize>,
    /// What is left for large responses, in KiB.
    unread: Arc<Semaphore>,
}

impl Default for InFlightLimiter {
    fn default() -> Self {
        Self { count: Arc::default(), unread: Arc::new(Semaphore::new(MOST_UNREAD_KIB)) }
    }
}

/// One request in progress, until it is dropped.
pub(crate) struct InFlightPermit(Arc<AtomicUsize>);

impl InFlightLimiter {
    /// Admits a request, or refuses it where too many are in progress.
    pub(crate) fn admit(
        &self,
        principal: &Principal,
        request: &Request,
        limits: &Limits,
    ) -> Result<Option<InFlightPermit>, Problem> {
        if Priority::of(principal) == Priority::Human {
            return Ok(None);
        }
        if request.extensions().get::<Arc<Connection>>().is_some_and(|connection| connection.is_reserved) {
            return Err(too_many_connections(limits.max_connections));
        }
        if is_long_poll(request) {
            return Ok(None);
        }
        let permit = InFlightPermit(Arc::clone(&self.count));
        if self.count.fetch_add(1, Ordering::Relaxed) < limits.max_in_flight {
            Ok(Some(permit))
        } else {
            Err(overloaded())
        }
    }
}

impl InFlightLimiter {
    /// Lets a response to an agent go out, or refuses it where too many large ones are unread.
    pub(crate) async fn release(&self, answer: Response) -> Response {
        let bytes = answer.body().size_hint().exact().unwrap_or(0);
        let Some(bytes) = usize::try_from(bytes).ok().filter(|bytes| *bytes > LARGE_BYTES) else { return answer };
        let kib = u32::try_from(bytes.div_ceil(1024)).unwrap_or(u32::MAX);
        let Ok(permit) = Arc::clone(&self.unread).try_acquire_many_owned(kib) else {
            return overloaded().into_response();
        };
        let (head, body) = answer.into_parts();
        match body.collect().await {
            Ok(body) => Response::from_parts(head, Body::from(Bytes::from_owner(Unread(body.to_bytes(), permit)))),
            Err(_) => overloaded().into_response(),
        }
    }
}

/// A large response: its share is given back when the last of it is sent.
struct Unread(Bytes, #[expect(dead_code, reason = "held until it is dropped")] OwnedSemaphorePermit);

impl AsRef<[u8]> for Unread {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

impl Drop for InFlightPermit {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}
