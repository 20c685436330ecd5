//! An agent withdraws what it asked.

use super::{Caller, Result, Service, find};
use crate::domain::enums::{Outcome, Role};
use crate::domain::id::RequestId;
use crate::domain::interaction::{Record, Resolution};
use crate::domain::refused::Refused;
use crate::store::Wants;

impl Service {
    /// Cancels an interaction of the agent's own, or any for an admin; one that is cancelled already stays so.
    ///
    /// # Errors
    ///
    /// A refusal if `by` may not cancel it or it is resolved otherwise, or an error of the store.
    pub async fn cancel(&self, by: &Caller, request_id: &RequestId) -> Result<Record> {
        let request_id = request_id.clone();
        self.write_about(by, Wants::interaction(request_id.clone()), move |tx, by| {
            let interaction = find(tx, &request_id, by)?;
            if by.role != Role::Admin {
                interaction.check_own(by)?;
            }
            match interaction.check_open(interaction.kind, tx.now()) {
                Ok(()) => tx.resolve(&interaction, &Resolution::by_principal(Outcome::Cancelled, by, tx.now()))?,
                Err(Refused::Retired { outcome: Outcome::Cancelled }) => {}
                Err(Refused::Retired { outcome }) => return Err(Refused::NotCancellable { outcome }.into()),
                Err(other) => return Err(other.into()),
            }
            Ok(tx.found_record(&request_id)?)
        })
        .await
    }
}
