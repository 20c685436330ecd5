//! The table `notices`: what is to leave the machine, written in the transaction of what it tells of, and what it says.
//!
//! A notice holds no word of what it tells: that is read from the interaction when it is sent, so that one about something
//! that is over is dropped. `outbox.rs` has how they are sent.

use rusqlite::{OptionalExtension, Row, params};

use super::channels::Listener;
use super::{ReadTx, Result, WriteTx};
use crate::clock::Timestamp;
use crate::domain::enums::RiskLevel;
use crate::domain::id::{NoticeId, RequestId};
use crate::domain::interaction::{Interaction, Status};
use crate::domain::notice::{About, Item, NAMED_AGENTS, Notice, OfAgent, Said};

/// What is said of an interaction, as far as its notice says it, in the order that [`item_from`] reads.
macro_rules! item_columns {
    () => {
        "i.request_id, i.kind, i.tool_name, n.risk_level, i.registered_by, i.expires_at_ms"
    };
}

/// Whether an interaction can still be answered.
macro_rules! is_open {
    () => {
        "i.status = 'pending' AND (i.expires_at_ms IS NULL OR i.expires_at_ms > :now)"
    };
}

pub(super) use is_open;

fn item_from(row: &Row<'_>) -> rusqlite::Result<Item> {
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
    /// What a notice says at `now`; `None` where there is nothing to say any more.
    pub fn notice(&self, number: i64, now: Timestamp) -> Result<Option<Notice>> {
        let mut statement = self.conn.prepare_cached(
            "SELECT notice_id, about, created_at_ms FROM notices WHERE notice_number = ?1 AND status = 'waiting'",
        )?;
        let found = statement.query_row([number], |row| {
            Ok((row.get::<_, NoticeId>(0)?, row.get::<_, About>(1)?, row.get::<_, Timestamp>(2)?))
        });
        let Some((notice_id, about, at)) = found.optional()? else { return Ok(None) };
        let said = match about {
            About::Pending => self.open_item(number, now)?.map(Said::Pending),
            About::Resolved => self.ended_item(number)?,
            About::Waiting => self.gathered(number, now)?,
        };
        Ok(said.map(|said| Notice { notice_id, at, said }))
    }

    /// The interaction of a notice, while it can be answered.
    fn open_item(&self, number: i64, now: Timestamp) -> Result<Option<Item>> {
        let sql = concat!(
            "SELECT ",
            item_columns!(),
            " FROM notices AS n JOIN interactions AS i USING (interaction_id) WHERE notice_number = :number AND ",
            is_open!()
        );
        let values = rusqlite::named_params! {":number": number, ":now": now};
        Ok(self.conn.prepare_cached(sql)?.query_row(values, item_from).optional()?)
    }

    /// The interaction of a notice, and how it has ended.
    fn ended_item(&self, number: i64) -> Result<Option<Said>> {
        let sql = concat!(
            "SELECT ",
            item_columns!(),
            ", i.status, i.resolved_at_ms FROM notices AS n JOIN interactions AS i USING (interaction_id) WHERE notice_number = ?1"
        );
        let ended = self.conn.prepare_cached(sql)?.query_row([number], |row| {
            Ok((item_from(row)?, row.get::<_, Status>(6)?, row.get::<_, Option<Timestamp>>(7)?))
        });
        Ok(match ended.optional()? {
            Some((item, Status::Resolved(outcome), Some(at))) => Some(Said::Resolved { item, outcome, at }),
            Some(_) | None => None,
        })
    }

    /// What a notice about several tells.
    fn gathered(&self, number: i64, now: Timestamp) -> Result<Option<Said>> {
        let sql = concat!(
            "SELECT i.registered_by, count(*), count(*) FILTER (WHERE n.risk_level = 'high'), min(n.notice_number) \
             FROM notices AS n JOIN interactions AS i USING (interaction_id) \
             WHERE n.gathered_in = :number AND n.about = 'pending' AND ",
            is_open!(),
            " GROUP BY i.registered_by ORDER BY 4"
        );
        let mut statement = self.conn.prepare_cached(sql)?;
        let values = rusqlite::named_params! {":number": number, ":now": now};
        let of_agents = statement
            .query_map(values, |row| Ok((row.get::<_, u64>(1)?, row.get::<_, u64>(2)?, row.get::<_, i64>(3)?)))?;
        let of_agents = of_agents.collect::<rusqlite::Result<Vec<_>>>()?;
        let resolved: u64 = self
            .conn
            .prepare_cached("SELECT count(*) FROM notices WHERE gathered_in = ?1 AND about = 'resolved'")?
            .query_row([number], |row| row.get(0))?;
        let count = of_agents.iter().map(|(count, ..)| count).sum();
        let high = of_agents.iter().map(|(_, high, _)| high).sum();
        let mut agents = Vec::new();
        for (count, _, first) in of_agents.iter().take(NAMED_AGENTS) {
            agents.extend(self.open_item(*first, now)?.map(|first| OfAgent { count: *count, first }));
        }
        Ok(match (count, resolved) {
            (0, 0) => None,
            (1, 0) => agents.pop().map(|alone| Said::Pending(alone.first)),
            _ => Some(Said::Waiting { count, high, resolved, agents }),
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
        self.conn
            .prepare_cached(
                "INSERT INTO notices (notice_id, channel_number, about, interaction_id, risk_level, status, created_at_ms, next_at_ms) \
                 SELECT ?1, ?2, ?3, interaction_id, ?5, 'waiting', ?6, ?6 FROM interactions WHERE request_id = ?4",
            )?
            .execute(params![NoticeId::generate(), channel, about, request_id, risk, self.now])?;
        Ok(())
    }

    /// An interaction has ended: what was to tell of it is dropped, and channels that were told hear of that, where their owners
    /// want it.
    pub(super) fn announce_end(&mut self, interaction: &Interaction) -> Result<()> {
        if self.listeners()?.is_empty() {
            return Ok(());
        }
        self.conn
            .prepare_cached(
                "UPDATE notices SET status = 'dropped', ended_at_ms = ?2 WHERE status = 'waiting' AND tried_at_ms IS NULL \
                 AND about = 'pending' AND interaction_id = (SELECT interaction_id FROM interactions WHERE request_id = ?1)",
            )?
            .execute(params![interaction.request_id, self.now])?;
        let mut statement = self.conn.prepare_cached(
            "SELECT n.channel_number, n.risk_level FROM notices AS n LEFT JOIN notices AS g ON g.notice_number = n.gathered_in \
             WHERE n.interaction_id = (SELECT interaction_id FROM interactions WHERE request_id = ?1) \
             AND n.about = 'pending' AND coalesce(n.tried_at_ms, g.tried_at_ms) IS NOT NULL",
        )?;
        let told = statement.query_map([&interaction.request_id], |row| Ok((row.get(0)?, row.get(1)?)))?;
        let told = told.collect::<rusqlite::Result<Vec<(i64, Option<RiskLevel>)>>>()?;
        let wants: Vec<i64> = self
            .listeners()?
            .iter()
            .filter(|listener| listener.wishes.resolutions)
            .map(|listener| listener.number)
            .collect();
        for (channel, risk) in told.into_iter().filter(|(channel, _)| wants.contains(channel)) {
            self.insert_notice(channel, About::Resolved, &interaction.request_id, risk)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use rusqlite::Connection;

    use super::*;
    use crate::domain::enums::Kind;
    use crate::store::migrate::migrate;
    use crate::store::writer_cache::WriterCache;

    /// Where the tables are gone, a statement about them would fail.
    #[test]
    fn without_a_channel_no_statement_is_run_but_the_first() {
        let mut conn = Connection::open_in_memory().unwrap();
        migrate(&mut conn).unwrap();
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
