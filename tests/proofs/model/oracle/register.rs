//! Registering, and what standing rules decide of it.

use serde_json::{Value, json};

use super::shown::{digest, millis};
use super::{By, End, Expected, Interaction, Learnt, Oracle, Refusal, malformed, refused};
use crate::model::actors::Caller;

impl Oracle {
    pub(super) fn register(&mut self, caller: Caller, body: &Value, learnt: &Learnt<'_>) -> Expected {
        // No lifetime at all is no request, whatever stands under its id.
        if body["expiresInMs"] == 0 {
            return malformed();
        }
        let kind = body["kind"].as_str().unwrap();
        let mut interaction = Interaction {
            id: body["requestId"].as_str().map_or_else(|| learnt.text("/requestId"), str::to_owned),
            kind: kind.to_owned(),
            conversation: body["conversationId"].clone(),
            by: caller.name,
            created: self.now,
            expires: None,
            asked_deadline: body["expiresAt"].clone(),
            metadata: body.get("metadata").cloned().unwrap_or_else(|| json!({})),
            content: with_defaults(kind, body[kind].clone()),
            end: None,
            claim: None,
            withdrawn: None,
            given: None,
        };
        if let Some(other) = self.interactions.iter().find(|other| other.id == interaction.id) {
            return if other.asks_the_same_as(&interaction) {
                Ok((200, other.shown()))
            } else {
                refused(409, "request_id_conflict")
            };
        }
        if body["requestId"].is_null()
            && let Some(first) =
                self.interactions.iter().rev().find(|other| other.is_the_same_use(&interaction, self.now))
        {
            return Ok((200, first.shown()));
        }
        interaction.expires = self.deadline(body)?;
        let is_own = |other: &&Interaction| other.by == caller.name && other.end.is_none();
        if self.interactions.iter().filter(is_own).count() >= self.settings.max_pending {
            return refused(429, "too_many_pending");
        }
        self.history.told("interaction.registered", Some(&interaction.id), None, Some(caller.name), self.now);
        self.interactions.push(interaction);
        let place = self.interactions.len() - 1;
        self.decide(place, &learnt.text("/resolution/resolvedBy/trustRule"));
        Ok((201, self.interactions[place].shown()))
    }

    fn deadline(&self, body: &Value) -> Result<Option<i64>, Refusal> {
        let end = match (body["expiresInMs"].as_i64(), body["expiresAt"].as_str()) {
            (Some(lifetime), _) => Some(self.now + lifetime),
            (None, Some(moment)) => Some(millis(moment)),
            (None, None) => self.settings.default_ttl.map(|lifetime| self.now + lifetime),
        };
        if end.is_some_and(|end| end <= self.now) { malformed() } else { Ok(end) }
    }

    /// Deny beats ask beats allow. Which of several rules that say the same is named is the server's to choose: `named` is
    /// what it chose, if it may.
    fn decide(&mut self, place: usize, named: &str) {
        let interaction = &self.interactions[place];
        let that = |decision: &str| {
            let applies = |rule: &&super::Rule| {
                rule.terms.decision == decision && rule.decides(interaction, self.settings.self_approval)
            };
            let ids: Vec<_> = self.rules.iter().filter(applies).map(|rule| rule.id.clone()).collect();
            ids.iter().find(|id| *id == named).or(ids.first()).cloned()
        };
        let (denies, asks, allows) = (that("deny"), that("ask"), that("allow"));
        match (denies, asks, allows) {
            (Some(rule), ..) => self.decide_by_rule(place, &rule, "rejected"),
            (None, None, Some(rule)) => self.decide_by_rule(place, &rule, "approved"),
            (None, Some(_), _) | (None, None, None) => {}
        }
    }

    /// A rule's decision: a use of it, and an end.
    pub(super) fn decide_by_rule(&mut self, place: usize, rule_id: &str, status: &'static str) {
        let request_id = self.interactions[place].id.clone();
        let now = self.now;
        let rule = self.rules.iter_mut().find(|rule| rule.id == rule_id).unwrap();
        rule.uses += 1;
        rule.last_used = Some(now);
        if Some(rule.uses) == rule.terms.max_uses {
            rule.status = "exhausted";
            self.history.told("trust_rule.exhausted", Some(&request_id), Some(rule_id), None, now);
        }
        self.end(place, End::new(status, By::Rule(rule_id.to_owned())));
    }

    /// Resolves what is pending, at this moment.
    pub(super) fn end(&mut self, place: usize, end: End) {
        let interaction = &mut self.interactions[place];
        assert!(interaction.end.is_none(), "the oracle would resolve {} twice", interaction.id);
        let event = format!("interaction.{}", end.status);
        let (rule, principal) = match &end.by {
            By::Principal(name) => (None, Some(name.as_str())),
            By::Rule(id) => (Some(id.as_str()), None),
            By::Deadline => (None, None),
        };
        self.history.told(&event, Some(&interaction.id), rule, principal, self.now);
        interaction.end = Some(End { at: self.now, ..end.clone() });
    }
}

impl End {
    pub(super) fn new(status: &'static str, by: By) -> Self {
        Self {
            status,
            at: 0,
            by,
            comment: Value::Null,
            updated_input: Value::Null,
            selected: None,
            made_rule: None,
            delivery: Value::Null,
            responses: Value::Null,
        }
    }

    pub(super) fn by(status: &'static str, caller: Caller) -> Self {
        Self::new(status, By::Principal(caller.name.to_owned()))
    }
}

impl Interaction {
    /// Whether `again` is the very use of a tool that this is of, which waits, or was approved and is still to be claimed.
    fn is_the_same_use(&self, again: &Self, now: i64) -> bool {
        let is_open = match self.status() {
            "pending" => true,
            "approved" => {
                self.claim.is_none() && self.withdrawn.is_none() && self.claim_end().is_some_and(|end| now < end)
            }
            _ => false,
        };
        let has_both = self.says("toolUseId").is_string() && self.conversation.is_string();
        is_open && has_both && self.asks_the_same_as(again)
    }

    /// Whether an agent that asks `again` only repeats itself.
    fn asks_the_same_as(&self, again: &Self) -> bool {
        self.by == again.by
            && self.kind == again.kind
            && self.conversation == again.conversation
            && self.asked_deadline == again.asked_deadline
            && self.metadata == again.metadata
            && self.content == again.content
    }
}

/// What is asked, with what the contract puts where nothing is said.
fn with_defaults(kind: &str, mut content: Value) -> Value {
    let mut default = |member: &str, value: Value| {
        if content.get(member).is_none() {
            content[member] = value;
        }
    };
    match kind {
        "confirmation" => {
            default("riskLevel", json!("medium"));
            default("persistentDecisionsAllowed", json!(true));
            default("inputEditsAllowed", json!(false));
            let subject = content["input"]["command"].clone();
            content["inputDigest"] = json!(digest(&content["toolName"], &content["input"]));
            content["subject"] = subject;
        }
        "secret" => {
            default("allowOneTimeSend", json!(true));
            default("allowedTools", json!([]));
            default("allowedDomains", json!([]));
        }
        _ => {}
    }
    content
}
