//! How the domain's types stand in columns: words and ids as TEXT, times as INTEGER milliseconds.

use std::borrow::Cow;

use super::sql::{Bind, Bound, Column, Stored};

use crate::clock::Timestamp;
use crate::domain::audit::Event;
use crate::domain::chain::EventHash;
use crate::domain::channel::ChannelKind;
use crate::domain::enums::{Delivery, ExecutionTarget, Kind, RiskLevel, Role, RuleDecision, RuleStatus, RunOutcome};
use crate::domain::id::{
    ChannelId, ChannelName, ClaimId, ConversationId, IdPrefix, NoticeId, PrincipalName, RequestId, RuleId, RuleName,
    SecretName, SessionId, TakeId, TokenId, ToolName,
};
use crate::domain::interaction::Status;
use crate::domain::members::Members;
use crate::domain::notice::About;
use crate::domain::pattern::{Pattern, Reason, Scope};
use crate::domain::saved_view::ViewName;
use crate::domain::text::PlainText;
use crate::domain::traceparent::Traceparent;

macro_rules! as_text {
    ($($type:ty),+ $(,)?) => {
        $(impl Bind for $type {
            fn bind(&self) -> Bound<'_> {
                Bound::Text(Cow::Borrowed(self.as_str()))
            }
        })+
    };
}

macro_rules! from_text {
    ($($type:ty),+ $(,)?) => {
        $(impl Column for $type {
            fn read(value: Stored<'_>) -> std::result::Result<Self, String> {
                value.text()?.parse().map_err(String::from)
            }
        })+
    };
}

as_text!(
    ChannelId,
    ChannelName,
    ClaimId,
    ConversationId,
    NoticeId,
    PlainText,
    PrincipalName,
    RequestId,
    RuleId,
    RuleName,
    SecretName,
    TakeId,
    SessionId,
    TokenId,
    ToolName,
    Traceparent,
    ViewName,
);
from_text!(
    ChannelId,
    ChannelName,
    ClaimId,
    ConversationId,
    NoticeId,
    PlainText,
    PrincipalName,
    RequestId,
    RuleId,
    RuleName,
    SecretName,
    TakeId,
    SessionId,
    TokenId,
    ToolName,
    Traceparent,
    ViewName,
);
as_text!(About, ChannelKind);
from_text!(About, ChannelKind);
as_text!(Delivery, Event, ExecutionTarget, Kind, RiskLevel, Role, RuleDecision, RuleStatus, RunOutcome, Status);
from_text!(Delivery, Event, ExecutionTarget, Kind, RiskLevel, Role, RuleDecision, RuleStatus, RunOutcome, Status);
as_text!(IdPrefix, Pattern, Reason, Scope);

macro_rules! from_owned_text {
    ($($type:ty),+ $(,)?) => {
        $(impl Column for $type {
            fn read(value: Stored<'_>) -> std::result::Result<Self, String> {
                value.text()?.to_owned().try_into().map_err(|error: &str| error.to_owned())
            }
        })+
    };
}

from_owned_text!(Pattern, Reason, Scope);

impl Bind for Members {
    fn bind(&self) -> Bound<'_> {
        Bound::Text(Cow::Owned(self.to_json()))
    }
}

impl Column for Members {
    fn read(value: Stored<'_>) -> std::result::Result<Self, String> {
        Self::from_json(value.text()?).map_err(|error| error.to_string())
    }
}

impl Bind for Timestamp {
    fn bind(&self) -> Bound<'_> {
        Bound::Integer(self.as_millis())
    }
}

impl Column for Timestamp {
    fn read(value: Stored<'_>) -> std::result::Result<Self, String> {
        Self::from_millis(i64::read(value)?).ok_or_else(|| "a time out of its range".to_owned())
    }
}

impl Bind for EventHash {
    fn bind(&self) -> Bound<'_> {
        Bound::Blob(self.as_bytes())
    }
}

impl Column for EventHash {
    fn read(value: Stored<'_>) -> std::result::Result<Self, String> {
        <[u8; 32]>::read(value).map(Self::from)
    }
}
