//! An option that a wildcard does not cover is never covered, whatever stands beside it.

use proptest::prelude::*;
use proptest::sample::select;

use super::always;
use crate::matching::asked::{Asked, rules};
use countersign::domain::enums::RuleDecision;

/// Patterns, each with a line that it covers and an option that it must not.
const REFUSED: &[(&str, &str, &str)] = &[
    ("git log *", "git log", "--output=x"),
    ("git diff *", "git diff --stat", "--ext-diff"),
    ("git push --dry-run *", "git push --dry-run origin", "--no-dry-run"),
    ("rg *", "rg foo src", "--pre=x"),
    ("sort *", "sort a", "-ox"),
    ("find *", "find . -name x", "-delete"),
    ("curl *", "curl http://localhost/", "-K/x"),
    ("kubectl get *", "kubectl get pods", "--context=x"),
    ("kubectl get -n staging *", "kubectl get -n staging pods", "-nproduction"),
    ("cargo test *", "cargo test", "--config=x"),
    ("docker ps *", "docker ps -a", "--host=x"),
    ("uv run *", "uv run pytest tests", "-pevil"),
    ("cdk diff *", "cdk diff", "--app"),
    ("npm test *", "npm test", "--script-shell=x"),
];

const WORDS: &[&str] =
    &["a", "src/b", "-v", "-n", "--stat", "-q", "--color", "-x", "5", "-5", "x=y", "-o", "--format", "run"];

#[test]
fn no_word_beside_a_refused_option_makes_it_pass() {
    let words = || prop::collection::vec(select(WORDS), 0..4);
    always(4000, &(select(REFUSED), words(), words()), |((pattern, line, option), before, after)| {
        let rules = rules(RuleDecision::Allow, &[pattern]);
        prop_assert!(Asked::command(line).is_allowed_by(&rules), "{pattern:?} covers {line:?}");
        let words = [before.as_slice(), &[option], after.as_slice()].concat().join(" ");
        let longer = format!("{line} {words}");
        prop_assert!(!Asked::command(&longer).is_allowed_by(&rules), "{pattern:?} covers {longer:?}");
        Ok(())
    });
}

#[test]
fn a_wider_pattern_that_is_offered_keeps_what_makes_the_command_harmless() {
    for (line, offered) in [
        ("kubectl delete --dry-run=client pod x", "kubectl delete --dry-run=client *"),
        ("npm publish --dry-run", "npm publish --dry-run *"),
        ("terraform fmt -check", "terraform fmt -check *"),
        ("git clean -n", "git clean -n *"),
        ("git clean -nd", "git clean -nd *"),
        ("git push origin --dry-run", "git push origin --dry-run *"),
        ("uv run pytest", "uv run pytest *"),
        ("uv run --frozen pytest -q", "uv run --frozen pytest *"),
        ("bundle exec rspec", "bundle exec rspec *"),
        ("git log -3", "git log *"),
        ("docker compose ps -a", "docker compose ps *"),
    ] {
        let offers = Asked::command(line).offers();
        assert_eq!(offers, [line, offered], "{line}");
    }
    // What it evaluates is not varied.
    assert!(!Asked::command("deno eval 1").offers().contains(&"deno eval *".to_owned()));
}
