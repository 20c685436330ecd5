//! A query in `watch`: what is shown, what comes meanwhile, and what is typed.

use super::{Fixture, READY, shell};

#[test]
fn a_slash_asks_what_is_to_be_found_and_only_that_is_shown_and_comes() {
    let fixture = Fixture::new();
    for (id, command) in [("one", "make first"), ("two", "kubectl second")] {
        fixture.agent.register(&shell(id, command));
    }
    let mut terminal = fixture.watch();
    terminal.until(|screen| screen.contains("2 wait") && screen.contains(READY));
    terminal.press("/");
    terminal.shows("Find:");
    terminal.press("state:x\r");
    terminal.shows("state: is no field");
    terminal.press("\u{1b}");
    terminal.until(|screen| !screen.contains("Find:"));
    terminal.press("/kubectl\r");
    let screen = terminal.until(|screen| screen.contains("1 waits of kubectl") && screen.contains("kubectl second"));
    assert!(!screen.contains("make first"), "{screen}");
    fixture.agent.register(&shell("three", "make third"));
    fixture.agent.register(&shell("four", "kubectl fourth"));
    let screen = terminal.shows("2 wait of kubectl");
    assert!(!screen.contains("make third"), "{screen}");
    terminal.press("/");
    terminal.shows("Find: kubectl");
    terminal.press(&"\u{7f}".repeat("kubectl".len()));
    terminal.press("\r");
    terminal.until(|screen| screen.contains("4 wait ·") && screen.contains("make first"));
}

#[test]
fn watch_begins_with_a_query() {
    let fixture = Fixture::new();
    fixture.agent.register(&shell("one", "make first"));
    fixture.agent.register(&shell("two", "kubectl second"));
    for query in [["--query", "second agent:build"], ["second", "agent:build"]] {
        let terminal = fixture.watch_with(&query);
        let screen =
            terminal.until(|screen| screen.contains("1 waits of second agent:build") && screen.contains(READY));
        assert!(screen.contains("kubectl second") && !screen.contains("make first"), "{screen}");
    }
}
