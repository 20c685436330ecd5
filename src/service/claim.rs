//! An agent takes the one-time right to act on what was approved.

use super::{Caller, Result, Service, find};
use crate::clock::Timestamp;
use crate::domain::audit::{Event, NewAuditEvent};
use crate::domain::canonical::input_digest;
use crate::domain::enums::Outcome;
use crate::domain::id::{ClaimId, RequestId};
use crate::domain::interaction::{Claim, Interaction, Status};
use crate::domain::json::JsonObject;
use crate::domain::kinds::Confirmation;
use crate::domain::refused::Refused;
use crate::store::{ReadTx, Wants};

/// The right to act, and on what.
#[derive(Clone, Debug)]
pub struct ClaimGrant {
    /// The id of the claim.
    pub claim_id: ClaimId,
    /// The input that was approved: the proposed one, or as it was edited.
    pub effective_input: JsonObject,
    /// The digest of that.
    pub effective_input_digest: String,
}

impl Service {
    /// Claims an approved confirmation of the agent's own, once; the same claim may be repeated.
    ///
    /// # Errors
    ///
    /// A refusal if it is not approved, its digest differs, it is claimed or withdrawn already or past its deadline, or an
    /// error of the store.
    pub async fn claim(
        &self,
        by: &Caller,
        request_id: &RequestId,
        digest: Option<String>,
        claim_id: Option<ClaimId>,
    ) -> Result<ClaimGrant> {
        let request_id = request_id.clone();
        let claim_id = claim_id.unwrap_or_else(ClaimId::generate);
        self.write_about(by, Wants::interaction(request_id.clone()), move |tx, by| {
            let interaction = find(tx, &request_id, by)?;
            interaction.check_own(by)?;
            if tx.is_forgotten(&request_id)? {
                return Err(forgotten(tx, &interaction, &claim_id)?.into());
            }
            let (effective_input, effective_input_digest) = approved(tx, &interaction, tx.now())?;
            if digest.as_ref().is_some_and(|digest| *digest != effective_input_digest) {
                return Err(Refused::DigestMismatch.into());
            }
            match tx.claim(&request_id)? {
                None if interaction.claim_expires_at().is_some_and(|end| end <= tx.now()) => {
                    return Err(Refused::ApprovalExpired.into());
                }
                None => {
                    tx.insert_claim(&request_id, &claim_id)?;
                    let event = NewAuditEvent::new(Event::Claimed).request(&request_id).principal(&by.name);
                    let detail = serde_json::json!({"claimId": claim_id, "inputDigest": effective_input_digest});
                    tx.append_audit(event.detail(detail))?;
                }
                Some(Claim::Taken(claim)) if claim.claim_id == claim_id => {}
                Some(Claim::Taken(_)) => return Err(Refused::AlreadyClaimed.into()),
                Some(Claim::Withdrawn(_)) => return Err(Refused::ApprovalWithdrawn.into()),
            }
            Ok(ClaimGrant { claim_id: claim_id.clone(), effective_input, effective_input_digest })
        })
        .await
    }
}

/// Why nothing is handed out of what is forgotten: that could no longer be claimed, or its claim is repeated too late.
fn forgotten(tx: &ReadTx<'_>, interaction: &Interaction, claim_id: &ClaimId) -> Result<Refused> {
    if !interaction.is_approved() {
        return Ok(Refused::NotApproved { status: interaction.status() });
    }
    Ok(match tx.claim(&interaction.request_id)? {
        None => Refused::ApprovalExpired,
        Some(Claim::Withdrawn(_)) => Refused::ApprovalWithdrawn,
        Some(Claim::Taken(claim)) if claim.claim_id == *claim_id => Refused::Forgotten,
        Some(Claim::Taken(_)) => Refused::AlreadyClaimed,
    })
}

/// The input that was approved and its digest; refuses whatever is no approved confirmation.
fn approved(tx: &ReadTx<'_>, interaction: &Interaction, now: Timestamp) -> Result<(JsonObject, String)> {
    let status = interaction.status_at(now);
    let resolution = interaction.resolution.as_ref().filter(|_| status == Status::Resolved(Outcome::Approved));
    let detail = &resolution.ok_or(Refused::NotApproved { status })?.detail;
    if let (Some(input), Some(digest)) = (&detail.updated_input, &detail.updated_input_digest) {
        return Ok((input.clone(), digest.clone()));
    }
    let confirmation: Box<Confirmation> = tx.found_content(&interaction.request_id)?;
    let digest = input_digest(confirmation.tool_name.as_str(), &confirmation.input);
    Ok((confirmation.input, digest))
}
