//! SIGKILL under load: what was acknowledged is there, once, and the books balance.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::Path;
use std::sync::mpsc::{Sender, channel};
use std::thread;

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::harness::{Client, Process, confirmation, question, responses, secret, sql, token};

const ROUNDS: u64 = 5;
const WORKERS: usize = 6;

/// What a worker was told is done.
enum Acknowledged {
    Registered(String),
    Resolved(String, &'static str),
}

/// A number below `below` that only `seed` and `round` decide.
fn drawn(seed: u64, round: u64, below: u64) -> u64 {
    let mut mixed = seed ^ round.wrapping_mul(0x9E37_79B9_7F4A_7C15);
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    (mixed ^ (mixed >> 31)) % below
}

/// Registers and resolves, and reports each acknowledgement, until the server is gone.
fn work(name: &str, agent: &Client, approver: &Client, acknowledged: &Sender<Acknowledged>) {
    let post = |client: &Client, path: &str, body: &Value, status: u16| {
        let json = [("content-type", "application/json")];
        match client.try_send("POST", path, &json, Some(body.to_string().as_bytes())) {
            Ok(answer) => {
                answer.expect(status);
                true
            }
            Err(_) => false,
        }
    };
    for number in 0.. {
        let id = format!("{name}-{number}");
        let (registration, path, resolution, status) = match number % 4 {
            0 => (confirmation(&id), "/v1/confirm", json!({"decision": "allow"}), "approved"),
            1 => (confirmation(&id), "/v1/confirm", json!({"decision": "deny"}), "rejected"),
            2 => (secret(&id), "/v1/secret", json!({"value": "v"}), "answered"),
            _ => (question(&id), "/v1/question-response", json!({"responses": responses()}), "answered"),
        };
        if !post(agent, "/v1/interactions", &registration, 201)
            || acknowledged.send(Acknowledged::Registered(id.clone())).is_err()
        {
            return;
        }
        let mut resolution = resolution;
        resolution["requestId"] = json!(id);
        // Some stay pending, for the count of them to be about something.
        if number % 7 == 6 {
            continue;
        }
        if !post(approver, path, &resolution, 200) || acknowledged.send(Acknowledged::Resolved(id, status)).is_err() {
            return;
        }
    }
}

/// Loads the server, kills it at the `k`th acknowledgement, and gives back all that were made: what each id is to be.
fn killed_after(k: u64, round: u64, db: &Path, agent: &str, approver: &str) -> BTreeMap<String, Option<&'static str>> {
    let process = Process::serve(db, &[]);
    let (sender, acknowledgements) = channel();
    let workers: Vec<_> = (0..WORKERS)
        .map(|worker| {
            let (sender, name) = (sender.clone(), format!("r{round}w{worker}"));
            let [agent, approver] = [agent, approver].map(|token| Client::new(&process.url, token));
            thread::spawn(move || work(&name, &agent, &approver, &sender))
        })
        .collect();
    drop(sender);
    let mut process = Some(process);
    let mut expected = BTreeMap::new();
    for (count, acknowledged) in (1..).zip(acknowledgements) {
        match acknowledged {
            Acknowledged::Registered(id) => expected.insert(id, None),
            Acknowledged::Resolved(id, status) => expected.insert(id, Some(status)),
        };
        if count == k {
            process.take().unwrap().kill();
        }
    }
    for worker in workers {
        worker.join().unwrap();
    }
    assert!(process.is_none(), "the server went before it was killed");
    expected
}

fn check(db: &Path, expected: &BTreeMap<String, Option<&'static str>>) {
    let rows = sql(db, "SELECT request_id, status FROM interactions");
    let found: BTreeMap<&str, &str> =
        rows.iter().map(|row| (row[0].as_str().unwrap(), row[1].as_str().unwrap())).collect();
    for (id, status) in expected {
        let now = found.get(id.as_str()).unwrap_or_else(|| panic!("{id} is lost"));
        assert!(status.is_none_or(|status| status == *now), "{id} was {status:?} and is {now}");
    }
    for (question, none) in [
        (
            "resolved or registered more or less than once",
            "SELECT request_id, count(*) FROM audit_events WHERE event LIKE 'interaction.%' GROUP BY request_id, event = 'interaction.registered' HAVING count(*) > 1",
        ),
        (
            "a status that the history does not tell",
            "SELECT request_id FROM interactions AS i WHERE (status <> 'pending') <> EXISTS (SELECT 1 FROM audit_events AS a \
             WHERE a.request_id = i.request_id AND a.event = 'interaction.' || i.status AND a.at_ms = i.resolved_at_ms)",
        ),
        (
            "a history without its interaction, or the other way round",
            "SELECT request_id FROM audit_events WHERE request_id NOT IN (SELECT request_id FROM interactions) UNION ALL \
             SELECT request_id FROM interactions WHERE request_id NOT IN (SELECT request_id FROM audit_events WHERE event = 'interaction.registered')",
        ),
        (
            "an interaction without its body",
            "SELECT request_id FROM interactions WHERE interaction_id NOT IN (SELECT interaction_id FROM interaction_bodies)",
        ),
        (
            "an answered secret without its value",
            "SELECT request_id FROM interactions WHERE kind = 'secret' AND (status = 'answered') <> (interaction_id IN (SELECT interaction_id FROM sealed_secrets))",
        ),
        (
            "a wrong count of what is pending",
            "SELECT name FROM principals WHERE pending_count <> (SELECT count(*) FROM interactions WHERE registered_by = name AND status = 'pending')",
        ),
        (
            "a gap in the history",
            "SELECT * FROM (SELECT count(*) AS lines, max(seq) AS last FROM audit_events) WHERE lines <> last",
        ),
    ] {
        assert_eq!(sql(db, none), Vec::<Vec<Value>>::new(), "{question}");
    }
    assert_eq!(sql(db, "PRAGMA integrity_check"), [[json!("ok")]]);
    assert_eq!(sql(db, "PRAGMA foreign_key_check"), Vec::<Vec<Value>>::new());
}

#[test]
fn nothing_that_was_acknowledged_is_lost_or_done_twice_when_the_server_is_killed() {
    let seed = u64::from_ne_bytes(uuid::Uuid::now_v7().as_bytes()[8..].try_into().unwrap());
    let directory = TempDir::new().unwrap();
    let db = directory.path().join("test.db");
    let (agent, approver) = (token(&db, "builder", "agent"), token(&db, "ada", "approver"));
    let mut expected = BTreeMap::new();
    for round in 0..ROUNDS {
        let k = 1 + drawn(seed, round, 300);
        // Said before anything can go wrong, past the capture of the test runner: a hang is to be repeatable, too.
        writeln!(std::io::stderr(), "crash: seed {seed}, round {round}, killed after {k} acknowledgements").unwrap();
        expected.extend(killed_after(k, round, &db, &agent, &approver));
        let process = Process::serve(&db, &[]);
        let reader = Client::new(&process.url, &agent);
        for (id, status) in &expected {
            let now = reader.look(id)["status"].clone();
            assert!(status.is_none_or(|status| now == status), "{id} was {status:?} and is {now}");
        }
        assert_eq!(process.terminate().0.code(), Some(0));
        check(&db, &expected);
    }
}
