//! An approver wipes a secret's value.

use super::{Caller, Result, Service, find};
use crate::domain::audit::{Event, NewAuditEvent};
use crate::domain::enums::{Kind, Outcome};
use crate::domain::id::RequestId;
use crate::domain::interaction::{Record, Status};
use crate::domain::refused::Refused;

impl Service {
    /// Wipes the value that was given for a request; one that is wiped already stays so.
    ///
    /// # Errors
    ///
    /// A refusal if it is no answered request for a secret or its one-time value is gone, or an error of the store.
    pub async fn wipe_secret(&self, by: &Caller, request_id: &RequestId) -> Result<Record> {
        let request_id = request_id.clone();
        self.write_as(by, move |tx, by| {
            let interaction = find(tx, &request_id, by)?;
            interaction.check_kind(Kind::Secret)?;
            let status = interaction.status_at(tx.now());
            if status != Status::Resolved(Outcome::Answered) {
                return Err(Refused::NotAnswered { status }.into());
            }
            let sealed = tx.found_sealed(&request_id)?;
            if !sealed.is_wiped {
                if sealed.value.is_none() {
                    return Err(Refused::AlreadyTaken.into());
                }
                tx.wipe_sealed(&request_id, &by.name)?;
                let event = NewAuditEvent::new(Event::SecretWiped);
                tx.append_audit(event.request(&request_id).principal(&by.name))?;
            }
            Ok(tx.found_record(&request_id)?)
        })
        .await
    }
}
