//! What a shell is offered at Tab: commands and flags, and what a running server has.

use std::net::TcpListener;

use serde_json::json;

use super::{command, ends, fixture, says};
use crate::harness::{Client, confirmation, countersign, question};

/// What bash is offered for the last of these words.
fn offered(client: &Client, words: &[&str]) -> Vec<String> {
    offered_by(client, &client.url, words)
}

fn offered_by(client: &Client, url: &str, words: &[&str]) -> Vec<String> {
    let mut shell = command(client, &["--", "countersign"]);
    let index = words.len().to_string();
    let environment = [("COUNTERSIGN_COMPLETE", "bash"), ("_CLAP_COMPLETE_INDEX", &index), ("COUNTERSIGN_URL", url)];
    let (said, complaint) = ends(0, shell.args(words).envs(environment).env("_CLAP_IFS", "\n"));
    assert_eq!(complaint, "", "{words:?}");
    said.lines().map(str::to_owned).collect()
}

#[test]
fn what_is_there_is_offered() {
    let (_server, agent, ada) = fixture();
    for id in ["deploy-1", "deploy-2", "other"] {
        agent.register(&confirmation(id));
    }
    agent.register(&question("asked"));
    ada.confirm("deploy-2", "allow").expect(200);
    let rule = json!({"toolName": "browser", "pattern": "*", "scope": "everywhere", "decision": "ask"});
    let rule = ada.post("/v1/trust-rules", &rule).expect(201).body["trustRule"]["ruleId"].clone();
    says(&ada, &["views", "save", "mine", "is:open"]);
    assert_eq!(offered(&ada, &["app"]), ["approve"]);
    assert_eq!(offered(&ada, &["ask", "--cancel"]), ["--cancel-on-interrupt"]);
    assert_eq!(offered(&ada, &["approve", "dep"]), ["deploy-1"]);
    let mut shown = offered(&ada, &["show", "deploy-"]);
    shown.sort();
    assert_eq!(shown, ["deploy-1", "deploy-2"]);
    assert_eq!(offered(&ada, &["list", "--from", ""]), ["builder"]);
    assert_eq!(offered(&ada, &["list", "--tool", "sh"]), ["shell"]);
    assert_eq!(offered(&ada, &["history", "--view", ""]), ["mine"]);
    assert_eq!(offered(&ada, &["rules", "show", ""])[0], rule.as_str().unwrap());
    assert_eq!(offered(&ada, &["list", "--query", "ri"]), ["risk:"]);
    assert_eq!(offered(&ada, &["list", "--query", "make ag"]), ["make agent:"]);
    assert_eq!(offered(&ada, &["watch", "-q", "agent:b"]), ["agent:builder"]);
}

#[test]
fn a_server_that_is_away_or_silent_offers_nothing_and_says_nothing() {
    let (_server, _, ada) = fixture();
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let urls = [format!("http://{}", silent.local_addr().unwrap()), "unix:/nowhere".to_owned(), "ftp://x".to_owned()];
    for url in urls {
        assert_eq!(offered_by(&ada, &url, &["approve", "d"]), Vec::<String>::new(), "{url}");
        assert_eq!(offered_by(&ada, &url, &["list", "--query", "ri"]), ["risk:"]);
    }
}

#[test]
fn a_variable_that_is_left_behind_changes_no_command() {
    let (_server, _, ada) = fixture();
    let (said, _) = ends(0, command(&ada, &["status"]).env("COUNTERSIGN_COMPLETE", "bash"));
    assert!(said.contains("ada, approver"), "{said}");
}

#[test]
fn each_shell_gets_a_script_that_asks_this_program() {
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let script = String::from_utf8(countersign().args(["completions", shell]).output().unwrap().stdout).unwrap();
        assert!(script.contains("COUNTERSIGN_COMPLETE") && script.contains("countersign"), "{shell}: {script}");
    }
}
