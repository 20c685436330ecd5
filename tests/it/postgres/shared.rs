//! What two servers count together.

use std::path::Path;
use std::process::Stdio;

use super::server::Postgres;
use crate::harness::{Client, Process, confirmation, token};

/// Registers at the one and the other in turn until the agent has no share left; how many were taken.
fn registered(postgres: &Postgres, database: &str, servers: usize) -> usize {
    let url = postgres.url("postgres", database);
    let token = token(Path::new(&url), "builder", "agent");
    let limited = |number: usize| {
        let mut command = postgres.serving(&url);
        command.args(["--max-stored-per-day", "600000", "--max-pending", "10000", "--head-file"]);
        command.arg(postgres.folder().join(format!("{database}-{number}.head")));
        Process::spawn(command.stdout(Stdio::piped()).stderr(Stdio::piped()))
    };
    let servers: Vec<Process> = (0..servers).map(limited).collect();
    let agents: Vec<Client> = servers.iter().map(|server| Client::new(&server.url, &token)).collect();
    // Two at the one, then one at the other, and so on: each finds more and less of its own.
    let turns = (0..).map(|turn| &agents[(turn % 3) / 2 % agents.len()]);
    let taken = turns.enumerate().take_while(|(number, agent)| {
        let mut asked = confirmation(&format!("{number}"));
        asked["metadata"] = serde_json::json!({"of": "x".repeat(number % 7 * 100)});
        let answer = agent.post("/v1/interactions", &asked);
        assert!(answer.status == 201 || answer.body["code"] == "storage_share_used", "{answer:?}");
        answer.status == 201
    });
    taken.count()
}

#[test]
fn what_an_agent_stores_counts_whichever_server_takes_it() {
    let Some(postgres) = Postgres::up() else { return };
    postgres.sql("postgres", "CREATE DATABASE one");
    postgres.sql("postgres", "CREATE DATABASE two");
    let alone = registered(&postgres, "one", 1);
    // More than once, what was counted in memory is written down.
    assert!(alone > 300, "{alone}");
    assert_eq!(registered(&postgres, "two", 2), alone);
}

#[test]
fn who_is_refused_rings_no_other_server() {
    let Some(postgres) = Postgres::up() else { return };
    postgres.again("-c log_statement=all");
    let db = postgres.url("postgres", "postgres");
    let ada = token(Path::new(&db), "ada", "approver");
    let process = postgres.serve("postgres", "postgres");
    let approver = Client::new(&process.url, &ada);
    for _ in 0..50 {
        approver.confirm("nothing", "allow").expect(404);
    }
    process.terminate();
    let log = std::fs::read_to_string(postgres.data().join("log")).unwrap();
    let told = |statement: &str| log.lines().filter(|line| line.contains(statement)).count();
    assert!(told("pg_advisory_xact_lock") > 50, "each of them had a turn");
    let events: usize = postgres.sql("postgres", "SELECT count(*) FROM countersign.audit_events").parse().unwrap();
    let rings = told("NOTIFY countersign");
    assert!((1..=events).contains(&rings), "{rings} rings for {events} events");
}
