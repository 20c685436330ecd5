//! Clients that are slow, silent or many: each is told, or closed, and people get in all the same.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use countersign::domain::enums::Role;
use serde_json::json;

use crate::harness::outside::{Held, Writing};
use crate::harness::wire::{exchange, head};
use crate::harness::{Answer, Client, TestServer, confirmation};

fn connect(server: &TestServer) -> TcpStream {
    let stream = TcpStream::connect(server.url.strip_prefix("http://").unwrap()).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    stream
}

/// All that comes until the server closes.
fn rest(mut stream: TcpStream) -> String {
    let mut rest = String::new();
    stream.read_to_string(&mut rest).unwrap();
    rest
}

fn retry_after(answer: &Answer) -> &str {
    answer.headers["retry-after"].to_str().unwrap()
}

#[test]
fn headers_that_do_not_come_to_an_end_are_not_waited_for() {
    let server = TestServer::with(&["--header-timeout", "200ms", "--idle-timeout", "1d"]);
    let silent = connect(&server);
    let mut slow = connect(&server);
    slow.write_all(b"GET /healthz HTTP/1.1\r\nhost: loc").unwrap();
    let mut second = Held::open(&server.url, "none", None);
    second.send(b"GET /hea");
    assert_eq!(rest(silent), "");
    assert_eq!(rest(slow), "");
    assert_eq!(second.rest(), "");
}

#[test]
fn a_connection_on_which_nothing_is_asked_is_closed_and_one_that_waits_is_not() {
    let server = TestServer::with(&["--idle-timeout", "200ms", "--header-timeout", "1d"]);
    let agent = server.agent("builder");
    agent.register(&confirmation("c"));
    let token = agent.token.as_ref().unwrap();
    let mut poll = Held::poll(&server.url, token, "c");
    let mut feed = agent.feed(Some(0));
    assert_eq!(feed.next().unwrap().event, "interaction.registered");
    // By the time that this one is closed the others have been silent for as long.
    assert_eq!(Held::open(&server.url, token, None).rest(), "");
    server.approver("ada").confirm("c", "allow").expect(200);
    assert_eq!(poll.body()["status"], "approved");
    assert!(std::iter::from_fn(|| feed.next()).any(|message| message.event == "interaction.approved"));
}

#[test]
fn a_body_that_does_not_come_is_not_waited_for() {
    let server = TestServer::with(&["--body-timeout", "200ms"]);
    let ada = server.approver("ada");
    let headers = ["Content-Type: application/json", "Content-Length: 100"];
    let request = head(&ada, "POST /v1/confirm HTTP/1.1", &headers).replace("Connection: close\r\n", "") + "{";
    let answer = exchange(&ada, request.as_bytes());
    assert_eq!((answer.status(), &answer.body["code"]), (Some(408), &json!("request_timeout")), "{answer:?}");
}

#[test]
fn an_answer_that_is_not_taken_is_not_kept() {
    let server = TestServer::with(&["--write-timeout", "200ms"]);
    let agent = server.agent("builder");
    let mut large = confirmation("large");
    large["confirmation"]["input"] = json!({"command": "x".repeat(200_000)});
    agent.register(&large);
    let mut stream = connect(&server);
    // Answers of many megabytes, of which the client takes none: more than the system's buffers hold.
    let ask = head(&agent, "GET /v1/interactions/large HTTP/1.1", &[]).replace("Connection: close\r\n", "");
    stream.write_all(ask.repeat(100).as_bytes()).unwrap();
    crate::harness::until(|| matches!(stream.take_error(), Ok(Some(_))) || is_closed(&stream));
    let mut taken = Vec::new();
    let _ = stream.read_to_end(&mut taken);
    assert!(taken.len() < 100 * 200_000, "all of it was kept for the client");
}

/// Whether the other side has closed: then the system refuses what is sent.
fn is_closed(mut stream: &TcpStream) -> bool {
    stream.write_all(b" ").is_err()
}

#[test]
fn past_the_cap_agents_are_turned_away_and_people_are_not() {
    let server = TestServer::with(&["--max-connections", "2"]);
    let (agent, ada) = (server.agent("builder"), server.approver("ada"));
    let token = agent.token.clone().unwrap();
    let held = [(); 2].map(|()| Held::open(&server.url, &token, None));
    let answer = agent.get("/v1/interactions");
    assert_eq!((answer.refusal(), retry_after(&answer)), ((503, "too_many_connections"), "1"));
    assert_eq!(answer.headers["connection"], "close", "its place is for the next one");
    server.anonymous().get("/v1/interactions").expect(401);
    ada.get("/v1/interactions").expect(200);
    // With the reserved places taken, too, a client hears it without having asked anything.
    let (mut silent, mut told) = (Vec::new(), String::new());
    crate::harness::until(|| {
        silent = [(); 64].map(|()| connect(&server)).into();
        told = rest(connect(&server));
        told.starts_with("HTTP/1.1 503 Service Unavailable\r\n")
    });
    assert!(told.contains("retry-after: 1\r\n"), "{told}");
    let body: serde_json::Value = serde_json::from_str(told.split_once("\r\n\r\n").unwrap().1).unwrap();
    assert_eq!(body["code"], "too_many_connections");
    // Silent connections keep no person out for long.
    let adas = ada.token.clone().unwrap();
    crate::harness::until(|| {
        let answer = Client::new(&server.url, &adas).try_send("GET", "/v1/interactions", &[], None);
        answer.is_ok_and(|answer| answer.status == 200)
    });
    drop((held, silent));
    crate::harness::until(|| Client::new(&server.url, &token).get("/v1/interactions").status == 200);
}

#[test]
fn one_principals_waiters_leave_places_to_others() {
    let server = TestServer::with(&["--max-waiters-per-principal", "1"]);
    let (agent, other) = (server.agent("builder"), server.agent("tester"));
    agent.register(&confirmation("c"));
    other.register(&confirmation("d"));
    let waiting = agent.wait_in_background("c");
    server.until_waiting(1);
    let answer = agent.get("/v1/interactions/c?waitMs=1000");
    assert_eq!((answer.refusal(), retry_after(&answer)), ((429, "too_many_waiters"), "1"));
    other.get("/v1/interactions/d?waitMs=1").expect(200);
    server.approver("ada").confirm("c", "allow").expect(200);
    assert_eq!(waiting.join().unwrap().body["status"], "approved");
    agent.register(&confirmation("e"));
    agent.get("/v1/interactions/e?waitMs=1").expect(200);
}

/// Sends all at once, each in a thread of its own; their answers as they come.
fn all_at_once<const N: usize>(sends: [Box<dyn FnOnce() -> Answer + Send>; N]) -> Receiver<Answer> {
    let (tell, answers) = channel();
    for send in sends {
        let tell = tell.clone();
        std::thread::spawn(move || tell.send(send()).is_ok());
    }
    answers
}

/// Another program holds the database, so that writes queue, for which they wait five seconds.
#[test]
fn a_full_queue_of_writes_refuses_agents_at_once_and_takes_people() {
    let server = TestServer::with(&["--max-queued-writes", "1"]);
    let (agent, ada, bob) = (server.agent("builder"), server.approver("ada"), server.approver("bob"));
    agent.register(&confirmation("c"));
    agent.register(&confirmation("d"));
    let other = Writing::begin(&server.db());
    let register = |id: &'static str| -> Box<dyn FnOnce() -> Answer + Send> {
        let agent = agent.clone();
        Box::new(move || agent.post("/v1/interactions", &confirmation(id)))
    };
    let registering = all_at_once([register("e"), register("f")]);
    let refused = registering.recv().unwrap();
    assert_eq!((refused.refusal(), retry_after(&refused)), ((503, "overloaded"), "1"));
    // One of the agent's is in the queue now; for people it is twice as long.
    let confirming =
        all_at_once([Box::new(move || ada.confirm("c", "allow")), Box::new(move || bob.confirm("d", "allow"))]);
    let refused = confirming.recv().unwrap();
    assert_eq!((refused.refusal(), retry_after(&refused)), ((503, "overloaded"), "1"));
    other.end();
    registering.recv().unwrap().expect(201);
    confirming.recv().unwrap().expect(200);
    assert_eq!(server.sql("SELECT count(*) FROM interactions WHERE status = 'approved'"), [[json!(1)]]);
}

/// Another program holds the database, so that writes are in progress, for which they wait five seconds.
#[test]
fn with_too_many_requests_in_progress_agents_are_shed_and_people_pass() {
    let server = TestServer::with(&["--max-in-flight", "1"]);
    let (agent, admin) = (server.agent("builder"), server.client("root", Role::Admin));
    admin.get("/v1/interactions").expect(200);
    let other = Writing::begin(&server.db());
    let register = |client: &Client, id: &'static str| {
        let client = client.clone();
        std::thread::spawn(move || client.post("/v1/interactions", &confirmation(id)))
    };
    // It may meet one of the looks below, which has the turn then.
    let slow = std::thread::spawn({
        let agent = agent.clone();
        move || loop {
            let answer = agent.post("/v1/interactions", &confirmation("slow"));
            if answer.status != 503 {
                return answer;
            }
        }
    });
    crate::harness::until(|| agent.get("/v1/interactions").status == 503);
    let answer = agent.post("/v1/interactions", &confirmation("c"));
    assert_eq!((answer.refusal(), retry_after(&answer)), ((503, "overloaded"), "1"));
    // A long-poll is not in progress while it waits; one that waits for no time is a request like any other.
    let waiting = |millis: u32| agent.get(&format!("/v1/interactions/unknown?waitMs={millis}"));
    assert_eq!(waiting(0).refusal(), (503, "overloaded"));
    assert_eq!(waiting(1).refusal(), (404, "unknown_request"));
    let mine = register(&admin, "mine");
    admin.get("/v1/interactions").expect(200);
    other.end();
    slow.join().unwrap().expect(201);
    mine.join().unwrap().expect(201);
    agent.register(&confirmation("c"));
    assert_eq!(server.sql("SELECT count(*) FROM interactions"), [[json!(3)]]);
}

#[test]
fn answers_that_agents_do_not_read_take_only_so_much_memory() {
    let server = TestServer::start();
    let (agent, ada) = (server.agent("builder"), server.approver("ada"));
    for number in 0..6 {
        let mut large = confirmation(&format!("large-{number}"));
        large["metadata"] = json!({"notes": "x".repeat(900_000)});
        agent.register(&large);
    }
    // Each asks for some 4 MiB and reads nothing of it.
    let ask = |token: &str| {
        let mut stream = connect(&server);
        let host = server.url.strip_prefix("http://").unwrap();
        let request = format!("GET /v1/interactions HTTP/1.1\r\nhost: {host}\r\nauthorization: Bearer {token}\r\n\r\n");
        stream.write_all(request.as_bytes()).unwrap();
        let mut status = [0; 12];
        stream.read_exact(&mut status).unwrap();
        (String::from_utf8(status.into()).unwrap(), stream)
    };
    let token = agent.token.clone().unwrap();
    let mut unread = Vec::new();
    let refused = loop {
        let (status, stream) = ask(&token);
        if status != "HTTP/1.1 200" {
            break status;
        }
        unread.push(stream);
        assert!(unread.len() < 100, "no refusal came");
    };
    assert_eq!(refused, "HTTP/1.1 503");
    assert_eq!(retry_after(&agent.get("/v1/interactions").expect(503)), "1");
    agent.get("/v1/audit-events").expect(200);
    ada.get("/v1/interactions").expect(200);
    // When they leave, there is room again.
    drop(unread);
    crate::harness::until(|| agent.get("/v1/interactions").status == 200);
}
