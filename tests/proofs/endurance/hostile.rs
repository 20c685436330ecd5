//! An agent that means harm, in every way that a client can: what it sends, how much of it, how slowly, and of whom.
//!
//! It may be refused, cut off or left waiting; it must get nothing that is another's, and take nothing from the others.

use std::collections::{BTreeMap, VecDeque};
use std::io::{Read, Write};
use std::net::TcpStream;
use std::thread;
use std::time::Duration;

use serde_json::{Value, json};

use super::world::World;
use crate::harness::{Client, altered, confirmation};
use crate::seeded_rng::SeededRng;

/// How many hostile threads there are.
const THREADS: u64 = 3;

/// The rest between two attacks of a thread.
const REST: Duration = Duration::from_millis(60);

/// How many connections each thread keeps open; the oldest goes.
const HELD: usize = 400;

/// How long it waits for what is sent back to it.
const PATIENCE: Duration = Duration::from_millis(500);

/// A body that is larger than bodies may be.
const HUGE: usize = 2 * 1024 * 1024;

/// One attack, which is counted under its name.
type Attack<H> = fn(&mut H, &'static str);

/// What was tried, and with which statuses it was answered; 0 is no answer.
pub(super) type Attacks = BTreeMap<&'static str, BTreeMap<u16, usize>>;

struct Hostile<'w> {
    world: &'w World,
    client: Client,
    rng: SeededRng,
    thread: u64,
    round: usize,
    held: VecDeque<TcpStream>,
    attacks: Attacks,
}

/// Attacks until it is over.
pub(super) fn attack(world: &World, token: &str) -> Attacks {
    thread::scope(|scope| {
        let threads = (0..THREADS).map(|thread| {
            let client = Client::new(&world.url, token);
            let rng = world.rng(100 + thread);
            let mut hostile =
                Hostile { world, client, rng, thread, round: 0, held: VecDeque::new(), attacks: Attacks::new() };
            scope.spawn(move || {
                while world.pace(REST) {
                    let (name, attack) = hostile.rng.pick(&Hostile::ATTACKS);
                    attack(&mut hostile, name);
                    hostile.round += 1;
                }
                hostile.attacks
            })
        });
        let mut all = Attacks::new();
        for attacks in threads.collect::<Vec<_>>().into_iter().map(|thread| thread.join().unwrap()) {
            for (name, statuses) in attacks {
                for (status, count) in statuses {
                    *all.entry(name).or_default().entry(status).or_default() += count;
                }
            }
        }
        all
    })
}

impl Hostile<'_> {
    /// Every attack, with its name.
    const ATTACKS: [(&'static str, Attack<Self>); 13] = [
        ("idle connections", Self::connections),
        ("bodies that are too large", Self::huge_bodies),
        ("bodies of which the end never comes", Self::slow_bodies),
        ("large registrations", Self::large_registrations),
        ("a flood of registrations", Self::registrations),
        ("registered and cancelled", Self::cancelled),
        ("streams of events", Self::streams),
        ("long-polls", Self::long_polls),
        ("beginnings of others' ids", Self::prefixes),
        ("others' ids", Self::others),
        ("decisions of its own", Self::decisions),
        ("malformed requests", Self::malformed),
        ("a flood of refusals", Self::refusals),
    ];

    fn count(&mut self, name: &'static str, status: u16) {
        *self.attacks.entry(name).or_default().entry(status).or_default() += 1;
    }

    /// An id that no other request has.
    fn id(&mut self) -> String {
        format!("mallory-{}-{}-{:x}", self.thread, self.round, self.rng.seed())
    }

    /// Asks as any client does; the status, or 0.
    fn ask(&mut self, name: &'static str, method: &str, path: &str, body: Option<&Value>) -> u16 {
        let body = body.map(ToString::to_string);
        let headers: &[(&str, &str)] = if body.is_some() { &[("content-type", "application/json")] } else { &[] };
        let answer = self.client.try_send(method, path, headers, body.as_deref().map(str::as_bytes));
        let status = answer.map_or(0, |answer| answer.status);
        self.count(name, status);
        status
    }

    /// The first line of a request and its headers.
    fn head(&self, request_line: &str, length: Option<usize>) -> String {
        let token = self.client.token.as_deref().unwrap_or_default();
        let length = length.map_or_else(String::new, |length| {
            format!("Content-Type: application/json\r\nContent-Length: {length}\r\n")
        });
        format!("{request_line} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {token}\r\n{length}\r\n")
    }

    /// Opens a connection and sends that; nothing where the server is away.
    fn send(&self, bytes: &[u8]) -> Option<TcpStream> {
        let mut stream = TcpStream::connect(self.world.url.strip_prefix("http://")?).ok()?;
        stream.set_read_timeout(Some(PATIENCE)).ok()?;
        stream.set_write_timeout(Some(PATIENCE)).ok()?;
        stream.write_all(bytes).ok()?;
        Some(stream)
    }

    /// The same, and keeps it open.
    fn hold(&mut self, name: &'static str, bytes: &[u8]) {
        let stream = self.send(bytes);
        self.count(name, 0);
        self.held.extend(stream);
        if self.held.len() > HELD {
            self.held.pop_front();
        }
    }

    /// The same, and reads the status that comes.
    fn exchange(&mut self, name: &'static str, bytes: &[u8]) {
        let mut begun = [0; 12];
        let read = self.send(bytes).and_then(|mut stream| stream.read_exact(&mut begun).ok());
        let status = read.and_then(|()| std::str::from_utf8(&begun[9..]).ok()?.parse().ok());
        self.count(name, status.unwrap_or(0));
    }

    fn connections(&mut self, name: &'static str) {
        (0..60).for_each(|_| self.hold(name, b""));
    }

    fn huge_bodies(&mut self, name: &'static str) {
        let head = self.head("POST /v1/interactions", Some(HUGE));
        self.exchange(name, head.as_bytes());
        let chunked = head.replace(&format!("Content-Length: {HUGE}"), "Transfer-Encoding: chunked");
        let chunk = format!("{:x}\r\n{}\r\n", HUGE, " ".repeat(HUGE));
        self.exchange(name, format!("{chunked}{chunk}0\r\n\r\n").as_bytes());
    }

    fn slow_bodies(&mut self, name: &'static str) {
        let head = self.head("POST /v1/interactions", Some(1000)) + "{";
        (0..40).for_each(|_| self.hold(name, head.as_bytes()));
    }

    fn large_registrations(&mut self, name: &'static str) {
        for _ in 0..3 {
            let id = self.id();
            let metadata = json!({"zeros": vec![0; 100_000]});
            let status = self.ask(
                name,
                "POST",
                "/v1/interactions",
                Some(&altered(confirmation(&id), &json!({"metadata": metadata}))),
            );
            if status == 201 {
                self.ask(name, "POST", &format!("/v1/interactions/{id}/cancel"), Some(&json!({})));
            }
        }
    }

    fn registrations(&mut self, name: &'static str) {
        for _ in 0..20 {
            let id = self.id();
            self.ask(name, "POST", "/v1/interactions", Some(&confirmation(&id)));
        }
    }

    fn cancelled(&mut self, name: &'static str) {
        for _ in 0..5 {
            let id = self.id();
            self.ask(name, "POST", "/v1/interactions", Some(&confirmation(&id)));
            self.ask(name, "POST", &format!("/v1/interactions/{id}/cancel"), Some(&json!({})));
        }
    }

    fn streams(&mut self, name: &'static str) {
        let head = self.head("GET /v1/events", None);
        let whole = head.replace("\r\n\r\n", "\r\nLast-Event-ID: 0\r\n\r\n");
        (0..30).for_each(|_| self.hold(name, whole.as_bytes()));
    }

    fn long_polls(&mut self, name: &'static str) {
        let id = self.id();
        self.ask(name, "POST", "/v1/interactions", Some(&confirmation(&id)));
        let head = self.head(&format!("GET /v1/interactions/{id}?waitMs=300000"), None);
        (0..40).for_each(|_| self.hold(name, head.as_bytes()));
    }

    /// What a person types is to mean the one that has just that id.
    fn prefixes(&mut self, name: &'static str) {
        let Some(id) = self.world.known(&mut self.rng) else { return };
        let (shorter, longer) = (id[..id.len() - 1 - self.rng.below(8)].to_owned(), format!("{id}0"));
        for id in [&shorter, &longer] {
            self.ask(name, "POST", "/v1/interactions", Some(&confirmation(id)));
        }
        self.ask(name, "GET", &format!("/v1/interactions?idPrefix={shorter}"), None);
    }

    /// What is another's is not there for it.
    fn others(&mut self, name: &'static str) {
        let Some(id) = self.world.known(&mut self.rng) else { return };
        let of = |verb: &str| format!("/v1/interactions/{id}{verb}");
        for (method, path, body) in [
            ("GET", of(""), None),
            ("GET", of("?waitMs=50"), None),
            ("POST", of("/cancel"), Some(json!({}))),
            ("POST", of("/claim"), Some(json!({}))),
            ("POST", of("/secret"), Some(json!({}))),
            ("POST", of("/outcome"), Some(json!({"claimId": format!("of-{id}"), "outcome": "failed"}))),
            ("POST", "/v1/interactions".to_owned(), Some(confirmation(&id))),
        ] {
            let status = self.ask(name, method, &path, body.as_ref());
            if (200..300).contains(&status) {
                self.world.complain(format!("the hostile agent got {method} {path} answered with {status}"));
            }
        }
    }

    fn decisions(&mut self, name: &'static str) {
        let Some(id) = self.world.known(&mut self.rng) else { return };
        for (path, body) in [
            ("/v1/confirm", json!({"requestId": id, "decision": "allow"})),
            ("/v1/secret", json!({"requestId": id, "value": "v"})),
            ("/v1/question-response", json!({"requestId": id, "responses": []})),
            (
                "/v1/trust-rules",
                json!({"toolName": "shell", "pattern": "*", "scope": "everywhere", "decision": "allow"}),
            ),
            ("/v1/login-links", json!({})),
        ] {
            let status = self.ask(name, "POST", path, Some(&body));
            if (200..300).contains(&status) {
                self.world.complain(format!("the hostile agent got {path} answered with {status}"));
            }
        }
    }

    fn malformed(&mut self, name: &'static str) {
        let length = self.rng.below(2000);
        let noise = (0..length).map(|_| u8::try_from(self.rng.below(256)).unwrap()).collect::<Vec<_>>();
        let long = "x".repeat(40_000);
        for bytes in [
            &noise[..],
            b"GET / HTTP/9.9\r\n\r\n",
            b"GET /healthz HTTP/1.1\r\n\r\n",
            b"GET /healthz HTTP/1.1\r\nHost: evil.example\r\n\r\n",
            b"POST /v1/interactions HTTP/1.1\r\nHost: localhost\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabcd",
            b"POST /v1/interactions HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
            b"GET /v1/interactions/../../etc/passwd HTTP/1.1\r\nHost: localhost\r\n\r\n",
            format!("GET /{long} HTTP/1.1\r\nHost: localhost\r\n\r\n").as_bytes(),
            format!("GET /healthz HTTP/1.1\r\nHost: localhost\r\nA: {long}\r\n\r\n").as_bytes(),
        ] {
            self.exchange(name, bytes);
        }
        let body = json!({"requestId": "x", "kind": "nothing"});
        self.ask(name, "POST", "/v1/interactions", Some(&body));
    }

    fn refusals(&mut self, name: &'static str) {
        for path in ["/nowhere", "/v1/interactions/none", "/v1/pending-interactions", "/v1/interactions?limit=0"] {
            for _ in 0..25 {
                self.ask(name, "GET", path, None);
            }
        }
        let stranger = Client::anonymous(&self.world.url);
        for _ in 0..50 {
            let status = stranger.try_send("GET", "/v1/interactions", &[], None).map_or(0, |answer| answer.status);
            self.count(name, status);
        }
    }
}
