//! What is forgotten is in no byte of any file: the database, its log, an export.

use std::path::Path;

use countersign::domain::enums::Role;
use serde_json::{Value, json};

use super::{forget, run, said, sound};
use crate::harness::outside::stored;
use crate::harness::{Client, TestServer, altered, confirmation, is_postgres, question, secret};

/// The word for one member, so rare that it is found only where it was put.
fn canary(member: &str) -> String {
    format!("canary-{member}-7f3a9c51")
}

/// The files of the database that hold a canary, with its name.
fn traces(db: &Path) -> Vec<String> {
    let mut found = Vec::new();
    for (path, bytes) in stored(db) {
        for at in bytes.windows(7).enumerate().filter(|(_, window)| *window == b"canary-").map(|(at, _)| at) {
            let end = bytes.len().min(at + 40);
            found.push(format!("{}: {}", path.display(), String::from_utf8_lossy(&bytes[at..end])));
        }
    }
    found
}

/// With a canary in every member that is wiped.
fn ask_everything(agent: &Client, ada: &Client, suffix: &str) {
    let of = |member: &str| canary(&format!("{member}-{suffix}"));
    let id = |name: &str| format!("{name}-{suffix}");
    let beside = json!({"metadata": {of("metadata-key"): of("metadata")}, "origin": {"client": of("client"), "sessionId": of("session"), "repository": of("repository"), "branch": of("branch"),
        "workingDir": of("origin-dir"), "host": of("host"), "model": of("model"), "title": of("title")}});
    let asked = json!({"confirmation": {"input": {of("input-key"): of("input")}, "subject": of("subject"), "reason": of("reason"), "workingDir": of("dir"), "toolUseId": of("use"),
        "inputEditsAllowed": true, "diff": {"filePath": of("path"), "oldContent": of("old").repeat(300), "newContent": of("new").repeat(300), "isNewFile": false},
        "allowlistOptions": [{"label": of("option"), "description": of("described"), "pattern": of("pattern")}], "scopeOptions": [{"label": of("scoped"), "scope": of("scope")}]}});
    agent.register(&altered(altered(confirmation(&id("c")), &beside), &asked));
    ada.post("/v1/confirm", &json!({"requestId": id("c"), "decision": "allow", "comment": of("comment"), "updatedInput": {"command": of("updated")}})).expect(200);
    run(agent, &id("c"), &of("outcome"));
    let of_secret = json!({"secret": {"service": of("service"), "field": of("field"), "label": of("label"), "description": of("description"), "placeholder": of("placeholder"),
        "purpose": of("purpose"), "allowedTools": [of("tools")], "allowedDomains": [of("domains")]}});
    agent.register(&altered(altered(secret(&id("s")), &beside), &of_secret));
    ada.post("/v1/secret", &json!({"requestId": id("s"), "value": of("value")})).expect(200);
    let mut of_question = altered(question(&id("q")), &beside);
    let entries = &mut of_question["question"]["entries"];
    entries[0]["header"] = of("header").into();
    entries[0]["text"] = of("text").into();
    entries[0]["options"][0]["label"] = of("choice").into();
    entries[0]["options"][0]["description"] = of("choice-said").into();
    agent.register(&of_question);
    let responses = json!([{"questionId": "colour", "optionId": "red"}, {"questionId": "why", "text": of("response")}]);
    ada.post("/v1/question-response", &json!({"requestId": id("q"), "responses": responses})).expect(200);
}

#[test]
fn what_is_forgotten_is_in_no_byte_of_the_database_its_log_or_an_export() {
    let server = TestServer::start();
    let (agent, ada, root) = (server.agent("builder"), server.approver("ada"), server.client("root", Role::Admin));
    // So many that their rows move between pages as they come.
    let suffixes: Vec<String> = (0..40).map(|number| number.to_string()).collect();
    for suffix in &suffixes {
        ask_everything(&agent, &ada, suffix);
    }
    assert!(!traces(&server.db()).is_empty());
    // In another order than they came in.
    let (even, odd): (Vec<_>, Vec<_>) = suffixes.iter().enumerate().partition(|(at, _)| at % 2 == 0);
    for (_, suffix) in odd.into_iter().rev().chain(even) {
        for name in ["q", "c", "s"] {
            forget(&root, &format!("{name}-{suffix}")).expect(200);
        }
    }
    assert_eq!(traces(&server.db()), Vec::<String>::new());
    let export = said(&server.db(), &["audit", "export"]);
    assert!(!export.contains("canary-"), "{export}");
    if !is_postgres() {
        let copy = server.db().with_extension("copy");
        said(&server.db(), &["backup", copy.to_str().unwrap()]);
        assert_eq!(traces(&server.db()), Vec::<String>::new());
    }
    for client in [&agent, &ada, &root] {
        for path in ["/v1/interactions?limit=500", "/v1/audit-events?limit=500"] {
            assert!(!client.get(path).expect(200).text.contains("canary-"));
        }
    }
    let seen: Value = agent.look("c-0");
    assert_eq!(seen["forgotten"]["toolName"], "shell");
    sound(&server.db());
}
