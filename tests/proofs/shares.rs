//! One agent takes all that it can get of what all share, another asks for one of each: it is served, and as far as there is a
//! queue, before it come no more of the other's requests than that one may have queued and in a commit. The bound is a number of
//! turns, not a time.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use crate::harness::outside::Writing;
use crate::harness::wire::head;
use crate::harness::{Client, TestServer, confirmation, until};
use crate::run::{Found, Run};
use crate::seeded_rng::SeededRng;

/// What came of one trial.
struct Trial {
    /// How much the greedy agent holds of streams, of waits and of connections.
    held: usize,
    /// How many of its writes came before the modest one's.
    before: usize,
    /// How many of them may be queued.
    own_writes: usize,
}

pub(crate) fn prove(run: &Run) -> Found {
    let mut rng = SeededRng::new(run.seed);
    let trials = run.amount(12, 400);
    let (mut held, mut before, mut closest) = (0, 0, 0.0_f64);
    for number in 0..trials {
        let trial = tried(&mut rng);
        let bound = 2 * trial.own_writes;
        assert!(trial.before <= bound, "trial {number}: {} turns before it, and {bound} may be", trial.before);
        held += trial.held;
        before += trial.before;
        closest = closest.max(trial.before as f64 / bound as f64);
    }
    let planted = run.amount(3, 20);
    let seen = (0..planted).filter(|_| !is_served_where_nothing_is_shared(&mut rng)).count();
    assert_eq!(seen, planted, "where one agent may have all of it, the other was served: the proof proves nothing");
    Found::Held(vec![
        ("trials", trials.to_string()),
        ("held by the greedy agent", held.to_string()),
        ("modest requests refused", "0".to_owned()),
        ("turns of the other before a write", before.to_string()),
        ("of the bound at most", format!("{:.0} %", closest * 100.0)),
        ("servers without shares", planted.to_string()),
        ("seen to starve", seen.to_string()),
    ])
}

fn flags(limits: &[(&str, usize)]) -> Vec<String> {
    limits.iter().flat_map(|(name, limit)| [format!("--max-{name}"), limit.to_string()]).collect()
}

fn start(limits: &[(&str, usize)]) -> TestServer {
    let flags = flags(limits);
    TestServer::with(&flags.iter().map(String::as_str).collect::<Vec<_>>())
}

/// A total and what one may have of it, which leaves something.
fn shared(rng: &mut SeededRng) -> (usize, usize) {
    let own = 1 + rng.below(6);
    (own + 1 + rng.below(4), own)
}

fn tried(rng: &mut SeededRng) -> Trial {
    let ((streams, own_streams), (waits, own_waits)) = (shared(rng), shared(rng));
    let own_writes = 1 + rng.below(6);
    let server = start(&[
        ("streams", streams),
        ("streams-per-principal", own_streams),
        ("waiters", waits),
        ("waiters-per-principal", own_waits),
        ("queued-writes-per-principal", own_writes),
    ]);
    let (greedy, modest, ada) = (server.agent("greedy"), server.agent("modest"), server.approver("ada"));
    greedy.register(&confirmation("greedy"));
    modest.register(&confirmation("modest"));
    let mut held = Vec::new();
    for (path, own) in [("/v1/events", own_streams), ("/v1/interactions/greedy?waitMs=300000", own_waits)] {
        // In the order that comes, more than there are.
        let more = own + 1 + rng.below(4);
        held.extend((0..more).map(|_| ask(&greedy, path)));
        if path.contains("waitMs") {
            server.until_waiting(own);
        }
    }
    let mut feed = modest.feed(Some(0));
    assert_eq!(feed.next().unwrap().event, "interaction.registered");
    let waiting = modest.wait_in_background("modest");
    server.until_waiting(own_waits + 1);
    ada.confirm("modest", "allow").expect(200);
    assert_eq!(waiting.join().unwrap().expect(200).body["status"], "approved");
    modest.get("/v1/interactions").expect(200);
    let before = turns_before(&server, &greedy, &modest, &ada, own_writes, own_writes + rng.below(8));
    Trial { held: own_streams + own_waits, before, own_writes }
}

/// Asks, and keeps the connection open without reading.
fn ask(client: &Client, path: &str) -> TcpStream {
    let mut stream = TcpStream::connect(client.url.strip_prefix("http://").unwrap()).unwrap();
    stream.write_all(head(client, &format!("GET {path} HTTP/1.1"), &[]).as_bytes()).unwrap();
    stream
}

/// How many writes of the greedy agent, which asks again and again from so many threads, come before the modest one's. Another
/// program holds the database until both are in the queue.
fn turns_before(
    server: &TestServer,
    greedy: &Client,
    modest: &Client,
    ada: &Client,
    own_writes: usize,
    threads: usize,
) -> usize {
    let is_over = AtomicBool::new(false);
    let other = Writing::begin(&server.db());
    let queued = |count: usize| {
        until(|| ada.get("/metrics").expect(200).text.contains(&format!("countersign_queued_writes {count}\n")));
    };
    thread::scope(|scope| {
        let is_over = &is_over;
        for number in 0..threads {
            scope.spawn(move || {
                for round in 0.. {
                    if is_over.load(Ordering::Relaxed) {
                        return;
                    }
                    let answer = greedy.post("/v1/interactions", &confirmation(&format!("g-{number}-{round}")));
                    assert!([201, 429].contains(&answer.status), "{answer:?}");
                }
            });
        }
        queued(own_writes);
        let own = scope.spawn(move || modest.post("/v1/interactions", &confirmation("asked")));
        queued(own_writes + 1);
        other.end();
        let answer = own.join().unwrap();
        is_over.store(true, Ordering::Relaxed);
        answer.expect(201);
    });
    let query = "SELECT count(*) FROM audit_events WHERE request_id LIKE 'g-%' AND event = 'interaction.registered' \
                 AND seq < (SELECT seq FROM audit_events WHERE request_id = 'asked')";
    usize::try_from(server.sql(query)[0][0].as_u64().unwrap()).unwrap()
}

/// The planted fault: one agent may have all streams, and takes them. Whether another gets one, too.
fn is_served_where_nothing_is_shared(rng: &mut SeededRng) -> bool {
    let all = 1 + rng.below(6);
    let server = start(&[("streams", all), ("streams-per-principal", all)]);
    let (greedy, modest) = (server.agent("greedy"), server.agent("modest"));
    let mut held = (0..all).map(|_| ask(&greedy, "/v1/events")).collect::<Vec<_>>();
    for stream in &mut held {
        let mut status = [0; 12];
        stream.read_exact(&mut status).unwrap();
        assert_eq!(&status, b"HTTP/1.1 200");
    }
    modest.stream_is_open()
}

impl Client {
    /// Whether a stream of events is opened for it.
    fn stream_is_open(&self) -> bool {
        let mut status = [0; 12];
        ask(self, "/v1/events").read_exact(&mut status).unwrap();
        &status == b"HTTP/1.1 200"
    }
}
