//! What people answer, and what ends before they do.

use serde_json::{Value, json};

use super::{AGENT, APPROVER, SHORT_MS, Tour, answer, asked, question, responses, rules, secret, short};
use crate::harness::altered;
use crate::model::actors::ADMIN;
use crate::model::generate::Action;
use crate::model::request::{Request, Verb};

/// How long a value that is handed out once may be taken again.
const RETAKEN_MS: i64 = 60_000;

fn confirm(who: usize, id: &str, more: &Value) -> Request {
    Request::new(Verb::Confirm, who).with(altered(answer(id, "allow"), more))
}

fn give(who: usize, id: &str, delivery: &str) -> Request {
    Request::new(Verb::Secret, who).with(json!({"requestId": id, "value": "hush", "delivery": delivery}))
}

fn respond(who: usize, id: &str, responses: Value) -> Request {
    Request::new(Verb::Question, who).with(json!({"requestId": id, "responses": responses}))
}

impl Tour<'_> {
    pub(super) fn confirmations(&mut self) {
        let own = self.register(ADMIN, asked());
        self.meet("self_approval", confirm(ADMIN, &own, &json!({})));
        let id = self.register(AGENT, asked());
        self.meet("edits_not_allowed", confirm(APPROVER, &id, &json!({"updatedInput": {"command": "true"}})));
        let selected = |pattern: &str, scope: &str| json!({"selectedPattern": pattern, "selectedScope": scope});
        self.meet("pattern_not_offered", confirm(APPROVER, &id, &selected("rm *", "everywhere")));
        self.meet("scope_not_offered", confirm(APPROVER, &id, &selected("make *", "/etc")));
        self.meet("wrong_kind", give(APPROVER, &id, "store"));
        self.meet("wrong_kind", respond(APPROVER, &id, responses()));
        self.meet("200", confirm(APPROVER, &id, &json!({})));
        self.meet("already_resolved", confirm(APPROVER, &id, &json!({"decision": "deny"})));
        let once = altered(asked(), &json!({"confirmation": {"persistentDecisionsAllowed": false}}));
        let id = self.register(AGENT, once);
        let lasting = confirm(APPROVER, &id, &selected("make *", "everywhere"));
        self.meet("persistent_decisions_not_allowed", lasting);
    }

    pub(super) fn given_secrets(&mut self) {
        let own = self.register(ADMIN, secret(""));
        self.meet("self_approval", give(ADMIN, &own, "store"));
        let id = self.register(AGENT, altered(secret(""), &json!({"secret": {"allowOneTimeSend": false}})));
        self.meet("one_time_send_not_allowed", give(APPROVER, &id, "transient_send"));
        self.meet("wrong_kind", confirm(APPROVER, &id, &json!({})));
        self.meet("200", give(APPROVER, &id, "store"));
        self.meet("already_resolved", Request::new(Verb::Secret, APPROVER).with(json!({"requestId": id})));
    }

    pub(super) fn questions(&mut self) {
        let own = self.register(ADMIN, question());
        self.meet("self_approval", respond(ADMIN, &own, responses()));
        let id = self.register(AGENT, question());
        self.meet("invalid_response", respond(APPROVER, &id, json!([])));
        self.meet("200", respond(APPROVER, &id, responses()));
        self.meet("already_resolved", respond(ADMIN, &id, responses()));
    }

    /// Approvals that are withdrawn, and values that are wiped.
    pub(super) fn taken_back(&mut self) {
        let withdraw = |id: &str| Request::new(Verb::Withdraw, APPROVER).of(id);
        let claim = |id: &str| Request::new(Verb::Claim, AGENT).of(id).with(json!({}));
        let id = self.register(AGENT, asked());
        self.meet("not_approved", withdraw(&id));
        self.meet("200", confirm(APPROVER, &id, &json!({})));
        self.meet("200 approved", withdraw(&id));
        self.meet("200 approved", withdraw(&id));
        self.meet("approval_withdrawn", claim(&id));
        let id = self.register(AGENT, asked());
        self.meet("200", confirm(APPROVER, &id, &json!({})));
        self.meet("200", claim(&id));
        self.meet("already_claimed", withdraw(&id));

        let wipe = |id: &str| Request::new(Verb::Wipe, APPROVER).of(id);
        let take = |id: &str| Request::new(Verb::Take, AGENT).of(id).with(json!({"takeId": "t1"}));
        self.meet("wrong_kind", wipe(&id));
        let id = self.register(AGENT, secret(""));
        self.meet("not_answered", wipe(&id));
        self.meet("200", give(APPROVER, &id, "store"));
        self.meet("200 answered", wipe(&id));
        self.meet("200 answered", wipe(&id));
        self.meet("wiped", take(&id));
        let id = self.register(AGENT, secret(""));
        self.meet("200", give(APPROVER, &id, "transient_send"));
        self.meet("200", take(&id));
        self.fixture.act(&Action::Advance { ms: RETAKEN_MS, awaited: true }, self.coverage).unwrap();
        self.meet("already_taken", wipe(&id));
    }

    /// What is over is shown as such, and takes no answer.
    pub(super) fn expired(&mut self) {
        let confirmation = self.register(AGENT, short(asked()));
        let secret = self.register(AGENT, short(secret("")));
        let question = self.register(AGENT, short(question()));
        let approved = self.register(AGENT, altered(asked(), &json!({"confirmation": {"claimWithinMs": SHORT_MS}})));
        self.meet("200", confirm(APPROVER, &approved, &json!({})));
        self.outlive();
        self.meet("approval_expired", Request::new(Verb::Claim, AGENT).of(approved).with(json!({})));
        self.repeat(&confirmation, short(asked()), "expired");
        self.meet("expired", confirm(APPROVER, &confirmation, &json!({})));
        self.meet("expired", give(APPROVER, &secret, "store"));
        self.meet("expired", respond(APPROVER, &question, responses()));
        let rule = rules::from_request(&confirmation, "make *", "everywhere");
        self.meet("expired", Request::new(Verb::MakeRule, APPROVER).with(rule));
    }
}
