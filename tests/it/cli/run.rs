//! `countersign run`: what runs is what was approved, and it runs once.

use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::Command;

use serde_json::json;
use tempfile::TempDir;

use super::{Asking, command, fixture};
use crate::harness::{Client, Database, Process, signal, token};

/// `run` in this directory, under the id `r`.
fn run(agent: &Client, directory: &Path, more: &[&str]) -> Command {
    let mut command = command(agent, &[&["run", "--request-id", "r"], more].concat());
    command.current_dir(directory);
    command
}

fn fifo(directory: &Path) -> std::path::PathBuf {
    let path = directory.join("fifo");
    assert!(Command::new("mkfifo").arg(&path).status().unwrap().success());
    path
}

#[test]
fn the_very_words_that_were_shown_are_run_once_and_reported() {
    let (_server, agent, ada) = fixture();
    let directory = TempDir::new().unwrap();
    let hostile = r#"a  b; $(touch pwned) 'x' "y" *"#;
    let asking = Asking::begin(&mut run(
        &agent,
        directory.path(),
        &["--", "sh", "-c", r#"printf "%s\n" "$1" >> out; echo done"#, "-", hostile],
    ));
    let asked = ada.look("r")["confirmation"].clone();
    assert_eq!(asked["toolName"], "shell");
    assert_eq!(asked["workingDir"], directory.path().to_str().unwrap());
    let line = asked["input"]["command"].as_str().unwrap();
    let words = Command::new("sh").args(["-c", &format!(r#"printf "%s\n" {line}"#)]).output().unwrap();
    assert!(String::from_utf8(words.stdout).unwrap().ends_with(&format!("-\n{hostile}\n")), "{line}");
    assert!(!directory.path().join("out").exists(), "nothing runs before it is approved");
    ada.confirm("r", "allow").expect(200);
    assert_eq!(asking.ends(0).0, "done\n");
    assert_eq!(fs::read_to_string(directory.path().join("out")).unwrap(), format!("{hostile}\n"));
    assert!(!directory.path().join("pwned").exists());
    let claim = ada.look("r")["claim"].clone();
    assert_eq!((&claim["outcome"], &claim["detail"]), (&json!("succeeded"), &json!("exit code 0")));
    // The same again has run already.
    let asking = Asking::spawn(&mut run(
        &agent,
        directory.path(),
        &["--", "sh", "-c", r#"printf "%s\n" "$1" >> out; echo done"#, "-", hostile],
    ));
    let (_, sentence) = asking.ends(1);
    assert!(sentence.contains("claimed before"), "{sentence}");
    assert_eq!(fs::read_to_string(directory.path().join("out")).unwrap(), format!("{hostile}\n"));
}

#[test]
fn what_was_edited_is_run_in_the_place_of_what_was_asked() {
    let (_server, agent, ada) = fixture();
    let directory = TempDir::new().unwrap();
    let asking = Asking::begin(&mut run(&agent, directory.path(), &["-c", "echo asked >> out"]));
    let edited = json!({"requestId": "r", "decision": "allow", "updatedInput": {"command": "echo edited >> out"}});
    ada.post("/v1/confirm", &edited).expect(200);
    let (_, said) = asking.ends(0);
    assert_eq!(said, "the command was edited; running: echo edited >> out\n");
    assert_eq!(fs::read_to_string(directory.path().join("out")).unwrap(), "edited\n");
}

#[test]
fn what_could_not_be_obeyed_to_the_letter_is_not_run() {
    let (_server, agent, ada) = fixture();
    let directory = TempDir::new().unwrap();
    let asking = Asking::begin(&mut run(&agent, directory.path(), &["-c", "echo asked >> out"]));
    let more =
        json!({"requestId": "r", "decision": "allow", "updatedInput": {"command": "echo x >> out", "as": "bob"}});
    ada.post("/v1/confirm", &more).expect(200);
    asking.ends(1);
    assert!(!directory.path().join("out").exists());
    assert_eq!(ada.look("r")["claim"]["outcome"], "failed");
}

#[test]
fn the_commands_exit_code_is_runs_own_and_is_reported() {
    let (_server, agent, ada) = fixture();
    let directory = TempDir::new().unwrap();
    for (id, line, code, detail) in [
        ("seven", "exit 7", 7, "exit code 7"),
        ("killed", "kill -9 $$", 137, "ended by signal 9"),
        ("unknown", "no-such-program-at-all", 127, "exit code 127"),
    ] {
        let mut command = command(&agent, &["run", "--request-id", id, "-c", line]);
        let asking = Asking::begin(command.current_dir(directory.path()));
        ada.confirm(id, "allow").expect(200);
        asking.ends(code);
        let claim = ada.look(id)["claim"].clone();
        assert_eq!((&claim["outcome"], &claim["detail"]), (&json!("failed"), &json!(detail)));
    }
}

#[test]
fn what_is_rejected_is_not_run() {
    let (_server, agent, ada) = fixture();
    let directory = TempDir::new().unwrap();
    let asking = Asking::begin(&mut run(&agent, directory.path(), &["--", "touch", "out"]));
    ada.confirm("r", "deny").expect(200);
    asking.ends(3);
    assert!(!directory.path().join("out").exists());
    assert_eq!(ada.look("r")["claim"], json!(null));
}

#[test]
fn what_is_to_end_run_ends_the_command_and_is_reported() {
    let (_server, agent, ada) = fixture();
    let directory = TempDir::new().unwrap();
    let fifo = fifo(directory.path());
    let asking = Asking::begin(&mut run(&agent, directory.path(), &["-c", "echo up > fifo; exec sleep 1000"]));
    ada.confirm("r", "allow").expect(200);
    assert_eq!(fs::read_to_string(fifo).unwrap(), "up\n");
    signal(asking.child.id(), "TERM");
    asking.ends(143);
    assert_eq!(ada.look("r")["claim"]["detail"], "ended by signal 15");
}

#[test]
fn what_came_of_it_is_reported_to_the_next_server() {
    let directory = TempDir::new().unwrap();
    let db = Database::new();
    let tokens = [token(&db, "builder", "agent"), token(&db, "ada", "approver")];
    let process = Process::serve(&db, &[]);
    let [agent, ada] = tokens.each_ref().map(|token| Client::new(&process.url, token));
    let fifo = fifo(directory.path());
    let asking = Asking::begin(&mut run(&agent, directory.path(), &["--", "cat", "fifo"]));
    ada.confirm("r", "allow").expect(200);
    // It opens once the command has it open.
    let mut through = fs::File::options().write(true).open(fifo).unwrap();
    let at = process.url.strip_prefix("http://").unwrap().to_owned();
    process.kill();
    through.write_all(b"through\n").unwrap();
    drop(through);
    let process = Process::serve_on(&at, &db, &[]);
    assert_eq!(asking.ends(0).0, "through\n");
    assert_eq!(ada.look("r")["claim"]["outcome"], "succeeded");
    process.terminate();
}
