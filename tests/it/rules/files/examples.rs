//! `rules test`: examples held against rules, with nothing but the file.

use std::fs;

use tempfile::TempDir;

use super::{Place, allowing, fed, is_empty, said};
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
    assert_eq!(text, "1 rule, 4 examples: all decided as the file says\n");
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
            "-: git-log: match[1] \"git diff\": a person is asked: `diff` stands where the pattern says `log`",
            "-: git-log: not_match[0] \"git log -3\": allowed by git-log",
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

/// What `rules test` says of a file that it refuses, on stderr.
#[track_caller]
fn told(text: &str) -> String {
    let output = fed(countersign().args(["rules", "test", "-"]), text);
    assert_eq!(output.status.code(), Some(1), "{text}: {output:?}");
    String::from_utf8(output.stderr).unwrap()
}

#[test]
fn what_is_wrong_with_a_file_is_told_with_its_line_its_rule_and_its_member() {
    let table = |more: &str| allowing("a", "ls", &format!("match = [\"ls\", {{ {more} }}]"));
    for (text, expected) in [
        (
            table("input = { command = \"ls\" }, workingDir = \"/x\""),
            &["line 7: rule \"a\": match[1]: ", "no workingDir, did you mean working_dir?"][..],
        ),
        (
            table("input = { command = \"ls\" }, risk_level = \"severe\""),
            &["match[1].risk_level: expected one of low, medium, high, and not \"severe\""],
        ),
        (
            table("input = { command = \"ls\" }, execution_target = \"prod\""),
            &["match[1].execution_target: expected one of sandbox, host"],
        ),
        (table("input = \"ls\""), &["match[1].input: an input is a table, such as { command = \"git log\" }"]),
        (table("working_dir = \"/x\""), &["match[1]: input is missing: ", "such as { command = \"git log\" }"]),
        (
            table("command = \"ls\""),
            &["match[1]: an example has no command (", "the members of a call stand in its input"],
        ),
        (
            table("input = { command = \"ls\" }, working_dir = \"x\""),
            &["match[1]: a working_dir is an absolute directory"],
        ),
        (allowing("a", "ls", "not_match = [7]"), &["not_match[0]: ", "a subject in quotes, or a table with an input"]),
        (
            allowing("a", "ls", "expiresAt = 2030-01-01T00:00:00Z"),
            &["a rule has no expiresAt, did you mean expires_at?"],
        ),
        (
            allowing("a", "ls", "expires_at = 2030-13-01T00:00:00Z"),
            &["line 7: a time is written as in RFC 3339, for example"],
        ),
        (
            allowing("a", "ls", "expires_at = \"tomorrow\""),
            &["rule \"a\": expires_at: a time is written as in RFC 3339, for example"],
        ),
        (
            allowing("a", "ls", "members = { \"host\" = \"x\" }"),
            &["rule \"a\": members: a member is named by a JSON pointer", "write \"/host\""],
        ),
        (allowing("a", "ls", "").replace("decision = \"allow\"", ""), &["line 1: rule \"a\": decision is missing"]),
        (allowing("a", "ls", "") + "[[rule]]\npattern = \"ls\"", &["rule number 2: name is missing"]),
        ("[[rules]]\nname = \"a\"\n".to_owned(), &["a rules file has no rules, did you mean rule?"]),
    ] {
        let said = told(&text);
        assert!(expected.iter().all(|part| said.contains(part)), "{expected:?} is not in {said}");
    }
}

#[test]
fn an_example_that_asks_is_told_with_the_part_of_the_rule_that_does_not_cover_it() {
    let one = |rule: &str, input: &str, more: &str| {
        allowing("a", "ls", &format!("{rule}\nmatch = [{{ input = {input}{more} }}]"))
    };
    for (text, expected) in [
        (
            one("members = { \"/hsot\" = \"x\" }", "{ command = \"ls\", host = \"x\" }", ""),
            "the member `hsot` is missing, and the rule says `x` (the input has `command`, `host`)",
        ),
        (
            one("members = { \"/host\" = \"x*\" }", "{ command = \"ls\", host = \"y\" }", ""),
            "the member `host` is `y`, and the rule says `x*`",
        ),
        (one("", "{ command = \"ls\", sudo = true }", ""), "the rule does not speak of the member `sudo`"),
        (
            one("members = { \"\" = \"*\" }", "{ command = \"ls\", sudo = true }", ""),
            "the member `sudo` looks like another subject, and the rule does not name it",
        ),
        (
            one("", "{ command = \"ls\" }", ", working_dir = \"/etc\"").replace("everywhere", "/srv"),
            "the rule is about `/srv`, and this runs in `/etc`",
        ),
        (
            one("", "{ command = \"ls\" }", ", working_dir = \"\"").replace("everywhere", "/srv"),
            "the rule is about `/srv`, and the request names no working directory",
        ),
        (
            one("", "{ command = \"ls\" }", ", scopes = []").replace("everywhere", "team-a"),
            "the request does not offer the scope `team-a`",
        ),
        (allowing("a", "git *", "match = [\"git log | head\"]"), "no rule covers `head`"),
        (allowing("a", "git log *", "match = [\"FOO=1 git log\"]"), "it sets a variable: `FOO=1`"),
        (
            allowing("a", "git push --force *", "match = [\"git push origin --force\"]")
                .replace("\"allow\"", "\"deny\""),
            "a (deny) may be about it, but not surely",
        ),
        (
            allowing("a", "git push *", "match = [\"git pull\"]").replace("\"allow\"", "\"ask\""),
            "it is not what the pattern `git push *` is about",
        ),
    ] {
        let said = told(&text);
        assert!(said.contains("-: a: match[0] \"") && said.contains(expected), "{expected:?} is not in {said}");
    }
}

#[test]
fn a_pattern_that_never_matches_fails_the_test_and_is_told_at_an_import() {
    for (tool, pattern, decision, told_why) in [
        ("shell", "git \\\"log *", "allow", "a pattern is one command"),
        ("shell", "git log && *", "allow", "a pattern is one command"),
        ("shell", "git log && *", "deny", "a pattern is one command"),
        ("shell", "curl http*://localhost/*", "allow", "a scheme without wildcards and a plain host"),
        ("WebFetch", "docs.example.com/**", "allow", "begins with a scheme and a host"),
        ("WebFetch", "*", "allow", "https://*/** for any host"),
        ("Edit", "/repo/../**", "allow", "a path with wildcards has no `..`"),
        ("mine", "git log\u{200b}", "allow", "characters that it has"),
    ] {
        let text =
            allowing("a", "PATTERN", "").replace("PATTERN", pattern).replace("\"allow\"", &format!("{decision:?}"));
        let text = text.replace("\"shell\"", &format!("{tool:?}"));
        let said = told(&text);
        assert!(said.contains("never matches: ") && said.contains(told_why), "{pattern}: {said}");
        assert!(said.ends_with("countersign: -: 1 pattern can never match\n"), "{said}");
        let place = Place::new();
        let imported = place.import(&text, &[]).output().unwrap();
        assert!(imported.status.success(), "{imported:?}");
        assert!(String::from_utf8(imported.stderr).unwrap().contains(": warning: a: the pattern "));
    }
    for text in [
        allowing("a", "git log && git diff", "match = [\"git log && git diff\"]"),
        allowing("a", "*", "match = [\"https://a.example.com/\"]")
            .replace("shell", "WebFetch")
            .replace("allow", "deny"),
    ] {
        let output = fed(countersign().args(["rules", "test", "-"]), &text);
        assert!(output.status.success() && output.stderr.is_empty(), "{output:?}");
    }
}

#[test]
fn a_rule_that_has_ended_or_has_no_examples_is_told_and_fails_nothing() {
    for (text, expected) in [
        (
            allowing("a", "ls", "match = [\"ls\"]\nexpires_at = 2001-01-01T00:00:00Z"),
            "-: warning: a: the rule ended on 2001-01-01T00:00:00.000Z\n",
        ),
        (
            allowing("a", "ls", ""),
            "-: warning: a: the rule has no examples: `match` and `not_match` say what it decides\n",
        ),
        (
            allowing("a", "git log | ", "match = [\"git log | \"]"),
            "-: warning: a: the pattern \"git log | \" covers a line that is the same to the letter, and no other: it does not read as a command line\n",
        ),
    ] {
        let output = fed(countersign().args(["rules", "test", "-"]), &text);
        assert!(output.status.success(), "{output:?}");
        assert_eq!(String::from_utf8(output.stderr).unwrap(), expected);
    }
}

/// What an example leaves out is as the rule says, and a subject is read as the tool's profile says.
#[test]
fn an_example_is_of_the_rules_place_agent_and_target_and_of_the_tools_shape() {
    let parts = "agent = \"builder\"\nexecution_target = \"host\"\nmatch = [\"ls\", { input = { command = \"ls\" } }]\n\
                 not_match = [{ input = { command = \"ls\" }, agent = \"other\" }, \
                 { input = { command = \"ls\" }, execution_target = \"sandbox\" }, \
                 { input = { command = \"ls\" }, ELSEWHERE }]";
    let scoped = |scope: &str, elsewhere: &str| {
        allowing(scope, "ls", parts)
            .replace("ELSEWHERE", elsewhere)
            .replace("everywhere", scope)
            .replace("name = \"/srv\"", "name = \"dir\"")
    };
    let of = |tool: &str, pattern: &str, more: &str| {
        allowing(tool, pattern, more).replace("\"shell\"", &format!("{tool:?}"))
    };
    let text = scoped("/srv", "working_dir = \"/etc\"")
        + &scoped("team-a", "scopes = [\"team-b\"]")
        + &scoped("conversation:c1", "conversation = \"c2\"")
        + &of(
            "WebFetch",
            "https://a.example.com/**",
            "match = [\"https://a.example.com/b/c\"]\nnot_match = [\"https://b.example.com/\"]",
        )
        + &of("NotebookEdit", "/srv/**", "match = [\"/srv/a.ipynb\"]\nnot_match = [\"/srv/../a\"]")
        + &of("exec_command", "ls", "match = [\"ls\"]\nnot_match = [\"ls | sh\"]")
        + &of("WebSearch", "rain *", "match = [\"rain in may\"]\nnot_match = [\"sun\"]")
        + &of(
            "mcp__github__get_file_contents",
            "me/repo/**",
            "match = [\"me/repo/a/b\"]\nnot_match = [\"me/other/a\"]",
        )
        + &of("local_shell", "ls", "match = [\"ls\"]\nnot_match = [\"pwd\"]")
        + &of("TodoWrite", r#"{"todos":[*]}"#, "match = ['{\"todos\":[1]}']\nnot_match = ['{}']");
    let output = fed(countersign().args(["rules", "test", "-"]), &text);
    assert!(output.status.success(), "{output:?}");
}

#[test]
fn a_pattern_that_covers_less_than_it_seems_to_is_told_with_a_line_that_it_does_not_cover() {
    let told_of = |pattern: &str| {
        let output = fed(countersign().args(["rules", "test", "-"]), &allowing("a", pattern, "not_match = [\"id\"]"));
        assert!(output.status.success(), "{output:?}");
        String::from_utf8(output.stderr).unwrap()
    };
    for (pattern, expected) in [
        ("sudo systemctl restart *", "does not cover \"sudo systemctl restart x\": `sudo` runs what its words say"),
        (
            "bash scripts/*.sh *",
            "does not cover \"bash scripts/x.sh x\": `scripts/x.sh` may do more than the pattern says",
        ),
        ("FOO=1 git log *", "it sets a variable"),
    ] {
        let said = told_of(pattern);
        assert!(said.contains("warning: a: the pattern") && said.contains(expected), "{pattern}: {said}");
    }
    for pattern in [
        "curl -s http://localhost:*/**",
        "git log *",
        "npm run test:*",
        "make *",
        "rm -r target/*",
        "cat src/**",
        "python3 - *",
        "foo --*",
        "./*",
    ] {
        let said = told_of(pattern);
        assert!(!said.contains("does not cover"), "{pattern}: {said}");
    }
}
