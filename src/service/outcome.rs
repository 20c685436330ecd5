//! An agent reports what came of an action that it claimed.

use serde_json::json;

use super::{Caller, Result, Service, find};
use crate::domain::audit::{Event, NewAuditEvent};
use crate::domain::enums::RunOutcome;
use crate::domain::id::{ClaimId, RequestId};
use crate::domain::interaction::{Claim, Record, RunReport};
use crate::domain::refused::Refused;
use crate::domain::text::PlainText;
use crate::store::Wants;

impl Service {
    /// Writes down the outcome of a claim, once; the same may be repeated. Without a `claim_id` it is that of the claim that
    /// stands.
    ///
    /// # Errors
    ///
    /// A refusal if the claim is not this one or has another outcome, or an error of the store.
    pub async fn report_outcome(
        &self,
        by: &Caller,
        request_id: &RequestId,
        claim_id: Option<ClaimId>,
        outcome: RunOutcome,
        detail: Option<PlainText>,
    ) -> Result<Record> {
        let detail = detail.map(String::from);
        let request_id = request_id.clone();
        self.write_about(by, Wants::interaction(request_id.clone()), move |tx, by| {
            find(tx, &request_id, by)?.check_own(by)?;
            let claim = tx.claim(&request_id)?.and_then(Claim::taken).ok_or(Refused::NotClaimed)?;
            if claim_id.as_ref().is_some_and(|claim_id| claim.claim_id != *claim_id) {
                return Err(Refused::ClaimMismatch.into());
            }
            let claim_id = claim.claim_id;
            // Nothing is written down any more of what is forgotten, but how it went.
            let is_forgotten = tx.is_forgotten(&request_id)?;
            match claim.report {
                None => {
                    let report = RunReport { outcome, detail: detail.clone(), at: tx.now() };
                    tx.report_outcome(&request_id, &claim_id, &report)?;
                    let event = NewAuditEvent::new(Event::OutcomeReported).request(&request_id).principal(&by.name);
                    let facts = match &detail {
                        Some(_) => json!({"claimId": claim_id, "outcome": outcome}),
                        None => json!({"claimId": claim_id, "outcome": outcome, "detail": null}),
                    };
                    let text = detail.as_ref().filter(|_| !is_forgotten).map(|detail| json!({"detail": detail}));
                    tx.append_audit(NewAuditEvent { text, ..event.detail(facts) })?;
                }
                Some(report) if report.outcome == outcome && (report.detail == detail || is_forgotten) => {}
                Some(_) => return Err(Refused::OutcomeConflict.into()),
            }
            Ok(tx.found_record(&request_id)?)
        })
        .await
    }
}
