//! Deadlines: of interactions and of trust rules, with and without the sweeper.

use std::time::Duration;

use countersign::domain::enums::Role;
use serde_json::{Value, json};

use crate::harness::{Act, Answer, Client, KINDS, TestServer, altered, confirmation, race, until};

const MS: Duration = Duration::from_millis(1);

fn expiring(registration: Value, millis: u64) -> Value {
    altered(registration, &json!({"expiresInMs": millis}))
}

/// Each kind, and what resolves it.
fn resolvable() -> impl Iterator<Item = (Value, &'static str, Value)> {
    KINDS.iter().map(|kind| ((kind.registration)(kind.id), kind.path, (kind.answer)(kind.id)))
}

#[test]
fn the_window_is_open_until_its_last_millisecond() {
    let server = TestServer::without_sweeper();
    let (agent, ada) = (server.agent("builder"), server.approver("ada"));
    for (registration, path, resolve) in resolvable() {
        let id = registration["requestId"].as_str().unwrap();
        agent.register(&expiring(registration.clone(), 1000));
        server.advance(999 * MS);
        ada.post(path, &resolve).expect(200);
        server.advance(MS);
        assert_ne!(agent.look(id)["status"], "expired");
    }
}

#[test]
fn from_the_deadline_on_nothing_resolves_even_before_a_sweep() {
    let server = TestServer::without_sweeper();
    let (agent, ada) = (server.agent("builder"), server.approver("ada"));
    let rule = json!({"requestId": "c", "pattern": "make *", "scope": "/repo", "decision": "allow"});
    for (registration, ..) in resolvable() {
        agent.register(&expiring(registration, 1000));
    }
    server.advance(1000 * MS);
    let selecting =
        json!({"requestId": "c", "decision": "allow", "selectedPattern": "make *", "selectedScope": "/repo"});
    server.unchanged(|| {
        let refusals = resolvable().map(|(_, path, resolve)| ada.post(path, &resolve));
        let more = [
            ada.post("/v1/confirm", &selecting),
            ada.post("/v1/secret", &json!({"requestId": "s"})),
            ada.post("/v1/trust-rules", &rule),
        ];
        for refused in refusals.into_iter().chain(more) {
            assert_eq!((refused.refusal(), &refused.body["status"]), ((404, "expired"), &json!("expired")));
        }
        for id in KINDS.iter().map(|kind| kind.id) {
            let refused = agent.post_nothing(&format!("/v1/interactions/{id}/cancel"));
            assert_eq!((refused.refusal(), &refused.body["status"]), ((409, "already_resolved"), &json!("expired")));
        }
        assert_eq!(agent.post_nothing("/v1/interactions/c/claim").refusal(), (409, "not_approved"));
        let superseded = ada.post_nothing("/v1/conversations/conversation/supersede");
        assert_eq!(superseded.expect(200).body, json!({"superseded": []}));
    });
}

type Look = fn(&Client) -> Answer;

/// Every read shows what the file says afterwards, also where the sweeper was late.
#[test]
fn an_overdue_one_is_seen_expired_by_every_look_and_so_says_the_file() {
    let looks: [(&str, Look, &str, &str); 5] = [
        ("one", |client| client.get("/v1/interactions/c"), "/status", "expired"),
        ("waiting", |client| client.get("/v1/interactions/c?waitMs=300000"), "/status", "expired"),
        ("list", |client| client.get("/v1/interactions?status=expired"), "/interactions/0/requestId", "c"),
        (
            "repeated",
            |client| client.post("/v1/interactions", &expiring(confirmation("c"), 1000)),
            "/status",
            "expired",
        ),
        ("queue", |client| client.get("/v1/pending-interactions"), "/interactions/0", ""),
    ];
    for (what, look, place, says) in looks {
        let server = TestServer::without_sweeper();
        let root = server.client("root", Role::Admin);
        root.register(&expiring(confirmation("c"), 1000));
        server.advance(5000 * MS);
        assert_eq!(server.stored("c"), "pending");
        let seen = look(&root).expect(200).body;
        assert_eq!(seen.pointer(place).map_or("", |seen| seen.as_str().unwrap()), says, "{what}");
        // The window closed when it closed, whenever that was noticed.
        assert_eq!(
            server.sql("SELECT status, resolved_by_system, resolved_at_ms - expires_at_ms FROM interactions"),
            [[json!("expired"), json!("expired"), json!(0)]],
            "{what}"
        );
        assert_eq!(server.history("c"), ["interaction.registered by root", "interaction.expired"]);
    }
}

#[test]
fn the_sweeper_wakes_who_waits_and_expired_is_told_apart_from_denied() {
    let server = TestServer::start();
    let (agent, ada) = (server.agent("builder"), server.approver("ada"));
    let waiters = resolvable().map(|(registration, ..)| {
        agent.register(&expiring(registration.clone(), 1000));
        agent.wait_in_background(registration["requestId"].as_str().unwrap())
    });
    let waiters = waiters.collect::<Vec<_>>();
    server.until_waiting(KINDS.len());
    server.advance(1000 * MS);
    for waiter in waiters {
        let seen = waiter.join().unwrap().expect(200).body;
        assert_eq!(seen["status"], "expired");
        assert_eq!(seen["resolution"]["resolvedBy"], json!({"system": "expired"}));
        assert_eq!(seen["resolution"].get("decision").unwrap_or(&json!(null)), &json!(null));
        assert_eq!((&seen["resolvedAt"], &seen["expiresAt"]), (&seen["expiresAt"], &json!("2030-01-01T00:00:01.000Z")));
    }
    for (_, path, resolve) in resolvable() {
        let refused = server.unchanged(|| ada.post(path, &resolve));
        assert_eq!((refused.refusal(), &refused.body["status"]), ((404, "expired"), &json!("expired")));
    }
}

#[test]
fn a_deadline_before_the_one_that_is_slept_for_wakes_the_sweeper() {
    let server = TestServer::start();
    let agent = server.agent("builder");
    agent.register(&confirmation("never"));
    let never = agent.wait_in_background("never");
    for round in 0..20_u64 {
        let [later, sooner] = ["later", "sooner"].map(|word| format!("{word}-{round}"));
        agent.register(&expiring(confirmation(&later), 2000));
        agent.register(&expiring(confirmation(&sooner), 1000));
        let [later, sooner] = [later, sooner].map(|id| agent.wait_in_background(&id));
        server.until_waiting(3);
        server.advance(1000 * MS);
        assert_eq!(sooner.join().unwrap().body["status"], "expired");
        assert_eq!(server.service.waiting(), 2);
        server.advance(1000 * MS);
        assert_eq!(later.join().unwrap().body["status"], "expired");
    }
    assert_eq!(server.service.waiting(), 1);
    agent.post_nothing("/v1/interactions/never/cancel").expect(200);
    never.join().unwrap();
}

/// More than are swept at once.
#[test]
fn many_that_are_due_at_once_all_expire() {
    const AGENTS: usize = 8;
    const EACH: usize = 140;
    let server = TestServer::start();
    let agents = server.crowd(AGENTS, Role::Agent);
    let register = |agent: Client, number: usize| {
        (0..EACH).for_each(|each| drop(agent.register(&expiring(confirmation(&format!("c-{number}-{each}")), 1000))));
    };
    race(
        agents
            .iter()
            .cloned()
            .enumerate()
            .map(|(number, agent)| Box::new(move || register(agent, number)) as Act<'_, ()>),
    );
    let waiters = (0..AGENTS).map(|number| agents[number].wait_in_background(&format!("c-{number}-{}", EACH - 1)));
    let waiters = waiters.collect::<Vec<_>>();
    server.until_waiting(AGENTS);
    server.advance(1000 * MS);
    for waiter in waiters {
        assert_eq!(waiter.join().unwrap().body["status"], "expired");
    }
    until(|| server.count("interactions WHERE status = 'expired'") == (AGENTS * EACH) as u64);
    assert_eq!(server.count("audit_events WHERE event = 'interaction.expired'"), (AGENTS * EACH) as u64);
    assert_eq!(server.count("interactions WHERE status = 'pending'"), 0);
}

#[test]
fn a_rule_decides_until_its_last_millisecond_and_then_no_more() {
    let server = TestServer::without_sweeper();
    let (agent, ada) = (server.agent("builder"), server.approver("ada"));
    let rule = json!({"toolName": "shell", "pattern": "make *", "scope": "everywhere", "decision": "allow", "expiresInMs": 1000});
    let made = ada.post("/v1/trust-rules", &rule).expect(201).body["trustRule"].clone();
    server.advance(999 * MS);
    assert_eq!(agent.register(&confirmation("in-time"))["status"], "approved");
    server.advance(MS);
    assert_eq!(agent.register(&confirmation("too-late"))["status"], "pending");
    assert_eq!(server.sql("SELECT status, use_count FROM trust_rules"), [[json!("active"), json!(1)]]);
    let path = format!("/v1/trust-rules/{}", made["ruleId"].as_str().unwrap());
    assert_eq!(ada.get(&path).expect(200).body["status"], "expired");
    assert_eq!(server.sql("SELECT status, use_count FROM trust_rules"), [[json!("expired"), json!(1)]]);
    assert_eq!(server.unchanged(|| ada.delete(&path)).expect(200).body["status"], "expired");
    assert_eq!(server.count("audit_events WHERE event = 'trust_rule.expired'"), 1);
}

#[test]
fn the_sweeper_ends_rules_by_itself() {
    let server = TestServer::start();
    let ada = server.approver("ada");
    let rule = json!({"toolName": "shell", "pattern": "make *", "scope": "everywhere", "decision": "deny", "expiresInMs": 1000});
    ada.post("/v1/trust-rules", &rule).expect(201);
    server.advance(1000 * MS);
    until(|| server.count("trust_rules WHERE status = 'expired'") == 1);
    // What is over does not stand any more: the same may be made again.
    ada.post("/v1/trust-rules", &rule).expect(201);
}
