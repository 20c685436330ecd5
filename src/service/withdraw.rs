//! An approver takes an approval back before an agent has claimed it.

use super::{Result, Service, find};
use crate::domain::audit::{Event, NewAuditEvent};
use crate::domain::enums::Outcome;
use crate::domain::id::RequestId;
use crate::domain::interaction::{Claim, Record, Status};
use crate::domain::principal::Principal;
use crate::domain::refused::Refused;
use crate::store::Priority;

impl Service {
    /// Takes back an approval that is not claimed; one that is taken back already stays so.
    ///
    /// # Errors
    ///
    /// A refusal if it is no approved confirmation or is claimed, or an error of the store.
    pub async fn withdraw(&self, by: &Principal, request_id: &RequestId) -> Result<Record> {
        let (by, request_id) = (by.clone(), request_id.clone());
        self.store
            .write(Priority::of(&by), move |tx| {
                let interaction = find(tx, &request_id, &by)?;
                let status = interaction.status_at(tx.now());
                if status != Status::Resolved(Outcome::Approved) {
                    return Err(Refused::NotApproved { status }.into());
                }
                match tx.claim(&request_id)? {
                    None => {
                        tx.insert_withdrawal(&request_id, &by.name)?;
                        let event = NewAuditEvent::new(Event::ApprovalWithdrawn);
                        tx.append_audit(event.request(&request_id).principal(&by.name))?;
                    }
                    Some(Claim::Withdrawn(_)) => {}
                    Some(Claim::Taken(_)) => return Err(Refused::AlreadyClaimed.into()),
                }
                Ok(tx.found_record(&request_id)?)
            })
            .await
    }
}
