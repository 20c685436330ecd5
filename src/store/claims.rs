//! The table `claims`: the one-time right to act on an approved confirmation.

use super::sql::{Row, values};
use super::{Error, ReadTx, Result, WriteTx};
use crate::domain::id::{ClaimId, PrincipalName, RequestId};
use crate::domain::interaction::{Claim, RunReport, TakenClaim, Withdrawal};

/// The columns that [`claim_from`] reads, in its order.
macro_rules! claim_columns {
    () => {
        "c.claim_id, c.claimed_at_ms, c.outcome, o.text, c.outcome_at_ms, c.withdrawn_by, c.withdrawn_at_ms"
    };
}

/// The text of a claim's outcome, beside `claims AS c`.
macro_rules! outcome_text {
    () => {
        "LEFT JOIN texts AS o ON o.interaction_id = c.interaction_id AND o.about = 'outcome'"
    };
}

pub(super) use {claim_columns, outcome_text};

/// What an agent wrote of an outcome, as it is stored.
#[derive(serde::Deserialize)]
struct OutcomeText {
    detail: String,
}

/// Reads the columns of a claim from `first` on; `None` where there is none.
pub(super) fn claim_from(row: &Row<'_>, first: usize) -> Result<Option<Claim>> {
    let Some(claim_id) = row.get::<Option<ClaimId>>(first)? else {
        let withdrawal = row.get::<Option<PrincipalName>>(first + 5)?.zip(row.get(first + 6)?);
        return Ok(withdrawal.map(|(by, at)| Claim::Withdrawn(Withdrawal { by, at })));
    };
    let report = match (row.get(first + 2)?, row.get(first + 4)?) {
        (None, None) => None,
        (Some(outcome), Some(at)) => {
            let text = row.text(first + 3)?.map(serde_json::from_str::<OutcomeText>).transpose();
            let text = text.map_err(|_| Error::Corrupt { table: "texts", key: claim_id.to_string() })?;
            Some(RunReport { outcome, detail: text.map(|text| text.detail), at })
        }
        (Some(_), None) | (None, Some(_)) => {
            return Err(Error::Corrupt { table: "claims", key: claim_id.to_string() });
        }
    };
    Ok(Some(Claim::Taken(TakenClaim { claim_id, claimed_at: row.get(first + 1)?, report })))
}

impl ReadTx<'_> {
    /// What became of the right to act on an interaction; `None` where nothing has yet.
    pub fn claim(&self, request_id: &RequestId) -> Result<Option<Claim>> {
        let sql = concat!(
            "SELECT ",
            claim_columns!(),
            " FROM claims AS c JOIN interactions AS i USING (interaction_id) ",
            outcome_text!(),
            " WHERE i.request_id = ?1",
        );
        Ok(self.sql.row(sql, values![request_id], |row| claim_from(row, 0))?.flatten())
    }
}

impl WriteTx<'_> {
    /// Makes the claim on an approval that is still good: its deadline is a condition. The primary key refuses a second
    /// claim, and one after a withdrawal.
    pub fn insert_claim(&mut self, request_id: &RequestId, claim_id: &ClaimId) -> Result<()> {
        self.sql.write_one(
            "INSERT INTO claims (interaction_id, claim_id, claimed_at_ms) \
             SELECT interaction_id, ?2, ?3 FROM interactions WHERE request_id = ?1 AND status = 'approved' \
             AND (claim_expires_at_ms IS NULL OR claim_expires_at_ms > ?3)",
            values![request_id, claim_id, self.now],
            || Error::Corrupt { table: "claims", key: request_id.to_string() },
        )
    }

    /// Takes an approval back: in the place of the claim, so that the primary key refuses it after one.
    pub fn insert_withdrawal(&mut self, request_id: &RequestId, by: &PrincipalName) -> Result<()> {
        self.sql.write_one(
            "INSERT INTO claims (interaction_id, withdrawn_by, withdrawn_at_ms) \
             SELECT interaction_id, ?2, ?3 FROM interactions WHERE request_id = ?1 AND status = 'approved'",
            values![request_id, by, self.now],
            || Error::Corrupt { table: "claims", key: request_id.to_string() },
        )
    }

    /// Writes down what came of a claim, once; what was written of it is kept with its event.
    pub fn report_outcome(&mut self, request_id: &RequestId, claim: &ClaimId, report: &RunReport) -> Result<()> {
        self.sql.write_one(
            "UPDATE claims SET outcome = ?3, outcome_at_ms = ?4 \
             WHERE interaction_id = (SELECT interaction_id FROM interactions WHERE request_id = ?1) \
             AND claim_id = ?2 AND outcome IS NULL",
            values![request_id, claim, report.outcome, report.at],
            || Error::Corrupt { table: "claims", key: claim.to_string() },
        )
    }
}
