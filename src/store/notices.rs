//! The table `notices`: what is to leave the machine, written in the transaction of what it tells of, and what it says.
//!
//! A notice holds no word of what it tells: that is read from the interaction when it is sent, so that one about something
//! that is over is dropped. `outbox.rs` has how they are sent.

use super::channels::{Listener, may_send};
use super::sql::{Row, values};
use super::{Error, ReadTx, Result, WriteTx};
use crate::clock::Timestamp;
use crate::domain::enums::RiskLevel;
use crate::domain::id::{NoticeId, RequestId};
use crate::domain::interaction::{Interaction, Status};
use crate::domain::notice::{About, Item, Notice, Said};

/// What is said of an interaction, as far as its notice says it, in the order that [`item_from`] reads.
macro_rules! item_columns {
    () => {
        "i.request_id, i.kind, i.tool_name, n.risk_level, i.registered_by, i.expires_at_ms"
    };
}

/// Whether an interaction can still be answered; a place for the time.
macro_rules! is_open {
    ($now:literal) => {
        concat!("i.status = 'pending' AND (i.expires_at_ms IS NULL OR i.expires_at_ms > ", $now, ")")
    };
}

/// The number of the next notice.
macro_rules! next_notice {
    () => {
        "(SELECT coalesce(max(notice_number), 0) + 1 FROM notices)"
    };
}

pub(super) use {is_open, next_notice};

/// The rows of those notices of which another one tells that what they are about waits.
pub type Told = Vec<i64>;

fn item_from(row: &Row<'_>) -> Result<Item> {
    Ok(Item {
        request_id: row.get(0)?,
        kind: row.get(1)?,
        tool_name: row.get(2)?,
        risk: row.get(3)?,
        agent: row.get(4)?,
        expires_at: row.get(5)?,
    })
}

impl ReadTx<'_> {
    /// What a notice says at `now`, and of which it tells that they wait; `None` where there is nothing to say any more, or nobody to
    /// say it to.
    pub fn notice(&self, number: i64, now: Timestamp) -> Result<Option<(Notice, Told)>> {
        let sql = concat!(
            "SELECT n.notice_id, n.about, n.created_at_ms FROM notices AS n JOIN channels AS c USING (channel_number) \
             WHERE n.notice_number = ?1 AND n.status = 'waiting' AND ",
            may_send!("?2")
        );
        let read = |row: &Row<'_>| Ok((row.get(0)?, row.get::<About>(1)?, row.get(2)?));
        let Some((notice_id, about, at)) = self.sql.row(sql, values![number, now], read)? else { return Ok(None) };
        let said = match about {
            About::Pending => self.open_item(number, now)?.map(|item| (Said::Pending(item), vec![number])),
            About::Resolved => self.ended_item(number)?.map(|said| (said, Told::new())),
            About::Waiting => self.gathered(number, now)?,
        };
        Ok(said.map(|(said, told)| (Notice { notice_id, at, said }, told)))
    }

    /// The interaction of a notice, while it can be answered.
    pub(super) fn open_item(&self, number: i64, now: Timestamp) -> Result<Option<Item>> {
        let sql = concat!(
            "SELECT ",
            item_columns!(),
            " FROM notices AS n JOIN interactions AS i USING (interaction_id) WHERE notice_number = ?1 AND ",
            is_open!("?2")
        );
        self.sql.row(sql, values![number, now], item_from)
    }

    /// The interaction of a notice, and how it has ended.
    fn ended_item(&self, number: i64) -> Result<Option<Said>> {
        let sql = concat!(
            "SELECT ",
            item_columns!(),
            ", i.status, i.resolved_at_ms FROM notices AS n JOIN interactions AS i USING (interaction_id) WHERE notice_number = ?1"
        );
        let read = |row: &Row<'_>| Ok((item_from(row)?, row.get::<Status>(6)?, row.get::<Option<Timestamp>>(7)?));
        Ok(match self.sql.row(sql, values![number], read)? {
            Some((item, Status::Resolved(outcome), Some(at))) => Some(Said::Resolved { item, outcome, at }),
            Some(_) | None => None,
        })
    }
}

impl WriteTx<'_> {
    /// Writes a notice of a new interaction, which is pending, for each channel whose owner wants to hear of it. Who has registered
    /// it hears of it only where `own_counts`.
    pub fn announce(&mut self, interaction: &Interaction, risk: Option<RiskLevel>, own_counts: bool) -> Result<()> {
        if self.listeners()?.is_empty() {
            return Ok(());
        }
        let listens = |listener: &&Listener| {
            (own_counts || listener.owner != interaction.registered_by)
                && listener.wishes.include(interaction.kind, risk)
        };
        let numbers: Vec<i64> = self.listeners()?.iter().filter(listens).map(|listener| listener.number).collect();
        for number in numbers {
            self.insert_notice(number, About::Pending, &interaction.request_id, risk)?;
        }
        Ok(())
    }

    fn insert_notice(
        &mut self,
        channel: i64,
        about: About,
        request_id: &RequestId,
        risk: Option<RiskLevel>,
    ) -> Result<()> {
        self.committed.has_notices = true;
        self.sql.write(
            concat!(
                "INSERT INTO notices (notice_number, notice_id, channel_number, about, interaction_id, risk_level, status, \
                 created_at_ms, next_at_ms) SELECT ",
                next_notice!(),
                ", ?1, ?2, ?3, interaction_id, ?5, 'waiting', ?6, ?6 FROM interactions WHERE request_id = ?4"
            ),
            values![NoticeId::generate(), channel, about, request_id, risk, self.now],
        )
    }

    /// An interaction has ended: what was to tell of it is dropped, whether or not it was sent in vain before, and channels that were
    /// told hear of that, where their owners want it.
    pub(super) fn announce_end(&mut self, interaction: &Interaction) -> Result<()> {
        if self.listeners()?.is_empty() {
            return Ok(());
        }
        self.sql.write(
            "UPDATE notices SET status = 'dropped', ended_at_ms = ?2 WHERE status = 'waiting' AND held_until_ms IS NULL \
             AND about = 'pending' AND interaction_id = (SELECT interaction_id FROM interactions WHERE request_id = ?1)",
            values![interaction.request_id, self.now],
        )?;
        for (channel, risk) in self.told_channels(&interaction.request_id)? {
            if self.hears_of_ends(channel)? {
                self.insert_notice(channel, About::Resolved, &interaction.request_id, risk)?;
            }
        }
        Ok(())
    }

    /// A notice has arrived that has told of what these are about: what of it has ended meanwhile is told, where the owner wants it.
    pub(super) fn announce_ends_meanwhile(&mut self, channel: i64, number: i64, told: &[i64]) -> Result<()> {
        if !self.hears_of_ends(channel)? {
            return Ok(());
        }
        for (request_id, risk) in self.ended_meanwhile(number, told)? {
            self.insert_notice(channel, About::Resolved, &request_id, risk)?;
        }
        Ok(())
    }

    fn hears_of_ends(&mut self, channel: i64) -> Result<bool> {
        Ok(self.listeners()?.iter().any(|listener| listener.number == channel && listener.wishes.resolutions))
    }

    /// Whether a notice has anything to say now.
    pub(super) fn is_worth_sending(&self, number: i64) -> Result<bool> {
        let about = self.sql.value("SELECT about FROM notices WHERE notice_number = ?1", values![number])?;
        match about.ok_or_else(|| Error::Corrupt { table: "notices", key: number.to_string() })? {
            About::Pending => Ok(self.open_item(number, self.now)?.is_some()),
            About::Resolved => Ok(true),
            About::Waiting => self.has_gathered(number, self.now),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::enums::Kind;
    use crate::store::sqlite::in_memory;
    use crate::store::writer_cache::WriterCache;

    /// Where the tables are gone, a statement about them would fail.
    #[test]
    fn without_a_channel_no_statement_is_run_but_the_first() {
        let conn = in_memory::database();
        let now = Timestamp::from_millis(1).unwrap();
        let interaction = Interaction {
            request_id: "r".parse().unwrap(),
            kind: Kind::Confirmation,
            conversation_id: None,
            tool_name: None,
            registered_by: "builder".parse().unwrap(),
            created_at: now,
            expires_at: None,
            claim_within_ms: None,
            resolution: None,
        };
        let mut cache = WriterCache::default();
        WriteTx::new(&conn, &mut cache, now).announce(&interaction, None, false).unwrap();
        conn.execute_batch("DROP TABLE notices; DROP TABLE channels").unwrap();
        let mut tx = WriteTx::new(&conn, &mut cache, now);
        tx.announce(&interaction, Some(RiskLevel::High), true).unwrap();
        tx.announce_end(&interaction).unwrap();
        assert!(!tx.committed.has_notices);
    }
}
