//! Command lines that were written down by people who tried to get past rules, and by people who only wanted to work.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use countersign::clock::Timestamp;
use countersign::domain::enums::RuleDecision;
use countersign::domain::id::{PrincipalName, ToolName};
use countersign::domain::rule_set::RuleSet;
use countersign::rules_file::{Example, ExampleKind, FileRule, RulesFile};

use crate::harness::countersign;
use crate::matching::asked::{Asked, Decided};

const FILES: [&str; 6] = ["bypasses", "cautious", "denied", "ordinary", "permitted", "renamed"];

fn path(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/corpus/{name}.toml"))
}

fn load(name: &str) -> RulesFile {
    let text = std::fs::read_to_string(path(name)).unwrap();
    RulesFile::parse(&text, 1024).unwrap()
}

/// The command lines among the examples: what is more than a line, or none, is the binary's to test.
fn lines(rule: &FileRule, examples: &[Example]) -> Vec<String> {
    let lines = examples.iter().filter_map(|example| match example {
        Example::Subject(line) if rule.subject == ExampleKind::Command => Some(line.clone()),
        Example::Subject(_) | Example::Request(_) => None,
    });
    lines.collect()
}

/// The rules of each tool together: as strong as they are in a database.
fn tools(file: &RulesFile) -> BTreeMap<ToolName, RuleSet> {
    let mut tools = BTreeMap::<_, RuleSet>::new();
    for rule in &file.rules {
        let made = rule.make(&PrincipalName::nobody(), Timestamp::EPOCH, 1);
        tools.entry(rule.tool_name.clone()).or_default().insert(made);
    }
    tools
}

/// The lines of one list of the file, with what all rules of their tool decide about each.
fn decided(file: &RulesFile, list: impl Fn(&FileRule) -> &[Example]) -> Vec<(String, Decided)> {
    let tools = tools(file);
    let mut found = Vec::new();
    for rule in &file.rules {
        for line in lines(rule, list(rule)) {
            let decided = Asked::command(&line).decided_by(&tools[&rule.tool_name]);
            found.push((line, decided));
        }
    }
    found
}

fn distinct(decided: &[(String, Decided)]) -> usize {
    decided.iter().map(|(line, _)| line).collect::<BTreeSet<_>>().len()
}

#[test]
fn the_binary_decides_every_line_as_the_files_say() {
    for name in FILES {
        let tested = countersign().args(["rules", "test"]).arg(path(name)).output().unwrap();
        assert!(tested.status.success(), "{name}: {}", String::from_utf8_lossy(&tested.stderr));
    }
}

/// Not only without the help of the rule that they stand beside, which is what `rules test` holds them against: no rule allows them.
#[test]
fn no_bypass_is_allowed_by_all_rules_of_its_tool_together() {
    let file = load("bypasses");
    assert!(file.rules.iter().all(|rule| rule.decision == RuleDecision::Allow), "what allows nothing proves nothing");
    let decided = decided(&file, |rule| &rule.not_matching);
    let allowed = decided.iter().filter(|(_, decided)| matches!(decided, Decided::Allow(_))).collect::<Vec<_>>();
    assert!(allowed.is_empty(), "{allowed:#?}");
    assert!(distinct(&decided) >= 300, "{}", distinct(&decided));
}

/// Else a matcher that always asks would pass.
#[test]
fn every_ordinary_line_is_allowed() {
    let file = load("ordinary");
    let decided = decided(&file, |rule| &rule.matching);
    let asked = decided.iter().filter(|(_, decided)| !matches!(decided, Decided::Allow(_))).collect::<Vec<_>>();
    assert!(asked.is_empty(), "{asked:#?}");
    assert!(distinct(&decided) >= 100, "{}", distinct(&decided));
}

#[test]
fn every_hidden_command_is_denied_and_no_mention_of_it() {
    let file = load("denied");
    for (line, decided) in decided(&file, |rule| &rule.matching) {
        assert!(matches!(decided, Decided::Deny(_)), "{line:?}: {decided:?}");
    }
    for (line, decided) in decided(&file, |rule| &rule.not_matching) {
        assert!(!matches!(decided, Decided::Deny(_)), "{line:?}: {decided:?}");
    }
}
