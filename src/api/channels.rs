//! Channels: where notices go.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::Invalid;
use crate::clock::Timestamp;
use crate::domain::bounded::BoundedU64;
use crate::domain::channel::{self, ChannelAddress, ChannelKind, PushKeys, Wanted, Wishes};
use crate::domain::enums::{Kind, RiskLevel};
use crate::domain::id::{ChannelId, ChannelName, PrincipalName};
use crate::domain::json::null_as_absent;
use crate::domain::quiet_hours::QuietHours;

/// How long a channel is silent after it has spoken: at most a day.
pub type PaceMs = BoundedU64<0, 86_400_000>;

/// How long an old secret signs beside a new one: at most thirty days.
pub type OldForMs = BoundedU64<0, 2_592_000_000>;

/// How long that is where nothing is said: a day.
const OLD_FOR_MS: u64 = 86_400_000;

/// A channel that is to be made.
#[derive(Clone, Serialize, Deserialize, ToSchema)]
#[schema(as = AddChannel)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[expect(missing_docs, reason = "the interface's document has the words")]
pub struct AddChannelBody {
    pub name: ChannelName,
    pub kind: ChannelKind,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 2048)]
    pub url: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 320)]
    pub email: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 1024)]
    pub token: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub push: Option<PushKeys>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub risk: Option<RiskLevel>,
    #[serde(default, deserialize_with = "null_as_absent", skip_serializing_if = "Vec::is_empty")]
    pub kinds: Vec<Kind>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub quiet: Option<QuietHours>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(inline)]
    pub pace_ms: Option<PaceMs>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub resolutions: Option<bool>,
}

impl AddChannelBody {
    /// Where it leads, checked as far as that can be done without calling it.
    ///
    /// # Errors
    ///
    /// The first field at fault: one that this kind needs and that is not there, or one that it does not know.
    pub fn address(&self) -> Result<ChannelAddress, Invalid> {
        let is_mail = self.kind == ChannelKind::Email;
        let is_push = self.kind == ChannelKind::WebPush;
        for (field, is_given, is_known) in [
            ("url", self.url.is_some(), !is_mail),
            ("email", self.email.is_some(), is_mail),
            ("token", self.token.is_some(), self.kind.may_have_token()),
            ("push", self.push.is_some(), is_push),
        ] {
            if is_given && !is_known {
                return Err(Invalid::field(field, format!("a channel of the kind {} has none", self.kind)));
            }
        }
        let needed = |field: &str| Invalid::field(field, format!("a channel of the kind {} needs it", self.kind));
        let (field, given) = if is_mail { ("email", &self.email) } else { ("url", &self.url) };
        let address = given.clone().ok_or_else(|| needed(field))?;
        if is_push && self.push.is_none() {
            return Err(needed("push"));
        }
        let token = self.token.as_deref().map(str::trim).map(checked_token).transpose()?;
        Ok(ChannelAddress { token, push: self.push.clone(), ..ChannelAddress::new(address.trim().to_owned()) })
    }

    /// What its owner wants to hear of.
    #[must_use]
    pub fn wishes(&self) -> Wishes {
        let wanted = Wanted {
            risk: self.risk,
            kinds: self.kinds.clone(),
            quiet: self.quiet.clone(),
            pace_ms: self.pace_ms.map(PaceMs::get),
            resolutions: self.resolutions,
        };
        wanted.of(self.kind)
    }
}

/// A channel as it is to be from now on: what its owner wants is said anew, and where it leads stays where that is not said.
#[derive(Clone, Serialize, Deserialize, ToSchema)]
#[schema(as = ChangeChannel)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[expect(missing_docs, reason = "the interface's document has the words")]
pub struct ChangeChannelBody {
    pub name: ChannelName,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 2048)]
    pub url: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 320)]
    pub email: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 1024)]
    pub token: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub risk: Option<RiskLevel>,
    #[serde(default, deserialize_with = "null_as_absent", skip_serializing_if = "Vec::is_empty")]
    pub kinds: Vec<Kind>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub quiet: Option<QuietHours>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(inline)]
    pub pace_ms: Option<PaceMs>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub resolutions: Option<bool>,
}

impl ChangeChannelBody {
    /// The token that the receiver asks for from now on, checked.
    ///
    /// # Errors
    ///
    /// If it is none.
    pub fn token(&self) -> Result<Option<String>, Invalid> {
        self.token.as_deref().map(str::trim).map(checked_token).transpose()
    }

    /// What its owner wants to hear of.
    #[must_use]
    pub fn wanted(&self) -> Wanted {
        Wanted {
            risk: self.risk,
            kinds: self.kinds.clone(),
            quiet: self.quiet.clone(),
            pace_ms: self.pace_ms.map(PaceMs::get),
            resolutions: self.resolutions,
        }
    }
}

/// What a receiver asks for. It goes into a header: it is of visible ASCII.
///
/// # Errors
///
/// If it is none.
pub fn checked_token(text: &str) -> Result<String, Invalid> {
    if !text.is_empty() && text.len() <= 1024 && text.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Ok(text.to_owned());
    }
    Err(Invalid::field("token", "a token is 1 to 1,024 characters of ASCII without blanks"))
}

/// A channel, as its owner sees it: never its whole address.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[schema(as = ChannelView)]
#[serde(rename_all = "camelCase")]
#[expect(missing_docs, reason = "the interface's document has the words")]
pub struct Channel {
    pub channel_id: ChannelId,
    pub name: ChannelName,
    pub owner: PrincipalName,
    pub kind: ChannelKind,
    pub host: String,
    /// `active`, or `disabled` where its receiver is gone.
    pub status: String,
    pub risk: Option<RiskLevel>,
    pub kinds: Vec<Kind>,
    pub quiet: Option<QuietHours>,
    pub pace_ms: u64,
    pub resolutions: bool,
    pub created_at: Timestamp,
    pub sent_at: Option<Timestamp>,
    pub failed_at: Option<Timestamp>,
    pub failure: Option<String>,
    pub disabled_at: Option<Timestamp>,
    pub disabled_why: Option<String>,
}

impl From<channel::Channel> for Channel {
    fn from(channel: channel::Channel) -> Self {
        let (failed_at, failure) = channel.failed.unzip();
        let (disabled_at, disabled_why) = channel.disabled.unzip();
        let Wishes { risk, kinds, quiet, pace_ms, resolutions } = channel.wishes;
        Self {
            channel_id: channel.channel_id,
            name: channel.name,
            owner: channel.owner,
            kind: channel.kind,
            host: channel.host,
            status: if disabled_at.is_some() { "disabled" } else { "active" }.to_owned(),
            risk,
            kinds,
            quiet,
            pace_ms,
            resolutions,
            created_at: channel.created_at,
            sent_at: channel.sent_at,
            failed_at,
            failure,
            disabled_at,
            disabled_why,
        }
    }
}

impl Channel {
    /// What its owner wants to hear of.
    #[must_use]
    pub fn wishes(&self) -> Wishes {
        Wishes {
            risk: self.risk,
            kinds: self.kinds.clone(),
            quiet: self.quiet.clone(),
            pace_ms: self.pace_ms,
            resolutions: self.resolutions,
        }
    }
}

/// The channels that are there, oldest first.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[schema(as = Channels)]
#[expect(missing_docs, reason = "the interface's document has the words")]
pub struct ChannelList {
    pub channels: Vec<Channel>,
}

/// A channel that was made or has a new secret, which is shown this once.
#[derive(Clone, Serialize, Deserialize, ToSchema)]
#[schema(as = AddedChannelView)]
#[expect(missing_docs, reason = "the interface's document has the words")]
pub struct AddedChannel {
    pub channel: Channel,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub secret: Option<String>,
}

/// How long the old secret signs beside the new one.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize, ToSchema)]
#[schema(as = RotateChannel)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[expect(missing_docs, reason = "the interface's document has the words")]
pub struct RotateChannelBody {
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(inline)]
    pub old_for_ms: Option<OldForMs>,
}

impl RotateChannelBody {
    /// The same in milliseconds: a day where nothing is said.
    #[must_use]
    pub fn old_for_ms(&self) -> u64 {
        self.old_for_ms.map_or(OLD_FOR_MS, OldForMs::get)
    }
}

/// What a receiver has said to a test.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[schema(as = TestedChannelView)]
#[serde(rename_all = "camelCase")]
#[expect(missing_docs, reason = "the interface's document has the words")]
pub struct TestedChannel {
    pub delivered: bool,
    pub status: Option<u16>,
    pub answer: Option<String>,
    pub error: Option<String>,
    pub took_ms: u64,
}
