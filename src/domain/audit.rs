//! The append-only history.

use serde_json::value::RawValue;
use serde_json::{Map, Value, json};

use crate::clock::Timestamp;

use super::chain::{EventHash, joined};
use super::enums::{Outcome, RuleStatus};
use super::id::{PrincipalName, RequestId, RuleId};

super::enums::string_enum! {
    /// What happened.
    Event {
        /// An agent registered an interaction.
        Registered = "interaction.registered",
        /// A confirmation was allowed.
        Approved = "interaction.approved",
        /// A confirmation was denied.
        Rejected = "interaction.rejected",
        /// A secret or a question was answered.
        Answered = "interaction.answered",
        /// A deadline passed.
        Expired = "interaction.expired",
        /// An interaction was withdrawn.
        Cancelled = "interaction.cancelled",
        /// A conversation went on without an interaction.
        Superseded = "interaction.superseded",
        /// An agent took the right to act.
        Claimed = "interaction.claimed",
        /// An approver took an approval back before it was claimed.
        ApprovalWithdrawn = "interaction.approval_withdrawn",
        /// An agent reported what came of it.
        OutcomeReported = "interaction.outcome_reported",
        /// What was asked and said was wiped.
        Forgotten = "interaction.forgotten",
        /// An agent took a secret.
        SecretTaken = "secret.taken",
        /// A secret was wiped: a one-time one after it was taken, or any by a person.
        SecretWiped = "secret.wiped",
        /// A trust rule was made.
        RuleCreated = "trust_rule.created",
        /// A trust rule was taken back.
        RuleRevoked = "trust_rule.revoked",
        /// A trust rule's time is over.
        RuleExpired = "trust_rule.expired",
        /// A trust rule's uses are used up.
        RuleExhausted = "trust_rule.exhausted",
        /// A token was made.
        TokenCreated = "token.created",
        /// A token was taken back.
        TokenRevoked = "token.revoked",
        /// A link was made that logs a person in, once.
        LoginLinkCreated = "login_link.created",
        /// A person logged in to a browser.
        SessionBegun = "session.begun",
        /// A person logged out.
        SessionEnded = "session.ended",
        /// A channel was made, to which notices go.
        ChannelAdded = "channel.added",
        /// A channel was changed: its name, where it leads, or what its owner wants to hear of.
        ChannelChanged = "channel.changed",
        /// The secret that signs a channel's notices was replaced.
        ChannelRotated = "channel.rotated",
        /// A channel was turned off, for its receiver is gone.
        ChannelDisabled = "channel.disabled",
        /// A channel was removed, and its address wiped.
        ChannelRemoved = "channel.removed",
        /// A notice was given up after its last repetition.
        NoticeFailed = "notice.failed",
        /// Every sealed value was sealed again, with a new key.
        KeyRotated = "key.rotated",
        /// A new version of the program chained the history anew; the detail has the head that it had before.
        HistoryRechained = "history.rechained",
        /// The database had lost events that it had acknowledged, and a server went on with what is left; the detail has the head that
        /// was lost, and the one that is left.
        HistoryLost = "history.lost",
    }
}

/// The member of an event's detail that a person or an agent wrote: it is kept apart, so that it can be forgotten.
#[must_use]
pub fn written_member(event: &str) -> Option<&'static str> {
    match event.parse().ok()? {
        Event::Approved | Event::Rejected | Event::Answered | Event::Expired | Event::Cancelled | Event::Superseded => {
            Some("comment")
        }
        Event::OutcomeReported => Some("detail"),
        Event::Registered
        | Event::Claimed
        | Event::ApprovalWithdrawn
        | Event::Forgotten
        | Event::SecretTaken
        | Event::SecretWiped
        | Event::RuleCreated
        | Event::RuleRevoked
        | Event::RuleExpired
        | Event::RuleExhausted
        | Event::TokenCreated
        | Event::TokenRevoked
        | Event::LoginLinkCreated
        | Event::SessionBegun
        | Event::SessionEnded
        | Event::ChannelAdded
        | Event::ChannelChanged
        | Event::ChannelRotated
        | Event::ChannelDisabled
        | Event::ChannelRemoved
        | Event::NoticeFailed
        | Event::KeyRotated
        | Event::HistoryRechained
        | Event::HistoryLost => None,
    }
}

/// Takes apart the detail of an event as it was stored with what was written in it: the facts, and the text. `None` where
/// nothing was written, or the two would not give the same detail again.
#[must_use]
pub fn split_detail(event: &str, detail: &str) -> Option<(String, String)> {
    let member = written_member(event)?;
    let mut facts: Map<String, Value> = serde_json::from_str(detail).ok()?;
    let text = facts.remove(member).filter(Value::is_string)?;
    let (facts, text) = (Value::Object(facts).to_string(), json!({member: text}).to_string());
    (joined(&facts, &text) == detail).then_some((facts, text))
}

impl From<Outcome> for Event {
    fn from(outcome: Outcome) -> Self {
        match outcome {
            Outcome::Approved => Self::Approved,
            Outcome::Rejected => Self::Rejected,
            Outcome::Answered => Self::Answered,
            Outcome::Expired => Self::Expired,
            Outcome::Cancelled => Self::Cancelled,
            Outcome::Superseded => Self::Superseded,
        }
    }
}

impl Event {
    /// What happened to a rule that is no longer active.
    #[must_use]
    pub const fn of_ended_rule(status: RuleStatus) -> Option<Self> {
        match status {
            RuleStatus::Active => None,
            RuleStatus::Revoked => Some(Self::RuleRevoked),
            RuleStatus::Expired => Some(Self::RuleExpired),
            RuleStatus::Exhausted => Some(Self::RuleExhausted),
        }
    }
}

/// One line of the history, to be appended.
#[derive(Clone, Debug)]
pub struct NewAuditEvent<'a> {
    /// What happened.
    pub event: Event,
    /// To which interaction.
    pub request_id: Option<&'a RequestId>,
    /// To which rule, or by which.
    pub rule_id: Option<&'a RuleId>,
    /// By whom; `None`: by the server itself.
    pub principal: Option<&'a PrincipalName>,
    /// What else there is to say: a JSON object. Never a secret, and nothing that a person or an agent wrote.
    pub detail: Option<Value>,
    /// What was written: a JSON object.
    pub text: Option<Value>,
}

impl<'a> NewAuditEvent<'a> {
    /// An event about nothing yet.
    #[must_use]
    pub const fn new(event: Event) -> Self {
        Self { event, request_id: None, rule_id: None, principal: None, detail: None, text: None }
    }

    /// About this interaction.
    #[must_use]
    pub const fn request(mut self, request_id: &'a RequestId) -> Self {
        self.request_id = Some(request_id);
        self
    }

    /// About this rule.
    #[must_use]
    pub const fn rule(mut self, rule_id: &'a RuleId) -> Self {
        self.rule_id = Some(rule_id);
        self
    }

    /// By this principal.
    #[must_use]
    pub const fn principal(mut self, name: &'a PrincipalName) -> Self {
        self.principal = Some(name);
        self
    }

    /// With this to add.
    #[must_use]
    pub fn detail(mut self, detail: Value) -> Self {
        self.detail = Some(detail);
        self
    }
}

/// One line of the history, as it stands.
#[derive(Clone, Debug)]
pub struct AuditEvent {
    /// Its place: one more than that of the event before.
    pub seq: i64,
    /// When.
    pub at: Timestamp,
    /// What happened.
    pub event: Event,
    /// To which interaction.
    pub request_id: Option<RequestId>,
    /// To which rule, or by which.
    pub rule_id: Option<RuleId>,
    /// By whom; null: by the server itself.
    pub principal: Option<PrincipalName>,
    /// What else there is to say: a JSON object.
    pub detail: Box<RawValue>,
    /// SHA-256 of its canonical form, which holds the hash of the event before.
    pub hash: EventHash,
}
