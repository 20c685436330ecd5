//! What is refused is refused whole: exit code 1, a sentence, and nothing imported.

use std::process::Command;

use super::{Place, allowing, row};
use crate::harness::outside::refused;
use crate::harness::{countersign, token};

/// The sentence of a refusal that must leave everything as it is.
#[track_caller]
fn refused_whole(place: &Place, command: &mut Command) -> String {
    let before = place.picture();
    let sentence = refused(command);
    assert_eq!(place.picture(), before, "{sentence}");
    sentence
}

#[test]
fn a_file_that_does_not_say_rules_is_refused_with_the_place_or_the_name() {
    let place = Place::new();
    let good = allowing("good", "ls", "");
    let long = allowing("long", &"x".repeat(1025), "");
    for (bad, named) in [
        ("[[rule]", "line"),
        ("[[rule]]\nname = \"a\"\n", "tool_name"),
        ("[[rule]]\nname = 7\n", "string"),
        ("[[rules]]\nname = \"a\"\n", "rules"),
        (&allowing("a", "ls", "max_use = 3"), "max_use"),
        (&allowing("a", "ls", "max_uses = 0"), "rule \"a\": max_uses is at least 1"),
        (&allowing("a", "ls", "max_uses = -1"), "rule \"a\": max_uses is at least 1"),
        (&allowing("a", "ls", "subject = \"number\""), "number"),
        (&allowing("a", "ls", "expires_at = 2999-12-31"), "expires_at"),
        (&allowing("a", "ls", "expires_at = 2999-12-31T23:59:59"), "expires_at"),
        (&allowing("a", "ls", "match = [{ input = { command = \"ls\" }, workingDir = \"/\" }]"), "match"),
        (&allowing("a", "ls", "").replace("allow", "always"), "always"),
        (&allowing("a b", "ls", ""), "an id is"),
        (&allowing("", "ls", ""), "an id is"),
        (&allowing("a", "", ""), "pattern"),
        (&format!("{}{}", allowing("twice", "ls", ""), allowing("twice", "pwd", "")), "twice"),
        (&long, "long"),
    ] {
        let output = place.import(&format!("{good}{bad}"), &[]).output().unwrap();
        assert_eq!((output.status.code(), output.stdout.as_slice()), (Some(1), &b""[..]), "{bad}: {output:?}");
        let said = String::from_utf8(output.stderr).unwrap();
        assert!(said.starts_with("countersign: ") && said.contains("rules.toml"), "{said}");
        assert!(said.contains(named), "{bad} is not refused for {named}: {said}");
        assert!(place.rows().is_empty(), "{bad}");
    }
    place.imported(&long, &["--max-pattern-bytes", "1025"]);
}

#[test]
fn an_import_with_an_example_that_fails_brings_in_nothing() {
    let place = Place::new();
    let text = allowing("good", "ls", "match = [\"ls\"]") + &allowing("wide", "git *", "not_match = [\"git log\"]");
    let before = place.picture();
    for flags in [&[][..], &["--dry-run"]] {
        let output = place.import(&text, flags).output().unwrap();
        assert_eq!((output.status.code(), output.stdout.as_slice()), (Some(1), &b""[..]));
        let said = String::from_utf8(output.stderr).unwrap();
        assert!(said.contains("wide: not_match[0] \"git log\": allowed by wide"), "{said}");
    }
    assert_eq!(place.picture(), before);
}

#[test]
fn rules_are_made_in_the_name_of_a_principal_that_may() {
    let place = Place::new();
    token(&place.db, "builder", "agent");
    token(&place.db, "eve", "auditor");
    token(&place.db, "root", "admin");
    let file = place.file(&allowing("a", "ls", ""));
    let import = |by: &str, flag: &[&str]| {
        let mut command = countersign();
        command.args(["rules", "import"]).arg(&file).args(["--by", by]).args(flag).arg("--db").arg(&place.db);
        command
    };
    for by in ["nobody", "builder", "eve", "Ada"] {
        for flag in [&[][..], &["--dry-run"]] {
            let sentence = refused_whole(&place, &mut import(by, flag));
            assert!(sentence.contains(by), "{sentence}");
        }
    }
    super::said(&mut import("root", &[]));
    let mut without = countersign();
    without.args(["rules", "import"]).arg(&file).arg("--db").arg(&place.db);
    assert_eq!(without.output().unwrap().status.code(), Some(2), "it does not say by whom");
}

#[test]
fn one_bad_rule_keeps_all_others_out_and_what_stands_in_force() {
    let place = Place::new();
    place.imported(&allowing("stands", "ls", ""), &[]);
    let over = allowing("over", "pwd", "expires_at = 2001-01-01T00:00:00Z");
    for text in [
        format!("{}{}{over}", allowing("first", "id", ""), allowing("stands", "ls -l", "")),
        format!("{over}{}", allowing("last", "id", "")),
    ] {
        let sentence = refused_whole(&place, &mut place.import(&text, &["--prune"]));
        assert!(sentence.contains("over"), "{sentence}");
    }
    assert_eq!(place.rows(), [row("stands", 1, "active", "ls")]);
}

#[test]
fn what_is_not_there_is_refused_and_not_made() {
    let place = Place::new();
    let nowhere = place.db.folder().join("nowhere");
    for mut command in [
        {
            let mut command = countersign();
            command.args(["rules", "test"]).arg(&nowhere);
            command
        },
        {
            let mut command = countersign();
            command.args(["rules", "import"]).arg(&nowhere).args(["--by", "ada", "--db"]).arg(&place.db);
            command
        },
        {
            let mut command = countersign();
            command.args(["rules", "export", "--db"]).arg(&nowhere);
            command
        },
        {
            let mut command = countersign();
            let file = place.file(&allowing("a", "ls", ""));
            command.args(["rules", "import"]).arg(file).args(["--by", "ada", "--dry-run", "--db"]).arg(&nowhere);
            command
        },
    ] {
        let sentence = refused_whole(&place, &mut command);
        assert!(sentence.contains("nowhere"), "{sentence}");
        assert!(!nowhere.exists(), "{command:?}");
    }
}
