use serde_json::{Value, json};

use super::*;
use crate::domain::kinds::Content;

/// What is asked with these members in place of a shell's.
pub(super) fn confirmation(members: &Value) -> Box<Confirmation> {
    let mut asked = json!({"toolName": "shell", "input": {"command": "true"}, "workingDir": "/repo"});
    asked.as_object_mut().unwrap().extend(members.as_object().unwrap().clone());
    let accepted = Content::Confirmation(serde_json::from_value(asked).unwrap()).accept().unwrap();
    let Content::Confirmation(confirmation) = accepted else { panic!("{members}") };
    confirmation
}

fn signs(members: &Value) -> Signs {
    Signs::of(&confirmation(members), Profiles::built_in())
}

/// As the table writes them: `deletes reaches_host=a.test`.
fn written(signs: &Signs) -> String {
    let found = signs.found.iter().map(|found| match found.named.as_slice() {
        [] => found.sign.to_string(),
        named => format!("{}={}", found.sign, named.join(",")),
    });
    let unread = signs.unread.map(|doubt| format!("unread:{doubt:?}"));
    let words = found.chain(unread).collect::<Vec<_>>();
    if words.is_empty() { "-".to_owned() } else { words.join(" ") }
}

#[test]
fn each_line_has_the_signs_of_the_table_and_no_others() {
    let table = include_str!("../../../../tests/corpus/signs.txt");
    let rows = table.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
    let rows = rows.map(|line| line.split_once(" | ").unwrap()).collect::<Vec<_>>();
    assert!(rows.len() > 150, "{}", rows.len());
    let found = rows.iter().map(|(expected, line)| {
        let line = line.replace('↵', "\n");
        let found = written(&signs(&json!({"input": {"command": line}})));
        (found != expected.trim()).then(|| format!("{line}\n  expected {expected}\n  found    {found}"))
    });
    let wrong = found.flatten().collect::<Vec<_>>();
    assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), rows.len(), wrong.join("\n"));
    for sign in Sign::ALL {
        let lines = rows.iter().filter(|(expected, _)| expected.contains(sign.as_str())).count();
        assert!(lines > 2, "{sign} has {lines} lines");
    }
}

#[test]
fn a_call_is_read_as_its_profile_says() {
    let patch = "*** Begin Patch\n*** Update File: src/a\n*** Delete File: ../b\n*** End Patch";
    for (members, expected) in [
        (
            json!({"toolName": "Write", "input": {"file_path": "/etc/x", "content": "rm -rf /"}}),
            "writes_outside=/etc/x",
        ),
        (json!({"toolName": "Write", "input": {"file_path": "/repo/x", "content": "y"}}), "-"),
        (json!({"toolName": "Edit", "input": {"file_path": "../x"}}), "writes_outside=../x"),
        (json!({"toolName": "Read", "input": {"file_path": "/etc/x"}}), "-"),
        (json!({"toolName": "WebFetch", "input": {"url": "https://Example.com/x"}}), "reaches_host=example.com"),
        (json!({"toolName": "WebFetch", "input": {"url": "http://localhost:1/x"}}), "-"),
        (json!({"toolName": "apply_patch", "input": {"input": patch}}), "deletes writes_outside=../b"),
        (json!({"input": {"command": ["rm", "-r", "a b"]}}), "deletes"),
        (json!({"input": {"command": ["echo", "rm x; rm y"]}}), "-"),
        (json!({"input": {"command": ["bash", "-lc", "rm x"]}}), "deletes"),
        (json!({"toolName": "mine", "input": {"text": "rm -rf /"}}), "-"),
        // In the agent's own words nothing is looked for: they are a claim.
        (json!({"toolName": "mine", "input": {"text": "x"}, "subject": "rm x"}), "-"),
    ] {
        assert_eq!(written(&signs(&members)), expected, "{members}");
    }
}

#[test]
fn what_is_outside_is_seen_from_where_the_call_runs() {
    let at = |dir: Option<&str>, line: &str| written(&signs(&json!({"workingDir": dir, "input": {"command": line}})));
    for (dir, line, expected) in [
        (None, "touch /etc/x", "writes_outside=/etc/x"),
        (None, "touch ../x", "writes_outside=../x"),
        (None, "cd .. && touch x", "writes_outside=x"),
        (None, "touch ~/.ssh/x", "writes_outside=~/.ssh/x"),
        // It may be there that it works.
        (None, "touch /home/me/app/x ~/app/x /srv/app/x /tmp/x", "-"),
        (None, "cd src && touch ../x", "-"),
        (Some("/home/me/app"), "touch ~/app/x \"$HOME/app/y\" /home/me/app/z", "-"),
        (Some("/home/me/app"), "touch ~/x", "writes_outside=~/x"),
        (Some("/home/me/app"), "touch \"/home/$USER/app/x\"", "-"),
        (Some("/etc"), "touch /etc/x", "-"),
        (Some("/repo"), "touch /repository/x", "writes_outside=/repository/x"),
    ] {
        assert_eq!(at(dir, line), expected, "{dir:?} {line}");
    }
    let in_directory = json!({"workingDir": null, "input": {"command": "touch /a/b/x /a/x", "cwd": "/a/b"}});
    assert_eq!(written(&signs(&in_directory)), "writes_outside=/a/x");
}

#[test]
fn what_is_too_much_is_not_looked_into_and_says_so() {
    let deep = format!("{}rm x", "sudo ".repeat(400));
    for line in ["rm x;".repeat(60_000), "a | ".repeat(500), "(".repeat(262_144), "$(".repeat(2_000), deep] {
        let found = written(&signs(&json!({"input": {"command": line}})));
        assert!(found.ends_with("unread:TooMuch"), "{found}: {}", &line[..20]);
    }
}

proptest::proptest! {
    #[test]
    fn no_line_makes_it_panic(line in "[ -~\n]{0,80}", words in proptest::collection::vec("(rm|cd|sh|-c|sudo|>|/etc/x|\\.\\.|'|\"|\\$\\(|\\)|\\||;|<<|E|\n|curl|-o|--|=|~|é){1}", 0..20)) {
        signs(&json!({"input": {"command": line}}));
        signs(&json!({"input": {"command": words.join(" ")}}));
    }
}
