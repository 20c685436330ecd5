//! A restart changes nothing: neither what stands, nor what runs, nor the direction of time.

use std::sync::Arc;
use std::time::Duration;

use countersign::clock::ManualClock;
use serde_json::{Value, json};

use crate::harness::outside::Held;
use crate::harness::{Client, Database, Process, START, TestServer, confirmation, question, responses, secret, token};

/// The same client, speaking to the server after its restart.
fn again(client: &Client, server: &TestServer) -> Client {
    Client::new(&server.url, client.token.as_deref().unwrap())
}

fn clock_at(time: &str) -> Arc<ManualClock> {
    Arc::new(ManualClock::new(time.parse().unwrap()))
}

#[test]
fn what_was_pending_is_pending_and_what_was_resolved_is_as_it_was() {
    let server = TestServer::start();
    let (agent, ada) = (server.agent("builder"), server.approver("ada"));
    for registration in [confirmation("c1"), confirmation("c2"), secret("s"), question("q1"), question("q2")] {
        agent.register(&registration);
    }
    ada.confirm("c1", "allow").expect(200);
    ada.post("/v1/question-response", &json!({"requestId": "q1", "responses": responses()})).expect(200);
    let looks = |agent: &Client| ["c1", "c2", "s", "q1", "q2"].map(|id| agent.look(id));
    let (before, history) = (looks(&agent), server.sql("SELECT * FROM audit_events ORDER BY seq"));
    let server = server.restart(&[]);
    let (agent, ada) = (again(&agent, &server), again(&ada, &server));
    assert_eq!(looks(&agent), before);
    assert_eq!(server.sql("SELECT * FROM audit_events ORDER BY seq"), history, "a restart is no event");
    for (registration, shown) in [(confirmation("c1"), &before[0]), (confirmation("c2"), &before[1])] {
        assert_eq!(agent.post("/v1/interactions", &registration).expect(200).body, *shown);
    }
    ada.confirm("c1", "allow").expect(200);
    assert_eq!(ada.confirm("c1", "deny").refusal(), (404, "already_resolved"));
    let waiter = agent.wait_in_background("c2");
    server.until_waiting(1);
    ada.confirm("c2", "deny").expect(200);
    assert_eq!(waiter.join().unwrap().body["status"], "rejected");
}

#[test]
fn deadlines_run_on_while_the_server_is_down() {
    let server = TestServer::start();
    let agent = server.agent("builder");
    for (id, millis) in [("long", 60_000), ("short", 10_000)] {
        let mut registration = confirmation(id);
        registration["expiresInMs"] = json!(millis);
        agent.register(&registration);
    }
    let server = server.restart_at(clock_at("2030-01-01T00:00:30.000Z"), &[]);
    let agent = again(&agent, &server);
    let short = agent.look("short");
    assert_eq!((&short["status"], &short["resolvedAt"]), (&json!("expired"), &json!("2030-01-01T00:00:10.000Z")));
    assert_eq!(agent.look("long")["status"], "pending");
    let waiter = agent.wait_in_background("long");
    server.until_waiting(1);
    server.advance(Duration::from_millis(29_999));
    assert_eq!((agent.look("long")["status"].clone(), server.service.waiting()), (json!("pending"), 1));
    server.advance(Duration::from_millis(1));
    assert_eq!(waiter.join().unwrap().body["resolution"]["resolvedBy"], json!({"system": "expired"}));
}

#[test]
fn time_never_runs_backwards_when_the_clock_was_set_back_meanwhile() {
    let server = TestServer::start();
    let (agent, ada) = (server.agent("builder"), server.approver("ada"));
    server.advance(Duration::from_secs(100));
    let mut brief = confirmation("before");
    brief["expiresInMs"] = json!(1000);
    agent.register(&brief);
    let server = server.restart_at(clock_at("2029-12-31T00:00:00.000Z"), &[]);
    let (agent, ada) = (again(&agent, &server), again(&ada, &server));
    let shown = agent.register(&confirmation("after"));
    assert_eq!(shown["createdAt"], "2030-01-01T00:01:40.000Z", "held at the highest time seen");
    ada.confirm("after", "allow").expect(200);
    server.advance(Duration::from_secs(1));
    assert_eq!(agent.look("before")["status"], "expired", "a deadline does not move away");
    assert_eq!(
        server.sql(
            "SELECT count(*) FROM audit_events AS a JOIN audit_events AS b ON b.seq > a.seq WHERE b.at_ms < a.at_ms"
        ),
        [[json!(0)]]
    );
}

#[test]
fn claims_outcomes_secrets_and_uses_of_rules_survive() {
    let server = TestServer::start();
    let (agent, ada) = (server.agent("builder"), server.approver("ada"));
    let rule =
        json!({"toolName": "shell", "pattern": "make *", "scope": "everywhere", "decision": "allow", "maxUses": 2});
    ada.post("/v1/trust-rules", &rule).expect(201);
    agent.register(&confirmation("c1"));
    agent.post("/v1/interactions/c1/claim", &json!({"claimId": "mine"})).expect(200);
    for (id, delivery) in [("kept", "store"), ("sent", "transient_send")] {
        agent.register(&secret(id));
        ada.post("/v1/secret", &json!({"requestId": id, "value": "hush", "delivery": delivery})).expect(200);
    }
    let take = json!({"takeId": "mine"});
    agent.post("/v1/interactions/sent/secret", &take).expect(200);
    let server = server.restart(&[]);
    let (agent, ada) = (again(&agent, &server), again(&ada, &server));
    agent.post("/v1/interactions/c1/claim", &json!({"claimId": "mine"})).expect(200);
    assert_eq!(agent.post_nothing("/v1/interactions/c1/claim").refusal(), (409, "already_claimed"));
    agent.post("/v1/interactions/c1/outcome", &json!({"claimId": "mine", "outcome": "failed"})).expect(200);
    for id in ["kept", "sent"] {
        assert_eq!(agent.post(&format!("/v1/interactions/{id}/secret"), &take).expect(200).body["value"], "hush");
    }
    assert_eq!(agent.post_nothing("/v1/interactions/sent/secret").refusal(), (409, "already_taken"));
    assert_eq!(agent.register(&confirmation("c2"))["status"], "approved");
    assert_eq!(agent.register(&confirmation("c3"))["status"], "pending");
    let server = server.restart(&[]);
    let (agent, ada) = (again(&agent, &server), again(&ada, &server));
    assert_eq!(agent.look("c1")["claim"]["outcome"], "failed");
    let rules = ada.get("/v1/trust-rules").expect(200).body["trustRules"].clone();
    assert_eq!((&rules[0]["useCount"], &rules[0]["status"]), (&json!(2), &json!("exhausted")));
    server.advance(Duration::from_secs(60));
    assert_eq!(agent.post("/v1/interactions/sent/secret", &take).refusal(), (409, "already_taken"));
}

#[test]
fn a_killed_server_comes_back_at_its_address_and_answers_those_who_waited() {
    let db = Database::new();
    let (builder, ada) = (token(&db, "builder", "agent"), token(&db, "ada", "approver"));
    let process = Process::serve(&db, &[]);
    let url = process.url.clone();
    let (agent, ada) = (Client::new(&url, &builder), Client::new(&url, &ada));
    for id in ["c1", "c2"] {
        agent.register(&confirmation(id));
    }
    ada.confirm("c1", "allow").expect(200);
    let (resolved, pending) = (agent.look("c1"), agent.look("c2"));
    let waiting = [(); 3].map(|()| Held::poll(&url, &builder, "c2"));
    process.kill();
    for poll in waiting {
        assert_eq!(poll.rest(), "", "the waiter was told something");
    }
    let process = Process::serve_on(url.strip_prefix("http://").unwrap(), &db, &[]);
    assert_eq!(process.url, url);
    assert_eq!([agent.look("c1"), agent.look("c2")], [resolved, pending.clone()]);
    assert_eq!(agent.post("/v1/interactions", &confirmation("c2")).expect(200).body, pending);
    let mut waiting = [(); 3].map(|()| Held::poll(&url, &builder, "c2"));
    ada.confirm("c2", "deny").expect(200);
    assert_eq!(ada.confirm("c1", "allow").expect(200).body, json!({"accepted": true}), "the decision that stands");
    for poll in &mut waiting {
        let answer: Value = poll.body();
        assert_eq!(
            (&answer["status"], &answer["resolution"]["resolvedBy"]),
            (&json!("rejected"), &json!({"principal": "ada"}))
        );
    }
    drop(process);
}

/// What starts at the clock's start has its times from there: the harness is what it says.
#[test]
fn a_restart_does_not_move_the_clock_by_itself() {
    let server = TestServer::start();
    let agent = server.agent("builder");
    let server = server.restart(&[]);
    assert_eq!(again(&agent, &server).register(&confirmation("c"))["createdAt"], START);
}
