//! Refusals as pages: a person who looks at a browser is told in a sentence, not in JSON.

use askama::Template;
use axum::extract::Request;
use axum::middleware::Next;
use axum::response::Response;

use super::page::html;
use super::session::wants_page;
use super::text::{Markup, escape_untrusted};
use crate::http::error::ErrorText;
use crate::http::middleware::observe::Code;

#[derive(Template)]
#[template(path = "web/refusal.html")]
struct Page {
    sentence: Markup,
    /// The field at fault, where one is.
    field: Option<Markup>,
    /// Whether logging in would help.
    is_logged_out: bool,
}

/// Puts a page in the place of a refusal that a browser would show; status and code stay.
pub(crate) async fn refusals_as_pages(request: Request, next: Next) -> Response {
    let wants_page = wants_page(request.headers());
    let response = next.run(request).await;
    let Some(said) = response.extensions().get::<ErrorText>().filter(|_| wants_page) else {
        return response;
    };
    let is_logged_out = response.extensions().get().is_some_and(|Code(code)| *code == "unauthenticated");
    let page = html(&Page {
        sentence: escape_untrusted(said.sentence.trim_end_matches('.')),
        field: said.field.as_deref().map(escape_untrusted),
        is_logged_out,
    });
    let Ok(page) = page else { return response };
    let (mut parts, _) = response.into_parts();
    let (headers, body) = (page.headers().clone(), page.into_body());
    for (name, value) in &headers {
        parts.headers.insert(name, value.clone());
    }
    Response::from_parts(parts, body)
}
