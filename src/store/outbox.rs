//! The outbox: how what waits in the table `notices` is sent.
//!
//! Every channel is sent to in turn, one notice at a time: [`WriteTx::take_notice`] takes the next one for a while, and
//! [`WriteTx::notice_sent`], [`WriteTx::notice_dropped`] or [`WriteTx::notice_failed`] says what came of it.

use std::ops::ControlFlow;

use serde_json::json;

use super::channels::{ChannelToSend, may_send, wishes_from};
use super::notices::is_open;
use super::sql::values;
use super::{Error, ReadTx, Result, WriteTx};
use crate::clock::Timestamp;
use crate::domain::audit::{Event, NewAuditEvent};
use crate::domain::channel::{ChannelKind, Wishes};
use crate::domain::id::PrincipalName;
use crate::domain::notice::{MOST_ALONE, RETRIES_S};
use crate::domain::secret_value::SealedValue;

/// The most rows that one transaction drops, gathers or deletes, so that no other write waits long behind it.
pub(super) const AT_ONCE: u32 = 500;

/// How long a sender has a notice, in milliseconds: longer than any attempt takes.
const HELD_MS: u64 = 60_000;

/// A channel that has notices waiting, and from when on the next one may be sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DueChannel {
    /// The channel's row.
    pub number: i64,
    /// From when on.
    pub at: Timestamp,
    /// Whose it is.
    pub owner: PrincipalName,
    /// What takes its notices.
    pub kind: ChannelKind,
    /// What may be shown of its address: the host.
    pub host: String,
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
    /// Whether more of what waits may have to be gathered in it, by [`WriteTx::gather_notices`].
    pub gathers: bool,
    /// Where it goes.
    pub channel: ChannelToSend,
}

/// The notices of the channel `?1` that wait and that nobody has, by the indexes of what is new and what was tried.
macro_rules! waiting {
    () => {
        "(SELECT notice_number FROM notices WHERE channel_number = ?1 AND status = 'waiting' AND tried_at_ms IS NULL \
         UNION ALL SELECT notice_number FROM notices WHERE channel_number = ?1 AND status = 'waiting' AND tried_at_ms IS NOT NULL \
         AND held_until_ms IS NULL) AS free"
    };
}

pub(super) use waiting;

/// How a channel stands, as taking from it needs to know.
struct Sending {
    wishes: Wishes,
    spoke_at: Option<Timestamp>,
    sent_at: Option<Timestamp>,
    /// `None` where nothing is to be sent: it is off or removed, its browser is logged out, or its owner has no token any more.
    channel: Option<ChannelToSend>,
}

impl ReadTx<'_> {
    /// The channels that have notices waiting, the one that has been silent longest first, and when each may speak from `now` on.
    pub fn due_channels(&self, now: Timestamp) -> Result<Vec<DueChannel>> {
        let sql = "SELECT channel_number, wishes, spoke_at_ms, sent_at_ms, \
             (SELECT min(next_at_ms) FROM notices AS n WHERE n.channel_number = c.channel_number AND status = 'waiting' AND tried_at_ms IS NULL), \
             (SELECT min(next_at_ms) FROM notices AS n WHERE n.channel_number = c.channel_number AND status = 'waiting' AND tried_at_ms IS NOT NULL), \
             owner, kind, host FROM channels AS c ORDER BY spoke_at_ms NULLS FIRST, channel_number";
        let mut due = Vec::new();
        self.sql.each(sql, values![], |row| {
            let number = row.get(0)?;
            let (new, again) = (row.get::<Option<Timestamp>>(4)?, row.get::<Option<Timestamp>>(5)?);
            if new.is_none() && again.is_none() {
                return Ok(ControlFlow::Continue(()));
            }
            let wishes = wishes_from(row, 1, &number)?;
            let (spoke_at, sent_at) = (row.get(2)?, row.get(3)?);
            let new = new.map(|at| wishes.speaks_at(at.max(now), spoke_at));
            let again = again.map(|at| wishes.speaks_at(at.max(now), sent_at));
            let (owner, kind, host) = (row.get(6)?, row.get(7)?, row.get(8)?);
            due.extend([new, again].into_iter().flatten().min().map(|at| DueChannel { number, at, owner, kind, host }));
            Ok(ControlFlow::Continue(()))
        })?;
        Ok(due)
    }

    /// Whether a sender has any notice, or had it as its process died.
    pub fn has_held_notices(&self) -> Result<bool> {
        let held = "SELECT 1 FROM notices WHERE status = 'waiting' AND tried_at_ms IS NOT NULL AND held_until_ms IS NOT NULL LIMIT 1";
        self.sql.exists(held, values![])
    }
}

impl WriteTx<'_> {
    /// Gives back what a sender had that is no more: at the start of a server, which owns the file.
    pub fn release_notices(&mut self) -> Result<()> {
        self.sql.write(
            "UPDATE notices SET next_at_ms = ?1, held_until_ms = NULL WHERE status = 'waiting' AND held_until_ms IS NOT NULL",
            values![self.now],
        )
    }

    /// Takes the next notice of a channel, which is then this sender's for a minute. Whatever else waits for a channel that
    /// rests between notices is told in the same one, what could not be sent before as well; for one that does not rest, that is
    /// so where very much waits.
    pub fn take_notice(&mut self, channel: i64) -> Result<Taken> {
        let Some(Sending { wishes, spoke_at, sent_at, channel: to_send }) = self.sending(channel)? else {
            return Ok(Taken::None);
        };
        let Some(to_send) = to_send else {
            self.remove_ended_subscriptions()?;
            return Ok(if self.drop_notices(channel)? { Taken::Cleared } else { Taken::None });
        };
        if wishes.after_quiet(self.now) > self.now {
            return Ok(Taken::None);
        }
        if self.drop_what_is_over(channel)? {
            return Ok(Taken::Cleared);
        }
        let may_speak = |since| wishes.speaks_at(self.now, since) <= self.now;
        let again = if may_speak(sent_at) { self.first_due(channel, true)? } else { None };
        let new = if again.is_none() && may_speak(spoke_at) { self.first_due(channel, false)? } else { None };
        let Some(first) = again.or(new) else { return Ok(Taken::None) };
        if !self.is_worth_sending(first)? {
            self.notice_dropped(first)?;
            return Ok(Taken::Cleared);
        }
        let most_alone = if wishes.pace_ms > 0 { 1 } else { MOST_ALONE };
        let gathers = self.has_more_waiting_than(channel, most_alone)?;
        let number = if gathers { self.begin_gathering(channel)? } else { first };
        self.hold(channel, number)?;
        Ok(Taken::Notice(TakenNotice { number, gathers, channel: to_send }))
    }

    fn sending(&self, channel: i64) -> Result<Option<Sending>> {
        let sql = concat!(
            "SELECT channel_id, wishes, spoke_at_ms, kind, key_id, sealed, ",
            may_send!("?2"),
            ", sent_at_ms FROM channels AS c WHERE channel_number = ?1"
        );
        self.sql.row(sql, values![channel, self.now], |row| {
            let sealed = row.get::<Option<String>>(4)?.zip(row.get::<Option<Vec<u8>>>(5)?);
            let to_send = match sealed.filter(|_| row.get(6).unwrap_or(false)) {
                Some((key_id, bytes)) => {
                    let sealed = SealedValue { key_id, bytes };
                    Some(ChannelToSend { channel_id: row.get(0)?, kind: row.get(3)?, sealed })
                }
                None => None,
            };
            let wishes = wishes_from(row, 1, &channel)?;
            Ok(Sending { wishes, spoke_at: row.get(2)?, sent_at: row.get(7)?, channel: to_send })
        })
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
        self.sql.value(sql, values![channel, self.now])
    }

    /// Whether more than so many notices of a channel wait that nobody has, due or not.
    fn has_more_waiting_than(&self, channel: i64, most: u32) -> Result<bool> {
        self.sql.exists(concat!("SELECT 1 FROM ", waiting!(), " LIMIT 1 OFFSET ?2"), values![channel, most])
    }

    /// Takes a notice, if it is due and nobody has it: the one conditional update by which exactly one sender does.
    fn hold(&mut self, channel: i64, number: i64) -> Result<()> {
        let until = self.now.plus_millis(HELD_MS).unwrap_or(self.now);
        self.sql.write_one(
            "UPDATE notices SET held_until_ms = ?2, next_at_ms = ?2, tried_at_ms = coalesce(tried_at_ms, ?3) \
             WHERE notice_number = ?1 AND status = 'waiting' AND next_at_ms <= ?3 \
             AND (held_until_ms IS NULL OR held_until_ms <= ?3)",
            values![number, until, self.now],
            || Error::Corrupt { table: "notices", key: number.to_string() },
        )?;
        let sql = "UPDATE channels SET spoke_at_ms = ?2 WHERE channel_number = ?1";
        self.sql.write(sql, values![channel, self.now])
    }

    /// Drops notices of a channel that is to be sent nothing more, some of them; whether there were any.
    fn drop_notices(&self, channel: i64) -> Result<bool> {
        let sql = "UPDATE notices SET status = 'dropped', ended_at_ms = ?2, held_until_ms = NULL WHERE notice_number IN \
             (SELECT notice_number FROM notices WHERE channel_number = ?1 AND status = 'waiting' ORDER BY notice_number LIMIT ?3)";
        Ok(self.sql.execute(sql, values![channel, self.now, AT_ONCE])? > 0)
    }

    /// Drops notices about what can no longer be answered, some of them, sent in vain or not; whether there were any.
    fn drop_what_is_over(&self, channel: i64) -> Result<bool> {
        let sql = concat!(
            "UPDATE notices SET status = 'dropped', ended_at_ms = ?2 WHERE notice_number IN \
             (SELECT n.notice_number FROM (SELECT notice_number FROM ",
            waiting!(),
            ") AS one CROSS JOIN notices AS n USING (notice_number) JOIN interactions AS i USING (interaction_id) WHERE n.about = 'pending' AND NOT (",
            is_open!("?2"),
            ") LIMIT ?3)"
        );
        Ok(self.sql.execute(sql, values![channel, self.now, AT_ONCE])? > 0)
    }

    /// A notice has arrived, which has told of what these notices are about. What else waits for its channel after failures is
    /// tried again now.
    pub fn notice_sent(&mut self, number: i64, told: &[i64]) -> Result<()> {
        self.end_notice(number, "sent", None)?;
        let channel = self.channel_of(number)?;
        self.announce_ends_meanwhile(channel, number, told)?;
        self.sql.write(
            "UPDATE channels SET sent_at_ms = ?2 WHERE channel_number = ?1 AND removed_at_ms IS NULL",
            values![channel, self.now],
        )?;
        self.sql.write(
            "UPDATE notices SET next_at_ms = ?2 WHERE channel_number = ?1 AND status = 'waiting' AND tried_at_ms IS NOT NULL \
             AND held_until_ms IS NULL AND next_at_ms > ?2",
            values![channel, self.now],
        )
    }

    /// There was nothing to say any more when a notice was to be sent.
    pub fn notice_dropped(&mut self, number: i64) -> Result<()> {
        self.end_notice(number, "dropped", None)
    }

    /// A notice could not be sent: it is sent again later, unless what it tells of is over, or it has failed for good. Whether it
    /// has.
    pub fn notice_failed(&mut self, number: i64, why: &str) -> Result<bool> {
        let channel = self.channel_of(number)?;
        self.sql.write(
            "UPDATE channels SET failed_at_ms = ?2, failure = ?3 WHERE channel_number = ?1 AND removed_at_ms IS NULL",
            values![channel, self.now, why],
        )?;
        let sql = "SELECT failures FROM notices WHERE notice_number = ?1 AND status = 'waiting'";
        let Some(failures) = self.sql.value::<usize>(sql, values![number])? else { return Ok(false) };
        if !self.is_worth_sending(number)? {
            self.end_notice(number, "dropped", Some(why))?;
            return Ok(false);
        }
        let again = RETRIES_S.get(failures).and_then(|seconds| self.now.plus_millis(seconds * 1000));
        if let Some(again) = again {
            self.sql.write(
                "UPDATE notices SET failures = failures + 1, failure = ?2, held_until_ms = NULL, next_at_ms = ?3 \
                 WHERE notice_number = ?1 AND status = 'waiting'",
                values![number, why, again],
            )?;
            return Ok(false);
        }
        self.end_notice(number, "failed", Some(why))?;
        let sql =
            "SELECT notice_id, channel_id FROM notices JOIN channels USING (channel_number) WHERE notice_number = ?1";
        let ids = self.sql.row(sql, values![number], |row| Ok((row.get::<String>(0)?, row.get::<String>(1)?)))?;
        let none = || Error::Corrupt { table: "notices", key: number.to_string() };
        let (notice_id, channel_id) = ids.ok_or_else(none)?;
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

    pub(super) fn channel_of(&self, number: i64) -> Result<i64> {
        let channel = self.sql.value("SELECT channel_number FROM notices WHERE notice_number = ?1", values![number])?;
        channel.ok_or_else(|| Error::Corrupt { table: "notices", key: number.to_string() })
    }

    fn end_notice(&self, number: i64, status: &str, why: Option<&str>) -> Result<()> {
        self.sql.write(
            "UPDATE notices SET status = ?2, ended_at_ms = ?3, held_until_ms = NULL, failure = coalesce(?4, failure), \
             failures = failures + CASE WHEN ?4 IS NULL THEN 0 ELSE 1 END WHERE notice_number = ?1 AND status = 'waiting'",
            values![number, status, self.now, why],
        )
    }
}
