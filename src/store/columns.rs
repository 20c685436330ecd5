//! How the domain's types stand in columns: words and ids as TEXT, times as INTEGER milliseconds.

use rusqlite::types::{FromSql, FromSqlError, FromSqlResult, ToSql, ToSqlOutput, ValueRef};

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
use crate::domain::traceparent::Traceparent;

macro_rules! as_text {
    ($($type:ty),+ $(,)?) => {
        $(impl ToSql for $type {
            fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
                Ok(ToSqlOutput::Borrowed(ValueRef::Text(self.as_str().as_bytes())))
            }
        })+
    };
}

macro_rules! from_text {
    ($($type:ty),+ $(,)?) => {
        $(impl FromSql for $type {
            fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
                value.as_str()?.parse().map_err(|error| FromSqlError::Other(String::from(error).into()))
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
        $(impl FromSql for $type {
            fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
                value.as_str()?.to_owned().try_into().map_err(|error: &str| FromSqlError::Other(error.into()))
            }
        })+
    };
}

from_owned_text!(Pattern, Reason, Scope);

impl ToSql for Members {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(self.to_json().into())
    }
}

impl FromSql for Members {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        Self::from_json(value.as_str()?).map_err(|error| FromSqlError::Other(error.into()))
    }
}

impl ToSql for Timestamp {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(self.as_millis().into())
    }
}

impl FromSql for Timestamp {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        let millis = value.as_i64()?;
        Self::from_millis(millis).ok_or(FromSqlError::OutOfRange(millis))
    }
}

impl ToSql for EventHash {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(ValueRef::Blob(self.as_bytes())))
    }
}

impl FromSql for EventHash {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        <[u8; 32]>::column_result(value).map(Self::from)
    }
}
