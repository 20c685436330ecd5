//! Every kind, wherever it stands, at every endpoint that resolves, claims or takes.

use std::time::Duration;

use countersign::domain::enums::Role;
use serde_json::{Value, json};

use crate::harness::{Answer, AnyKind, Client, KINDS, TestServer, altered};

/// Where an interaction may stand; `overdue` is pending in the file, and its deadline has passed.
const STANDS: [&str; 8] =
    ["pending", "approved", "rejected", "answered", "expired", "cancelled", "superseded", "overdue"];

/// One row an endpoint that resolves no kind of its own, one column a stand, in the order of [`STANDS`]; for a confirmation, a
/// secret, and every other kind:
/// `+` it is done; `=` 200, and nothing changes; `.` cannot be;
/// `k` 404 `wrong_kind`; `r` 404 `already_resolved`; `x` 404 `expired`;
/// `K` 409 `wrong_kind`; `R` 409 `already_resolved`; `a` 409 `not_approved`; `c` 409 `not_claimed`; `s` 409 `not_answered`.
const MATRIX: [(&str, [&str; 3]); 8] = [
    ("trust-rules", ["+ r r . x r r x", "K . . r x r r x", "K . . r x r r x"]),
    ("applied-rule", ["+ r r . x r r x", "K . . r x r r x", "K . . r x r r x"]),
    ("cancel", ["+ R R . R = R R", "+ . . R R = R R", "+ . . R R = R R"]),
    ("claim", ["a + a . a a a a", "a . . a a a a a", "a . . a a a a a"]),
    ("withdraw", ["a + a . a a a a", "a . . a a a a a", "a . . a a a a a"]),
    ("outcome", ["c c c . c c c c", "c . . c c c c c", "c . . c c c c c"]),
    ("take", ["k k k . k k k k", "s . . + s s s s", "k . . k k k k k"]),
    ("wipe", ["k k k . k k k k", "s . . + s s s s", "k . . k k k k k"]),
];

/// Every endpoint on every kind, with its cells: the endpoints that resolve a kind refuse every other.
fn rows() -> Vec<(&'static str, &'static str, &'static str)> {
    let mut rows = Vec::new();
    for kind in KINDS {
        let is_decided = kind.name == "confirmation";
        for endpoint in KINDS {
            let cells = match (endpoint.name == kind.name, is_decided) {
                (true, true) => "+ r r . x r r x",
                (true, false) => "+ . . r x r r x",
                (false, true) => "k k k . k k k k",
                (false, false) => "k . . k k k k k",
            };
            rows.push((verb(endpoint), kind.name, cells));
        }
        let column = ["confirmation", "secret"].iter().position(|name| *name == kind.name).unwrap_or(2);
        rows.extend(MATRIX.iter().map(|(endpoint, cells)| (*endpoint, kind.name, cells[column])));
    }
    rows
}

/// What the endpoint is called that resolves this kind.
fn verb(kind: &AnyKind) -> &'static str {
    kind.path.strip_prefix("/v1/").unwrap()
}

fn known(kind: &str) -> &'static AnyKind {
    KINDS.iter().find(|known| known.name == kind).unwrap()
}

/// Every endpoint that resolves something, with what it resolves.
fn resolving() -> impl Iterator<Item = (&'static str, &'static str)> {
    let by_rule = [("trust-rules", "confirmation"), ("applied-rule", "confirmation")];
    KINDS.iter().map(|kind| (verb(kind), kind.name)).chain(by_rule)
}

/// The status, the code, and whether the `status` of the interaction is told.
fn meaning(cell: &str) -> (u16, &'static str, bool) {
    match cell {
        "k" => (404, "wrong_kind", false),
        "r" => (404, "already_resolved", true),
        "x" => (404, "expired", true),
        "K" => (409, "wrong_kind", false),
        "R" => (409, "already_resolved", true),
        "a" => (409, "not_approved", false),
        "c" => (409, "not_claimed", false),
        "s" => (409, "not_answered", false),
        other => panic!("{other} has no meaning"),
    }
}

struct Fixture {
    server: TestServer,
    /// Registers.
    agent: Client,
    /// Brings everything to where it is to stand.
    ada: Client,
    /// Comes afterwards, so that nothing is a repetition.
    bob: Client,
}

fn registration(kind: &str, id: &str) -> Value {
    let made = (known(kind).registration)(id);
    // A conversation and a tool each: nothing but the request itself is to be touched, by rules neither.
    let own = altered(made, &json!({"conversationId": id, "expiresInMs": 1000}));
    if kind == "confirmation" { altered(own, &json!({"confirmation": {"toolName": id}})) } else { own }
}

/// What resolves an interaction of this kind.
fn resolve(client: &Client, kind: &str, id: &str) -> Answer {
    call(client, client, verb(known(kind)), id)
}

fn call(agent: &Client, approver: &Client, endpoint: &str, id: &str) -> Answer {
    let own = |verb: &str| format!("/v1/interactions/{id}/{verb}");
    let rule = json!({"requestId": id, "pattern": "make *", "scope": "/repo", "decision": "allow"});
    if let Some(kind) = KINDS.iter().find(|kind| verb(kind) == endpoint) {
        return approver.post(kind.path, &(kind.answer)(id));
    }
    match endpoint {
        "trust-rules" => approver.post("/v1/trust-rules", &rule),
        "applied-rule" => approver.post("/v1/trust-rules", &altered(rule, &json!({"applyToPending": true}))),
        "take" => agent.post_nothing(&own("secret")),
        "wipe" => approver.delete(&own("secret")),
        "withdraw" => approver.post_nothing(&own(endpoint)),
        "outcome" => agent.post(&own(endpoint), &json!({"claimId": "mine", "outcome": "succeeded"})),
        verb => agent.post_nothing(&own(verb)),
    }
}

impl Fixture {
    fn new() -> Self {
        let server = TestServer::without_sweeper();
        let (agent, ada, bob) = (server.agent("builder"), server.approver("ada"), server.approver("bob"));
        Self { server, agent, ada, bob }
    }

    /// Registers `id` and brings it to where it is to stand.
    fn bring(&self, kind: &str, stand: &str, id: &str) {
        self.agent.register(&registration(kind, id));
        match stand {
            "rejected" => drop(self.ada.confirm(id, "deny").expect(200)),
            "approved" | "answered" => drop(resolve(&self.ada, kind, id).expect(200)),
            "cancelled" => drop(self.agent.post_nothing(&format!("/v1/interactions/{id}/cancel")).expect(200)),
            "superseded" => drop(self.ada.post_nothing(&format!("/v1/conversations/{id}/supersede")).expect(200)),
            "expired" | "overdue" => self.server.advance(Duration::from_secs(1)),
            _ => {}
        }
        if stand == "expired" {
            assert_eq!(self.agent.look(id)["status"], "expired");
        }
        assert_eq!(self.server.stored(id), if stand == "overdue" { "pending" } else { stand });
    }

    /// What is refused changes nothing, and says why.
    fn refused(&self, (endpoint, kind, stand): (&str, &str, &str), cell: &str, id: &str) {
        let (status, code, tells) = meaning(cell);
        let answer = self.server.unchanged(|| call(&self.agent, &self.bob, endpoint, id));
        assert_eq!(answer.refusal(), (status, code), "{endpoint} on a {kind} that is {stand}");
        if tells {
            assert_eq!(answer.body["status"], if stand == "overdue" { "expired" } else { stand });
        }
    }

    /// What is pending has a waiter: it hears of what resolves it, and of nothing else.
    fn at_pending(&self, (endpoint, kind): (&str, &str), cell: &str, id: &str) {
        let waiter = self.agent.wait_in_background(id);
        self.server.until_waiting(1);
        if cell == "+" {
            let status = if ["trust-rules", "applied-rule"].contains(&endpoint) { 201 } else { 200 };
            call(&self.agent, &self.bob, endpoint, id).expect(status);
        } else {
            self.refused((endpoint, kind, "pending"), cell, id);
        }
        if cell != "+" || endpoint == "trust-rules" {
            assert_eq!(self.server.service.waiting(), 1, "{endpoint} woke who waits for a {kind}");
            resolve(&self.bob, kind, id).expect(200);
        }
        assert_eq!(waiter.join().unwrap().expect(200).body["status"], self.server.stored(id));
    }
}

#[test]
fn every_endpoint_resolves_its_own_kind_while_it_is_pending_and_nothing_else_ever() {
    let fixture = Fixture::new();
    for (endpoint, kind, cells) in rows() {
        let cells = cells.split(' ').collect::<Vec<_>>();
        assert_eq!(cells.len(), STANDS.len());
        for (stand, cell) in STANDS.into_iter().zip(cells).filter(|(_, cell)| *cell != ".") {
            let id = format!("{endpoint}-{kind}-{stand}");
            fixture.bring(kind, stand, &id);
            match (stand, cell) {
                ("pending", _) => fixture.at_pending((endpoint, kind), cell, &id),
                (_, "+") => drop(call(&fixture.agent, &fixture.bob, endpoint, &id).expect(200)),
                (_, "=") => {
                    let again = fixture.server.unchanged(|| call(&fixture.agent, &fixture.bob, endpoint, &id));
                    assert_eq!(again.expect(200).body["status"], stand);
                }
                _ => fixture.refused((endpoint, kind, stand), cell, &id),
            }
        }
    }
}

#[test]
fn no_principal_resolves_what_it_registered_by_any_endpoint() {
    let server = TestServer::start();
    let (root, ada) = (server.client("root", Role::Admin), server.approver("ada"));
    for (endpoint, kind) in resolving() {
        let id = format!("{endpoint}-{kind}");
        root.register(&registration(kind, &id));
        let waiter = root.wait_in_background(&id);
        server.until_waiting(1);
        let refused = server.unchanged(|| call(&root, &root, endpoint, &id));
        assert_eq!(refused.refusal(), (403, "self_approval"), "{endpoint}");
        resolve(&ada, kind, &id).expect(200);
        waiter.join().unwrap().expect(200);
    }
}

/// A principal that may not resolve is told so before anything is looked up, whatever is there.
#[test]
fn agents_auditors_and_strangers_resolve_nothing() {
    let server = TestServer::start();
    let agent = server.agent("builder");
    let (auditor, anonymous) = (server.client("eve", Role::Auditor), server.anonymous());
    for (endpoint, kind) in resolving() {
        let id = format!("{endpoint}-{kind}");
        agent.register(&registration(kind, &id));
        for id in [id.as_str(), "nothing"] {
            server.unchanged(|| {
                assert_eq!(call(&agent, &agent, endpoint, id).refusal(), (403, "forbidden"), "{endpoint}");
                assert_eq!(call(&agent, &auditor, endpoint, id).refusal(), (403, "forbidden"), "{endpoint}");
                assert_eq!(call(&agent, &anonymous, endpoint, id).refusal(), (401, "unauthenticated"), "{endpoint}");
            });
        }
    }
}
