//! What a server writes in one turn goes together, and it is as if each request had been done alone; turns of several servers
//! follow one another, and the time of each is that of the database.

use std::path::PathBuf;

use countersign::clock::{Clock as _, SystemClock, Timestamp};
use serde_json::{Value, json};

use super::server::Postgres;
use crate::harness::{Answer, Client, Process, altered, confirmation, token, until};

const HOUR_MS: u64 = 60 * 60 * 1000;

/// A server on a database, with an agent and an approver.
fn served(postgres: &Postgres) -> (Process, Client, Client) {
    let db = PathBuf::from(postgres.url("postgres", "postgres"));
    let process = postgres.serve("postgres", "postgres");
    let client = |name: &str, role: &str| Client::new(&process.url, &token(&db, name, role));
    let (agent, approver) = (client("builder", "agent"), client("ada", "approver"));
    (process, agent, approver)
}

/// Has all of this done in one turn, in this order: the first of it takes the turn, and the rest comes while another has it.
fn in_one_turn(postgres: &Postgres, ada: &Client, requests: &[(&Client, &str, Value)]) -> Vec<Answer> {
    let turn = postgres.turn();
    std::thread::scope(|scope| {
        let (mut sent, mut before) = (Vec::new(), 0.0);
        for (client, path, body) in requests {
            let sending = scope.spawn(|| client.post(path, body));
            // A turn that is taken for too long is ended, and then what follows comes later.
            until(|| metric(ada, "countersign_queued_writes") > before || sending.is_finished());
            sent.push(sending);
            before += 1.0;
        }
        drop(turn);
        sent.into_iter().map(|sending| sending.join().unwrap()).collect()
    })
}

/// A number that the server measures.
fn metric(ada: &Client, name: &str) -> f64 {
    let metrics = ada.get("/metrics").expect(200).text;
    let value = metrics.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
    value.unwrap().parse().unwrap()
}

fn statuses(answers: &[Answer]) -> Vec<u16> {
    answers.iter().map(|answer| answer.status).collect()
}

fn decided(request_id: &str, decision: &str) -> Value {
    json!({"requestId": request_id, "decision": decision})
}

#[test]
fn each_request_of_a_turn_sees_what_those_before_it_have_done() {
    let Some(postgres) = Postgres::up() else { return };
    let (_process, agent, ada) = served(&postgres);
    let (register, confirm, rules) = ("/v1/interactions", "/v1/confirm", "/v1/trust-rules");
    agent.register(&confirmation("there"));
    let of_tool = |id: &str| altered(confirmation(id), &json!({"confirmation": {"toolName": "ruled"}}));
    let rule = json!({"toolName": "ruled", "pattern": "make *", "scope": "everywhere", "decision": "allow"});
    let answers = in_one_turn(
        &postgres,
        &ada,
        &[
            (&agent, register, confirmation("first")),
            (&agent, register, confirmation("new")),
            (&ada, confirm, decided("new", "allow")),
            (&ada, confirm, decided("there", "allow")),
            (&ada, confirm, decided("there", "deny")),
            (&agent, register, of_tool("asks")),
            (&ada, rules, rule),
            (&agent, register, of_tool("rules")),
            (&agent, register, confirmation("last")),
            (&ada, confirm, decided("last", "deny")),
        ],
    );
    assert_eq!(statuses(&answers), [201, 201, 200, 200, 404, 201, 201, 201, 201, 200], "{answers:#?}");
    let rows = postgres.sql(
        "postgres",
        "SELECT string_agg(request_id || ' ' || status, ', ' ORDER BY interaction_id) FROM countersign.interactions",
    );
    assert_eq!(rows, "there approved, first pending, new approved, asks pending, rules approved, last rejected");
    // Nothing went in an order in which it had to be undone and done again.
    assert_eq!(postgres.errors(), [""; 0]);
}

#[test]
fn turns_of_two_servers_follow_one_another_and_each_sees_what_the_one_before_has_left() {
    let Some(postgres) = Postgres::up() else { return };
    let (_process, here, _) = served(&postgres);
    let other = postgres.serve("postgres", "postgres");
    let there = Client::new(&other.url, here.token.as_deref().unwrap());
    let turn = postgres.turn();
    let waiting = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted";
    std::thread::scope(|scope| {
        let sent = [(&here, "here"), (&there, "there")]
            .map(|(client, id)| scope.spawn(|| client.post("/v1/interactions", &confirmation(id))));
        until(|| postgres.sql("postgres", waiting) == "2");
        drop(turn);
        for sending in sent {
            sending.join().unwrap().expect(201);
        }
    });
    // The second has not begun with what it saw before it waited: then it would have had to be undone and done again.
    assert_eq!(postgres.errors(), [""; 0]);
}

#[test]
fn a_row_that_is_not_changed_undoes_its_own_request_and_no_other() {
    let Some(postgres) = Postgres::up() else { return };
    let (_process, agent, ada) = served(&postgres);
    let ids = ["one", "two", "three", "four"];
    ids.iter().for_each(|id| drop(agent.register(&confirmation(id))));
    postgres.sql(
        "postgres",
        "CREATE FUNCTION skip() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END'; \
         CREATE TRIGGER skip BEFORE UPDATE ON countersign.interactions FOR EACH ROW \
         WHEN (new.request_id = 'three') EXECUTE FUNCTION skip()",
    );
    let decisions = ids.map(|id| (&ada, "/v1/confirm", decided(id, "allow")));
    let answers = in_one_turn(&postgres, &ada, &decisions);
    assert_eq!(statuses(&answers), [200, 200, 500, 200], "{answers:#?}");
    let unlike = postgres.sql(
        "postgres",
        "SELECT string_agg(request_id || ' ' || status, ', ' ORDER BY interaction_id) FROM countersign.interactions \
         WHERE (status = 'approved') <> (request_id IN \
             (SELECT request_id FROM countersign.audit_events WHERE event = 'interaction.approved'))",
    );
    assert_eq!(unlike, "", "the rows and the history say other things");
    assert_eq!(agent.look("three")["status"], "pending");
}

/// Has the clock of the database be so many hours ahead.
fn set_ahead(postgres: &Postgres, hours: u64) {
    postgres.sql(
        "postgres",
        &format!(
            "CREATE OR REPLACE FUNCTION pg_catalog.clock_timestamp() RETURNS timestamptz LANGUAGE sql VOLATILE \
             AS $$ SELECT machines_clock() + interval '{hours} hours' $$"
        ),
    );
}

#[test]
fn the_time_of_a_turn_is_that_of_the_database() {
    let Some(postgres) = Postgres::up() else { return };
    postgres.sql("postgres", "ALTER FUNCTION pg_catalog.clock_timestamp() RENAME TO machines_clock");
    set_ahead(&postgres, 0);
    let (_process, agent, ada) = served(&postgres);
    for hours in 1..=8 {
        set_ahead(&postgres, hours);
        let before = SystemClock::default().now();
        let registered = agent.register(&confirmation(&format!("after-{hours}")));
        let at: Timestamp = registered["createdAt"].as_str().unwrap().parse().unwrap();
        let ahead = at.millis_since(before);
        assert!(ahead >= hours * HOUR_MS, "{hours} hours ahead, and {ahead} ms");
        assert!(ahead < (hours + 1) * HOUR_MS, "{hours} hours ahead, and {ahead} ms");
    }
    // A server that writes nothing follows it as well: the first of these is nine hours old.
    set_ahead(&postgres, 10);
    until(|| metric(&ada, "countersign_oldest_pending_age_seconds") >= 9.0 * 60.0 * 60.0);
}
