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

const FILES: [&str; 8] = ["bypasses", "cautious", "denied", "escapes", "everyday", "ordinary", "permitted", "renamed"];

/// The rules whose patterns never match, file by file: people keep such rules.
const KEPT_IN_VAIN: &[(&str, &[&str])] = &[
    ("bypasses", &["more-than-a-url-in-words"]),
    ("everyday", &["everyday:export", "beyond:export", "everyday:bracket", "everyday:curl-local", "everyday:writes-4"]),
];

/// Of the lines of `everyday.toml` at least so many in a hundred pass, but for those that ask on purpose.
const MIN_PASSING: f64 = 98.0;

/// Of the lines of `escapes.toml` at least so many in a hundred ask, but for those that turned out to be no more than plain use.
const MIN_ASKING: f64 = 99.0;

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
        Example::Subject(line) if rule.subject.is_none_or(|kind| kind == ExampleKind::Command) => Some(line.clone()),
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
        let said = String::from_utf8(tested.stderr).unwrap();
        let (never, other) = said
            .lines()
            .filter(|line| !line.contains(": warning: "))
            .partition::<Vec<_>, _>(|line| line.contains(" never matches: "));
        // Each of them is told, and all else is as the file says.
        let kept = KEPT_IN_VAIN.iter().find(|(file, _)| *file == name).map_or(&[][..], |(_, kept)| kept);
        let told = never.iter().filter_map(|line| line.split(": ").nth(1)).collect::<Vec<_>>();
        assert_eq!(told, kept, "{name}: {said}");
        assert_eq!(other.len(), usize::from(!kept.is_empty()), "{name}: {said}");
        assert_eq!(tested.status.success(), kept.is_empty(), "{name}: {said}");
        assert!(other.iter().all(|line| line.ends_with("can never match")), "{name}: {said}");
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

/// How many lines of a corpus are allowed and how many ask: those beside rules whose names begin with `apart`, and all others.
fn counted(name: &str, apart: &str) -> [(usize, usize); 2] {
    let file = load(name);
    let tools = tools(&file);
    let mut counts = [(0, 0); 2];
    for rule in &file.rules {
        let (allowed, asked) = &mut counts[usize::from(!rule.name.as_str().starts_with(apart))];
        for line in [lines(rule, &rule.matching), lines(rule, &rule.not_matching)].concat() {
            *(if Asked::command(&line).is_allowed_by(&tools[&rule.tool_name]) {
                &mut *allowed
            } else {
                &mut *asked
            }) += 1;
        }
    }
    counts
}

fn percent(part: usize, rest: usize) -> f64 {
    f64::from(u32::try_from(part).unwrap()) * 100.0 / f64::from(u32::try_from(part + rest).unwrap())
}

/// `scripts/test` prints these figures; docs/reference/patterns.md says what they mean.
#[test]
#[expect(clippy::print_stdout, reason = "a figure is printed")]
fn the_shares_of_what_passes_and_of_what_asks_are_kept() {
    let [(beyond_passing, beyond), (passing, asking)] = counted("everyday", "beyond:");
    println!(
        "ordinary lines under the rules that people keep: {passing} of {} pass ({:.1} %); {beyond} more ask on purpose ({:.1} % of all pass)",
        passing + asking,
        percent(passing, asking),
        percent(passing, asking + beyond),
    );
    let [(plain, plainly_asking), (escaping, caught)] = counted("escapes", "plainly:");
    println!(
        "escapes under `PROGRAM *`: {caught} of {} ask ({:.1} %); {plain} more are plain use and pass ({:.1} % of all ask)",
        caught + escaping,
        percent(caught, escaping),
        percent(caught, escaping + plain),
    );
    let shares = [(passing, asking), (passing, asking + beyond), (caught, escaping), (caught, escaping + plain)];
    for page in [include_str!("../../../README.md"), include_str!("../../../docs/reference/patterns.md")] {
        for (part, rest) in shares {
            let share = format!("{:.1} %", percent(part, rest));
            assert!(page.contains(&share), "a page does not say {share}");
        }
    }
    assert_eq!((beyond_passing, plainly_asking), (0, 0), "a line that counts apart is decided otherwise");
    assert!(passing + asking + beyond >= 1_300 && percent(passing, asking) >= MIN_PASSING, "{passing} {asking}");
    assert!(caught + escaping + plain >= 1_000 && percent(caught, escaping) >= MIN_ASKING, "{caught} {escaping}");
}
