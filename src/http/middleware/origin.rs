//! Protection against foreign web pages, which can make a browser call a service on its own machine, under any name that
//! leads there. A request has to name a host of ours and, if a page sent it, come from a page of ours. Both are checked
//! before anything else.

use std::sync::Arc;

use axum::extract::Request;
use axum::http::header::{
    ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN,
    ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE, ACCESS_CONTROL_REQUEST_METHOD, CACHE_CONTROL,
    CONTENT_SECURITY_POLICY, HOST, HeaderName, HeaderValue, ORIGIN, REFERRER_POLICY, VARY, X_CONTENT_TYPE_OPTIONS,
};
use axum::http::{HeaderMap, Method, StatusCode, Uri};
use axum::response::{IntoResponse, Response};

use crate::config::{Authority, HttpConfig, Origin};
use crate::http::error::{Problem, misdirected, origin_not_allowed};
use crate::http::transport::connection::Connection;

/// The names of this machine to itself.
const LOOPBACK: [&str; 3] = ["localhost", "127.0.0.1", "[::1]"];

/// The security headers of every response, unless it has its own.
const HEADERS: [(HeaderName, &str); 5] = [
    (X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (CACHE_CONTROL, "no-store"),
    (REFERRER_POLICY, "no-referrer"),
    (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
    (CONTENT_SECURITY_POLICY, "default-src 'none'; frame-ancestors 'none'"),
];

/// Adds the security headers.
pub(crate) fn add_headers(headers: &mut HeaderMap) {
    for (name, value) in HEADERS {
        headers.entry(name).or_insert(HeaderValue::from_static(value));
    }
}

/// Lets a request pass that asks for a name of ours, and comes from no page that is not ours or allowed.
pub(crate) fn guard(http: &HttpConfig, request: &Request) -> Result<Page, Problem> {
    let connection = request.extensions().get::<Arc<Connection>>().ok_or_else(misdirected)?;
    let asked = asked_for(connection, http, request.headers(), request.uri())?;
    let scheme = scheme(connection, http, request.headers());
    page(asked.map(|asked| Origin::of(scheme, &asked)), http, request)
}

/// The scheme that the client used: at the host of `--public-url` that URL's, else what the connection or a trusted proxy says.
pub(crate) fn scheme(connection: &Connection, http: &HttpConfig, headers: &HeaderMap) -> &'static str {
    let host = headers.get(HOST).and_then(|host| host.to_str().ok());
    let asked = host.and_then(|host| host.parse::<Authority>().ok());
    match (&http.public_url, asked) {
        (Some(url), Some(asked)) if Origin::of(url.scheme(), &asked) == url.origin() => url.scheme(),
        _ => connection.scheme(headers, &http.trusted_proxy),
    }
}

/// Checks the host that a request names, which has to be ours. No browser can be led to a Unix socket: there it may be any
/// host, or none.
fn asked_for(
    connection: &Connection,
    http: &HttpConfig,
    headers: &HeaderMap,
    uri: &Uri,
) -> Result<Option<Authority>, Problem> {
    let parse = |text: &str| text.parse::<Authority>().map_err(|_| misdirected());
    let Some(local) = connection.local else {
        let host = headers.get(HOST).and_then(|host| host.to_str().ok());
        return Ok(host.and_then(|host| host.parse().ok()));
    };
    let mut hosts = headers.get_all(HOST).iter();
    let (Some(host), None) = (hosts.next(), hosts.next()) else {
        return Err(Problem::malformed("a request has one Host"));
    };
    let asked = host.to_str().map_err(|_| misdirected()).and_then(parse)?;
    if let Some(target) = uri.authority()
        && parse(target.as_str())? != asked
    {
        return Err(misdirected());
    }
    let is_own_address = asked.address().is_some_and(|address| address == local.to_canonical());
    let is_loopback = local.to_canonical().is_loopback() && LOOPBACK.contains(&asked.host.as_str());
    // A proxy may leave out the port.
    let is_public = http.public_url.as_ref().is_some_and(|url| url.authority().host == asked.host);
    if is_own_address || is_loopback || is_public || http.allowed_host.iter().any(|allowed| allowed.covers(&asked)) {
        Ok(Some(asked))
    } else {
        Err(misdirected())
    }
}

/// Which page a request comes from.
pub(crate) enum Page {
    /// From none, or from our own.
    OwnOrNone,
    /// From one of another origin that may call.
    Allowed(HeaderValue),
}

impl Page {
    /// Lets the page see the answer, where it is another's.
    pub(crate) fn allow(self, mut response: Response) -> Response {
        let Self::Allowed(origin) = self else { return response };
        let headers = response.headers_mut();
        headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin);
        headers.append(VARY, HeaderValue::from_static("origin"));
        headers.insert(ACCESS_CONTROL_EXPOSE_HEADERS, HeaderValue::from_static("location, retry-after"));
        response
    }
}

fn page(own: Option<Origin>, http: &HttpConfig, request: &Request) -> Result<Page, Problem> {
    let mut origins = request.headers().get_all(ORIGIN).iter();
    match (origins.next(), origins.next()) {
        // Browsers name the page of whatever may change something; this is for those that do not.
        (None, _) if is_of_another_site(request) => Err(origin_not_allowed()),
        (None, _) => Ok(Page::OwnOrNone),
        (Some(value), None) => {
            let origin = value.to_str().ok().and_then(|text| text.parse::<Origin>().ok());
            match origin.ok_or_else(origin_not_allowed)? {
                origin if own.as_ref() == Some(&origin) => Ok(Page::OwnOrNone),
                // Whatever the proxy says of the host and the scheme that it was asked for.
                origin if http.public_url.as_ref().is_some_and(|url| url.origin() == origin) => Ok(Page::OwnOrNone),
                origin if http.allowed_origin.contains(&origin) => Ok(Page::Allowed(value.clone())),
                _ => Err(origin_not_allowed()),
            }
        }
        (Some(_), Some(_)) => Err(origin_not_allowed()),
    }
}

fn is_of_another_site(request: &Request) -> bool {
    let reads = [Method::GET, Method::HEAD].contains(request.method());
    let site = request.headers().get("sec-fetch-site").map(HeaderValue::as_bytes);
    !reads && matches!(site, Some(b"cross-site" | b"same-site"))
}

/// The answer to what a browser asks before it calls from a page of another origin, where this is that.
pub(crate) fn preflight(page: &Page, request: &Request) -> Option<Response> {
    let is_preflight = matches!(page, Page::Allowed(_))
        && request.method() == Method::OPTIONS
        && request.headers().contains_key(ACCESS_CONTROL_REQUEST_METHOD);
    let headers = [
        (ACCESS_CONTROL_ALLOW_METHODS, "GET, POST, DELETE"),
        (ACCESS_CONTROL_ALLOW_HEADERS, "authorization, content-type, last-event-id"),
        (ACCESS_CONTROL_MAX_AGE, "600"),
    ];
    is_preflight.then(|| (StatusCode::NO_CONTENT, headers).into_response())
}
