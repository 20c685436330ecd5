//! The history.

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use utoipa::{IntoParams, ToSchema};

use super::WithRaw;
use crate::clock::Timestamp;
use crate::domain::audit::{self, Event};
use crate::domain::chain::EventHash;
use crate::domain::id::{PrincipalName, RequestId, RuleId};

/// Which audit events a list shows.
#[derive(Clone, Debug, Default, Serialize, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[into_params(parameter_in = Query)]
#[expect(missing_docs, reason = "they are the members of an audit event, and of every list")]
pub struct ListAuditEvents {
    pub request_id: Option<RequestId>,
    pub rule_id: Option<RuleId>,
    pub principal: Option<PrincipalName>,
    pub since: Option<Timestamp>,
    pub until: Option<Timestamp>,
    #[param(minimum = 1, maximum = 500)]
    pub limit: Option<u32>,
    #[param(pattern = "^[0-9a-f]{6}[0-9a-z]{1,13}$")]
    pub cursor: Option<String>,
}

/// A page of the history, newest first.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[schema(as = EventList)]
#[serde(rename_all = "camelCase")]
#[expect(missing_docs, reason = "the interface's document has the words")]
pub struct AuditEventList {
    #[schema(value_type = Vec<AuditEvent>)]
    pub audit_events: Vec<WithRaw<AuditEvent>>,
    pub next_cursor: Option<String>,
}

/// One line of the history, as it stands.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct AuditEvent {
    /// Its place: one more than that of the event before.
    pub seq: i64,
    /// When.
    pub at: Timestamp,
    /// What happened: a word that may be newer than the program that reads it.
    #[schema(value_type = Event)]
    pub event: String,
    /// To which interaction.
    pub request_id: Option<RequestId>,
    /// To which rule, or by which.
    pub rule_id: Option<RuleId>,
    /// By whom; null: by the server itself.
    pub principal: Option<PrincipalName>,
    /// What else there is to say: a JSON object.
    #[schema(value_type = Object)]
    pub detail: Box<RawValue>,
    /// SHA-256 of its canonical form, which holds the hash of the event before.
    #[schema(value_type = String, pattern = "^[0-9a-f]{64}$")]
    pub hash: EventHash,
}

impl From<audit::AuditEvent> for AuditEvent {
    fn from(event: audit::AuditEvent) -> Self {
        let audit::AuditEvent { seq, at, event, request_id, rule_id, principal, detail, hash } = event;
        Self { seq, at, event: event.as_str().to_owned(), request_id, rule_id, principal, detail, hash }
    }
}

/// The data of a `reset` in a stream of events: the id that the client named is beyond the newest event, as after a backup was
/// restored. The stream goes on from the newest event.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct FeedReset {
    /// The place of the newest event.
    pub last_event_id: i64,
}

impl FeedReset {
    /// The name of the event that carries it.
    pub const EVENT: &str = "reset";
}
