//! Which words of a command could do more than the person who allowed it with a wildcard may think.

use std::collections::HashMap;
use std::sync::LazyLock;

use regex::Regex;

use super::glob::{Glob, Reach};
use super::programs::{BUILTINS, PROGRAMS, Program, WRAPPERS};
use super::word::{Known, Word};

/// A word that a pattern must spell out for it to be covered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Danger {
    /// Its place among the words; the program has 0.
    pub(super) word: usize,
    /// How many bytes of it, from its start, must be spelled: the option's name, or all of it.
    pub(super) bytes: usize,
}

/// One entry of the table, ready to be compared.
enum Token {
    /// `--name`.
    Long(&'static str),
    /// `-x`.
    Short(char),
    /// `-name`.
    SingleDash(&'static str),
    /// A word, perhaps with wildcards.
    Word(Glob),
}

struct Tokens {
    anywhere: Vec<Token>,
    first: Vec<Token>,
}

static TABLE: LazyLock<HashMap<&str, Tokens>> = LazyLock::new(|| {
    let tokens = |tokens: &[&'static str]| tokens.iter().map(|token| Token::new(token)).collect();
    let entry = |program: &Program| Tokens { anywhere: tokens(&program.anywhere), first: tokens(&program.first) };
    PROGRAMS.iter().map(|(name, program)| (*name, entry(program))).collect()
});

/// What a sed script may be without a look: one command that prints, deletes, quits or substitutes, for lines of some address.
static PLAIN_SED: LazyLock<Option<Regex>> = LazyLock::new(|| {
    let address = r"(?:\d+|\$|/[^/\\\n]*/)";
    let substitution = r"s(?:/(?:[^/\\\n]|\\[^\n])*/(?:[^/\\\n]|\\[^\n])*/|\|(?:[^|\\\n]|\\[^\n])*\|(?:[^|\\\n]|\\[^\n])*\||#(?:[^#\\\n]|\\[^\n])*#(?:[^#\\\n]|\\[^\n])*#)[gpIi0-9]*";
    Regex::new(&format!(r"^(?:{address}(?:,\+?{address})?)?!?(?:[pdq=]|{substitution})$")).ok()
});

/// The name that a program is known by: `/usr/bin/Python3.12` is `python`.
pub(super) fn base_name(program: &str) -> String {
    let name = program.rsplit(['/', '\\']).next().unwrap_or(program).to_ascii_lowercase();
    let name = name.strip_suffix(".exe").unwrap_or(&name);
    let without_version = name.trim_end_matches(|c: char| c.is_ascii_digit() || matches!(c, '.' | '-'));
    // `.` is a builtin, and `7z` a name.
    if without_version.is_empty() { name.to_owned() } else { without_version.to_owned() }
}

/// The name of the program that `words` begin with; empty where it is not known.
pub(super) fn program_name(words: &[Word]) -> String {
    words.first().and_then(Word::known_text).map(base_name).unwrap_or_default()
}

/// Whether `program` runs its words, or a text in them, as a command.
pub(super) fn runs_its_words(program: &str) -> bool {
    WRAPPERS.contains(program)
}

/// Whether `program` is a builtin that changes what the rest of a line means, or runs text as a command.
pub(super) fn changes_shell(program: &str) -> bool {
    BUILTINS.contains(program)
}

/// The dangers in the words of `program`.
pub(super) fn in_words<'w>(program: &str, words: &'w [Word]) -> impl Iterator<Item = Danger> + use<'w> {
    let operand = words.iter().skip(1).position(|word| !word.text.starts_with('-')).map_or(words.len(), |at| at + 1);
    let subcommand = words.get(operand).map_or_else(String::new, |word| format!("{program}:{}", word.text));
    let tables = [TABLE.get(program), TABLE.get(subcommand.as_str())];
    let scripts = if program == "sed" || program == "gsed" { sed_scripts(words) } else { Vec::new() };
    let listed = words.iter().enumerate().skip(1).filter_map(move |(at, word)| {
        let is_first = at < operand || word.known != Known::Literally;
        let first = |tokens: &'static Tokens| if is_first { tokens.first.as_slice() } else { &[] };
        let tokens = tables.into_iter().flatten().flat_map(|tokens| tokens.anywhere.iter().chain(first(tokens)));
        let spelled = tokens.filter_map(|token| token.found_in(word)).max();
        spelled.map(|bytes| Danger { word: at, bytes })
    });
    let scripts = scripts.into_iter().filter_map(move |at| {
        let word = words.get(at)?;
        let plain = word.known_text().is_some_and(|text| PLAIN_SED.as_ref().is_some_and(|plain| plain.is_match(text)));
        (!plain).then_some(Danger { word: at, bytes: word.text.len() })
    });
    listed.chain(scripts)
}

/// Which words of a sed command are scripts, or may be.
fn sed_scripts(words: &[Word]) -> Vec<usize> {
    let is = |at: usize, names: &[&str]| words[at].known_text().is_some_and(|text| names.contains(&text));
    let options = (1..words.len()).filter(|at| words[*at].text.starts_with('-'));
    let with_script =
        options.filter(|at| !is(*at, &["-n", "-E", "-r", "-s", "-u", "-z", "-nE", "-nr", "-En", "--quiet"]));
    let mut scripts = Vec::new();
    for at in with_script {
        // What follows `-e`, or whatever an option that is not known here may carry.
        scripts.push(if is(at, &["-e", "-ne", "-Ee", "-re", "--expression"]) { at + 1 } else { at });
    }
    if scripts.is_empty() {
        scripts.extend((1..words.len()).find(|at| !words[*at].text.starts_with('-')));
    }
    scripts
}

impl Token {
    fn new(text: &'static str) -> Self {
        if text.contains('*') {
            return Self::Word(Glob::new(text));
        }
        if let Some(name) = text.strip_prefix("--") {
            return Self::Long(name);
        }
        let mut chars = text.strip_prefix('-').unwrap_or_default().chars();
        match (chars.next(), chars.next()) {
            (Some(letter), None) => Self::Short(letter),
            (Some(_), Some(_)) => Self::SingleDash(&text[1..]),
            (None, _) => Self::Word(Glob::new(text)),
        }
    }

    /// How much of `word` must be spelled, where it is this or may be.
    fn found_in(&self, word: &Word) -> Option<usize> {
        let text = word.text.as_str();
        if word.known == Known::Nothing {
            return Some(usize::MAX);
        }
        let name = |dashes: &str| text.strip_prefix(dashes).map(|rest| rest.split('=').next().unwrap_or(rest));
        match self {
            // Programs take any beginning of a long option for the whole where only one begins so.
            Self::Long(long) => {
                name("--").filter(|name| !name.is_empty() && long.starts_with(name)).map(|name| name.len() + 2)
            }
            Self::Short(letter) => {
                let cluster = name("-").filter(|cluster| !cluster.starts_with('-'))?;
                cluster.find(*letter).map(|at| at + 1 + letter.len_utf8())
            }
            Self::SingleDash(single) => {
                let found = |dashes| name(dashes).filter(|name| name == single).map(|name| name.len() + dashes.len());
                found("--").or_else(|| found("-"))
            }
            Self::Word(glob) => glob.matches(text, Reach::Wide).then_some(text.len()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::matcher::programs::lines;

    fn dangerous(program: &str, words: &[&str]) -> bool {
        let words = std::iter::once(&program).chain(words).map(|word| Word::literal(*word)).collect::<Vec<_>>();
        in_words(&base_name(program), &words).next().is_some()
    }

    #[test]
    fn a_program_is_known_by_its_name_alone() {
        for (program, name) in [
            ("/usr/bin/Python3.12", "python"),
            ("git", "git"),
            (".", "."),
            ("C:\\Windows\\cmd.exe", "cmd"),
            ("7z", "7z"),
            ("./gcc-12", "gcc"),
        ] {
            assert_eq!(base_name(program), name);
        }
    }

    #[test]
    fn options_are_found_abbreviated_clustered_and_with_values() {
        for (program, word) in [
            ("git", "--outp=x"),
            ("sed", "-ni"),
            ("sed", "-i.bak"),
            ("sed", "--in-place=.bak"),
            ("find", "-exec"),
            ("tar", "--checkpoint-action=exec=sh"),
        ] {
            assert!(dangerous(program, &[word, "x"]), "{program} {word}");
        }
    }

    /// The words of a line in which `␣` stands for a blank inside a word.
    fn hits(line: &str) -> bool {
        let words = line.split_ascii_whitespace().map(|word| word.replace('␣', " ")).collect::<Vec<_>>();
        let words = words.iter().map(String::as_str).collect::<Vec<_>>();
        dangerous(words[0], &words[1..])
    }

    #[test]
    fn ordinary_commands_need_no_look() {
        let asked = lines(include_str!("programs/ordinary.txt")).filter(|line| hits(line)).collect::<Vec<_>>();
        assert!(asked.is_empty(), "{asked:#?}");
    }

    #[test]
    fn known_tricks_are_seen() {
        let missed = lines(include_str!("programs/tricks.txt")).filter(|line| !hits(line)).collect::<Vec<_>>();
        assert!(missed.is_empty(), "{missed:#?}");
    }

    #[test]
    fn what_a_sed_script_does_is_looked_at() {
        for script in ["1,5p", "$d", "s/a/b/g", "s/a\\/b/c/", "/x/p", "/a/,/b/d", "3q", "s|a|b|", "$!d"] {
            assert!(!dangerous("sed", &["-n", script, "f"]), "{script}");
        }
        for script in
            ["1e id", "w out", "s/a/b/e", "s/a/b/w out", "r /etc/passwd", "1,5p;w x", "s/a/b/;e", "p\nw x", "y/a/b/"]
        {
            assert!(dangerous("sed", &["-n", script, "f"]), "{script}");
            assert!(dangerous("sed", &["-e", "p", "-e", script]), "{script}");
            assert!(dangerous("sed", &[&format!("-e{script}"), "f"]), "{script}");
            assert!(dangerous("sed", &[&format!("--expression={script}"), "f"]), "{script}");
        }
    }
}
