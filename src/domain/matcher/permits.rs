//! Which words of a command a wildcard covers because they are known to be harmless: a walk along the words, by the table of
//! what is permitted.

use std::borrow::Cow;

use super::names::program_name;
use super::permitted::{Entry, Kind, NOTHING, Permitted, Rest, Value, entry, is_number, is_plain_number, own_name};
use super::programs::{RUN_TEXT, WINDOWS};
use super::word::{Known, Word};

/// What a word of a command is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    /// The program, or a word that is not permitted.
    Unknown,
    /// An option that is permitted by its name, or its value.
    Harmless,
    /// An option that is permitted by what it begins with.
    Likely,
    /// In the place of a subcommand.
    Subcommand,
    /// Any other word that is no option.
    Operand,
    /// A word behind `--`, which is no option.
    Behind,
}

/// An option that a command has.
#[derive(Clone, Debug)]
pub(super) struct Given {
    /// The word that it stands in.
    pub(super) word: usize,
    /// The word that is its value, if that is the next one.
    pub(super) value: Option<usize>,
    /// The word behind it that some take for its value, where it may say the contrary.
    pub(super) switch: Option<usize>,
    /// What it sets, by all names of the option without `no-`: two that share one set the same.
    pub(super) sets: Vec<Cow<'static, str>>,
    /// Whether the command with it only shows something.
    pub(super) is_view: bool,
}

/// What the table says to the words of a command.
#[derive(Debug, Default)]
pub(super) struct Walked {
    pub(super) roles: Vec<Role>,
    /// Words that have to be spelled, each up to so many bytes.
    pub(super) unknown: Vec<(usize, usize)>,
    pub(super) options: Vec<Given>,
    /// Where the command line of another program begins.
    pub(super) inner: Option<usize>,
    /// Words that are no options and stand in no subcommand's place.
    pub(super) operands: Vec<usize>,
    /// Whether the program has an entry.
    pub(super) is_known: bool,
    pub(super) abbreviates: bool,
    /// Whether it only reads what its words name.
    pub(super) reads: bool,
}

/// Words that some programs take for the value of an option that has none.
const SWITCHES: &[&str] = &["true", "false", "null"];

/// How much of a value has to be spelled that is no URL by its kind and is one, or has one in it: what is fetched, up to its
/// host; nothing of any other.
fn fetched(value: &str) -> usize {
    let is_scheme = |scheme: &str| {
        let scheme = scheme.rsplit(',').next().unwrap_or(scheme);
        !scheme.is_empty() && scheme.bytes().all(|byte| byte.is_ascii_alphanumeric())
    };
    let Some((before, rest)) = value.split_once("://").filter(|(before, _)| is_scheme(before)) else { return 0 };
    let host = rest.find('/').map_or(rest.len(), |at| at + 1);
    if before.contains(',') || rest.contains(',') { value.len() } else { before.len() + "://".len() + host }
}

/// Whether a word may be an option: `-x`, `+x`, and for a program of Windows `/x`.
fn may_be_option(text: &str, is_windows: bool) -> bool {
    let is_slashed = is_windows && text.len() > 1 && text.starts_with('/') && !text[1..].contains('/');
    (text.len() > 1 && text.starts_with('-')) || (text.len() > 1 && text.starts_with('+')) || is_slashed
}

/// What the table says to `words`.
pub(super) fn walk(program: &str, words: &[Word]) -> Walked {
    let known = entry(program);
    let is_windows =
        WINDOWS.contains(program) || words.first().is_some_and(|word| word.text.to_ascii_lowercase().ends_with(".exe"));
    let mut walker = Walker {
        words,
        path: program.to_owned(),
        entry: known.unwrap_or(&NOTHING),
        above: Vec::new(),
        is_windows,
        descends: true,
        value_or_option: None,
        walked: Walked {
            roles: vec![Role::Unknown; words.len()],
            is_known: known.is_some(),
            abbreviates: known.is_some_and(|entry| entry.abbreviates),
            ..Walked::default()
        },
    };
    walker.all();
    walker.walked
}

struct Walker<'w> {
    words: &'w [Word],
    /// The program and the subcommands that were met.
    path: String,
    entry: &'static Entry,
    /// The entries of the program and the subcommands above.
    above: Vec<&'static Entry>,
    is_windows: bool,
    /// Whether a subcommand may come.
    descends: bool,
    /// The word that is the value of the option before it, or an option of its own.
    value_or_option: Option<usize>,
    walked: Walked,
}

impl Walker<'_> {
    fn all(&mut self) {
        let mut at = 1;
        while let Some(word) = self.words.get(at) {
            let text = word.text.as_str();
            let is_name = word.known == Known::Names && self.covers_names();
            if self.is_file(text) {
                at = self.unknown(at, text.len());
            } else if word.known == Known::Nothing || (word.known == Known::Names && !is_name) {
                if self.entry.any && self.spelled_among_any(word).is_none() {
                    self.walked.roles[at] = Role::Harmless;
                } else {
                    self.walked.unknown.push((at, usize::MAX));
                }
                at += 1;
            } else if text == "--" && self.may_be_value(at) {
                at = self.unknown(at, text.len());
            } else if text == "--" {
                if self.behind(at) {
                    return;
                }
                at += 1;
            } else if may_be_option(text, self.is_windows) {
                at = self.switch(at);
            } else if self.entry.runs && !self.is_subcommand(text) {
                self.walked.inner = Some(at);
                return;
            } else {
                self.operand(at);
                at += 1;
            }
        }
    }

    /// Whether the names of files that the shell finds do no harm, were one of them called like an option.
    fn covers_names(&self) -> bool {
        self.walked.is_known && (self.entry.names_found || self.entry.any) && !self.entry.runs
    }

    /// The entries of which some things hold for the subcommands below, too.
    fn entries(&self) -> impl Iterator<Item = &'static Entry> {
        std::iter::once(self.entry).chain(self.above.iter().copied())
    }

    /// Whether the program reads words from the file that `text` names.
    fn is_file(&self, text: &str) -> bool {
        self.entries().any(|entry| entry.files.iter().any(|beginning| text.starts_with(beginning)))
    }

    /// The same of a word behind `--`, where it may be any.
    fn may_be_file(&self, word: &Word) -> bool {
        let is_any = matches!(word.known, Known::Names | Known::Nothing);
        self.is_file(&word.text) || (is_any && self.entries().any(|entry| !entry.files.is_empty()))
    }

    /// Whether the word at `at` may be the value of the option before it, of which nothing is known.
    fn may_be_value(&self, at: usize) -> bool {
        let text = self.words[at - 1].text.as_str();
        let is_unknown = self.walked.unknown.last().is_some_and(|(word, _)| *word == at - 1);
        is_unknown && text != "--" && text.starts_with('-') && !text.contains('=')
    }

    /// What follows `--`; whether all of it has been read.
    fn behind(&mut self, at: usize) -> bool {
        let rest = at + 1..self.words.len();
        match self.entry.rest {
            Rest::Operands if self.entry.runs => {
                self.walked.roles[at] = Role::Harmless;
                self.walked.inner = (at + 1 < self.words.len()).then_some(at + 1);
            }
            Rest::Operands => {
                self.walked.roles[at] = Role::Harmless;
                self.walked.roles[rest.clone()].fill(Role::Behind);
                let files = rest.clone().filter(|at| self.may_be_file(&self.words[*at]));
                let files = files.map(|at| (at, self.words[at].text.len())).collect::<Vec<_>>();
                self.walked.unknown.extend(files);
                self.walked.operands.extend(rest);
            }
            Rest::Unknown => {
                let spelled = (at..self.words.len()).map(|at| (at, self.words[at].text.len()));
                self.walked.unknown.extend(spelled);
            }
            Rest::Like(name) => {
                self.walked.roles[at] = Role::Harmless;
                self.entry = entry(name).unwrap_or(&NOTHING);
                self.above.clear();
                self.descends = false;
                return false;
            }
        }
        true
    }

    fn is_subcommand(&self, text: &str) -> bool {
        let own = own_name(&self.path, text).unwrap_or(text);
        self.descends && self.entry.has_subcommands && entry(&format!("{} {own}", self.path)).is_some()
    }

    fn operand(&mut self, at: usize) {
        let text = self.words[at].text.as_str();
        if !self.descends || (self.walked.is_known && !self.entry.has_subcommands) {
            self.walked.roles[at] = Role::Operand;
            self.walked.operands.push(at);
            return;
        }
        self.walked.roles[at] = Role::Subcommand;
        if !self.walked.is_known {
            self.descends = false;
            return;
        }
        let own = own_name(&self.path, text).unwrap_or(text);
        self.path.push(' ');
        self.path.push_str(own);
        self.above.push(self.entry);
        match entry(&self.path) {
            Some(entry) => {
                self.entry = entry;
                self.descends = entry.has_subcommands;
            }
            None => {
                self.entry = &NOTHING;
                self.descends = false;
            }
        }
    }

    fn find(&self, name: &str) -> Option<&'static Permitted> {
        let above = self.above.iter().rev().find_map(|entry| entry.everywhere.get(name));
        self.entry.options.get(name).or(above)
    }

    /// Reads the option at `at`; where to go on.
    fn option(&mut self, at: usize) -> usize {
        if self.entry.any {
            if let Some(bytes) = self.spelled_among_any(&self.words[at]) {
                return self.unknown(at, bytes);
            }
            self.walked.roles[at] = Role::Harmless;
            self.given_as_written(at, usize::MAX);
            return at + 1;
        }
        let text = self.words[at].text.as_str();
        let (name, value) = text.split_once('=').map_or((text, None), |(name, value)| (name, Some(value)));
        let named = self.find(name).or_else(|| {
            // One dash or two are the same where letters are not written together.
            let single = name.strip_prefix('-').filter(|single| self.entry.single && single.starts_with('-'));
            single.and_then(|single| self.find(single))
        });
        if let Some(permitted) = named {
            return self.valued(at, permitted, value, name.len());
        }
        let digits = text.strip_prefix('-').filter(|digits| digits.bytes().all(|byte| byte.is_ascii_digit()));
        if self.entry.numbers && digits.is_some() {
            self.walked.roles[at] = Role::Harmless;
            self.given(at, None, "-#");
            return at + 1;
        }
        let is_letters = !self.entry.single && text.starts_with('-') && !text.starts_with("--");
        if let Some(next) = is_letters.then(|| self.letters(at)).flatten() {
            return next;
        }
        if self.entry.beginnings.iter().any(|beginning| text.starts_with(beginning)) {
            self.walked.roles[at] = Role::Likely;
            self.given_as_written(at, name.len());
            return at + 1;
        }
        self.unknown(at, name.len())
    }

    /// Reads the option at `at`, and the word behind it where that may say whether it counts; where to go on.
    fn switch(&mut self, at: usize) -> usize {
        let next = self.option(at);
        let booleans =
            !self.walked.is_known || std::iter::once(&self.entry).chain(&self.above).any(|entry| entry.booleans);
        let is_switch = |word: &Word| SWITCHES.iter().any(|switch| word.text.eq_ignore_ascii_case(switch));
        if next != at + 1 || !booleans || !self.words.get(next).is_some_and(is_switch) {
            return next;
        }
        let text = self.words[next].text.as_str();
        let option = self.words[at].text.as_str();
        let may_be_said = |permitted: &Permitted| matches!(&permitted.value, Value::Possible(kind) if kind.allows(text, self.words[next].known));
        if self.find(option).is_some_and(may_be_said) {
            self.walked.roles[next] = Role::Harmless;
            if let Some(given) = self.walked.options.last_mut().filter(|given| given.word == at) {
                given.switch = Some(next);
            }
        } else {
            self.walked.unknown.push((next, text.len()));
        }
        next + 1
    }

    /// How much of an option has to be spelled of a program that may have any other: abbreviated, too, and among letters; all of
    /// one that may become such an option, by what is only known when it runs.
    fn spelled_among_any(&self, word: &Word) -> Option<usize> {
        let text = word.text.as_str();
        let is_spelled = |permitted: &Permitted| matches!(permitted.value, Value::Spelled);
        let mut spelled = self.entry.options.iter().filter(|(_, permitted)| is_spelled(permitted)).peekable();
        if !text.starts_with('-') || spelled.peek().is_none() {
            return None;
        }
        // What stands for all that is not known.
        let unknown = text.find('*').filter(|_| word.known == Known::Nothing);
        if text.starts_with("--") {
            let name = text.split('=').next().unwrap_or(text);
            let mut is_one = |begins: &str| spelled.any(|(option, _)| option.starts_with(begins));
            return match unknown.and_then(|unknown| name.get(..unknown)) {
                Some(begins) => is_one(begins).then_some(usize::MAX),
                None => (name.len() > 2 && is_one(name)).then_some(name.len()),
            };
        }
        for (start, letter) in text.char_indices().skip(1) {
            if unknown == Some(start) {
                return Some(usize::MAX);
            }
            match self.find(&format!("-{letter}")) {
                Some(permitted) if is_spelled(permitted) => return Some(start + letter.len_utf8()),
                Some(_) => return None,
                None => {}
            }
        }
        None
    }

    /// Letters that are written together, the last of which may have a value; `None` where one of them is not known at once.
    fn letters(&mut self, at: usize) -> Option<usize> {
        let text = self.words[at].text.as_str();
        let mut names = Vec::new();
        for (start, letter) in text.char_indices().skip(1) {
            let end = start + letter.len_utf8();
            let Some(permitted) = self.find(&format!("-{letter}")) else {
                // What is spelled up to here is known.
                return (start > 1 && !self.is_beginning(text)).then(|| self.unknown(at, end));
            };
            let rest = &text[end..];
            match &permitted.value {
                Value::None => names.push(permitted.name),
                Value::Possible(_) | Value::Needed(_) | Value::Program | Value::Spelled => {
                    self.give_all(at, &names);
                    if !self.may_be_joined(&permitted.value, rest) {
                        return Some(self.unknown(at, end));
                    }
                    let value = (!rest.is_empty()).then(|| rest.strip_prefix('=').unwrap_or(rest));
                    return Some(self.valued(at, permitted, value, end));
                }
            }
        }
        self.give_all(at, &names);
        self.walked.roles[at] = Role::Harmless;
        Some(at + 1)
    }

    /// Whether `rest`, written together with a letter that has a value, is that value and nothing else.
    fn may_be_joined(&self, value: &Value, rest: &str) -> bool {
        let is_number = matches!(value, Value::Needed(Kind::Number) | Value::Possible(Kind::Number));
        let needs_number = is_number || self.entries().any(|entry| entry.apart);
        rest.is_empty() || rest.starts_with('=') || !needs_number || is_plain_number(rest)
    }

    fn is_beginning(&self, text: &str) -> bool {
        self.entry.beginnings.iter().any(|beginning| text.starts_with(beginning))
    }

    fn give_all(&mut self, at: usize, names: &[&'static str]) {
        for name in names {
            self.given(at, None, name);
        }
    }

    /// An option that is known, perhaps with a value in its own word.
    fn valued(&mut self, at: usize, permitted: &'static Permitted, value: Option<&str>, bytes: usize) -> usize {
        let known = self.words[at].known;
        match (&permitted.value, value) {
            (Value::None, None) | (Value::Possible(_), None) => {
                self.walked.roles[at] = Role::Harmless;
                self.given(at, None, permitted.name);
                at + 1
            }
            (Value::None | Value::Program | Value::Spelled, Some(_)) => self.unknown(at, bytes),
            (Value::Spelled, None) => {
                self.unknown(at, bytes);
                self.free_value(at + 1)
            }
            (Value::Program, None) => {
                self.unknown(at, bytes);
                self.walked.inner = (at + 1 < self.words.len()).then_some(at + 1);
                self.words.len()
            }
            (Value::Possible(_) | Value::Needed(_), Some(value)) if self.is_file(value) => {
                self.unknown(at, self.words[at].text.len())
            }
            (Value::Possible(kind) | Value::Needed(kind), Some(value)) => {
                if !kind.allows(value, known) {
                    let before = self.words[at].text.len() - value.len();
                    return self.unknown(
                        at,
                        bytes.max(match fetched(value) {
                            0 => 0,
                            fetched => before + fetched,
                        }),
                    );
                }
                self.walked.roles[at] = kind.role();
                self.given(at, None, permitted.name);
                at + 1
            }
            (Value::Needed(kind), None) => self.value_behind(at, permitted, kind, bytes),
        }
    }

    /// The value of the option at `at` in the word behind it. What begins with a dash may be an option after all, for programs
    /// that take no such word for a value: it has to be one that is known, and to be the same either way.
    fn value_behind(&mut self, at: usize, permitted: &'static Permitted, kind: &Kind, bytes: usize) -> usize {
        // What comes next would be its value, or another word.
        if self.value_or_option == Some(at) {
            return self.unknown(at, bytes);
        }
        let Some(next) = self.words.get(at + 1) else {
            self.walked.roles[at] = Role::Harmless;
            return at + 1;
        };
        if next.text == "--" || self.is_file(&next.text) {
            self.walked.roles[at] = Role::Harmless;
            self.given(at, Some(at + 1), permitted.name);
            return self.unknown(at + 1, next.text.len());
        }
        let may_be_option = may_be_option(&next.text, self.is_windows) && !self.is_negative(&next.text);
        let is_allowed = !matches!(next.known, Known::Nothing | Known::Names) && kind.allows(&next.text, next.known);
        if !is_allowed {
            self.unknown(at, bytes);
            self.walked.roles[at + 1] = Role::Unknown;
            if next.known == Known::Nothing {
                self.walked.unknown.push((at + 1, usize::MAX));
            } else if fetched(&next.text) > 0 {
                self.walked.unknown.push((at + 1, fetched(&next.text)));
            }
            if may_be_option {
                self.value_or_option = Some(at + 1);
                return at + 1;
            }
            return at + 2;
        }
        self.walked.roles[at] = Role::Harmless;
        self.given(at, Some(at + 1), permitted.name);
        if may_be_option {
            self.value_or_option = Some(at + 1);
            return at + 1;
        }
        self.walked.roles[at + 1] = kind.role();
        at + 2
    }

    /// Whether a word that begins with a dash is a number, and no letters that are written together with a digit.
    fn is_negative(&self, text: &str) -> bool {
        let is_letter = |digit: char| self.find(&format!("-{digit}")).is_some();
        let has_letters = text.contains(|c: char| c.is_ascii_alphabetic());
        is_number(text) && (self.entry.single || !has_letters || !text.chars().nth(1).is_some_and(is_letter))
    }

    /// The value of an option that has to be spelled: whatever it is, unless it may be several words or another option.
    fn free_value(&mut self, at: usize) -> usize {
        let is_value = |word: &Word| {
            matches!(word.known, Known::Literally | Known::NoOption) && !may_be_option(&word.text, self.is_windows)
        };
        if !self.words.get(at).is_some_and(is_value) {
            return at;
        }
        self.walked.roles[at] = Role::Harmless;
        at + 1
    }

    fn unknown(&mut self, at: usize, bytes: usize) -> usize {
        self.walked.unknown.push((at, bytes));
        self.given_as_written(at, bytes);
        at + 1
    }

    /// Remembers an option by the first `bytes` of its word.
    fn given_as_written(&mut self, at: usize, bytes: usize) {
        let words = self.words;
        let text = words[at].text.as_str();
        let name = text.get(..bytes).unwrap_or(text);
        let name = name.split('=').next().unwrap_or(name);
        let known = self.find(name).map(|permitted| Cow::Borrowed(permitted.name));
        self.remember(at, None, known.unwrap_or_else(|| Cow::Owned(name.to_owned())));
    }

    /// Remembers an option that is known, by the first of its names.
    fn given(&mut self, word: usize, value: Option<usize>, name: &'static str) {
        self.remember(word, value, Cow::Borrowed(name));
    }

    /// Remembers an option with all of its names.
    fn remember(&mut self, word: usize, value: Option<usize>, name: Cow<'static, str>) {
        let entries = std::iter::once(self.entry).chain(self.above.iter().copied());
        let others = entries.flat_map(|entry| entry.names.get(name.as_ref())).flatten();
        let others = others.filter(|other| **other != name).map(|other| Cow::Borrowed(*other));
        let mut names = others.collect::<Vec<_>>();
        names.push(name);
        let has_one_of = |options: &[&str]| options.iter().any(|option| names.iter().any(|name| name == option));
        let is_view = has_one_of(&self.entry.views);
        self.walked.reads |= has_one_of(&self.entry.reads);
        let opposites = self.entry.opposites.iter().filter(|set| has_one_of(set)).flatten();
        let opposites = opposites.map(|option| Cow::Borrowed(*option)).collect::<Vec<_>>();
        let sets = names.into_iter().chain(opposites).map(what_it_sets).collect();
        self.walked.options.push(Given { word, value, switch: None, sets, is_view });
    }
}

/// What an option sets: `--no-color` and `--color` the same, and `-color` where that is a whole name; of a compiler `-fno-x`
/// and `-fx`.
fn what_it_sets(name: Cow<'static, str>) -> Cow<'static, str> {
    let of_compiler = ["-fno-", "-Wno-", "-mno-"].iter().find_map(|no| Some((&no[1..2], name.strip_prefix(no)?)));
    if let Some((letter, rest)) = of_compiler {
        return Cow::Owned(format!("{letter}{rest}"));
    }
    fn of(name: &str) -> &str {
        match name.strip_prefix("--").or_else(|| name.strip_prefix('-').filter(|long| long.len() > 1)) {
            Some(long) => long.strip_prefix("no-").unwrap_or(long),
            None => name,
        }
    }
    match name {
        Cow::Borrowed(name) => Cow::Borrowed(of(name)),
        Cow::Owned(name) => Cow::Owned(of(&name).to_owned()),
    }
}

/// The first words of `words` that name a program which runs its words or its text, in the words of one that is not known.
pub(super) fn shells_in<'w>(words: &'w [Word]) -> impl Iterator<Item = usize> + 'w {
    (1..words.len())
        .filter(|at| !words[*at].text.contains('*') && RUN_TEXT.contains(program_name(&words[*at..]).as_str()))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What has to be spelled of a line.
    fn unknown(line: &str) -> Vec<(usize, usize)> {
        let words = line.split(' ').map(Word::literal).collect::<Vec<_>>();
        walk(&program_name(&words), &words).unknown
    }

    #[test]
    fn an_option_is_known_by_each_of_its_names_and_with_its_value() {
        for line in [
            "git log -n 5 -n5 --max-count=5 -5",
            "ls -la --color=never",
            "grep -rn -A3 x",
            "go test -run=X -v ./...",
            "go test --run X",
            "curl -4sS -m5 -# x",
            "zip -9r a b",
            "jest -w4 -t x",
            "git log --author --all",
            "journalctl --since -1h",
            "find . -size -10M",
            "git status -uno -sb",
            "git diff -- -x",
            "foo bar",
        ] {
            assert_eq!(unknown(line), [], "{line}");
        }
        for (line, found) in [
            ("git log --output=x", (2, 8)),
            ("sort -no x", (1, 3)),
            ("foo --bar=baz", (1, 5)),
            ("foo +x", (1, 2)),
            ("git log --max-count=$(x)", (2, 11)),
            ("curl -4o x", (1, 3)),
            ("zip -9T a", (1, 3)),
            ("jest -tc x", (1, 2)),
            ("less -x4O x", (1, 2)),
            ("sort -co x a", (1, 3)),
            ("git log --author --output=x", (3, 8)),
            ("git log --author -- --all", (3, 2)),
            ("git log --author --grep x", (3, 6)),
            ("mypy -m @x", (2, 2)),
            ("mypy -- @x", (2, 2)),
            ("aws s3 ls --query=file:x", (3, 14)),
        ] {
            assert_eq!(unknown(line), [found], "{line}");
        }
    }
}
