//! Trust rules.

use serde_json::{Value, json};

use super::{AGENT, APPROVER, SHORT_MS, Tour, answer, asked, secret};
use crate::harness::altered;
use crate::model::actors::ADMIN;
use crate::model::request::{Request, Verb};

pub(super) fn from_request(id: &str, pattern: &str, scope: &str) -> Value {
    json!({"requestId": id, "pattern": pattern, "scope": scope, "decision": "allow"})
}

/// Of an approver's own, about a tool that nothing else uses.
pub(super) fn about(tool: &str, decision: &str) -> Value {
    json!({"toolName": tool, "pattern": "make *", "scope": "everywhere", "decision": decision})
}

impl Tour<'_> {
    fn make(&mut self, kind: &str, who: usize, body: Value) {
        self.meet(kind, Request::new(Verb::MakeRule, who).with(body));
    }

    pub(super) fn rules_from_requests(&mut self) {
        let own = self.register(ADMIN, asked());
        self.make("self_approval", ADMIN, from_request(&own, "make *", "everywhere"));
        let id = self.register(AGENT, asked());
        self.make("pattern_not_offered", APPROVER, from_request(&id, "rm *", "everywhere"));
        self.make("scope_not_offered", APPROVER, from_request(&id, "make *", "/etc"));
        self.meet("200", Request::new(Verb::Confirm, APPROVER).with(answer(&id, "deny")));
        self.make("already_resolved", APPROVER, from_request(&id, "make *", "everywhere"));
        let once = altered(asked(), &json!({"confirmation": {"persistentDecisionsAllowed": false}}));
        let id = self.register(AGENT, once);
        self.make("persistent_decisions_not_allowed", APPROVER, from_request(&id, "make *", "everywhere"));
        let id = self.register(AGENT, secret(""));
        self.make("wrong_kind", APPROVER, from_request(&id, "make *", "everywhere"));
    }

    /// A rule's whole life, in each of its three ends.
    pub(super) fn rules(&mut self) {
        let of_rule = |verb: Verb, id: &str| Request::new(verb, APPROVER).of(id);
        let revoked = self.made(about("tour-revoked", "allow"));
        self.make("200", APPROVER, about("tour-revoked", "allow"));
        self.meet("200 active", of_rule(Verb::LookRule, &revoked));
        let exhausted = self.made(altered(about("tour-exhausted", "allow"), &json!({"maxUses": 1})));
        let decided = json!({"requestId": self.new_id(), "confirmation": {"toolName": "tour-exhausted"}});
        self.meet("201 approved", Request::new(Verb::Register, AGENT).with(altered(asked(), &decided)));
        let expired = self.made(altered(about("tour-expired", "allow"), &json!({"expiresInMs": SHORT_MS})));
        self.outlive();
        for (id, end) in [(revoked, "200 revoked"), (exhausted, "200 exhausted"), (expired, "200 expired")] {
            self.meet(end, of_rule(Verb::Revoke, &id));
            self.meet(end, of_rule(Verb::LookRule, &id));
        }
    }

    /// Makes a new rule: its id.
    fn made(&mut self, body: Value) -> String {
        self.make("201", APPROVER, body);
        self.fixture.oracle.rules.last().unwrap().id.clone()
    }
}
