//! Nothing that is put before, behind or into an allowed command brings another one past the rules.

use std::cell::Cell;

use proptest::prelude::*;
use proptest::sample::{Index, select};

use super::{META, always, soup};
use crate::matching::asked::{Asked, Kind, rules};
use crate::matching::shell::{self, Command};
use countersign::domain::enums::RuleDecision;
use countersign::domain::rule_set::RuleSet;

const PATTERNS: &[&str] =
    &["git status", "git log *", "ls *", "echo *", "npm run test:*", "cat src/*", "cd *", "wc -l *"];

const ALLOWED: &[&str] = &[
    "git status",
    "git log",
    "git log -3 --oneline",
    "ls",
    "ls -la src",
    "echo hi",
    "echo 'a b'",
    "echo \"a b\" c",
    "npm run test:unit",
    "cat src/main.rs",
    "cd src",
    "wc -l a b",
    "ls 2>/dev/null",
    "echo hi 2>&1",
];

const JUNK: &[&str] = &[
    "CANARY",
    "CANARY x",
    "/bin/CANARY",
    "./CANARY",
    "rm CANARY",
    "git push",
    "git status CANARY",
    "npm run CANARY",
    "cat /CANARY",
    "cat src/../CANARY",
    "sudo ls",
    "sh -c ls",
    "eval ls",
    "git -c a=b log",
    "git log --output=CANARY",
    "wc CANARY",
    "npm run test:a/b",
    "cat src/.a",
];

fn allowing() -> RuleSet {
    rules(RuleDecision::Allow, PATTERNS)
}

/// Whether one of the patterns covers `command`, by the plainest reading of them that there is.
fn is_covered(command: &Command) -> bool {
    let covers = |pattern: &str, word: &Option<String>| match (pattern.strip_suffix('*'), word) {
        (_, None) => false,
        (None, Some(word)) => pattern == word,
        (Some(prefix), Some(word)) => {
            word.strip_prefix(prefix).is_some_and(|rest| !rest.contains('/') && !rest.starts_with('.'))
        }
    };
    let is_test = command.first().is_some_and(|program| program.as_deref() == Some("["));
    is_test
        || PATTERNS.iter().any(|pattern| {
            let mut words = pattern.split(' ').collect::<Vec<_>>();
            let any_rest = words.pop_if(|last| *last == "*").is_some();
            let fits = command.len() == words.len() || (any_rest && command.len() > words.len());
            fits && words.iter().zip(command).all(|(pattern, word)| covers(pattern, word))
        })
}

/// An allowed line is one whose every command a second, simpler reading finds, and finds covered.
#[track_caller]
fn is_explained(line: &str, rules: &RuleSet, allowed: &Cell<u32>) -> Result<(), TestCaseError> {
    let Some(asked) = Asked::new(Kind::Command, line) else {
        return Ok(());
    };
    if asked.is_allowed_by(rules) {
        allowed.set(allowed.get() + 1);
        let commands = shell::commands(line);
        let explained = commands.as_ref().is_some_and(|found| found.iter().all(is_covered));
        prop_assert!(explained, "{line:?} is allowed and runs {commands:?}");
    }
    Ok(())
}

#[test]
fn the_lines_that_the_others_are_made_of_are_allowed_or_not_as_they_should_be() {
    let rules = allowing();
    for line in ALLOWED {
        assert!(Asked::command(line).is_allowed_by(&rules), "{line}");
        let commands = shell::commands(line).unwrap();
        assert!(commands.iter().all(is_covered), "{line}: {commands:?}");
    }
    for line in JUNK {
        assert!(!Asked::command(line).is_allowed_by(&rules), "{line}");
    }
}

/// With every metacharacter between them, with and without blanks around it, in both orders.
#[test]
fn a_metacharacter_between_an_allowed_command_and_another_lets_only_what_is_allowed_pass() {
    let (rules, allowed) = (allowing(), Cell::new(0));
    let other = prop_oneof![3 => select(JUNK), 1 => select(ALLOWED)];
    let blank = || prop_oneof![Just(""), Just(" ")];
    always(4000, &(select(ALLOWED), blank(), select(META), blank(), other), |(command, before, meta, after, other)| {
        is_explained(&format!("{command}{before}{meta}{after}{other}"), &rules, &allowed)?;
        is_explained(&format!("{other}{before}{meta}{after}{command}"), &rules, &allowed)
    });
    assert!(allowed.get() > 400, "who allows nothing proves nothing: {allowed:?}");
}

#[test]
fn a_metacharacter_inside_an_allowed_command_lets_only_what_is_allowed_pass() {
    let (rules, allowed) = (allowing(), Cell::new(0));
    let junk = prop_oneof![2 => Just(""), 1 => select(JUNK)];
    always(4000, &(select(ALLOWED), any::<Index>(), select(META), junk), |(command, at, meta, junk)| {
        let (before, after) = command.split_at(at.index(command.len() + 1));
        is_explained(&format!("{before}{meta}{junk}{after}"), &rules, &allowed)?;
        is_explained(&format!("{before}{meta}{junk}{meta}{after}"), &rules, &allowed)
    });
    assert!(allowed.get() > 400, "who allows nothing proves nothing: {allowed:?}");
}

#[test]
fn no_mixture_of_commands_and_metacharacters_runs_what_is_not_allowed() {
    let (rules, allowed) = (allowing(), Cell::new(0));
    let pieces = prop_oneof![3 => select(ALLOWED), 1 => select(JUNK), 3 => select(&[" ; ", " && ", " | ", "\n"][..])];
    always(6000, &soup(pieces), |line| is_explained(&line, &rules, &allowed));
    assert!(allowed.get() > 100, "who allows nothing proves nothing: {allowed:?}");
}

/// A line that is not allowed is not allowed either when anything but the commands in it is taken from it or added to it.
#[test]
fn a_program_that_no_rule_knows_is_never_run_wherever_it_stands() {
    let rules = allowing();
    let compound = select(
        &[
            "A; B",
            "A && B",
            "A || B",
            "A | B",
            "A & B",
            "A\nB",
            "(A; B)",
            "{ A; B; }",
            "! B",
            "if A; then B; fi",
            "if B; then A; fi",
            "for i in a; do B; done",
            "while A; do B; done",
            "until B; do A; done",
            "f() { B; }; A",
            "A $(B)",
            "A `B`",
            "A <(B)",
            "A \"$(B)\"",
            "A \"`B`\"",
            "A ${x:-$(B)}",
            "A <<E\n$(B)\nE",
            "A <<<\"$(B)\"",
            "x=$(B) A",
            "A > >(B)",
            "[[ -n $(B) ]] && A",
            "[ \"`B`\" ] ; A",
            "A $((x[$(B)]))",
            "coproc B; A",
            "time B",
            "case x in x) B;; esac",
            "A \\\n&& B",
            "A &&\\\nB",
            "A;B",
            "A&B",
            "A|B",
            "A |& B",
            "A # x\nB",
            "# x\nB\nA",
            "select i in a; do B; done",
            "A 2>&1; B",
            "A 2>/dev/null&&B",
            "A;\tB",
            "A\n\n\tB",
            "((1)); B",
            "eval B",
            "exec B",
            "function f { B; }; A",
            "f() (B); A",
            "A;{ B; }",
            "A && (B)",
            "trap B EXIT; A",
            "A & wait; B",
            "sudo B",
            "A; env B",
        ][..],
    );
    let junk = select(&["CANARY", "/bin/CANARY", "CANARY x", "'CANARY'", "CAN\\ARY", "C\"A\"NARY", "rm CANARY"][..]);
    let nested = (compound.clone(), compound, select(ALLOWED), junk).prop_map(|(outer, inner, command, junk)| {
        let inner = inner.replace('A', "\u{1}").replace('B', "\u{2}");
        let line = outer.replace('A', "\u{1}").replace('B', &inner);
        line.replace('\u{1}', command).replace('\u{2}', junk)
    });
    always(4000, &nested, |line| {
        prop_assert!(!Asked::command(&line).is_allowed_by(&rules), "{line:?}");
        Ok(())
    });
}
