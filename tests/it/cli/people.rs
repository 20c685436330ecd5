//! What people do from the command line.

use std::io::Write;
use std::process::Stdio;

use serde_json::{Value, json};

use super::{Asking, command, complains, ends, fixture, json_of, says, told};
use crate::harness::{altered, confirmation, question, secret};

#[test]
fn approving_says_what_was_approved_and_hands_on_the_comment() {
    let (_server, agent, ada) = fixture();
    agent.register(&confirmation("a"));
    assert_eq!(says(&ada, &["approve", "a", "-m", "go ahead"]), "approved a: shell: make deploy\n");
    let resolution = ada.look("a")["resolution"].clone();
    assert_eq!((&resolution["decision"], &resolution["comment"]), (&json!("allow"), &json!("go ahead")));
}

#[test]
fn what_has_to_be_acknowledged_takes_a_second_word() {
    let (_server, agent, ada) = fixture();
    for (id, change, fact) in [
        ("high", json!({"riskLevel": "high"}), "high risk"),
        ("hidden", json!({"input": {"command": "ls \u{202e}x"}}), "do not show"),
        ("long", json!({"input": {"command": "echo\n".repeat(90)}}), "it is long"),
    ] {
        agent.register(&altered(confirmation(id), &json!({"confirmation": change})));
        let sentence = complains(2, &ada, &["approve", id]);
        for part in [fact, &format!("countersign show {id}"), "--acknowledge"] {
            assert!(sentence.contains(part), "{sentence}");
        }
        assert_eq!(ada.look(id)["status"], "pending");
        says(&ada, &["approve", id, "--acknowledge"]);
        assert_eq!(ada.look(id)["status"], "approved");
    }
}

#[test]
fn approving_shows_all_of_what_is_approved() {
    let (_server, agent, ada) = fixture();
    agent.register(&altered(confirmation("a"), &json!({"confirmation": {"inputEditsAllowed": true}})));
    let (stdout, stderr) = ends(0, &mut command(&ada, &["approve", "a", "--input", r#"{"command":"make test"}"#]));
    assert_eq!(stdout, "approved a: shell: make deploy\n");
    for part in ["│ command: make deploy", "sha256:", "approved is", "│ command: make test"] {
        assert!(stderr.contains(part), "{part} is not shown:\n{stderr}");
    }
}

#[test]
fn what_an_edit_brings_in_has_to_be_acknowledged_too() {
    let (_server, agent, ada) = fixture();
    agent.register(&altered(confirmation("a"), &json!({"confirmation": {"inputEditsAllowed": true}})));
    let edit = ["approve", "a", "--input", "{\"command\":\"make \u{200b}test\"}"];
    assert!(complains(2, &ada, &edit).contains("do not show"));
    says(&ada, &[&edit[..], &["--acknowledge"]].concat());
    assert_eq!(ada.look("a")["status"], "approved");
}

#[test]
fn approving_for_ever_takes_what_was_offered() {
    let (_server, agent, ada) = fixture();
    agent.register(&confirmation("a"));
    let sentence = complains(1, &ada, &["approve", "a", "--always", "make"]);
    assert!(sentence.contains("'make *'"), "{sentence}");
    let sentence = complains(1, &ada, &["approve", "a", "--always", "make *"]);
    assert!(sentence.contains("'everywhere' or '/repo'"), "{sentence}");
    says(&ada, &["approve", "a", "--always", "make *", "--scope", "/repo"]);
    let rules = ada.get("/v1/trust-rules").body["trustRules"].clone();
    let rule = &rules[0];
    assert_eq!((&rule["pattern"], &rule["scope"]), (&json!("make *"), &json!("/repo")));
}

#[test]
fn an_edited_input_is_what_is_approved() {
    let (_server, agent, ada) = fixture();
    agent.register(&altered(confirmation("a"), &json!({"confirmation": {"inputEditsAllowed": true}})));
    says(&ada, &["approve", "a", "--input", r#"{"command":"make test"}"#]);
    assert_eq!(ada.look("a")["resolution"]["effectiveInput"], json!({"command": "make test"}));
}

#[test]
fn rejecting_several_goes_on_past_one_that_somebody_else_decided() {
    let (_server, agent, ada) = fixture();
    for id in ["a", "b", "c"] {
        agent.register(&confirmation(id));
    }
    ada.confirm("b", "allow").expect(200);
    let (stdout, stderr) = told(1, command(&ada, &["reject", "a", "b", "c", "-m", "no"]).output().unwrap());
    assert_eq!(stdout, "rejected a: shell: make deploy\nrejected c: shell: make deploy\n");
    assert!(stderr.contains("b: this interaction is already approved") && stderr.contains("1 of 3"), "{stderr}");
}

#[test]
fn a_secret_from_stdin_reaches_the_agent_and_no_stream() {
    let (_server, agent, ada) = fixture();
    for (id, more, delivery) in [("kept", &[][..], "store"), ("once", &["--once"], "transient_send")] {
        agent.register(&secret(id));
        let mut give = command(&ada, &[&["secret", id], more].concat());
        let mut child = give.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        child.stdin.take().unwrap().write_all(b"hunter2\n").unwrap();
        let (stdout, stderr) = told(0, child.wait_with_output().unwrap());
        assert_eq!((stdout, stderr), (format!("given {id}\n"), String::new()));
        let taken = agent.post_nothing(&format!("/v1/interactions/{id}/secret")).expect(200).body;
        assert_eq!((&taken["value"], &taken["delivery"]), (&json!("hunter2"), &json!(delivery)));
    }
    agent.register(&secret("none"));
    complains(2, &ada, &["secret", "none"]);
    assert_eq!(ada.look("none")["status"], "pending");
    says(&ada, &["secret", "none", "--decline"]);
    assert_eq!(ada.look("none")["status"], "cancelled");
}

#[test]
fn a_question_is_answered_in_flags() {
    let (_server, agent, ada) = fixture();
    agent.register(&question("q"));
    let sentence = complains(2, &ada, &["answer", "q"]);
    assert!(sentence.contains("countersign show q"), "{sentence}");
    let sentence = complains(2, &ada, &["answer", "q", "-o", "red"]);
    assert!(sentence.contains("colour=… or why=…"), "{sentence}");
    complains(1, &ada, &["answer", "q", "-o", "colour=green", "--skip", "why"]);
    says(&ada, &["answer", "q", "-o", "colour=red", "-t", "why=a=b"]);
    let responses = json!([{"questionId": "colour", "optionId": "red"}, {"questionId": "why", "text": "a=b"}]);
    assert_eq!(ada.look("q")["resolution"]["responses"], responses);
}

#[test]
fn each_kind_has_its_own_command_and_says_so() {
    let (_server, agent, ada) = fixture();
    for register in [confirmation("c"), secret("s"), question("q")] {
        agent.register(&register);
    }
    for (command, id, named) in
        [("approve", "s", "countersign secret s"), ("reject", "q", "countersign answer q"), ("secret", "c", "show c")]
    {
        let sentence = complains(1, &ada, &[command, id]);
        assert!(sentence.contains(named), "{sentence}");
    }
    assert_eq!(ada.get("/v1/pending-interactions").body["interactions"].as_array().unwrap().len(), 3);
}

#[test]
fn json_is_what_the_server_says() {
    let (_server, agent, ada) = fixture();
    agent.register(&confirmation("a"));
    agent.register(&secret("s"));
    assert_eq!(json_of(&ada, &["show", "a", "--json"]), ada.look("a"));
    assert_eq!(json_of(&ada, &["list", "--json", "--kind", "secret"]), json!([ada.look("s")]));
    let history = json_of(&ada, &["history", "--json"]);
    assert_eq!(history, json!([ada.look("s"), ada.look("a")]));
    let events = ada.get("/v1/audit-events?requestId=a").body["auditEvents"].clone();
    assert_eq!(json_of(&ada, &["history", "a", "--json"]), events);
    assert_eq!(json_of(&ada, &["approve", "a", "--json"]), ada.look("a"));
}

#[test]
fn the_log_goes_on_as_it_grows() {
    let (_server, agent, ada) = fixture();
    agent.register(&confirmation("a"));
    let mut following = Asking::spawn(&mut command(&ada, &["log", "--follow", "--json", "-n", "1"]));
    let mut lines = std::io::BufRead::lines(std::io::BufReader::new(following.child.stdout.take().unwrap()));
    let mut next = || serde_json::from_str::<Value>(&lines.next().unwrap().unwrap()).unwrap();
    assert_eq!(next()["event"], "interaction.registered");
    ada.confirm("a", "deny").expect(200);
    let rejected = next();
    assert_eq!((&rejected["event"], &rejected["principal"]), (&json!("interaction.rejected"), &json!("ada")));
    following.child.kill().unwrap();
    following.child.wait().unwrap();
}

#[test]
fn login_prints_a_link_that_logs_in() {
    let (server, _agent, ada) = fixture();
    let link = says(&ada, &["login"]);
    let code = link.trim().strip_prefix(&format!("{}/login#", server.url)).unwrap();
    assert!(code.len() > 20, "{link}");
}

#[test]
fn a_list_that_leaves_some_out_says_so() {
    let (server, _agent, ada) = fixture();
    super::ids::flood(&server, 5_000, "pending");
    let (shown, said) = ends(0, &mut command(&ada, &["list"]));
    assert_eq!((shown.lines().count(), said.as_str()), (5_001, ""));
    server.agent("other").register(&confirmation("one-more"));
    let (shown, said) = ends(0, &mut command(&ada, &["list"]));
    assert_eq!(shown.lines().count(), 5_001);
    assert!(said.contains("There are more") && said.contains("--from"), "{said}");
}
