//! What a server says and does whose database is away, or who hears nothing of the others.

use std::path::Path;

use serde_json::json;

use super::server::Postgres;
use crate::harness::{Client, Process, altered, confirmation, token, until};

/// A server as a role that may be kept from connecting, with an agent.
fn served(postgres: &Postgres) -> (Process, Client) {
    postgres.sql("postgres", "CREATE ROLE server LOGIN");
    postgres.sql("postgres", "CREATE DATABASE shared OWNER server");
    let agent = token(Path::new(&postgres.url("server", "shared")), "builder", "agent");
    let process = postgres.serve("server", "shared");
    let agent = Client::new(&process.url, &agent);
    (process, agent)
}

/// Cuts the connection by which a server hears of the others, and lets it have no new one.
fn cut_off(postgres: &Postgres) {
    let hearing = "FROM pg_stat_activity WHERE usename = 'server' AND query LIKE 'SELECT news%'";
    until(|| postgres.sql("postgres", &format!("SELECT count(*) {hearing}")) == "1");
    let connected = postgres.sql("postgres", "SELECT count(*) FROM pg_stat_activity WHERE usename = 'server'");
    let allowed = connected.parse::<u32>().unwrap() - 1;
    postgres.sql("postgres", &format!("ALTER ROLE server CONNECTION LIMIT {allowed}"));
    assert_eq!(postgres.sql("postgres", &format!("SELECT pg_terminate_backend(pid) {hearing}")), "t");
}

#[test]
fn a_server_that_hears_nothing_ends_its_streams_and_goes_on_once_a_turn_has_told_it_all() {
    let Some(postgres) = Postgres::up() else { return };
    let (_process, agent) = served(&postgres);
    let mut feed = agent.feed(None);
    agent.register(&confirmation("other"));
    cut_off(&postgres);
    // Its deadline is the next turn.
    agent.register(&altered(confirmation("short"), &json!({"expiresInMs": 9_000})));
    while feed.next().is_some() {}
    let look = || agent.get("/v1/interactions/other");
    assert_eq!(look().expect(503).body["code"], "database_unavailable");
    until(|| look().status == 200);
    assert_eq!(agent.get("/v1/interactions/short").expect(200).body["status"], "expired");
}

#[test]
fn who_reads_while_connections_are_lost_gets_another_one() {
    let Some(postgres) = Postgres::up() else { return };
    let (_process, agent) = served(&postgres);
    agent.register(&confirmation("one"));
    for _ in 0..20 {
        postgres.sql("postgres", "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'server'");
        assert_eq!(agent.get("/v1/interactions").expect(200).body["interactions"][0]["requestId"], "one");
    }
}

#[test]
fn who_reads_while_the_database_is_away_is_told_so() {
    let Some(postgres) = Postgres::up() else { return };
    let (_process, agent) = served(&postgres);
    postgres.stop();
    assert_eq!(agent.get("/v1/interactions").expect(503).body["code"], "database_unavailable");
}

#[test]
fn a_primary_whose_commits_wait_for_none_is_told_of_each_time_that_one_is_found() {
    let Some(postgres) = Postgres::up() else { return };
    let (process, agent) = served(&postgres);
    postgres.again("");
    until(|| agent.post("/v1/interactions", &confirmation("one")).status == 201);
    let (_, _, log) = process.terminate();
    assert_eq!(log.matches("commits wait for no standby").count(), 2, "{log}");
}
