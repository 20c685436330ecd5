//! Notices under SIGKILL: while an agent asks, a person decides and notices go out, the server is killed again and again. None is
//! lost, none tells of what was answered before the server started that sends it, and repetitions share their id.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use serde_json::json;

use crate::harness::receiver::{Received, Receiver, Reply};
use crate::harness::{Database, Process, confirmation, sql, token, until, until_within};
use crate::load::{Pair, Tokens};
use crate::run::{Found, Run};
use crate::seeded_rng::SeededRng;

/// How many interactions are registered before each kill.
const ASKED: usize = 8;

/// How many of a hundred are answered before it.
const ANSWERED: usize = 30;

/// How long it takes at most until all is sent: on PostgreSQL, what a killed server had is another's only after a minute.
const PATIENCE: Duration = Duration::from_secs(90);

/// What was acknowledged so far.
#[derive(Default)]
struct Told {
    /// What was registered.
    asked: BTreeSet<String>,
    /// What was answered, and when the server was started that came after the one which said so.
    answered: BTreeMap<String, Instant>,
}

pub(crate) fn prove(run: &Run) -> Found {
    let db = Database::new();
    let tokens = Tokens::make(&db);
    let root = token(&db, "root", "admin");
    let mut rng = SeededRng::new(run.seed);
    // A receiver that fails now and then: what is repeated is repeated across kills, too.
    let receiver = Receiver::answering(|count, _| Reply::Status(if count % 17 == 16 { 503 } else { 204 }));
    let flags = ["--allow-notice-net", "127.0.0.0/8"];
    let mut process = Process::serve(&db, &flags);
    let channel = json!({"name": "hook", "kind": "webhook", "url": receiver.url(), "paceMs": 0, "resolutions": false});
    crate::harness::Client::new(&process.url, &root).post("/v1/channels", &channel).expect(201);
    let mut told = Told::default();
    let kills = run.amount(20, 500);
    for round in 0..kills {
        let answered = load(&tokens.at(&process.url), round, &mut told, &mut rng);
        let enough = receiver.received().len() + rng.below(ASKED);
        until(|| receiver.received().len() >= enough || waiting(&db, "held_until_ms IS NULL") == 0);
        process.kill();
        process = Process::serve(&db, &flags);
        let now = Instant::now();
        told.answered.extend(answered.into_iter().map(|id| (id, now)));
    }
    // What failed last is repeated after five seconds; the next that arrives would bring it sooner.
    let last = tokens.at(&process.url);
    last.agent.register(&confirmation("last"));
    told.asked.insert("last".to_owned());
    until_within(PATIENCE, || waiting(&db, "TRUE") == 0);
    let received = receiver.received();
    let (repeated, late) = check(&told, &received);
    assert_eq!(process.terminate().0.code(), Some(0));
    Found::Held(vec![
        ("kills", kills.to_string()),
        ("interactions told of", told.asked.len().to_string()),
        ("notices received", received.len().to_string()),
        ("of them repetitions, each with the id of the first", repeated.to_string()),
        ("lost", "0".to_owned()),
        ("about what had been answered", late.to_string()),
    ])
}

/// Asks, and answers some of it; what was answered.
fn load(pair: &Pair, round: usize, told: &mut Told, rng: &mut SeededRng) -> Vec<String> {
    let mut answered = Vec::new();
    for number in 0..ASKED {
        let id = format!("r{round}n{number}");
        pair.agent.register(&confirmation(&id));
        told.asked.insert(id.clone());
        if rng.percent(ANSWERED) {
            pair.approver.confirm(&id, "allow").expect(200);
            answered.push(id);
        }
    }
    answered
}

/// How many notices wait to be sent of which this is so.
fn waiting(db: &std::path::Path, which: &str) -> u64 {
    sql(db, &format!("SELECT count(*) FROM notices WHERE status = 'waiting' AND {which}"))[0][0].as_u64().unwrap()
}

/// Panics where a notice is lost, late or has another id than its repetitions; how many repetitions there were, and how many were
/// late.
fn check(told: &Told, received: &[Received]) -> (usize, usize) {
    let mut ids = BTreeMap::<String, BTreeSet<String>>::new();
    let mut late = Vec::new();
    for notice in received {
        let body = notice.json();
        assert_eq!(body["type"], "interaction.pending");
        let id = body["data"]["requestId"].as_str().unwrap().to_owned();
        if told.answered.get(&id).is_some_and(|after| notice.at > *after) {
            late.push(id.clone());
        }
        ids.entry(id).or_default().insert(notice.header("webhook-id").to_owned());
    }
    assert_eq!(late, Vec::<String>::new(), "told though they had been answered");
    let several = ids.iter().filter(|(_, ids)| ids.len() != 1).collect::<Vec<_>>();
    assert!(several.is_empty(), "repetitions have other ids: {several:?}");
    let waits = |id: &&String| !told.answered.contains_key(*id);
    let lost = told.asked.iter().filter(waits).filter(|id| !ids.contains_key(*id)).collect::<Vec<_>>();
    assert_eq!(lost, Vec::<&String>::new(), "never told");
    (received.len() - ids.len(), late.len())
}
