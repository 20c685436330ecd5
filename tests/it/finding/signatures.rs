//! What searches pass over: right whatever happens to what it is of, and a trace of nothing that is forgotten.

use std::time::Duration;

use countersign::domain::enums::Role;
use serde_json::{Value, json};

use super::{command, found, started};
use crate::harness::outside::{without_trigger, write_sql};
use crate::harness::{Client, TestServer, countersign, is_postgres, until};

/// A server with four hundred interactions, of which the first 128 have signatures: they are over, but `r5`.
fn signed() -> (TestServer, Client, Client) {
    let (server, agent, ada) = started();
    for number in 0..400 {
        command(&agent, &format!("r{number}"), &format!("echo word{number}word"));
        if number != 5 && number < 128 {
            ada.confirm(&format!("r{number}"), "deny").expect(200);
        }
    }
    until(|| server.count("search_blocks") == 2);
    (server, agent, ada)
}

fn doctor(server: &TestServer) -> (bool, String) {
    let output = countersign().arg("doctor").arg("--db").arg(server.db()).output().unwrap();
    (output.status.success(), String::from_utf8(output.stdout).unwrap())
}

#[track_caller]
fn sound(server: &TestServer) {
    // The doctor examines files.
    if !is_postgres() {
        let (is_sound, said) = doctor(server);
        assert!(is_sound, "{said}");
    }
}

fn signatures(server: &TestServer) -> Vec<Vec<Value>> {
    server.sql("SELECT block, hex(signature) FROM search_blocks ORDER BY block")
}

#[test]
fn what_is_forgotten_is_found_no_more_and_its_signature_is_as_if_it_had_never_been() {
    let (server, _agent, ada) = signed();
    let root = server.client("root", Role::Admin);
    let before = signatures(&server);
    let lengths = "SELECT length(signature) FROM search_blocks ORDER BY block";
    let sizes = server.sql(lengths);
    assert_eq!(found(&ada, "word10word"), "r10");
    root.post("/v1/interactions/r10/forget", &json!({})).expect(200);
    assert_eq!(found(&ada, "word10word"), "");
    assert_eq!(found(&ada, "echo id:r10"), "r109 r108 r107 r106 r105 r104 r103 r102 r101 r100");
    assert_eq!(found(&ada, "id:\"r10\""), "r10");
    let after = signatures(&server);
    assert_ne!(before[0], after[0]);
    assert_eq!((&before[1], sizes), (&after[1], server.sql(lengths)));
    // All else is found as before, and no signature has a bit too many.
    for number in [1, 9, 11, 63, 64, 127, 128, 399] {
        assert_eq!(found(&ada, &format!("word{number}word")), format!("r{number}"));
    }
    sound(&server);
}

#[test]
fn what_is_too_old_is_found_no_more() {
    let (server, _agent, ada) = signed();
    server.advance(Duration::from_secs(3600));
    assert_eq!(found(&ada, "word6word"), "r6");
    let server = server.restart(&["--retain", "1h"]);
    until(|| server.count("forgettings") == 127);
    let ada = server.approver("bea");
    assert_eq!(found(&ada, "word6word"), "");
    assert_eq!(found(&ada, "word5word"), "r5");
    assert_eq!(found(&ada, "id:\"r6\""), "r6");
    sound(&server);
}

#[test]
fn a_comment_is_found_whether_it_comes_before_the_signature_or_after() {
    let (server, agent, ada) = signed();
    let say = |id: &str, comment: &str| {
        ada.post("/v1/confirm", &json!({"requestId": id, "decision": "deny", "comment": comment})).expect(200);
    };
    say("r5", "Zürich says nö");
    command(&agent, "late", "echo");
    say("late", "Zürich says maybe");
    assert_eq!(found(&ada, "zürich"), "late r5");
    assert_eq!(found(&ada, "zürich nö word5word"), "r5");
    sound(&server);
}

#[test]
fn a_signature_that_is_not_right_is_seen_by_the_doctor() {
    let (server, _agent, _ada) = signed();
    for (statement, words) in [
        ("UPDATE search_blocks SET signature = zeroblob(8)", "a signature keeps its size"),
        ("UPDATE search_blocks SET block = 7 WHERE block = 1", "a signature keeps its size"),
        ("DELETE FROM search_blocks", "never deleted"),
        ("INSERT OR REPLACE INTO search_blocks SELECT block, zeroblob(8) FROM search_blocks", "never replaced"),
        ("INSERT INTO search_blocks VALUES (9, zeroblob(1))", "CHECK"),
    ] {
        assert!(write_sql(&server.db(), statement).unwrap_err().contains(words), "{statement}");
    }
    let spoil = "UPDATE search_blocks SET signature = zeroblob(length(signature)) WHERE block = 1";
    write_sql(&server.db(), spoil).unwrap();
    let (is_sound, said) = doctor(&server);
    assert!(!is_sound && said.contains("search block 1"), "{said}");
}

/// As an earlier version leaves it: nothing has a signature, and all is found.
#[test]
fn a_database_without_signatures_gets_them_while_it_serves_and_is_searched_meanwhile() {
    let (server, _agent, ada) = signed();
    let delete = without_trigger("search_blocks", "search_blocks_never_deleted") + "DELETE FROM search_blocks";
    write_sql(&server.db(), &delete).unwrap();
    assert_eq!(found(&ada, "word17word"), "r17");
    let server = server.restart(&[]);
    until(|| server.count("search_blocks") == 2);
    let ada = server.approver("bea");
    assert_eq!(found(&ada, "word17word"), "r17");
    assert_eq!(found(&ada, "word17word -echo"), "");
}
