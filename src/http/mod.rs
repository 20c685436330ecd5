//! The wire: the only place that names axum. One file a verb; the routes stand in one table, here.

mod around;
mod auth;
mod browser;
mod cancel;
mod claim;
mod confirm;
mod connection;
mod docs;
mod drain;
mod error;
mod events;
mod extract;
mod gate;
mod health;
mod inbox;
mod interactions;
mod listen;
mod login_links;
mod metrics;
mod observe;
mod openapi;
mod outcome;
mod page;
mod question;
mod register;
mod secret;
mod server;
mod shed;
mod stream;
mod supersede;
mod timed;
mod tls;
mod trust_rules;
mod view;

use std::sync::Arc;

use axum::Router;
use axum::middleware::{from_fn, map_response};
use axum::routing::{MethodRouter, get, post};

pub use self::listen::{BindError, Listener, bind};
pub use self::openapi::openapi;
pub use self::server::{DESCRIPTORS_BESIDE, serve};
pub use self::tls::TlsError;

use self::around::{Around, Needs};
use crate::config::{Door, Limits};
use crate::service::Service;

/// What every handler is given: one pointer, since it is cloned for every request.
type App = Arc<Shared>;

/// What all handlers share.
struct Shared {
    service: Arc<Service>,
    limits: Limits,
    door: Door,
    turns: shed::Turns,
}

/// Makes what answers at one path.
type Route = fn() -> MethodRouter<App>;

/// What needs no token: it says nothing of anybody.
const OPEN_ROUTES: &[(&str, Route)] = &[
    ("/healthz", || get(health::alive)),
    ("/openapi.json", || get(openapi::json)),
    ("/docs", || get(docs::page)),
    ("/docs/style.css", || get(docs::style)),
];

/// Every other route: all of them need a token.
const ROUTES: &[(&str, Route)] = &[
    // Agents.
    ("/v1/interactions", || post(register::register).get(interactions::list)),
    ("/v1/interactions/{requestId}", || get(interactions::look)),
    ("/v1/interactions/{requestId}/cancel", || post(cancel::cancel)),
    ("/v1/interactions/{requestId}/claim", || post(claim::claim)),
    ("/v1/interactions/{requestId}/outcome", || post(outcome::report)),
    ("/v1/interactions/{requestId}/secret", || post(secret::take).layer(map_response(secret::forget))),
    ("/v1/conversations/{conversationId}/supersede", || post(supersede::supersede)),
    // Approvers.
    ("/v1/confirm", || post(confirm::confirm)),
    ("/v1/secret", || post(secret::give).layer(map_response(secret::forget))),
    ("/v1/question-response", || post(question::answer)),
    ("/v1/pending-interactions", || get(interactions::pending)),
    ("/v1/trust-rules", || post(trust_rules::make).get(trust_rules::list)),
    ("/v1/trust-rules/preview", || post(trust_rules::preview)),
    ("/v1/trust-rules/{ruleId}", || get(trust_rules::look).delete(trust_rules::revoke)),
    // Everyone.
    ("/v1/audit-events", || get(events::list)),
    ("/v1/events", || get(events::feed)),
    ("/v1/login-links", || post(login_links::make)),
    ("/readyz", || get(health::ready)),
    ("/metrics", || get(metrics::metrics)),
];

/// The whole service as one router.
fn router(app: App) -> Router {
    let guarded = ROUTES.iter().fold(Router::new(), |router, (path, route)| router.route(path, route()));
    let guarded = guarded.fallback(error::unknown_path).method_not_allowed_fallback(error::method_not_allowed);
    let open = |router: Router<App>, (path, route): &(&str, Route)| {
        router.route(path, route().fallback(error::method_not_allowed))
    };
    let pages = inbox::ROUTES.iter().fold(Router::new(), open).layer(from_fn(inbox::refusals_as_pages));
    let open_routes = OPEN_ROUTES.iter().fold(pages, open);
    let around = |needs| Around { app: Arc::clone(&app), needs };
    guarded.layer(around(Needs::Token)).merge(open_routes.layer(around(Needs::Nothing))).with_state(app)
}
