//! The middleware around every handler: the request's layer, authentication, origins, observation, load shedding.

pub(crate) mod auth;
pub(crate) mod load_shed;
pub(crate) mod observe;
pub(crate) mod origin;
pub(crate) mod refusal_log;
pub(crate) mod request;
