//! A person says no to all that one agent asks at once.

use super::{Caller, Result, Service};
use crate::domain::enums::Outcome;
use crate::domain::id::PrincipalName;
use crate::domain::interaction::{Detail, Resolution};
use crate::domain::principal::Principal;
use crate::domain::refused::Refused;
use crate::domain::text::PlainText;
use crate::store::{Priority, WriteTx};

/// The most interactions that are rejected in one transaction, so that no other write waits long behind it.
const REJECTED_AT_ONCE: u32 = 500;

impl Service {
    /// Resolves all that is pending of `agent`: confirmations are rejected, with a comment, secrets and questions are
    /// declined. How many there were.
    ///
    /// # Errors
    ///
    /// A refusal if they are the principal's own, or an error of the store.
    pub async fn reject_all_of(
        &self,
        by: &Caller,
        agent: &PrincipalName,
        comment: Option<&PlainText>,
    ) -> Result<usize> {
        if by.name == *agent && !self.allow_self_approval {
            return Err(Refused::SelfApproval.into());
        }
        self.sweep_if_due(Priority::of(by)).await?;
        let mut all = 0;
        loop {
            let (agent, comment) = (agent.clone(), comment.cloned());
            let rejected = self
                .write_as(by, move |tx, by| -> Result<usize> { Ok(reject_some_of(tx, by, &agent, comment.as_ref())?) })
                .await?;
            if rejected == 0 {
                return Ok(all);
            }
            all += rejected;
        }
    }
}

/// Rejects some of what is pending of `agent`; how many they were, 0 where there are no more.
///
/// # Errors
///
/// An error of the store.
pub fn reject_some_of(
    tx: &mut WriteTx<'_>,
    by: &Principal,
    agent: &PrincipalName,
    comment: Option<&PlainText>,
) -> crate::store::Result<usize> {
    let mut rejected = 0;
    for interaction in tx.pending_of(agent, REJECTED_AT_ONCE)? {
        // What is overdue has expired, whether or not that is written down yet.
        if interaction.is_overdue(tx.now()) {
            continue;
        }
        let outcome = interaction.kind.turned_down();
        let comment = comment.filter(|_| outcome == Outcome::Rejected).cloned().map(String::from);
        let detail = Detail { comment, ..Detail::default() };
        let resolution = Resolution { detail, ..Resolution::by_principal(outcome, by, tx.now()) };
        tx.resolve(&interaction, &resolution)?;
        rejected += 1;
    }
    Ok(rejected)
}
