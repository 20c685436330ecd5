//! `rules test`: examples held against rules, with nothing but the file.

use std::fs;

use tempfile::TempDir;

use super::{allowing, fed, is_empty, said};
use crate::harness::countersign;
use crate::harness::outside::refused;

const GOOD: &str = r#"match = ["git log", "git log --oneline"]
not_match = ["git log --output=x", "git log && rm -rf /"]"#;

#[test]
fn a_file_is_tested_where_there_is_no_database_and_none_is_made() {
    let home = TempDir::new().unwrap();
    let files = TempDir::new().unwrap();
    let file = files.path().join("rules.toml");
    fs::write(&file, allowing("git-log", "git log *", GOOD)).unwrap();
    let mut command = countersign();
    for variable in ["HOME", "XDG_DATA_HOME", "XDG_CONFIG_HOME", "XDG_STATE_HOME", "XDG_CACHE_HOME"] {
        command.env(variable, home.path());
    }
    let text = said(command.current_dir(home.path()).args(["rules", "test"]).arg(&file));
    assert_eq!(text, "1 rules, 4 examples: all decided as the file says\n");
    assert!(is_empty(home.path()), "testing leaves nothing behind");
    // Not even a home is needed.
    said(countersign().args(["rules", "test"]).arg(&file));
}

#[test]
fn an_example_that_fails_is_named_with_its_rule_its_list_and_what_is_decided_instead() {
    let text = allowing("git-log", "git log *", "match = [\"git log\", \"git diff\"]\nnot_match = [\"git log -3\"]")
        + &allowing("other", "ls *", "match = [\"ls\"]");
    let output = fed(countersign().args(["rules", "test", "-"]), &text);
    assert_eq!(output.status.code(), Some(1));
    assert!(output.stdout.is_empty());
    let lines = String::from_utf8(output.stderr).unwrap();
    let lines = lines.lines().collect::<Vec<_>>();
    assert_eq!(
        lines,
        [
            "-: git-log: match \"git diff\": a person is asked: the pattern does not cover the subject",
            "-: git-log: not_match \"git log -3\": allowed by git-log",
            "countersign: -: 2 of 4 examples are not decided as the file says",
        ]
    );
}

#[test]
fn rules_come_from_stdin_too() {
    let output = fed(countersign().args(["rules", "test", "-"]), &allowing("git-log", "git log *", GOOD));
    assert!(output.status.success(), "{output:?}");
    let output = fed(countersign().args(["rules", "test", "-"]), "");
    assert!(output.status.success(), "no rules are rules, too: {output:?}");
}

/// An example stands for what an agent would register: with all that a rule can be particular about.
#[test]
fn an_example_can_say_all_that_a_rule_is_particular_about() {
    let high = r#"match = [{ input = { command = "ls" } }]
not_match = [{ input = { command = "ls" }, risk_level = "high" }, { input = { command = "ls", env = { A = "b" } } }]"#;
    let there = r#"subject = "path"
match = ["/srv/a/b", { input = { file_path = "b" }, working_dir = "/srv/a" }]
not_match = ["/srv/a/.b", "/srv/a/../b", { input = { file_path = "b" }, working_dir = "/srv" }]"#;
    let url =
        "subject = \"url\"\nmatch = [\"https://a.example.com/x\"]\nnot_match = [\"https://example.com.evil.net/x\"]";
    let own = r#"subject = "text"
match = ['{"query":"rain"}']
not_match = ['{"query":"rain","more":1}']"#;
    let text = allowing("low", "ls", high)
        + &allowing("there", "/srv/a/*", there)
        + &allowing("url", "https://*.example.com/**", url)
        + &allowing("own", r#"{"query":"*"}"#, own);
    let output = fed(countersign().args(["rules", "test", "-"]), &text);
    assert!(output.status.success(), "{output:?}");
    let scoped = allowing(
        "scoped",
        "ls",
        "match = [\"ls\"]\nnot_match = [{ input = { command = \"ls\" }, working_dir = \"/etc\" }]",
    );
    let output = fed(countersign().args(["rules", "test", "-"]), &scoped.replace("everywhere", "/srv"));
    assert!(output.status.success(), "without a directory of its own an example is in the rule's: {output:?}");
}

#[test]
fn rules_of_one_tool_are_tested_together_and_those_of_another_apart() {
    let denying = allowing("no-push", "git push *", "match = [\"git push\"]").replace("\"allow\"", "\"deny\"");
    let all = allowing("all-git", "git *", "match = [\"git fetch && git log\"]\nnot_match = [\"git push\"]");
    let output = fed(countersign().args(["rules", "test", "-"]), &format!("{denying}{all}"));
    assert!(output.status.success(), "deny beats allow: {output:?}");
    let apart = denying.replace("\"shell\"", "\"other\"");
    let output = fed(countersign().args(["rules", "test", "-"]), &format!("{apart}{all}"));
    assert_eq!(output.status.code(), Some(1), "another tool's rule denies nothing here: {output:?}");
}

#[test]
fn an_example_that_no_agent_could_register_is_refused() {
    for example in ["match = [\"not JSON\"]\nsubject = \"text\"", "match = [\"[]\"]\nsubject = \"text\""] {
        let directory = TempDir::new().unwrap();
        let file = directory.path().join("rules.toml");
        fs::write(&file, allowing("odd", "*", example)).unwrap();
        let sentence = refused(countersign().args(["rules", "test"]).arg(&file));
        assert!(sentence.contains("odd"), "{sentence}");
    }
}
