//! The way to the server for programs that run as long as their client does: it is sought until it is there, and a tool of
//! `/mcp` is called again and again while it is away.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::client::{Client, Error, OpenError, pause};
use crate::config::Access;
use crate::domain::enums::Role;

/// How long the server may wait before it is asked again: short enough that one that is gone is noticed.
pub(super) const ROUND: Duration = Duration::from_secs(25);

/// What calls a tool.
const METHOD: &str = "tools/call";

/// The server, and how it is reached.
pub(super) struct Upstream {
    access: Access,
    client: Mutex<Option<Arc<Client>>>,
}

/// What the server answers: one of the two.
#[derive(Deserialize)]
pub(super) struct Answer {
    #[serde(default)]
    pub(super) result: Option<Value>,
    #[serde(default)]
    pub(super) error: Option<Value>,
}

/// What bounds a call.
#[derive(Clone, Copy)]
pub(super) struct Patience<'a> {
    pub(super) until: Instant,
    pub(super) cancelled: &'a AtomicBool,
}

impl Patience<'_> {
    pub(super) fn left(self) -> Duration {
        self.until.saturating_duration_since(Instant::now())
    }

    /// For how many milliseconds the server may wait next; 0 asks for the last word.
    pub(super) fn next_wait(self) -> u64 {
        u64::try_from(self.left().min(ROUND).as_millis()).unwrap_or(0)
    }

    pub(super) fn is_cancelled(self) -> bool {
        self.cancelled.load(Ordering::Relaxed)
    }
}

impl Upstream {
    pub(super) const fn new(access: Access) -> Self {
        Self { access, client: Mutex::new(None) }
    }

    fn held(&self) -> MutexGuard<'_, Option<Arc<Client>>> {
        // Nothing in this file can panic halfway through a change.
        self.client.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The client of the server. It is opened anew until it is there: the credentials may be written while this runs.
    pub(super) fn client(&self) -> Result<Arc<Client>, OpenError> {
        let mut held = self.held();
        if let Some(client) = &*held {
            return Ok(Arc::clone(client));
        }
        let client = Arc::new(Client::open(&self.access, Role::Agent)?);
        *held = Some(Arc::clone(&client));
        Ok(client)
    }

    /// Calls a tool, again while the server is away.
    ///
    /// # Errors
    ///
    /// Why there is no answer, in words.
    pub(super) fn call(&self, tool: &str, params: &impl Serialize, patience: Patience<'_>) -> Result<Answer, String> {
        #[derive(Serialize)]
        struct Request<'a, P> {
            jsonrpc: &'static str,
            id: u32,
            method: &'static str,
            params: &'a P,
        }
        let request = Request { jsonrpc: "2.0", id: 1, method: METHOD, params };
        loop {
            let client = self.client().map_err(|error| error.to_string())?;
            let error = match client.call_mcp::<Answer>(METHOD, tool, &request) {
                Ok(answer) => return Ok(answer),
                Err(error) => error,
            };
            if let Error::UnknownToken { .. } = error {
                // The next call reads the credentials again.
                self.held().take();
            }
            match error.retry_after() {
                Some(after) if after < patience.left() && !patience.is_cancelled() => pause(after),
                Some(_) | None => return Err(error.to_string()),
            }
        }
    }
}
