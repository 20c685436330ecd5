//! The wire, once: every body and every answer of the REST interface, with its checks, and the table of calls.
//!
//! A type here is written by one side and read by the other: the handlers, the client and the command line share it. From
//! the table in `api/routes.rs` come the router's paths, the OpenAPI document and the client's methods.

mod channels;
mod events;
mod hooks;
mod interaction;
mod interactions;
mod invalid;
mod mcp;
mod openapi;
mod resolutions;
pub(crate) mod routes;
mod stats;
mod trust_rules;
mod views;
mod warning;
mod why;
mod with_raw;

pub use self::channels::*;
pub use self::events::*;
pub use self::hooks::*;
pub use self::interaction::*;
pub use self::interactions::*;
pub use self::invalid::{BodyLimits, ErrorBody, Invalid};
pub use self::mcp::*;
pub use self::openapi::openapi;
pub(crate) use self::openapi::{document, openapi_at};
pub use self::resolutions::*;
pub use self::routes::*;
pub use self::stats::*;
pub use self::trust_rules::*;
pub use self::views::*;
pub use self::warning::Warning;
pub use self::why::{FoundSign, NearRule, Why};
pub use self::with_raw::WithRaw;
