//! `/v1/channels` and what is below it.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;

use crate::api::{
    AddChannelBody, AddedChannel, ChangeChannelBody, Channel, ChannelList, NoBody, RotateChannelBody, TestedChannel,
};
use crate::domain::id::ChannelId;
use crate::http::App;
use crate::http::error::Problem;
use crate::http::extract::{Json, NoQuery, OptionalJson, Param, answer, ok};
use crate::http::middleware::auth::Resolver;
use crate::notify::{Answered, Failure};
use crate::service::{ChangedChannel, NewChannel, Tested};

pub(crate) async fn add_channel(
    State(app): State<App>,
    Resolver(caller): Resolver,
    Json(body): Json<AddChannelBody>,
) -> Result<Response, Problem> {
    let (address, wishes) = (body.address()?, body.wishes());
    let new = NewChannel { name: body.name, kind: body.kind, address, wishes };
    let added = app.service.add_channel(&caller, new, None).await?;
    answer(StatusCode::CREATED, &AddedChannel { channel: added.channel.into(), secret: added.secret })
}

pub(crate) async fn list_channels(
    State(app): State<App>,
    Resolver(caller): Resolver,
    NoQuery: NoQuery,
) -> Result<Response, Problem> {
    let channels = app.service.channels(&caller).await?;
    ok(&ChannelList { channels: channels.into_iter().map(Channel::from).collect() })
}

pub(crate) async fn change_channel(
    State(app): State<App>,
    Resolver(caller): Resolver,
    Param(channel_id): Param<ChannelId>,
    Json(body): Json<ChangeChannelBody>,
) -> Result<Response, Problem> {
    let (token, wanted) = (body.token()?, body.wanted());
    let changed = ChangedChannel { name: body.name, url: body.url, email: body.email, token, wanted };
    ok(&Channel::from(app.service.change_channel(&caller, &channel_id, changed).await?))
}

pub(crate) async fn test_channel(
    State(app): State<App>,
    Resolver(caller): Resolver,
    Param(channel_id): Param<ChannelId>,
    OptionalJson(NoBody {}): OptionalJson<NoBody>,
) -> Result<Response, Problem> {
    ok(&tested(app.service.test_channel(&caller, &channel_id).await?))
}

/// What a receiver has said, for the wire and for pages.
pub(crate) fn tested(Tested { answered, took_ms }: Tested) -> TestedChannel {
    let (error, answered) = match answered {
        Ok(answered) => (None, Some(answered)),
        Err(failure) => {
            let error = failure.to_string();
            match failure {
                Failure::Refused(answered) | Failure::Gone(answered) => (Some(error), Some(answered)),
                Failure::NothingToSay
                | Failure::Unread
                | Failure::NotConfigured(_)
                | Failure::Target(_)
                | Failure::TooSlow
                | Failure::Unreachable(_) => (Some(error), None),
            }
        }
    };
    let (status, text) = answered.map(|Answered { status, text }| (status, text)).unzip();
    TestedChannel { delivered: error.is_none(), status, answer: text, error, took_ms }
}

pub(crate) async fn rotate_channel(
    State(app): State<App>,
    Resolver(caller): Resolver,
    Param(channel_id): Param<ChannelId>,
    OptionalJson(body): OptionalJson<RotateChannelBody>,
) -> Result<Response, Problem> {
    let rotated = app.service.rotate_channel(&caller, &channel_id, body.old_for_ms()).await?;
    ok(&AddedChannel { channel: rotated.channel.into(), secret: rotated.secret })
}

pub(crate) async fn remove_channel(
    State(app): State<App>,
    Resolver(caller): Resolver,
    Param(channel_id): Param<ChannelId>,
    NoQuery: NoQuery,
) -> Result<Response, Problem> {
    ok(&Channel::from(app.service.remove_channel(&caller, &channel_id).await?))
}
