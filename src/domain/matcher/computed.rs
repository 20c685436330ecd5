//! Words that some shells compute: in zsh and ksh a number may be an expression, in which an index runs a command.

use super::word::{Known, Word};

/// Operators of a test that compare numbers.
const COMPARISONS: &[&str] = &["-eq", "-ge", "-gt", "-le", "-lt", "-ne"];

/// Builtins that take a number.
const TAKE_NUMBERS: &[&str] = &["break", "continue", "exit", "logout", "return", "shift", "sleep", "umask"];

/// Builtins with words of many kinds, some of which are computed.
const COMPUTE: &[&str] = &[
    "[", "bg", "dirs", "disown", "echotc", "fg", "history", "jobs", "kill", "popd", "print", "printf", "pushd",
    "suspend", "test", "times", "ulimit", "wait",
];

/// The words of `program` that a shell may compute, and that are no plain numbers.
pub(super) fn in_words(program: &str, words: &[Word]) -> Vec<usize> {
    let is_number = |at: &usize| is_number(&words[*at]);
    let operands = || (1..words.len()).filter(|at| !words[*at].text.starts_with('-') || *at == 1);
    if TAKE_NUMBERS.contains(&program) {
        return (1..words.len()).filter(|at| !is_number(at)).collect();
    }
    if !COMPUTE.contains(&program) {
        return Vec::new();
    }
    // Files may be called so, and another like the operator that computes.
    let has_operator = words.iter().any(|word| matches!(word.text.as_str(), "-R" | "-v"));
    let prints = matches!(program, "print" | "printf");
    let may_be_index = |word: &Word| !prints && word.is_wildcard && (has_operator || word.known == Known::Nothing);
    let is_index = |word: &Word| word.text.contains(['[', '`']) || word.text.contains("$(") || may_be_index(word);
    let mut found = (1..words.len()).filter(|at| is_index(&words[*at]));
    match program {
        "test" | "[" if words.iter().any(is_comparison) => {
            let is_plain = |at: &usize| {
                let text = words[*at].text.as_str();
                is_comparison(&words[*at]) || is_number(at) || matches!(text, "!" | "-a" | "-o" | "(" | ")" | "]")
            };
            (1..words.len()).filter(|at| !is_plain(at)).collect()
        }
        "printf" if words.get(1).is_none_or(|format| !has_plain_format(format)) => {
            operands().skip(1).filter(|at| !is_number(at)).collect()
        }
        _ => found.by_ref().collect(),
    }
}

fn is_comparison(word: &Word) -> bool {
    COMPARISONS.contains(&word.text.as_str())
}

/// Whether a test in brackets, given by its words, compares nothing but numbers as numbers.
pub(super) fn compares_numbers_only(inside: &str) -> bool {
    let words = inside.split_ascii_whitespace().map(Word::literal).collect::<Vec<_>>();
    let is_plain =
        |word: &Word| is_comparison(word) || is_number(word) || matches!(word.text.as_str(), "!" | "-a" | "-o");
    !words.iter().any(is_comparison) || words.iter().all(is_plain)
}

/// A number, or a variable that is one.
fn is_number(word: &Word) -> bool {
    let digits = word.text.trim_matches('"').trim_start_matches(['-', '+']).trim_end_matches(['s', 'm', 'h', 'd']);
    let is_written = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
    is_written || (word.known == Known::NoOption && word.text == "*")
}

/// Whether a format prints texts only.
fn has_plain_format(format: &Word) -> bool {
    let Some(text) = format.known_text() else {
        return false;
    };
    let mut rest = text.replace("%%", "");
    while let Some(at) = rest.find('%') {
        let after = rest[at + 1..].trim_start_matches(|c: char| c.is_ascii_digit() || matches!(c, '-' | '.'));
        if !after.starts_with(['s', 'b', 'q']) {
            return false;
        }
        rest = after[1..].to_owned();
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    fn computed(line: &[&str]) -> bool {
        let words = line.iter().map(|word| Word::literal(*word)).collect::<Vec<_>>();
        !in_words(line[0], &words).is_empty()
    }

    #[test]
    fn what_is_computed_is_a_plain_number() {
        for line in [
            &["test", "-f", "x"][..],
            &["test", "3", "-gt", "2"],
            &["printf", "%s\\n", "a"],
            &["printf", "%-10s|%5.2s%%\\n", "a"],
            &["printf", "%d", "3"],
            &["exit", "1"],
            &["sleep", "0.5"],
            &["echo", "a[$(id)]"],
        ] {
            assert!(!computed(line), "{line:?}");
        }
        for line in [
            &["test", "a[$(id)0]", "-eq", "0"][..],
            &["test", "PATH=1", "-eq", "1"],
            &["test", "x[`id`]", "=", "y"],
            &["printf", "%d", "a[$(id)]"],
            &["printf", "%*s", "x", "y"],
            &["exit", "a[$(id)]"],
            &["kill", "a[$(id)]"],
        ] {
            assert!(computed(line), "{line:?}");
        }
        assert!(compares_numbers_only(" -f x.toml "));
        assert!(!compares_numbers_only(" PATH=1 -eq 1 "));
    }
}
