//! Who comes too late: requests about what is over, though the row may not say so yet.

use serde_json::{Value, json};

use super::Author;
use crate::model::oracle::Interaction;
use crate::model::request::{Request, Verb};

impl Author<'_> {
    /// A request about something that has been over since the clock was moved; nothing where nothing is.
    pub(super) fn too_late(&mut self) -> Option<Request> {
        let ids: Vec<_> = self.oracle.history.missing().filter_map(|event| event.request.clone()).collect();
        if ids.is_empty() {
            return None;
        }
        let id = self.rng.pick(&ids);
        let over = self.interaction(&id)?;
        let (agent, approver) = (self.asker(), self.resolver());
        let decision = self.rng.pick(&["allow", "deny"]);
        Some(match self.rng.below(6) {
            0 => self.look_at(id),
            1 => Request::new(Verb::Cancel, self.owner_of(&id)).of(id),
            2 => resolve(over, approver, decision),
            3 => Request::new(Verb::Supersede, agent).of(over.conversation.as_str().unwrap_or("none")),
            4 => self.claim_or_take(over),
            _ => cover(over, approver, decision),
        })
    }

    fn look_at(&mut self, id: String) -> Request {
        Request::new(Verb::Look, self.owner_of(&id)).of(id)
    }

    fn claim_or_take(&mut self, over: &Interaction) -> Request {
        let taken = over.given.as_ref().and_then(|given| given.taken.as_ref()).map(|(by, _)| json!({"takeId": by}));
        let verb = if over.kind == "secret" { Verb::Take } else { Verb::Claim };
        Request::new(verb, self.owner_of(&over.id)).of(over.id.clone()).with(taken.unwrap_or(Value::Null))
    }
}

/// The answer that its kind takes.
fn resolve(over: &Interaction, who: usize, decision: &str) -> Request {
    let id = &over.id;
    match over.kind.as_str() {
        "confirmation" => Request::new(Verb::Confirm, who).with(json!({"requestId": id, "decision": decision})),
        "secret" => Request::new(Verb::Secret, who).with(json!({"requestId": id, "value": "hush"})),
        _ => {
            let responses = json!([{"questionId": "colour", "optionId": "red"}, {"questionId": "why", "text": "so"}]);
            Request::new(Verb::Question, who).with(json!({"requestId": id, "responses": responses}))
        }
    }
}

/// A rule that would resolve it, were it still pending: from the request itself, or applied to all that waits.
fn cover(over: &Interaction, who: usize, decision: &str) -> Request {
    let mut body = json!({"pattern": over.says("subject"), "scope": "everywhere", "decision": decision});
    let is_confirmation = over.kind == "confirmation";
    if is_confirmation && decision == "allow" {
        body["toolName"] = over.says("toolName").clone();
        body["allowHighRisk"] = json!(true);
        body["applyToPending"] = json!(true);
    } else {
        body["requestId"] = json!(over.id);
    }
    if !is_confirmation {
        body["pattern"] = json!("make *");
    }
    Request::new(Verb::MakeRule, who).with(body)
}
