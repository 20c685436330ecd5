//! Which words of a command could do more than the person who allowed it with a wildcard may think.

use std::borrow::Cow;
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

/// A word as the table's words are compared with it.
struct Lettered<'w> {
    word: &'w Word,
    /// Keys of configurations are the same in either case; options are not.
    lettered: Cow<'w, str>,
    /// The name of an option: what follows two dashes, up to its value.
    after_two_dashes: Option<&'w str>,
    /// The same after one dash, of two as well.
    after_dash: Option<&'w str>,
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

/// Programs that write to their second operand.
const WRITE_SECOND_OPERAND: &[&str] = &["uniq", "xxd"];

/// Words after which the name of another program comes, whose words follow: `python -m pytest`, `poetry run pytest`.
const RUNNERS: &[&str] = &["-m", "dlx", "exec", "run", "tool", "x"];

/// The name that a program is known by: `/usr/bin/Python3.12` is `python`, and `gtimeout` is `timeout`.
pub(super) fn base_name(program: &str) -> String {
    let name = program.rsplit(['/', '\\']).next().unwrap_or(program).to_ascii_lowercase();
    let name = name.strip_suffix(".exe").unwrap_or(&name);
    let without_version = name.trim_end_matches(|c: char| c.is_ascii_digit() || matches!(c, '.' | '-'));
    // `.` is a builtin, and `7z` a name.
    let name = if without_version.is_empty() { name } else { without_version };
    let is_known = |name: &str| PROGRAMS.contains_key(name) || WRAPPERS.contains(name);
    let gnu = name.strip_prefix('g').filter(|gnu| !is_known(name) && is_known(gnu));
    gnu.unwrap_or(name).to_owned()
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
pub(super) fn in_words(program: &str, words: &[Word]) -> Vec<Danger> {
    let mut dangers = listed(program, words);
    if matches!(program, "sed" | "gsed") {
        dangers.extend(sed_scripts(words));
    }
    if WRITE_SECOND_OPERAND.contains(&program) {
        let mut operands = (1..words.len()).filter(|at| !words[*at].text.starts_with('-'));
        dangers.extend(operands.nth(1).map(|word| Danger { word, bytes: words[word].text.len() }));
    }
    for at in 2..words.len().min(6) {
        if RUNNERS.contains(&words[at - 1].text.as_str()) {
            // One level: a runner inside a runner has to be spelled out in the pattern.
            let inner = &words[at..];
            let found = listed(&program_name(inner), inner);
            dangers.extend(found.into_iter().map(|danger| Danger { word: danger.word + at, ..danger }));
        }
    }
    dangers
}

/// What the tables say.
fn listed(program: &str, words: &[Word]) -> Vec<Danger> {
    let program_table = TABLE.get(program);
    let operand = first_operand(program_table, words);
    let subcommand = words.get(operand).map_or_else(String::new, |word| format!("{program}:{}", word.text));
    let tables = [program_table, TABLE.get(subcommand.as_str())];
    let listed = words.iter().enumerate().skip(1).filter_map(|(at, word)| {
        let is_first = at < operand || word.known != Known::Literally;
        let first = |tokens: &'static Tokens| if is_first { tokens.first.as_slice() } else { &[] };
        let tokens = tables.into_iter().flatten().flat_map(|tokens| tokens.anywhere.iter().chain(first(tokens)));
        // The oldest way to write options of tar: letters without a dash.
        let bare = matches!(program, "tar" | "gtar" | "bsdtar") && at == 1 && !word.text.starts_with('-');
        let dashed = bare.then(|| Word { text: format!("-{}", word.text), known: word.known });
        let dashed = dashed.as_ref().map(Lettered::new);
        let word = Lettered::new(word);
        let found_bare = |token: &Token| dashed.as_ref().and_then(|dashed| token.found_in(dashed));
        let spelled = tokens.filter_map(|token| token.found_in(&word).or_else(|| found_bare(token))).max();
        spelled.map(|bytes| Danger { word: at, bytes })
    });
    listed.collect()
}

/// The first word that is no option, nor what may be the value of one that is listed.
fn first_operand(table: Option<&Tokens>, words: &[Word]) -> usize {
    let takes_value = |word: &Word| {
        let lettered = Lettered::new(word);
        let listed = table.is_some_and(|table| table.first.iter().any(|token| token.found_in(&lettered).is_some()));
        listed && !word.text.contains('=')
    };
    let is_operand = |at: &usize| !words[*at].text.starts_with('-') && (*at == 1 || !takes_value(&words[*at - 1]));
    (1..words.len()).find(is_operand).unwrap_or(words.len())
}

/// The scripts in a sed command that are not plain.
fn sed_scripts(words: &[Word]) -> Vec<Danger> {
    let is = |at: usize, names: &[&str]| words[at].known_text().is_some_and(|text| names.contains(&text));
    let mut scripts = Vec::new();
    let mut has_script = false;
    for at in (1..words.len()).filter(|at| words[*at].text.starts_with('-')) {
        if is(at, &["-e", "-ne", "-Ee", "-re", "--expression"]) {
            scripts.push(at + 1);
            has_script = true;
        } else if !is(at, &["-n", "-E", "-r", "-s", "-u", "-z", "-nE", "-nr", "-En", "--quiet", "-i", "--in-place"]) {
            // Whatever else an option may carry.
            scripts.push(at);
        }
    }
    if !has_script {
        // Some take an empty word after `-i` for its value.
        scripts.extend((1..words.len()).find(|at| !words[*at].text.starts_with('-') && !words[*at].text.is_empty()));
    }
    let plain = |text: &str| PLAIN_SED.as_ref().is_some_and(|plain| plain.is_match(text));
    let scripts = scripts.into_iter().filter_map(|at| Some((at, words.get(at)?)));
    let dangerous = scripts.filter(|(_, word)| !word.known_text().is_some_and(plain));
    dangerous.map(|(word, script)| Danger { word, bytes: script.text.len() }).collect()
}

impl<'w> Lettered<'w> {
    fn new(word: &'w Word) -> Self {
        let text = word.text.as_str();
        let is_as_it_is = text.starts_with('-') || !text.contains(|c: char| c.is_ascii_uppercase());
        let lettered = if is_as_it_is { Cow::Borrowed(text) } else { Cow::Owned(text.to_ascii_lowercase()) };
        let name = |dashes: &str| text.strip_prefix(dashes).map(|rest| rest.split('=').next().unwrap_or(rest));
        Self { word, lettered, after_two_dashes: name("--"), after_dash: name("-") }
    }
}

impl Token {
    fn new(text: &'static str) -> Self {
        if text.contains('*') {
            return Self::Word(Self::glob(text));
        }
        if let Some(name) = text.strip_prefix("--") {
            return Self::Long(name);
        }
        let mut chars = text.strip_prefix('-').unwrap_or_default().chars();
        match (chars.next(), chars.next()) {
            (Some(letter), None) => Self::Short(letter),
            (Some(_), Some(_)) => Self::SingleDash(&text[1..]),
            (None, _) => Self::Word(Self::glob(text)),
        }
    }

    fn glob(text: &str) -> Glob {
        if text.starts_with('-') { Glob::new(text) } else { Glob::new(&text.to_ascii_lowercase()) }
    }

    /// How much of `word` must be spelled, where it is this or may be.
    fn found_in(&self, word: &Lettered<'_>) -> Option<usize> {
        if word.word.known == Known::Nothing {
            return Some(usize::MAX);
        }
        match self {
            // Programs take any beginning of a long option for the whole where only one begins so.
            Self::Long(long) => {
                let name = word.after_two_dashes.filter(|name| !name.is_empty() && long.starts_with(name))?;
                Some(name.len() + 2)
            }
            Self::Short(letter) => {
                let cluster = word.after_dash.filter(|cluster| !cluster.starts_with('-'))?;
                cluster.find(*letter).map(|at| at + 1 + letter.len_utf8())
            }
            Self::SingleDash(single) if word.after_two_dashes == Some(single) => Some(single.len() + 2),
            Self::SingleDash(single) => (word.after_dash == Some(single)).then_some(single.len() + 1),
            Self::Word(glob) => glob.matches(&word.lettered, Reach::Wide).then_some(word.word.text.len()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::matcher::programs::lines;

    fn dangerous(program: &str, words: &[&str]) -> bool {
        let words = std::iter::once(&program).chain(words).map(|word| Word::literal(*word)).collect::<Vec<_>>();
        !in_words(&base_name(program), &words).is_empty()
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
            ("gtimeout", "timeout"),
            ("go", "go"),
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
