//! What was asked is forgotten: its content is nowhere any more, and that it was asked and answered is proved as before.

mod forgetting;
mod history;
mod keeping;
mod races;
mod traces;

use std::path::Path;

use serde_json::{Value, json};

use crate::harness::{Answer, Client, countersign, is_postgres};

fn forget(client: &Client, id: &str) -> Answer {
    client.post(&format!("/v1/interactions/{id}/forget"), &json!({}))
}

/// Claims an approval and reports that it failed, for this reason.
fn run(agent: &Client, id: &str, why: &str) {
    agent.post(&format!("/v1/interactions/{id}/claim"), &json!({"claimId": format!("claim-{id}")})).expect(200);
    let body = json!({"claimId": format!("claim-{id}"), "outcome": "failed", "detail": why});
    agent.post(&format!("/v1/interactions/{id}/outcome"), &body).expect(200);
}

/// What a command says on stdout; panics where it fails.
#[track_caller]
fn said(db: &Path, arguments: &[&str]) -> String {
    let output = countersign().args(arguments).arg("--db").arg(db).output().unwrap();
    assert!(output.status.success(), "{arguments:?}: {output:?}");
    String::from_utf8(output.stdout).unwrap()
}

/// The database is in order, and so is its history.
#[track_caller]
fn sound(db: &Path) {
    // The doctor examines files.
    if !is_postgres() {
        said(db, &["doctor"]);
    }
    said(db, &["audit", "verify"]);
}

/// The member of an answer at a path such as `/resolution/comment`.
fn at<'v>(value: &'v Value, pointer: &str) -> &'v Value {
    value.pointer(pointer).unwrap_or(&Value::Null)
}
