//! The inbox: pages for people, made here and complete without a script; a small script adds what is live, and keys.
//!
//! Whoever sees them has logged in (`login.rs`, `session.rs`). What changes something is a form by POST that carries the
//! session's own word (`form.rs`), and ends in the same use cases as the calls of programs.

mod assets;
mod card;
mod confirmation;
mod decide;
mod diff;
mod done;
mod feed;
mod form;
mod login;
mod many;
mod page;
mod question;
mod queue;
mod session;
mod standing;
mod text;
mod when;

use axum::middleware::map_response;
use axum::routing::{get, post};

use super::Route;
use super::secret::forget;

/// Every page and form. All but the log-in and what is the same for everybody need a session.
pub(super) const ROUTES: &[(&str, Route)] = &[
    ("/", || get(queue::page)),
    ("/cards", || get(queue::cards)),
    ("/feed", || get(feed::feed)),
    ("/decide", || post(many::decide)),
    ("/interactions/{requestId}/decide", || post(decide::decide)),
    ("/interactions/{requestId}/secret", || post(decide::secret).layer(map_response(forget))),
    ("/interactions/{requestId}/answer", || post(decide::answer)),
    ("/login", || get(login::page).post(login::log_in)),
    ("/logout", || post(login::log_out)),
    ("/inbox.css", || get(assets::style)),
    ("/inbox.js", || get(assets::script)),
    ("/login.js", || get(assets::login_script)),
    ("/icon.svg", || get(assets::icon)),
];
