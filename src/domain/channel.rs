//! Channels: where notices for a person go, and what of them the person wants.

use serde::{Deserialize, Serialize};

use super::enums::{Kind, RiskLevel};
use super::id::{ChannelId, ChannelName, PrincipalName};
use super::quiet_hours::QuietHours;
use super::secret_value::SealedValue;
use crate::clock::Timestamp;

super::enums::string_enum! {
    /// What takes the notices of a channel.
    ChannelKind {
        /// A program of one's own, by Standard Webhooks.
        Webhook = "webhook",
        /// A topic of ntfy.
        Ntfy = "ntfy",
        /// A server of Gotify.
        Gotify = "gotify",
        /// An incoming webhook of Slack.
        Slack = "slack",
        /// An incoming webhook of Mattermost.
        Mattermost = "mattermost",
        /// A webhook of a Teams workflow.
        Teams = "teams",
        /// A mailbox.
        Email = "email",
        /// A browser or an installed web page, by Web Push.
        WebPush = "webpush",
    }
}

impl ChannelKind {
    /// Whether its receiver checks a signature, whose secret is made here and shown once.
    #[must_use]
    pub const fn is_signed(self) -> bool {
        matches!(self, Self::Webhook)
    }

    /// Whether a receiver may ask for a token.
    #[must_use]
    pub const fn may_have_token(self) -> bool {
        matches!(self, Self::Ntfy | Self::Gotify)
    }

    /// Whether it is told how an interaction has ended unless its owner says otherwise: a program wants to know, a person is
    /// spared.
    #[must_use]
    pub const fn hears_of_resolutions(self) -> bool {
        matches!(self, Self::Webhook)
    }
}

/// How long a channel is silent after it has spoken, in milliseconds, unless its owner says otherwise.
pub const PACE_MS: u64 = 30_000;

/// How many secrets sign beside the newest one of a channel, at the most.
pub const MOST_OLD_SECRETS: usize = 5;

/// What a channel's owner wants to hear of.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Wishes {
    /// Of confirmations only those of this risk or a higher one; null: of any.
    pub risk: Option<RiskLevel>,
    /// Only of these kinds; empty: of all.
    pub kinds: Vec<Kind>,
    /// When nothing is said.
    pub quiet: Option<QuietHours>,
    /// How long it is silent after it has spoken, in milliseconds; what comes meanwhile is told together. 0: each by itself.
    pub pace_ms: u64,
    /// Whether it is told how an interaction has ended of which it was told.
    pub resolutions: bool,
}

impl Wishes {
    /// All that a channel of this kind is told where its owner asks for nothing special.
    #[must_use]
    pub const fn of(kind: ChannelKind) -> Self {
        let resolutions = kind.hears_of_resolutions();
        Self { risk: None, kinds: Vec::new(), quiet: None, pace_ms: PACE_MS, resolutions }
    }

    /// Whether an interaction of this kind, and of this risk where it is a confirmation, is to be told of.
    #[must_use]
    pub fn include(&self, kind: Kind, risk: Option<RiskLevel>) -> bool {
        let is_risky_enough = match (self.risk, risk) {
            (Some(least), Some(risk)) => rank(risk) >= rank(least),
            (None, _) | (_, None) => true,
        };
        is_risky_enough && (self.kinds.is_empty() || self.kinds.contains(&kind))
    }

    /// The first moment from `earliest` on at which a channel may speak of something new that has spoken at `spoke_at`.
    #[must_use]
    pub fn speaks_at(&self, earliest: Timestamp, spoke_at: Option<Timestamp>) -> Timestamp {
        let rested = spoke_at.and_then(|at| at.plus_millis(self.pace_ms)).unwrap_or(earliest);
        self.after_quiet(earliest.max(rested))
    }

    /// The first moment from `earliest` on that is not in the quiet hours.
    #[must_use]
    pub fn after_quiet(&self, earliest: Timestamp) -> Timestamp {
        self.quiet.as_ref().and_then(|quiet| quiet.end_of(earliest)).unwrap_or(earliest)
    }
}

/// What an owner says of what is to be told: what is not said is as usual for the kind of channel.
#[derive(Clone, Debug, Default)]
pub struct Wanted {
    /// As in [`Wishes`].
    pub risk: Option<RiskLevel>,
    /// As in [`Wishes`].
    pub kinds: Vec<Kind>,
    /// As in [`Wishes`].
    pub quiet: Option<QuietHours>,
    /// As in [`Wishes`].
    pub pace_ms: Option<u64>,
    /// As in [`Wishes`].
    pub resolutions: Option<bool>,
}

impl Wanted {
    /// The same for a channel of this kind.
    #[must_use]
    pub fn of(self, kind: ChannelKind) -> Wishes {
        let usual = Wishes::of(kind);
        Wishes {
            risk: self.risk,
            kinds: self.kinds,
            quiet: self.quiet,
            pace_ms: self.pace_ms.unwrap_or(usual.pace_ms),
            resolutions: self.resolutions.unwrap_or(usual.resolutions),
        }
    }
}

/// How high a risk is.
fn rank(risk: RiskLevel) -> u8 {
    match risk {
        RiskLevel::Low => 0,
        RiskLevel::Medium => 1,
        RiskLevel::High => 2,
    }
}

/// Where a channel leads, with all that is secret of it: it is stored sealed.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ChannelAddress {
    /// A URL, or the address of a mailbox.
    pub address: String,
    /// What a receiver wants to see before it takes anything: the token of a topic of ntfy, or of an application of Gotify.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token: Option<String>,
    /// What signs what is sent to a webhook: `whsec_` and base64.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub secret: Option<String>,
    /// The secrets before, the newest first, each of which signs beside the new one until a moment.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub old_secrets: Vec<OldSecret>,
    /// What a browser has said with its subscription.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub push: Option<PushKeys>,
}

/// A secret that is on its way out.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OldSecret {
    /// The secret.
    pub secret: String,
    /// Until when it signs.
    pub until: Timestamp,
}

/// What a browser encrypts by: both in base64url.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PushKeys {
    /// Its public key: a point of P-256, uncompressed.
    pub p256dh: String,
    /// Its authentication secret: 16 bytes.
    pub auth: String,
}

impl ChannelAddress {
    /// An address without anything else.
    #[must_use]
    pub const fn new(address: String) -> Self {
        Self { address, token: None, secret: None, old_secrets: Vec::new(), push: None }
    }

    /// The secrets that sign at `now`, the newest first.
    #[must_use]
    pub fn secrets_at(&self, now: Timestamp) -> Vec<&str> {
        let old = self.old_secrets.iter().filter(|old| now < old.until).map(|old| old.secret.as_str());
        self.secret.as_deref().into_iter().chain(old).collect()
    }

    /// Replaces the secret: the one before signs until `until`, and those before that as long as they were to. Where `until` is not
    /// after `now`, none but the new one does. Whether there was one.
    pub fn replace_secret(&mut self, new: String, until: Timestamp, now: Timestamp) -> bool {
        let Some(secret) = self.secret.replace(new) else { return false };
        self.old_secrets.retain(|old| now < old.until && now < until);
        if now < until {
            self.old_secrets.insert(0, OldSecret { secret, until });
        }
        self.old_secrets.truncate(MOST_OLD_SECRETS);
        true
    }
}

/// A channel, as it stands.
#[derive(Clone, Debug)]
pub struct Channel {
    /// Its id.
    pub channel_id: ChannelId,
    /// What its owner calls it; no two of one owner are called the same.
    pub name: ChannelName,
    /// Whose it is.
    pub owner: PrincipalName,
    /// What takes its notices.
    pub kind: ChannelKind,
    /// What may be shown of its address: the host.
    pub host: String,
    /// What its owner wants to hear of.
    pub wishes: Wishes,
    /// Its address.
    pub sealed: SealedValue,
    /// When it was made.
    pub created_at: Timestamp,
    /// When something was last sent to it with success.
    pub sent_at: Option<Timestamp>,
    /// When and why something last failed.
    pub failed: Option<(Timestamp, String)>,
    /// When and why it was turned off: its receiver is gone.
    pub disabled: Option<(Timestamp, String)>,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(millis: i64) -> Timestamp {
        Timestamp::from_millis(millis).unwrap()
    }

    #[test]
    fn a_risk_is_asked_of_confirmations_alone_and_counts_from_there_up() {
        let wishes = Wishes { risk: Some(RiskLevel::Medium), ..Wishes::of(ChannelKind::Ntfy) };
        let included = RiskLevel::ALL.iter().map(|risk| wishes.include(Kind::Confirmation, Some(*risk)));
        assert_eq!(included.collect::<Vec<_>>(), [false, true, true]);
        assert!(wishes.include(Kind::Secret, None) && wishes.include(Kind::Question, None));
        let secrets = Wishes { kinds: vec![Kind::Secret], ..Wishes::of(ChannelKind::Ntfy) };
        assert!(secrets.include(Kind::Secret, None) && !secrets.include(Kind::Question, None));
        assert!(!secrets.include(Kind::Confirmation, Some(RiskLevel::High)));
    }

    #[test]
    fn a_channel_rests_after_it_has_spoken() {
        let wishes = Wishes::of(ChannelKind::Ntfy);
        assert_eq!(wishes.speaks_at(at(5), None), at(5));
        assert_eq!(wishes.speaks_at(at(5), Some(at(1))), at(30_001));
        assert_eq!(wishes.speaks_at(at(50_000), Some(at(1))), at(50_000));
        let each = Wishes { pace_ms: 0, ..wishes };
        assert_eq!(each.speaks_at(at(5), Some(at(4))), at(5));
    }

    #[test]
    fn an_old_secret_signs_until_its_time_is_over_however_often_it_is_replaced() {
        let mut address = ChannelAddress::new("https://a.example".to_owned());
        assert!(!address.clone().replace_secret("x".to_owned(), at(10), at(0)));
        address.secret = Some("first".to_owned());
        assert!(address.replace_secret("second".to_owned(), at(10), at(0)));
        assert!(address.replace_secret("third".to_owned(), at(5), at(1)));
        assert_eq!(address.secrets_at(at(4)), ["third", "second", "first"]);
        assert_eq!(address.secrets_at(at(9)), ["third", "first"]);
        assert_eq!(address.secrets_at(at(10)), ["third"]);
        for number in 0..20 {
            address.replace_secret(number.to_string(), at(10), at(2));
        }
        assert_eq!(address.secrets_at(at(2)).len(), 1 + MOST_OLD_SECRETS);
        address.replace_secret("alone".to_owned(), at(2), at(2));
        assert_eq!(address.secrets_at(at(2)), ["alone"]);
    }
}
