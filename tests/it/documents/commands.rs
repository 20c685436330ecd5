//! Commands in the documents: the command line understands them, and the scripts are there.

use std::io::Write;
use std::process::Command;

use clap::Parser;
use countersign::cli::Cli;
use tempfile::TempDir;

use super::{Document, document, documents, root};
use crate::harness::{Database, countersign, token};

/// Programs that a document may call and that no test runs.
const OTHERS: [&str; 18] = [
    "/usr/lib/postgresql/15/bin/pg_checksums",
    "apt-get",
    "cargo",
    "chmod",
    "createdb",
    "docker",
    "export",
    "groupadd",
    "install",
    "openssl",
    "pg_basebackup",
    "pg_ctlcluster",
    "pkill",
    "psql",
    "rm",
    "systemctl",
    "useradd",
    "usermod",
];

/// The commands of a block: each begins with `$ ` and goes on until the next one does.
pub(super) fn commands(block: &str) -> impl Iterator<Item = &str> {
    block.strip_prefix("$ ").unwrap_or_else(|| panic!("no prompt: {block}")).split("\n$ ")
}

/// The words of a command, up to where its output is passed on.
pub(super) fn words(command: &str) -> Vec<String> {
    // TOKEN=$(countersign …) is the command inside.
    let inner = command.split_once("=$(").and_then(|(_, inner)| inner.trim_end().strip_suffix(')'));
    let words = shlex::split(inner.unwrap_or(command)).unwrap_or_else(|| panic!("quotes in {command}"));
    words.into_iter().take_while(|word| !matches!(word.as_str(), "&&" | ">" | "|")).collect()
}

fn check(document: &Document, command: &str) {
    let mut words = words(command);
    if words.starts_with(&["cargo".into(), "run".into()]) {
        let own = words.iter().position(|word| word == "--").unwrap();
        words[own] = "countersign".to_owned();
        words.drain(..own);
    }
    if words[0] == "sudo" {
        let own = if words[1] == "-u" { 3 } else { 1 };
        words.drain(..own);
    }
    if words.starts_with(&["docker".into(), "run".into()]) {
        // The words after the image are a command line of this program's.
        let image = words.iter().rposition(|word| word == "countersign").unwrap();
        words.drain(..image);
    }
    match words[0].as_str() {
        "countersign" => {
            let read = Cli::try_parse_from(&words);
            assert!(read.is_ok(), "{}: {command}: {}", document.path.display(), read.unwrap_err());
        }
        // These are run, in `requests.rs`.
        "curl" | "sqlite3" => {}
        script if script.starts_with("scripts/") => assert!(root().join(script).is_file(), "{command}"),
        assignment if assignment.split_once('=').is_some_and(|(name, _)| name.chars().all(char::is_uppercase)) => {}
        other => assert!(OTHERS.contains(&other), "{}: {command}: what is {other}?", document.path.display()),
    }
}

#[test]
fn every_command_is_one_that_the_program_understands() {
    let mut count = 0;
    for document in documents() {
        for command in document.blocks_in("console").flat_map(commands) {
            check(&document, command);
            count += 1;
        }
    }
    assert!(count > 40);
}

#[test]
fn the_program_that_verifies_an_export_without_countersign_does() {
    if Command::new("python3").arg("--version").output().is_err() {
        writeln!(std::io::stderr(), "skipped: there is no python3 on this machine").unwrap();
        return;
    }
    let audit = document("docs/operations/audit.md");
    let program = audit.blocks_in("python").next().unwrap();
    let directory = TempDir::new().unwrap();
    let db = Database::new();
    token(&db, "builder", "agent");
    let export =
        countersign().args(["audit", "export", "history.jsonl", "--db"]).arg(&db).current_dir(&directory).status();
    assert!(export.unwrap().success());
    let verify = |program: &str| {
        let output = Command::new("python3").args(["-c", program]).current_dir(&directory).output().unwrap();
        (output.status.success(), String::from_utf8(output.stdout).unwrap())
    };
    let (verified, said) = verify(program);
    assert!(verified && said.starts_with("whole; head "), "{said}");
    let history = directory.path().join("history.jsonl");
    let forged = std::fs::read_to_string(&history).unwrap().replace("builder", "another");
    std::fs::write(&history, forged).unwrap();
    assert!(!verify(program).0);
}
