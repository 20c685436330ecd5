//! A person answers a question.

use super::{Caller, Result, Service, find};
use crate::domain::enums::{Kind, Outcome};
use crate::domain::id::RequestId;
use crate::domain::interaction::{Detail, Resolution};
use crate::domain::kinds::{Question, Response, are_same};
use crate::store::Wants;

/// The answers to a question.
#[derive(Clone, Debug)]
pub struct Answer {
    /// Which one.
    pub request_id: RequestId,
    /// One for each entry; their form is checked.
    pub responses: Vec<Response>,
}

impl Service {
    /// Resolves a question; the same principal may repeat the answers that stand.
    ///
    /// # Errors
    ///
    /// A refusal if it is no pending question or the answers do not fit it, or an error of the store.
    pub async fn answer_question(&self, by: &Caller, answer: Answer) -> Result<()> {
        let allow_self_approval = self.allow_self_approval;
        self.write_about(by, Wants::interaction(answer.request_id.clone()), move |tx, by| {
            let interaction = find(tx, &answer.request_id, by)?;
            interaction.check_kind(Kind::Question)?;
            let stands = interaction.resolution_by(by).and_then(|resolution| resolution.detail.responses.as_ref());
            if stands.is_some_and(|stands| are_same(stands, &answer.responses)) {
                return Ok(());
            }
            interaction.check_open(Kind::Question, tx.now())?;
            interaction.check_not_own(by, allow_self_approval)?;
            tx.found_content::<Question>(&answer.request_id)?.check_responses(&answer.responses)?;
            let detail = Detail { responses: Some(answer.responses.clone()), ..Detail::default() };
            let resolution = Resolution { detail, ..Resolution::by_principal(Outcome::Answered, by, tx.now()) };
            Ok(tx.resolve(&interaction, &resolution)?)
        })
        .await
    }
}
