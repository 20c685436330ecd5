//! REST over HTTP. `transport` accepts connections, `middleware` is around each request, `api` has one handler a verb,
//! `error` is the only place with error statuses. Only this module and `web` name axum.

pub(crate) mod api;
mod base_path;
pub(crate) mod dialects;
pub(crate) mod error;
pub(crate) mod export;
pub(crate) mod extract;
pub(crate) mod middleware;
mod state;
pub(crate) mod transport;
pub(crate) mod wait;

use axum::Router;

pub use self::base_path::BaseError;
pub(crate) use self::state::{App, Route};
pub use self::transport::accept::DESCRIPTORS_BESIDE;
pub(crate) use self::transport::accept::serve;
pub use self::transport::listen::{BindError, Listener, bind};
pub(crate) use self::transport::tls::Tls;
pub use self::transport::tls::TlsError;
use crate::api::Call;
use crate::config::HttpConfig;

use self::middleware::request::{AuthRequirement, RequestLayer};

/// Checks that the path of `--public-url` can be told from those of the API and of `pages`.
pub(crate) fn check_base(http: &HttpConfig, pages: impl Iterator<Item = &'static str>) -> Result<(), BaseError> {
    let own = Call::ALL.iter().map(|call| call.path()).chain(api::DOCUMENTS.iter().map(|(path, _)| *path));
    base_path::check(http.public_url.as_ref(), own.chain(pages))
}

/// What takes a path that nothing else takes. It is no route of its own in logs and metrics.
pub(crate) const ANY_PATH: &str = "/{*path}";

/// The whole service as one router; `pages` are those for people, which need no token, and take what nothing else takes.
fn router(app: App, pages: Router<App>) -> Router {
    let (guarded, open): (Vec<Call>, Vec<Call>) = Call::ALL.iter().partition(|call| call.needs_token());
    let guarded = guarded.into_iter().fold(Router::new(), |router, call| router.route(call.path(), api::handler(call)));
    let guarded = guarded.method_not_allowed_fallback(error::method_not_allowed);
    let open = open.into_iter().map(|call| (call.path(), api::handler(call)));
    let open = open.chain(api::DOCUMENTS.iter().map(|(path, route)| (*path, route())));
    let open = open.fold(pages, |router, (path, route)| router.route(path, route.fallback(error::method_not_allowed)));
    let layer = |auth| RequestLayer { app: app.clone(), auth };
    guarded.layer(layer(AuthRequirement::Token)).merge(open.layer(layer(AuthRequirement::None))).with_state(app)
}
