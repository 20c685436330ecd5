//! `countersign ask`: every exit code but that of a server that is away.

use std::process::Stdio;

use serde_json::json;

use super::{Asking, command, complains, ends, fixture};
use crate::harness::signal;

const DEPLOY: [&str; 5] = ["ask", "--tool", "shell", "--input", r#"{"command":"make deploy"}"#];

#[test]
fn what_is_approved_ends_with_0_and_says_by_whom() {
    let (_server, agent, ada) = fixture();
    let about = ["--request-id", "a", "--reason", "the tests are green", "--risk", "high", "--working-dir", "/repo"];
    let asking = Asking::begin(&mut command(&agent, &[&DEPLOY[..], &about].concat()));
    let asked = ada.look("a");
    assert_eq!(asked["confirmation"]["reason"], "the tests are green");
    assert_eq!(asked["confirmation"]["riskLevel"], "high");
    assert_eq!(asked["confirmation"]["workingDir"], "/repo");
    assert_eq!(asked["confirmation"]["inputEditsAllowed"], false);
    ada.post("/v1/confirm", &json!({"requestId": "a", "decision": "allow", "comment": "go ahead"})).expect(200);
    assert_eq!(asking.ends(0), ("approved by ada: go ahead\n".to_owned(), String::new()));
}

#[test]
fn what_is_rejected_ends_with_3_and_says_why() {
    let (_server, agent, ada) = fixture();
    let asking = Asking::begin(&mut command(&agent, &[&DEPLOY[..], &["--request-id", "a", "--json"]].concat()));
    ada.post("/v1/confirm", &json!({"requestId": "a", "decision": "deny", "comment": "not on a Friday"})).expect(200);
    let (stdout, stderr) = asking.ends(3);
    assert_eq!(stderr, "countersign: rejected by ada: not on a Friday\n");
    let interaction: serde_json::Value = serde_json::from_str(&stdout).unwrap();
    assert_eq!(interaction, ada.look("a"));
}

#[test]
fn what_is_not_answered_and_what_is_withdrawn_ends_with_4() {
    let (server, agent, ada) = fixture();
    let ask = |more: &[&str]| Asking::begin(&mut command(&agent, &[&DEPLOY[..], more].concat()));
    let asking = ask(&["--request-id", "late", "--expires-in", "10s"]);
    server.advance(std::time::Duration::from_secs(11));
    assert_eq!(asking.ends(4).1, "countersign: expired: no answer came in time\n");
    let asking = ask(&["--request-id", "gone"]);
    agent.post_nothing("/v1/interactions/gone/cancel").expect(200);
    assert_eq!(asking.ends(4).1, "countersign: cancelled by builder\n");
    let asking = ask(&["--request-id", "old", "--conversation", "talk"]);
    ada.post_nothing("/v1/conversations/talk/supersede").expect(200);
    assert_eq!(asking.ends(4).1, "countersign: superseded by ada: the conversation went on\n");
}

#[test]
fn a_rule_answers_at_once() {
    let (_server, agent, ada) = fixture();
    let rule = json!({"toolName": "shell", "pattern": "make *", "scope": "everywhere", "decision": "allow"});
    ada.post("/v1/trust-rules", &rule).expect(201);
    let (stdout, stderr) = ends(0, &mut command(&agent, &DEPLOY));
    assert!(stdout.starts_with("approved by trust rule ") && stderr.is_empty(), "{stdout}{stderr}");
}

#[test]
fn an_interrupt_leaves_the_question_and_says_how_to_come_back() {
    let (_server, agent, ada) = fixture();
    for name in ["INT", "TERM", "HUP"] {
        let asked = [&DEPLOY[..], &["--request-id", name]].concat();
        let asking = Asking::begin(&mut command(&agent, &asked));
        signal(asking.child.id(), name);
        let (_, sentence) = asking.ends(130);
        assert!(sentence.contains(&format!("--request-id {name}")), "{sentence}");
        assert_eq!(ada.look(name)["status"], "pending");
        let asking = Asking::begin(&mut command(&agent, &asked));
        ada.confirm(name, "allow").expect(200);
        asking.ends(0);
    }
}

#[test]
fn an_interrupt_withdraws_the_question_where_that_is_wanted() {
    let (_server, agent, ada) = fixture();
    let asked = [&DEPLOY[..], &["--request-id", "a", "--cancel-on-interrupt"]].concat();
    let asking = Asking::begin(&mut command(&agent, &asked));
    signal(asking.child.id(), "INT");
    asking.ends(4);
    assert_eq!(ada.look("a")["status"], "cancelled");
}

#[test]
fn a_secret_comes_on_stdout_alone() {
    let (_server, agent, ada) = fixture();
    for (id, delivery) in [("kept", "store"), ("once", "transient_send")] {
        let ask = ["ask", "secret", "--service", "forge", "--field", "token", "--request-id", id];
        let asking = Asking::begin(&mut command(&agent, &ask));
        let given = json!({"requestId": id, "value": "hunter2", "delivery": delivery});
        ada.post("/v1/secret", &given).expect(200);
        assert_eq!(asking.ends(0), ("hunter2\n".to_owned(), String::new()));
    }
    let asking = Asking::begin(&mut command(
        &agent,
        &["ask", "secret", "--service", "forge", "--field", "token", "--request-id", "no"],
    ));
    ada.post("/v1/secret", &json!({"requestId": "no"})).expect(200);
    assert_eq!(asking.ends(4), (String::new(), "countersign: cancelled by ada\n".to_owned()));
}

#[test]
fn an_answer_comes_on_stdout() {
    let (_server, agent, ada) = fixture();
    let choose = ["--text", "Where to?", "--option", "prod=Production", "--option", "staging", "--free-text"];
    for (id, response, said) in [
        ("chosen", json!({"optionId": "staging"}), "staging\n"),
        ("own", json!({"text": "neither"}), "neither\n"),
        ("skipped", json!({"skipped": true}), "\n"),
    ] {
        let asking =
            Asking::begin(&mut command(&agent, &[&["ask", "question", "--request-id", id], &choose[..]].concat()));
        let mut response = response;
        response["questionId"] = ada.look(id)["question"]["entries"][0]["questionId"].clone();
        ada.post("/v1/question-response", &json!({"requestId": id, "responses": [response]})).expect(200);
        assert_eq!(asking.ends(0).0, said);
    }
    let several = ["--text", "Where to?", "--option", "prod", "--option", "staging", "--several"];
    let asking =
        Asking::begin(&mut command(&agent, &[&["ask", "question", "--request-id", "several"], &several[..]].concat()));
    let both = json!([{"questionId": "q", "optionIds": ["staging", "prod"]}]);
    ada.post("/v1/question-response", &json!({"requestId": "several", "responses": both})).expect(200);
    assert_eq!(asking.ends(0).0, "staging,prod\n");
    let entries = r#"[{"questionId":"a","text":"?","options":[],"freeTextAllowed":true},
        {"questionId":"b","text":"?","options":[{"optionId":"x","label":"X"}]}]"#;
    let asking =
        Asking::begin(&mut command(&agent, &["ask", "question", "--request-id", "many", "--entries", entries]));
    let responses = json!([{"questionId": "a", "text": "y"}, {"questionId": "b", "optionId": "x"}]);
    ada.post("/v1/question-response", &json!({"requestId": "many", "responses": responses})).expect(200);
    assert_eq!(asking.ends(0).0, "a=y\nb=x\n");
}

#[test]
fn an_input_too_long_for_an_argument_comes_from_stdin() {
    let (_server, agent, ada) = fixture();
    let mut ask = command(&agent, &["ask", "--tool", "shell", "--input", "-", "--request-id", "a"]);
    let mut asking = Asking::spawn(ask.stdin(Stdio::piped()));
    let input = json!({"command": "x".repeat(200_000)}).to_string();
    std::io::Write::write_all(&mut asking.child.stdin.take().unwrap(), input.as_bytes()).unwrap();
    let mut line = String::new();
    std::io::BufRead::read_line(&mut asking.stderr, &mut line).unwrap();
    assert_eq!(ada.look("a")["confirmation"]["input"]["command"].as_str().unwrap().len(), 200_000);
    ada.confirm("a", "allow").expect(200);
    asking.ends(0);
}

#[test]
fn what_cannot_be_asked_ends_with_2_or_1_in_a_sentence() {
    let (_server, agent, ada) = fixture();
    complains(2, &agent, &["ask", "--tool", "shell", "--input", "make deploy"]);
    complains(2, &agent, &["ask", "question", "--text", "Which?"]);
    for usage in [&["ask"][..], &["ask", "--tool", "shell"], &["ask", "--tool", "", "--input", "{}"]] {
        ends(2, &mut command(&agent, usage));
    }
    // A person's token does not ask.
    complains(1, &ada, &DEPLOY);
    let twice = [&DEPLOY[..], &["--request-id", "a"]].concat();
    ada.look(&{
        let asking = Asking::begin(&mut command(&agent, &twice));
        signal(asking.child.id(), "INT");
        asking.ends(130);
        "a".to_owned()
    });
    let other = ["ask", "--tool", "shell", "--input", r#"{"command":"ls"}"#, "--request-id", "a"];
    let sentence = complains(1, &agent, &other);
    assert!(sentence.contains("requestId"), "{sentence}");
}
