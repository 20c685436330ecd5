//! The words of one call, as far as they are known.

use crate::domain::matcher::document;
use crate::domain::matcher::word::{self, Known, LoopVariables};

/// One word.
#[derive(Clone, Debug)]
pub(super) struct Argument {
    /// The word without its quotes; as far as it is known where it is not known whole.
    pub(super) text: String,
    /// Whether all of it is known.
    pub(super) is_whole: bool,
    /// Whether it is what another command writes: `<(…)`.
    pub(super) is_output: bool,
}

impl Argument {
    pub(super) fn literal(text: &str) -> Self {
        Self { text: text.to_owned(), is_whole: true, is_output: false }
    }

    pub(super) const fn unknown() -> Self {
        Self { text: String::new(), is_whole: false, is_output: false }
    }

    /// Reads a word as it is written.
    pub(super) fn read(raw: &str) -> Self {
        if let Some(text) = document::text(raw) {
            return Self::literal(&text);
        }
        // Where the shell finds no file of such a name, it stays as it is written.
        let special = [' ', '$', '`', '"', '\'', '\\', '{', '*', '?', '(', '<', '>'];
        if raw.contains("://") && !raw.contains(special) {
            return Self::literal(raw);
        }
        let (text, is_whole) = match word::read(raw, &LoopVariables::new()) {
            Ok(word) if word.known == Known::Literally => (word.text, true),
            Ok(word) => (word.text.split('*').next().unwrap_or_default().to_owned(), !word.text.contains('*')),
            Err(_) => {
                let bare = raw.trim_start_matches('"');
                let end = bare.find(['$', '`', '*', '?', '[', '{', '\\', '\'', '"', '(', '<']).unwrap_or(bare.len());
                (bare.get(..end).unwrap_or_default().to_owned(), false)
            }
        };
        Self { text, is_whole, is_output: raw.starts_with("<(") }
    }

    /// The word, where all of it is known.
    pub(super) fn whole(&self) -> Option<&str> {
        self.is_whole.then_some(self.text.as_str())
    }

    pub(super) fn is(&self, text: &str) -> bool {
        self.whole() == Some(text)
    }

    pub(super) fn is_option(&self) -> bool {
        self.text.len() > 1 && self.text.starts_with('-')
    }
}

/// A program with its words.
#[derive(Clone, Copy, Debug)]
pub(super) struct Call<'w> {
    /// The name that it is known by.
    pub(super) name: &'w str,
    /// Its words behind the program.
    pub(super) words: &'w [Argument],
}

impl<'w> Call<'w> {
    /// The words that are neither options nor the values of those options that have one in the next word.
    pub(super) fn operands(&self, valued: &str) -> Vec<&'w Argument> {
        let (mut operands, mut at) = (Vec::new(), 0);
        while let Some(word) = self.words.get(at) {
            if word.is("--") {
                operands.extend(&self.words[at + 1..]);
                break;
            }
            if word.is_option() {
                at += usize::from(takes_next(word, valued));
            } else {
                operands.push(word);
            }
            at += 1;
        }
        operands
    }

    /// Where the first operand stands, behind so many others and behind what `is_passed`.
    pub(super) fn begin(&self, valued: &str, mut before: usize, is_passed: impl Fn(&str) -> bool) -> Option<usize> {
        let mut at = 0;
        while let Some(word) = self.words.get(at) {
            if word.is("--") {
                return (at + 1 + before < self.words.len()).then_some(at + 1 + before);
            }
            if word.is_option() {
                at += usize::from(takes_next(word, valued));
            } else if !is_passed(&word.text) {
                match before.checked_sub(1) {
                    Some(less) => before = less,
                    None => return Some(at),
                }
            }
            at += 1;
        }
        None
    }

    /// Whether one of its words is one of these options: `-x`, also among other letters, `--name` or `--name=value`.
    pub(super) fn has(&self, options: &[&str]) -> bool {
        self.words
            .iter()
            .take_while(|word| !word.is("--"))
            .any(|word| options.iter().any(|option| is_given(word, option)))
    }

    /// Whether one of its words is one of these to the letter.
    pub(super) fn says(&self, words: &[&str]) -> bool {
        self.words.iter().any(|word| words.iter().any(|said| word.is(said)))
    }

    /// The values of these options: in the next word, behind `=`, or directly behind the letter.
    pub(super) fn values(&self, options: &[&str]) -> Vec<Argument> {
        let mut found = Vec::new();
        for (at, word) in self.words.iter().enumerate() {
            for option in options {
                let joined = match word.text.strip_prefix(option) {
                    Some("") => self.words.get(at + 1).cloned(),
                    Some(rest) if option.starts_with("--") => {
                        rest.strip_prefix('=').map(|value| Argument { text: value.to_owned(), ..word.clone() })
                    }
                    Some(rest) => Some(Argument { text: rest.to_owned(), ..word.clone() }),
                    None => None,
                };
                found.extend(joined);
            }
        }
        found
    }
}

/// Whether the value of the option `word` is the next word: it is one of `valued`, or its last letter is.
fn takes_next(word: &Argument, valued: &str) -> bool {
    let letters =
        word.text.strip_prefix('-').filter(|letters| letters.bytes().all(|letter| letter.is_ascii_alphabetic()));
    let names = |option: &str| valued.split(' ').any(|name| name == option);
    let last = letters.and_then(|letters| letters.chars().last());
    names(&word.text)
        || last.is_some_and(|last| letters.is_some_and(|letters| letters.len() < 5) && names(&format!("-{last}")))
}

fn is_given(word: &Argument, option: &str) -> bool {
    let is_named = |rest: &str| rest.is_empty() || (option.starts_with("--") && rest.starts_with('='));
    if word.text.strip_prefix(option).is_some_and(is_named) {
        return true;
    }
    let (letters, letter) =
        (word.text.strip_prefix('-').unwrap_or_default(), option.strip_prefix('-').unwrap_or_default());
    letter.len() == 1
        && letters.len() < 6
        && letters.bytes().all(|letter| letter.is_ascii_alphabetic())
        && letters.contains(letter)
}
