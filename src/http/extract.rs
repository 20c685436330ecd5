//! Bodies, paths and queries: strictly read, refused in our own shape.

use std::str::FromStr;

use axum::body::{Body, HttpBody};
use axum::extract::rejection::{PathRejection, QueryRejection};
use axum::extract::{FromRequest, FromRequestParts, Path, Query, RawPathParams, Request};
use axum::http::header::CONTENT_TYPE;
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use http_body_util::BodyExt;
use serde::Serialize;
use serde::de::DeserializeOwned;
use zeroize::Zeroizing;

use super::App;
use super::error::{Problem, body_too_large, headers_too_large, not_json, number_out_of_range, request_timeout};
use super::middleware::load_shed::Turn;
use crate::config::Limits;
use crate::domain::number::NUMBER_OUT_OF_RANGE;

/// A JSON body: one object, without unknown or duplicate fields.
pub(crate) struct Json<T>(pub(crate) T);

impl<T: DeserializeOwned> FromRequest<App> for Json<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, app: &App) -> Result<Self, Problem> {
        let (mut parts, body) = request.into_parts();
        NoQuery::from_request_parts(&mut parts, app).await?;
        read_json(&parts, body, &app.limits).await.map(Self)
    }
}

/// A JSON body beside a query, which is read elsewhere.
pub(crate) struct JsonBesideQuery<T>(pub(crate) T);

impl<T: DeserializeOwned> FromRequest<App> for JsonBesideQuery<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, app: &App) -> Result<Self, Problem> {
        let (parts, body) = request.into_parts();
        read_json(&parts, body, &app.limits).await.map(Self)
    }
}

async fn read_json<T: DeserializeOwned>(parts: &Parts, body: Body, limits: &Limits) -> Result<T, Problem> {
    if !is_json(&parts.headers) {
        return Err(not_json());
    }
    parse(&read(parts, body, limits).await?)
}

/// A JSON body that may be left out, as one of white space is: what needs nothing has a default.
pub(crate) struct OptionalJson<T>(pub(crate) T);

impl<T: DeserializeOwned + Default> FromRequest<App> for OptionalJson<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, app: &App) -> Result<Self, Problem> {
        let (mut parts, body) = request.into_parts();
        NoQuery::from_request_parts(&mut parts, app).await?;
        let bytes = read(&parts, body, &app.limits).await?;
        if bytes.iter().all(u8::is_ascii_whitespace) {
            return Ok(Self(T::default()));
        }
        if parts.headers.contains_key(CONTENT_TYPE) && !is_json(&parts.headers) {
            return Err(not_json());
        }
        parse(&bytes).map(Self)
    }
}

fn is_json(headers: &HeaderMap) -> bool {
    is_of_type(headers, "application/json")
}

/// Whether a body says that it is of this type, whatever its parameters.
pub(crate) fn is_of_type(headers: &HeaderMap, expected: &str) -> bool {
    let content_type = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let media_type = content_type.and_then(|value| value.split(';').next());
    media_type.is_some_and(|media_type| media_type.trim().eq_ignore_ascii_case(expected))
}

/// The whole body, which has to be here in time; then the request takes its turn.
async fn read(parts: &Parts, body: Body, limits: &Limits) -> Result<Zeroizing<Vec<u8>>, Problem> {
    let turn = parts.extensions.get::<Turn>();
    let bytes = read_in_time(body, limits.max_body_bytes, turn, limits).await?;
    turn.map_or(Ok(()), Turn::begin)?;
    Ok(bytes)
}

/// The body of a form, which may have another size.
pub(crate) async fn read_at_most(body: Body, bytes: usize, limits: &Limits) -> Result<Zeroizing<Vec<u8>>, Problem> {
    read_in_time(body, bytes, None, limits).await
}

async fn read_in_time(
    body: Body,
    bytes: usize,
    turn: Option<&Turn>,
    limits: &Limits,
) -> Result<Zeroizing<Vec<u8>>, Problem> {
    let read = tokio::time::timeout(limits.body_timeout, collect(body, bytes, turn)).await;
    read.unwrap_or_else(|_| Err(request_timeout(limits.body_timeout)))
}

/// A body may hold a secret: its memory is wiped when it is dropped.
async fn collect(mut body: Body, limit: usize, turn: Option<&Turn>) -> Result<Zeroizing<Vec<u8>>, Problem> {
    let is_too_large = |bytes: u64| usize::try_from(bytes).map_or(true, |bytes| bytes > limit);
    // What a client says that it will send is not waited for.
    if is_too_large(body.size_hint().lower()) {
        return Err(body_too_large(limit));
    }
    let mut bytes = Zeroizing::new(Vec::new());
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|_| Problem::malformed("the body did not arrive whole"))?;
        let Some(data) = frame.data_ref() else { continue };
        if bytes.len().saturating_add(data.len()) > limit {
            return Err(body_too_large(limit));
        }
        turn.map_or(Ok(()), |turn| turn.add_to_body(data.len()))?;
        bytes.extend_from_slice(data);
    }
    Ok(bytes)
}

fn parse<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Problem> {
    // A struct would take an array of its members, too.
    if bytes.iter().find(|byte| !byte.is_ascii_whitespace()) != Some(&b'{') {
        return Err(Problem::malformed("the body has to be one JSON object"));
    }
    serde_json::from_slice(bytes).map_err(|error| {
        // Read once more, slower, for the place of what is wrong.
        let mut deserializer = serde_json::Deserializer::from_slice(bytes);
        let field = match serde_path_to_error::deserialize::<_, T>(&mut deserializer) {
            Err(found) => found.path().to_string(),
            Ok(_) => ".".to_owned(),
        };
        let message = error.to_string();
        if message.starts_with(NUMBER_OUT_OF_RANGE) {
            return number_out_of_range(&field, message);
        }
        let problem = Problem::malformed(if is_half_a_pair(&message) { HALF_A_PAIR.to_owned() } else { message });
        if field != "." { problem.with("field", field) } else { problem }
    })
}

const HALF_A_PAIR: &str = "a string has half a surrogate pair: a character past U+FFFF is written as both halves, \\uD800 to \
     \\uDBFF and then \\uDC00 to \\uDFFF";

/// Whether this is what the JSON library says of half a surrogate pair.
fn is_half_a_pair(message: &str) -> bool {
    message.contains("surrogate in hex escape") || message.contains("unexpected end of hex escape")
}

/// The one parameter of a path.
pub(crate) struct Param<T>(pub(crate) T);

impl<T> FromRequestParts<App> for Param<T>
where
    T: DeserializeOwned + Send,
{
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        let read: Result<Path<T>, PathRejection> = Path::from_request_parts(parts, app).await;
        let rejection = match read {
            Ok(Path(value)) => return Ok(Self(value)),
            Err(rejection) => rejection,
        };
        let said = rejection.body_text();
        let message = if let PathRejection::FailedToDeserializePathParams(failed) = rejection {
            failed.into_kind().to_string()
        } else {
            said
        };
        let parameters = RawPathParams::from_request_parts(parts, app).await.ok();
        let name = parameters.iter().flatten().next().map(|(name, _)| name.to_owned());
        Err(match name {
            Some(name) => Problem::malformed_field(&name, message),
            None => Problem::malformed(message),
        })
    }
}

/// The query of a URL: without unknown or duplicate parameters.
pub(crate) struct Params<T>(pub(crate) T);

impl<T: DeserializeOwned> FromRequestParts<App> for Params<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        let read: Result<Query<T>, QueryRejection> = Query::from_request_parts(parts, app).await;
        read.map(|Query(value)| Self(value)).map_err(|rejection| query_problem(&rejection.body_text()))
    }
}

/// A parameter of a query that may be given more than once.
pub(crate) trait Repeatable {
    /// Its name.
    const NAME: &str;

    /// What it holds.
    type Value: FromStr<Err: Into<String>> + PartialEq;
}

/// The query of a URL, of which one parameter may be given more than once, each time with another value.
pub(crate) struct Repeated<P: Repeatable, T> {
    /// The values of that parameter, in their order.
    pub(crate) values: Vec<P::Value>,
    /// All else.
    pub(crate) query: T,
}

impl<P: Repeatable<Value: Send>, T: DeserializeOwned> FromRequestParts<App> for Repeated<P, T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &App) -> Result<Self, Problem> {
        let raw = parts.uri.query().unwrap_or_default();
        let mut values = Vec::new();
        let mut others = form_urlencoded::Serializer::new(String::new());
        for (name, value) in form_urlencoded::parse(raw.as_bytes()) {
            if name == P::NAME {
                let value =
                    value.parse::<P::Value>().map_err(|expected| Problem::malformed_field(P::NAME, expected))?;
                if values.contains(&value) {
                    return Err(Problem::malformed_field(P::NAME, "the same value comes twice"));
                }
                values.push(value);
            } else {
                others.append_pair(&name, &value);
            }
        }
        let others = Uri::builder().path_and_query(format!("/?{}", others.finish())).build();
        let others = others.map_err(|_| Problem::malformed("this query cannot be read"))?;
        let read: Result<Query<T>, QueryRejection> = Query::try_from_uri(&others);
        let Query(query) = read.map_err(|rejection| query_problem(&rejection.body_text()))?;
        Ok(Self { values, query })
    }
}

/// Says of a query which parameter is at fault, and why.
pub(super) fn query_problem(text: &str) -> Problem {
    // The framework's own words come first, then the parameter.
    let said = text.split_once("query string: ").map_or(text, |(_, said)| said);
    let is_name = |name: &str| !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric());
    match said.split_once(": ").filter(|(name, _)| is_name(name)) {
        Some((name, why)) if NOT_A_NUMBER.iter().any(|words| why.contains(words)) => {
            Problem::malformed_field(name, format!("{name} is a whole number"))
        }
        Some((name, why)) => Problem::malformed_field(name, why),
        None => Problem::malformed(said),
    }
}

/// What the standard library says of a text that is no number, or none of the size.
const NOT_A_NUMBER: [&str; 3] = ["digit found in string", "integer from empty string", "to fit in target type"];

/// That a URL has no query, where none is taken: a misspelt filter would show more than was asked for.
pub(crate) struct NoQuery;

impl FromRequestParts<App> for NoQuery {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &App) -> Result<Self, Problem> {
        let query = parts.uri.query().unwrap_or_default();
        match query.split(['=', '&']).next() {
            None | Some("") => Ok(Self),
            Some(name) => Err(Problem::malformed(format!("this path takes no query parameter {name:?}"))),
        }
    }
}

/// Refuses requests whose headers take more than they may.
pub(crate) fn check_headers(request: &Request, limits: &Limits) -> Result<(), Problem> {
    let size: usize = request.headers().iter().map(|(name, value)| name.as_str().len() + value.len()).sum();
    let limit = limits.max_header_bytes;
    if size + request.uri().path_and_query().map_or(0, |path| path.as_str().len()) > limit {
        return Err(headers_too_large(limit));
    }
    Ok(())
}

/// An answer: 200 and JSON.
pub(crate) fn ok(value: &impl Serialize) -> Result<Response, Problem> {
    answer(StatusCode::OK, value)
}

/// An answer with another status.
pub(crate) fn answer(status: StatusCode, value: &impl Serialize) -> Result<Response, Problem> {
    let json = serde_json::to_vec(value).map_err(|error| {
        tracing::error!(%error, "an answer could not be written as JSON");
        Problem::internal()
    })?;
    Ok((status, [(CONTENT_TYPE, "application/json")], json).into_response())
}
