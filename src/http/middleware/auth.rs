//! Authentication: the principal of a request, and the rights that handlers require of it.

use std::sync::Arc;

use axum::extract::{FromRequestParts, Request};
use axum::http::HeaderMap;
use axum::http::header::AUTHORIZATION;
use axum::http::request::Parts;
use axum::response::Response;

use super::load_shed::{LoadShedder, Turn};
use crate::domain::principal::{Principal, Right};
use crate::domain::refused::Refused;
use crate::http::App;
use crate::http::error::{Problem, unauthenticated};
use crate::tokens;

/// Admits a request, and adds its principal and its credential to its extensions for the handlers.
///
/// # Errors
///
/// If too many requests are in progress.
pub(crate) fn admit<'a>(
    app: &'a App,
    principal: &Arc<Principal>,
    credential: Credential,
    request: &mut Request,
) -> Result<Admitted<'a>, Problem> {
    let turn = app.load.admit(principal, request)?;
    let extensions = request.extensions_mut();
    extensions.insert(Arc::clone(principal));
    extensions.insert(credential);
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

/// The digest of a request's token: what a request that waits keeps, so that it holds neither the token nor its headers.
#[derive(Clone, Copy)]
pub(crate) struct Credential([u8; 32]);

impl Credential {
    /// That of a request with these headers.
    pub(crate) fn of(headers: &HeaderMap) -> Result<Self, Problem> {
        bearer(headers).map(|token| Self(tokens::digest(token)))
    }

    /// Returns the principal that holds the token now.
    pub(crate) async fn holder(&self, app: &App) -> Result<Arc<Principal>, Problem> {
        app.service.authenticate(&self.0).await?.ok_or_else(|| Refused::UnknownToken.into())
    }
}

impl FromRequestParts<App> for Credential {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &App) -> Result<Self, Problem> {
        parts.extensions.get().copied().ok_or_else(unauthenticated)
    }
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
            pub(crate) struct $name(pub(crate) Arc<Principal>);

            impl FromRequestParts<App> for $name {
                type Rejection = Problem;

                async fn from_request_parts(parts: &mut Parts, _: &App) -> Result<Self, Problem> {
                    let principal = parts.extensions.get::<Arc<Principal>>().ok_or_else(unauthenticated)?;
                    principal.require($right)?;
                    Ok(Self(Arc::clone(principal)))
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
