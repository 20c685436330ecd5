//! The table `forgettings`, and the wiping of what people and agents wrote.
//!
//! Rows are wiped where they lie. Emptied ones are deleted only away from those that are whole: SQLite moves the neighbours of
//! a row that is deleted to other pages, and may leave copies of them behind, which no later wiping would find.

use std::ops::ControlFlow;

use serde_json::json;

use super::page::Cursor;
use super::sql::values;
use super::{Error, ReadTx, Result, WriteTx};
use crate::clock::Timestamp;
use crate::domain::audit::{Event, NewAuditEvent};
use crate::domain::id::{PrincipalName, RequestId, ToolName};

/// How many emptied rows stay beside one that is whole: more than three neighbouring pages hold.
const KEPT_EMPTY: usize = 256;

/// How many rows of a table one look for emptied ones reads.
const LOOKED_AT: usize = 4096;

/// What is forgotten because of its age.
#[derive(Clone, Debug)]
pub struct Aged {
    /// Only what was resolved no later than this.
    pub before: Timestamp,
    /// Only about this tool.
    pub tool: Option<ToolName>,
    /// Only of this principal.
    pub agent: Option<PrincipalName>,
}

/// What a look at some interactions found, in their order.
#[derive(Clone, Debug, Default)]
pub struct Forgettable {
    /// What can be forgotten.
    pub due: Vec<RequestId>,
    /// How many are as old, but approvals that can still be claimed.
    pub claimable: u64,
    /// How many are as old, but secrets that can still be taken.
    pub takeable: u64,
    /// Before the first that is neither forgotten nor due: a later look begins here.
    pub first_whole: Option<Cursor>,
    /// Where to go on; `None` at the end.
    pub next: Option<Cursor>,
}

/// Rows of a table that follow one another: the keys of the first and the last.
pub type Run = (i64, i64);

/// A table whose rows are emptied.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Emptied {
    /// What was asked.
    Bodies,
    /// What was said after.
    Texts,
}

impl Emptied {
    /// Every table.
    pub const ALL: [Self; 2] = [Self::Bodies, Self::Texts];

    const fn look(self) -> &'static str {
        match self {
            Self::Bodies => {
                "SELECT interaction_id, EXISTS (SELECT 1 FROM forgettings AS f WHERE f.interaction_id = b.interaction_id) \
                 FROM interaction_bodies AS b WHERE interaction_id > ?1 ORDER BY 1 LIMIT ?2"
            }
            Self::Texts => {
                "SELECT told_in, EXISTS (SELECT 1 FROM forgettings AS f WHERE f.interaction_id = t.interaction_id) \
                 FROM texts AS t WHERE told_in > ?1 ORDER BY 1 LIMIT ?2"
            }
        }
    }

    const fn delete(self) -> &'static str {
        match self {
            Self::Bodies => "DELETE FROM interaction_bodies WHERE interaction_id BETWEEN ?1 AND ?2",
            Self::Texts => "DELETE FROM texts WHERE told_in BETWEEN ?1 AND ?2",
        }
    }
}

impl ReadTx<'_> {
    /// Whether an interaction is forgotten.
    pub fn is_forgotten(&self, request_id: &RequestId) -> Result<bool> {
        let sql = "SELECT 1 FROM forgettings JOIN interactions USING (interaction_id) WHERE request_id = ?1";
        self.sql.exists(sql, values![request_id])
    }

    /// Looks at the `limit` interactions that come after `after`.
    pub fn forgettable(&self, aged: &Aged, after: Option<Cursor>, now: Timestamp, limit: u32) -> Result<Forgettable> {
        let sql = "SELECT i.interaction_id, i.request_id, i.created_at_ms > ?2, f.interaction_id IS NOT NULL, \
               i.status <> 'pending' AND i.resolved_at_ms <= ?2 AND (i.tool_name IS NOT DISTINCT FROM ?4 OR ?4 IS NULL) \
                 AND (i.registered_by = ?5 OR ?5 IS NULL), \
               i.status = 'approved' AND c.interaction_id IS NULL \
                 AND (i.claim_expires_at_ms IS NULL OR i.claim_expires_at_ms > ?3), \
               s.sealed IS NOT NULL \
             FROM interactions AS i LEFT JOIN forgettings AS f ON f.interaction_id = i.interaction_id \
             LEFT JOIN claims AS c ON c.interaction_id = i.interaction_id \
             LEFT JOIN sealed_secrets AS s ON s.interaction_id = i.interaction_id \
             WHERE i.interaction_id > ?1 ORDER BY i.interaction_id LIMIT ?6";
        let after = after.map_or(0, Cursor::row);
        let (mut found, mut looked_at) = (Forgettable::default(), 0);
        self.sql.each(sql, values![after, aged.before, now, aged.tool, aged.agent, limit], |row| {
            let id: i64 = row.get(0)?;
            let [is_later, is_forgotten, is_old, is_claimable, is_takeable] =
                [row.get(2)?, row.get(3)?, row.get(4)?, row.get(5)?, row.get(6)?];
            let is_due = is_old && !is_claimable && !is_takeable;
            if !is_forgotten && !is_due {
                found.first_whole.get_or_insert(Cursor::at(id - 1));
            }
            // Registered later is resolved later: nothing from there on is old enough.
            if is_later {
                return Ok(ControlFlow::Break(()));
            }
            looked_at += 1;
            found.next = Some(Cursor::at(id));
            match (is_forgotten, is_old, is_claimable, is_takeable) {
                (true, ..) | (_, false, ..) => {}
                (false, true, true, _) => found.claimable += 1,
                (false, true, false, true) => found.takeable += 1,
                (false, true, false, false) => found.due.push(row.get(1)?),
            }
            Ok(ControlFlow::Continue(()))
        })?;
        if looked_at < limit {
            found.next = None;
        }
        Ok(found)
    }

    /// The runs of emptied rows that may be deleted, each from its first key to its last, among those that come after
    /// `after`; and where to go on.
    pub fn emptied(&self, table: Emptied, after: Option<Cursor>) -> Result<(Vec<Run>, Option<Cursor>)> {
        let from = after.map_or(0, Cursor::row);
        let rows = self.sql.rows(table.look(), values![from, LOOKED_AT], |row| Ok((row.get(0)?, row.get(1)?)))?;
        let runs = deletable(&rows, after.is_none());
        // What was the end of this look is the middle of the next one.
        let is_worth_more = rows.len() == LOOKED_AT && rows.iter().any(|(_, is_empty)| *is_empty);
        let next = is_worth_more.then(|| rows[LOOKED_AT - 2 * KEPT_EMPTY - 1].0);
        Ok((runs, next.map(Cursor::at)))
    }

    /// How many free pages of the file are to be given back; none where it cannot shrink.
    pub fn excess_pages(&self) -> Result<i64> {
        self.sql.excess_pages()
    }

    /// Whether the file can shrink without being written anew.
    pub fn can_shrink(&self) -> Result<bool> {
        self.sql.can_shrink()
    }
}

/// The runs of emptied rows that have [`KEPT_EMPTY`] more on either side. Before the first row there is nothing where
/// `is_beginning`.
fn deletable(rows: &[(i64, bool)], is_beginning: bool) -> Vec<Run> {
    let mut runs = Vec::new();
    for run in rows.chunk_by(|(_, one), (_, other)| one == other) {
        let is_first = run.as_ptr() == rows.as_ptr();
        let front = if is_first && is_beginning { 0 } else { KEPT_EMPTY };
        if let (true, Some([(from, _), .., (to, _)])) = (run[0].1, run.get(front..run.len().saturating_sub(KEPT_EMPTY)))
        {
            runs.push((*from, *to));
        }
    }
    runs
}

impl WriteTx<'_> {
    /// Wipes what was asked and said of resolved interactions, but for a secret's value, and appends the events that tell of
    /// it. Without `by` they are forgotten because of their age. No search finds what was in them from then on.
    pub fn forget(&mut self, request_ids: &[RequestId], by: Option<&PrincipalName>) -> Result<()> {
        for request_id in request_ids {
            self.wipe_content(request_id, by)?;
        }
        self.renew_search(request_ids)
    }

    fn wipe_content(&mut self, request_id: &RequestId, by: Option<&PrincipalName>) -> Result<()> {
        let missing = || Error::Corrupt { table: "interaction_bodies", key: request_id.to_string() };
        let id: Option<i64> = self.sql.value(
            "INSERT INTO forgettings (interaction_id, forgotten_at_ms, forgotten_by, content_sha256, input_digest, risk_level) \
             SELECT i.interaction_id, ?2, ?3, b.content_sha256, \
               CASE i.kind WHEN 'confirmation' THEN json_extract(b.body, '$.inputDigest') END, \
               CASE i.kind WHEN 'confirmation' THEN json_extract(b.body, '$.riskLevel') END \
             FROM interactions AS i JOIN interaction_bodies AS b USING (interaction_id) WHERE i.request_id = ?1 \
             RETURNING interaction_id",
            values![request_id, self.now, by],
        )?;
        let id = id.ok_or_else(missing)?;
        for wipe in [
            "UPDATE interaction_bodies SET body = '{}', metadata = '{}', origin = NULL, traceparent = NULL, tool_use_sha256 = NULL \
             WHERE interaction_id = ?1",
            "UPDATE texts SET salt = NULL, text = NULL, unshown = NULL WHERE interaction_id = ?1",
            "UPDATE sealed_secrets SET service = '', field = '' WHERE interaction_id = ?1",
        ] {
            self.sql.write(wipe, values![id])?;
        }
        let mut event = NewAuditEvent::new(Event::Forgotten).request(request_id);
        event.principal = by;
        event.detail = by.is_none().then(|| json!({"because": "age"}));
        self.append_audit(event)
    }

    /// Deletes emptied rows, as [`ReadTx::emptied`] has found them. What was forgotten stays so: nothing else can have come
    /// between.
    pub fn delete_emptied(&mut self, table: Emptied, runs: &[Run]) -> Result<()> {
        for (from, to) in runs {
            self.sql.write(table.delete(), values![from, to])?;
        }
        Ok(())
    }

    /// Gives back at most `pages` free pages of the file.
    pub fn shrink(&mut self, pages: u32) -> Result<()> {
        self.sql.shrink(pages)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn runs(rows: &[(usize, bool)], is_beginning: bool) -> Vec<(i64, i64)> {
        let rows = rows.iter().flat_map(|(count, is_empty)| std::iter::repeat_n(*is_empty, *count));
        let rows: Vec<(i64, bool)> = rows.enumerate().map(|(at, is_empty)| (at as i64 + 1, is_empty)).collect();
        deletable(&rows, is_beginning)
    }

    #[test]
    fn emptied_rows_beside_whole_ones_stay() {
        assert_eq!(runs(&[(1000, true), (9, false)], true), [(1, 744)]);
        assert_eq!(runs(&[(1000, true), (9, false)], false), [(257, 744)]);
        assert_eq!(runs(&[(3, false), (1000, true), (9, false)], true), [(260, 747)]);
        assert_eq!(runs(&[(3, false), (512, true), (9, false)], true), []);
        assert_eq!(runs(&[(200, true), (9, false), (100, true)], true), []);
        assert_eq!(runs(&[], true), []);
    }
}
