//! The roles of roles.sql, and the commands that work on the database itself.

use std::path::Path;

use serde_json::json;

use super::server::{Postgres, said};
use crate::harness::outside::refused;
use crate::harness::{Client, confirmation, countersign, secret};

const ROLES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/migrations/postgres/roles.sql");

/// The lines of the doctor that do not say that all is well.
fn complaints(url: &str) -> String {
    let done = countersign().args(["doctor", "--db", url]).output().unwrap();
    let said = String::from_utf8(done.stdout).unwrap();
    said.lines().filter(|line| !line.starts_with("ok ")).collect::<Vec<_>>().join("\n")
}

#[test]
fn a_server_works_as_a_role_that_owns_nothing_and_commands_beside_it() {
    let Some(postgres) = Postgres::up() else { return };
    let owner = postgres.url("postgres", "postgres");
    let token = |name: &str, role: &str, url: &str| {
        let made = said(countersign().args(["token", "create", name, "--role", role, "--db", url]));
        made.trim_end().to_owned()
    };
    let ada = token("ada", "approver", &owner);
    assert!(complaints(&owner).contains("note    postgres owns the tables"), "{}", complaints(&owner));
    postgres.psql(&owner, &["-f", ROLES]);
    let url = postgres.url("countersign", "postgres");
    let process = postgres.serve("countersign", "postgres");
    let builder = token("builder", "agent", &url);
    let (agent, approver) = (Client::new(&process.url, &builder), Client::new(&process.url, &ada));
    for id in ["one", "two"] {
        agent.register(&confirmation(id));
        approver.confirm(id, "allow").expect(200);
    }
    agent.register(&secret("three"));
    approver.post("/v1/secret", &json!({"requestId": "three", "value": "hush"})).expect(200);
    assert_eq!(agent.get("/readyz").status, 200);
    // What needs all servers stopped says so.
    let key = postgres.folder().join("test.key");
    let rotate = |key: &Path| {
        let mut command = countersign();
        command.args(["key", "rotate", "--db", &url, "--key-file"]).arg(key);
        command
    };
    for command in [&mut rotate(&key), countersign().args(["forget", "--vacuum", "--db", &url])] {
        let why = refused(command);
        assert!(why.contains("countersign servers are using") && why.contains("stop them first"), "{why}");
    }
    let events = said(countersign().args(["audit", "verify", "--db", &url]));
    assert!(events.contains("the chain is whole"), "{events}");
    assert!(said(countersign().args(["token", "list", "--db", &url])).contains("builder"));
    let export = said(countersign().args(["audit", "export", "--db", &url]));
    assert!(export.lines().count() >= 6, "{export}");
    let forgot = said(countersign().args(["forget", "--older-than", "1ms", "--db", &url]));
    assert!(forgot.contains("forgotten"), "{forgot}");
    said(countersign().args(["token", "revoke", "--name", "builder", "--db", &url]));
    assert_eq!(complaints(&url), "note    commits wait for no standby: a failover may lose what was acknowledged");
    let (status, _, log) = process.terminate();
    assert_eq!(status.code(), Some(0));
    assert!(log.contains("commits wait for no standby"), "{log}");
    assert!(said(&mut rotate(&key)).contains("sealed with the new key"));
    let why = refused(countersign().args(["forget", "--vacuum", "--db", &url]));
    assert!(why.contains("countersign does not own the tables"), "{why}");
    assert!(said(countersign().args(["forget", "--vacuum", "--db", &owner])).contains("written anew"));
    // The auditor reads the views, and nothing else.
    let auditor = postgres.url("countersign_auditor", "postgres");
    assert_eq!(postgres.psql(&auditor, &["-c", "SELECT count(*) FROM v_decisions"]), "3");
    let why = refused(countersign().args(["audit", "head", "--db", &auditor]));
    assert!(why.contains("has no rights"), "{why}");
}

#[test]
fn the_doctor_finds_what_was_done_past_the_program() {
    let Some(postgres) = Postgres::up() else { return };
    let url = postgres.url("postgres", "postgres");
    said(countersign().args(["token", "create", "ada", "--role", "approver", "--db", &url]));
    postgres.psql(&url, &["-f", ROLES]);
    for (damage, finding) in [
        (
            "ALTER TABLE audit_events DISABLE TRIGGER ALL",
            "every trigger is enabled, those of foreign keys too: [\"audit_events_never_",
        ),
        ("DROP TRIGGER tokens_never_deleted ON tokens", "trigger tokens_never_deleted is missing"),
        ("CREATE TABLE odd (x text)", "table odd does not belong there"),
        (
            "CREATE OR REPLACE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NULL; END $$",
            "refuse is another one",
        ),
        ("ALTER TABLE claims DROP CONSTRAINT claims_interaction_id_fkey", "foreign keys, and "),
        (
            "GRANT DELETE, UPDATE (hash) ON audit_events TO countersign",
            "DELETE on audit_events\", \"UPDATE on audit_events (hash)",
        ),
        ("REVOKE INSERT ON tokens FROM countersign", "INSERT on tokens"),
        (
            "UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'interactions_pending'::regclass",
            "every index can be used: [\"interactions_pending",
        ),
        (
            "SET session_replication_role = replica; UPDATE tokens SET principal = 'nobody'",
            "tokens nobody to principals",
        ),
        ("UPDATE refinery_schema_history SET checksum = '7'", "the migrations are those of its version"),
        (
            "ALTER TABLE audit_events DISABLE TRIGGER ALL; UPDATE audit_events SET principal = 'bob' WHERE seq = 1",
            "the history is a whole chain",
        ),
    ] {
        postgres.sql("postgres", "CREATE DATABASE damaged TEMPLATE postgres");
        postgres.sql("damaged", &format!("SET search_path = countersign; {damage}"));
        let found = complaints(&postgres.url("postgres", "damaged"));
        assert!(found.contains(finding), "{damage}: {found}");
        postgres.sql("postgres", "DROP DATABASE damaged");
    }
    assert!(!complaints(&url).contains("BROKEN"), "{}", complaints(&url));
}
