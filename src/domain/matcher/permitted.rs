//! The table of options that are known to be harmless, `programs/permitted.txt`, which says how its lines are read.

use std::sync::LazyLock;

use super::glob::{Glob, Reach};
use super::hosts;
use super::permits::Role;
use super::programs::{PERMITTED, Table, lines};
use super::queries;
use super::word::Known;

/// What is known of the words behind a program or one of its subcommands.
#[derive(Debug, Default)]
pub(super) struct Entry {
    /// By each of their names.
    pub(super) options: Table<&'static str, Permitted>,
    /// By what they begin with.
    pub(super) beginnings: Vec<&'static str>,
    /// Options that go with the subcommands below, too.
    pub(super) everywhere: Table<&'static str, Permitted>,
    /// No option of it does harm.
    pub(super) any: bool,
    /// Long options have one dash, so that letters are never written together.
    pub(super) single: bool,
    /// The first word that is no option begins the command line of another program, or is a script with its own options.
    pub(super) runs: bool,
    /// A beginning of a subcommand's name is taken for it.
    pub(super) abbreviates: bool,
    /// A file that is called like an option does no harm: the names that the shell finds are covered.
    pub(super) names_found: bool,
    /// A number behind a dash is an option.
    pub(super) numbers: bool,
    /// A value is never written together with its letter: what follows a letter are letters.
    pub(super) apart: bool,
    /// What a word begins with that names a file in which further words or the value stand.
    pub(super) files: Vec<&'static str>,
    /// What stands behind `--`.
    pub(super) rest: Rest,
    /// Options with which something is shown, but for a word behind them that says what else is done.
    pub(super) views: Vec<&'static str>,
    /// Options with which something is only read, whatever stands behind them.
    pub(super) reads: Vec<&'static str>,
    /// All names of each option, by the first of them.
    pub(super) names: Table<&'static str, Vec<&'static str>>,
    /// Options that undo each other.
    pub(super) opposites: Vec<Vec<&'static str>>,
    /// An option without a value may be taken back by a `true` or `false` behind it.
    pub(super) booleans: bool,
    /// Whether there are entries for subcommands of it.
    pub(super) has_subcommands: bool,
}

#[derive(Clone, Copy, Debug, Default)]
pub(super) enum Rest {
    /// Words that are no options, whatever they begin with.
    #[default]
    Operands,
    /// Not known: `--` has to be spelled, and so has all behind it.
    Unknown,
    /// Words such as another entry has.
    Like(&'static str),
}

/// An option that is harmless.
#[derive(Clone, Debug)]
pub(super) struct Permitted {
    /// The first of its names.
    pub(super) name: &'static str,
    pub(super) value: Value,
}

#[derive(Clone, Debug)]
pub(super) enum Value {
    /// It has none.
    None,
    /// Behind `=`, directly behind the letter, or in the next word.
    Needed(Kind),
    /// Behind `=`, or directly behind the letter.
    Possible(Kind),
    /// The next word begins the command line of another program: the option itself has to be spelled.
    Program,
    /// The option itself has to be spelled; whatever its value is, it is no subcommand.
    Spelled,
}

/// What a value may be.
#[derive(Clone, Debug)]
pub(super) enum Kind {
    /// Anything.
    Any,
    /// Anything in which the tables of tricks find none.
    Watched,
    /// Anything that is not read from a file: it begins with no `@` and no `<`.
    Text,
    /// Letters, digits, dashes, underlines and commas.
    Plain,
    /// A number.
    Number,
    /// A path that stays below the working directory, and out of what git keeps there.
    Below,
    /// Such a path that names no host in front.
    Base,
    /// The name of a repository at the usual host: one part, or two with a slash between.
    Repository,
    /// A format of git's that verifies no signature.
    Format,
    /// A program for jq that reads nothing but its input.
    Jq,
    /// One of these.
    OneOf(Vec<Glob>),
}

/// By the names of programs and subcommands, one blank apart: `git stash list`.
static TABLE: LazyLock<Permissions> = LazyLock::new(|| Permissions::parse(PERMITTED).unwrap_or_default());

/// An entry in which nothing is permitted,
/// but what every program takes for a question about itself.
pub(super) static NOTHING: LazyLock<Entry> = LazyLock::new(|| {
    let mut nothing = Entry { rest: Rest::Unknown, ..Entry::default() };
    for name in ["--help", "--version"] {
        nothing.options.insert(name, Permitted { name, value: Value::None });
    }
    nothing
});

#[derive(Debug, Default)]
struct Permissions {
    entries: Table<String, Entry>,
    /// Other names of subcommands, by the path that leads to them.
    own_names: Table<String, Table<&'static str, &'static str>>,
}

/// Whether `program` has an entry.
pub(super) fn is_known(program: &str) -> bool {
    TABLE.entries.contains_key(program)
}

/// What is known of the words behind a program, or behind a subcommand: `path` has its name and those above it.
pub(super) fn entry(path: &str) -> Option<&'static Entry> {
    TABLE.entries.get(path)
}

/// The name that the subcommand `word` below `path` has, where it is another.
pub(super) fn own_name(path: &str, word: &str) -> Option<&'static str> {
    TABLE.own_names.get(path).and_then(|names| names.get(word)).copied()
}

impl Permissions {
    /// Reads the table; a line that cannot be read is returned.
    fn parse(text: &'static str) -> Result<Self, String> {
        let mut table = Self::default();
        let mut path: Vec<String> = Vec::new();
        for line in lines(text) {
            let malformed = || format!("this line cannot be read: {line}");
            let tokens = match line.strip_prefix(' ') {
                Some(more) => more,
                None => {
                    let (left, tokens) = line.split_once(" :").ok_or_else(malformed)?;
                    path = table.paths(left);
                    if path.iter().any(|path| table.entries.contains_key(path)) {
                        return Err(malformed());
                    }
                    tokens
                }
            };
            if path.is_empty() {
                return Err(malformed());
            }
            for name in &path {
                let mut entry = table.entries.remove(name).unwrap_or_default();
                let read = tokens.split_ascii_whitespace().try_for_each(|token| match token.strip_prefix("@with=") {
                    Some(other) => table.entries.get(other).map(|other| entry.takes_over(other)),
                    None => entry.read(token),
                });
                table.entries.insert(name.clone(), entry);
                read.ok_or_else(malformed)?;
            }
        }
        for path in table.entries.keys().cloned().collect::<Vec<_>>() {
            let mut parent = path.as_str();
            while let Some((above, _)) = parent.rsplit_once(' ') {
                table.entries.entry(above.to_owned()).or_default().has_subcommands = true;
                parent = above;
            }
        }
        Ok(table)
    }

    /// Every path that the left side of a line names: behind a comma, a word takes the place of the last one of the first path.
    fn paths(&mut self, left: &'static str) -> Vec<String> {
        let mut above = "";
        let mut paths = Vec::new();
        for (at, path) in left.split(',').enumerate() {
            let (parent, names) = match path.rsplit_once(' ') {
                Some((parent, names)) => (parent, names),
                None if at == 0 => ("", path),
                None => (above, path),
            };
            if at == 0 {
                above = parent;
            }
            let mut names = names.split('/');
            let own = names.next().unwrap_or_default();
            self.own_names.entry(parent.to_owned()).or_default().extend(names.map(|other| (other, own)));
            paths.push(if parent.is_empty() { own.to_owned() } else { format!("{parent} {own}") });
        }
        paths
    }
}

impl Entry {
    fn read(&mut self, token: &'static str) -> Option<()> {
        match token {
            "*" => self.any = true,
            "@single" => self.single = true,
            "@runs" => self.runs = true,
            "@abbreviates" => self.abbreviates = true,
            "@names" => self.names_found = true,
            "@apart" => self.apart = true,
            "-#" => self.numbers = true,
            "@booleans" => self.booleans = true,
            "@rest=unknown" => self.rest = Rest::Unknown,
            // Everything before stays with the program itself and with those of its subcommands.
            "@everywhere" => self.everywhere = self.options.clone(),
            _ => {
                if let Some(entry) = token.strip_prefix("@rest=") {
                    self.rest = Rest::Like(entry);
                } else if let Some(files) = token.strip_prefix("@files=") {
                    self.files.extend(files.split(','));
                } else if let Some(views) = token.strip_prefix("@view=") {
                    self.views.extend(views.split(','));
                } else if let Some(reads) = token.strip_prefix("@read=") {
                    self.reads.extend(reads.split(','));
                } else if let Some(opposites) = token.strip_prefix('!') {
                    self.opposites.push(opposites.split('/').collect());
                } else {
                    return self.option(token);
                }
            }
        }
        Some(())
    }

    /// Adds the options of another entry.
    fn takes_over(&mut self, other: &Self) {
        self.options.extend(other.options.iter().map(|(name, permitted)| (*name, permitted.clone())));
        self.names.extend(other.names.iter().map(|(name, names)| (*name, names.clone())));
        self.beginnings.extend(&other.beginnings);
        self.files.extend(&other.files);
        self.numbers |= other.numbers;
        self.apart |= other.apart;
    }

    fn option(&mut self, token: &'static str) -> Option<()> {
        let is_name = |name: &str| name.len() > 1 && name.starts_with(['-', '+', '/']);
        if !is_name(token) {
            return None;
        }
        if let Some(beginning) = token.strip_suffix('*').filter(|beginning| !beginning.contains('=')) {
            self.beginnings.push(beginning);
            return Some(());
        }
        let (names, value) = match token.split_once('=') {
            Some((names, kind)) => match names.strip_suffix('?') {
                Some(names) => (names, Value::Possible(Kind::parse(kind)?)),
                None if kind == "!" => (names, Value::Program),
                None if kind == "^" => (names, Value::Spelled),
                None => (names, Value::Needed(Kind::parse(kind)?)),
            },
            None => (token, Value::None),
        };
        let plain = |name: &'static str| match name.strip_suffix('?').unwrap_or(name) {
            "-\\#" => "-#",
            name => name,
        };
        let first = plain(names.split(',').next()?);
        let last = names.split(',').next_back()?;
        for written in names.split(',') {
            let name = plain(written);
            if !is_name(name) {
                return None;
            }
            // A letter has a value that may be left out only where that is said of it.
            let is_letter = name.len() == 2 && written == name && written != last;
            let is_left_out = is_letter && matches!(value, Value::Possible(_));
            let value = if is_left_out { Value::None } else { value.clone() };
            self.options.insert(name, Permitted { name: first, value });
            self.names.entry(first).or_default().push(name);
        }
        Some(())
    }
}

impl Kind {
    fn parse(kind: &'static str) -> Option<Self> {
        Some(match kind {
            "" => return None,
            "*" => Self::Any,
            "?" => Self::Watched,
            "~" => Self::Text,
            "w" => Self::Plain,
            "#" => Self::Number,
            "." => Self::Below,
            "./" => Self::Base,
            "/" => Self::Repository,
            "%" => Self::Format,
            "q" => Self::Jq,
            one_of => Self::OneOf(one_of.split('|').map(Glob::new).collect()),
        })
    }

    pub(super) fn allows(&self, text: &str, known: Known) -> bool {
        match self {
            Self::Any | Self::Watched => true,
            Self::Text => {
                !text.starts_with(['@', '<'])
                    && !["=@", "=<", "%output", "file:", "fileb:"].iter().any(|file| text.contains(file))
            }
            Self::Plain => {
                let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | ',' | '+');
                known == Known::Literally && !text.is_empty() && text.chars().all(is_plain) && !text.starts_with('+')
            }
            Self::Number => known == Known::Literally && is_number(text),
            Self::Below => is_below(text, known),
            Self::Base => is_below(text, known) && !hosts::is_remote_base(text),
            Self::Repository => {
                let parts = text.split('/').map(|part| !part.is_empty()).collect::<Vec<_>>();
                known == Known::Literally && !text.contains(':') && matches!(parts.as_slice(), [true] | [true, true])
            }
            Self::Format => known != Known::Nothing && !text.contains("%G") && !text.contains("%(signature"),
            Self::Jq => known == Known::Literally && !queries::reads_environment(text),
            Self::OneOf(globs) => known == Known::Literally && globs.iter().any(|glob| glob.matches(text, Reach::Wide)),
        }
    }
}

impl Kind {
    /// What a word with such a value is.
    pub(super) fn role(&self) -> Role {
        if matches!(self, Self::Watched) { Role::Likely } else { Role::Harmless }
    }
}

/// Whether `text` is a path that stays below the working directory, and out of what git keeps there.
fn is_below(text: &str, known: Known) -> bool {
    let leads_away = text.split('/').any(|component| component == ".." || component.eq_ignore_ascii_case(".git"));
    known == Known::Literally && !leads_away && !text.starts_with(['/', '~', '$', '-']) && !text.contains([':', '\\'])
}

/// A number, with a sign before it and a unit behind it perhaps, or several.
pub(super) fn is_number(text: &str) -> bool {
    let digits = text.strip_prefix(['-', '+']).unwrap_or(text);
    let digits = digits.trim_end_matches(|c: char| c.is_ascii_alphabetic() || c == '%');
    digits.trim_start_matches('.').starts_with(|c: char| c.is_ascii_digit())
        && digits.bytes().all(|byte| byte.is_ascii_digit() || matches!(byte, b'.' | b',' | b':' | b'-'))
}

/// A number and nothing else: digits, with a point among them perhaps.
pub(super) fn is_plain_number(text: &str) -> bool {
    let (whole, part) = text.split_once('.').unwrap_or((text, ""));
    !text.is_empty() && !text.ends_with('.') && [whole, part].concat().bytes().all(|byte| byte.is_ascii_digit())
}

/// The programs that have an entry.
#[cfg(test)]
pub(super) fn programs() -> impl Iterator<Item = &'static str> {
    TABLE.entries.keys().map(|path| path.split(' ').next().unwrap_or_default()).filter(|name| !name.starts_with(':'))
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;
    use crate::domain::matcher::names::base_name;

    #[test]
    fn every_line_of_the_table_is_read() {
        assert_eq!(Permissions::parse(PERMITTED).err(), None);
        assert!(programs().collect::<HashSet<_>>().len() > 100);
    }

    #[test]
    fn a_line_that_says_nothing_is_refused() {
        for line in ["git log", " --oneline", "git : log", "git : -", "git : --x=", "git : --x,y", "git : -a\ngit : -b"]
        {
            assert!(Permissions::parse(line).is_err(), "{line}");
        }
    }

    #[test]
    fn every_program_is_called_by_the_name_that_it_is_known_by() {
        for program in programs() {
            assert_eq!(base_name(program), program);
        }
    }

    #[test]
    fn what_stands_behind_two_dashes_is_an_entry() {
        for (path, entry) in &TABLE.entries {
            if let Rest::Like(name) = entry.rest {
                assert!(TABLE.entries.contains_key(name), "{path}: {name}");
            }
        }
    }

    #[test]
    fn every_program_of_the_table_is_tried() {
        let tried = [
            include_str!("programs/ordinary.txt"),
            include_str!("programs/tricks.txt"),
            include_str!("../../../tests/corpus/permitted.toml"),
            include_str!("../../../tests/corpus/ordinary.toml"),
            include_str!("../../../tests/corpus/everyday.toml"),
        ];
        let tried = tried.join("\n");
        let words = tried.split(|c: char| c.is_whitespace() || matches!(c, '"' | '\'' | '(' | ';'));
        let tried = words.filter(|word| !word.is_empty()).map(base_name).collect::<HashSet<_>>();
        let untried = programs().filter(|program| !tried.contains(*program)).collect::<HashSet<_>>();
        assert!(untried.is_empty(), "{untried:?}");
    }
}
