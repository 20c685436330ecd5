//! The inbox: pages for people, made here and complete without a script; a small script adds what is live, and keys.
//!
//! All but the log-in need a session (`login.rs`, `session.rs`). What changes something is a form by POST that carries the
//! session's own word (`forms.rs`), and ends in the same use cases as the calls of programs.

mod agents;
mod assets;
mod card;
mod channels;
mod charts;
mod connect;
mod decide;
mod done;
mod feed;
mod forms;
mod highlight;
mod history;
mod history_filter;
mod interaction;
mod kinds;
mod login;
mod numbers;
mod page;
mod queue;
mod row;
mod rule_draft;
mod rule_editor;
mod rules;
mod session;
mod settings;
mod snooze;
mod sql;
mod text;
mod views;

use axum::Router;
use axum::middleware::from_fn_with_state;
use axum::routing::{any, get, post};

use self::page::refusals_as_pages;
use crate::http::error::method_not_allowed;
use crate::http::{ANY_PATH, App, Route};

/// Every page and form, but those of [`kinds::FORMS`]. All but the log-in, style sheets, scripts and the icon need a session.
const ROUTES: &[(&str, Route)] = &[
    ("/", || get(queue::page)),
    ("/rows", || get(queue::rows)),
    ("/interactions/{requestId}/card", || get(queue::card)),
    ("/feed", || get(feed::feed)),
    ("/decide", || post(decide::decide_many)),
    ("/agents", || get(agents::page).post(agents::make_token)),
    ("/tokens/{tokenId}/revoke", || post(agents::revoke_token)),
    ("/settings", || get(settings::page)),
    ("/settings/sessions/end", || post(settings::end_other_sessions)),
    ("/settings/sessions/{sessionId}/end", || post(settings::end_session)),
    ("/agents/{name}/reject", || post(decide::reject_all)),
    ("/interactions/{requestId}/withdraw", || post(interaction::withdraw)),
    ("/interactions/{requestId}/snooze", || post(snooze::snooze)),
    ("/interactions/{requestId}/wipe", || post(interaction::wipe)),
    ("/login", || get(login::page).post(login::log_in)),
    ("/logout", || post(login::log_out)),
    ("/rules", || get(rules::list).post(rule_editor::make)),
    ("/rules/new", || get(rule_editor::page)),
    ("/rules/preview", || post(rule_editor::preview)),
    ("/rules/{ruleId}", || get(rules::get)),
    ("/rules/{ruleId}/revoke", || post(rules::revoke)),
    ("/history", || get(history::list)),
    ("/history.csv", || get(history::csv)),
    ("/history.jsonl", || get(history::json_lines)),
    ("/numbers", || get(numbers::page)),
    ("/views", || post(views::keep)),
    ("/views/delete", || post(views::delete)),
    ("/connect", || get(connect::page).post(connect::make_token)),
    ("/connect/arrival", || get(connect::arrival)),
    ("/channels", || get(channels::page).post(channels::add)),
    ("/channels/push", || post(channels::subscribe)),
    ("/channels/push/key", || post(channels::push_key)),
    ("/channels/{channelId}/change", || post(channels::change)),
    ("/channels/{channelId}/test", || post(channels::test)),
    ("/channels/{channelId}/rotate", || post(channels::rotate)),
    ("/channels/{channelId}/remove", || post(channels::remove)),
    ("/interactions/{requestId}", || get(interaction::get)),
    ("/assets/{file}", || get(assets::by_hash)),
    ("/push.js", || get(assets::push_script)),
    ("/manifest.webmanifest", || get(assets::manifest)),
    ("/icon.svg", || get(assets::icon)),
];

/// The paths of the pages.
pub(crate) fn paths() -> impl Iterator<Item = &'static str> {
    ROUTES.iter().map(|(path, _)| *path)
}

/// The pages for people, as a router.
pub(crate) fn router(app: &App) -> Router<App> {
    let pages = ROUTES
        .iter()
        .chain(kinds::FORMS)
        .fold(Router::new(), |router, (path, route)| router.route(path, route().fallback(method_not_allowed)));
    let pages = pages.route(ANY_PATH, any(page::unknown));
    pages.layer(from_fn_with_state(app.clone(), refusals_as_pages))
}
