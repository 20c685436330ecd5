//! `countersign hook` where something is wrong: whatever it is, every client reads a denial.

use std::fs::{File, OpenOptions};
use std::io::Read;
use std::net::TcpListener;
use std::os::fd::OwnedFd;
use std::process::{Command, Output, Stdio};

use super::command::{begin, hook};
use super::payloads::{GATES, Gate};
use crate::harness::{Client, Database, TestServer, countersign, signal};

/// How each of the clients reads what a hook leaves behind. JSON counts where it exits with 0; exit code 2 denies where there is
/// something on stderr; everything else lets the call run, or falls back to the client's own dialog.
#[track_caller]
fn is_denied(gate: &Gate, fault: &str, output: &Output) {
    let stderr = String::from_utf8_lossy(&output.stderr);
    let is_denied = match output.status.code() {
        Some(0) => serde_json::from_slice(&output.stdout).is_ok_and(|answer| (gate.denial)(&answer).is_some()),
        Some(2) => !stderr.trim().is_empty() && stderr.contains("countersign"),
        _ => false,
    };
    assert!(is_denied, "{} {} with {fault} lets it run: {output:?}", gate.client, gate.name);
}

fn event(gate: &Gate) -> String {
    (gate.event)("session", "call-1", "make").to_string()
}

fn away() -> Client {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    Client::new(&url, "csgn_none")
}

#[test]
fn an_event_that_cannot_be_read_is_denied() {
    let server = TestServer::start();
    let agent = server.agent("builder");
    for gate in GATES {
        let whole = event(gate);
        let doubled = format!("{}{whole}", whole.strip_suffix('}').unwrap().to_owned() + ",\"x\":1}");
        let events: [(&str, Vec<u8>); 12] = [
            ("nothing", Vec::new()),
            ("white space", b" \n".to_vec()),
            ("half of it", whole.as_bytes()[..whole.len() / 2].to_vec()),
            ("two of them", doubled.into_bytes()),
            ("no JSON", b"make".to_vec()),
            ("a list", b"[]".to_vec()),
            ("an empty object", b"{}".to_vec()),
            ("no UTF-8", b"{\"session_id\":\"\xff\xfe\"}".to_vec()),
            ("half a surrogate pair", whole.replace("make", "\\ud800").into_bytes()),
            ("a member twice", whole.replacen('{', "{\"cwd\":\"/\",\"cwd\":\"/tmp\",", 1).into_bytes()),
            ("an unknown event", br#"{"session_id":"s","hook_event_name":"PreEverything"}"#.to_vec()),
            ("an event of another type", br#"{"session_id":"s","hook_event_name":7}"#.to_vec()),
        ];
        for (fault, bytes) in events {
            let hook = begin(&mut hook(&agent, &[gate.client]), &bytes);
            is_denied(gate, fault, &hook.wait_with_output().unwrap());
        }
    }
    assert_eq!(server.count("interactions"), 0);
}

#[test]
fn a_command_line_that_is_wrong_is_denied() {
    let server = TestServer::start();
    let agent = server.agent("builder");
    for gate in GATES {
        let wrong: [&[&str]; 9] = [
            &[gate.client, "--no-such-flag"],
            &[gate.client, "--within", "soon"],
            &[gate.client, "--on", "sometimes"],
            &[gate.client, "--token-file", "/no/such/file"],
            &[gate.client, "more"],
            &[gate.client, "--help"],
            &["no-such-client"],
            &["--within", "1s"],
            &[gate.client, "--url", "ftp://127.0.0.1"],
        ];
        for arguments in wrong {
            let hook = begin(&mut hook(&agent, arguments), event(gate).as_bytes());
            is_denied(gate, &arguments.join(" "), &hook.wait_with_output().unwrap());
        }
        let mut in_environment = hook(&agent, &[gate.client]);
        let hook = begin(in_environment.env("COUNTERSIGN_WITHIN", "soon"), event(gate).as_bytes());
        is_denied(gate, "a variable that is wrong", &hook.wait_with_output().unwrap());
    }
    assert_eq!(server.count("interactions"), 0);
}

#[test]
fn a_server_or_a_token_that_is_not_there_is_a_denial() {
    let server = TestServer::start();
    for gate in GATES {
        let denied = |fault: &str, command: &mut Command| {
            is_denied(gate, fault, &begin(command, event(gate).as_bytes()).wait_with_output().unwrap());
        };
        denied("no server", &mut hook(&away(), &[gate.client, "--within", "100ms"]));
        denied("no token", countersign().args(["hook", gate.client, "--url", &server.url]));
        denied("a token that is not known", &mut hook(&Client::new(&server.url, "csgn_none"), &[gate.client]));
        denied("a person's token", &mut hook(&server.approver("ada"), &[gate.client]));
    }
}

/// A server that takes connections and says nothing, or something else.
#[test]
fn a_server_that_is_none_is_a_denial() {
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let foreign = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = |listener: &TcpListener| format!("http://{}", listener.local_addr().unwrap());
    let (silent_url, foreign_url) = (url(&silent), url(&foreign));
    let answers: [&[u8]; 4] = [
        b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: close\r\n\r\n{}",
        b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\nconnection: close\r\n\r\nhello",
        b"HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\nconnection: close\r\n\r\n",
        b"HTTP/1.1 302 Found\r\nlocation: /\r\ncontent-length: 0\r\nconnection: close\r\n\r\n",
    ];
    std::thread::spawn(move || {
        for answer in answers.iter().cycle() {
            let Ok((mut stream, _)) = foreign.accept() else { return };
            let mut request = [0; 65_536];
            let _ = stream.read(&mut request);
            let _ = std::io::Write::write_all(&mut stream, answer);
        }
    });
    for gate in GATES {
        let mut silent = hook(&Client::new(&silent_url, "t"), &[gate.client, "--within", "200ms"]);
        is_denied(gate, "silence", &begin(&mut silent, event(gate).as_bytes()).wait_with_output().unwrap());
        for _ in 0..4 {
            let mut foreign = hook(&Client::new(&foreign_url, "t"), &[gate.client, "--within", "1s"]);
            is_denied(
                gate,
                "another's answer",
                &begin(&mut foreign, event(gate).as_bytes()).wait_with_output().unwrap(),
            );
        }
    }
}

/// What a stream is in the place of a pipe that is read.
fn full() -> Stdio {
    OpenOptions::new().write(true).open("/dev/full").unwrap().into()
}

fn unread() -> Stdio {
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    OwnedFd::from(writer).into()
}

#[test]
fn an_answer_that_cannot_be_written_is_a_denial() {
    let server = TestServer::start();
    let agent = server.agent("builder");
    let ada = server.approver("ada");
    let rule = serde_json::json!({"toolName": "*", "pattern": "*", "scope": "everywhere", "decision": "allow"});
    drop(ada.post("/v1/trust-rules", &rule));
    for gate in GATES {
        let stdouts: [fn() -> Stdio; 3] = [full, unread, Stdio::null];
        for (fault, stdout) in ["full", "not read", "closed"].into_iter().zip(stdouts) {
            let mut command = hook(&agent, &[gate.client, "--within", "100ms"]);
            command.stdin(Stdio::piped()).stdout(stdout()).stderr(Stdio::piped());
            let mut child = command.spawn().unwrap();
            std::io::Write::write_all(&mut child.stdin.take().unwrap(), event(gate).as_bytes()).unwrap();
            let output = child.wait_with_output().unwrap();
            assert_eq!(output.status.code(), Some(2), "{fault}: {output:?}");
            is_denied(gate, fault, &output);
        }
        // Where there is no stderr either, an event that cannot be read is denied on stdout.
        for stderr in [full, unread, Stdio::null] {
            let mut command = hook(&agent, &[gate.client]);
            command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(stderr());
            let output = command.output().unwrap();
            assert_eq!(output.status.code(), Some(2));
            let said: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
            assert_eq!(
                (&said["decision"], &said["permission"], &said["behavior"]),
                (&"deny".into(), &"deny".into(), &"deny".into())
            );
        }
    }
}

/// By the shell, as a client would start it: streams that are closed and not replaced.
#[test]
fn streams_that_are_closed_by_the_shell_are_a_denial() {
    let server = TestServer::start();
    let agent = server.agent("builder");
    for gate in GATES {
        let program = countersign().get_program().to_str().unwrap().to_owned();
        let mut shell = Command::new("/bin/sh");
        shell.env_clear().env("COUNTERSIGN_CREDENTIALS_FILE", "none").env("COUNTERSIGN_URL", &agent.url);
        shell.env("COUNTERSIGN_TOKEN", agent.token.as_ref().unwrap());
        shell.args(["-c", &format!("exec {program} hook {} --within 100ms >&-", gate.client)]);
        is_denied(gate, "closed", &begin(&mut shell, event(gate).as_bytes()).wait_with_output().unwrap());
    }
}

#[test]
fn a_client_that_never_ends_its_event_is_denied_in_time() {
    let server = TestServer::start();
    let agent = server.agent("builder");
    for gate in GATES {
        let mut command = hook(&agent, &[gate.client, "--within", "200ms"]);
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let held = child.stdin.take().unwrap();
        is_denied(gate, "an open stdin", &child.wait_with_output().unwrap());
        drop(held);
    }
}

#[test]
fn a_server_that_stands_still_is_a_denial_in_time() {
    let db = Database::new();
    let token = crate::harness::token(&db, "builder", "agent");
    let process = crate::harness::Process::serve(&db, &[]);
    let agent = Client::new(&process.url, &token);
    signal(process.id(), "STOP");
    for gate in GATES {
        let stopped = begin(&mut hook(&agent, &[gate.client, "--within", "500ms"]), event(gate).as_bytes());
        is_denied(gate, "a server that stands still", &stopped.wait_with_output().unwrap());
    }
    signal(process.id(), "CONT");
}

#[test]
fn a_person_still_gets_help() {
    let help = countersign().args(["hook", "--help"]).output().unwrap();
    assert!(help.status.success() && String::from_utf8(help.stdout).unwrap().contains("--within"));
    let wrong = countersign().args(["list", "--no-such-flag"]).output().unwrap();
    assert_eq!(wrong.status.code(), Some(2));
    let version = countersign().arg("--version").stdin(File::open("/dev/null").unwrap()).output().unwrap();
    assert!(version.status.success());
}
