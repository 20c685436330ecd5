//! Looks and lists.

use super::{Author, TOOLS};
use crate::model::actors::ACTORS;
use crate::model::request::{Request, Verb};

const STATUSES: [&str; 7] = ["pending", "approved", "rejected", "answered", "expired", "cancelled", "superseded"];

impl Author<'_> {
    pub(super) fn look(&mut self) -> Request {
        let id = self.id_of(|_| true);
        let who = if self.rng.percent(60) { self.owner_of(&id) } else { self.any_caller() };
        let mut request = Request::new(Verb::Look, who).of(id);
        let wait = self.rng.pick(&["0", "1"]);
        self.ask_for(40, &mut request, "waitMs", &[wait]);
        request
    }

    fn ask_for(&mut self, percent: usize, request: &mut Request, member: &'static str, choices: &[&str]) {
        if self.rng.percent(percent) {
            request.query.push((member, self.rng.pick(choices).to_owned()));
        }
    }

    /// Pages of a size that makes few of them.
    fn in_pages(&mut self, request: &mut Request, length: usize) {
        if self.rng.percent(60) {
            let limit = self.rng.pick(&[length / 4 + 1, length / 2 + 1, length.max(1), 500]).min(500);
            request.query.push(("limit", limit.to_string()));
        }
    }

    pub(super) fn list(&mut self) -> Request {
        let mut request = Request::new(Verb::List, self.any_caller());
        let names = ACTORS.map(|(name, _)| name);
        self.ask_for(40, &mut request, "status", &STATUSES);
        self.ask_for(30, &mut request, "kind", &["confirmation", "secret", "question"]);
        self.ask_for(20, &mut request, "conversationId", &["x", "y", "none"]);
        self.ask_for(15, &mut request, "toolName", &TOOLS);
        self.ask_for(20, &mut request, "principal", &names);
        self.in_pages(&mut request, self.oracle.interactions.len());
        request
    }

    pub(super) fn pending(&mut self) -> Request {
        let mut request = Request::new(Verb::Pending, self.any_caller());
        self.ask_for(50, &mut request, "conversationId", &["x", "y", "none"]);
        if request.query.is_empty() {
            self.in_pages(&mut request, 20);
        }
        request
    }

    pub(super) fn list_rules(&mut self) -> Request {
        let mut request = Request::new(Verb::ListRules, self.any_caller());
        self.ask_for(40, &mut request, "status", &["active", "revoked", "expired", "exhausted"]);
        self.ask_for(30, &mut request, "toolName", &TOOLS);
        self.in_pages(&mut request, self.oracle.rules.len());
        request
    }

    pub(super) fn look_rule(&mut self) -> Request {
        let id = self.rule_id(false);
        Request::new(Verb::LookRule, self.any_caller()).of(id)
    }

    pub(super) fn audit(&mut self) -> Request {
        let mut request = Request::new(Verb::Audit, self.any_caller());
        let id = self.id_of(|_| true);
        let rule = self.rule_id(false);
        self.ask_for(40, &mut request, "requestId", &[&id]);
        self.ask_for(20, &mut request, "ruleId", &[&rule]);
        self.ask_for(20, &mut request, "principal", &ACTORS.map(|(name, _)| name));
        self.in_pages(&mut request, self.oracle.history.len());
        request
    }
}
