//! `GET /v1/interactions/{requestId}?waitMs=…`.

use std::io::Write;
use std::net::TcpStream;

use serde_json::json;

use crate::harness::{Act, Answer, Client, TestServer, confirmation, race};

fn wait(client: &Client, request_id: &str, millis: u64) -> Answer {
    client.get(&format!("/v1/interactions/{request_id}?waitMs={millis}"))
}

#[test]
fn what_is_resolved_is_answered_at_once_and_no_waiter_is_left() {
    let server = TestServer::start();
    let (agent, ada) = (server.agent("builder"), server.approver("ada"));
    agent.register(&confirmation("c"));
    ada.confirm("c", "allow").expect(200);
    assert_eq!(wait(&agent, "c", 300_000).expect(200).body, agent.look("c"));
    assert_eq!(server.service.waiting(), 0);
}

#[test]
fn patience_that_ends_is_answered_with_what_is_pending() {
    let server = TestServer::start();
    let agent = server.agent("builder");
    server.approver("ada");
    let registered = agent.register(&confirmation("c"));
    for millis in [0, 1, 20] {
        assert_eq!(server.unchanged(|| wait(&agent, "c", millis)).expect(200).body, registered);
    }
    assert_eq!(server.service.waiting(), 0);
}

#[test]
fn a_wait_beyond_the_longest_is_refused() {
    let server = TestServer::start();
    let agent = server.agent("builder");
    agent.register(&confirmation("c"));
    for millis in ["300001", "-1", "1.5", "soon", "99999999999999999999", ""] {
        let refused = agent.get(&format!("/v1/interactions/c?waitMs={millis}"));
        assert_eq!(refused.refusal(), (400, "malformed_request"), "{millis}");
    }
    assert_eq!(server.service.waiting(), 0);
}

#[test]
fn an_unknown_or_foreign_one_is_not_waited_for() {
    let server = TestServer::start();
    let (agent, other) = (server.agent("builder"), server.agent("other"));
    agent.register(&confirmation("c"));
    assert_eq!(wait(&agent, "nothing", 300_000).refusal(), (404, "unknown_request"));
    assert_eq!(wait(&other, "c", 300_000).text, wait(&other, "nothing", 300_000).text);
    assert_eq!(server.service.waiting(), 0);
}

#[test]
fn every_waiter_of_this_one_is_woken_and_no_other() {
    let server = TestServer::start();
    let (agent, ada) = (server.agent("builder"), server.approver("ada"));
    agent.register(&confirmation("this"));
    agent.register(&confirmation("that"));
    let these = [(); 5].map(|()| agent.wait_in_background("this"));
    let watching = ada.wait_in_background("this");
    let that = agent.wait_in_background("that");
    server.until_waiting(7);
    ada.confirm("this", "allow").expect(200);
    for waiter in these.into_iter().chain([watching]) {
        assert_eq!(waiter.join().unwrap().expect(200).body["status"], "approved");
    }
    assert_eq!(server.service.waiting(), 1);
    ada.confirm("that", "deny").expect(200);
    assert_eq!(that.join().unwrap().expect(200).body["status"], "rejected");
}

/// A lost wake-up outlasts the client's patience, and fails.
#[test]
fn a_resolution_between_the_look_and_the_wait_is_not_lost() {
    const WAITERS: usize = 3;
    let server = TestServer::start();
    let (agent, ada) = (server.agent("builder"), server.approver("ada"));
    for round in 0..150 {
        let id = format!("c{round}");
        agent.register(&confirmation(&id));
        let waiters = (0..WAITERS).map(|_| -> Act<'_, Answer> { Box::new(|| wait(&agent, &id, 300_000)) });
        let resolver: Act<'_, Answer> = Box::new(|| ada.confirm(&id, "allow"));
        let answers = race(waiters.chain([resolver]));
        for answer in &answers[..WAITERS] {
            assert_eq!((answer.status, &answer.body["status"]), (200, &json!("approved")));
        }
        assert_eq!(answers[WAITERS].status, 200);
    }
    assert_eq!(server.service.waiting(), 0);
}

#[test]
fn a_client_that_goes_away_frees_its_place() {
    let server = TestServer::start();
    let agent = server.agent("builder");
    agent.register(&confirmation("c"));
    let staying = agent.wait_in_background("c");
    server.until_waiting(1);
    let address = server.url.strip_prefix("http://").unwrap();
    let leaving = [(); 3].map(|()| {
        let mut stream = TcpStream::connect(address).unwrap();
        let token = agent.token.as_ref().unwrap();
        let request = "GET /v1/interactions/c?waitMs=300000 HTTP/1.1\r\nHost: localhost\r\n";
        write!(stream, "{request}Authorization: Bearer {token}\r\n\r\n").unwrap();
        stream
    });
    server.until_waiting(4);
    drop(leaving);
    server.until_waiting(1);
    server.approver("ada").confirm("c", "allow").expect(200);
    assert_eq!(staying.join().unwrap().body["status"], "approved");
}

#[test]
fn one_waiter_too_many_is_told_to_come_again_and_disturbs_no_other() {
    let server = TestServer::with(&["--max-waiters", "2"]);
    let (agent, ada) = (server.agent("builder"), server.approver("ada"));
    for id in ["c", "d", "resolved"] {
        agent.register(&confirmation(id));
    }
    ada.confirm("resolved", "allow").expect(200);
    let waiters = [agent.wait_in_background("c"), agent.wait_in_background("c")];
    server.until_waiting(2);
    for id in ["c", "d"] {
        let refused = server.unchanged(|| wait(&agent, id, 300_000));
        assert_eq!(refused.refusal(), (503, "too_many_waiters"));
        assert!(refused.headers["retry-after"].to_str().unwrap().parse::<u64>().unwrap() >= 1);
        assert!(refused.body["retryAfterMs"].as_u64().unwrap() >= 1);
    }
    // What needs no waiting needs no place.
    assert_eq!(agent.look("d")["status"], "pending");
    assert_eq!(wait(&agent, "resolved", 300_000).expect(200).body["status"], "approved");
    ada.confirm("c", "allow").expect(200);
    for waiter in waiters {
        assert_eq!(waiter.join().unwrap().expect(200).body["status"], "approved");
    }
    assert_eq!(wait(&agent, "d", 1).expect(200).body["status"], "pending");
}
