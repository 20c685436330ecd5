//! What is counted for the numbers: the narrow columns of interactions, in the order of their registration, without their
//! contents.

use std::ops::ControlFlow;

use super::interaction_lists::IN_ORDER;
use super::page::Rows;
use super::sql::values;
use super::{Error, ReadTx, Result};
use crate::domain::id::PrincipalName;
use crate::domain::stats::{Asked, Tally, Waiting};

/// How many rows one read counts: a tenth of a second's work, for others wait for it.
const COUNTED: i64 = 200_000;

const ASKED: &str = "SELECT interaction_id, created_at_ms, registered_by, status, resolved_by_rule IS NOT NULL, \
     resolved_at_ms FROM interactions WHERE interaction_id > ?1 AND interaction_id < ?2 ORDER BY interaction_id LIMIT ?3";

/// What is pending is never forgotten: its risk stands in its body.
const WAITING: &str = "SELECT CASE i.kind WHEN 'confirmation' THEN json_extract(b.body, '$.riskLevel') END, i.expires_at_ms \
     FROM interactions AS i JOIN interaction_bodies AS b USING (interaction_id) \
     WHERE i.status = 'pending' AND (i.registered_by = ?1 OR ?1 IS NULL)";

impl ReadTx<'_> {
    /// Counts what was asked in the period of `tally` after the row `after`, as much as one read may; after which row the
    /// next one goes on, or `None` when all is counted.
    pub fn count_asked(&self, tally: &mut Tally, after: i64) -> Result<Option<i64>> {
        let period = tally.period();
        let among = IN_ORDER.rows(self.sql, Some(period.since), Some(period.until))?;
        let Rows { after, before } = Rows { after: among.after.max(after), ..among };
        let (mut last, mut counted) = (after, 0);
        self.sql.each(ASKED, values![after, before, COUNTED], |row| {
            last = row.get(0)?;
            counted += 1;
            let corrupt = || Error::Corrupt { table: "interactions", key: last.to_string() };
            tally.add(&Asked {
                at: row.get(1)?,
                by: row.text(2)?.ok_or_else(corrupt)?,
                status: row.get(3)?,
                is_by_rule: row.get(4)?,
                ended_at: row.get(5)?,
            });
            Ok(ControlFlow::Continue(()))
        })?;
        Ok((counted == COUNTED).then_some(last))
    }

    /// What waits, of one principal or of all.
    pub fn waiting(&self, of: Option<&PrincipalName>) -> Result<Waiting> {
        let mut waiting = Waiting::default();
        self.sql.each(WAITING, values![of], |row| {
            waiting.add(row.get(0)?, row.get(1)?);
            Ok(ControlFlow::Continue(()))
        })?;
        Ok(waiting)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::sqlite::in_memory::plan;

    #[test]
    fn what_is_counted_is_read_in_order_and_what_waits_without_what_is_over() {
        let asked = plan(ASKED);
        assert!(asked[0].contains("USING INTEGER PRIMARY KEY (rowid>? AND rowid<?)") && asked.len() == 1, "{asked:?}");
        let waiting = plan(WAITING);
        assert!(waiting[0].contains("USING INDEX interactions_pending"), "{waiting:?}");
        assert!(waiting[1..].iter().all(|step| !step.starts_with("SCAN")), "{waiting:?}");
    }
}
