//! What agents do with what they asked.

use serde_json::{Value, json};

use super::{AGENT, APPROVER, Tour, answer, asked, question, responses, rules, secret};
use crate::harness::altered;
use crate::model::actors::ADMIN;
use crate::model::request::{Request, Verb};

impl Tour<'_> {
    /// An agent looks at it, and asks the same again.
    pub(super) fn repeat(&mut self, id: &str, registration: Value, status: &str) {
        let registration = altered(registration, &json!({"requestId": id}));
        self.meet(&format!("200 {status}"), Request::new(Verb::Look, AGENT).of(id));
        self.meet(&format!("200 {status}"), Request::new(Verb::Register, AGENT).with(registration));
    }

    /// Everything that can become of an interaction, but for its end by itself.
    pub(super) fn statuses(&mut self) {
        let id = self.register(AGENT, asked());
        self.repeat(&id, asked(), "pending");
        let other = altered(asked(), &json!({"requestId": id, "metadata": {"n": 1}}));
        self.meet("request_id_conflict", Request::new(Verb::Register, AGENT).with(other));
        self.meet("200", Request::new(Verb::Confirm, APPROVER).with(answer(&id, "allow")));
        self.repeat(&id, asked(), "approved");
        self.meet("already_resolved", Request::new(Verb::Cancel, AGENT).of(id));

        let id = self.register(AGENT, asked());
        self.meet("200", Request::new(Verb::Confirm, APPROVER).with(answer(&id, "deny")));
        self.repeat(&id, asked(), "rejected");

        let id = self.register(AGENT, question());
        let responded = json!({"requestId": id, "responses": responses()});
        self.meet("200", Request::new(Verb::Question, APPROVER).with(responded));
        self.repeat(&id, question(), "answered");

        let id = self.register(AGENT, asked());
        self.meet("200 cancelled", Request::new(Verb::Cancel, AGENT).of(id.clone()));
        self.repeat(&id, asked(), "cancelled");

        let id = self.register(AGENT, asked());
        self.meet("200", Request::new(Verb::Supersede, AGENT).of("conversation"));
        self.repeat(&id, asked(), "superseded");

        for (tool, decision, status) in [("tour-allow", "allow", "approved"), ("tour-deny", "deny", "rejected")] {
            self.meet("201", Request::new(Verb::MakeRule, APPROVER).with(rules::about(tool, decision)));
            let decided = altered(asked(), &json!({"requestId": self.new_id(), "confirmation": {"toolName": tool}}));
            self.meet(&format!("201 {status}"), Request::new(Verb::Register, AGENT).with(decided));
        }
    }

    /// Claims, and what is reported of them.
    pub(super) fn claims(&mut self) {
        let id = self.register(AGENT, asked());
        let claim = |who: usize, body: Value| Request::new(Verb::Claim, who).of(id.clone()).with(body);
        let report = |who: usize, claim_id: &str, outcome: &str| {
            Request::new(Verb::Report, who).of(id.clone()).with(json!({"claimId": claim_id, "outcome": outcome}))
        };
        self.meet("not_approved", claim(AGENT, json!({})));
        self.meet("200", Request::new(Verb::Confirm, APPROVER).with(answer(&id, "allow")));
        self.meet("not_yours", claim(ADMIN, json!({})));
        self.meet("digest_mismatch", claim(AGENT, json!({"inputDigest": "sha256:00"})));
        self.meet("not_claimed", report(AGENT, "k1", "succeeded"));
        self.meet("200", claim(AGENT, json!({"claimId": "k1"})));
        self.meet("already_claimed", claim(AGENT, json!({"claimId": "k2"})));
        self.meet("not_yours", report(ADMIN, "k1", "succeeded"));
        self.meet("claim_mismatch", report(AGENT, "k2", "succeeded"));
        self.meet("200 approved", report(AGENT, "k1", "succeeded"));
        self.meet("outcome_conflict", report(AGENT, "k1", "failed"));
        self.meet("wrong_kind", Request::new(Verb::Take, AGENT).of(id.clone()).with(json!({})));
    }

    /// One use of a tool, which is registered without an id again and again.
    pub(super) fn uses_of_tools(&mut self) {
        let mut used = altered(asked(), &json!({"confirmation": {"toolUseId": "u1"}}));
        used.as_object_mut().unwrap().remove("requestId");
        let register = Request::new(Verb::Register, AGENT).with(used);
        self.meet("201 pending", register.clone());
        self.meet("200 pending", register.clone());
        let id = self.fixture.oracle.interactions.last().unwrap().id.clone();
        self.meet("200", Request::new(Verb::Confirm, APPROVER).with(answer(&id, "allow")));
        self.meet("200 approved", register.clone());
        self.meet("200", Request::new(Verb::Claim, AGENT).of(id).with(json!({})));
        self.meet("201 pending", register.clone());
        self.meet("200 pending", register);
    }

    /// Secrets, as those that asked for them take them.
    pub(super) fn secrets(&mut self) {
        let id = self.register(AGENT, secret(""));
        let take =
            |who: usize, take_id: &str| Request::new(Verb::Take, who).of(id.clone()).with(json!({"takeId": take_id}));
        self.meet("not_answered", take(AGENT, "t1"));
        let given = json!({"requestId": id, "value": "hush", "delivery": "transient_send"});
        self.meet("200", Request::new(Verb::Secret, APPROVER).with(given));
        self.meet("not_yours", take(ADMIN, "t1"));
        self.meet("200", take(AGENT, "t1"));
        self.meet("already_taken", take(AGENT, "t2"));
    }
}
