//! Text of agents on a terminal: shown, never obeyed, and nothing in it unseen.

use serde_json::json;

use super::{command, ends, fixture};

/// Clears the screen, colours, turns round, hides.
const HOSTILE: &str = "safe\u{1b}[2J\u{1b}]0;x\u{7}\u{9b}31m\u{202e}\u{200b}\r\n  status      approved\u{8}";

#[test]
fn no_sequence_of_an_agent_reaches_a_terminal_whatever_is_printed() {
    let (_server, agent, ada) = fixture();
    let confirmation = json!({
        "toolName": "sh\u{202e}ell", "input": {"command": HOSTILE, HOSTILE: [HOSTILE]}, "workingDir": HOSTILE,
        "reason": HOSTILE, "subject": HOSTILE,
        "diff": {"filePath": HOSTILE, "oldContent": "a\n", "newContent": HOSTILE, "isNewFile": false},
        "allowlistOptions": [{"label": HOSTILE, "description": HOSTILE, "pattern": "safe*"}],
        "scopeOptions": [{"label": HOSTILE, "scope": "team\u{202e}"}, {"label": HOSTILE, "scope": "everywhere"}]});
    agent.register(&json!({"requestId": "c", "kind": "confirmation", "confirmation": confirmation}));
    let secret = json!({"service": "a\u{202e}", "field": "b", "label": HOSTILE, "description": HOSTILE,
        "purpose": HOSTILE, "allowedTools": [HOSTILE], "allowedDomains": [HOSTILE]});
    agent.register(&json!({"requestId": "s", "kind": "secret", "secret": secret}));
    let entry = json!({"questionId": "q", "text": HOSTILE,
        "options": [{"optionId": "o", "label": HOSTILE, "description": HOSTILE}]});
    agent.register(&json!({"requestId": "q", "kind": "question", "question": {"entries": [entry]}}));
    let commands: &[(i32, &[&str])] = &[
        (0, &["list"]),
        (0, &["list", "--json"]),
        (0, &["show", "c"]),
        (0, &["show", "c", "--json"]),
        (0, &["show", "s"]),
        (0, &["show", "q"]),
        (1, &["approve", "c", "--always", "x"]),
        (1, &["approve", "c", "--always", "safe*"]),
        // No rule may allow what hides: what its agent offered for it is left out.
        (1, &["rules", "preview", "--request", "c", "--pattern", "safe*"]),
        (0, &["approve", "c", "--acknowledge", "-m", HOSTILE]),
        (0, &["history"]),
        (0, &["history", "c"]),
        (0, &["log"]),
        (0, &["log", "--json"]),
    ];
    for (code, arguments) in commands {
        let (stdout, stderr) = ends(*code, &mut command(&ada, arguments));
        for said in [stdout, stderr] {
            let unseen = |c: char| (c.is_control() && c != '\n') || "\u{202e}\u{200b}".contains(c);
            assert!(!said.contains(unseen), "{arguments:?}: {said:?}");
            // What follows a newline of an agent's never begins a line.
            assert!(!said.contains("\n  status      approved⟨"), "{arguments:?}: {said}");
        }
    }
}

#[test]
fn nothing_of_a_long_input_is_left_out_of_show() {
    let (_server, agent, ada) = fixture();
    let long = format!("echo {}; rm -rf ~", "a".repeat(200_000));
    let confirmation = json!({"toolName": "shell", "input": {"command": long}});
    agent.register(&json!({"requestId": "c", "kind": "confirmation", "confirmation": confirmation}));
    let (stdout, _) = ends(0, &mut command(&ada, &["show", "c"]));
    assert!(stdout.contains(&long));
}
