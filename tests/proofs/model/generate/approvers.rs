//! What people answer, and the rules that they make.

use serde_json::{Value, json};

use super::{Author, NO_RULE, PATTERNS, TOOLS};
use crate::model::oracle::Interaction;
use crate::model::request::{Request, Verb};

impl Author<'_> {
    /// Something of this kind that is pending, or nearly so; at times of any kind.
    fn pending_id(&mut self, kind: &str) -> String {
        let any_state = self.rng.percent(15);
        self.id_of(|interaction| interaction.kind == kind && (any_state || interaction.end.is_none()))
    }

    /// A pattern and a scope, mostly such as this offers.
    fn offered(&mut self, id: &str) -> (Value, Value) {
        let of = |list: &str, member: &str, found: Option<&Interaction>| -> Vec<Value> {
            let list = found.and_then(|it| it.says(list).as_array().cloned()).unwrap_or_default();
            list.iter().map(|option| option[member].clone()).collect()
        };
        let found = self.interaction(id);
        let mut patterns = of("allowlistOptions", "pattern", found);
        let mut scopes = of("scopeOptions", "scope", found);
        if patterns.is_empty() || self.rng.percent(8) {
            patterns = vec![json!("rm *")];
        }
        if scopes.is_empty() || self.rng.percent(8) {
            scopes = vec![json!("/etc")];
        }
        (self.rng.pick(&patterns), self.rng.pick(&scopes))
    }

    pub(super) fn confirm(&mut self) -> Request {
        let id = self.pending_id("confirmation");
        let decision = self.rng.weighted(&[(70, "allow"), (30, "deny")]);
        let mut body = json!({"requestId": id, "decision": decision});
        self.perhaps(20, &mut body, "comment", &[json!("go ahead"), json!("not on a Friday")]);
        self.perhaps(25, &mut body, "updatedInput", &[json!({"command": "make check"}), json!({"command": "true"})]);
        if self.rng.percent(20) {
            (body["selectedPattern"], body["selectedScope"]) = self.offered(&id);
        }
        Request::new(Verb::Confirm, self.resolver()).with(body)
    }

    pub(super) fn give_secret(&mut self) -> Request {
        let mut body = json!({"requestId": self.pending_id("secret")});
        self.perhaps(85, &mut body, "value", &[json!("hush"), json!(" hush\n"), json!("other")]);
        self.perhaps(70, &mut body, "delivery", &[json!("store"), json!("transient_send"), json!("transient_send")]);
        Request::new(Verb::Secret, self.resolver()).with(body)
    }

    pub(super) fn respond(&mut self) -> Request {
        let (red, blue) =
            (json!({"questionId": "colour", "optionId": "red"}), json!({"questionId": "colour", "optionId": "blue"}));
        let (why, skipped) =
            (json!({"questionId": "why", "text": "so"}), json!({"questionId": "why", "skipped": true}));
        let responses = self.rng.pick(&[
            json!([red, why]),
            json!([red, why]),
            json!([why, blue]),
            json!([blue, skipped]),
            json!([red]),
            json!([]),
            json!([{"questionId": "colour", "optionId": "green"}, why]),
            json!([{"questionId": "colour", "text": "red"}, why]),
            json!([red, why, {"questionId": "when", "text": "now"}]),
        ]);
        let body = json!({"requestId": self.pending_id("question"), "responses": responses});
        Request::new(Verb::Question, self.resolver()).with(body)
    }

    pub(super) fn make_rule_from_request(&mut self) -> Request {
        let id = if self.rng.percent(90) { self.pending_id("confirmation") } else { self.pending_id("secret") };
        let (pattern, scope) = self.offered(&id);
        let decision = self.rng.weighted(&[(70, "allow"), (30, "deny")]);
        let body = json!({"requestId": id, "pattern": pattern, "scope": scope, "decision": decision});
        self.rule(body)
    }

    pub(super) fn make_own_rule(&mut self) -> Request {
        let body = json!({
            "toolName": self.rng.pick(&TOOLS), "pattern": self.rng.pick(&PATTERNS),
            "scope": self.rng.pick(&["everywhere", "everywhere", "/repo", "team"]),
            "decision": self.rng.pick(&["allow", "allow", "deny", "ask"]),
        });
        self.rule(body)
    }

    fn rule(&mut self, mut body: Value) -> Request {
        self.perhaps(25, &mut body, "expiresInMs", &[json!(1000), json!(60_000)]);
        self.perhaps(30, &mut body, "maxUses", &[json!(1), json!(2), json!(3)]);
        self.perhaps(20, &mut body, "allowHighRisk", &[json!(true), json!(false)]);
        self.perhaps(30, &mut body, "applyToPending", &[json!(true), json!(true), json!(false)]);
        Request::new(Verb::MakeRule, self.resolver()).with(body)
    }

    pub(super) fn withdraw(&mut self) -> Request {
        let id = self.id_of(|interaction| interaction.status() == "approved");
        Request::new(Verb::Withdraw, self.resolver()).of(id)
    }

    pub(super) fn wipe(&mut self) -> Request {
        let id = self.id_of(|interaction| interaction.given.is_some());
        Request::new(Verb::Wipe, self.resolver()).of(id)
    }

    pub(super) fn revoke(&mut self) -> Request {
        let id = self.rule_id(true);
        Request::new(Verb::Revoke, self.resolver()).of(id)
    }

    /// The id of a rule, mostly of one that is active where that is wanted; now and then of none.
    pub(super) fn rule_id(&mut self, active: bool) -> String {
        let all_states = !active || self.rng.percent(20);
        let is_wanted = |status: &str| all_states || status == "active";
        let rules = self.oracle.rules.iter().rev().filter(|rule| is_wanted(rule.status)).take(10);
        let ids: Vec<_> = rules.map(|rule| rule.id.clone()).collect();
        if ids.is_empty() || self.rng.percent(8) {
            return NO_RULE.to_owned();
        }
        self.rng.pick(&ids)
    }
}
