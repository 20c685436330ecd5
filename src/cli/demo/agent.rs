//! One made-up agent, with one question.

use std::time::Duration;

use crate::api::{ClaimBody, ClaimGrant, Interaction, NoBody, OutcomeBody, RegisterBody, TakeSecretBody};
use crate::cli::card::outcome_tint;
use crate::cli::list::what;
use crate::cli::safe_text::SafeText;
use crate::cli::style::TextStyle;
use crate::client::{Client, Result, RetryPolicy};
use crate::domain::enums::{Kind, Outcome, RunOutcome};
use crate::domain::id::{ClaimId, RequestId, TakeId};
use crate::domain::text::PlainText;

/// An agent that waits has nothing better to do.
const PATIENCE: RetryPolicy = RetryPolicy::new(Duration::MAX);

/// What it reports of what it did not do.
const REPORT: &str = "a demonstration: nothing was run";

/// An agent that has asked.
#[derive(Clone)]
pub(super) struct Agent {
    request_id: RequestId,
    /// What it asks, in a line.
    pub(super) about: SafeText,
}

impl Agent {
    /// Registers what it asks.
    pub(super) fn ask(client: &Client, request: &RegisterBody) -> Result<Self> {
        let asked = client.register_interaction(request)?;
        Ok(Self { about: what(&asked.value), request_id: asked.value.request_id })
    }

    /// Waits for the answer and acts on it; what came of it, in a few words.
    pub(super) fn play(&self, client: &Client) -> Result<SafeText> {
        let answer = loop {
            let interaction = PATIENCE.run(|| client.wait(&self.request_id))?.value;
            if let Some(outcome) = interaction.outcome() {
                break (outcome, interaction);
            }
        };
        let (outcome, Interaction { kind, resolution, .. }) = answer;
        match (kind, outcome) {
            (Kind::Confirmation, Outcome::Approved) => self.act(client)?,
            (Kind::Secret, Outcome::Answered) => self.take(client)?,
            _ => {}
        }
        let shown = SafeText::own(format!("{:<11}", outcome.as_str()), outcome_tint(outcome));
        Ok(match resolution.as_ref().and_then(|resolution| resolution.comment()) {
            Some(comment) => shown.and(SafeText::line(&format!("({comment})  ")).tinted(TextStyle::Dim)),
            None => shown,
        })
    }

    /// Claims what was approved, and reports that it is done.
    fn act(&self, client: &Client) -> Result<()> {
        let claim = ClaimBody { claim_id: Some(ClaimId::generate()), input_digest: None };
        let ClaimGrant { claim_id, .. } = PATIENCE.run(|| client.claim_interaction(&self.request_id, &claim))?;
        let report = OutcomeBody { claim_id, outcome: RunOutcome::Succeeded, detail: Some(PlainText::lossy(REPORT)) };
        PATIENCE.run(|| client.report_outcome(&self.request_id, &report))?;
        Ok(())
    }

    /// Takes the secret, and forgets it.
    fn take(&self, client: &Client) -> Result<()> {
        let taking = TakeSecretBody { take_id: Some(TakeId::generate()) };
        PATIENCE.run(|| client.take_secret(&self.request_id, &taking))?;
        Ok(())
    }

    /// Cancels the interaction if it is still pending.
    pub(super) fn withdraw(&self, client: &Client) -> Result<()> {
        match client.cancel_interaction(&self.request_id, &NoBody {}) {
            Ok(_) => Ok(()),
            Err(error) if error.is_refusal("already_resolved") => Ok(()),
            Err(error) => Err(error),
        }
    }
}

impl PartialEq for Agent {
    fn eq(&self, other: &Self) -> bool {
        self.request_id == other.request_id
    }
}
