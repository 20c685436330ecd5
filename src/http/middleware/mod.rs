//! What is around every handler: the request's layer, authentication, the origin of pages, observation, load shedding.

pub(crate) mod auth;
pub(crate) mod load_shed;
pub(crate) mod observe;
pub(crate) mod origin;
pub(crate) mod request;
