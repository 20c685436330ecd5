//! The wire, once: every body and every answer of the REST interface, with its checks, and the table of calls.
//!
//! A type here is written by one side and read by the other: the handlers, the client and the command line share it. From
//! the table in `api/routes.rs` come the router's paths, the OpenAPI document and the client's methods.

mod events;
mod interaction;
mod interactions;
mod invalid;
mod openapi;
mod resolutions;
pub(crate) mod routes;
mod server;
mod trust_rules;
mod with_raw;

pub use self::events::{AuditEvent, AuditEventList, FeedReset, ListAuditEvents};
pub use self::interaction::{Claim, Interaction, Resolution};
pub use self::interactions::{
    ClaimBody, ClaimGrant, InteractionList, ListInteractions, ListPending, NewestPending, NoBody, OutcomeBody, Pending,
    RegisterBody, SecretHandout, Superseded, TakeSecretBody, WaitInteraction,
};
pub use self::invalid::{BodyLimits, Invalid};
pub(crate) use self::openapi::document;
pub use self::openapi::openapi;
pub use self::resolutions::{Accepted, AnswerBody, ConfirmBody, ProvideSecretBody};
pub use self::routes::Call;
pub use self::server::{ErrorBody, Health, LoginLink};
pub use self::trust_rules::{
    ListTrustRules, MadeTrustRule, PreviewCounts, TrustRule, TrustRuleBody, TrustRuleList, TrustRulePreview,
};
pub use self::with_raw::WithRaw;
