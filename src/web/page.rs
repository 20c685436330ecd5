//! Pages: what all of them have in common.

use askama::Template;
use axum::http::header::{CONTENT_SECURITY_POLICY, CONTENT_TYPE, REFERRER_POLICY, X_FRAME_OPTIONS};
use axum::response::{IntoResponse, Response};

use super::session::Person;
use crate::http::error::Problem;

/// A page runs our script and wears our style; nothing else may be there, and it talks to nobody but us.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; \
     form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

/// What every page of somebody who has logged in shows of them.
pub(super) struct Frame {
    pub(super) name: String,
    pub(super) role: &'static str,
    pub(super) csrf: String,
    pub(super) may_resolve: bool,
    /// The page's place in the menu.
    pub(super) place: &'static str,
}

impl Frame {
    pub(super) fn of(person: &Person, place: &'static str) -> Self {
        Self {
            name: person.principal.name.to_string(),
            role: person.principal.role.as_str(),
            csrf: person.csrf(),
            may_resolve: person.may_resolve(),
            place,
        }
    }
}

/// A page, or a part of one, as an answer.
pub(super) fn html(template: &impl Template) -> Result<Response, Problem> {
    let html = template.render().map_err(|error| {
        tracing::error!(%error, "a page could not be made");
        Problem::internal()
    })?;
    let headers = [
        (CONTENT_TYPE, "text/html; charset=utf-8"),
        (CONTENT_SECURITY_POLICY, POLICY),
        (X_FRAME_OPTIONS, "DENY"),
        // With none at all, a browser would not say that a form is of our own page.
        (REFERRER_POLICY, "same-origin"),
    ];
    Ok((headers, html).into_response())
}

/// Makes a page beside the threads that serve everybody: a long one takes its time.
pub(super) async fn aside(
    make: impl FnOnce() -> Result<Response, Problem> + Send + 'static,
) -> Result<Response, Problem> {
    tokio::task::spawn_blocking(make).await.unwrap_or_else(|error| {
        tracing::error!(%error, "a page could not be made");
        Err(Problem::internal())
    })
}
