//! `countersign hook`: the real binary between a client and its server.

use std::io::Write;
use std::process::{Child, Command, Stdio};

use serde_json::{Value, json};
use tempfile::TempDir;

use super::payloads::{GATES, Gate, claude};
use crate::harness::{Client, Database, Process, TestServer, countersign, signal, token, until};

/// A hook that has its event.
pub(super) fn begin(command: &mut Command, event: &[u8]) -> Child {
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    // A hook that refuses at once may be gone already.
    let _ = child.stdin.take().unwrap().write_all(event);
    child
}

/// What a hook says on stdout; it has ended well, and said nothing else.
#[track_caller]
fn answer(child: Child) -> Value {
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success() && output.stderr.is_empty(), "{output:?}");
    if output.stdout.is_empty() { Value::Null } else { serde_json::from_slice(&output.stdout).unwrap() }
}

pub(super) fn hook(client: &Client, arguments: &[&str]) -> Command {
    let mut command = countersign();
    command.env("COUNTERSIGN_URL", &client.url).env("COUNTERSIGN_TOKEN", client.token.as_ref().unwrap());
    command.arg("hook").args(arguments);
    command
}

impl Gate {
    fn begin(&self, client: &Client, more: &[&str], call: &str, command: &str) -> Child {
        let event = (self.event)("session", call, command).to_string();
        begin(&mut hook(client, &[&[self.client], more].concat()), event.as_bytes())
    }
}

fn fixture() -> (TestServer, Client, Client) {
    let server = TestServer::start();
    let (agent, ada) = (server.agent("builder"), server.approver("ada"));
    (server, agent, ada)
}

/// The id of the one interaction that is pending, once there is one.
fn asked(ada: &Client) -> String {
    let mut id = None;
    until(|| {
        let pending = &ada.get("/v1/pending-interactions").expect(200).body["interactions"];
        id = pending[0]["requestId"].as_str().map(str::to_owned);
        id.is_some()
    });
    id.unwrap()
}

#[test]
fn every_client_gets_the_answer_of_the_person() {
    let (_server, agent, ada) = fixture();
    for gate in GATES {
        let waiting = gate.begin(&agent, &[], "call-1", "make");
        ada.confirm(&asked(&ada), "allow").expect(200);
        let allowed = answer(waiting);
        assert!((gate.allows)(&allowed), "{}: {allowed}", gate.name);
        let waiting = gate.begin(&agent, &[], "call-2", "make test");
        let no = json!({"requestId": asked(&ada), "decision": "deny", "comment": "not now"});
        ada.post("/v1/confirm", &no).expect(200);
        let denied = answer(waiting);
        assert_eq!((gate.denial)(&denied), Some("countersign: rejected by ada: not now"));
    }
}

/// All of them wait at the same time, so that the test takes no longer than one does.
#[test]
fn a_hook_denies_before_its_time_is_over_and_the_answer_is_kept() {
    let (_server, agent, ada) = fixture();
    let begin = |within: &str, call: &str| {
        let begin = |gate: &Gate| {
            let event = (gate.event)(&format!("{} {}", gate.client, gate.name), call, "make").to_string();
            begin(&mut hook(&agent, &[gate.client, "--within", within]), event.as_bytes())
        };
        GATES.iter().map(begin).collect::<Vec<_>>()
    };
    for (gate, waited) in GATES.iter().zip(begin("10s", "call-1")) {
        let denied = answer(waited);
        assert!((gate.denial)(&denied).is_some_and(|denial| denial.contains("still waiting")), "{denied}");
    }
    let pending = ada.get("/v1/pending-interactions").expect(200).body;
    for interaction in pending["interactions"].as_array().unwrap() {
        ada.confirm(interaction["requestId"].as_str().unwrap(), "allow").expect(200);
    }
    for (gate, waited) in GATES.iter().zip(begin("60s", "call-2")) {
        let allowed = answer(waited);
        assert!((gate.allows)(&allowed), "{}: {allowed}", gate.name);
    }
}

#[test]
fn a_hook_outlives_its_server() {
    let db = Database::new();
    let tokens = [token(&db, "builder", "agent"), token(&db, "ada", "approver")];
    let mut process = Process::serve(&db, &[]);
    let at = process.url.strip_prefix("http://").unwrap().to_owned();
    let [agent, ada] = tokens.each_ref().map(|token| Client::new(&process.url, token));
    for (number, gate) in GATES.iter().enumerate() {
        let command = format!("make {number}");
        let waiting = gate.begin(&agent, &["--within", "60s"], &command, &command);
        let id = asked(&ada);
        process.kill();
        process = Process::serve_on(&at, &db, &[]);
        ada.confirm(&id, "allow").expect(200);
        let allowed = answer(waiting);
        assert!((gate.allows)(&allowed), "{}: {allowed}", gate.name);
    }
}

#[test]
fn a_hook_that_is_killed_leaves_the_question_and_the_next_one_finds_the_answer() {
    let (_server, agent, ada) = fixture();
    for gate in GATES {
        let mut killed = gate.begin(&agent, &[], "call-1", "make");
        let id = asked(&ada);
        killed.kill().unwrap();
        killed.wait().unwrap();
        ada.confirm(&id, "allow").expect(200);
        let allowed = answer(gate.begin(&agent, &[], "call-1", "make"));
        assert!((gate.allows)(&allowed), "{}: {allowed}", gate.name);
    }
}

#[test]
fn a_hook_ends_with_its_client_and_the_answer_is_left_to_the_next() {
    let (_server, agent, ada) = fixture();
    for gate in GATES {
        let mut left = gate.begin(&agent, &[], "call-1", "make");
        let id = asked(&ada);
        drop(left.stdout.take());
        assert_eq!(left.wait().unwrap().code(), Some(2), "{}", gate.name);
        ada.confirm(&id, "allow").expect(200);
        assert_eq!(ada.look(&id)["claim"], Value::Null, "{}", gate.name);
        let allowed = answer(gate.begin(&agent, &[], "call-1", "make"));
        assert!((gate.allows)(&allowed), "{}: {allowed}", gate.name);
    }
}

/// Codex names the host of a connection, and what an MCP server is told, in a description.
#[test]
fn what_codex_describes_is_part_of_what_is_asked_unless_it_is_a_justification() {
    let (_server, agent, ada) = fixture();
    let asks = |tool: &str, input: &Value| {
        let event = json!({"session_id": "s", "turn_id": "t", "cwd": "/home/ada", "hook_event_name": "PermissionRequest",
            "tool_name": tool, "tool_input": input});
        begin(&mut hook(&agent, &["codex"]), event.to_string().as_bytes())
    };
    let command = |command: &str, said: &str| json!({"command": command, "description": said});
    let issue = |said: &str| json!({"title": "T", "description": said});
    let hosts = ["network-access a.example:443", "network-access b.example:443"];
    for (tool, one, other, is_same) in [
        ("Bash", command("make", "need to write"), command("make", "really"), true),
        ("Bash", command("npm ci", hosts[0]), command("npm ci", hosts[1]), false),
        ("mcp__jira__create_issue", issue("harmless"), issue("another"), false),
    ] {
        let mut first = asks(tool, &one);
        let id = asked(&ada);
        first.kill().unwrap();
        first.wait().unwrap();
        ada.confirm(&id, "allow").expect(200);
        let second = asks(tool, &other);
        if !is_same {
            let new = asked(&ada);
            assert_ne!(new, id, "{other}");
            ada.confirm(&new, "deny").expect(200);
        }
        let behavior = if is_same { "allow" } else { "deny" };
        assert_eq!(answer(second)["hookSpecificOutput"]["decision"]["behavior"], behavior, "{other}");
    }
}

#[test]
fn a_hook_that_is_told_to_end_denies() {
    let (_server, agent, ada) = fixture();
    for (name, gate) in ["TERM", "INT", "HUP"].into_iter().cycle().zip(GATES) {
        let command = format!("make {}", gate.name);
        let told = gate.begin(&agent, &[], gate.name, &command);
        let id = asked(&ada);
        signal(told.id(), name);
        let denied = answer(told);
        assert!((gate.denial)(&denied).is_some(), "{name}: {denied}");
        ada.confirm(&id, "deny").expect(200);
    }
}

#[test]
fn of_the_two_questions_of_a_client_the_other_is_left_to_it() {
    let (server, agent, ada) = fixture();
    for gate in GATES {
        let is_permission = gate.name.to_ascii_lowercase().starts_with("permission");
        let has_both = !["gemini", "cursor"].contains(&gate.client);
        for (on, is_asked) in [("permission", is_permission || !has_both), ("every", !is_permission || !has_both)] {
            let command = format!("make {on}");
            let waiting = gate.begin(&agent, &["--on", on], on, &command);
            if is_asked {
                ada.confirm(&asked(&ada), "allow").expect(200);
                assert!((gate.allows)(&answer(waiting)), "{} {on}", gate.name);
            } else {
                assert_eq!(server.unchanged(|| answer(waiting)), Value::Null, "{} {on}", gate.name);
            }
        }
    }
}

#[test]
fn what_asks_nothing_is_told_to_the_server_without_what_the_tool_put_out() {
    let (server, agent, ada) = fixture();
    let waiting = GATES[0].begin(&agent, &[], "toolu_1", "make");
    let id = asked(&ada);
    ada.confirm(&id, "allow").expect(200);
    answer(waiting);
    let mut ran = claude("PostToolUse", "session", "make");
    ran["tool_use_id"] = json!("toolu_1");
    // More than a request may have.
    ran["tool_response"] = json!({"stdout": "x".repeat(3_000_000)});
    let told = begin(&mut hook(&agent, &["claude-code"]), ran.to_string().as_bytes());
    assert_eq!(answer(told), Value::Null);
    assert_eq!(ada.look(&id)["claim"]["outcome"], "succeeded");
    for event in ["Stop", "SessionEnd", "Notification"] {
        let event = json!({"session_id": "session", "hook_event_name": event}).to_string();
        let told = begin(&mut hook(&agent, &["claude-code"]), event.as_bytes());
        assert_eq!(server.unchanged(|| answer(told)), Value::Null);
        let told = begin(&mut hook(&Client::new("http://127.0.0.1:9", "t"), &["claude-code"]), event.as_bytes());
        assert_eq!(answer(told), Value::Null, "a server that is away does not keep a client from ending");
    }
}

#[test]
fn a_session_without_a_person_may_end_here() {
    let (_server, agent, ada) = fixture();
    let event = (GATES[0].event)("session", "toolu_1", "make").to_string();
    let mut unattended = hook(&agent, &["claude-code", "--defer"]);
    let deferred = answer(begin(unattended.env("CLAUDE_CODE_ENTRYPOINT", "sdk-cli"), event.as_bytes()));
    assert_eq!(deferred["hookSpecificOutput"]["permissionDecision"], "defer");
    ada.confirm(&asked(&ada), "allow").expect(200);
    let woken = answer(begin(unattended.env("CLAUDE_CODE_ENTRYPOINT", "sdk-cli"), event.as_bytes()));
    assert!((GATES[0].allows)(&woken), "{woken}");
    // At a terminal there is somebody who waits.
    let event = (GATES[0].event)("session", "toolu_2", "make test").to_string();
    let mut attended = hook(&agent, &["claude-code", "--defer", "--within", "100ms"]);
    let denied = answer(begin(attended.env("CLAUDE_CODE_ENTRYPOINT", "cli"), event.as_bytes()));
    assert!((GATES[0].denial)(&denied).is_some(), "{denied}");
}

#[test]
fn a_hook_says_where_its_client_runs_and_no_password() {
    let (_server, agent, ada) = fixture();
    let shop = TempDir::new().unwrap();
    let git = shop.path().join(".git");
    std::fs::create_dir(&git).unwrap();
    std::fs::write(git.join("HEAD"), "ref: refs/heads/till\n").unwrap();
    let remote = "[core]\n\tbare = false\n[remote \"origin\"]\n\turl = https://ada:hunter2@forge.example/shop.git\n";
    std::fs::write(git.join("config"), remote).unwrap();
    let mut event = (GATES[0].event)("session", "toolu_1", "make");
    event["cwd"] = shop.path().to_str().unwrap().into();
    let waiting = begin(&mut hook(&agent, &["claude-code"]), event.to_string().as_bytes());
    let id = asked(&ada);
    let origin = ada.look(&id)["origin"].take();
    assert_eq!((&origin["repository"], &origin["branch"]), (&json!("https://forge.example/shop.git"), &json!("till")));
    ada.confirm(&id, "deny").expect(200);
    answer(waiting);
}
