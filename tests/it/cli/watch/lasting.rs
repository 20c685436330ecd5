//! What lasts: the screen while servers come and go, and the terminal when the screen has gone.

use std::process::Stdio;

use serde_json::json;

use super::{Fixture, READY, shell};
use crate::harness::{Client, Process, altered, confirmation, countersign, signal};

#[test]
fn it_goes_on_when_the_server_is_back() {
    let mut fixture = Fixture::new();
    fixture.agent.register(&shell("before", "make before"));
    let mut terminal = fixture.watch();
    terminal.shows(READY);
    let address = fixture.server.url.trim_start_matches("http://").to_owned();
    signal(fixture.server.id(), "KILL");
    terminal.shows("the server is away");
    fixture.server = Process::serve_on(&address, &fixture.db, &["--credentials-file", "none"]);
    fixture.agent.register(&shell("after", "make after"));
    terminal.until(|screen| screen.contains("live at") && screen.contains("2 wait"));
    terminal.press("a");
    assert_eq!(fixture.resolved("before")["status"], "approved");
    terminal.until(|screen| screen.contains("make after") && screen.contains(READY));
}

#[test]
fn nothing_that_an_agent_writes_is_obeyed() {
    let fixture = Fixture::new();
    let hostile = "\u{1b}[2J\u{1b}]0;pwned\u{7}\u{9b}31m\u{202e}live at\u{200b} g\u{456}t";
    let content = json!({"confirmation": {"toolName": "shell", "input": {"command": hostile}, "reason": hostile}});
    fixture.agent.register(&altered(confirmation("hostile"), &content));
    let terminal = fixture.watch();
    let screen = terminal.until(|screen| screen.contains(READY) && screen.matches("⟨U+001B⟩[2J").count() >= 2);
    assert!(screen.contains("⟨U+202E⟩") && screen.contains("⟨U+200B⟩") && screen.contains("\u{456}⟨U+0456⟩"));
    let sent = terminal.sent();
    for sequence in ["\u{1b}]0;", "\u{9b}", "\u{202e}", "\u{200b}", "\u{7}"] {
        assert!(!sent.contains(sequence), "{sequence:?} was sent to the terminal");
    }
}

#[test]
fn the_terminal_is_given_back_however_it_ends() {
    let fixture = Fixture::new();
    for key in ["q", "\u{3}"] {
        let mut terminal = fixture.watch();
        terminal.press(key);
        let (status, _) = terminal.ended();
        assert!(status.success());
    }
    for name in ["TERM", "HUP"] {
        let terminal = fixture.watch();
        signal(terminal.id(), name);
        terminal.ended();
    }
}

#[test]
fn a_person_whose_token_was_revoked_is_told_so_on_the_screen() {
    let fixture = Fixture::new();
    let terminal = fixture.watch();
    terminal.shows("nothing waits");
    let revoked = countersign().args(["token", "revoke", "--name", "ada", "--db"]).arg(&fixture.db).output().unwrap();
    assert!(revoked.status.success());
    // What is asked now has to be looked at with the token.
    fixture.agent.register(&shell("one", "make deploy"));
    let (status, screen) = terminal.ended();
    assert_eq!(status.code(), Some(1));
    assert!(screen.contains("does not know the token"), "{screen}");
    let refused = Client::new(&fixture.server.url, &fixture.approver).get("/v1/interactions").status;
    assert_eq!(refused, 401);
}

#[test]
fn without_a_terminal_it_says_what_to_use_instead() {
    let fixture = Fixture::new();
    let watched = countersign().args(["watch", "--url", &fixture.server.url]).stdout(Stdio::piped()).output().unwrap();
    assert_eq!(watched.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&watched.stderr).contains("countersign list"));
}
