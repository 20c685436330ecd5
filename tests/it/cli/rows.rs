//! `list` on a terminal numbers its rows, and a number names what stands there, whatever agents call their requests.

use std::io::Write;
use std::path::Path;
use std::process::Command;

use tempfile::TempDir;

use super::{command, fixture};
use crate::harness::terminal::Terminal;
use crate::harness::{Client, TestServer, confirmation};

/// A line for the shell of one terminal, in which `cs` is the command line.
fn at_terminal(person: &Client, home: &Path, line: &str) -> String {
    let mut shell = Command::new("/usr/bin/setsid");
    shell.env_clear().env("PATH", "/usr/bin:/bin").env("HOME", home).env("COUNTERSIGN_CREDENTIALS_FILE", "none");
    shell.env("COUNTERSIGN_URL", &person.url).env("COUNTERSIGN_TOKEN", person.token.as_ref().unwrap());
    shell.env("PROGRAM", env!("CARGO_BIN_EXE_countersign"));
    let line = format!("cs() {{ $PROGRAM \"$@\" 2>&1; }}; {line}; echo done");
    let terminal = Terminal::run(shell.args(["--wait", "sh", "-c", &line]));
    terminal.shows("done")
}

#[test]
fn a_number_takes_the_row_of_the_last_list_of_this_terminal_and_no_id() {
    let (server, agent, ada) = fixture();
    let home = TempDir::new().unwrap();
    // An agent may call its request as it likes.
    for id in ["2", "deploy", "22"] {
        agent.register(&confirmation(id));
    }
    let said = at_terminal(&ada, home.path(), "cs list; cs show 2; cs approve 2; cs approve 9");
    assert!(said.contains("#  ID") && said.contains("2  deploy"), "{said}");
    assert!(said.contains("approved deploy: shell: make deploy"), "{said}");
    assert!(said.contains("9 is a row of the last list, and that had 3"), "{said}");
    let stands = |id: &str| ada.look(id)["status"].clone();
    assert_eq!((stands("2"), stands("deploy"), stands("22")), ("pending".into(), "approved".into(), "pending".into()));

    let said = at_terminal(&ada, home.path(), "cs reject 1; cs reject 2 --exact");
    assert!(said.contains("1 is a row of the last list, and this terminal has shown none"), "{said}");
    assert!(said.contains("rejected 2: shell"), "{said}");

    let other = TestServer::start();
    let grace = other.approver("grace");
    let line = format!(
        "cs list >/dev/null; cs list; export COUNTERSIGN_URL={} COUNTERSIGN_TOKEN={}; cs show 1",
        other.url,
        grace.token.as_ref().unwrap()
    );
    let said = at_terminal(&ada, home.path(), &line);
    assert!(said.contains("that was of another server"), "{said}");
    drop(server);
}

#[test]
fn in_a_container_whose_terminal_was_opened_outside_there_are_no_rows() {
    let apart = ["--user", "--map-root-user", "--pid", "--fork"];
    if !Command::new("unshare").args(apart).arg("true").status().is_ok_and(|status| status.success()) {
        writeln!(std::io::stderr().lock(), "skipped: no container can be made here").unwrap();
        return;
    }
    let (_server, agent, ada) = fixture();
    let home = TempDir::new().unwrap();
    agent.register(&confirmation("deploy"));
    let apart = apart.join(" ");
    let said = at_terminal(
        &ada,
        home.path(),
        &format!("cs() {{ unshare {apart} $PROGRAM \"$@\" 2>&1; }}; cs list; cs show 1"),
    );
    assert!(said.contains("ID") && said.contains("deploy") && !said.contains("#  ID"), "{said}");
    assert!(said.contains("this terminal has shown none"), "{said}");
}

#[test]
fn what_is_no_terminal_has_no_numbers_and_no_rows() {
    let (_server, agent, ada) = fixture();
    agent.register(&confirmation("deploy"));
    let home = TempDir::new().unwrap();
    let said = command(&ada, &["list"]).env("HOME", home.path()).output().unwrap();
    assert!(String::from_utf8(said.stdout).unwrap().starts_with("ID  "));
    let output = command(&ada, &["show", "1"]).env("HOME", home.path()).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(std::fs::read_dir(home.path()).unwrap().next().is_none());
}
