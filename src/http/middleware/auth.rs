//! Authentication: the principal of a request, and the rights that handlers require of it.

use axum::extract::{FromRequestParts, Request};
use axum::http::HeaderMap;
use axum::http::header::AUTHORIZATION;
use axum::http::request::Parts;
use axum::response::Response;

use super::load_shed::{LoadShedder, Turn};
use crate::domain::principal::Right;
use crate::domain::refused::Refused;
use crate::http::App;
use crate::http::error::{Problem, unauthenticated};
use crate::service::Caller;
use crate::tokens;

/// Admits a request, and adds its caller to its extensions for the handlers: what a request that waits keeps, so that it holds
/// neither its token nor its headers.
///
/// # Errors
///
/// If too many requests are in progress.
pub(crate) fn admit<'a>(app: &'a App, caller: &Caller, request: &mut Request) -> Result<Admitted<'a>, Problem> {
    let turn = app.load.admit(caller, request)?;
    let extensions = request.extensions_mut();
    extensions.insert(caller.clone());
    if let Some(turn) = &turn {
        extensions.insert(turn.clone());
    }
    Ok(Admitted { load: &app.load, turn })
}

/// A request that is being handled, until this is dropped.
pub(crate) struct Admitted<'a> {
    load: &'a LoadShedder,
    /// `None` for a person's.
    turn: Option<Turn>,
}

impl Admitted<'_> {
    /// Lets the response go out.
    pub(crate) async fn release(self, answer: Response) -> Response {
        match &self.turn {
            Some(turn) => self.load.release(turn.principal(), answer).await,
            None => answer,
        }
    }
}

/// Returns who holds the token of a request with these headers.
///
/// # Errors
///
/// If there is no token, or it is not in force.
pub(crate) async fn authenticate(headers: &HeaderMap, app: &App) -> Result<Caller, Problem> {
    let token_sha256 = tokens::digest(bearer(headers)?);
    app.service.authenticate(&token_sha256).await?.ok_or_else(|| Refused::UnknownToken.into())
}

/// Returns the token of a request.
pub(crate) fn bearer(headers: &HeaderMap) -> Result<&str, Problem> {
    let mut given = headers.get_all(AUTHORIZATION).iter();
    let (Some(header), None) = (given.next(), given.next()) else {
        return Err(unauthenticated());
    };
    let token = header.to_str().ok().and_then(|header| header.split_once(' '));
    let token = token.filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer")).map(|(_, token)| token.trim());
    token.ok_or_else(unauthenticated)
}

/// Declares an extractor of the caller that refuses a principal without the right, before the body is read.
macro_rules! callers {
    ($($(#[$about:meta])* $name:ident: $right:expr;)+) => {
        $(
            $(#[$about])*
            pub(crate) struct $name(pub(crate) Caller);

            impl FromRequestParts<App> for $name {
                type Rejection = Problem;

                async fn from_request_parts(parts: &mut Parts, _: &App) -> Result<Self, Problem> {
                    let caller = parts.extensions.get::<Caller>().ok_or_else(unauthenticated)?;
                    caller.require($right)?;
                    Ok(Self(caller.clone()))
                }
            }
        )+
    };
}

callers! {
    /// A principal that may register, and act on its own interactions.
    Registrant: Right::Register;
    /// A principal that may see interactions.
    Viewer: Right::See;
    /// A principal that may see all interactions.
    Reviewer: Right::Review;
    /// A principal that may resolve and manage rules.
    Resolver: Right::Resolve;
    /// A principal that may supersede what is pending in a conversation.
    Superseder: Right::Supersede;
    /// A principal that may have interactions forgotten.
    Forgetter: Right::Forget;
}
