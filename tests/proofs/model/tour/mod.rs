//! A tour through every kind of answer that [`super::coverage`] demands, at a known point of every run: what chance meets
//! only now and then is brought about, on a server that has seen random requests.

mod agents;
mod approvers;
mod rules;

use serde_json::{Value, json};

use super::actors::{ADMIN, ANONYMOUS};
use super::coverage::Coverage;
use super::fixture::Fixture;
use super::generate::{self, Action, NO_RULE};
use super::oracle::Settings;
use super::request::{Request, Verb};
use crate::harness::{altered, confirmation, responses, secret};

const AGENT: usize = 0;
const APPROVER: usize = 2;
const AUDITOR: usize = 4;

/// How the server of a tour is started: without self-approval, and with a limit that is soon reached.
pub(super) const SETTINGS: Settings = Settings { self_approval: false, default_ttl: Some(86_400_000), max_pending: 10 };

/// What nothing is called.
const NOTHING: &str = "tour-nothing";

/// How long that lives which is to expire.
const SHORT_MS: i64 = 1000;

/// Each operation: who may ask it, who may not, and the answer to its [`sample`].
const OPERATIONS: [(Verb, usize, Option<usize>, &str); 19] = [
    (Verb::Register, AGENT, Some(AUDITOR), "201 pending"),
    (Verb::Look, AGENT, None, "unknown_request"),
    (Verb::List, AGENT, None, "200"),
    (Verb::Cancel, AGENT, Some(AUDITOR), "unknown_request"),
    (Verb::Claim, AGENT, Some(AUDITOR), "unknown_request"),
    (Verb::Report, AGENT, Some(AUDITOR), "unknown_request"),
    (Verb::Take, AGENT, Some(AUDITOR), "unknown_request"),
    (Verb::Supersede, AGENT, Some(AUDITOR), "200"),
    (Verb::Confirm, APPROVER, Some(AUDITOR), "unknown_request"),
    (Verb::Secret, APPROVER, Some(AUDITOR), "unknown_request"),
    (Verb::Question, APPROVER, Some(AUDITOR), "unknown_request"),
    (Verb::MakeRule, APPROVER, Some(AUDITOR), "unknown_request"),
    (Verb::ListRules, APPROVER, Some(AGENT), "200"),
    (Verb::LookRule, APPROVER, Some(AGENT), "unknown_rule"),
    (Verb::Revoke, APPROVER, Some(AUDITOR), "unknown_rule"),
    (Verb::Pending, APPROVER, Some(AGENT), "200"),
    (Verb::Audit, APPROVER, None, "200"),
    (Verb::Withdraw, APPROVER, Some(AUDITOR), "unknown_request"),
    (Verb::Wipe, APPROVER, Some(AUDITOR), "unknown_request"),
];

pub(super) struct Tour<'a> {
    fixture: &'a mut Fixture,
    coverage: &'a mut Coverage,
    /// How many interactions it has registered.
    registered: usize,
}

impl<'a> Tour<'a> {
    pub(super) fn new(fixture: &'a mut Fixture, coverage: &'a mut Coverage) -> Self {
        Self { fixture, coverage, registered: 0 }
    }

    /// Meets every kind of answer; panics where one is not what the oracle says, or not of the kind that was meant.
    pub(super) fn take(mut self) {
        self.cancel_all();
        self.operations();
        self.statuses();
        self.claims();
        self.uses_of_tools();
        self.secrets();
        self.confirmations();
        self.given_secrets();
        self.questions();
        self.rules_from_requests();
        self.rules();
        self.taken_back();
        self.expired();
        self.cancel_all();
        self.fill();
    }

    /// Asks for it, and meets this kind of answer.
    #[track_caller]
    fn meet(&mut self, kind: &str, request: Request) {
        let met = self.fixture.ask(&request, self.coverage).unwrap_or_else(|wrong| panic!("{request:?}: {wrong}"));
        assert_eq!(met, kind, "{request:?}");
    }

    /// An id that was never used.
    fn new_id(&mut self) -> String {
        self.registered += 1;
        format!("tour-{}", self.registered)
    }

    /// Registers what is pending then: its id.
    #[track_caller]
    fn register(&mut self, who: usize, registration: Value) -> String {
        let id = self.new_id();
        let registration = altered(registration, &json!({"requestId": id}));
        self.meet("201 pending", Request::new(Verb::Register, who).with(registration));
        id
    }

    /// Time passes until what lives for [`SHORT_MS`] is over.
    fn outlive(&mut self) {
        self.fixture.act(&Action::Advance { ms: SHORT_MS, awaited: true }, self.coverage).unwrap();
    }

    fn cancel_all(&mut self) {
        let pending = self.fixture.oracle.interactions.iter().filter(|interaction| interaction.end.is_none());
        let ids: Vec<_> = pending.map(|interaction| interaction.id.clone()).collect();
        ids.into_iter().for_each(|id| self.meet("200 cancelled", Request::new(Verb::Cancel, ADMIN).of(id)));
    }

    /// What every operation answers, whatever there is.
    fn operations(&mut self) {
        for (verb, may, may_not, answer) in OPERATIONS {
            self.meet("unauthenticated", sample(verb, ANONYMOUS));
            self.meet("malformed_request", spoilt(sample(verb, may)));
            if let Some(who) = may_not {
                self.meet("forbidden", sample(verb, who));
            }
            self.meet(answer, sample(verb, may));
        }
    }

    /// An agent has as much pending as it may, and asks for more.
    fn fill(&mut self) {
        for _ in 0..self.fixture.oracle.settings.max_pending {
            self.register(AGENT, asked());
        }
        let one_more = altered(asked(), &json!({"requestId": self.new_id()}));
        self.meet("too_many_pending", Request::new(Verb::Register, AGENT).with(one_more));
    }
}

/// A confirmation that no rule decides.
fn asked() -> Value {
    altered(confirmation("tour-0"), &json!({"confirmation": {"toolName": "tour"}}))
}

fn question() -> Value {
    json!({"kind": "question", "conversationId": "tour", "question": generate::question()})
}

/// What ends of itself soon.
fn short(registration: Value) -> Value {
    altered(registration, &json!({"expiresInMs": SHORT_MS}))
}

fn answer(id: &str, decision: &str) -> Value {
    json!({"requestId": id, "decision": decision})
}

/// A good request of each operation, about nothing that is there.
fn sample(verb: Verb, who: usize) -> Request {
    let request = Request::new(verb, who);
    match verb {
        Verb::Register => request.with(asked()),
        Verb::Look | Verb::Cancel | Verb::Supersede | Verb::Withdraw | Verb::Wipe => request.of(NOTHING),
        Verb::Claim | Verb::Take => request.of(NOTHING).with(json!({})),
        Verb::Report => request.of(NOTHING).with(json!({"claimId": "k1", "outcome": "succeeded"})),
        Verb::Confirm => request.with(answer(NOTHING, "allow")),
        Verb::Secret => request.with(json!({"requestId": NOTHING, "value": "hush"})),
        Verb::Question => request.with(json!({"requestId": NOTHING, "responses": responses()})),
        Verb::MakeRule => request.with(rules::from_request(NOTHING, "make *", "everywhere")),
        Verb::LookRule | Verb::Revoke => request.of(NO_RULE),
        Verb::List | Verb::ListRules | Verb::Pending | Verb::Audit => request,
    }
}

/// The same with a member that no operation knows.
fn spoilt(mut request: Request) -> Request {
    request.is_malformed = true;
    if request.method() == "POST" {
        request.body["colour"] = json!("red");
    } else {
        request.query.push(("colour", "red".to_owned()));
    }
    request
}
