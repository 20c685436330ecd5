//! Channels: where a person hears of what waits. Their addresses are sealed before they come near the database.

use std::time::Instant;

use super::notices::At;
use super::{Caller, Error, Result, Service};
use crate::domain::channel::{Channel, ChannelAddress, ChannelKind, Wanted, Wishes};
use crate::domain::enums::Role;
use crate::domain::id::{ChannelId, ChannelName, NoticeId};
use crate::domain::notice::{Notice, Said};
use crate::domain::principal::{Principal, Right};
use crate::domain::refused::Refused;
use crate::notify::{Answered, Delivery, Failure, PushKey, generate_secret};
use crate::store::{Priority, ReadTx, StoredPushKey};
use crate::tokens;

/// How many channels one principal may have: more than a person has devices.
const MOST_CHANNELS: usize = 50;

/// How many tests are on their way at a time; of each person one, and that person's next one waits for it.
pub(super) const MOST_TESTS: usize = 16;

/// A channel that is to be made.
pub struct NewChannel {
    /// What it is to be called.
    pub name: ChannelName,
    /// What takes its notices.
    pub kind: ChannelKind,
    /// Where it leads.
    pub address: ChannelAddress,
    /// What is to be told.
    pub wishes: Wishes,
}

/// A channel as it is to be from now on.
pub struct ChangedChannel {
    /// What it is called.
    pub name: ChannelName,
    /// Where it leads; `None`: where it did.
    pub url: Option<String>,
    /// The same of a mailbox.
    pub email: Option<String>,
    /// What its receiver asks for. `None`: what it did, as long as the channel leads where it did.
    pub token: Option<String>,
    /// What is to be told.
    pub wanted: Wanted,
}

impl ChangedChannel {
    /// The address of a channel that has led to `old`; `None` where it stays.
    fn address(&self, kind: ChannelKind, old: &ChannelAddress) -> Result<Option<ChannelAddress>> {
        let (is_mail, is_push) = (kind == ChannelKind::Email, kind == ChannelKind::WebPush);
        for (field, is_given, is_known) in [
            ("url", self.url.is_some(), !is_mail && !is_push),
            ("email", self.email.is_some(), is_mail),
            ("token", self.token.is_some(), kind.may_have_token()),
        ] {
            if is_given && !is_known {
                let problem = format!("a channel of the kind {kind} has none that can be changed");
                return Err(Refused::ChannelRefused { field, problem }.into());
            }
        }
        let address = self.url.as_ref().or(self.email.as_ref()).map(|address| address.trim().to_owned());
        if address.is_none() && self.token.is_none() {
            return Ok(None);
        }
        // A token is for the receiver that it was given for: another one is not shown it.
        let token = self.token.clone().or_else(|| old.token.clone().filter(|_| address.is_none()));
        let address = address.unwrap_or_else(|| old.address.clone());
        Ok(Some(ChannelAddress { address, token, ..old.clone() }))
    }
}

/// A channel that was made, or has a new secret. The secret is shown nowhere else.
pub struct AddedChannel {
    /// As it stands.
    pub channel: Channel,
    /// What signs what is sent to it.
    pub secret: Option<String>,
}

/// What a receiver has said to a test.
pub struct Tested {
    /// What it answered, or why it did not.
    pub answered: std::result::Result<Answered, Failure>,
    /// How long it took, in milliseconds.
    pub took_ms: u64,
}

/// The channel with this id, as far as `by` may have to do with it: their own, and an admin's are all.
fn find(tx: &ReadTx<'_>, id: &ChannelId, by: &Principal) -> Result<Channel> {
    let found = tx.channel(id)?.filter(|channel| channel.owner == by.name || by.role == Role::Admin);
    Ok(found.ok_or(Refused::UnknownChannel)?)
}

/// The same, where it is `by`'s own: where it leads and its secret are not an admin's either.
fn find_own(tx: &ReadTx<'_>, id: &ChannelId, by: &Principal) -> Result<Channel> {
    let own = Some(find(tx, id, by)?).filter(|channel| channel.owner == by.name);
    Ok(own.ok_or(Refused::UnknownChannel)?)
}

/// What the address of a channel is called.
const fn address_field(kind: ChannelKind) -> &'static str {
    match kind {
        ChannelKind::Email => "email",
        ChannelKind::Webhook
        | ChannelKind::Ntfy
        | ChannelKind::Gotify
        | ChannelKind::Slack
        | ChannelKind::Mattermost
        | ChannelKind::Teams
        | ChannelKind::WebPush => "url",
    }
}

impl Service {
    /// Makes a channel of `by`; `session` is the browser's, where a browser has subscribed.
    ///
    /// # Errors
    ///
    /// A refusal if `by` resolves nothing, the address cannot be one, the name is taken or there are too many, or an error of
    /// the store.
    pub async fn add_channel(&self, by: &Caller, new: NewChannel, session: Option<&str>) -> Result<AddedChannel> {
        by.require(Right::Resolve)?;
        let NewChannel { name, kind, mut address, wishes } = new;
        let host = self.check_address(kind, &address)?;
        if kind.is_signed() {
            address.secret = Some(generate_secret().map_err(|error| Error::Random(error.to_string()))?);
        }
        let channel_id = ChannelId::generate();
        let sealed =
            self.sealer.seal_channel(&channel_id, &address).map_err(|error| Error::Sealing(error.to_string()))?;
        let owner = by.name.clone();
        let mut channel = Channel {
            channel_id,
            name,
            owner,
            kind,
            host,
            wishes,
            sealed,
            created_at: self.clock.now(),
            sent_at: None,
            failed: None,
            disabled: None,
        };
        let session_sha256 = session.map(tokens::digest);
        let earlier = self.subscriptions_of(kind, &address).await?;
        let added = self.write_as(by, move |tx, _| {
            for id in &earlier {
                if let Some(earlier) = tx.channel(id)? {
                    tx.remove_channel(&earlier, &channel.owner)?;
                }
            }
            if tx.has_channel(&channel.owner, &channel.name)? {
                return Err(Refused::ChannelNameTaken.into());
            }
            if tx.channels(Some(&channel.owner))?.len() >= MOST_CHANNELS {
                return Err(Refused::TooManyChannels { limit: MOST_CHANNELS }.into());
            }
            channel.created_at = tx.now();
            tx.insert_channel(&channel, session_sha256.as_ref())?;
            Ok::<_, Error>(channel.clone())
        });
        Ok(AddedChannel { channel: added.await?, secret: address.secret })
    }

    /// The channels to the browser at this address, whoever has subscribed in it: the one that subscribes now takes their place.
    async fn subscriptions_of(&self, kind: ChannelKind, address: &ChannelAddress) -> Result<Vec<ChannelId>> {
        if kind != ChannelKind::WebPush {
            return Ok(Vec::new());
        }
        let mut earlier = Vec::new();
        for channel in self.store.read(Priority::Human, |tx| tx.channels(None)).await? {
            let is_there = channel.kind == kind
                && self.sealer.open_channel(&channel.channel_id, &channel.sealed)?.address == address.address;
            if is_there {
                earlier.push(channel.channel_id);
            }
        }
        Ok(earlier)
    }

    /// The channels of `by`; an admin's are those of everybody.
    ///
    /// # Errors
    ///
    /// A refusal if `by` resolves nothing, or an error of the store.
    pub async fn channels(&self, by: &Principal) -> Result<Vec<Channel>> {
        by.require(Right::Resolve)?;
        let of = (by.role != Role::Admin).then(|| by.name.clone());
        Ok(self.store.read(Priority::Human, move |tx| tx.channels(of.as_ref())).await?)
    }

    /// Changes a channel: what it is called, what its owner wants to hear of, and where it leads.
    ///
    /// # Errors
    ///
    /// A refusal if it is not `by`'s own, the name is taken, or the address cannot be one, or an error of the store.
    pub async fn change_channel(&self, by: &Caller, id: &ChannelId, changed: ChangedChannel) -> Result<Channel> {
        by.require(Right::Resolve)?;
        let before = {
            let (id, by) = (id.clone(), by.clone());
            self.store.read(Priority::Human, move |tx| find_own(tx, &id, &by)).await?
        };
        let address = changed.address(before.kind, &self.sealer.open_channel(&before.channel_id, &before.sealed)?)?;
        if address.is_some() && before.disabled.is_some() {
            let problem = "it is turned off for good: make another channel".to_owned();
            return Err(Refused::ChannelRefused { field: address_field(before.kind), problem }.into());
        }
        let host = address.map(|address| self.check_address(before.kind, &address)).transpose()?;
        let (id, sealer) = (id.clone(), self.sealer.clone());
        let written = self.write_as(by, move |tx, by| {
            let mut channel = find_own(tx, &id, by)?;
            let wishes = changed.wanted.clone().of(channel.kind);
            let is_renamed = channel.name != changed.name;
            if is_renamed && tx.has_channel(&channel.owner, &changed.name)? {
                return Err(Refused::ChannelNameTaken.into());
            }
            let members = [("name", is_renamed), ("address", host.is_some()), ("wishes", channel.wishes != wishes)];
            let members: Vec<_> = members.iter().filter(|(_, is_other)| *is_other).map(|(name, _)| *name).collect();
            (channel.name, channel.wishes) = (changed.name.clone(), wishes);
            let old = sealer.open_channel(&channel.channel_id, &channel.sealed)?;
            if let (Some(host), Some(address)) = (&host, changed.address(channel.kind, &old)?) {
                let sealed = sealer.seal_channel(&channel.channel_id, &address);
                channel.sealed = sealed.map_err(|error| Error::Sealing(error.to_string()))?;
                (channel.host, channel.failed) = (host.clone(), None);
            }
            if !members.is_empty() {
                tx.change_channel(&channel, &members, &by.name)?;
            }
            Ok::<_, Error>(channel)
        });
        written.await
    }

    /// Checks an address as far as that can be done without calling it; what may be shown of it.
    fn check_address(&self, kind: ChannelKind, address: &ChannelAddress) -> Result<String> {
        let refused =
            |failure: Failure| Refused::ChannelRefused { field: address_field(kind), problem: failure.to_string() };
        Ok(self.outbound.check(kind, address).map_err(refused)?)
    }

    /// Sends a test to a channel, now, and waits for what its receiver answers.
    ///
    /// # Errors
    ///
    /// A refusal if it is none of `by`, or an error of the store. That it could not be sent is an answer, too.
    pub async fn test_channel(&self, by: &Principal, id: &ChannelId) -> Result<Tested> {
        by.require(Right::Resolve)?;
        let _turn = self.tests.enter(&Some(by.name.clone())).await;
        let (id, by) = (id.clone(), by.clone());
        let channel = self.store.read(Priority::Human, move |tx| find(tx, &id, &by)).await?;
        let address = self.sealer.open_channel(&channel.channel_id, &channel.sealed)?;
        let push_key = self.push_key_for(channel.kind).await?;
        let now = self.clock.now();
        let notice = Notice { notice_id: NoticeId::generate(), at: now, said: Said::Test };
        let links = self.links();
        let delivery = Delivery { kind: channel.kind, address: &address, links: &links, push_key: push_key.as_ref() };
        let begun = Instant::now();
        let answered = self.outbound.deliver(&delivery, &At(notice, now)).await;
        let took_ms = u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX);
        Ok(Tested { answered, took_ms })
    }

    /// Makes a new secret of a channel; the one before signs beside it for so many milliseconds, and those before that as long as
    /// they were to. With 0 the new one signs alone.
    ///
    /// # Errors
    ///
    /// A refusal if it is none of `by`, or nothing of it is signed, or an error of the store.
    pub async fn rotate_channel(&self, by: &Caller, id: &ChannelId, old_for_ms: u64) -> Result<AddedChannel> {
        by.require(Right::Resolve)?;
        let secret = generate_secret().map_err(|error| Error::Random(error.to_string()))?;
        let (id, sealer, new) = (id.clone(), self.sealer.clone(), secret.clone());
        let rotated = self.write_as(by, move |tx, by| {
            let channel = find_own(tx, &id, by)?;
            let mut address = sealer.open_channel(&channel.channel_id, &channel.sealed)?;
            let until = tx.now().plus_millis(old_for_ms).ok_or(Refused::DeadlineOutOfRange)?;
            if !address.replace_secret(new.clone(), until, tx.now()) {
                return Err(Refused::NotSigned.into());
            }
            let sealed = sealer
                .seal_channel(&channel.channel_id, &address)
                .map_err(|error| Error::Sealing(error.to_string()))?;
            tx.reseal_channel(&channel.channel_id, &sealed)?;
            tx.channel_rotated(&channel, &by.name, until)?;
            Ok::<_, Error>(channel)
        });
        Ok(AddedChannel { channel: rotated.await?, secret: Some(secret) })
    }

    /// Removes a channel and wipes its address; what waits for it is dropped.
    ///
    /// # Errors
    ///
    /// A refusal if it is none of `by`, or an error of the store.
    pub async fn remove_channel(&self, by: &Caller, id: &ChannelId) -> Result<Channel> {
        by.require(Right::Resolve)?;
        let id = id.clone();
        self.write_as(by, move |tx, by| {
            let channel = find(tx, &id, by)?;
            tx.remove_channel(&channel, &by.name)?;
            Ok(channel)
        })
        .await
    }

    /// The public half of the key that push services know this server by; made where there is none yet.
    ///
    /// # Errors
    ///
    /// An error of the store, or of the system's random numbers.
    pub async fn push_public_key(&self) -> Result<Vec<u8>> {
        if let Some(key) = self.store.read(Priority::Human, |tx| tx.push_key()).await? {
            return Ok(key.public);
        }
        let key = PushKey::generate().map_err(|error| Error::Random(error.to_string()))?;
        let sealed = self.sealer.seal_push_key(&key.to_bytes()).map_err(|error| Error::Sealing(error.to_string()))?;
        let new = StoredPushKey { public: key.public(), sealed };
        let kept = self.write_itself(move |tx| match tx.push_key()? {
            Some(key) => Ok::<_, Error>(key.public),
            None => {
                tx.insert_push_key(&new)?;
                Ok(new.public.clone())
            }
        });
        kept.await
    }

    /// The key for push services, where a channel needs it.
    pub(super) async fn push_key_for(&self, kind: ChannelKind) -> Result<Option<PushKey>> {
        if kind != ChannelKind::WebPush {
            return Ok(None);
        }
        let Some(stored) = self.store.read(Priority::Human, |tx| tx.push_key()).await? else { return Ok(None) };
        Ok(PushKey::from_bytes(&self.sealer.open_push_key(&stored.sealed)?))
    }

    /// Whether notices can go to a mailbox.
    #[must_use]
    pub const fn sends_mail(&self) -> bool {
        self.outbound.sends_mail()
    }
}
