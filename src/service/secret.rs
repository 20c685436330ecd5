//! A person gives a secret, or declines to.

use std::sync::Arc;

use super::{Caller, Error, Result, Service, find};
use crate::domain::enums::{Delivery, Kind, Outcome};
use crate::domain::id::RequestId;
use crate::domain::interaction::{Detail, Interaction, Resolution};
use crate::domain::kinds::SecretRequest;
use crate::domain::principal::Principal;
use crate::domain::secret_value::SecretValue;
use crate::sealer::Sealer;
use crate::store::{ReadTx, Wants};

/// An answer to a request for a secret.
pub struct ProvideSecret {
    /// Which one.
    pub request_id: RequestId,
    /// The value; `None` declines.
    pub value: Option<SecretValue>,
    /// What becomes of it.
    pub delivery: Delivery,
}

impl Service {
    /// Resolves a request for a secret; the same principal may repeat the answer that stands.
    ///
    /// # Errors
    ///
    /// A refusal if it is no pending request for a secret or does not allow the delivery, or an error of the store.
    pub async fn give_secret(&self, by: &Caller, give: ProvideSecret) -> Result<()> {
        let allow_self_approval = self.allow_self_approval;
        let sealer = Arc::clone(&self.sealer);
        // Sealed before it comes near the database's thread.
        let sealed = give.value.as_ref().map(|value| sealer.seal(&give.request_id, value)).transpose();
        let sealed = sealed.map_err(|error| Error::Sealing(error.to_string()))?;
        self.write_about(by, Wants::interaction(give.request_id.clone()), move |tx, by| {
            let interaction = find(tx, &give.request_id, by)?;
            interaction.check_kind(Kind::Secret)?;
            if give.repeats(tx, &interaction, by, &sealer)? {
                return Ok(());
            }
            interaction.check_open(Kind::Secret, tx.now())?;
            interaction.check_not_own(by, allow_self_approval)?;
            let Some(sealed) = &sealed else {
                let declined = Resolution::by_principal(Outcome::Cancelled, by, tx.now());
                return Ok(tx.resolve(&interaction, &declined)?);
            };
            let asked: SecretRequest = tx.found_content(&give.request_id)?;
            asked.check_delivery(give.delivery)?;
            tx.insert_sealed(&give.request_id, (&asked.service, &asked.field), give.delivery, sealed)?;
            let detail = Detail { delivery: Some(give.delivery), ..Detail::default() };
            let resolution = Resolution { detail, ..Resolution::by_principal(Outcome::Answered, by, tx.now()) };
            Ok(tx.resolve(&interaction, &resolution)?)
        })
        .await
    }
}

impl ProvideSecret {
    /// Whether this is the very answer that stands, given by the same principal. A value that is wiped can no longer be
    /// compared: then it is not.
    fn repeats(&self, tx: &ReadTx<'_>, interaction: &Interaction, by: &Principal, sealer: &Sealer) -> Result<bool> {
        let Some(stands) = interaction.resolution_by(by) else {
            return Ok(false);
        };
        let Some(value) = &self.value else {
            return Ok(stands.outcome == Outcome::Cancelled);
        };
        let sealed = tx.sealed(&self.request_id)?.filter(|sealed| sealed.delivery == self.delivery);
        match sealed.and_then(|sealed| sealed.value) {
            Some(sealed) => Ok(sealer.open(&self.request_id, &sealed)?.is_same(value)),
            None => Ok(false),
        }
    }
}
