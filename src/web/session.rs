//! The person behind a request for a page: the session that the browser's cookie names.

use std::sync::Arc;

use axum::extract::FromRequestParts;
use axum::http::header::{ACCEPT, COOKIE, HOST, HeaderName, SET_COOKIE};
use axum::http::request::Parts;
use axum::http::uri::PathAndQuery;
use axum::http::{HeaderMap, Method};
use axum::response::{AppendHeaders, IntoResponse, Redirect, Response};
use cookie::time::Duration;
use cookie::{Cookie, SameSite};
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use super::forms::link;
use crate::domain::principal::Right;
use crate::http::App;
use crate::http::error::{Problem, unauthenticated};
use crate::http::middleware::origin::scheme;
use crate::http::transport::connection::Connection;
use crate::service::{Caller, IssuedCredential};
use crate::tokens;

/// A person who has logged in.
pub(super) struct Person {
    pub(super) caller: Caller,
    /// What stands before each path that this person is led to.
    pub(super) base: Arc<str>,
    /// The session's own text, as the cookie has it.
    session: Zeroizing<String>,
}

impl Person {
    /// The session's text.
    pub(super) fn session(&self) -> &str {
        &self.session
    }

    /// The word that every form of this session carries: only a page of ours knows it.
    pub(super) fn csrf(&self) -> String {
        hex::encode(tokens::digest(&format!("csrf {}", *self.session)))
    }

    /// Whether a form carries that word.
    pub(super) fn has_sent(&self, csrf: &str) -> bool {
        bool::from(self.csrf().as_bytes().ct_eq(csrf.as_bytes()))
    }

    /// Whether they may decide.
    pub(super) fn may_resolve(&self) -> bool {
        self.caller.require(Right::Resolve).is_ok()
    }
}

/// Why a page is not shown.
pub(super) enum PageRejection {
    /// The request has no session; a browser that goes to a page is led to the log-in, and from there to this path.
    LoginRequired(String),
    /// Any other error.
    Error(Problem),
}

impl From<Problem> for PageRejection {
    fn from(problem: Problem) -> Self {
        Self::Error(problem)
    }
}

impl IntoResponse for PageRejection {
    fn into_response(self) -> Response {
        match self {
            Self::LoginRequired(path) if path == "/" => Redirect::to("/login").into_response(),
            Self::LoginRequired(path) => Redirect::to(&link("/login", &[("next", Some(&path))])).into_response(),
            Self::Error(problem) => problem.into_response(),
        }
    }
}

impl FromRequestParts<App> for Person {
    type Rejection = PageRejection;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, PageRejection> {
        if let Some(person) = Visit::from_request_parts(parts, app).await?.person {
            return Ok(person);
        }
        match wants_page(&parts.headers) && [Method::GET, Method::HEAD].contains(&parts.method) {
            true => {
                let path = parts.uri.path_and_query().map_or("/", PathAndQuery::as_str);
                Err(PageRejection::LoginRequired(path.to_owned()))
            }
            false => Err(unauthenticated().into()),
        }
    }
}

/// Whether a browser asks, to show a page to a person: a script asks for anything.
pub(super) fn wants_page(headers: &HeaderMap) -> bool {
    headers.get(ACCEPT).is_some_and(|accept| accept.as_bytes().starts_with(b"text/html"))
}

/// A request for a page, logged in or not.
pub(super) struct Visit {
    pub(super) cookie: SessionCookie,
    pub(super) person: Option<Person>,
}

impl FromRequestParts<App> for Visit {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        let connection = parts.extensions.get::<Arc<Connection>>();
        let scheme = connection.map(|connection| scheme(connection, &app.http, &parts.headers));
        let base = app.http.base();
        let cookie = SessionCookie::new(&parts.headers, scheme == Some("https"), base);
        let person = match cookie.found(&parts.headers) {
            Some(session) => {
                let caller = app.service.session(session).await?;
                let session = Zeroizing::new(session.to_owned());
                caller.map(|caller| Person { caller, base: base.into(), session })
            }
            None => None,
        };
        Ok(Self { cookie, person })
    }
}

/// The cookie of sessions with this server.
///
/// Browsers do not tell the ports of a host apart when they send cookies, so its name does: two servers on one machine have
/// one each. Under a path it is sent to that path alone, and so cannot have the prefix that demands the whole host.
pub(super) struct SessionCookie {
    name: String,
    is_secure: bool,
    path: String,
}

impl SessionCookie {
    fn new(headers: &HeaderMap, is_secure: bool, base: &str) -> Self {
        let host = headers.get(HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
        let port = host.rsplit_once(':').map_or("", |(_, port)| port);
        let port = if port.bytes().all(|byte| byte.is_ascii_digit()) { port } else { "" };
        let (prefix, path) = match (is_secure, base) {
            (false, "") => ("", "/"),
            (false, base) => ("", base),
            (true, "") => ("__Host-", "/"),
            (true, base) => ("__Secure-", base),
        };
        Self { name: format!("{prefix}countersign_session{port}"), is_secure, path: path.to_owned() }
    }

    /// Its value among the cookies that a browser has sent.
    fn found<'h>(&self, headers: &'h HeaderMap) -> Option<&'h str> {
        let sent = headers.get_all(COOKIE).iter().filter_map(|header| header.to_str().ok());
        let mut cookies = sent.flat_map(Cookie::split_parse).filter_map(Result::ok);
        cookies.find(|cookie| cookie.name() == self.name)?.value_raw()
    }

    /// The header that gives a browser its session.
    pub(super) fn set(&self, pass: &IssuedCredential) -> AppendHeaders<[(HeaderName, String); 1]> {
        let seconds = i64::try_from(pass.lasts_ms / 1000).unwrap_or(i64::MAX);
        self.header(&pass.text, Duration::seconds(seconds))
    }

    /// The header that takes it away.
    pub(super) fn forget(&self) -> AppendHeaders<[(HeaderName, String); 1]> {
        self.header("", Duration::ZERO)
    }

    fn header(&self, value: &str, max_age: Duration) -> AppendHeaders<[(HeaderName, String); 1]> {
        let cookie = Cookie::build((self.name.as_str(), value))
            .path(self.path.as_str())
            .http_only(true)
            .same_site(SameSite::Strict)
            .secure(self.is_secure)
            .max_age(max_age);
        AppendHeaders([(SET_COOKIE, cookie.to_string())])
    }
}
