//! The layer around every handler. In this order it names and counts the request, refuses foreign pages, authenticates the
//! caller, and turns a panic into an answer. It is one layer on purpose: axum clones each layer, with all that is under it,
//! for every request.

use std::convert::Infallible;
use std::panic::AssertUnwindSafe;
use std::pin::Pin;
use std::task::{Context, Poll};

use axum::extract::Request;
use axum::response::{IntoResponse, Response};
use axum::routing::Route;
use futures_util::FutureExt;
use tower::{Layer, Service};
use tracing::Instrument;

use super::auth::{admit, authenticate};
use super::observe::Observed;
use super::origin::{add_headers, guard, preflight};
use crate::http::App;
use crate::http::base_path::put_before_location;
use crate::http::error::{ErrorShape, Problem, panicked};
use crate::http::extract::check_headers;

/// The credential that a route requires.
#[derive(Clone, Copy)]
pub(crate) enum AuthRequirement {
    /// Nothing.
    None,
    /// A token in force.
    Token,
}

/// The layer, for routes that need the same.
#[derive(Clone)]
pub(crate) struct RequestLayer {
    pub(crate) app: App,
    pub(crate) auth: AuthRequirement,
}

impl Layer<Route> for RequestLayer {
    type Service = RequestService;

    fn layer(&self, route: Route) -> RequestService {
        RequestService { layer: self.clone(), route }
    }
}

/// A route with what is around it.
#[derive(Clone)]
pub(crate) struct RequestService {
    layer: RequestLayer,
    route: Route,
}

impl Service<Request> for RequestService {
    type Response = Response;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Response, Infallible>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request) -> Self::Future {
        let Self { layer, route } = self.clone();
        Box::pin(layer.answer(route, request).map(Ok))
    }
}

impl RequestLayer {
    async fn answer(self, route: Route, request: Request) -> Response {
        let observed = Observed::begin(&request, &self.app);
        let shape = ErrorShape::of(request.uri().path());
        let guarded = AssertUnwindSafe(self.guarded(route, request)).catch_unwind();
        let answered = guarded.instrument(observed.span().clone()).await;
        let mut response = answered.unwrap_or_else(panicked);
        add_headers(response.headers_mut());
        put_before_location(self.app.http.base(), response.headers_mut());
        observed.end(&mut response, &self.app);
        shape.apply(&mut response);
        response
    }

    /// Checks a request's size, host and origin, and answers it.
    async fn guarded(&self, route: Route, request: Request) -> Response {
        let page = check_headers(&request, &self.app.limits).and_then(|()| guard(&self.app.http, &request));
        let page = match page {
            Ok(page) => page,
            Err(problem) => return problem.into_response(),
        };
        let response = match preflight(&page, &request) {
            Some(response) => response,
            None => self.admitted(route, request).await.unwrap_or_else(Problem::into_response),
        };
        page.allow(response)
    }

    /// Authenticates and admits a request, and answers it.
    async fn admitted(&self, mut route: Route, mut request: Request) -> Result<Response, Problem> {
        let answer = |Ok(response): Result<Response, Infallible>| response;
        match self.auth {
            AuthRequirement::None => Ok(route.call(request).map(answer).await),
            AuthRequirement::Token => {
                let caller = authenticate(request.headers(), &self.app).await?;
                let mut response = match admit(&self.app, &caller, &mut request) {
                    Ok(admitted) => admitted.release(route.call(request).map(answer).await).await,
                    Err(problem) => problem.into_response(),
                };
                // For the log, which goes by who is refused.
                response.extensions_mut().insert(caller);
                Ok(response)
            }
        }
    }
}
