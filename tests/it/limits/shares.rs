//! One agent that asks for too much of something, and another that is served meanwhile.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use serde_json::json;

use crate::harness::outside::Writing;
use crate::harness::wire::{RawAnswer, exchange, head};
use crate::harness::{Client, TestServer, confirmation, until};

fn connect(client: &Client) -> TcpStream {
    let stream = TcpStream::connect(client.url.strip_prefix("http://").unwrap()).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    stream
}

/// A registration whose last byte does not come, once the server waits for it.
fn unfinished(client: &Client, body: &str) -> TcpStream {
    let length = format!("Content-Length: {}", body.len());
    let headers = ["Content-Type: application/json", &length, "Expect: 100-continue"];
    let mut stream = connect(client);
    stream.write_all(head(client, "POST /v1/interactions HTTP/1.1", &headers).as_bytes()).unwrap();
    let mut told = [0; 25];
    stream.read_exact(&mut told).unwrap();
    assert_eq!(&told, b"HTTP/1.1 100 Continue\r\n\r\n");
    stream.write_all(&body.as_bytes()[..body.len() - 1]).unwrap();
    stream
}

/// Asks on a connection that then stays open, where the server lets it; the status.
fn ask_and_stay(client: &Client) -> (u16, TcpStream) {
    let mut stream = connect(client);
    let request = head(client, "GET /v1/interactions?limit=1 HTTP/1.1", &[]).replace("Connection: close\r\n", "");
    stream.write_all(request.as_bytes()).unwrap();
    let mut status = [0; 12];
    stream.read_exact(&mut status).unwrap();
    (std::str::from_utf8(&status[9..]).unwrap().parse().unwrap(), stream)
}

/// A registration of about so many bytes.
fn registration(id: &str, bytes: usize) -> String {
    let mut large = confirmation(id);
    large["metadata"] = json!({"notes": "x".repeat(bytes)});
    large.to_string()
}

fn post(client: &Client, body: &str) -> RawAnswer {
    let length = format!("Content-Length: {}", body.len());
    let headers = ["Content-Type: application/json", &length[..]];
    exchange(client, (head(client, "POST /v1/interactions HTTP/1.1", &headers) + body).as_bytes())
}

#[test]
fn bodies_that_never_end_take_no_turns() {
    let server = TestServer::with(&["--max-in-flight", "2"]);
    let (eve, bob) = (server.agent("eve"), server.agent("bob"));
    let body = confirmation("never").to_string();
    let _unfinished: Vec<TcpStream> = (0..260).map(|_| unfinished(&eve, &body)).collect();
    bob.register(&confirmation("b"));
    bob.get("/v1/interactions").expect(200);
    eve.register(&confirmation("e"));
}

#[test]
fn one_agents_bodies_leave_memory_to_others() {
    let flags =
        ["--max-body-bytes", "50000", "--max-bodies-bytes", "60000", "--max-bodies-bytes-per-principal", "60000"];
    let server = TestServer::with(&flags);
    let (eve, bob) = (server.agent("eve"), server.agent("bob"));
    let eves = registration("f", 40_000);
    let mut held = None;
    // Whichever of the two is counted first keeps the other out: again, until it is the one that does not end.
    until(|| {
        drop(held.take());
        held = Some(unfinished(&eve, &registration("e", 40_000)));
        let answer = post(&eve, &eves);
        (answer.status(), &answer.body["code"]) == (Some(429), &json!("too_many_body_bytes"))
            && answer.head.contains("retry-after: 1")
    });
    let answer = post(&bob, &registration("b", 40_000));
    assert_eq!(answer.status(), Some(201), "{answer:?}");
    drop(held);
    until(|| post(&eve, &eves).status() == Some(200));
}

#[test]
fn one_agents_connections_leave_places_to_others() {
    let server = TestServer::with(&["--max-connections", "8"]);
    let (eve, bob) = (server.agent("eve"), server.agent("bob"));
    let mut held = Vec::new();
    let refused = loop {
        let (status, stream) = ask_and_stay(&eve);
        if status != 200 {
            break (status, stream);
        }
        held.push(stream);
    };
    assert_eq!((held.len(), refused.0), (6, 429));
    bob.get("/v1/interactions").expect(200);
    // What is refused is closed, and what is closed makes room.
    let answer = exchange(&eve, head(&eve, "GET /v1/interactions HTTP/1.1", &[]).as_bytes());
    assert_eq!(answer.body["code"], json!("too_many_connections"), "{answer:?}");
    assert!(answer.head.contains("connection: close"), "{answer:?}");
    drop(held);
    until(|| ask_and_stay(&eve).0 == 200);
}

#[test]
fn one_agents_event_streams_leave_places_to_others() {
    let server = TestServer::with(&["--max-connections", "16", "--max-streams-per-principal", "3"]);
    let (eve, bob) = (server.agent("eve"), server.agent("bob"));
    let feeds: Vec<_> = (0..3).map(|_| eve.feed(Some(0))).collect();
    let answer = eve.get("/v1/events");
    assert_eq!((answer.refusal(), &answer.headers["retry-after"]), ((429, "too_many_streams"), &"1".parse().unwrap()));
    let mut bobs = bob.feed(Some(0));
    bob.register(&confirmation("b"));
    assert_eq!(bobs.next().unwrap().event, "interaction.registered");
    drop(feeds);
    until(|| {
        let request = head(&eve, "GET /v1/events HTTP/1.1", &[]);
        let mut stream = connect(&eve);
        stream.write_all(request.as_bytes()).unwrap();
        let mut status = [0; 12];
        stream.read_exact(&mut status).is_ok() && &status == b"HTTP/1.1 200"
    });
}

/// Another program holds the database, so that writes queue, for which they wait five seconds.
#[test]
fn one_agents_turns_and_writes_leave_room_for_others() {
    for flag in ["--max-in-flight-per-principal", "--max-queued-writes-per-principal"] {
        let server = TestServer::with(&[flag, "1"]);
        let (eve, bob, carol) = (server.agent("eve"), server.agent("bob"), server.agent("carol"));
        carol.get("/v1/interactions").expect(200);
        let other = Writing::begin(&server.db());
        let register = |client: &Client, id: &'static str| {
            let client = client.clone();
            std::thread::spawn(move || client.post("/v1/interactions", &confirmation(id)))
        };
        let eves = ["e", "f"].map(|id| register(&eve, id));
        until(|| eves.iter().any(std::thread::JoinHandle::is_finished));
        let bobs = register(&bob, "b");
        carol.get("/v1/interactions").expect(200);
        other.end();
        bobs.join().unwrap().expect(201);
        let mut statuses = eves.map(|eves| {
            let answer = eves.join().unwrap();
            (answer.status, answer.body["code"].as_str().unwrap_or("registered").to_owned())
        });
        statuses.sort();
        assert_eq!(statuses, [(201, "registered".to_owned()), (429, "too_many_requests".to_owned())], "{flag}");
    }
}

#[test]
fn one_principal_stores_only_so_much_a_day() {
    // Each counts for what it holds and 1 KiB: ten of them fit.
    let flags = ["--max-stored-per-day", "60000"];
    let server = TestServer::with(&flags);
    let (eve, bob) = (server.agent("eve"), server.agent("bob"));
    let large = |id: &str| {
        let mut large = confirmation(id);
        large["metadata"] = json!({"notes": "x".repeat(4_500)});
        large
    };
    // From eight threads at once, no more than fit and no fewer.
    let statuses: Vec<u16> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..8)
            .map(|thread| {
                let (eve, large) = (eve.clone(), &large);
                scope.spawn(move || {
                    let register =
                        |number| eve.post("/v1/interactions", &large(&format!("e-{thread}-{number}"))).status;
                    (0..4).map(register).collect::<Vec<_>>()
                })
            })
            .collect();
        threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect()
    });
    assert_eq!(statuses.iter().filter(|status| **status == 201).count(), 10, "{statuses:?}");
    assert!(statuses.iter().all(|status| [201, 429].contains(status)), "{statuses:?}");
    let answer = eve.post("/v1/interactions", &large("more"));
    // The clock begins at midnight.
    assert_eq!(
        (answer.refusal(), &answer.headers["retry-after"]),
        ((429, "storage_share_used"), &"86400".parse().unwrap())
    );
    bob.register(&large("b"));
    bob.post("/v1/interactions", &large("b")).expect(200);
    let server = server.restart(&flags);
    let [eve, bob] = [eve, bob].map(|client| Client::new(&server.url, client.token.as_deref().unwrap()));
    assert_eq!(eve.post("/v1/interactions", &large("more")).refusal(), (429, "storage_share_used"));
    bob.register(&large("c"));
    server.advance(Duration::from_secs(24 * 60 * 60));
    eve.register(&large("more"));
    let without = server.restart(&["--max-stored-per-day", "none"]);
    let eve = Client::new(&without.url, eve.token.as_deref().unwrap());
    (0..20).for_each(|number| drop(eve.register(&large(&format!("n-{number}")))));
}

/// What a principal has stored is written down for many registrations at once: those after the last time count all the same.
#[test]
fn what_a_principal_has_stored_today_is_known_exactly_after_a_restart() {
    let server = TestServer::start();
    let (eve, bob) = (server.agent("eve"), server.agent("bob"));
    let each = |number: usize| confirmation(&format!("e-{number:03}"));
    (0..130).for_each(|number| drop(eve.register(&each(number))));
    bob.register(&confirmation("b"));
    let all = "SELECT sum(octet_length(body) + octet_length(metadata) + 1024) FROM interaction_bodies WHERE interaction_id <= ";
    let bytes = |rows: u32| server.sql(&format!("{all}{rows}"))[0][0].as_u64().unwrap();
    let written = server.sql("SELECT stored_bytes FROM principals WHERE name = 'eve'")[0][0].as_u64().unwrap();
    assert_eq!(written, bytes(128));
    let limit = (bytes(130) + bytes(1)).to_string();
    let server = server.restart(&["--max-stored-per-day", &limit]);
    let eve = Client::new(&server.url, eve.token.as_deref().unwrap());
    eve.register(&each(130));
    let answer = eve.post("/v1/interactions", &each(131));
    assert_eq!(answer.refusal(), (429, "storage_share_used"));
}
