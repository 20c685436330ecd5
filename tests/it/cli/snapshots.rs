//! Help and tables, to the letter: what changes is seen in a diff. `INSTA_UPDATE=always` writes them anew.

use serde_json::json;

use super::{command, fixture, says};
use crate::harness::{altered, confirmation, countersign, question, secret};

/// Compares with the file of this name in `snapshots`.
#[track_caller]
fn matches(name: &str, text: &str) {
    // The comparison does not see how many line ends there are at the end.
    assert!(text.ends_with('\n') && !text.ends_with("\n\n"), "{name}: {text:?}");
    let mut settings = insta::Settings::clone_current();
    settings.set_prepend_module_to_snapshot(false);
    settings.bind(|| insta::assert_snapshot!(name, text));
}

#[test]
fn the_help_of_every_command_is_as_it_was() {
    let help = |command: &str| {
        let output = countersign().args(command.split_whitespace()).arg("--help").output().unwrap();
        assert!(output.status.success(), "{output:?}");
        let help = String::from_utf8(output.stdout).unwrap();
        format!("$ countersign {command}\n\n{help}").replace("  \n", "\n").replace("countersign \n", "countersign\n")
    };
    let commands = [
        "",
        "ask",
        "ask secret",
        "ask question",
        "run",
        "list",
        "show",
        "why",
        "approve",
        "reject",
        "secret",
        "answer",
        "history",
        "log",
        "login",
        "rules",
        "rules list",
        "rules show",
        "rules revoke",
        "rules preview",
        "completions",
    ];
    matches("help", &commands.map(help).join("\n"));
}

#[test]
fn tables_and_cards_are_as_they_were() {
    let (_server, agent, ada) = fixture();
    let first = altered(
        confirmation("deploy-42"),
        &json!({"confirmation": {"reason": "the tests are green\nand it is Monday", "riskLevel": "high"}}),
    );
    agent.register(&first);
    let edit = json!({"toolName": "edit", "input": {"path": "src/main.rs", "lines": [3, 4], "text": "a\nb"}, "diff": {
        "filePath": "src/main.rs", "oldContent": "one\ntwo\nthree\n", "newContent": "one\n2\nthree\n", "isNewFile": false}});
    agent.register(&json!({"requestId": "edit-1", "kind": "confirmation", "confirmation": edit}));
    agent.register(&secret("token-1"));
    agent.register(&question("ask-1"));
    matches("list", &says(&ada, &["list"]));
    let shown = |id: &str| says(&ada, &["show", id]);
    matches("show", &["deploy-42", "edit-1", "token-1", "ask-1"].map(shown).join("\n"));
    says(&ada, &["approve", "deploy-42", "--acknowledge", "-m", "go ahead"]);
    says(&ada, &["reject", "edit-1", "-m", "not like this"]);
    says(&ada, &["secret", "token-1", "--decline"]);
    says(&ada, &["answer", "ask-1", "-o", "colour=red", "--skip", "why"]);
    matches("history", &says(&ada, &["history"]));
    matches("resolved", &["deploy-42", "ask-1"].map(shown).join("\n"));
    matches("story", &says(&ada, &["history", "edit-1"]));
}

#[test]
fn nothing_is_coloured_that_is_no_terminal() {
    let (_server, agent, ada) = fixture();
    agent.register(&confirmation("a"));
    for arguments in [&["list"][..], &["show", "a"], &["log"]] {
        let output = command(&ada, arguments).env("TERM", "xterm-256color").output().unwrap();
        assert!(!output.stdout.contains(&0x1b));
    }
}
