//! Notices that tell of several: what is gathered in them, and what they say.
//!
//! A notice that could not be sent is gathered in a later one with what came meanwhile, and that one again: so what is in a notice
//! is found by going down, and which notice has told of something by going up.

use std::collections::{BTreeMap, HashSet};
use std::ops::ControlFlow;

use super::notices::{Told, is_open, next_notice};
use super::outbox::{AT_ONCE, waiting};
use super::sql::values;
use super::{ReadTx, Result, WriteTx};
use crate::clock::Timestamp;
use crate::domain::enums::RiskLevel;
use crate::domain::id::{NoticeId, PrincipalName, RequestId};
use crate::domain::notice::{NAMED_AGENTS, OfAgent, Said};

/// What is gathered in the notice `?1`, as `inside`.
macro_rules! inside {
    () => {
        "WITH RECURSIVE inside (number) AS (SELECT notice_number FROM notices WHERE gathered_in = ?1 \
         UNION ALL SELECT n.notice_number FROM inside CROSS JOIN notices AS n ON n.gathered_in = inside.number) "
    };
}

/// What of it is about something that can still be answered at `?2`.
macro_rules! open_inside {
    () => {
        concat!(
            "inside CROSS JOIN notices AS n ON n.notice_number = inside.number CROSS JOIN interactions AS i USING (interaction_id) \
             WHERE n.about = 'pending' AND ",
            is_open!("?2")
        )
    };
}

/// What of it is about an end.
macro_rules! ends_inside {
    () => {
        "inside CROSS JOIN notices AS n ON n.notice_number = inside.number WHERE n.about = 'resolved'"
    };
}

impl ReadTx<'_> {
    /// What a notice about several tells at `now`, and of which it tells that they wait.
    pub(super) fn gathered(&self, number: i64, now: Timestamp) -> Result<Option<(Said, Told)>> {
        let sql = concat!(
            inside!(),
            "SELECT n.notice_number, i.registered_by, n.risk_level IS NOT DISTINCT FROM 'high' FROM ",
            open_inside!(),
            " ORDER BY n.notice_number"
        );
        let (mut told, mut high, mut firsts, mut counts) = (Vec::new(), 0, Vec::new(), BTreeMap::new());
        self.sql.each(sql, values![number, now], |row| {
            let (number, agent, is_high): (i64, PrincipalName, bool) = (row.get(0)?, row.get(1)?, row.get(2)?);
            told.push(number);
            high += u64::from(is_high);
            let count = counts.entry(agent.clone()).or_insert(0_u64);
            if *count == 0 {
                firsts.push((number, agent));
            }
            *count += 1;
            Ok(ControlFlow::Continue(()))
        })?;
        let ends = concat!(inside!(), "SELECT count(*) FROM ", ends_inside!());
        let resolved: u64 = self.sql.one(ends, values![number])?;
        let mut agents = Vec::new();
        for (number, agent) in firsts.iter().take(NAMED_AGENTS) {
            let count = counts.get(agent).copied().unwrap_or(1);
            agents.extend(self.open_item(*number, now)?.map(|first| OfAgent { count, first }));
        }
        let said = match (told.len(), resolved) {
            (0, 0) => None,
            (1, 0) => agents.pop().map(|alone| Said::Pending(alone.first)),
            (count, _) => Some(Said::Waiting { count: count as u64, high, resolved, agents }),
        };
        Ok(said.map(|said| (said, told)))
    }

    /// Whether a notice about several has anything to tell at `now`.
    pub(super) fn has_gathered(&self, number: i64, now: Timestamp) -> Result<bool> {
        let open = concat!(inside!(), "SELECT 1 FROM ", open_inside!(), " LIMIT 1");
        if self.sql.exists(open, values![number, now])? {
            return Ok(true);
        }
        let ends = concat!(inside!(), "SELECT 1 FROM ", ends_inside!(), " LIMIT 1");
        self.sql.exists(ends, values![number])
    }

    /// The channels that were told that an interaction waits, with the risk that they were told: by a notice that has arrived.
    pub(super) fn told_channels(&self, request_id: &RequestId) -> Result<Vec<(i64, Option<RiskLevel>)>> {
        self.sql.rows(
            "WITH RECURSIVE teller (channel, risk, status, gathered_in) AS (\
                 SELECT channel_number, risk_level, status, gathered_in FROM notices \
                 WHERE interaction_id = (SELECT interaction_id FROM interactions WHERE request_id = ?1) AND about = 'pending' \
                 UNION ALL SELECT teller.channel, teller.risk, n.status, n.gathered_in \
                 FROM teller CROSS JOIN notices AS n ON n.notice_number = teller.gathered_in) \
             SELECT channel, risk FROM teller WHERE status = 'sent' ORDER BY channel",
            values![request_id],
            |row| Ok((row.get(0)?, row.get(1)?)),
        )
    }
}

impl WriteTx<'_> {
    /// Makes the notice that tells of several, and gathers the first of them.
    pub(super) fn begin_gathering(&mut self, channel: i64) -> Result<i64> {
        let number = self.sql.one(
            concat!(
                "INSERT INTO notices (notice_number, notice_id, channel_number, about, status, created_at_ms, next_at_ms) \
                 VALUES (",
                next_notice!(),
                ", ?1, ?2, 'waiting', 'waiting', ?3, ?3) RETURNING notice_number"
            ),
            values![NoticeId::generate(), channel, self.now],
        )?;
        self.gather(channel, number)?;
        Ok(number)
    }

    /// Gathers more of what waits in a notice that tells of several; whether there may be more still.
    pub fn gather_notices(&mut self, number: i64) -> Result<bool> {
        let channel = self.channel_of(number)?;
        self.gather(channel, number)
    }

    fn gather(&self, channel: i64, number: i64) -> Result<bool> {
        let sql = concat!(
            "UPDATE notices SET status = 'gathered', gathered_in = ?2, ended_at_ms = ?3 WHERE notice_number IN \
             (SELECT notice_number FROM ",
            waiting!(),
            " WHERE notice_number <> ?2 LIMIT ?4)"
        );
        let gathered = self.sql.execute(sql, values![channel, number, self.now, AT_ONCE])?;
        Ok(gathered >= AT_ONCE as usize)
    }

    /// What has ended while a notice was on its way that told of it.
    pub(super) fn ended_meanwhile(&self, number: i64, told: &[i64]) -> Result<Vec<(RequestId, Option<RiskLevel>)>> {
        let sql = concat!(
            inside!(),
            "SELECT n.notice_number, i.request_id, n.risk_level FROM (SELECT number FROM inside UNION ALL SELECT ?1) AS one \
             CROSS JOIN notices AS n ON n.notice_number = one.number CROSS JOIN interactions AS i USING (interaction_id) \
             WHERE n.about = 'pending' AND i.status <> 'pending'"
        );
        let ended = self.sql.rows(sql, values![number], |row| Ok((row.get::<i64>(0)?, row.get(1)?, row.get(2)?)))?;
        let told: HashSet<i64> = told.iter().copied().collect();
        let ended = ended.into_iter().filter(|(number, ..)| told.contains(number));
        Ok(ended.map(|(_, request_id, risk)| (request_id, risk)).collect())
    }
}
