//! `/login` and `/logout`.

use askama::Template;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::http::header::USER_AGENT;
use axum::response::{IntoResponse, Redirect, Response};
use serde::Deserialize;
use zeroize::Zeroizing;

use super::forms::{Form, LogIn};
use super::page::html;
use super::session::{PageRejection, Visit};
use crate::domain::refused::Refused;
use crate::http::App;
use crate::http::error::{LOGIN_FAILED, Problem};
use crate::http::extract::Params;
use crate::service::{Credential, Error};

#[derive(Template)]
#[template(path = "web/login.html")]
struct LoginPage {
    /// Why the last try failed.
    problem: Option<&'static str>,
    base: String,
    /// Where the person wanted to go.
    next: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Query {
    next: Option<String>,
}

/// The longest path that a log-in leads to, in bytes.
const LONGEST_NEXT: usize = 2048;

/// Whether a log-in may lead to `path`: to one of this server alone, whatever a browser makes of it.
fn is_own(path: &str) -> bool {
    let is_plain = path.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'\\');
    path.starts_with('/') && !path.starts_with("//") && is_plain && path.len() <= LONGEST_NEXT
}

/// Browsers by what they say of themselves; most say Chrome and Safari, too.
const BROWSERS: &[(&str, &str)] = &[
    ("Edg", "Edge"),
    ("OPR/", "Opera"),
    ("SamsungBrowser/", "Samsung Internet"),
    ("Firefox/", "Firefox"),
    ("FxiOS/", "Firefox"),
    ("Chrome/", "Chrome"),
    ("CriOS/", "Chrome"),
    ("Safari/", "Safari"),
];

/// Systems in the same way: a phone of Apple's says Mac OS X, and one of Google's Linux.
const SYSTEMS: &[(&str, &str)] = &[
    ("iPhone", "an iPhone"),
    ("iPad", "an iPad"),
    ("Android", "Android"),
    ("CrOS", "ChromeOS"),
    ("Windows", "Windows"),
    ("Mac OS X", "a Mac"),
    ("Linux", "Linux"),
];

/// What a browser calls itself and its system, in words that tell a person which of theirs it is.
fn browser_of(headers: &HeaderMap) -> Option<String> {
    let agent = headers.get(USER_AGENT)?.to_str().ok()?;
    let known = |names: &[(&'static str, &'static str)]| {
        names.iter().find(|(part, _)| agent.contains(part)).map(|(_, name)| *name)
    };
    match (known(BROWSERS), known(SYSTEMS)) {
        (Some(browser), Some(system)) => Some(format!("{browser} on {system}")),
        (browser, system) => browser.or(system).map(str::to_owned),
    }
}

pub(super) async fn page(
    State(app): State<App>,
    visit: Visit,
    Params(query): Params<Query>,
) -> Result<Response, Problem> {
    let next = query.next.filter(|path| is_own(path));
    if visit.person.is_some() {
        // With a fragment of its own, or a browser would keep the code in the address.
        return Ok(Redirect::to(&format!("{}#", next.as_deref().unwrap_or("/"))).into_response());
    }
    html(&LoginPage { problem: None, base: app.http.base().to_owned(), next })
}

/// Takes what a link has behind its `#`, or a token.
pub(super) async fn log_in(
    State(app): State<App>,
    Visit { cookie, .. }: Visit,
    headers: HeaderMap,
    LogIn(fields): LogIn,
) -> Result<Response, Problem> {
    let next = fields.get("next").filter(|path| is_own(path));
    let refused = |problem| {
        let page =
            LoginPage { problem: Some(problem), base: app.http.base().to_owned(), next: next.map(str::to_owned) };
        Ok((LOGIN_FAILED, html(&page)?).into_response())
    };
    let Some(given) = fields.filled("credential").map(|text| Zeroizing::new(text.trim().to_owned())) else {
        return refused("Paste the code of a log-in link, or a token.");
    };
    match app.service.log_in(Credential::from(given), browser_of(&headers)).await {
        Ok(pass) => Ok((cookie.set(&pass), Redirect::to(next.unwrap_or("/"))).into_response()),
        Err(Error::Refused(Refused::UsedLoginLink)) => refused(
            "This log-in link has been used, or is older than ten minutes. The command countersign login makes another. \
             (If it was to be a token, it is none.)",
        ),
        Err(Error::Refused(Refused::UnknownToken)) => {
            refused("This token is not known here: it was mistyped, revoked, or is of another server.")
        }
        Err(Error::Refused(Refused::Forbidden { .. })) => {
            refused("This is an agent's token. The inbox is for people: approvers, auditors and admins.")
        }
        Err(error) => Err(error.into()),
    }
}

pub(super) async fn log_out(
    State(app): State<App>,
    Visit { cookie, .. }: Visit,
    form: Form,
) -> Result<Response, PageRejection> {
    app.service.log_out(form.person.session()).await.map_err(Problem::from)?;
    Ok((cookie.forget(), Redirect::to("/login")).into_response())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_browser_is_told_by_its_name_and_its_system() {
        for (agent, said) in [
            ("Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0", Some("Firefox on Linux")),
            (
                "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) \
                 Version/18.0 Mobile/15E148 Safari/604.1",
                Some("Safari on an iPhone"),
            ),
            (
                "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 \
                 Safari/537.36 Edg/131.0.0.0",
                Some("Edge on Windows"),
            ),
            (
                "Mozilla/5.0 (Linux; Android 14) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 Mobile Safari/537.36",
                Some("Chrome on Android"),
            ),
            ("curl/8.5.0", None),
            ("", None),
        ] {
            let headers = HeaderMap::from_iter([(USER_AGENT, agent.parse().unwrap())]);
            assert_eq!(browser_of(&headers).as_deref(), said, "{agent}");
        }
        assert_eq!(browser_of(&HeaderMap::new()), None);
    }
}
