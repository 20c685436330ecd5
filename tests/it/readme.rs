//! What the README says of patterns is so: its table and its rules file are held against the matcher.

use std::fs;
use std::path::Path;

use countersign::rules_file::RulesFile;

fn readme() -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md")).unwrap()
}

/// What stands between backticks in a cell.
fn quoted(cell: &str) -> Vec<&str> {
    cell.split('`').skip(1).step_by(2).collect()
}

#[test]
fn the_table_of_patterns_says_what_they_allow() {
    let readme = readme();
    let rows = readme.lines().skip_while(|line| *line != "| pattern | allows | asks |").skip(2);
    let rows = rows.take_while(|line| line.starts_with('|')).map(|line| line.split('|').collect::<Vec<_>>());
    let mut rules = String::new();
    for (number, row) in rows.enumerate() {
        let [_, pattern, allows, asks, _] = row.as_slice() else { panic!("{row:?}") };
        let [pattern] = quoted(pattern)[..] else { panic!("{pattern}") };
        let (allows, asks) = (quoted(allows), quoted(asks));
        assert!(!allows.is_empty() && !asks.is_empty());
        rules += &format!(
            "[[rule]]\nname = \"{number}\"\ntool_name = \"tool-{number}\"\npattern = {pattern:?}\nscope = \"everywhere\"\n\
             decision = \"allow\"\nmatch = {allows:?}\nnot_match = {asks:?}\n"
        );
    }
    let file = RulesFile::parse(&rules, 1024).unwrap();
    assert!(file.rules.len() >= 5, "{rules}");
    assert_eq!(file.failures().unwrap(), []);
}

#[test]
fn the_rules_file_that_it_shows_is_one() {
    let readme = readme();
    let shown = readme.split("```toml\n").nth(1).and_then(|rest| rest.split("```").next()).unwrap();
    let file = RulesFile::parse(shown, 1024).unwrap();
    assert!(file.examples() > 0);
    assert_eq!(file.failures().unwrap(), []);
}
