//! `countersign forget` and `serve --retain`: by age, in steps, and the file becomes smaller.

use std::fs;
use std::time::Duration;

use countersign::domain::enums::Role;
use serde_json::{Value, json};

use super::{forget, run, said, sound};
use crate::harness::{TestServer, altered, confirmation, countersign, question, responses, secret, until};

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// Registers what is of every sort: `old` is over and used, `open` can be claimed forever, `kept` can be taken, `p` is pending.
fn filled(server: &TestServer) {
    let (agent, ada) = (server.agent("builder"), server.approver("ada"));
    let long = |id: &str| altered(confirmation(id), &json!({"expiresInMs": 400 * DAY.as_millis() as u64}));
    for registration in [
        long("old"),
        altered(long("open"), &json!({"confirmation": {"claimWithinMs": 3_000_000_000_000_u64}})),
        secret("kept"),
        long("p"),
    ] {
        agent.register(&registration);
    }
    ada.confirm("old", "allow").expect(200);
    run(&agent, "old", "why");
    ada.confirm("open", "allow").expect(200);
    ada.post("/v1/secret", &json!({"requestId": "kept", "value": "hush"})).expect(200);
}

fn forgotten(server: &TestServer) -> Vec<Vec<Value>> {
    server.sql("SELECT request_id FROM forgettings JOIN interactions USING (interaction_id) ORDER BY interaction_id")
}

#[test]
fn a_server_forgets_what_is_too_old_and_can_no_longer_be_used() {
    let server = TestServer::with(&["--retain", "90d"]);
    filled(&server);
    server.advance(89 * DAY);
    server.agent("builder").register(&question("young"));
    server
        .approver("ada")
        .post("/v1/question-response", &json!({"requestId": "young", "responses": responses()}))
        .expect(200);
    server.advance(2 * DAY);
    until(|| !forgotten(&server).is_empty());
    assert_eq!(forgotten(&server), [[json!("old")]]);
    let told = "SELECT principal, detail FROM v_events WHERE event = 'interaction.forgotten'";
    assert_eq!(server.sql(told), [[Value::Null, json!(r#"{"because":"age"}"#)]]);
    assert_eq!(server.agent("builder").look("old")["forgotten"]["by"], Value::Null);
    server.advance(90 * DAY);
    until(|| forgotten(&server).len() == 2);
    assert_eq!(forgotten(&server), [[json!("old")], [json!("young")]]);
    // Once it is used up, it is too old as well.
    let agent = server.agent("builder");
    run(&agent, "open", "why");
    server.advance(DAY);
    until(|| forgotten(&server).len() == 3);
    sound(&server.db());
}

#[test]
fn the_command_forgets_beside_a_server_what_it_was_asked_to_and_says_what_stays() {
    let server = TestServer::start();
    filled(&server);
    let other = server.agent("other");
    let browse = altered(confirmation("browse"), &json!({"confirmation": {"toolName": "browser"}}));
    other.register(&browse);
    server.approver("ada").confirm("browse", "deny").expect(200);
    server.advance(100 * DAY);
    // Its time is that of the last event.
    server.agent("builder").register(&confirmation("late"));
    let command = |more: &[&str]| {
        let output =
            countersign().args(["forget", "--older-than", "90d", "--db"]).arg(server.db()).args(more).output().unwrap();
        assert!(output.status.success(), "{output:?}");
        [output.stdout, output.stderr].map(|text| String::from_utf8(text).unwrap())
    };
    let [out, err] = command(&["--dry-run"]);
    assert_eq!(out, "2 would be forgotten\n");
    assert!(err.contains("1 stay: approvals") && err.contains("1 stay: secrets"), "{err}");
    assert_eq!(forgotten(&server), Vec::<Vec<Value>>::new());
    assert_eq!(command(&["--tool", "browser", "--agent", "builder"])[0], "0 forgotten\n");
    assert_eq!(command(&["--tool", "browser"])[0], "1 forgotten\n");
    assert_eq!(command(&["--agent", "builder"])[0], "1 forgotten\n");
    assert_eq!(command(&[])[0], "0 forgotten\n");
    assert_eq!(forgotten(&server), [[json!("old")], [json!("browse")]]);
    sound(&server.db());
    server.agent("builder").register(&confirmation("after"));
}

#[test]
fn a_file_becomes_smaller_beside_the_server_and_its_log_is_emptied() {
    let server = TestServer::with(&["--retain", "90d"]);
    let (agent, ada) = (server.agent("builder"), server.approver("ada"));
    for number in 0..700 {
        let id = format!("c{number}");
        agent.register(&altered(confirmation(&id), &json!({"confirmation": {"reason": "because ".repeat(400)}})));
        ada.confirm(&id, "deny").expect(200);
    }
    let log = server.db().with_extension("db-wal");
    let size = || fs::metadata(server.db()).unwrap().len();
    said(&server.db(), &["forget", "--older-than", "36500d"]);
    let before = size();
    server.advance(91 * DAY);
    until(|| forgotten(&server).len() == 700);
    until(|| size() < before - 400 * 4096 && fs::metadata(&log).unwrap().len() == 0);
    // Rows that are emptied go, but for some beside those that are whole.
    assert!(server.count("interaction_bodies") < 300, "{}", server.count("interaction_bodies"));
    sound(&server.db());
    assert_eq!(agent.look("c0")["forgotten"]["toolName"], "shell");
}

#[test]
fn a_file_is_written_anew_only_while_no_server_uses_it() {
    let server = TestServer::start();
    filled(&server);
    forget(&server.client("root", Role::Admin), "old").expect(200);
    let vacuum = ["forget", "--vacuum", "--older-than", "1ms"];
    let sentence = crate::harness::outside::refused(countersign().args(vacuum).arg("--db").arg(server.db()));
    assert!(sentence.contains("stop it first"), "{sentence}");
    let db = server.stopped();
    assert!(said(&db, &vacuum).contains("the file is written anew"));
    sound(&db);
}
