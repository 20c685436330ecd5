//! No way of writing a command hides it from a rule that denies.

use proptest::prelude::*;
use proptest::sample::{Index, select};

use super::always;
use crate::matching::asked::{Asked, rules};
use countersign::domain::enums::RuleDecision;

/// Words that stand for themselves, each between « and », in lines that are denied.
const DENIED: &[&str] = &[
    "«rm» «-rf» «x»",
    "«ls»; «rm» «x»",
    "«ls» «-l» && «/bin/rm» «x»",
    "«ls» | «rm» «x»",
    "«sudo» «rm» «-rf» «/»",
    "«env» «A=b» «rm» «x»",
    "«timeout» «5» «rm» «x»",
    "«find» . «-exec» «rm» {} \\;",
    "«ls» «x» | «xargs» «rm»",
    "if «ls»; then «rm» «x»; fi",
    "for i in a b; do «rm» $i; done",
    "«echo» \"$(«rm» «x»)\"",
    "«echo» `«rm» «x»`",
    "«git» «push»",
    "«git» «push» «--force» «origin»",
    "«sh» «-c» 'rm x'",
    "«eval» \"rm x\"",
    "«nohup» «git» «push» &",
    "(«cd» «/tmp»; «git» «push»)",
    "{ «rm» «x»; }",
    "! «rm» «x»",
];

/// Ways of writing a word, or a part of it, that are the same word to a shell.
const DISGUISES: &[fn(&str, usize) -> String] = &[
    |word, _| format!("'{word}'"),
    |word, _| format!("\"{word}\""),
    |word, at| format!("{}''{}", &word[..at], &word[at..]),
    |word, at| format!("{}\"\"{}", &word[..at], &word[at..]),
    |word, at| format!("{}'{}'", &word[..at], &word[at..]),
    |word, at| format!("\"{}\"{}", &word[..at], &word[at..]),
    |word, at| format!("{}\\{}", &word[..at], &word[at..]),
    |word, _| word.chars().flat_map(|c| ['\\', c]).collect(),
    |word, _| format!("\\\n{word}"),
];

/// A line, parted: every second part, from the second on, is a word that may be disguised.
fn parts(line: &str) -> Vec<String> {
    line.split(['«', '»']).map(str::to_owned).collect()
}

#[test]
fn quotes_and_backslashes_never_take_a_command_away_from_a_rule_that_denies() {
    let denying = rules(RuleDecision::Deny, &["rm *", "git push *"]);
    for line in DENIED {
        assert!(Asked::command(&parts(line).concat()).is_denied_by(&denying), "{line}");
    }
    let disguised = (select(DENIED), prop::collection::vec((any::<Index>(), select(DISGUISES)), 1..4));
    always(4000, &disguised, |(line, disguises)| {
        let mut words = parts(line);
        for (at, disguise) in disguises {
            let at_word = at.index(words.len() / 2) * 2 + 1;
            if let Some(word) = words.get_mut(at_word).filter(|word| word.bytes().all(|b| !b"'\"\\\n".contains(&b))) {
                *word = disguise(word, at.index(word.len()));
            }
        }
        let line = words.concat();
        prop_assert!(Asked::command(&line).is_denied_by(&denying), "{line:?}");
        Ok(())
    });
}
