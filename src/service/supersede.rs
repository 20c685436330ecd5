//! A conversation goes on without what is still pending in it.

use super::{Caller, Result, Service};
use crate::domain::enums::Outcome;
use crate::domain::id::{ConversationId, RequestId};
use crate::domain::interaction::Resolution;

impl Service {
    /// Supersedes what is pending in a conversation: an agent's own interactions, or all for a principal that sees all.
    ///
    /// # Errors
    ///
    /// An error of the store.
    pub async fn supersede(&self, by: &Caller, conversation: &ConversationId) -> Result<Vec<RequestId>> {
        let conversation = conversation.clone();
        self.write_as(by, move |tx, by| {
            let mut superseded = Vec::new();
            for interaction in tx.pending_in(&conversation, by.sees_only())? {
                // What is overdue is the sweeper's: it has expired, whether or not that is written down yet.
                if interaction.check_open(interaction.kind, tx.now()).is_ok() {
                    tx.resolve(&interaction, &Resolution::by_principal(Outcome::Superseded, by, tx.now()))?;
                    superseded.push(interaction.request_id);
                }
            }
            Ok(superseded)
        })
        .await
    }
}
