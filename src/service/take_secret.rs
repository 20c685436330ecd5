//! The agent takes the secret that it asked for.

use std::sync::Arc;

use super::{Caller, Error, Result, Service, find};
use crate::domain::audit::{Event, NewAuditEvent};
use crate::domain::enums::{Delivery, Kind, Outcome};
use crate::domain::id::{RequestId, TakeId};
use crate::domain::interaction::Status;
use crate::domain::refused::Refused;
use crate::domain::secret_value::SecretValue;
use crate::store::{StoredSecret, Wants, WriteTx};

/// How long, in milliseconds, a one-time value can be taken again with the same id: for an answer that was lost.
const RETAKE_MS: u64 = 60_000;

/// A secret in the agent's hands.
pub struct SecretHandout {
    /// The value.
    pub value: SecretValue,
    /// Whether it can be had again.
    pub delivery: Delivery,
    /// The id of this taking.
    pub take_id: TakeId,
}

impl Service {
    /// Hands the agent the value that was given for its own request.
    ///
    /// # Errors
    ///
    /// A refusal if there is no value to take, or it has been taken, or an error of the store.
    pub async fn take_secret(
        &self,
        by: &Caller,
        request_id: &RequestId,
        take_id: Option<TakeId>,
    ) -> Result<SecretHandout> {
        let request_id = request_id.clone();
        let sealer = Arc::clone(&self.sealer);
        let take_id = take_id.unwrap_or_else(TakeId::generate);
        self.write_about(by, Wants::interaction(request_id.clone()), move |tx, by| {
            let interaction = find(tx, &request_id, by)?;
            interaction.check_own(by)?;
            interaction.check_kind(Kind::Secret)?;
            let status = interaction.status_at(tx.now());
            if status != Status::Resolved(Outcome::Answered) {
                return Err(Refused::NotAnswered { status }.into());
            }
            let sealed = tx.found_sealed(&request_id)?;
            if sealed.is_wiped || tx.is_forgotten(&request_id)? {
                return Err(Refused::Wiped.into());
            }
            let is_told = !admit(tx, &request_id, &sealed, &take_id)?;
            let value = sealer.open(&request_id, sealed.value.as_ref().ok_or(Refused::AlreadyTaken)?)?;
            if !is_told {
                let detail = serde_json::json!({"takeId": take_id, "delivery": sealed.delivery});
                let event = NewAuditEvent::new(Event::SecretTaken).request(&request_id).principal(&by.name);
                tx.append_audit(event.detail(detail))?;
            }
            Ok(SecretHandout { value, delivery: sealed.delivery, take_id: take_id.clone() })
        })
        .await
    }
}

/// Lets a kept value be taken at any time, a one-time value once, and by the same id again for a while; whether it is a
/// taking that the history does not tell of yet.
fn admit(tx: &mut WriteTx<'_>, request_id: &RequestId, sealed: &StoredSecret, take_id: &TakeId) -> Result<bool> {
    match (sealed.delivery, &sealed.taken) {
        (Delivery::Store, _) => Ok(tx.insert_taking(request_id, take_id)?),
        (Delivery::TransientSend, None) => {
            let wipe_at = tx.now().plus_millis(RETAKE_MS).unwrap_or(tx.now());
            tx.mark_taken(request_id, take_id, wipe_at)?;
            Ok(true)
        }
        (Delivery::TransientSend, Some((by_id, at)))
            if by_id == take_id && at.plus_millis(RETAKE_MS).is_some_and(|end| tx.now() < end) =>
        {
            Ok(true)
        }
        (Delivery::TransientSend, Some(_)) => Err(Error::Refused(Refused::AlreadyTaken)),
    }
}
