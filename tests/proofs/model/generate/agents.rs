//! What agents ask.

use serde_json::{Value, json};

use super::{Author, COMMANDS, TOOLS, offered_patterns, options};
use crate::model::oracle::written;
use crate::model::request::{Request, Verb};

impl Author<'_> {
    pub(super) fn register(&mut self) -> Request {
        let kind = self.rng.weighted(&[(60, "confirmation"), (22, "secret"), (18, "question")]);
        let content = match kind {
            "confirmation" => self.confirmation(),
            "secret" => self.secret(),
            _ => question(),
        };
        let mut body = json!({"kind": kind, kind: content});
        if self.rng.percent(85) {
            body["requestId"] = json!(format!("i{}", self.oracle.interactions.len()));
        }
        self.perhaps(80, &mut body, "conversationId", &[json!("x"), json!("x"), json!("y"), Value::Null]);
        self.perhaps(10, &mut body, "metadata", &[json!({}), json!({"n": 1}), json!({"n": [true, null]})]);
        let lifetime = self.rng.pick(&[1, 500, 1000, 5000, 60_000, 3_600_000]);
        match self.rng.below(100) {
            0..40 => body["expiresInMs"] = json!(lifetime),
            40..60 => body["expiresAt"] = json!(written(self.oracle.now + lifetime)),
            60..62 => body["expiresInMs"] = json!(0),
            62..65 => body["expiresAt"] = json!(written(self.oracle.now - lifetime + 1)),
            _ => {}
        }
        Request::new(Verb::Register, self.asker()).with(body)
    }

    /// With the id of something that is there already.
    pub(super) fn register_again(&mut self) -> Request {
        let mut request = self.register();
        request.body["requestId"] = json!(self.id_of(|_| true));
        request
    }

    fn confirmation(&mut self) -> Value {
        let command = self.rng.pick(&COMMANDS);
        let directory = self.rng.pick(&["/repo", "/repo/sub", "/srv"]);
        let scopes = self.rng.pick(&[vec!["everywhere", "/repo"], vec!["everywhere", "team"], vec!["everywhere"]]);
        let mut content = json!({
            "toolName": self.rng.pick(&TOOLS), "input": {"command": command}, "workingDir": directory,
            "allowlistOptions": options("pattern", &offered_patterns(command)), "scopeOptions": options("scope", &scopes),
        });
        self.perhaps(40, &mut content, "riskLevel", &[json!("low"), json!("medium"), json!("high")]);
        self.perhaps(20, &mut content, "reason", &[json!("the tests are green")]);
        self.perhaps(10, &mut content, "persistentDecisionsAllowed", &[json!(false), json!(true)]);
        self.perhaps(30, &mut content, "toolUseId", &[json!("u1"), json!("u2")]);
        self.perhaps(40, &mut content, "inputEditsAllowed", &[json!(true)]);
        content
    }

    fn secret(&mut self) -> Value {
        let mut content = json!({"service": "forge", "field": self.rng.pick(&["token", "password"]), "label": "A key"});
        self.perhaps(30, &mut content, "allowOneTimeSend", &[json!(false), json!(true)]);
        content
    }

    pub(super) fn cancel(&mut self) -> Request {
        let id = self.id_of(|interaction| interaction.end.is_none());
        Request::new(Verb::Cancel, self.owner_of(&id)).of(id)
    }

    pub(super) fn supersede(&mut self) -> Request {
        let conversation = self.rng.pick(&["x", "y", "y", "none"]);
        Request::new(Verb::Supersede, self.any_caller()).of(conversation)
    }

    pub(super) fn claim(&mut self) -> Request {
        let id = self.id_of(|interaction| interaction.status() == "approved");
        let found = self.interaction(&id);
        let right = found.and_then(|it| it.effective_digest()).map_or(Value::Null, Value::from);
        let proposed = found.map_or(Value::Null, |it| it.says("inputDigest").clone());
        let claimed = found.and_then(|it| it.claim.as_ref()).map(|claim| json!(claim.id));
        let mut body = json!({});
        self.perhaps(60, &mut body, "inputDigest", &[right.clone(), right, proposed, json!("sha256:00")]);
        self.perhaps(
            70,
            &mut body,
            "claimId",
            &[json!("k1"), json!("k1"), json!("k2"), claimed.unwrap_or(json!("k3"))],
        );
        Request::new(Verb::Claim, self.owner_of(&id)).of(id).with(body)
    }

    pub(super) fn report(&mut self) -> Request {
        let id = self.id_of(|interaction| interaction.claim.is_some());
        let claimed = self.interaction(&id).and_then(|it| it.claim.as_ref()).map(|claim| json!(claim.id));
        let claim_id = if self.rng.percent(80) { claimed } else { None };
        let outcome = self.rng.pick(&["succeeded", "succeeded", "failed"]);
        let mut body = json!({"claimId": claim_id.unwrap_or(json!("k2")), "outcome": outcome});
        self.perhaps(30, &mut body, "detail", &[json!("exit status 2")]);
        Request::new(Verb::Report, self.owner_of(&id)).of(id).with(body)
    }

    pub(super) fn take(&mut self) -> Request {
        let id = self.id_of(|interaction| interaction.given.is_some());
        let taken = self.interaction(&id).and_then(|it| it.given.as_ref()).and_then(|given| given.taken.clone());
        let taken = taken.map_or(json!("t3"), |(by, _)| json!(by));
        let mut body = json!({});
        self.perhaps(80, &mut body, "takeId", &[json!("t1"), json!("t2"), taken.clone(), taken]);
        Request::new(Verb::Take, self.owner_of(&id)).of(id).with(body)
    }
}

/// An entry with options, and one with free text.
pub(in crate::model) fn question() -> Value {
    let choices = json!([{"optionId": "red", "label": "Red"}, {"optionId": "blue", "label": "Blue"}]);
    json!({"entries": [
        {"questionId": "colour", "text": "Which?", "options": choices, "freeTextAllowed": false},
        {"questionId": "why", "text": "Why?", "options": [], "freeTextAllowed": true},
    ]})
}
