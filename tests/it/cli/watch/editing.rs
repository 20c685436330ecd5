//! `e` hands the input to the person's editor, and what it leaves is approved after a look.

use std::os::unix::fs::PermissionsExt;

use serde_json::json;

use super::{Fixture, READY, shell};
use crate::harness::altered;

/// An editor that does this to the file of its last argument.
fn editor(fixture: &Fixture, name: &str, script: &str) -> String {
    let path = fixture.path().join(name);
    std::fs::write(&path, format!("#!/bin/sh\n{script}\n")).unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
    path.to_str().unwrap().to_owned()
}

#[test]
fn an_edited_input_is_shown_and_approved_by_a_second_key() {
    let fixture = Fixture::new();
    let editable = json!({"confirmation": {"inputEditsAllowed": true}});
    fixture.agent.register(&altered(shell("one", "make deploy"), &editable));
    let script = editor(&fixture, "edit", "[ \"$1\" = --wait ] && sed -i 's/deploy/test/' \"$2\"");
    let mut terminal = fixture.watch_in(&["--grace", "0"], &[("EDITOR", &format!("{script} --wait"))]);
    terminal.shows(READY);
    terminal.press("e");
    terminal.shows("Approve it with this input: {\"command\":\"make test\"}");
    terminal.press("\u{1b}");
    terminal.shows(READY);
    assert_eq!(fixture.agent.look("one")["status"], "pending");
    terminal.press("e");
    terminal.shows("Approve it with this input");
    terminal.press("y");
    let resolved = fixture.resolved("one");
    assert_eq!(resolved["status"], "approved");
    assert_eq!(resolved["resolution"]["effectiveInput"], json!({"command": "make test"}));
    terminal.press("q");
    assert!(terminal.ended().0.success());
}

#[test]
fn what_is_no_edit_approves_nothing_and_is_said() {
    let fixture = Fixture::new();
    fixture.agent.register(&altered(shell("one", "make"), &json!({"confirmation": {"inputEditsAllowed": true}})));
    for (name, script, said) in [
        ("same", "true", "Nothing was changed"),
        ("none", "echo '[1' > \"$1\"", "is no JSON object"),
        ("fails", "exit 3", "Nothing is approved."),
    ] {
        let script = editor(&fixture, name, script);
        let mut terminal = fixture.watch_in(&["--grace", "0"], &[("VISUAL", &script), ("EDITOR", "false")]);
        terminal.shows(READY);
        terminal.press("e");
        terminal.shows(said);
        assert_eq!(fixture.agent.look("one")["status"], "pending");
        terminal.press("q");
        assert!(terminal.ended().0.success());
    }
    fixture.agent.register(&altered(shell("two", "make"), &json!({"confirmation": {"inputEditsAllowed": false}})));
    fixture.agent.post_nothing("/v1/interactions/one/cancel").expect(200);
    let mut terminal = fixture.watch();
    terminal.shows(READY);
    terminal.press("e");
    terminal.shows("The agent does not let its input be edited.");
}
