//! An approver takes an approval back before an agent has claimed it.

use super::{Caller, Result, Service, find};
use crate::domain::audit::{Event, NewAuditEvent};
use crate::domain::enums::{Outcome, RuleStatus};
use crate::domain::id::{RequestId, RuleId};
use crate::domain::interaction::{Claim, Interaction, Record, Status};
use crate::domain::refused::Refused;
use crate::store::{Priority, ReadTx, Wants};

impl Service {
    /// Takes back an approval that is not claimed; one that is taken back already stays so. With it comes the rule that was
    /// made with the approval, if it still decides.
    ///
    /// # Errors
    ///
    /// A refusal if it is no approved confirmation or is claimed, or an error of the store.
    pub async fn withdraw(&self, by: &Caller, request_id: &RequestId) -> Result<(Record, Option<RuleId>)> {
        let request_id = request_id.clone();
        self.write_about(by, Wants::interaction(request_id.clone()), move |tx, by| {
            let interaction = find(tx, &request_id, by)?;
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
            Ok((tx.found_record(&request_id)?, active_rule_of(tx, &interaction)?))
        })
        .await
    }

    /// The rule that was made together with the approval of an interaction, if it still decides.
    ///
    /// # Errors
    ///
    /// An error of the store.
    pub async fn active_rule_of(&self, interaction: &Interaction) -> Result<Option<RuleId>> {
        let interaction = interaction.clone();
        self.store.read(Priority::Human, move |tx| active_rule_of(tx, &interaction)).await
    }
}

fn active_rule_of(tx: &ReadTx<'_>, interaction: &Interaction) -> Result<Option<RuleId>> {
    let made = interaction.resolution.as_ref().and_then(|resolution| resolution.detail.made_rule.as_ref());
    let rule = made.map(|rule_id| tx.trust_rule(rule_id)).transpose()?.flatten();
    Ok(rule.filter(|rule| rule.status == RuleStatus::Active).map(|rule| rule.rule_id))
}
