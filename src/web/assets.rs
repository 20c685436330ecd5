//! What every page refers to: the same for everybody, and in this program.

use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};

use crate::http::extract::NoQuery;

/// Asked for anew whenever a page is: the next version of this program has others.
const CACHED: &str = "no-cache";

pub(super) async fn style(NoQuery: NoQuery) -> Response {
    asset("text/css; charset=utf-8", include_str!("../../templates/web/inbox.css"))
}

pub(super) async fn script(NoQuery: NoQuery) -> Response {
    asset("text/javascript; charset=utf-8", include_str!("../../templates/web/inbox.js"))
}

pub(super) async fn login_script(NoQuery: NoQuery) -> Response {
    asset("text/javascript; charset=utf-8", include_str!("../../templates/web/login.js"))
}

/// What the pages beside the queue wear over that.
pub(super) async fn pages_style(NoQuery: NoQuery) -> Response {
    asset("text/css; charset=utf-8", include_str!("../../templates/web/pages.css"))
}

/// What the pages beside the queue run.
pub(super) async fn pages_script(NoQuery: NoQuery) -> Response {
    asset("text/javascript; charset=utf-8", include_str!("../../templates/web/pages.js"))
}

pub(super) async fn icon(NoQuery: NoQuery) -> Response {
    asset("image/svg+xml", include_str!("../../templates/web/icon.svg"))
}

fn asset(content_type: &'static str, content: &'static str) -> Response {
    ([(CONTENT_TYPE, content_type), (CACHE_CONTROL, CACHED)], content).into_response()
}
