//! `countersign demo`: there is something of everything to decide, and the agents take the answers as real ones do.

use std::io::{BufRead, BufReader};
use std::process::{Child, Stdio};

use serde_json::{Value, json};

use crate::harness::{Client, Database, Process, countersign, signal, token};

/// A server, a person who decides, and a demonstration that has asked everything.
struct Fixture {
    _db: Database,
    _server: Process,
    ada: Client,
    demo: Child,
    lines: Box<dyn Iterator<Item = String>>,
}

impl Fixture {
    fn new() -> Self {
        let db = Database::new();
        let (agent, ada) = (token(&db, "build-agent", "agent"), token(&db, "ada", "approver"));
        let server = Process::serve(&db, &["--credentials-file", "none"]);
        let mut command = countersign();
        command.args(["demo", "--credentials-file", "none", "--url", &server.url]).env("COUNTERSIGN_TOKEN", agent);
        let mut demo = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let lines = BufReader::new(demo.stdout.take().unwrap()).lines().map(Result::unwrap);
        let mut lines: Box<dyn Iterator<Item = String>> = Box::new(lines);
        lines.find(|line| line.contains("Ctrl-C withdraws")).unwrap();
        Self { ada: Client::new(&server.url, &ada), _db: db, _server: server, demo, lines }
    }

    fn pending(&self) -> Vec<Value> {
        let list = self.ada.get("/v1/interactions?status=pending").expect(200).body;
        list["interactions"].as_array().unwrap().clone()
    }

    fn decide(&self, interaction: &Value) {
        let id = &interaction["requestId"];
        let entries = interaction["question"]["entries"].as_array().into_iter().flatten();
        let skipped = entries.map(|entry| json!({"questionId": entry["questionId"], "skipped": true}));
        let (path, body) = match interaction["kind"].as_str() {
            Some("confirmation") => ("/v1/confirm", json!({"requestId": id, "decision": "allow"})),
            Some("secret") => ("/v1/secret", json!({"requestId": id, "value": "hunter2"})),
            _ => ("/v1/question-response", json!({"requestId": id, "responses": skipped.collect::<Vec<_>>()})),
        };
        self.ada.post(path, &body).expect(200);
    }
}

#[test]
fn everything_is_asked_and_every_answer_is_taken() {
    let mut fixture = Fixture::new();
    let pending = fixture.pending();
    let count = |is: &dyn Fn(&Value) -> bool| pending.iter().filter(|interaction| is(interaction)).count();
    for kind in ["confirmation", "secret", "question"] {
        assert!(count(&|it| it["kind"] == kind) > 0, "no agent asks a {kind}");
    }
    assert!(count(&|it| it["confirmation"]["riskLevel"] == "high") > 0);
    assert!(count(&|it| it["confirmation"]["diff"].is_object()) > 0);
    assert!(count(&|it| it["confirmation"]["inputEditsAllowed"] == true) > 0);
    pending.iter().for_each(|interaction| fixture.decide(interaction));
    let told = fixture.lines.by_ref().collect::<Vec<_>>();
    assert!(fixture.demo.wait().unwrap().success());
    let approved = told.iter().filter(|line| line.starts_with("approved")).count();
    assert_eq!((approved, told.iter().filter(|line| line.starts_with("answered")).count()), (pending.len() - 2, 2));
    assert!(!told.concat().contains("hunter2"));
    for interaction in pending.iter().filter(|it| it["kind"] == "confirmation") {
        let claim = &fixture.ada.look(interaction["requestId"].as_str().unwrap())["claim"];
        assert_eq!(claim["outcome"], "succeeded");
    }
}

#[test]
fn a_demonstration_that_is_ended_leaves_nothing_behind() {
    let mut fixture = Fixture::new();
    let first = fixture.pending().remove(0);
    fixture.ada.confirm(first["requestId"].as_str().unwrap(), "deny").expect(200);
    fixture.lines.find(|line| line.starts_with("rejected")).unwrap();
    signal(fixture.demo.id(), "INT");
    assert!(fixture.demo.wait().unwrap().success());
    assert_eq!(fixture.pending(), Vec::<Value>::new());
    let withdrawn = fixture.ada.get("/v1/interactions?status=cancelled").expect(200).body;
    assert!(!withdrawn["interactions"].as_array().unwrap().is_empty());
}

#[test]
fn a_demonstration_without_a_terminal_ends_by_itself() {
    let db = Database::new();
    let (agent, ada) = (token(&db, "build-agent", "agent"), token(&db, "ada", "approver"));
    let server = Process::serve(&db, &["--credentials-file", "none"]);
    let mut command = countersign();
    command.args(["demo", "--wait", "1ms", "--credentials-file", "none", "--url", &server.url]);
    let output = command.env("COUNTERSIGN_TOKEN", agent).stdin(Stdio::null()).output().unwrap();
    assert!(output.status.success(), "{output:?}");
    let said = String::from_utf8(output.stdout).unwrap();
    assert!(said.contains("What was not decided is withdrawn."), "{said}");
    let pending = Client::new(&server.url, &ada).get("/v1/interactions?status=pending").expect(200).body;
    assert_eq!(pending["interactions"], json!([]));
}
