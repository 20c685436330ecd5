//! The table `claims`: the one-time right to act on an approved confirmation.

use rusqlite::{Row, params};

use super::{Error, ReadTx, Result, WriteTx};
use crate::domain::id::{ClaimId, RequestId};
use crate::domain::interaction::{Claim, RunReport};

/// Reads the columns of a claim from `first` on; `None` where there is none.
pub(super) fn claim_from(row: &Row<'_>, first: usize) -> Result<Option<Claim>> {
    let Some(claim_id) = row.get::<_, Option<ClaimId>>(first)? else {
        return Ok(None);
    };
    let report = match (row.get(first + 2)?, row.get(first + 4)?) {
        (None, None) => None,
        (Some(outcome), Some(at)) => Some(RunReport { outcome, detail: row.get(first + 3)?, at }),
        (Some(_), None) | (None, Some(_)) => {
            return Err(Error::Corrupt { table: "claims", key: claim_id.to_string() });
        }
    };
    Ok(Some(Claim { claim_id, claimed_at: row.get(first + 1)?, report }))
}

impl ReadTx<'_> {
    /// The claim on an interaction.
    pub fn claim(&self, request_id: &RequestId) -> Result<Option<Claim>> {
        let mut statement = self.conn.prepare_cached(
            "SELECT c.claim_id, c.claimed_at_ms, c.outcome, c.outcome_detail, c.outcome_at_ms \
             FROM claims AS c JOIN interactions AS i USING (interaction_id) WHERE i.request_id = ?1",
        )?;
        let mut rows = statement.query([request_id])?;
        match rows.next()? {
            Some(row) => claim_from(row, 0),
            None => Ok(None),
        }
    }
}

impl WriteTx<'_> {
    /// Makes the claim on an interaction; the primary key refuses a second one.
    pub fn insert_claim(&mut self, request_id: &RequestId, claim_id: &ClaimId) -> Result<()> {
        self.conn
            .prepare_cached(
                "INSERT INTO claims (interaction_id, claim_id, claimed_at_ms) \
                 SELECT interaction_id, ?2, ?3 FROM interactions WHERE request_id = ?1",
            )?
            .execute(params![request_id, claim_id, self.now])?;
        Ok(())
    }

    /// Writes down what came of a claim, once.
    pub fn report_outcome(&mut self, request_id: &RequestId, claim: &ClaimId, report: &RunReport) -> Result<()> {
        let changed = self
            .conn
            .prepare_cached(
                "UPDATE claims SET outcome = ?3, outcome_detail = ?4, outcome_at_ms = ?5 \
                 WHERE interaction_id = (SELECT interaction_id FROM interactions WHERE request_id = ?1) \
                 AND claim_id = ?2 AND outcome IS NULL",
            )?
            .execute(params![request_id, claim, report.outcome, report.detail, report.at])?;
        if changed == 1 { Ok(()) } else { Err(Error::Corrupt { table: "claims", key: claim.to_string() }) }
    }
}
