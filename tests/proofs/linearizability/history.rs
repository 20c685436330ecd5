//! A history: what so many threads asked of one confirmation at once, and what each was answered, in the order in which
//! it was asked and answered.

use std::sync::{Barrier, Mutex};
use std::time::Duration;

use serde_json::{Value, json};
use stateright::semantics::{ConsistencyTester, LinearizabilityTester};

use super::spec::{Closer, Confirmation, Op, Ret, approver};
use crate::harness::{Answer, Client, TestServer, altered, confirmation};
use crate::seeded_rng::SeededRng;

/// How many approvers there are.
pub(super) const APPROVERS: usize = 3;

/// How long a confirmation waits whose deadline passes in the middle of its history.
const BRIEF_MS: u64 = 10;

/// About how many requests the threads make between them.
const MOST_AT_ONCE: usize = 8;

/// The end of a request, or its beginning.
#[derive(Clone, Debug)]
pub(super) enum Step {
    Asked(usize, Op),
    Answered(usize, Ret),
}

/// What happened to one confirmation.
#[derive(Clone, Debug)]
pub(super) struct History {
    pub(super) left_ms: Option<u64>,
    pub(super) steps: Vec<Step>,
}

impl History {
    /// How many requests it holds.
    pub(super) fn len(&self) -> usize {
        self.steps.len() / 2
    }

    /// Adds what is asked and answered after everything else.
    pub(super) fn then(&mut self, op: Op, ret: Ret) {
        const NO_OTHER_THREAD: usize = 1000;
        self.steps.extend([Step::Asked(NO_OTHER_THREAD, op), Step::Answered(NO_OTHER_THREAD, ret)]);
    }

    /// Whether some order, one after the other, explains every answer.
    pub(super) fn is_linearizable(&self) -> bool {
        let mut tester = LinearizabilityTester::new(Confirmation::pending(self.left_ms));
        for step in self.steps.iter().cloned() {
            match step {
                Step::Asked(thread, op) => tester.on_invoke(thread, op),
                Step::Answered(thread, ret) => tester.on_return(thread, ret),
            }
            .unwrap();
        }
        tester.is_consistent()
    }
}

/// A server, and all of its callers.
pub(super) struct Fixture {
    server: TestServer,
    owner: Client,
    stranger: Client,
    approvers: Vec<Client>,
}

impl Fixture {
    pub(super) fn start() -> Self {
        let server = TestServer::start();
        let (owner, stranger) = (server.agent(super::spec::OWNER), server.agent("stranger"));
        let approvers = (0..APPROVERS).map(|number| server.approver(&approver(number))).collect();
        Self { server, owner, stranger, approvers }
    }

    /// Registers a confirmation and lets all threads of a new script go at once.
    pub(super) fn play(&self, number: usize, rng: &mut SeededRng) -> History {
        let name = format!("c{number}");
        let is_brief = rng.percent(50);
        let left_ms = is_brief.then_some(BRIEF_MS);
        // A tool and a conversation of its own keep it apart from all others.
        let own = json!({"conversationId": name, "expiresInMs": left_ms, "confirmation": {"toolName": name}});
        self.owner.register(&altered(confirmation(&name), &own));
        let steps = Mutex::new(Vec::new());
        let one_by_one = |thread, ops: &[Op]| {
            for op in ops {
                steps.lock().unwrap().push(Step::Asked(thread, *op));
                let ret = self.ask(&name, *op);
                steps.lock().unwrap().push(Step::Answered(thread, ret));
            }
        };
        if rng.percent(30) {
            one_by_one(0, &[Op::Confirm { by: 0, allow: true, with_rule: false }]);
        }
        let script = script(is_brief, rng);
        let gate = Barrier::new(script.len());
        std::thread::scope(|scope| {
            for (thread, ops) in (1..).zip(&script) {
                let (gate, one_by_one) = (&gate, &one_by_one);
                scope.spawn(move || {
                    gate.wait();
                    one_by_one(thread, ops);
                });
            }
        });
        one_by_one(0, &[Op::Look, Op::ListRules]);
        History { left_ms, steps: steps.into_inner().unwrap() }
    }

    fn ask(&self, name: &str, op: Op) -> Ret {
        let of_it = |verb: &str| format!("/v1/interactions/{name}{verb}");
        let decision = |allow| if allow { "allow" } else { "deny" };
        match op {
            Op::Confirm { by, allow, with_rule } => {
                let mut body = json!({"requestId": name, "decision": decision(allow)});
                if with_rule {
                    body = altered(body, &json!({"selectedPattern": "make *", "selectedScope": "everywhere"}));
                }
                done(&self.approvers[by].post("/v1/confirm", &body))
            }
            Op::MakeRule { by, allow } => {
                let rule = json!({"pattern": "make *", "scope": "everywhere", "decision": decision(allow)});
                done(&self.approvers[by].post("/v1/trust-rules", &altered(rule, &json!({"requestId": name}))))
            }
            Op::Cancel => done(&self.owner.post_nothing(&of_it("/cancel"))),
            Op::Supersede { by } => {
                let closer = match by {
                    Closer::Owner => &self.owner,
                    Closer::Stranger => &self.stranger,
                    Closer::Approver => &self.approvers[0],
                };
                let closed = closer.post_nothing(&format!("/v1/conversations/{name}/supersede")).expect(200).body;
                Ret::Superseded(closed["superseded"] == json!([name]))
            }
            Op::Claim { id: 0 } => done(&self.owner.post_nothing(&of_it("/claim"))),
            Op::Claim { id } => done(&self.owner.post(&of_it("/claim"), &json!({"claimId": format!("claim-{id}")}))),
            Op::Report { id, succeeded } => {
                let outcome = if succeeded { "succeeded" } else { "failed" };
                let report = json!({"claimId": format!("claim-{id}"), "outcome": outcome});
                done(&self.owner.post(&of_it("/outcome"), &report))
            }
            Op::Look => seen(&self.owner.look(name)),
            Op::ListRules => {
                let rules = self.approvers[0].get(&format!("/v1/trust-rules?toolName={name}")).expect(200).body;
                let stands =
                    |decision| rules["trustRules"].as_array().unwrap().iter().any(|r| r["decision"] == decision);
                Ret::Rules { allow: stands("allow"), deny: stands("deny") }
            }
            Op::Advance { ms } => {
                self.server.advance(Duration::from_millis(ms));
                Ret::Passed
            }
        }
    }
}

fn done(answer: &Answer) -> Ret {
    match answer.status {
        200 => Ret::Done,
        201 => Ret::Created,
        _ => {
            let status = answer.body["status"].as_str().map(str::to_owned);
            Ret::Refused(answer.status, answer.code().to_owned(), status)
        }
    }
}

fn seen(shown: &Value) -> Ret {
    let text = |value: &Value| value.as_str().map(str::to_owned);
    let by = &shown["resolution"]["resolvedBy"];
    let claim = text(&shown["claim"]["claimId"]).map(|id| {
        let number = id.strip_prefix("claim-").map_or(0, |number| number.parse().unwrap());
        (number, text(&shown["claim"]["outcome"]))
    });
    Ret::Seen { status: text(&shown["status"]).unwrap(), by: text(&by["principal"]).or(text(&by["system"])), claim }
}

/// What each thread is to ask: few requests, so that every order of them can be tried.
fn script(is_brief: bool, rng: &mut SeededRng) -> Vec<Vec<Op>> {
    let threads = 4 + rng.below(5);
    let mut script: Vec<Vec<Op>> = (0..threads).map(|_| vec![operation(rng)]).collect();
    if is_brief {
        script[0] = rng.pick(&[vec![10], vec![4, 6], vec![9, 1]]).into_iter().map(|ms| Op::Advance { ms }).collect();
    }
    // A second one for some of the threads, where there are few.
    for ops in script.iter_mut().skip(1).take(MOST_AT_ONCE.saturating_sub(threads + 1)) {
        if rng.percent(60) {
            ops.push(operation(rng));
        }
    }
    script
}

fn operation(rng: &mut SeededRng) -> Op {
    let (by, id) = (rng.below(APPROVERS), rng.below(3));
    let (allow, with_rule, succeeded) = (rng.percent(65), rng.percent(30), rng.percent(50));
    rng.weighted(&[
        (30, Op::Confirm { by, allow, with_rule }),
        (10, Op::MakeRule { by, allow }),
        (6, Op::Cancel),
        (3, Op::Supersede { by: Closer::Owner }),
        (3, Op::Supersede { by: Closer::Approver }),
        (3, Op::Supersede { by: Closer::Stranger }),
        (18, Op::Claim { id }),
        (8, Op::Report { id: id.max(1), succeeded }),
        (12, Op::Look),
        (7, Op::ListRules),
    ])
}
