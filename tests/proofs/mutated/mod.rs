//! Lines that rules allow, changed at random, run nothing but what the rules name: in bash, dash and zsh, among programs that do
//! nothing but to record how they were called.

mod mutate;
mod sandbox;

use std::collections::{BTreeMap, HashSet};
use std::path::Path;

use countersign::clock::Timestamp;
use countersign::domain::id::{PrincipalName, ToolName};
use countersign::domain::rule_set::RuleSet;
use countersign::rules_file::{Example, ExampleKind, RulesFile};

use self::mutate::Mutations;
use self::sandbox::Sandbox;
use crate::matching::asked::{Asked, Kind};
use crate::run::{Found, Run};
use crate::seeded_rng::SeededRng;

/// The corpora whose lines are changed.
const CORPORA: [&str; 3] = ["everyday", "ordinary", "permitted"];

/// What no rule of a sandbox allows, each of which has to be found out.
const HOLES: &[&str] = &[
    "ls; CANARY",
    "ls && CANARY x",
    "ls | CANARY",
    "ls\nCANARY",
    "ls & CANARY",
    "ls $(CANARY)",
    "ls \"`CANARY`\"",
    "(CANARY)",
    "{ CANARY; }",
    "\"CAN\"ARY",
    "if CANARY; then ls; fi",
    "env CANARY",
    "ls > written",
    "echo a >> written",
    "eval CANARY",
];

/// How many lines that run more than they may are looked for before the proof ends: what lets one run lets others, too.
const MOST_SHOWN: usize = 20;

/// How many lines are changed for one that is still allowed, at most, on average.
const MAX_TRIES: usize = 400;

/// The rules of one tool, and a line that they allow.
struct Allowed<'r> {
    line: String,
    rules: &'r RuleSet,
}

fn load(name: &str) -> RulesFile {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/corpus/{name}.toml"));
    RulesFile::parse(&std::fs::read_to_string(path).unwrap(), 1024).unwrap()
}

/// The rules of each tool of a file.
fn tools(file: &RulesFile) -> BTreeMap<ToolName, RuleSet> {
    let mut tools = BTreeMap::<_, RuleSet>::new();
    for rule in &file.rules {
        tools.entry(rule.tool_name.clone()).or_default().insert(rule.make(
            &PrincipalName::nobody(),
            Timestamp::EPOCH,
            1,
        ));
    }
    tools
}

/// The lines of a file that its rules allow, and can be run: `kill` would reach what is no stub.
fn allowed<'r>(file: &RulesFile, tools: &'r BTreeMap<ToolName, RuleSet>) -> Vec<Allowed<'r>> {
    let mut allowed = Vec::new();
    for rule in file.rules.iter().filter(|rule| rule.subject.is_none_or(|kind| kind == ExampleKind::Command)) {
        for example in &rule.matching {
            let Example::Subject(line) = example else { continue };
            let rules = &tools[&rule.tool_name];
            if is_allowed(line, rules) && sandbox::can_be_run(line) {
                allowed.push(Allowed { line: line.clone(), rules });
            }
        }
    }
    allowed
}

fn is_allowed(line: &str, rules: &RuleSet) -> bool {
    Asked::new(Kind::Command, line).is_some_and(|asked| asked.is_allowed_by(rules))
}

/// What a shell did that no rule speaks of: a program that was called, or a file that was made.
fn beyond(sandbox: &mut Sandbox, shell: &str, line: &str, rules: &RuleSet) -> Option<String> {
    let ran = sandbox.run(shell, line);
    let written = ran.files.first().map(|file| format!("made {file}"));
    let missing = ran.missing.first().map(|program| format!("looked for {program}"));
    // Where a shell has no such word, `[[` is a program that nobody has.
    let is_word = |argv: &[String]| argv.first().is_some_and(|word| word == "[[");
    // A text that comes with the line is written out by `cat`, which no rule has to speak of then.
    let is_text = |argv: &[String]| argv.len() == 1 && argv[0] == "cat" && line.contains("$(cat <<");
    let is_ruled = |argv: &[String]| mutate::quoted(argv).iter().any(|line| is_allowed(line, rules));
    let is_spoken = |argv: &[String]| is_word(argv) || is_text(argv) || is_ruled(argv);
    let is_unspoken = |argv: &&Vec<String>| !is_spoken(argv);
    let called = ran.calls.iter().find(is_unspoken).map(|argv| format!("ran {argv:?}"));
    called.or(written).or(missing)
}

/// The short form changes the same lines in the same ways each time; the long one looks for what nobody has seen.
const SHORT_FORM: u64 = 12_095_363_480_171_924_327;

pub(crate) fn prove(run: &Run) -> Found {
    let mut sandbox = match Sandbox::new() {
        Ok(sandbox) => sandbox,
        Err(missing) => return Found::Skipped(format!("there is no {missing} here")),
    };
    let files = CORPORA.map(load);
    let sets = files.iter().map(tools).collect::<Vec<_>>();
    let lines = files.iter().zip(&sets).flat_map(|(file, tools)| allowed(file, tools)).collect::<Vec<_>>();
    // What is not found out here would not be found out below.
    for hole in HOLES {
        for shell in sandbox::SHELLS {
            assert!(
                beyond(&mut sandbox, shell, hole, lines[0].rules).is_some(),
                "{shell} ran {hole:?}, and it was not seen"
            );
        }
    }
    // A line that a pattern has to the letter is what a person has allowed, whatever a shell makes of its wildcards.
    let patterns = files.iter().flat_map(|file| &file.rules).map(|rule| rule.pattern.as_str().replace("\\*", "*"));
    let to_the_letter = patterns.collect::<HashSet<_>>();
    let wanted = run.amount(2_000, 100_000);
    let seed = run.amount(SHORT_FORM, run.seed);
    let mut rng = SeededRng::new(seed);
    let mutations = Mutations::new(lines.iter().map(|allowed| allowed.line.as_str()));
    let (mut tried, mut ran, mut calls, mut left_out) = (0_usize, 0_usize, 0_usize, 0_usize);
    let mut broken = Vec::new();
    while ran < wanted && broken.len() < MOST_SHOWN {
        assert!(tried < wanted * MAX_TRIES, "of {tried} changed lines only {ran} are allowed");
        tried += 1;
        let allowed = &lines[rng.below(lines.len())];
        let line = mutations.changed(&allowed.line, &mut rng);
        if line == allowed.line || to_the_letter.contains(&line) || !is_allowed(&line, allowed.rules) {
            continue;
        }
        if !sandbox::can_be_run(&line) {
            left_out += 1;
            continue;
        }
        let found = |shell| beyond(&mut sandbox, shell, &line, allowed.rules).map(|found| (shell, found));
        if let Some((shell, found)) = sandbox::SHELLS.into_iter().find_map(found) {
            broken.push(format!("{shell} {found} for {line:?}, a change of {:?}", allowed.line));
        }
        calls += sandbox.calls_of_last();
        ran += 1;
    }
    assert!(broken.is_empty(), "of {ran} lines that are allowed, with the seed {seed}:\n{}", broken.join("\n"));
    Found::Held(vec![
        ("lines changed", tried.to_string()),
        ("allowed, and run in bash, dash and zsh", ran.to_string()),
        ("programs recorded in zsh", calls.to_string()),
        ("allowed, but not safe to run", left_out.to_string()),
        ("planted holes found", format!("{} of {}", HOLES.len(), HOLES.len())),
        ("seed", seed.to_string()),
    ])
}
