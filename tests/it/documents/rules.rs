//! What the documents say of patterns is so: their tables and rules files are held against the matcher.

use countersign::domain::tools::Profiles;
use countersign::rules_file::RulesFile;

use super::{document, documents, quoted};

#[test]
fn the_tables_of_patterns_say_what_they_allow() {
    for path in ["docs/reference/patterns.md", "docs/guide/rules.md"] {
        table_says_what_is_allowed(path);
    }
}

fn table_says_what_is_allowed(path: &str) {
    let patterns = document(path);
    let rows = patterns.rows.iter().skip_while(|row| row[..] != ["pattern", "allows", "asks"]).skip(1);
    let rows = rows.take_while(|row| row.len() == 3);
    let mut rules = String::new();
    for (number, row) in rows.enumerate() {
        let [pattern] = quoted(&row[0])[..] else { panic!("{row:?}") };
        let (allows, asks) = (quoted(&row[1]), quoted(&row[2]));
        assert!(!allows.is_empty() && !asks.is_empty());
        rules += &format!(
            "[[rule]]\nname = \"{number}\"\ntool_name = \"tool-{number}\"\npattern = {pattern:?}\nscope = \"everywhere\"\n\
             decision = \"allow\"\nmatch = {allows:?}\nnot_match = {asks:?}\n"
        );
    }
    let file = RulesFile::parse(&rules, 1024).unwrap();
    assert!(file.rules.len() >= 5, "{rules}");
    assert_eq!(file.failures(Profiles::built_in()).unwrap(), []);
    assert_eq!(file.never_matching(Profiles::built_in()), []);
}

#[test]
fn the_rules_files_that_are_shown_are_rules_files_whose_examples_hold() {
    let mut count = 0;
    for document in documents() {
        for text in document.blocks_in("toml") {
            toml::from_str::<toml::Table>(text).unwrap();
            if text.starts_with("[[rule]]") {
                let file = RulesFile::parse(text, 1024).unwrap();
                assert!(file.examples() > 0, "{text}");
                assert_eq!(file.failures(Profiles::built_in()).unwrap(), [], "{}", document.path.display());
                assert_eq!(file.never_matching(Profiles::built_in()), [], "{}", document.path.display());
                count += 1;
            }
        }
    }
    assert!(count >= 5);
}
