//! What people answer: confirmations and questions.

use serde_json::{Value, json};

use super::rules::Terms;
use super::{End, Expected, Learnt, Oracle, Refusal, malformed, refused};
use crate::model::actors::Caller;

/// What is said of a rule that does not cover what it was made from.
const HIGH_RISK_NOT_COVERED: &str =
    "this request is of high risk, and the rule covers no high risk: make it under Rules, with allowHighRisk";

impl Oracle {
    /// Finds what an approver answers, which has to be of this kind.
    pub(super) fn find_kind(&self, caller: Caller, body: &Value, kind: &str) -> Result<usize, Refusal> {
        let place = self.find(caller, body["requestId"].as_str().unwrap())?;
        if self.interactions[place].kind == kind { Ok(place) } else { refused(404, "wrong_kind") }
    }

    /// Refuses what is over, and what the caller asked itself.
    pub(super) fn check_open(&self, place: usize, caller: Caller) -> Result<(), Refusal> {
        self.check_pending(place)?;
        if self.interactions[place].by == caller.name && !self.settings.self_approval {
            return refused(403, "self_approval");
        }
        Ok(())
    }

    /// Refuses what is over: the card is to be retired.
    pub(super) fn check_pending(&self, place: usize) -> Result<(), Refusal> {
        let Some(end) = &self.interactions[place].end else {
            return Ok(());
        };
        let code = if end.status == "expired" { "expired" } else { "already_resolved" };
        Err(Refusal { status: 404, code, standing: Some(end.status) })
    }

    pub(super) fn confirm(&mut self, caller: Caller, body: &Value, learnt: &Learnt<'_>) -> Expected {
        const ACCEPTED: u16 = 200;
        // An input is edited to be allowed.
        if body["decision"] == "deny" && !body["updatedInput"].is_null() {
            return malformed();
        }
        let place = self.find_kind(caller, body, "confirmation")?;
        let selected = body["selectedPattern"].as_str().zip(body["selectedScope"].as_str());
        let selected = selected.map(|(pattern, scope)| (pattern.to_owned(), scope.to_owned()));
        let status = if body["decision"] == "allow" { "approved" } else { "rejected" };
        let mut end = End {
            comment: body["comment"].clone(),
            updated_input: body["updatedInput"].clone(),
            selected: selected.clone(),
            ..End::by(status, caller)
        };
        let interaction = &self.interactions[place];
        // An approval that was taken back, or ran out before it was claimed, does not stand.
        let has_run_out = interaction.claim.is_none() && interaction.claim_end().is_some_and(|end| end <= self.now);
        let is_void = interaction.withdrawn.is_some() || has_run_out;
        let is_repeated = !is_void
            && interaction.is_resolved_by(caller).is_some_and(|stands| {
                stands.status == end.status
                    && stands.comment == end.comment
                    && stands.updated_input == end.updated_input
                    && stands.selected == end.selected
            });
        let mut accepted = json!({"accepted": true});
        if selected.is_some() && status == "approved" && interaction.says("riskLevel") == "high" {
            accepted["warnings"] = json!([{"code": "high_risk_not_covered", "message": HIGH_RISK_NOT_COVERED}]);
        }
        if is_repeated {
            return Ok((ACCEPTED, accepted));
        }
        self.check_open(place, caller)?;
        if !end.updated_input.is_null() && interaction.says("inputEditsAllowed") == false {
            return refused(403, "edits_not_allowed");
        }
        if let Some((pattern, scope)) = &selected {
            self.check_offered(place, pattern, scope)?;
            let decision = body["decision"].as_str().unwrap().to_owned();
            let tool = interaction.says("toolName").as_str().unwrap().to_owned();
            let terms = Terms::plain(tool, pattern.clone(), scope.clone(), decision).from(interaction);
            let (made, _) = self.make(caller, terms, body["requestId"].clone(), learnt);
            end.made_rule = Some(self.rules[made].id.clone());
        }
        self.end(place, end);
        Ok((ACCEPTED, accepted))
    }

    pub(super) fn respond(&mut self, caller: Caller, body: &Value) -> Expected {
        let place = self.find_kind(caller, body, "question")?;
        let responses = &body["responses"];
        let stands = self.interactions[place].is_resolved_by(caller);
        if stands.is_some_and(|end| end.responses == *responses) {
            return Ok((200, json!({"accepted": true})));
        }
        self.check_open(place, caller)?;
        if !answers(self.interactions[place].says("entries"), responses) {
            return refused(422, "invalid_response");
        }
        self.end(place, End { responses: responses.clone(), ..End::by("answered", caller) });
        Ok((200, json!({"accepted": true})))
    }
}

/// Whether every entry is answered with what it offers, or skipped, and nothing else is.
fn answers(entries: &Value, responses: &Value) -> bool {
    let (entries, responses) = (entries.as_array().unwrap(), responses.as_array().unwrap());
    let is_offered = |response: &Value| {
        entries.iter().any(|entry| {
            let options = entry["options"].as_array().unwrap();
            let may_choose = |chosen: &Value| options.iter().any(|option| option["optionId"] == *chosen);
            entry["questionId"] == response["questionId"]
                && response.get("optionId").is_none_or(may_choose)
                && (response.get("text").is_none() || entry["freeTextAllowed"] == true)
        })
    };
    let is_answered = |entry: &Value| responses.iter().any(|response| response["questionId"] == entry["questionId"]);
    responses.iter().all(is_offered) && entries.iter().all(is_answered)
}
