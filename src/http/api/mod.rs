//! The API: one handler a verb; the routes stand in one table, here.

mod cancel;
mod claim;
pub(crate) mod confirm;
mod docs;
mod events;
mod health;
mod interactions;
mod login_links;
mod metrics;
pub(crate) mod openapi;
mod outcome;
pub(crate) mod page;
mod question;
mod register;
pub(crate) mod secret;
mod supersede;
pub(crate) mod trust_rules;
mod view;

use axum::middleware::map_response;
use axum::routing::{get, post};

use crate::http::Route;

/// What needs no token: it says nothing of anybody.
pub(super) const OPEN_ROUTES: &[(&str, Route)] = &[
    ("/healthz", || get(health::alive)),
    ("/openapi.json", || get(openapi::json)),
    ("/docs", || get(docs::page)),
    ("/docs/style.css", || get(docs::style)),
];

/// Every other route: all of them need a token.
pub(super) const ROUTES: &[(&str, Route)] = &[
    // Agents.
    ("/v1/interactions", || post(register::register).get(interactions::list)),
    ("/v1/interactions/{requestId}", || get(interactions::get)),
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
    ("/v1/trust-rules/{ruleId}", || get(trust_rules::get).delete(trust_rules::revoke)),
    // Everyone.
    ("/v1/audit-events", || get(events::list)),
    ("/v1/events", || get(events::feed)),
    ("/v1/login-links", || post(login_links::make)),
    ("/readyz", || get(health::ready)),
    ("/metrics", || get(metrics::metrics)),
];
