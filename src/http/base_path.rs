//! The path under which a proxy has put the server (`--public-url`): taken off what comes in, put before what goes out.
//!
//! A proxy may pass the path on or take it off: both are read alike. Behind this file no handler knows of it; a page's links
//! have it from [`HttpConfig::base`](crate::config::HttpConfig::base).

use axum::http::header::LOCATION;
use axum::http::uri::{PathAndQuery, Uri};
use axum::http::{HeaderMap, HeaderValue};

use crate::config::WebUrl;

/// Why a base cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("--public-url {url} has a path that begins as {own} does, which is the server's own: put it under another")]
pub struct BaseError {
    url: WebUrl,
    own: &'static str,
}

/// Refuses a base that could not be told from one of the server's own paths where a proxy takes it off.
pub(super) fn check(url: Option<&WebUrl>, own: impl Iterator<Item = &'static str>) -> Result<(), BaseError> {
    let first = |path: &str| path.split('/').nth(1).map(str::to_owned).filter(|segment| !segment.is_empty());
    let Some((url, base)) = url.and_then(|url| Some((url, first(url.base())?))) else { return Ok(()) };
    let mut own = own;
    own.find(|path| first(path).as_ref() == Some(&base)).map_or(Ok(()), |own| Err(BaseError { url: url.clone(), own }))
}

/// Takes `base` off a request's path, where it is there.
pub(super) fn take_off(base: &str, uri: &mut Uri) {
    if base.is_empty() {
        return;
    }
    let rest = uri.path_and_query().and_then(|path| path.as_str().strip_prefix(base));
    let rest = match rest {
        Some(rest) if rest.starts_with('/') => PathAndQuery::try_from(rest),
        Some(rest) if rest.is_empty() || rest.starts_with('?') => PathAndQuery::try_from(format!("/{rest}")),
        // Another path that begins with the same letters.
        Some(_) | None => return,
    };
    let mut parts = std::mem::take(uri).into_parts();
    parts.path_and_query = rest.ok();
    *uri = Uri::from_parts(parts).unwrap_or_default();
}

/// Puts `base` before the path to which an answer leads.
pub(super) fn put_before_location(base: &str, headers: &mut HeaderMap) {
    let Some(location) = headers.get(LOCATION).and_then(|location| location.to_str().ok()) else { return };
    if let Ok(location) = HeaderValue::try_from(format!("{base}{location}")) {
        headers.insert(LOCATION, location);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_base_is_taken_off_whole_or_not_at_all() {
        for (given, left) in [
            ("/some/path", "/"),
            ("/some/path/", "/"),
            ("/some/path?a=b", "/?a=b"),
            ("/some/path/v1/x?a=/some/path", "/v1/x?a=/some/path"),
            ("/some/path/some/path/x", "/some/path/x"),
            ("/some/pathology", "/some/pathology"),
            ("/v1/x", "/v1/x"),
            ("http://a.example/some/path/x", "http://a.example/x"),
            ("*", "*"),
        ] {
            let mut uri = given.parse().unwrap();
            take_off("/some/path", &mut uri);
            assert_eq!(uri.to_string(), left, "{given}");
        }
    }

    #[test]
    fn a_base_that_begins_as_a_path_of_the_server_is_refused() {
        let checked = |url: &str| check(Some(&url.parse().unwrap()), ["/", "/v1/confirm", "/docs"].into_iter());
        for good in ["http://a", "http://a/desk", "http://a/desk/v1", "http://a/docs2"] {
            assert!(checked(good).is_ok(), "{good}");
        }
        for bad in ["http://a/v1", "http://a/v1/x", "http://a/docs/"] {
            assert!(checked(bad).is_err(), "{bad}");
        }
    }
}
