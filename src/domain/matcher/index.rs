//! Which of many patterns are worth holding against a subject.

use std::collections::HashSet;
use std::ops::Bound;
use std::sync::{Arc, OnceLock};

use aho_corasick::AhoCorasick;
use rpds::RedBlackTreeMapSync;

use super::command_line::SimpleCommand;
use super::command_pattern::{MIN_ABBREVIATION, file_name};
use super::compiled::CompiledPattern;
use super::names::base_name;
use super::subject::{Form, Subject};
use super::word::{Known, Word};

/// Patterns by what they begin with; programs and paths in lower case, since some file systems do not tell. A lookup
/// returns every pattern that could cover the subject, and few others. A copy shares nearly all of it.
#[derive(Clone, Debug, Default)]
pub(in crate::domain) struct Index {
    exact: ByText<Vec<usize>>,
    /// By all words, for rules that allow.
    commands: Tree,
    /// By file names and without options, which may be written in many ways, for rules that deny or ask.
    likenesses: Tree,
    paths: Tree,
    urls: Tree,
    folded_urls: Tree,
    /// By what has to be in a text.
    literals: Literals,
    /// Those that are one `*`: for rules that deny or ask, anything.
    stars: Vec<usize>,
}

/// A map of which a copy shares what neither has changed.
type ByText<V> = RedBlackTreeMapSync<String, V>;

/// Changes what `map` has at `key`, where there is nothing yet a default.
fn change<V: Clone + Default>(map: &mut ByText<V>, key: &str, change: impl FnOnce(&mut V)) {
    if let Some(value) = map.get_mut(key) {
        change(value);
    } else {
        let mut value = V::default();
        change(&mut value);
        map.insert_mut(key.to_owned(), value);
    }
}

/// How many bytes of a subject are compared at most, by all patterns together: where it would be more, a person is asked.
/// `cargo bench --bench hostile` shows what that takes.
const COMPARED: usize = 512 * 1024;

/// What one comparison costs beside the bytes that are compared, in bytes.
const COMPARISON: usize = 64;

/// How much faster than anything else a text is compared that is not taken apart.
const TEXT_SPEED: usize = 16;

/// What it costs to compare the text of a subject, in bytes.
const fn text_cost(subject: &Subject) -> usize {
    if subject.form.is_text() { subject.text.len() / TEXT_SPEED } else { subject.text.len() }
}

/// How often literals may be met in one text.
const MOST_MET: usize = 64 * 1024;

/// Numbers by a text without which the pattern is no text at all.
#[derive(Clone, Debug, Default)]
struct Literals {
    numbers: ByText<Vec<usize>>,
    /// Of those that need none.
    without: Vec<usize>,
    /// Made when it is first needed; `None` in it where it cannot be made.
    search: OnceLock<Option<Arc<Search>>>,
}

/// Finds all literals at once, each with its numbers.
#[derive(Debug)]
struct Search {
    literals: AhoCorasick,
    numbers: Vec<Vec<usize>>,
}

impl Literals {
    fn insert(&mut self, needed: Option<&str>, number: usize) {
        match needed {
            Some(literal) => change(&mut self.numbers, literal, |numbers| numbers.push(number)),
            None => self.without.push(number),
        }
        self.search = OnceLock::new();
    }

    /// Adds the numbers of those that `text` could be; `None` where it has too many of them.
    fn in_text(&self, text: &str, found: &mut Found) -> Option<()> {
        found.numbers.extend(&self.without);
        let search = self.search.get_or_init(|| {
            let numbers = self.numbers.values().cloned().collect();
            AhoCorasick::new(self.numbers.keys()).ok().map(|literals| Arc::new(Search { literals, numbers }))
        });
        let Search { literals, numbers } = search.as_deref()?;
        let mut met = vec![false; numbers.len()];
        for (count, literal) in literals.find_overlapping_iter(text).map(|found| found.pattern().as_usize()).enumerate()
        {
            if count == MOST_MET {
                return None;
            }
            if !std::mem::replace(&mut met[literal], true) {
                found.numbers.extend(&numbers[literal]);
                found.bounded()?;
            }
        }
        Some(())
    }
}

/// Numbers under the words that lead to them.
#[derive(Clone, Debug, Default)]
struct Tree {
    here: Vec<usize>,
    below: ByText<Tree>,
}

impl Tree {
    fn insert(&mut self, keys: &mut dyn Iterator<Item = &str>, number: usize) {
        match keys.next() {
            Some(key) => change(&mut self.below, key, |next| next.insert(keys, number)),
            None => self.here.push(number),
        }
    }

    /// Whatever stands on the way along `keys`.
    fn along<'k>(&self, keys: impl Iterator<Item = &'k str>, found: &mut Vec<usize>) {
        let mut tree = self;
        found.extend(&tree.here);
        for key in keys {
            let Some(next) = tree.below.get(key) else {
                return;
            };
            tree = next;
            found.extend(&tree.here);
        }
    }

    /// Whatever stands on a way along some of `words`, in their order; a word that is not known may lead anywhere.
    fn among(&self, words: &[Word], found: &mut Vec<usize>) {
        if words.iter().any(|word| word.known != Known::Literally) {
            return self.whole(found);
        }
        found.extend(&self.here);
        if self.below.is_empty() {
            return;
        }
        // The first word that leads somewhere leaves the most to come: no way is gone twice.
        let mut gone = HashSet::new();
        for (at, word) in words.iter().enumerate() {
            let said = file_name(&word.text);
            let ways = self.below.range::<str, _>((Bound::Included(said), Bound::Unbounded));
            let ways = ways.take_while(|(key, _)| match said.len() >= MIN_ABBREVIATION {
                true => key.starts_with(said),
                false => *key == said,
            });
            for (key, next) in ways {
                if gone.insert(key.as_str()) {
                    next.among(&words[at + 1..], found);
                }
            }
        }
    }

    /// Everything from where `keys` lead.
    fn below<'k>(&self, mut keys: impl Iterator<Item = &'k str>, found: &mut Vec<usize>) {
        if let Some(tree) = keys.try_fold(self, |tree, key| tree.below.get(key)) {
            tree.whole(found);
        }
    }

    /// Everything from here on.
    fn whole(&self, found: &mut Vec<usize>) {
        found.extend(&self.here);
        self.below.values().for_each(|tree| tree.whole(found));
    }
}

impl Index {
    /// Adds the pattern with this number.
    pub(in crate::domain) fn insert(&mut self, pattern: &CompiledPattern, number: usize) {
        if let Some(exact) = pattern.exact_text() {
            change(&mut self.exact, exact, |numbers| numbers.push(number));
        }
        let [command, path, url] = pattern.keys();
        if let Some(mut keys) = pattern.own_words() {
            let program = (!keys.is_empty()).then(|| base_name(keys.remove(0)));
            let names = keys.iter().filter(|word| !word.starts_with('-')).map(|word| file_name(word));
            self.likenesses.insert(&mut program.as_deref().into_iter().chain(names), number);
        }
        if let Some(mut keys) = command {
            let program = (!keys.is_empty()).then(|| keys.remove(0).to_lowercase());
            self.commands.insert(&mut program.as_deref().into_iter().chain(keys.iter().copied()), number);
        }
        if let Some(keys) = path {
            self.paths.insert(&mut keys.into_iter(), number);
        }
        if let Some(keys) = &url {
            let folded = keys.iter().map(|key| key.to_lowercase()).collect::<Vec<_>>();
            self.folded_urls.insert(&mut folded.iter().map(String::as_str), number);
        }
        if let Some(keys) = url {
            self.urls.insert(&mut keys.into_iter(), number);
        }
        if pattern.is_star() {
            self.stars.push(number);
        }
        self.literals.insert(pattern.needed_text(), number);
    }

    /// Whether no pattern was ever added.
    pub(in crate::domain) fn is_empty(&self) -> bool {
        self.literals.numbers.is_empty() && self.literals.without.is_empty()
    }

    /// The patterns that could allow the whole of `subject`, in the order of their numbers; `None` where they are too many to
    /// be held against it.
    pub(in crate::domain) fn for_whole(&self, subject: &Subject) -> Option<Vec<usize>> {
        let mut found = Found::of(text_cost(subject));
        found.numbers.extend(self.exact.get(&subject.text).into_iter().flatten());
        self.for_form(&subject.form, &mut found);
        if subject.form.is_text() {
            self.literals.in_text(&subject.text, &mut found)?;
        }
        found.in_order()
    }

    /// The patterns that could allow one command of a line, in the order of their numbers; `None` where they are too many.
    pub(in crate::domain) fn for_command(&self, command: &SimpleCommand) -> Option<Vec<usize>> {
        let mut found = Found::of(command.words.iter().map(|word| word.text.len()).sum());
        self.for_words(&command.words, &mut found.numbers);
        if let Some(limited) = command.limited() {
            self.for_words(&limited.words, &mut found.numbers);
        }
        found.in_order()
    }

    fn for_words(&self, words: &[Word], found: &mut Vec<usize>) {
        let mut words = words.iter().map_while(Word::known_text);
        let program = words.next().map(str::to_lowercase);
        self.commands.along(program.as_deref().into_iter().chain(words), found);
    }

    /// The patterns that are `subject` to the letter.
    pub(in crate::domain) fn exactly(&self, subject: &Subject) -> Vec<usize> {
        self.exact.get(&subject.text).cloned().unwrap_or_default()
    }

    /// The patterns that could resemble `subject` or what is said beside it, in the order of their numbers; `None` where they
    /// are too many to be held against it.
    pub(in crate::domain) fn for_caution(&self, subject: &Subject) -> Option<Vec<usize>> {
        let forms = || std::iter::once(&subject.form).chain(&subject.beside);
        let spoken = || forms().flat_map(Form::reached).flat_map(|reached| &reached.commands);
        let of_commands = spoken().map(|spoken| COMPARISON + spoken.bytes()).sum::<usize>();
        let mut found = Found::of(text_cost(subject) + of_commands);
        found.numbers.extend(self.exact.get(&subject.text).into_iter().flatten().chain(&self.stars));
        if let Some(before) = &subject.before {
            // Rules that were made before may be about what the subject was then.
            self.literals.in_text(before, &mut found)?;
        }
        if forms().any(Form::is_text) {
            self.literals.in_text(&subject.text, &mut found)?;
        }
        for form in forms() {
            self.for_form(form, &mut found);
            match form {
                Form::Command { .. } => {
                    for spoken in form.reached().iter().flat_map(|reached| &reached.commands) {
                        self.resembling(spoken.words(), &mut found.numbers);
                        found.bounded()?;
                    }
                }
                Form::Path { folded, searches, .. } => {
                    for path in folded {
                        if *searches {
                            self.paths.below(path.keys(), &mut found.numbers);
                        }
                        let ways = path.other_keys();
                        ways.into_iter().for_each(|keys| self.paths.along(keys.into_iter(), &mut found.numbers));
                        if path.is_home() {
                            self.paths.whole(&mut found.numbers);
                        }
                    }
                }
                Form::Url(url) => {
                    let twin = url.twin();
                    for url in std::iter::once(url).chain(&twin) {
                        let folded = url.keys().map(str::to_lowercase).collect::<Vec<_>>();
                        self.folded_urls.along(folded.iter().map(String::as_str), &mut found.numbers);
                    }
                }
                Form::Text | Form::Whole | Form::Opaque => {}
            }
            found.bounded()?;
        }
        found.in_order()
    }

    /// Those that a path or a URL could be about.
    fn for_form(&self, form: &Form, found: &mut Found) {
        match form {
            Form::Path { folded, .. } => {
                for path in folded {
                    self.paths.along(path.keys(), &mut found.numbers);
                }
            }
            Form::Url(url) => self.urls.along(url.keys(), &mut found.numbers),
            Form::Command { .. } | Form::Text | Form::Whole | Form::Opaque => {}
        }
    }

    /// Patterns that begin with the program and go on with some of its words, in their order.
    fn resembling(&self, words: &[Word], found: &mut Vec<usize>) {
        let Some((program, words)) = words.split_first() else {
            return;
        };
        let Some(name) = program.known_text().map(base_name) else {
            return self.likenesses.whole(found);
        };
        found.extend(&self.likenesses.here);
        if let Some(tree) = self.likenesses.below.get(&name) {
            tree.among(words, found);
        }
    }
}

/// What a lookup has found so far.
struct Found {
    numbers: Vec<usize>,
    /// How many of them may be held against the subject.
    most: usize,
}

impl Found {
    /// Nothing yet, for a subject of which so many bytes are looked at.
    const fn of(bytes: usize) -> Self {
        Self { numbers: Vec::new(), most: COMPARED / (COMPARISON + bytes) }
    }

    /// `None` once they are too many.
    fn bounded(&mut self) -> Option<()> {
        if self.numbers.len() > self.most {
            self.sort();
        }
        (self.numbers.len() <= self.most).then_some(())
    }

    fn in_order(mut self) -> Option<Vec<usize>> {
        self.sort();
        (self.numbers.len() <= self.most).then_some(self.numbers)
    }

    fn sort(&mut self) {
        self.numbers.sort_unstable();
        self.numbers.dedup();
    }
}
