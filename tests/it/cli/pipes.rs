//! A reader that has read enough ends what prints, in silence.

use std::io::Read;
use std::process::Stdio;

use serde_json::json;

use super::{command, fixture, says};
use crate::harness::{altered, confirmation, is_postgres};

#[test]
fn a_closed_pipe_ends_every_command_that_prints_in_silence() {
    let (server, agent, ada) = fixture();
    for at in 0..5 {
        agent.register(&altered(
            confirmation(&format!("a-{at}")),
            &json!({"confirmation": {"reason": "why ".repeat(9)}}),
        ));
    }
    says(&ada, &["views", "save", "mine", "is:open"]);
    let rule = json!({"toolName": "browser", "pattern": "*", "scope": "everywhere", "decision": "ask"});
    ada.post("/v1/trust-rules", &rule).expect(201);
    let db = server.db();
    let db = db.to_str().unwrap();
    for arguments in [
        &[][..],
        &["help"],
        &["help", "connection"],
        &["status"],
        &["stats"],
        &["stats", "--json"],
        &["list"],
        &["list", "--json"],
        &["list", "--csv"],
        &["show", "a-1"],
        &["why", "a-1"],
        &["history"],
        &["history", "a-1"],
        &["history", "--all", "--csv"],
        &["history", "--all", "--json"],
        &["views", "list"],
        &["log"],
        &["log", "--json"],
        &["rules", "list"],
        &["rules", "export", "--db", db],
        &["audit", "export", "--db", db],
        &["audit", "head", "--db", db],
        &["token", "list", "--db", db],
        &["doctor", "--db", db],
        &["open", "a-1", "--print"],
        &["openapi"],
        &["completions", "bash"],
    ] {
        // The doctor examines files.
        if is_postgres() && arguments.first() == Some(&"doctor") {
            continue;
        }
        let mut child = command(&ada, arguments).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        drop(child.stdout.take());
        let mut said = String::new();
        child.stderr.take().unwrap().read_to_string(&mut said).unwrap();
        // A verdict that was not heard is no all-clear.
        let code = i32::from(arguments.first() == Some(&"doctor"));
        assert_eq!((child.wait().unwrap().code(), said.as_str()), (Some(code), ""), "{arguments:?}");
    }
}

#[test]
fn one_that_asks_does_not_take_a_closed_pipe_for_a_yes() {
    let (_server, agent, ada) = fixture();
    let asking = ["ask", "--tool", "shell", "--input", "{}", "--request-id", "q", "--json"];
    let mut child = command(&agent, &asking).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    drop(child.stdout.take());
    crate::harness::until(|| ada.get("/v1/interactions/q").status == 200);
    ada.confirm("q", "allow").expect(200);
    assert_eq!(child.wait().unwrap().code(), Some(1));
}
