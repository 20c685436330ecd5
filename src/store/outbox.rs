//! The outbox: how what waits in the table `notices` is sent.
//!
//! Every channel is sent to in turn, one notice at a time: [`WriteTx::take_notice`] takes the next one for a while, and
//! [`WriteTx::notice_sent`], [`WriteTx::notice_dropped`] or [`WriteTx::notice_failed`] says what came of it.

use rusqlite::{OptionalExtension, params};
use serde_json::json;

use super::channels::{ChannelToSend, wishes_from};
use super::notices::is_open;
use super::{Error, ReadTx, Result, WriteTx};
use crate::clock::Timestamp;
use crate::domain::audit::{Event, NewAuditEvent};
use crate::domain::channel::Wishes;
use crate::domain::id::NoticeId;
use crate::domain::notice::RETRIES_S;
use crate::domain::secret_value::SealedValue;

/// The most rows that one transaction drops, gathers or deletes, so that no other write waits long behind it.
const AT_ONCE: u32 = 500;

/// How long a sender has a notice, in milliseconds: longer than any attempt takes.
const HELD_MS: u64 = 60_000;

/// How long what has ended is kept, in milliseconds: 30 days.
const KEPT_MS: u64 = 30 * 24 * 60 * 60 * 1000;

/// A channel that has notices waiting, and from when on the next one may be sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DueChannel {
    /// The channel's row.
    pub number: i64,
    /// From when on.
    pub at: Timestamp,
}

/// What came of taking the next notice of a channel.
#[derive(Clone, Debug)]
pub enum Taken {
    /// This one is the sender's for a while.
    Notice(TakenNotice),
    /// None was to be sent; some rows were looked at and are done with.
    Cleared,
    /// None is to be sent now.
    None,
}

/// A notice that a sender has.
#[derive(Clone, Debug)]
pub struct TakenNotice {
    /// Its row.
    pub number: i64,
    /// Whether more of what waits may have to be gathered in it, by [`WriteTx::gather`].
    pub gathers: bool,
    /// Where it goes.
    pub channel: ChannelToSend,
}

/// How a channel stands, as taking from it needs to know.
struct Sending {
    wishes: Wishes,
    spoke_at: Option<Timestamp>,
    /// `None` where nothing is to be sent: it is off or removed, or its owner has no token any more.
    channel: Option<ChannelToSend>,
}

impl ReadTx<'_> {
    /// The channels that have notices waiting, the one that has been silent longest first, and when each may speak from `now` on.
    pub fn due_channels(&self, now: Timestamp) -> Result<Vec<DueChannel>> {
        let mut statement = self.conn.prepare_cached(
            "SELECT channel_number, wishes, spoke_at_ms, \
             (SELECT min(next_at_ms) FROM notices AS n WHERE n.channel_number = c.channel_number AND status = 'waiting' AND tried_at_ms IS NULL), \
             (SELECT min(next_at_ms) FROM notices AS n WHERE n.channel_number = c.channel_number AND status = 'waiting' AND tried_at_ms IS NOT NULL) \
             FROM channels AS c ORDER BY spoke_at_ms, channel_number",
        )?;
        let mut rows = statement.query([])?;
        let mut due = Vec::new();
        while let Some(row) = rows.next()? {
            let number = row.get(0)?;
            let wishes = wishes_from(row, 1, &number)?;
            let new = row.get::<_, Option<Timestamp>>(3)?;
            let new = match new {
                Some(at) => Some(wishes.speaks_at(at.max(now), row.get(2)?)),
                None => None,
            };
            let again = row.get::<_, Option<Timestamp>>(4)?.map(|at| wishes.after_quiet(at.max(now)));
            due.extend([new, again].into_iter().flatten().min().map(|at| DueChannel { number, at }));
        }
        Ok(due)
    }

    /// Whether a sender has any notice, or had it as its process died.
    pub fn has_held_notices(&self) -> Result<bool> {
        let held = "SELECT 1 FROM notices WHERE status = 'waiting' AND tried_at_ms IS NOT NULL AND held_until_ms IS NOT NULL LIMIT 1";
        Ok(self.conn.prepare_cached(held)?.exists([])?)
    }
}

impl WriteTx<'_> {
    /// Gives back what a sender had that is no more: at the start of a server, which owns the file.
    pub fn release_notices(&mut self) -> Result<()> {
        self.conn
            .prepare_cached(
                "UPDATE notices SET next_at_ms = ?1, held_until_ms = NULL WHERE status = 'waiting' AND held_until_ms IS NOT NULL",
            )?
            .execute([self.now])?;
        Ok(())
    }

    /// Takes the next notice of a channel, which is then this sender's for a minute. Several that came while the channel was
    /// silent are gathered in one.
    pub fn take_notice(&mut self, channel: i64) -> Result<Taken> {
        let Some(Sending { wishes, spoke_at, channel: to_send }) = self.sending(channel)? else {
            return Ok(Taken::None);
        };
        let Some(to_send) = to_send else {
            return Ok(if self.drop_notices(channel)? { Taken::Cleared } else { Taken::None });
        };
        if wishes.after_quiet(self.now) > self.now {
            return Ok(Taken::None);
        }
        if let Some(number) = self.first_due(channel, true)? {
            self.hold(channel, number)?;
            return Ok(Taken::Notice(TakenNotice { number, gathers: false, channel: to_send }));
        }
        if wishes.speaks_at(self.now, spoke_at) > self.now {
            return Ok(Taken::None);
        }
        if self.drop_what_is_over(channel)? {
            return Ok(Taken::Cleared);
        }
        let Some(first) = self.first_due(channel, false)? else { return Ok(Taken::None) };
        let gathers = wishes.pace_ms > 0 && self.has_more_than(channel, first)?;
        let number = if gathers { self.begin_gathering(channel)? } else { first };
        self.hold(channel, number)?;
        Ok(Taken::Notice(TakenNotice { number, gathers, channel: to_send }))
    }

    fn sending(&self, channel: i64) -> Result<Option<Sending>> {
        let mut statement = self.conn.prepare_cached(
            "SELECT channel_id, wishes, spoke_at_ms, kind, key_id, sealed, disabled_at_ms IS NULL AND EXISTS \
             (SELECT 1 FROM tokens WHERE principal = owner AND revoked_at_ms IS NULL) FROM channels WHERE channel_number = ?1",
        )?;
        let mut rows = statement.query([channel])?;
        let Some(row) = rows.next()? else { return Ok(None) };
        let sealed = row.get::<_, Option<String>>(4)?.zip(row.get::<_, Option<Vec<u8>>>(5)?);
        let to_send = match sealed.filter(|_| row.get(6).unwrap_or(false)) {
            Some((key_id, bytes)) => {
                let sealed = SealedValue { key_id, bytes };
                Some(ChannelToSend { channel_id: row.get(0)?, kind: row.get(3)?, sealed })
            }
            None => None,
        };
        let wishes = wishes_from(row, 1, &channel)?;
        Ok(Some(Sending { wishes, spoke_at: row.get(2)?, channel: to_send }))
    }

    /// The first notice of a channel that is due: one that has been tried, or a new one.
    fn first_due(&self, channel: i64, again: bool) -> Result<Option<i64>> {
        let sql = match again {
            true => {
                "SELECT notice_number FROM notices WHERE channel_number = ?1 AND status = 'waiting' AND tried_at_ms IS NOT NULL \
                 AND next_at_ms <= ?2 ORDER BY next_at_ms, notice_number LIMIT 1"
            }
            false => {
                "SELECT notice_number FROM notices WHERE channel_number = ?1 AND status = 'waiting' AND tried_at_ms IS NULL \
                 AND next_at_ms <= ?2 ORDER BY next_at_ms, notice_number LIMIT 1"
            }
        };
        let found = self.conn.prepare_cached(sql)?.query_row(params![channel, self.now], |row| row.get(0));
        Ok(found.optional()?)
    }

    fn has_more_than(&self, channel: i64, first: i64) -> Result<bool> {
        let mut statement = self.conn.prepare_cached(
            "SELECT 1 FROM notices WHERE channel_number = ?1 AND status = 'waiting' AND tried_at_ms IS NULL AND next_at_ms <= ?2 \
             AND notice_number <> ?3 LIMIT 1",
        )?;
        Ok(statement.exists(params![channel, self.now, first])?)
    }

    /// Takes a notice, if it is due and nobody has it: the one conditional update by which exactly one sender does.
    fn hold(&mut self, channel: i64, number: i64) -> Result<()> {
        let until = self.now.plus_millis(HELD_MS).unwrap_or(self.now);
        let changed = self
            .conn
            .prepare_cached(
                "UPDATE notices SET held_until_ms = ?2, next_at_ms = ?2, tried_at_ms = coalesce(tried_at_ms, ?3) \
                 WHERE notice_number = ?1 AND status = 'waiting' AND next_at_ms <= ?3 \
                 AND (held_until_ms IS NULL OR held_until_ms <= ?3)",
            )?
            .execute(params![number, until, self.now])?;
        if changed != 1 {
            return Err(Error::Corrupt { table: "notices", key: number.to_string() });
        }
        self.conn
            .prepare_cached("UPDATE channels SET spoke_at_ms = ?2 WHERE channel_number = ?1")?
            .execute(params![channel, self.now])?;
        Ok(())
    }

    /// Drops notices of a channel that is to be sent nothing more, some of them; whether there were any.
    fn drop_notices(&self, channel: i64) -> Result<bool> {
        let dropped = self
            .conn
            .prepare_cached(
                "UPDATE notices SET status = 'dropped', ended_at_ms = ?2, held_until_ms = NULL WHERE notice_number IN \
                 (SELECT notice_number FROM notices WHERE channel_number = ?1 AND status = 'waiting' LIMIT ?3)",
            )?
            .execute(params![channel, self.now, AT_ONCE])?;
        Ok(dropped > 0)
    }

    /// Drops new notices about what can no longer be answered, some of them; whether there were any.
    fn drop_what_is_over(&self, channel: i64) -> Result<bool> {
        let sql = concat!(
            "UPDATE notices SET status = 'dropped', ended_at_ms = :now WHERE notice_number IN \
             (SELECT notice_number FROM notices AS n JOIN interactions AS i USING (interaction_id) WHERE channel_number = :channel \
              AND n.status = 'waiting' AND n.tried_at_ms IS NULL AND n.about = 'pending' AND NOT (",
            is_open!(),
            ") LIMIT :limit)"
        );
        let values = rusqlite::named_params! {":channel": channel, ":now": self.now, ":limit": AT_ONCE};
        Ok(self.conn.prepare_cached(sql)?.execute(values)? > 0)
    }

    /// Makes the notice that tells of several, and gathers the first of them.
    fn begin_gathering(&mut self, channel: i64) -> Result<i64> {
        self.conn
            .prepare_cached(
                "INSERT INTO notices (notice_id, channel_number, about, status, created_at_ms, next_at_ms) \
                 VALUES (?1, ?2, 'waiting', 'waiting', ?3, ?3)",
            )?
            .execute(params![NoticeId::generate(), channel, self.now])?;
        let number = self.conn.last_insert_rowid();
        self.gather(number)?;
        Ok(number)
    }

    /// Gathers more of what waits in a notice that tells of several; whether there may be more still.
    pub fn gather(&mut self, number: i64) -> Result<bool> {
        let gathered = self
            .conn
            .prepare_cached(
                "UPDATE notices SET status = 'gathered', gathered_in = ?1, ended_at_ms = ?2 WHERE notice_number IN \
                 (SELECT n.notice_number FROM notices AS n JOIN notices AS into_it ON into_it.notice_number = ?1 \
                  WHERE n.channel_number = into_it.channel_number AND n.status = 'waiting' AND n.tried_at_ms IS NULL \
                  AND n.notice_number <> ?1 AND n.next_at_ms <= ?2 ORDER BY n.next_at_ms LIMIT ?3)",
            )?
            .execute(params![number, self.now, AT_ONCE])?;
        Ok(gathered >= AT_ONCE as usize)
    }

    /// A notice has arrived. What else waits for its channel after failures is tried again now.
    pub fn notice_sent(&mut self, number: i64) -> Result<()> {
        self.end_notice(number, "sent", None)?;
        let channel = self.channel_of(number)?;
        self.conn
            .prepare_cached("UPDATE channels SET sent_at_ms = ?2 WHERE channel_number = ?1 AND removed_at_ms IS NULL")?
            .execute(params![channel, self.now])?;
        self.conn
            .prepare_cached(
                "UPDATE notices SET next_at_ms = ?2 WHERE channel_number = ?1 AND status = 'waiting' AND tried_at_ms IS NOT NULL \
                 AND held_until_ms IS NULL AND next_at_ms > ?2",
            )?
            .execute(params![channel, self.now])?;
        Ok(())
    }

    /// There was nothing to say any more when a notice was to be sent.
    pub fn notice_dropped(&mut self, number: i64) -> Result<()> {
        self.end_notice(number, "dropped", None)
    }

    /// A notice could not be sent: it is sent again later, or it has failed for good. Whether it has.
    pub fn notice_failed(&mut self, number: i64, why: &str) -> Result<bool> {
        let channel = self.channel_of(number)?;
        self.conn
            .prepare_cached(
                "UPDATE channels SET failed_at_ms = ?2, failure = ?3 WHERE channel_number = ?1 AND removed_at_ms IS NULL",
            )?
            .execute(params![channel, self.now, why])?;
        let mut statement =
            self.conn.prepare_cached("SELECT failures FROM notices WHERE notice_number = ?1 AND status = 'waiting'")?;
        let Some(failures) = statement.query_row([number], |row| row.get::<_, usize>(0)).optional()? else {
            return Ok(false);
        };
        let again = RETRIES_S.get(failures).and_then(|seconds| self.now.plus_millis(seconds * 1000));
        if let Some(again) = again {
            self.conn
                .prepare_cached(
                    "UPDATE notices SET failures = failures + 1, failure = ?2, held_until_ms = NULL, next_at_ms = ?3 \
                     WHERE notice_number = ?1 AND status = 'waiting'",
                )?
                .execute(params![number, why, again])?;
            return Ok(false);
        }
        self.end_notice(number, "failed", Some(why))?;
        let mut statement = self.conn.prepare_cached(
            "SELECT notice_id, channel_id FROM notices JOIN channels USING (channel_number) WHERE notice_number = ?1",
        )?;
        let (notice_id, channel_id): (String, String) =
            statement.query_row([number], |row| Ok((row.get(0)?, row.get(1)?)))?;
        let detail = json!({"noticeId": notice_id, "channelId": channel_id, "why": why});
        self.append_audit(NewAuditEvent::new(Event::NoticeFailed).detail(detail))?;
        Ok(true)
    }

    /// The receiver of a notice is gone for good: its channel is turned off.
    pub fn receiver_gone(&mut self, number: i64, why: &str) -> Result<()> {
        let channel = self.channel_of(number)?;
        self.end_notice(number, "dropped", Some(why))?;
        self.disable_channel(channel, why)
    }

    fn channel_of(&self, number: i64) -> Result<i64> {
        let mut statement = self.conn.prepare_cached("SELECT channel_number FROM notices WHERE notice_number = ?1")?;
        Ok(statement.query_row([number], |row| row.get(0))?)
    }

    fn end_notice(&self, number: i64, status: &str, why: Option<&str>) -> Result<()> {
        self.conn
            .prepare_cached(
                "UPDATE notices SET status = ?2, ended_at_ms = ?3, held_until_ms = NULL, failure = coalesce(?4, failure), \
                 failures = failures + (?4 IS NOT NULL) WHERE notice_number = ?1 AND status = 'waiting'",
            )?
            .execute(params![number, status, self.now, why])?;
        Ok(())
    }

    /// Deletes notices that ended long ago, some of them; whether there may be more.
    pub fn delete_old_notices(&self) -> Result<bool> {
        let Some(before) = self.now.as_millis().checked_sub_unsigned(KEPT_MS).and_then(Timestamp::from_millis) else {
            return Ok(false);
        };
        // What is pending stays: whoever was told of it may have to hear of its end.
        let mut statement = self.conn.prepare_cached(
            "SELECT notice_number, n.created_at_ms > ?1, n.ended_at_ms <= ?1 AND i.status IS NOT 'pending' \
             FROM notices AS n LEFT JOIN interactions AS i USING (interaction_id) ORDER BY notice_number",
        )?;
        let mut rows = statement.query([before])?;
        let mut old = Vec::<i64>::new();
        while let Some(row) = rows.next()? {
            if row.get(1)? || old.len() >= AT_ONCE as usize {
                break;
            }
            if row.get::<_, Option<bool>>(2)? == Some(true) {
                old.push(row.get(0)?);
            }
        }
        for number in &old {
            self.conn.prepare_cached("DELETE FROM notices WHERE notice_number = ?1")?.execute([number])?;
        }
        Ok(old.len() >= AT_ONCE as usize)
    }
}
