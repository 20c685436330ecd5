//! The frame that all pages share, and refusals as pages.

use std::sync::Arc;

use askama::Template;
use axum::extract::{Request, State};
use axum::http::HeaderMap;
use axum::http::header::{CONTENT_SECURITY_POLICY, CONTENT_TYPE, REFERRER_POLICY, X_FRAME_OPTIONS};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use super::session::{Person, wants_page};
use super::text::{Markup, escape_untrusted};
use crate::http::App;
use crate::http::error::{ErrorText, Problem, unknown_path};
use crate::http::middleware::auth::authenticate;
use crate::http::middleware::observe::Code;

/// A page runs our script and uses our style; nothing else may be there, and it talks to this server only.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; \
     manifest-src 'self'; worker-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

/// The parts of a page that show the person who has logged in.
pub(super) struct Frame {
    pub(super) name: String,
    pub(super) role: &'static str,
    pub(super) csrf: String,
    pub(super) may_resolve: bool,
    /// What stands before each path of a link.
    pub(super) base: Arc<str>,
    /// The page's place in the menu.
    pub(super) place: &'static str,
}

impl Frame {
    pub(super) fn of(person: &Person, place: &'static str) -> Self {
        Self {
            name: person.caller.name.to_string(),
            role: person.caller.role.as_str(),
            csrf: person.csrf(),
            may_resolve: person.may_resolve(),
            base: Arc::clone(&person.base),
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

/// Makes a page on a thread of its own: a long one must not hold up other requests.
pub(super) async fn aside(
    make: impl FnOnce() -> Result<Response, Problem> + Send + 'static,
) -> Result<Response, Problem> {
    tokio::task::spawn_blocking(make).await.unwrap_or_else(|error| {
        tracing::error!(%error, "a page could not be made");
        Err(Problem::internal())
    })
}

#[derive(Template)]
#[template(path = "web/refusal.html")]
struct RefusalPage {
    title: &'static str,
    sentence: Markup,
    /// The field at fault, where one is.
    field: Option<Markup>,
    /// Whether logging in would help.
    is_logged_out: bool,
    base: String,
}

/// Puts a page in the place of a refusal that a browser would show as JSON; status and code stay.
pub(crate) async fn refusals_as_pages(State(app): State<App>, request: Request, next: Next) -> Response {
    let wants_page = wants_page(request.headers());
    let response = next.run(request).await;
    let Some(said) = response.extensions().get::<ErrorText>().filter(|_| wants_page) else {
        return response;
    };
    let code = response.extensions().get().map(|Code(code)| *code);
    let title = if code == Some("unknown_path") { "There is nothing here" } else { "That did not work" };
    let page = html(&RefusalPage {
        sentence: escape_untrusted(said.sentence.trim_end_matches('.')),
        field: said.field.as_deref().map(escape_untrusted),
        is_logged_out: code == Some("unauthenticated"),
        title,
        base: app.http.base().to_owned(),
    });
    let Ok(page) = page else { return response };
    let (mut parts, _) = response.into_parts();
    let (headers, body) = (page.headers().clone(), page.into_body());
    for (name, value) in &headers {
        parts.headers.insert(name, value.clone());
    }
    Response::from_parts(parts, body)
}

/// What is asked for at a path where nothing is: a browser gets a page, whoever it is, and a program is told with a token alone.
pub(super) async fn unknown(State(app): State<App>, headers: HeaderMap) -> Result<(), Problem> {
    if !wants_page(&headers) {
        authenticate(&headers, &app).await?;
    }
    Err(unknown_path().await)
}
