//! What all who take part share: where the server is, whether it goes on, and the record of what was acknowledged, which
//! the clients keep by themselves.

use std::collections::{BTreeMap, VecDeque};
use std::net::TcpListener;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::harness::{Answer, Client};
use crate::ledger::{Ledger, Promise};
use crate::seeded_rng::SeededRng;

/// How long a client waits before it asks again.
const AGAIN: Duration = Duration::from_millis(50);

/// How long a client asks without an answer before that is a failure.
const PATIENCE: Duration = Duration::from_secs(120);

/// How many of the latest ids the hostile agent knows.
const KNOWN: usize = 64;

pub(super) struct World {
    pub(super) url: String,
    pub(super) seed: u64,
    over: AtomicBool,
    record: Mutex<Record>,
    latest: Mutex<VecDeque<String>>,
    complaints: Mutex<Vec<String>>,
}

/// What was acknowledged.
#[derive(Clone, Default)]
pub(super) struct Record {
    pub(super) ledger: Ledger,
    /// What agents were told of the end of what they asked: the status, and when.
    pub(super) seen: BTreeMap<String, (String, i64)>,
    /// How each ended, whoever was told.
    ended: BTreeMap<String, &'static str>,
}

impl World {
    pub(super) fn new(seed: u64) -> Self {
        Self {
            url: format!("http://127.0.0.1:{}", free_port(seed)),
            seed,
            over: AtomicBool::new(false),
            record: Mutex::default(),
            latest: Mutex::default(),
            complaints: Mutex::default(),
        }
    }

    pub(super) fn rng(&self, part: u64) -> SeededRng {
        SeededRng::of_part(self.seed, part)
    }

    /// Lets agents come to the end of what they have begun, and begin nothing more.
    pub(super) fn end(&self) {
        self.over.store(true, Ordering::Relaxed);
    }

    pub(super) fn is_over(&self) -> bool {
        self.over.load(Ordering::Relaxed)
    }

    /// Keeps a pace; returns whether there is more to do.
    pub(super) fn pace(&self, time: Duration) -> bool {
        thread::park_timeout(time);
        !self.is_over()
    }

    pub(super) fn complain(&self, of: String) {
        self.complaints.lock().unwrap().push(of);
    }

    pub(super) fn complaints(&self) -> Vec<String> {
        self.complaints.lock().unwrap().clone()
    }

    pub(super) fn record(&self) -> MutexGuard<'_, Record> {
        self.record.lock().unwrap()
    }

    /// One of the ids that agents have registered lately.
    pub(super) fn known(&self, rng: &mut SeededRng) -> Option<String> {
        let latest = self.latest.lock().unwrap();
        (!latest.is_empty()).then(|| latest[rng.below(latest.len())].clone())
    }

    pub(super) fn registered(&self, id: &str) {
        self.record().ledger.add(Promise::Registered(id.to_owned()));
        let mut latest = self.latest.lock().unwrap();
        latest.push_back(id.to_owned());
        if latest.len() > KNOWN {
            latest.pop_front();
        }
    }

    /// Notes how an interaction ended, as one of those who were told says.
    pub(super) fn resolved(&self, id: &str, status: &str) {
        let Some(status) = ["approved", "rejected", "answered", "cancelled"].into_iter().find(|known| *known == status)
        else {
            return self.complain(format!("{id} ended as {status}"));
        };
        let mut record = self.record();
        let before = record.ended.insert(id.to_owned(), status);
        record.ledger.add(Promise::Resolved(id.to_owned(), status));
        drop(record);
        if before.is_some_and(|before| before != status) {
            self.complain(format!("{id} was {before:?} and is {status}"));
        }
    }

    /// Asks until there is an answer that is no "later"; how often it was told to come later.
    pub(super) fn ask(&self, client: &Client, method: &str, path: &str, body: Option<&Value>) -> (Answer, usize) {
        let body = body.map(ToString::to_string);
        let headers: &[(&str, &str)] = if body.is_some() { &[("content-type", "application/json")] } else { &[] };
        let begun = Instant::now();
        let mut deferred = 0;
        loop {
            match client.try_send(method, path, headers, body.as_deref().map(str::as_bytes)) {
                Ok(answer) if matches!(answer.status, 429 | 503) => deferred += 1,
                Ok(answer) => return (answer, deferred),
                Err(_) => {}
            }
            assert!(begun.elapsed() < PATIENCE, "{method} {path} got no answer");
            thread::park_timeout(AGAIN);
        }
    }
}

/// A port that is free, below those that the system gives to clients: a client must not take it while the server is away.
fn free_port(seed: u64) -> u16 {
    let mut rng = SeededRng::of_part(seed, 1000);
    loop {
        let port = u16::try_from(20_000 + rng.below(10_000)).unwrap();
        if TcpListener::bind(("127.0.0.1", port)).is_ok() {
            return port;
        }
    }
}

/// The time under which so many of a hundred are.
pub(super) fn percentile(times: &[Duration], percent: usize) -> Duration {
    let mut sorted = times.to_vec();
    sorted.sort_unstable();
    sorted.get((sorted.len() * percent / 100).min(sorted.len().saturating_sub(1))).copied().unwrap_or_default()
}
