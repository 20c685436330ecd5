//! Where an interaction stands, in words: who resolved it, how, and what they said.

use super::session::Person;
use super::text::{Markup, escape_untrusted};
use crate::domain::enums::{Delivery, Outcome};
use crate::domain::interaction::{Interaction, Resolution, ResolvedBy};

/// Where an interaction stands.
pub(super) struct ResolutionSummary {
    /// How it ended; none while it is pending.
    pub(super) outcome: Option<&'static str>,
    /// A sentence: `approved by ada`.
    pub(super) said: String,
    /// What the person added.
    pub(super) comment: Option<Markup>,
    /// The rule that decided it, or that was made with the decision.
    pub(super) rule: Option<String>,
}

impl ResolutionSummary {
    pub(super) fn of(interaction: &Interaction, person: &Person) -> Self {
        let Some(resolution) = &interaction.resolution else {
            return Self { outcome: None, said: "pending".to_owned(), comment: None, rule: None };
        };
        let rule = match &resolution.by {
            ResolvedBy::TrustRule(rule) => Some(rule.to_string()),
            ResolvedBy::Principal(_) | ResolvedBy::System(_) => {
                resolution.detail.made_rule.as_ref().map(ToString::to_string)
            }
        };
        Self {
            outcome: Some(resolution.outcome.as_str()),
            said: sentence(resolution, person),
            comment: resolution.detail.comment.as_deref().map(escape_untrusted),
            rule,
        }
    }
}

fn sentence(resolution: &Resolution, person: &Person) -> String {
    let what = match (resolution.outcome, resolution.detail.delivery) {
        (Outcome::Approved, _) if resolution.detail.updated_input.is_some() => "approved with an edited input",
        (Outcome::Approved, _) => "approved",
        (Outcome::Rejected, _) => "rejected",
        (Outcome::Answered, Some(Delivery::Store)) => "given, to be kept",
        (Outcome::Answered, Some(Delivery::TransientSend)) => "given, once",
        (Outcome::Answered, None) => "answered",
        (Outcome::Expired, _) => return "expired: nobody decided in time".to_owned(),
        (Outcome::Cancelled, _) => "cancelled",
        (Outcome::Superseded, _) => "superseded: the conversation went on",
    };
    match &resolution.by {
        ResolvedBy::Principal(name) if *name == person.principal.name => format!("{what} by you"),
        ResolvedBy::Principal(name) => format!("already resolved: {what} by {name}"),
        ResolvedBy::TrustRule(_) => format!("{what} by a trust rule"),
        ResolvedBy::System(_) => what.to_owned(),
    }
}
