//! Who is calling, and whether their role allows what they call.

use std::sync::Arc;

use axum::extract::{FromRequestParts, Request};
use axum::http::HeaderMap;
use axum::http::header::AUTHORIZATION;
use axum::http::request::Parts;
use axum::response::Response;

use super::App;
use super::error::{Problem, unauthenticated};
use super::shed::{Turn, Turns};
use crate::domain::principal::{Lane, Principal, Right};

/// Lets nothing pass without a token; whoever passes is known to the handlers.
pub(super) async fn admit<'a>(app: &'a App, request: &mut Request) -> Result<Admitted<'a>, Problem> {
    let principal = holder(app, request.headers()).await?;
    let turn = app.turns.admit(&principal, request, &app.limits)?;
    let admitted = Admitted { turns: &app.turns, lane: principal.lane(), _turn: turn };
    request.extensions_mut().insert(principal);
    Ok(admitted)
}

/// A request that is being handled for somebody, until it is dropped.
pub(super) struct Admitted<'a> {
    turns: &'a Turns,
    lane: Lane,
    _turn: Option<Turn>,
}

impl Admitted<'_> {
    /// Lets the answer go out.
    pub(super) async fn release(self, answer: Response) -> Response {
        if self.lane == Lane::People { answer } else { self.turns.release(answer).await }
    }
}

/// Who holds the token of a request.
pub(super) async fn holder(app: &App, headers: &HeaderMap) -> Result<Arc<Principal>, Problem> {
    app.service.authenticate(bearer(headers)?).await?.ok_or_else(unauthenticated)
}

/// The token of a request.
pub(super) fn bearer(headers: &HeaderMap) -> Result<&str, Problem> {
    let mut given = headers.get_all(AUTHORIZATION).iter();
    let (Some(header), None) = (given.next(), given.next()) else {
        return Err(unauthenticated());
    };
    let token = header.to_str().ok().and_then(|header| header.split_once(' '));
    let token = token.filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer")).map(|(_, token)| token.trim());
    token.ok_or_else(unauthenticated)
}

/// Declares an extractor of the caller that refuses whoever lacks a right, before the body is looked at.
macro_rules! callers {
    ($($(#[$about:meta])* $name:ident: $right:expr;)+) => {
        $(
            $(#[$about])*
            pub(super) struct $name(pub(super) Arc<Principal>);

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
    /// May register, and act on its own.
    Registrant: Right::Register;
    /// May see interactions.
    Viewer: Right::See;
    /// May see everything.
    Reviewer: Right::Review;
    /// May resolve and manage rules.
    Resolver: Right::Resolve;
    /// May close what is pending in a conversation.
    Superseder: Right::Supersede;
}
