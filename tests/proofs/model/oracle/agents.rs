//! What agents do with what they asked: withdraw, supersede, claim, report.

use serde_json::{Value, json};

use super::{Claim, End, Expected, Learnt, Oracle, Refusal, refused};
use crate::model::actors::Caller;

/// What is said of a rule that an approval made which is taken back.
const RULE_STILL_ACTIVE: &str =
    "the rule that was made with this approval goes on deciding: revoke it, too, if it is not meant to";

impl Oracle {
    /// A conflict that names where the interaction stands.
    pub(super) fn conflict<T>(&self, place: usize, code: &'static str) -> Result<T, Refusal> {
        Err(Refusal { status: 409, code, standing: Some(self.interactions[place].status()) })
    }

    pub(super) fn cancel(&mut self, caller: Caller, id: &str) -> Expected {
        let place = self.find(caller, id)?;
        match self.interactions[place].status() {
            "pending" => self.end(place, End::by("cancelled", caller)),
            "cancelled" => {}
            _ => return self.conflict(place, "already_resolved"),
        }
        Ok((200, self.interactions[place].shown()))
    }

    pub(super) fn supersede(&mut self, caller: Caller, conversation: &str) -> Expected {
        let is_meant = |place: &usize| {
            let interaction = &self.interactions[*place];
            interaction.conversation == conversation && interaction.end.is_none() && caller.sees(interaction.by)
        };
        let meant: Vec<_> = (0..self.interactions.len()).filter(is_meant).collect();
        for &place in &meant {
            self.end(place, End::by("superseded", caller));
        }
        let ids: Vec<_> = meant.iter().map(|&place| self.interactions[place].id.clone()).collect();
        Ok((200, json!({"superseded": ids})))
    }

    pub(super) fn claim(&mut self, caller: Caller, id: &str, body: &Value, learnt: &Learnt<'_>) -> Expected {
        let place = self.find_own(caller, id)?;
        let interaction = &self.interactions[place];
        let Some(digest) = interaction.effective_digest() else {
            return self.conflict(place, "not_approved");
        };
        if body["inputDigest"].as_str().is_some_and(|given| given != digest) {
            return refused(409, "digest_mismatch");
        }
        let input = interaction.effective_input().cloned();
        let claim_id = match (&interaction.claim, body["claimId"].as_str()) {
            _ if interaction.withdrawn.is_some() => return refused(409, "approval_withdrawn"),
            (None, _) if interaction.claim_end().is_some_and(|end| end <= self.now) => {
                return refused(409, "approval_expired");
            }
            (None, chosen) => {
                let claim_id = chosen.map_or_else(|| learnt.text("/claimId"), str::to_owned);
                self.interactions[place].claim = Some(Claim { id: claim_id.clone(), at: self.now, report: None });
                self.history.told("interaction.claimed", Some(id), None, Some(caller.name), self.now);
                claim_id
            }
            (Some(claim), Some(chosen)) if claim.id == chosen => chosen.to_owned(),
            (Some(_), _) => return refused(409, "already_claimed"),
        };
        Ok((200, json!({"claimId": claim_id, "effectiveInput": input, "effectiveInputDigest": digest})))
    }

    /// A person takes back what no agent has claimed.
    pub(super) fn withdraw(&mut self, caller: Caller, id: &str) -> Expected {
        let place = self.find(caller, id)?;
        if self.interactions[place].status() != "approved" {
            return self.conflict(place, "not_approved");
        }
        let interaction = &mut self.interactions[place];
        if interaction.claim.is_some() {
            return refused(409, "already_claimed");
        }
        if interaction.withdrawn.is_none() {
            interaction.withdrawn = Some((caller.name, self.now));
            self.history.told("interaction.approval_withdrawn", Some(id), None, Some(caller.name), self.now);
        }
        let mut shown = self.interactions[place].shown();
        let made = self.interactions[place].end.as_ref().and_then(|end| end.made_rule.as_ref());
        if let Some(rule) = self.rules.iter().find(|rule| Some(&rule.id) == made && rule.status == "active") {
            shown["warnings"] = json!([{"code": "rule_still_active", "message": RULE_STILL_ACTIVE, "ruleId": rule.id}]);
        }
        Ok((200, shown))
    }

    pub(super) fn report(&mut self, caller: Caller, id: &str, body: &Value) -> Expected {
        let place = self.find_own(caller, id)?;
        let (outcome, detail) = (body["outcome"].as_str().unwrap().to_owned(), body["detail"].clone());
        let Some(claim) = &mut self.interactions[place].claim else {
            return refused(409, "not_claimed");
        };
        if body["claimId"] != claim.id.as_str() {
            return refused(409, "claim_mismatch");
        }
        match &claim.report {
            None => {
                claim.report = Some((outcome, detail, self.now));
                self.history.told("interaction.outcome_reported", Some(id), None, Some(caller.name), self.now);
            }
            Some((stands, with, _)) if *stands == outcome && *with == detail => {}
            Some(_) => return refused(409, "outcome_conflict"),
        }
        Ok((200, self.interactions[place].shown()))
    }
}
