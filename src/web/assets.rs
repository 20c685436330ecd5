//! Style sheets, scripts and the icon: what pages refer to by names that change with the content, so that a browser fetches
//! each of them once; and what has to stand under a name of its own.

use std::io::Write as _;
use std::sync::LazyLock;

use axum::http::header::{
    ACCEPT_ENCODING, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_TYPE, ETAG, HeaderValue, IF_NONE_MATCH, VARY,
};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use flate2::Compression;
use flate2::write::GzEncoder;
use sha2::{Digest as _, Sha256};

use crate::http::error::{Problem, unknown_path};
use crate::http::extract::{NoQuery, Param};

const CSS: &str = "text/css; charset=utf-8";
const JAVASCRIPT: &str = "text/javascript; charset=utf-8";
const SVG: &str = "image/svg+xml";

/// What the scripts of all pages begin with, but the log-in's.
const SESSION: &str = include_str!("../../templates/web/session.js");

/// What they have, too: it finds the commands of its page.
const PALETTE: &str = include_str!("../../templates/web/palette.js");

/// Each by its name, its type and the files that it is made of.
const ASSETS: &[(&str, &str, &[&str])] = &[
    ("inbox.css", CSS, &[include_str!("../../templates/web/inbox.css")]),
    ("pages.css", CSS, &[include_str!("../../templates/web/pages.css")]),
    (
        "inbox.js",
        JAVASCRIPT,
        &[
            SESSION,
            PALETTE,
            include_str!("../../templates/web/inbox/rows.js"),
            include_str!("../../templates/web/inbox/typed.js"),
            include_str!("../../templates/web/inbox/pane.js"),
            include_str!("../../templates/web/inbox/told.js"),
            include_str!("../../templates/web/inbox/held.js"),
            include_str!("../../templates/web/inbox/many.js"),
            include_str!("../../templates/web/inbox/live.js"),
            include_str!("../../templates/web/inbox/keys.js"),
        ],
    ),
    ("login.js", JAVASCRIPT, &[include_str!("../../templates/web/login.js")]),
    ("pages.js", JAVASCRIPT, &[SESSION, PALETTE, include_str!("../../templates/web/pages.js")]),
    ("channels.js", JAVASCRIPT, &[SESSION, PALETTE, include_str!("../../templates/web/channels.js")]),
    ("push.js", JAVASCRIPT, &[include_str!("../../templates/web/push.js")]),
    ("icon.svg", SVG, &[include_str!("../../templates/web/icon.svg")]),
    ("manifest.webmanifest", "application/manifest+json", &[include_str!("../../templates/web/manifest.webmanifest")]),
];

/// One of them, made once.
struct Asset {
    /// As the table has it.
    name: &'static str,
    content_type: &'static str,
    /// Where pages find it: `/assets/inbox.0123456789ab.js`.
    path: String,
    /// The same for the same content.
    tag: String,
    content: String,
    gzipped: Vec<u8>,
}

impl Asset {
    fn new(name: &'static str, content_type: &'static str, parts: &[&str]) -> Self {
        let content = parts.concat();
        let hash = hex::encode(Sha256::digest(&content).get(..6).unwrap_or_default());
        let (stem, ending) = name.rsplit_once('.').unwrap_or((name, ""));
        let gzipped = gzip(content.as_bytes());
        Self {
            name,
            content_type,
            path: format!("/assets/{stem}.{hash}.{ending}"),
            tag: format!("\"{hash}\""),
            content,
            gzipped,
        }
    }

    /// The answer with its content, compressed where that is understood.
    fn answer(&self, headers: &HeaderMap, caching: &'static str) -> Response {
        let said = headers.get_all(ACCEPT_ENCODING).iter().filter_map(|value| value.to_str().ok());
        let mut codings = said.flat_map(|value| value.split(','));
        let is_gzip = |coding: &str| {
            let (name, quality) = coding.split_once(';').unwrap_or((coding, ""));
            name.trim() == "gzip" && !matches!(quality.trim(), "q=0" | "q=0.0" | "q=0.00" | "q=0.000")
        };
        let tag = HeaderValue::from_str(&self.tag);
        let mut response = match codings.any(is_gzip) && !self.gzipped.is_empty() {
            true => ([(CONTENT_ENCODING, "gzip")], self.gzipped.clone()).into_response(),
            false => self.content.clone().into_response(),
        };
        let answered = response.headers_mut();
        answered.insert(CONTENT_TYPE, HeaderValue::from_static(self.content_type));
        answered.insert(CACHE_CONTROL, HeaderValue::from_static(caching));
        answered.insert(VARY, HeaderValue::from_static("accept-encoding"));
        answered.extend(tag.ok().map(|tag| (ETAG, tag)));
        response
    }
}

static MADE: LazyLock<Vec<Asset>> =
    LazyLock::new(|| ASSETS.iter().map(|(name, content_type, parts)| Asset::new(name, content_type, parts)).collect());

/// Empty where it cannot be compressed, which memory does not fail at.
fn gzip(content: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(content).and_then(|()| encoder.finish()).unwrap_or_default()
}

/// Where pages find the asset of this name.
pub(super) fn path(name: &str) -> &'static str {
    MADE.iter().find(|asset| asset.name == name).map_or("", |asset| &asset.path)
}

/// `GET /assets/{file}`: under this name it will never be anything else.
pub(super) async fn by_hash(
    Param(file): Param<String>,
    headers: HeaderMap,
    NoQuery: NoQuery,
) -> Result<Response, Problem> {
    match MADE.iter().find(|asset| asset.path.strip_prefix("/assets/") == Some(file.as_str())) {
        Some(asset) => Ok(asset.answer(&headers, "public, max-age=31536000, immutable")),
        None => Err(unknown_path().await),
    }
}

/// What is asked for under a name that never changes, and so again whenever it is needed.
fn by_name(name: &str, headers: &HeaderMap) -> Response {
    let Some(asset) = MADE.iter().find(|asset| asset.name == name) else { return Problem::internal().into_response() };
    let known = headers.get(IF_NONE_MATCH).and_then(|tag| tag.to_str().ok());
    if known == Some(asset.tag.as_str()) {
        return (StatusCode::NOT_MODIFIED, [(ETAG, asset.tag.clone())]).into_response();
    }
    asset.answer(headers, "no-cache")
}

/// What a browser runs to show a push, with no page open.
pub(super) async fn push_script(headers: HeaderMap, NoQuery: NoQuery) -> Response {
    by_name("push.js", &headers)
}

/// What lets the inbox be installed: a phone of Apple shows pushes of installed pages alone.
pub(super) async fn manifest(headers: HeaderMap, NoQuery: NoQuery) -> Response {
    by_name("manifest.webmanifest", &headers)
}

/// The icon, as the manifest and the pushes name it.
pub(super) async fn icon(headers: HeaderMap, NoQuery: NoQuery) -> Response {
    by_name("icon.svg", &headers)
}
