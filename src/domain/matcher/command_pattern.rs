//! Patterns of commands: word by word.

use super::command_line::SimpleCommand;
use super::components::Care;
use super::glob::{Glob, Reach};
use super::names;
use super::parse;
use super::place;
use super::word::{Known, Word};
use super::word_pattern::WordPattern;

/// A pattern of one simple command.
#[derive(Clone, Debug)]
pub(super) struct CommandPattern {
    pub(super) words: Vec<WordPattern>,
    /// The same with each subcommand by its own name and without `--*`: what rules that deny or ask go by.
    canonical: Vec<WordPattern>,
    /// Whether its last word is a `*` alone, which stands for any further words.
    any_rest: bool,
    /// Whether it has a `--*`, which stands for any options.
    pub(super) any_options: bool,
    /// The letters of the options that it spells.
    options: u64,
}

/// Words as rules that deny or ask look at them: the same for every rule, so they are worked out once.
#[derive(Clone, Debug)]
pub(super) struct Spoken {
    /// The program first.
    words: Vec<Word>,
    /// The name that the program is known by.
    program: String,
    /// The letters of all options among them.
    options: u64,
    /// Whether one of them may be anything.
    has_unknown: bool,
    /// Whether it is known that they are a command.
    is_certain: bool,
}

impl Spoken {
    /// The ways in which `words` may be meant, each subcommand by its own name.
    pub(super) fn all(words: &[Word], is_certain: bool) -> Vec<Self> {
        let ways = names::canonical(&names::undashed(words)).into_iter();
        ways.map(|words| Self { is_certain, ..Self::new(&words) }).collect()
    }

    /// How many bytes its words have.
    pub(super) fn bytes(&self) -> usize {
        self.words.iter().map(|word| word.text.len()).sum()
    }

    fn new(words: &[Word]) -> Self {
        let said = words.get(1..).unwrap_or_default();
        let options = said.iter().fold(0, |letters, word| letters | option_letters(&word.text));
        let has_unknown = said.iter().any(|word| word.known == Known::Nothing && word.text == "*");
        Self { program: names::program_name(words), words: words.to_vec(), options, has_unknown, is_certain: true }
    }

    pub(super) fn words(&self) -> &[Word] {
        &self.words
    }
}

/// What a pattern of a rule that denies or asks says to a command.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::domain) enum Likeness {
    /// It is something else.
    No,
    /// It could be this: words that are not known, or that stand in another order.
    Possible,
    /// It is this.
    Certain,
}

impl CommandPattern {
    /// Reads `pattern`; `None` for what is no simple command of known words and wildcards: it covers only itself.
    pub(super) fn parse(pattern: &str) -> Option<Self> {
        match parse::plain_words(pattern.strip_suffix(" *").unwrap_or(pattern)) {
            Some(_) => Self::of_words(pattern.split(' ')),
            None => Self::of_tree(pattern),
        }
    }

    /// Whatever the grammar says.
    fn of_tree(pattern: &str) -> Option<Self> {
        let tree = parse::tree(pattern)?;
        let root = tree.root_node();
        let command = root.child(0).filter(|node| node.kind() == "command" && root.child_count() == 1)?;
        if root.has_error() || command.byte_range() != (0..pattern.len()) {
            return None;
        }
        let mut cursor = command.walk();
        let words = command.children(&mut cursor).map(|child| pattern.get(child.byte_range()));
        Self::of_words(words.collect::<Option<Vec<_>>>()?.into_iter())
    }

    fn of_words<'p>(words: impl Iterator<Item = &'p str>) -> Option<Self> {
        let mut words = words.map(WordPattern::parse).collect::<Option<Vec<_>>>()?;
        let any_options = words.iter().any(|word| matches!(word, WordPattern::Options));
        let any_rest = matches!(words.last(), Some(WordPattern::Any));
        // A `*` that is the whole pattern stands for the program, too.
        if any_rest && words.len() > 1 {
            words.pop();
        }
        let canonical = canonical(&words);
        let literals = canonical.iter().skip(1).filter_map(WordPattern::literal);
        let options = literals.fold(0, |letters, literal| letters | option_letters(literal));
        Some(Self { words, canonical, any_rest, any_options, options })
    }

    /// Whether a rule that allows covers nothing with it.
    pub(super) fn is_unread(&self) -> bool {
        self.words.iter().any(WordPattern::is_unread)
    }

    /// Whether it covers more than one command.
    pub(super) fn has_wildcards(&self) -> bool {
        self.any_rest || self.words.iter().any(|word| word.literal().is_none())
    }

    /// The words before the first wildcard by their own names: what an index for rules that deny or ask may go by.
    pub(super) fn own_words(&self) -> impl Iterator<Item = &str> {
        self.canonical.iter().map_while(WordPattern::literal)
    }

    /// The words before the first wildcard: what an index may go by.
    pub(super) fn literal_words(&self) -> impl Iterator<Item = &str> {
        self.words.iter().map_while(WordPattern::literal)
    }

    /// Whether this lets `command` pass without a person: every word is covered, and no wildcard hides a danger.
    pub(super) fn allows(&self, command: &SimpleCommand) -> bool {
        self.allows_itself(command) || command.limited().is_some_and(|command| self.allows_itself(&command))
    }

    fn allows_itself(&self, command: &SimpleCommand) -> bool {
        let words = &command.words;
        // A text that comes with a command is covered where the pattern says that it reads one; a script of the shell's own
        // where the pattern is the command.
        if (command.reads_document && !self.spells_input()) || (command.is_sourced && self.has_wildcards()) {
            return false;
        }
        let Some(covering) = self.covering(words) else {
            return false;
        };
        let look = command.look();
        if look.is_wrapper && self.has_wildcards() {
            return false;
        }
        let covering = |word: usize| covering.get(word).copied().flatten();
        let spelled = |word: usize| covering(word).map_or(0, WordPattern::spelled);
        let is_said = |word: usize| covering(word).is_some_and(WordPattern::says_something);
        let says_colon = |word: usize| covering(word).is_some_and(WordPattern::has_colon);
        let is_chosen = |word: usize| {
            let is_free = covering(word).is_none_or(|pattern| matches!(pattern, WordPattern::Options));
            self.any_options && is_free && words.get(word).is_some_and(|word| word.is_option())
        };
        look.dangers.iter().all(|danger| spelled(danger.word) >= danger.bytes || is_chosen(danger.word))
            && look.undone(words, spelled, is_said, says_colon).is_empty()
            && (!command.is_elsewhere || self.is_safe_elsewhere(&command.program()))
    }

    /// Whether it says that the command reads its input: `python3 - *`.
    pub(super) fn spells_input(&self) -> bool {
        self.any_rest && self.words.iter().skip(1).any(|word| word.literal() == Some("-"))
    }

    /// Which part of the pattern covers each word, and none for what is covered by the `*` at its end; `None` where it does
    /// not cover them all.
    pub(super) fn covering(&self, words: &[Word]) -> Option<Vec<Option<&WordPattern>>> {
        let mut covering = Vec::with_capacity(self.words.len());
        for pattern in &self.words {
            if matches!(pattern, WordPattern::Options) {
                let options = words[covering.len()..].iter().take_while(|word| word.is_option()).count();
                covering.extend(std::iter::repeat_n(Some(pattern), options));
                continue;
            }
            let text = words.get(covering.len())?.known_text()?;
            if !pattern.covers(text, Care::Allowing) {
                return None;
            }
            covering.push(Some(pattern));
        }
        (covering.len() == words.len() || self.any_rest).then_some(covering)
    }

    /// Whether nothing that it pins means something else in another directory.
    fn is_safe_elsewhere(&self, program: &str) -> bool {
        let is_rooted = self
            .words
            .first()
            .and_then(WordPattern::literal)
            .is_some_and(|name| !name.contains('/') || name.starts_with('/'));
        is_rooted
            && place::is_same_everywhere(program)
            && self.words.iter().skip(1).all(|pattern| match pattern {
                WordPattern::Literal(text) => !place::is_relative(program, text),
                WordPattern::Glob { prefix, .. } => !place::is_relative(program, prefix),
                WordPattern::Any | WordPattern::Options | WordPattern::Url { .. } | WordPattern::Unread(_) => true,
            })
    }

    /// What this says to a command.
    pub(super) fn resembles(&self, spoken: &Spoken) -> Likeness {
        let Some((program, words)) = spoken.words.split_first() else {
            return Likeness::No;
        };
        // Options may be written together, apart, or in full, but they must be there.
        if !spoken.has_unknown && self.options & !spoken.options != 0 {
            return Likeness::No;
        }
        let likeness =
            self.canonical.first().map_or(Likeness::Certain, |pattern| is_program(pattern, program, &spoken.program));
        if likeness == Likeness::No {
            return likeness;
        }
        let patterns = self.canonical.get(1..).unwrap_or_default();
        let fits = words.len() == patterns.len() || (words.len() > patterns.len() && self.any_rest);
        let certain = fits
            && likeness == Likeness::Certain
            && spoken.is_certain
            && !self.any_options
            && patterns
                .iter()
                .zip(words)
                .all(|(pattern, word)| word.known_text().is_some_and(|text| pattern.covers(text, Care::Caution)));
        if certain {
            return Likeness::Certain;
        }
        // In this order among others: options may stand between them, and words that are not known may be any.
        let mut rest = words.iter();
        let mut is_there = |pattern: &WordPattern| {
            pattern.literal().is_some_and(|literal| option_letters(literal) != 0)
                || rest.any(|word| could_be(word, pattern))
        };
        let found = spoken.has_unknown || patterns.iter().all(&mut is_there);
        if found { Likeness::Possible } else { Likeness::No }
    }
}

/// Whether `word` is the program that `pattern` says: by its whole name or its base name, and possibly in another case,
/// which some file systems do not tell.
fn is_program(pattern: &WordPattern, word: &Word, known_by: &str) -> Likeness {
    let Some(name) = word.known_text() else {
        return if could_be(word, pattern) { Likeness::Possible } else { Likeness::No };
    };
    let file = name.rsplit(['/', '\\']).next().unwrap_or(name);
    let names = [name, file, known_by];
    // Another version, another case, or another name of the same program.
    let is_like = pattern.literal().is_some_and(|literal| {
        names.iter().any(|name| literal.eq_ignore_ascii_case(name))
            || (!literal.contains('/') && names::base_name(literal) == known_by)
    });
    // On Windows, too: with another ending, and in either case.
    let is_ending = |file: &str| pattern.literal().is_some_and(|literal| names::without_ending(file) == Some(literal));
    match (names.iter().any(|name| pattern.covers(name, Care::Caution)) || is_ending(file), is_like) {
        (true, _) => Likeness::Certain,
        (false, true) => Likeness::Possible,
        (false, false) => Likeness::No,
    }
}

/// The words of a pattern by their own names, and without `--*`.
fn canonical(words: &[WordPattern]) -> Vec<WordPattern> {
    let words = words.iter().filter(|word| !matches!(word, WordPattern::Options)).cloned().collect::<Vec<_>>();
    let literals = words.iter().map_while(WordPattern::literal).map(Word::literal).collect::<Vec<_>>();
    let undashed = names::undashed(&literals);
    let Some(own) = names::canonical(&undashed).into_iter().next() else {
        return words;
    };
    // A dot alone is a name like any other.
    let own = own.into_iter().map(|word| WordPattern::Literal(word.text));
    own.chain(words.iter().skip(literals.len()).cloned()).collect()
}

/// The letters that an option may be known by, as bits: those of `-rf`, and the first of `--force`. None for another word.
fn option_letters(text: &str) -> u64 {
    let letters = match (text.strip_prefix("--"), text.strip_prefix('-')) {
        (Some(long), _) => long.get(..1).unwrap_or_default(),
        (None, Some(cluster)) => cluster.split('=').next().unwrap_or_default(),
        (None, None) => "",
    };
    let bit = |letter: u8| match letter {
        b'a'..=b'z' | b'A'..=b'Z' => 1 << (letter.to_ascii_lowercase() - b'a'),
        b'0'..=b'9' => 1 << (26 + letter - b'0'),
        _ => 1 << 63,
    };
    letters.bytes().fold(0, |bits, letter| bits | bit(letter))
}

/// Whether `word` is, or may turn out to be, what `pattern` says: abbreviated, or as another way to the same file.
fn could_be(word: &Word, pattern: &WordPattern) -> bool {
    let Some(literal) = pattern.literal() else {
        return word.known_text().is_none_or(|text| pattern.may_be(text));
    };
    match word.known_text() {
        Some(text) => {
            let (said, meant) = (file_name(text), file_name(literal));
            text == literal || said == meant || (said.len() >= MIN_ABBREVIATION && meant.starts_with(said))
        }
        None => {
            // A home directory may have any name.
            let home = word.text.strip_prefix('~').map(|rest| format!("*{rest}"));
            let text = home.as_deref().unwrap_or(&word.text);
            text.contains("..") || Glob::new(file_name(text)).matches(file_name(literal), Reach::Wide)
        }
    }
}

/// How much of a word must be there for it to be an abbreviation, in bytes.
pub(super) const MIN_ABBREVIATION: usize = 2;

/// What a path ends in, however it is written; any other word is itself.
pub(super) fn file_name(text: &str) -> &str {
    let path = text.trim_end_matches('/');
    path.rsplit('/').next().filter(|name| !name.is_empty()).unwrap_or(text)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::domain::matcher::parse::tests::word;

    proptest! {
        #![proptest_config(ProptestConfig { cases: 5_000, failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn a_plain_pattern_is_read_as_the_grammar_reads_it(words in prop::collection::vec(word(), 1..5), any in "( \\*)?") {
            let text = words.join(" ") + &any;
            prop_assert_eq!(
                format!("{:?}", CommandPattern::parse(&text)),
                format!("{:?}", CommandPattern::of_tree(&text))
            );
        }
    }
}
