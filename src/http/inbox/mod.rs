//! The inbox: pages for people, made here and complete without a script; a small script adds what is live, and keys.
//!
//! Whoever sees them has logged in (`login.rs`, `session.rs`). What changes something is a form by POST that carries the
//! session's own word (`form.rs`), and ends in the same use cases as the calls of programs.

mod assets;
mod form;
mod login;
mod page;
mod session;
mod text;

use axum::routing::{get, post};

use super::Route;

/// Every page and form. All but the log-in and what is the same for everybody need a session.
pub(super) const ROUTES: &[(&str, Route)] = &[
    ("/login", || get(login::page).post(login::log_in)),
    ("/logout", || post(login::log_out)),
    ("/inbox.css", || get(assets::style)),
    ("/inbox.js", || get(assets::script)),
    ("/icon.svg", || get(assets::icon)),
];
