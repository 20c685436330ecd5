//! Patterns of commands: word by word.

use super::command_line::SimpleCommand;
use super::components::{Care, Components};
use super::danger;
use super::glob::{Glob, Reach};
use super::parse;
use super::url::{Url, UrlPattern};
use super::word::{self, Known, Word};

/// A pattern of one simple command.
#[derive(Clone, Debug)]
pub(super) struct CommandPattern {
    words: Vec<WordPattern>,
    /// Whether its last word is a `*` alone, which stands for any further words.
    any_rest: bool,
    /// The letters of the options that it spells.
    options: u64,
}

/// Words as rules that deny or ask look at them: the same for every rule, so they are worked out once.
#[derive(Clone, Debug)]
pub(super) struct Spoken {
    /// The program first.
    words: Vec<Word>,
    /// The letters of all options among them.
    options: u64,
    /// Whether one of them may be anything.
    has_unknown: bool,
}

impl Spoken {
    pub(super) fn new(words: &[Word]) -> Self {
        let said = words.get(1..).unwrap_or_default();
        let options = said.iter().fold(0, |letters, word| letters | option_letters(&word.text));
        let has_unknown = said.iter().any(|word| word.known == Known::Nothing && word.text == "*");
        Self { words: words.to_vec(), options, has_unknown }
    }

    pub(super) fn words(&self) -> &[Word] {
        &self.words
    }
}

#[derive(Clone, Debug)]
enum WordPattern {
    /// This very word.
    Literal(String),
    /// `*` alone: one word.
    Any,
    /// A word with wildcards in it.
    Glob { prefix: String, components: Components },
    /// A URL with wildcards in it.
    Url { prefix: String, url: UrlPattern },
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
        let any_rest = matches!(words.last(), Some(WordPattern::Any));
        // A `*` that is the whole pattern stands for the program, too.
        if any_rest && words.len() > 1 {
            words.pop();
        }
        let literals = words.iter().skip(1).filter_map(WordPattern::literal);
        let options = literals.fold(0, |letters, literal| letters | option_letters(literal));
        Some(Self { words, any_rest, options })
    }

    /// Whether it covers more than one command.
    pub(super) fn has_wildcards(&self) -> bool {
        self.any_rest || self.words.iter().any(|word| word.literal().is_none())
    }

    /// The words before the first wildcard: what an index may go by.
    pub(super) fn literal_words(&self) -> impl Iterator<Item = &str> {
        self.words.iter().map_while(WordPattern::literal)
    }

    /// Whether this lets `command` pass without a person: every word is covered, and no wildcard hides a danger.
    pub(super) fn allows(&self, command: &SimpleCommand) -> bool {
        let words = &command.words;
        if words.len() < self.words.len() || (words.len() > self.words.len() && !self.any_rest) {
            return false;
        }
        let covered = self
            .words
            .iter()
            .zip(words)
            .all(|(pattern, word)| word.known_text().is_some_and(|text| pattern.covers(text, Care::Allowing)));
        if !covered {
            return false;
        }
        let program = command.program();
        if danger::runs_its_words(&program) {
            return !self.has_wildcards();
        }
        danger::in_words(&program, words)
            .iter()
            .all(|danger| self.words.get(danger.word).is_some_and(|pattern| pattern.spelled() >= danger.bytes))
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
        let likeness = self.words.first().map_or(Likeness::Certain, |pattern| is_program(pattern, program));
        if likeness == Likeness::No {
            return likeness;
        }
        let patterns = self.words.get(1..).unwrap_or_default();
        let fits = words.len() == patterns.len() || (words.len() > patterns.len() && self.any_rest);
        let certain = fits
            && likeness == Likeness::Certain
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
fn is_program(pattern: &WordPattern, word: &Word) -> Likeness {
    let Some(name) = word.known_text() else {
        return if could_be(word, pattern) { Likeness::Possible } else { Likeness::No };
    };
    let names = [name, name.rsplit('/').next().unwrap_or(name)];
    let lower = |name: &&str| pattern.literal().is_some_and(|literal| literal.eq_ignore_ascii_case(name));
    match (names.iter().any(|name| pattern.covers(name, Care::Caution)), names.iter().any(lower)) {
        (true, _) => Likeness::Certain,
        (false, true) => Likeness::Possible,
        (false, false) => Likeness::No,
    }
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
        return word.known_text().is_none_or(|text| pattern.covers(text, Care::Caution));
    };
    match word.known_text() {
        Some(text) => {
            let (said, meant) = (file_name(text), file_name(literal));
            text == literal || said == meant || (said.len() >= MIN_ABBREVIATION && meant.starts_with(said))
        }
        None => word.text.contains("..") || Glob::new(file_name(&word.text)).matches(file_name(literal), Reach::Wide),
    }
}

/// How much of a word must be there for it to be an abbreviation, in bytes.
pub(super) const MIN_ABBREVIATION: usize = 2;

/// What a path ends in, however it is written; any other word is itself.
pub(super) fn file_name(text: &str) -> &str {
    let path = text.trim_end_matches('/');
    path.rsplit('/').next().filter(|name| !name.is_empty()).unwrap_or(text)
}

impl WordPattern {
    /// Reads one word of a pattern: quotes and backslashes as in a shell, and `*` as a wildcard.
    fn parse(raw: &str) -> Option<Self> {
        let mut parts = vec![(Glob::empty(), String::new())];
        let mut quote = None;
        let mut chars = raw.chars();
        while let Some(c) = chars.next() {
            let (glob, source) = parts.last_mut()?;
            match (c, quote) {
                ('\'' | '"', None) => quote = Some(c),
                (c, Some(q)) if c == q => quote = None,
                ('$' | '`', None | Some('"')) => return None,
                ('\\', None) => glob.push(chars.next()?),
                ('\\', Some('"')) => match chars.next()? {
                    c @ ('$' | '`' | '"' | '\\') => glob.push(c),
                    c => {
                        glob.push('\\');
                        glob.push(c);
                    }
                },
                ('*', None) => {
                    glob.push_star();
                    source.push('*');
                }
                ('/', _) => parts.push((Glob::empty(), String::new())),
                (c, _) => {
                    glob.push(c);
                    source.push('x');
                }
            }
        }
        if word::is_quoted_tilde(raw, parts.first()?.0.literal_prefix()) {
            parts.insert(0, (Glob::new("."), String::new()));
        }
        Some(Self::of(parts))
    }

    /// Of globs that were parted at slashes, each with its shape.
    fn of(parts: Vec<(Glob, String)>) -> Self {
        if let [(glob, _)] = parts.as_slice()
            && glob.is_star()
        {
            return Self::Any;
        }
        let literals = parts.iter().map_while(|(glob, _)| glob.literal()).collect::<Vec<_>>();
        let mut prefix = literals.join("/");
        if literals.len() == parts.len() {
            return Self::Literal(prefix);
        }
        if !literals.is_empty() {
            prefix.push('/');
        }
        prefix.push_str(parts[literals.len()].0.literal_prefix());
        if prefix.contains("://") || (parts.len() > 2 && literals.first().is_some_and(|first| first.ends_with(':'))) {
            let source = parts.iter().map(|(glob, _)| glob.source()).collect::<Vec<_>>().join("/");
            // What looks like a URL and is none covers nothing.
            return UrlPattern::parse(&source).map_or(Self::Literal(source), |url| Self::Url { prefix, url });
        }
        let components = Components::new(parts.into_iter().map(|(glob, shape)| (glob, shape == "**")));
        Self::Glob { prefix, components }
    }

    fn literal(&self) -> Option<&str> {
        match self {
            Self::Literal(literal) => Some(literal),
            Self::Any | Self::Glob { .. } | Self::Url { .. } => None,
        }
    }

    /// How many bytes of a word that this covers the person who made it has spelled out, from its start.
    fn spelled(&self) -> usize {
        match self {
            Self::Literal(literal) => literal.len(),
            Self::Any => 0,
            Self::Glob { prefix, .. } | Self::Url { prefix, .. } => prefix.len(),
        }
    }

    fn covers(&self, text: &str, care: Care) -> bool {
        match self {
            Self::Literal(literal) => literal == text,
            Self::Any => true,
            Self::Glob { components, .. } => components.matches(&text.split('/').collect::<Vec<_>>(), care),
            Self::Url { url, .. } => Url::parse(text).is_ok_and(|found| url.matches(&found, care)),
        }
    }
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
