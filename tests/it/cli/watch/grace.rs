//! A decision is held for a moment, and `z` takes it back.

use super::{Fixture, READY, shell};

#[test]
fn what_is_taken_back_was_never_sent_and_what_is_left_is() {
    let fixture = Fixture::new();
    fixture.agent.register(&shell("one", "make one"));
    let mut terminal = fixture.watch_with(&["--grace", "10"]);
    terminal.shows(READY);
    terminal.press("a");
    terminal.shows("Approved: shell: make one. z takes it back");
    assert_eq!(fixture.agent.look("one")["status"], "pending");
    terminal.press("z");
    terminal.shows("Taken back: shell: make one.");
    terminal.shows(READY);
    terminal.press("z");
    terminal.shows("none is.");
    assert_eq!(fixture.agent.look("one")["status"], "pending");
    terminal.press("r");
    terminal.shows("Why not?");
    terminal.press("not now\r");
    terminal.shows("Rejected: shell: make one. z takes it back");
    terminal.press("q");
    assert!(terminal.ended().0.success());
    let resolved = fixture.agent.look("one");
    assert_eq!((&resolved["status"], &resolved["resolution"]["comment"]), (&"rejected".into(), &"not now".into()));
}

#[test]
fn the_next_decision_sends_the_one_before_and_time_the_last() {
    let fixture = Fixture::new();
    for (id, command) in [("one", "make one"), ("two", "make two")] {
        fixture.agent.register(&shell(id, command));
    }
    let mut terminal = fixture.watch_with(&["--grace", "1"]);
    for command in ["make one", "make two"] {
        terminal.until(|screen| {
            screen.contains(READY) && screen.contains(&format!("command     {command}")) || {
                screen.contains(READY) && screen.contains(command)
            }
        });
        terminal.press("a");
        terminal.shows(&format!("Approved: shell: {command}."));
    }
    assert_eq!(fixture.resolved("one")["status"], "approved");
    assert_eq!(fixture.resolved("two")["status"], "approved");
    terminal.press("q");
    assert!(terminal.ended().0.success());
}

#[test]
fn a_key_without_an_effect_says_a_word() {
    let fixture = Fixture::new();
    let mut terminal = fixture.watch();
    terminal.press("x");
    terminal.shows("x does nothing: no card is there to decide.");
    fixture.agent.register(&shell("one", "make one"));
    terminal.shows(READY);
    terminal.press("x");
    terminal.shows("x does nothing here; ? lists the keys.");
    terminal.press("c");
    terminal.shows("Copied");
    assert!(terminal.sent().contains("\u{1b}]52;c;bWFrZSBvbmU=\u{7}"), "{:?}", terminal.sent());
    terminal.press("o");
    terminal.shows(&format!("{}/interactions/one", fixture.server.url));
    terminal.press("?");
    terminal.shows("take the last decision back");
}
