//! A person resolves a confirmation, perhaps with an edited input, perhaps with a lasting rule.

use std::sync::Arc;

use super::trust_rules;
use super::{Caller, Result, Service, find};
use crate::domain::acknowledgement::{self, Acknowledgement};
use crate::domain::canonical::input_digest;
use crate::domain::enums::{Decision, Kind, RiskLevel};
use crate::domain::id::RequestId;
use crate::domain::interaction::{Claim, Detail, Interaction, Resolution};
use crate::domain::json::JsonObject;
use crate::domain::kinds::{Confirmation, Sameness};
use crate::domain::pattern::{Pattern, Scope};
use crate::domain::principal::Principal;
use crate::domain::refused::Refused;
use crate::domain::text::PlainText;
use crate::domain::tools::Profiles;
use crate::domain::trust_rule::{NamedParts, NewTerms, Terms};
use crate::domain::warning::Warning;
use crate::store::{ReadTx, Wants, WriteTx};

/// A decision on one confirmation.
#[derive(Clone, Debug)]
pub struct Confirm {
    /// Which one.
    pub request_id: RequestId,
    /// Yes or no.
    pub decision: Decision,
    /// What the person adds.
    pub comment: Option<PlainText>,
    /// The input to act on in place of the proposed one.
    pub updated_input: Option<JsonObject>,
    /// What a rule says that is to be made with the same decision.
    pub selected: Option<Selected>,
    /// What of the interaction's acknowledgements the person has made.
    pub acknowledged: Vec<Acknowledgement>,
    /// Whether an approval without all of them is refused however the server was started: a page shows them to a person,
    /// a program may have its own ways.
    pub must_acknowledge: bool,
    /// What it has to ask for the approval to count, where it is approved together with others.
    pub alike: Option<Sameness>,
}

/// A rule that was chosen together with a decision.
#[derive(Clone, Debug)]
pub struct Selected {
    /// One of the patterns that the confirmation offers.
    pub pattern: Pattern,
    /// One of its scopes.
    pub scope: Scope,
    /// What else is said of it.
    pub named: NamedParts,
}

impl Service {
    /// Resolves a confirmation; the same principal may repeat the decision that stands. What comes back is what the person
    /// should know.
    ///
    /// # Errors
    ///
    /// A refusal if it is no pending confirmation or does not allow the decision, or an error of the store.
    pub async fn confirm(&self, by: &Caller, confirm: Confirm) -> Result<Vec<Warning>> {
        let allow_self_approval = self.allow_self_approval;
        let must_acknowledge = self.require_acknowledgements || confirm.must_acknowledge;
        let profiles = Arc::clone(&self.profiles);
        self.write_about(by, Wants::interaction(confirm.request_id.clone()), move |tx, by| {
            let interaction = find(tx, &confirm.request_id, by)?;
            interaction.check_kind(Kind::Confirmation)?;
            if confirm.repeats(tx, &interaction, by, &profiles)? {
                return confirm.warnings(tx);
            }
            interaction.check_open(Kind::Confirmation, tx.now())?;
            interaction.check_not_own(by, allow_self_approval)?;
            let detail = confirm.decide(tx, &interaction, by, &profiles, must_acknowledge)?;
            let resolution =
                Resolution { detail, ..Resolution::by_principal(confirm.decision.outcome(), by, tx.now()) };
            tx.resolve(&interaction, &resolution)?;
            confirm.warnings(tx)
        })
        .await
    }
}

impl Confirm {
    /// Whether an approval was taken back, or ran out before an agent claimed it: then it does not stand.
    fn is_void(&self, tx: &WriteTx<'_>, interaction: &Interaction) -> Result<bool> {
        Ok(match tx.claim(&self.request_id)? {
            Some(Claim::Withdrawn(_)) => true,
            Some(Claim::Taken(_)) => false,
            None => interaction.claim_expires_at().is_some_and(|end| end <= tx.now()),
        })
    }

    /// Whether this is the very decision that stands, made by the same principal.
    fn repeats(
        &self,
        tx: &WriteTx<'_>,
        interaction: &Interaction,
        by: &Principal,
        profiles: &Profiles,
    ) -> Result<bool> {
        let Some(stands) = interaction.resolution_by(by) else {
            return Ok(false);
        };
        if self.decision == Decision::Allow && self.is_void(tx, interaction)? {
            return Ok(false);
        }
        let made = match &stands.detail.made_rule {
            Some(rule_id) => tx.trust_rule(rule_id)?.map(|rule| rule.terms),
            None => None,
        };
        let selected = match &self.selected {
            Some(selected) => {
                let confirmation: Box<Confirmation> = tx.found_content(&self.request_id)?;
                Some(self.terms(selected, &confirmation, interaction, profiles)?)
            }
            None => None,
        };
        Ok(stands.outcome == self.decision.outcome()
            && stands.detail.comment.as_deref() == self.comment.as_ref().map(PlainText::as_str)
            && stands.detail.updated_input_digest == self.updated_input_digest(interaction)
            && made == selected)
    }

    /// The digest of the edited input: the same input is the same however it is written.
    fn updated_input_digest(&self, interaction: &Interaction) -> Option<String> {
        let tool_name = interaction.tool_name.as_ref().map_or("", |name| name.as_str());
        self.updated_input.as_ref().map(|input| input_digest(tool_name, input))
    }

    /// What is kept of the decision. Reads what was asked only where the decision depends on it.
    fn decide(
        &self,
        tx: &mut WriteTx<'_>,
        interaction: &Interaction,
        by: &Principal,
        profiles: &Profiles,
        must_acknowledge: bool,
    ) -> Result<Detail> {
        let mut detail = Detail { comment: self.comment.clone().map(String::from), ..Detail::default() };
        let must_acknowledge = must_acknowledge && self.decision == Decision::Allow;
        let is_as_it_stands = self.updated_input.is_none() && self.selected.is_none() && self.alike.is_none();
        if !must_acknowledge && is_as_it_stands {
            return Ok(detail);
        }
        let confirmation: Box<Confirmation> = tx.found_content(&self.request_id)?;
        if self.alike.as_ref().is_some_and(|alike| *alike != confirmation.sameness()) {
            return Err(Refused::NotAlike.into());
        }
        if must_acknowledge {
            self.check_acknowledged(&confirmation)?;
        }
        if let Some(input) = &self.updated_input {
            confirmation.check_edit()?;
            detail.updated_input_digest = Some(input_digest(confirmation.tool_name.as_str(), input));
            detail.updated_input = Some(input.clone());
        }
        if let Some(selected) = &self.selected {
            let conversation_id = interaction.conversation_id.as_ref();
            confirmation.check_offered(&selected.pattern, &selected.scope, conversation_id)?;
            let terms = self.terms(selected, &confirmation, interaction, profiles)?;
            let made = trust_rules::make(tx, by, confirmation.tool_name, terms, Some(&self.request_id), profiles)?;
            detail.made_rule = Some(made.rule.rule_id);
        }
        Ok(detail)
    }

    /// That the rule which was made does not cover what it was made from: one that allows, from a request of high risk.
    fn warnings(&self, tx: &ReadTx<'_>) -> Result<Vec<Warning>> {
        if self.selected.is_none() || self.decision != Decision::Allow {
            return Ok(Vec::new());
        }
        let record = tx.found_record(&self.request_id)?;
        let is_high = record.body.content.confirmation().is_some_and(|asked| asked.risk_level == RiskLevel::High);
        Ok(is_high.then_some(Warning::HighRiskNotCovered).into_iter().collect())
    }

    /// Refuses an approval that leaves out something that has to be acknowledged.
    fn check_acknowledged(&self, confirmation: &Confirmation) -> Result<()> {
        let required = acknowledgement::required(confirmation, self.updated_input.as_ref());
        let missing = acknowledgement::missing(&required, &self.acknowledged);
        if missing.is_empty() { Ok(()) } else { Err(Refused::AcknowledgementRequired { missing }.into()) }
    }

    /// What the rule says that was selected together with the decision.
    fn terms(
        &self,
        selected: &Selected,
        confirmation: &Confirmation,
        interaction: &Interaction,
        profiles: &Profiles,
    ) -> Result<Terms> {
        let Selected { pattern, scope, named } = selected.clone();
        let terms = NewTerms { terms: Terms::new(pattern, scope, self.decision.into()), named };
        Ok(terms.like(confirmation, &interaction.registered_by, profiles)?)
    }
}
