//! What is typed at a terminal: secrets unseen, answers one after the other.

use std::fs::File;
use std::io::{BufReader, Read, Write};
use std::process::Stdio;

use rustix::fs::{Mode, OFlags, open};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use serde_json::json;

use super::{Asking, command, fixture};
use crate::harness::{altered, confirmation, question, secret, signal};

/// Both ends of a terminal: a person's, and the one for a command's stdin.
fn terminal() -> (File, File) {
    let person = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
    grantpt(&person).unwrap();
    unlockpt(&person).unwrap();
    let name = ptsname(&person, Vec::new()).unwrap();
    let other = open(name, OFlags::RDWR | OFlags::NOCTTY, Mode::empty()).unwrap();
    (person.into(), other.into())
}

/// Reads what a command says on stderr until it has said this.
fn until_said(asking: &mut Asking, end: &str) -> String {
    let mut said = Vec::new();
    let stderr: &mut BufReader<_> = &mut asking.stderr;
    while !said.ends_with(end.as_bytes()) {
        let mut byte = [0];
        stderr.read_exact(&mut byte).unwrap_or_else(|_| panic!("{}", String::from_utf8_lossy(&said)));
        said.push(byte[0]);
    }
    String::from_utf8(said).unwrap()
}

#[test]
fn a_secret_is_typed_unseen_and_the_terminal_is_left_as_it_was() {
    let (_server, agent, ada) = fixture();
    agent.register(&secret("s"));
    let (mut person, stdin) = terminal();
    let before = rustix::termios::tcgetattr(&stdin).unwrap().local_modes;
    let mut give = command(&ada, &["secret", "s"]);
    let mut giving = Asking::spawn(give.stdin(Stdio::from(stdin.try_clone().unwrap())));
    assert_eq!(until_said(&mut giving, ": "), "The forge's token for builder (not shown): ");
    person.write_all(b"hunter2\n").unwrap();
    assert_eq!(giving.ends(0).0, "given s\n");
    let value = agent.post_nothing("/v1/interactions/s/secret").expect(200).body["value"].clone();
    assert_eq!(value, json!("hunter2"));
    assert_eq!(rustix::termios::tcgetattr(&stdin).unwrap().local_modes, before);
    // Nothing came back on the terminal but what is written now.
    let mut stdin = stdin;
    stdin.write_all(b"end").unwrap();
    let mut seen = [0; 3];
    person.read_exact(&mut seen).unwrap();
    assert_eq!(&seen, b"end");
}

#[test]
fn all_lines_of_a_secret_that_is_pasted_are_the_secret() {
    let key = "-----BEGIN KEY-----\nabc\n-----END KEY-----\n";
    // As a terminal marks a paste that the person ends with a key, and as one that marks nothing sends it.
    for pasted in [format!("\u{1b}[200~{key}\u{1b}[201~\n"), key.to_owned()] {
        let (_server, agent, ada) = fixture();
        agent.register(&secret("s"));
        let (mut person, stdin) = terminal();
        let mut give = command(&ada, &["secret", "s"]);
        let mut giving = Asking::spawn(give.stdin(Stdio::from(stdin)));
        until_said(&mut giving, ": ");
        person.write_all(pasted.as_bytes()).unwrap();
        assert_eq!(giving.ends(0).0, "given s\n");
        assert_eq!(agent.post_nothing("/v1/interactions/s/secret").expect(200).body["value"], key);
    }
}

#[test]
fn an_interrupt_leaves_the_terminal_as_it_was() {
    let (_server, agent, ada) = fixture();
    agent.register(&secret("s"));
    let (_person, stdin) = terminal();
    let before = rustix::termios::tcgetattr(&stdin).unwrap().local_modes;
    let mut give = command(&ada, &["secret", "s"]);
    let mut giving = Asking::spawn(give.stdin(Stdio::from(stdin.try_clone().unwrap())));
    until_said(&mut giving, ": ");
    signal(giving.child.id(), "INT");
    giving.ends(130);
    assert_eq!(rustix::termios::tcgetattr(&stdin).unwrap().local_modes, before);
    assert_eq!(ada.look("s")["status"], "pending");
}

#[test]
fn a_high_risk_is_approved_by_a_y_that_is_typed_after_the_card_and_by_nothing_else() {
    let (_server, agent, ada) = fixture();
    agent.register(&altered(confirmation("a"), &json!({"confirmation": {"riskLevel": "high"}})));
    for (typed, code, status) in
        [("n\n", 1, "pending"), ("\n", 1, "pending"), ("a\n", 1, "pending"), ("y\n", 0, "approved")]
    {
        let (mut person, stdin) = terminal();
        let mut approve = command(&ada, &["approve", "a"]);
        let mut approving = Asking::spawn(approve.stdin(Stdio::from(stdin)));
        let shown = until_said(&mut approving, "? [y/N] ");
        assert!(shown.contains("make deploy") && shown.contains("high risk"), "{shown}");
        person.write_all(typed.as_bytes()).unwrap();
        approving.ends(code);
        assert_eq!(ada.look("a")["status"], status, "{typed:?}");
    }
}

#[test]
fn several_options_are_named_by_their_numbers_or_ids() {
    let (_server, agent, ada) = fixture();
    let mut several = question("q");
    several["question"]["entries"][0]["multiSelect"] = json!(true);
    agent.register(&several);
    let (mut person, stdin) = terminal();
    let mut answer = command(&ada, &["answer", "q"]);
    let mut answering = Asking::spawn(answer.stdin(Stdio::from(stdin)));
    until_said(&mut answering, "(Enter skips): ");
    for not_all_options in ["1,green\n", "0 1\n", ",\n"] {
        person.write_all(not_all_options.as_bytes()).unwrap();
        until_said(&mut answering, "(Enter skips): ");
    }
    person.write_all(b"blue, 1 2\n").unwrap();
    until_said(&mut answering, "(Enter skips): ");
    // Blanks are no answer.
    person.write_all(b"  \n").unwrap();
    answering.ends(0);
    let responses =
        json!([{"questionId": "colour", "optionIds": ["blue", "red"]}, {"questionId": "why", "skipped": true}]);
    assert_eq!(ada.look("q")["resolution"]["responses"], responses);
}

#[test]
fn a_question_is_asked_entry_by_entry() {
    let (_server, agent, ada) = fixture();
    agent.register(&question("q"));
    let (mut person, stdin) = terminal();
    let mut answer = command(&ada, &["answer", "q"]);
    let mut answering = Asking::spawn(answer.stdin(Stdio::from(stdin)));
    assert!(until_said(&mut answering, "(Enter skips): ").contains("2  blue  Blue"));
    // Neither a number nor an option: asked again.
    person.write_all(b"green\n").unwrap();
    until_said(&mut answering, "(Enter skips): ");
    person.write_all(b"2\n").unwrap();
    until_said(&mut answering, "(Enter skips): ");
    person.write_all(b"\n").unwrap();
    answering.ends(0);
    let responses = json!([{"questionId": "colour", "optionId": "blue"}, {"questionId": "why", "skipped": true}]);
    assert_eq!(ada.look("q")["resolution"]["responses"], responses);
}
