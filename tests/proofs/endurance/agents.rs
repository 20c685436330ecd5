//! Agents that mean well: each asks, waits until a person has decided, and acts on it, a few times a second.

use std::sync::mpsc::Sender;
use std::time::{Duration, Instant};

use countersign::clock::Timestamp;
use serde_json::{Value, json};

use super::world::World;
use crate::harness::{Client, altered, confirmation, question, secret};
use crate::ledger::Promise;
use crate::seeded_rng::SeededRng;

/// How long an agent rests between two rounds.
const REST: Duration = Duration::from_millis(350);

/// Something for a person to decide.
pub(super) struct Job {
    pub(super) id: String,
    pub(super) kind: &'static str,
    pub(super) allow: bool,
}

/// The ways in which people decide: by calls, by the inbox's forms, by commands.
#[derive(Clone)]
pub(super) struct Ways {
    pub(super) calls: Sender<Job>,
    pub(super) forms: Sender<Job>,
    pub(super) terminal: Sender<Job>,
}

/// What an agent came to.
pub(super) struct Worked {
    /// How long each of its rounds took, from the first try to register until it knew its answer.
    pub(super) waits: Vec<Duration>,
}

/// Works until it is over.
pub(super) fn work(world: &World, client: &Client, name: &str, number: usize, ways: &Ways) -> Worked {
    let mut rng = world.rng(u64::try_from(number).unwrap());
    let mut waits = Vec::new();
    while world.pace(REST) {
        let id = format!("{name}-{}-{:08x}", waits.len(), rng.below(1 << 32));
        waits.push(round(world, client, id, &mut rng, ways));
    }
    Worked { waits }
}

fn round(world: &World, client: &Client, id: String, rng: &mut SeededRng, ways: &Ways) -> Duration {
    let kind = rng.weighted(&[(7, "confirmation"), (2, "question"), (1, "secret")]);
    let way = match kind {
        "confirmation" => rng.weighted(&[(4, &ways.calls), (4, &ways.forms), (1, &ways.terminal)]),
        "question" => rng.weighted(&[(4, &ways.calls), (1, &ways.terminal)]),
        _ => rng.weighted(&[(1, &ways.calls), (1, &ways.forms)]),
    };
    let begun = Instant::now();
    let (answer, _) = world.ask(client, "POST", "/v1/interactions", Some(&registration(kind, &id)));
    if !matches!(answer.status, 200 | 201) {
        world.complain(format!("{id} was refused: {answer:?}"));
        return begun.elapsed();
    }
    world.registered(&id);
    way.send(Job { id: id.clone(), kind, allow: rng.percent(70) }).unwrap();
    let path = format!("/v1/interactions/{id}?waitMs=20000");
    let ended = loop {
        let (answer, _) = world.ask(client, "GET", &path, None);
        if answer.status != 200 {
            world.complain(format!("{id} is not there: {answer:?}"));
            return begun.elapsed();
        }
        if answer.body["status"] != "pending" {
            break answer.body;
        }
    };
    let waited = begun.elapsed();
    let (status, at) = (ended["status"].as_str().unwrap().to_owned(), ended["resolvedAt"].as_str().unwrap());
    world.resolved(&id, &status);
    let at: Timestamp = at.parse().unwrap();
    world.record().seen.insert(id.clone(), (status.clone(), at.as_millis()));
    act(world, client, &id, kind, &status);
    waited
}

fn registration(kind: &str, id: &str) -> Value {
    match kind {
        "confirmation" => altered(confirmation(id), &json!({"confirmation": {"riskLevel": "low"}})),
        "question" => {
            let colours = json!([{"optionId": "red", "label": "Red"}, {"optionId": "blue", "label": "Blue"}]);
            let entry = json!({"questionId": "colour", "text": "Which?", "options": colours});
            altered(question(id), &json!({"question": {"entries": [entry]}}))
        }
        _ => secret(id),
    }
}

/// Does what it may now: claims and reports, or takes the value.
fn act(world: &World, client: &Client, id: &str, kind: &str, status: &str) {
    let of = |verb: &str| format!("/v1/interactions/{id}/{verb}");
    let done = |answer: &crate::harness::Answer, verb: &str| {
        if answer.status != 200 {
            world.complain(format!("{id} could not {verb}: {answer:?}"));
        }
    };
    match (kind, status) {
        ("confirmation", "approved") => {
            let claim = format!("of-{id}");
            let (answer, _) = world.ask(client, "POST", &of("claim"), Some(&json!({"claimId": claim})));
            done(&answer, "claim");
            world.record().ledger.add(Promise::Claimed(id.to_owned(), claim.clone()));
            let report = json!({"claimId": claim, "outcome": "succeeded"});
            let (answer, _) = world.ask(client, "POST", &of("outcome"), Some(&report));
            done(&answer, "report");
        }
        ("secret", "answered") => {
            let (answer, _) = world.ask(client, "POST", &of("secret"), Some(&json!({"takeId": format!("of-{id}")})));
            done(&answer, "take");
        }
        _ => {}
    }
}
