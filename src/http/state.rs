//! What every handler is given.

use std::sync::Arc;

use axum::routing::MethodRouter;

use super::middleware::load_shed::LoadShedder;
use super::middleware::refusal_log::RefusalLog;
use crate::config::{HttpConfig, Limits, Millis};
use crate::service::Service;

/// What every handler is given: one pointer, since it is cloned for every request.
pub(crate) type App = Arc<Shared>;

/// What all handlers share.
pub(crate) struct Shared {
    pub(crate) service: Arc<Service>,
    pub(crate) limits: Limits,
    pub(crate) http: HttpConfig,
    /// How long an approval of a request of AAP is good for.
    pub(crate) aap_claim_within: Millis,
    pub(crate) load: LoadShedder,
    pub(crate) refusals: RefusalLog,
}

/// Makes what answers at one path.
pub(crate) type Route = fn() -> MethodRouter<App>;
