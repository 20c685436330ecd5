//! The inbox: pages for people, made here and complete without a script; a small script adds what is live, and keys.
//!
//! Whoever sees them has logged in (`login.rs`, `session.rs`). What changes something is a form by POST that carries the
//! session's own word (`form.rs`), and ends in the same use cases as the calls of programs.

mod answered;
mod assets;
mod card;
mod circumstances;
mod confirmation;
mod decide;
mod diff;
mod done;
mod fact;
mod feed;
mod form;
mod headline;
mod history;
mod login;
mod many;
mod moment;
mod page;
mod query;
mod question;
mod queue;
mod refusal;
mod rule;
mod rule_draft;
mod rule_editor;
mod rule_preview;
mod rules;
mod session;
mod sql;
mod standing;
mod story;
mod text;
mod when;

use axum::Router;
use axum::middleware::{from_fn, map_response};
use axum::routing::{get, post};

use self::refusal::refusals_as_pages;
use crate::http::api::secret::close_connection;
use crate::http::error::method_not_allowed;
use crate::http::{App, Route};

/// Every page and form. All but the log-in and what is the same for everybody need a session.
const ROUTES: &[(&str, Route)] = &[
    ("/", || get(queue::page)),
    ("/cards", || get(queue::cards)),
    ("/feed", || get(feed::feed)),
    ("/decide", || post(many::decide)),
    ("/interactions/{requestId}/decide", || post(decide::decide)),
    ("/interactions/{requestId}/secret", || post(decide::secret).layer(map_response(close_connection))),
    ("/interactions/{requestId}/answer", || post(decide::answer)),
    ("/login", || get(login::page).post(login::log_in)),
    ("/logout", || post(login::log_out)),
    ("/rules", || get(rules::list).post(rule_editor::make)),
    ("/rules/new", || get(rule_editor::page)),
    ("/rules/preview", || post(rule_editor::preview)),
    ("/rules/{ruleId}", || get(rules::get)),
    ("/rules/{ruleId}/revoke", || post(rules::revoke)),
    ("/history", || get(history::list)),
    ("/interactions/{requestId}", || get(story::get)),
    ("/inbox.css", || get(assets::style)),
    ("/inbox.js", || get(assets::script)),
    ("/login.js", || get(assets::login_script)),
    ("/pages.css", || get(assets::pages_style)),
    ("/pages.js", || get(assets::pages_script)),
    ("/icon.svg", || get(assets::icon)),
];

/// The pages for people, as a router.
pub(crate) fn router() -> Router<App> {
    let pages = ROUTES
        .iter()
        .fold(Router::new(), |router, (path, route)| router.route(path, route().fallback(method_not_allowed)));
    pages.layer(from_fn(refusals_as_pages))
}
