//! Shedding: when more of the agents' requests are in progress than the machine can do in good time, the rest are told to
//! come again, before anything is done for them. People's requests always pass.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use axum::extract::Request;
use axum::http::Method;

use super::connection::Connection;
use super::error::{Problem, overloaded, too_many_connections};
use crate::config::Limits;
use crate::domain::principal::{Lane, Principal};

/// How many of the agents' requests are in progress.
#[derive(Clone, Debug, Default)]
pub(super) struct Turns(Arc<AtomicUsize>);

/// One request in progress, until it is dropped.
pub(super) struct Turn(Arc<AtomicUsize>);

impl Turns {
    /// Admits a request, or says why not.
    pub(super) fn admit(
        &self,
        principal: &Principal,
        request: &Request,
        limits: &Limits,
    ) -> Result<Option<Turn>, Problem> {
        if principal.lane() == Lane::People {
            return Ok(None);
        }
        if request.extensions().get::<Arc<Connection>>().is_some_and(|connection| connection.is_reserved) {
            return Err(too_many_connections(limits.max_connections));
        }
        if is_long_poll(request) {
            return Ok(None);
        }
        let turn = Turn(Arc::clone(&self.0));
        if self.0.fetch_add(1, Ordering::Relaxed) < limits.max_in_flight { Ok(Some(turn)) } else { Err(overloaded()) }
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Who waits does nothing meanwhile, and the limits on waiters and on reads bound what it did before.
fn is_long_poll(request: &Request) -> bool {
    request.method() == Method::GET && request.uri().query().is_some_and(|query| query.contains("waitMs="))
}
