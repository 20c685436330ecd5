//! The tables `channels` and `push_keys`: where notices go.

use serde_json::json;

use super::page::{Cursor, ListPage};
use super::sql::{Row, values};
use super::{Error, ReadTx, Result, WriteTx};
use crate::clock::Timestamp;
use crate::domain::audit::{Event, NewAuditEvent};
use crate::domain::channel::{Channel, ChannelKind, Wishes};
use crate::domain::id::{ChannelId, ChannelName, PrincipalName};
use crate::domain::secret_value::SealedValue;

/// What the writer remembers of a channel that is on: enough to know what its owner wants to hear of.
#[derive(Clone, Debug)]
pub(super) struct Listener {
    pub(super) number: i64,
    pub(super) owner: PrincipalName,
    pub(super) wishes: Wishes,
}

/// The key that push services know this server by.
#[derive(Clone, Debug)]
pub struct StoredPushKey {
    /// Its public half: a point of P-256, uncompressed.
    pub public: Vec<u8>,
    /// Its private half.
    pub sealed: SealedValue,
}

/// The columns that [`channel_from`] reads, in its order, of the channels that are there.
const CHANNELS: &str = "SELECT channel_id, name, owner, kind, host, wishes, key_id, sealed, created_at_ms, sent_at_ms, failed_at_ms, \
     failure, disabled_at_ms, disabled_why FROM channels WHERE removed_at_ms IS NULL";

fn channel_from(row: &Row<'_>) -> Result<Channel> {
    let channel_id: ChannelId = row.get(0)?;
    let wishes = wishes_from(row, 5, &channel_id)?;
    Ok(Channel {
        name: row.get(1)?,
        owner: row.get(2)?,
        kind: row.get(3)?,
        host: row.get(4)?,
        wishes,
        sealed: SealedValue { key_id: row.get(6)?, bytes: row.get(7)? },
        created_at: row.get(8)?,
        sent_at: row.get(9)?,
        failed: row.get::<Option<Timestamp>>(10)?.zip(row.get(11)?),
        disabled: row.get::<Option<Timestamp>>(12)?.zip(row.get(13)?),
        channel_id,
    })
}

pub(super) fn wishes_from(row: &Row<'_>, column: usize, key: &impl ToString) -> Result<Wishes> {
    let corrupt = || Error::Corrupt { table: "channels", key: key.to_string() };
    let json = row.text(column)?.ok_or_else(corrupt)?;
    // Another machine may not know the time zone of the quiet hours: then there are none, and everybody is served.
    serde_json::from_str(json).or_else(|_| {
        let wishes = serde_json::from_str::<serde_json::Map<String, serde_json::Value>>(json);
        let mut wishes = wishes.map_err(|_| corrupt())?;
        wishes.remove("quiet");
        serde_json::from_value(wishes.into()).map_err(|_| corrupt())
    })
}

/// Whether the session of `c` goes on, in which a browser has subscribed; a place for the time.
macro_rules! session_goes_on {
    ($now:literal) => {
        concat!(
            "EXISTS (SELECT 1 FROM sessions AS s JOIN tokens AS t USING (token_id) WHERE s.session_id = c.session_id \
             AND s.ended_at_ms IS NULL AND s.expires_at_ms > ",
            $now,
            " AND t.revoked_at_ms IS NULL)"
        )
    };
}

/// Whether anything may be sent to the channel `c`: it is there and on, its owner has a token in force, and the browser that has
/// subscribed is still logged in; a place for the time.
macro_rules! may_send {
    ($now:literal) => {
        concat!(
            "(c.removed_at_ms IS NULL AND c.disabled_at_ms IS NULL \
             AND EXISTS (SELECT 1 FROM tokens AS own WHERE own.principal = c.owner AND own.revoked_at_ms IS NULL) \
             AND (c.session_id IS NULL OR ",
            $crate::store::channels::session_goes_on!($now),
            "))"
        )
    };
}

macro_rules! ended_subscriptions {
    ($now:literal) => {
        concat!(
            "FROM channels AS c WHERE c.session_id IS NOT NULL AND c.removed_at_ms IS NULL AND NOT ",
            session_goes_on!($now)
        )
    };
}

pub(super) use {may_send, session_goes_on};

impl ReadTx<'_> {
    /// Whether a browser has subscribed in a session that is over at `now`.
    pub fn has_ended_subscriptions(&self, now: Timestamp) -> Result<bool> {
        self.sql.exists(concat!("SELECT 1 ", ended_subscriptions!("?1"), " LIMIT 1"), values![now])
    }

    /// The channels that are there, oldest first; of one principal, or of all.
    pub fn channels(&self, of: Option<&PrincipalName>) -> Result<Vec<Channel>> {
        let sql = format!("{CHANNELS} AND (owner = ?1 OR ?1 IS NULL) ORDER BY channel_number");
        self.sql.rows(&sql, values![of], channel_from)
    }

    /// The channel with this id, unless it is removed.
    pub fn channel(&self, id: &ChannelId) -> Result<Option<Channel>> {
        self.sql.row(&format!("{CHANNELS} AND channel_id = ?1"), values![id], channel_from)
    }

    /// Whether a principal has a channel of this name.
    pub fn has_channel(&self, owner: &PrincipalName, name: &ChannelName) -> Result<bool> {
        let sql = "SELECT 1 FROM channels WHERE owner = ?1 AND name = ?2 AND removed_at_ms IS NULL";
        self.sql.exists(sql, values![owner, name])
    }

    /// The next `limit` channels from `after` on whose addresses are kept.
    pub fn sealed_channels_after(
        &self,
        after: Option<Cursor>,
        limit: u32,
    ) -> Result<ListPage<(ChannelId, SealedValue)>> {
        self.sealed_page(
            "SELECT channel_number, channel_id, key_id, sealed FROM channels \
             WHERE sealed IS NOT NULL AND channel_number > ?1 ORDER BY channel_number LIMIT ?2",
            after,
            limit,
        )
    }

    /// The key that push services know this server by, if there is one.
    pub fn push_key(&self) -> Result<Option<StoredPushKey>> {
        self.sql.row("SELECT public_key, key_id, sealed FROM push_keys", values![], |row| {
            let sealed = SealedValue { key_id: row.get(1)?, bytes: row.get(2)? };
            Ok(StoredPushKey { public: row.get(0)?, sealed })
        })
    }
}

impl WriteTx<'_> {
    /// The channels that are on, from memory.
    pub(super) fn listeners(&mut self) -> Result<&[Listener]> {
        let listeners = match self.cache.listeners.take() {
            Some(listeners) => listeners,
            None => self.read_listeners()?,
        };
        Ok(self.cache.listeners.insert(listeners))
    }

    fn read_listeners(&self) -> Result<Vec<Listener>> {
        let sql = "SELECT channel_number, owner, wishes FROM channels \
             WHERE removed_at_ms IS NULL AND disabled_at_ms IS NULL ORDER BY channel_number";
        self.sql.rows(sql, values![], |row| {
            let number = row.get(0)?;
            Ok(Listener { number, owner: row.get(1)?, wishes: wishes_from(row, 2, &number)? })
        })
    }

    /// Adds a channel, with the event that tells of it; `session_sha256` finds the session of the browser that has subscribed.
    pub fn insert_channel(&mut self, channel: &Channel, session_sha256: Option<&[u8; 32]>) -> Result<()> {
        self.cache.listeners = None;
        let wishes = serde_json::to_string(&channel.wishes)
            .map_err(|_| Error::Corrupt { table: "channels", key: channel.channel_id.to_string() })?;
        self.sql.write(
            "INSERT INTO channels (channel_number, channel_id, name, owner, kind, host, wishes, key_id, sealed, created_at_ms, \
             session_id) VALUES ((SELECT coalesce(max(channel_number), 0) + 1 FROM channels), ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, (SELECT session_id FROM sessions WHERE session_sha256 = ?10))",
            values![
                channel.channel_id,
                channel.name,
                channel.owner,
                channel.kind,
                channel.host,
                wishes,
                channel.sealed.key_id,
                channel.sealed.bytes,
                channel.created_at,
                session_sha256,
            ],
        )?;
        let detail = json!({"channelId": channel.channel_id, "name": channel.name, "kind": channel.kind});
        self.append_audit(NewAuditEvent::new(Event::ChannelAdded).principal(&channel.owner).detail(detail))
    }

    /// Writes down what a channel is from now on, with the event that tells which members of it are others. Failures before count no
    /// more where it leads elsewhere.
    pub fn change_channel(&mut self, channel: &Channel, members: &[&str], by: &PrincipalName) -> Result<()> {
        self.cache.listeners = None;
        // It may have to speak sooner.
        self.committed.has_notices = true;
        let wishes = serde_json::to_string(&channel.wishes)
            .map_err(|_| Error::Corrupt { table: "channels", key: channel.channel_id.to_string() })?;
        self.sql.write(
            "UPDATE channels SET name = ?2, host = ?3, wishes = ?4, key_id = ?5, sealed = ?6, \
             failed_at_ms = CASE WHEN ?7 = 0 THEN failed_at_ms END, failure = CASE WHEN ?7 = 0 THEN failure END \
             WHERE channel_id = ?1 AND removed_at_ms IS NULL",
            values![
                channel.channel_id,
                channel.name,
                channel.host,
                wishes,
                channel.sealed.key_id,
                channel.sealed.bytes,
                members.contains(&"address"),
            ],
        )?;
        let detail = json!({"channelId": channel.channel_id, "name": channel.name, "changed": members});
        self.append_audit(NewAuditEvent::new(Event::ChannelChanged).principal(by).detail(detail))
    }

    /// Removes a channel and wipes its address, with the event that tells of it.
    pub fn remove_channel(&mut self, channel: &Channel, by: &PrincipalName) -> Result<()> {
        self.cache.listeners = None;
        self.sql.write(
            "UPDATE channels SET key_id = NULL, sealed = NULL, removed_at_ms = ?2, removed_by = ?3 \
             WHERE channel_id = ?1 AND removed_at_ms IS NULL",
            values![channel.channel_id, self.now, by],
        )?;
        let detail = json!({"channelId": channel.channel_id, "name": channel.name});
        self.append_audit(NewAuditEvent::new(Event::ChannelRemoved).principal(by).detail(detail))
    }

    /// Removes the channels that a browser has subscribed in a session that is over: by a log-out, by its age, or because the token
    /// that it hangs on is revoked.
    pub fn remove_ended_subscriptions(&mut self) -> Result<()> {
        let sql = concat!("SELECT c.channel_id ", ended_subscriptions!("?1"));
        for id in self.sql.rows(sql, values![self.now], |row| row.get::<ChannelId>(0))? {
            if let Some(channel) = self.channel(&id)? {
                self.remove_channel(&channel, &channel.owner)?;
            }
        }
        Ok(())
    }

    /// Replaces the sealed address of a channel.
    pub fn reseal_channel(&mut self, id: &ChannelId, sealed: &SealedValue) -> Result<()> {
        let sql = "UPDATE channels SET key_id = ?2, sealed = ?3 WHERE channel_id = ?1";
        self.sql.write(sql, values![id, sealed.key_id, sealed.bytes])
    }

    /// Appends the event that tells of a new secret of a channel.
    pub fn channel_rotated(&mut self, channel: &Channel, by: &PrincipalName, until: Timestamp) -> Result<()> {
        let detail = json!({"channelId": channel.channel_id, "oldSecretUntil": until});
        self.append_audit(NewAuditEvent::new(Event::ChannelRotated).principal(by).detail(detail))
    }

    /// Turns a channel off, whose receiver is gone, with the event that tells of it.
    pub(super) fn disable_channel(&mut self, number: i64, why: &str) -> Result<()> {
        self.cache.listeners = None;
        let changed = self.sql.execute(
            "UPDATE channels SET disabled_at_ms = ?2, disabled_why = ?3 \
             WHERE channel_number = ?1 AND disabled_at_ms IS NULL AND removed_at_ms IS NULL",
            values![number, self.now, why],
        )?;
        if changed == 0 {
            return Ok(());
        }
        let sql = "SELECT channel_id FROM channels WHERE channel_number = ?1";
        let missing = || Error::Corrupt { table: "channels", key: number.to_string() };
        let channel_id: ChannelId = self.sql.value(sql, values![number])?.ok_or_else(missing)?;
        let detail = json!({"channelId": channel_id, "why": why});
        self.append_audit(NewAuditEvent::new(Event::ChannelDisabled).detail(detail))
    }

    /// Keeps the key that push services know this server by.
    pub fn insert_push_key(&mut self, key: &StoredPushKey) -> Result<()> {
        self.sql.write(
            "INSERT INTO push_keys (push_key_number, public_key, key_id, sealed, created_at_ms) VALUES (1, ?1, ?2, ?3, ?4)",
            values![key.public, key.sealed.key_id, key.sealed.bytes, self.now],
        )
    }

    /// Replaces its sealed private half.
    pub fn reseal_push_key(&mut self, sealed: &SealedValue) -> Result<()> {
        self.sql.write("UPDATE push_keys SET key_id = ?1, sealed = ?2", values![sealed.key_id, sealed.bytes])
    }
}

/// What a sender needs to know of a channel.
#[derive(Clone, Debug)]
pub struct ChannelToSend {
    /// Its id, by which its address opens.
    pub channel_id: ChannelId,
    /// What takes its notices.
    pub kind: ChannelKind,
    /// Its address.
    pub sealed: SealedValue,
}
