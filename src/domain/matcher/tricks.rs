//! The tables of known tricks, and which words of a command they speak of.

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::LazyLock;

use super::danger::Danger;
use super::glob::{Glob, Reach};
use super::permits::{Role, Walked};
use super::programs::{PROGRAMS, Program, SUBCOMMANDS};
use super::word::{Known, Word};

/// One entry of the table, ready to be compared.
enum Token {
    /// `--name`.
    Long(&'static str),
    /// `-x`.
    Short(char),
    /// `-name`.
    SingleDash(&'static str),
    /// A word.
    Name(&'static str),
    /// A word with wildcards.
    Word(Glob),
}

/// A word as the table's words are compared with it.
struct Lettered<'w> {
    word: &'w Word,
    /// Keys of configurations are the same in either case; options are not.
    lettered: Cow<'w, str>,
    /// All of it in lower case, and an absolute path in its shortest form, where that is something else.
    plain: Option<String>,
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

/// What the tables of tricks say.
pub(super) fn listed(program: &str, words: &[Word], walked: &Walked) -> Vec<Danger> {
    let program_table = TABLE.get(program);
    let operand = first_operand(program_table, words, walked);
    let subcommand = words.get(operand).map(|word| word.text.as_str()).unwrap_or_default();
    let subcommand = super::permitted::own_name(program, subcommand).unwrap_or(subcommand);
    // Behind `run` a script of the project's own is named.
    let is_deep = subcommand != "run" && SUBCOMMANDS.get(program).is_none_or(|deep| deep.contains(&subcommand));
    let tables = [program_table, TABLE.get(format!("{program}:{subcommand}").as_str())];
    // The places in which a word says what is done.
    let mut places = (1..words.len()).filter(|at| !words[*at].text.starts_with('-')).collect::<Vec<_>>();
    places.retain(|at| walked.roles[*at] != Role::Harmless);
    let is_place = |at: usize, is_own: bool| {
        let place = places.iter().take(3).position(|place| *place == at);
        match place {
            _ if !walked.is_known => true,
            Some(0) => true,
            Some(1) => is_deep || is_own,
            Some(2) => walked.abbreviates,
            Some(_) | None => false,
        }
    };
    let listed = words.iter().enumerate().skip(1).filter_map(|(at, word)| {
        let role = walked.roles[at];
        if role == Role::Harmless {
            return None;
        }
        let is_first = at < operand || word.known != Known::Literally;
        // The oldest way to write options of tar: letters without a dash.
        let bare = program == "tar" && at == 1 && !word.text.starts_with('-');
        let dashed = bare.then(|| Word { text: format!("-{}", word.text), ..word.clone() });
        let dashed = dashed.as_ref().map(Lettered::new);
        let word = Lettered::new(word);
        let found_in = |token: &Token, is_own: bool| match (token, role) {
            (Token::Name(name), _) if is_place(at, is_own) => {
                let is_short = walked.abbreviates && super::permitted::own_name(program, &word.lettered).is_none();
                token.found_in(&word).or_else(|| {
                    let text = word.word.text.as_str();
                    (is_short && !text.is_empty() && name.starts_with(&*word.lettered)).then_some(text.len())
                })
            }
            (Token::Name(_), _) => token.found_in(&word).filter(|bytes| *bytes == usize::MAX),
            // Behind two dashes git has paths, and everything else the words that it has in front.
            (Token::Word(_), Role::Behind) if !is_own && program == "git" => None,
            (Token::Word(_), _) if walked.reads && !word.word.text.starts_with('-') => None,
            (Token::Long(_) | Token::Short(_) | Token::SingleDash(_), Role::Behind) => None,
            _ => token.found_in(&word),
        };
        let found_bare = |token: &Token| dashed.as_ref().and_then(|dashed| token.found_in(dashed));
        let tokens = tables.into_iter().enumerate().filter_map(|(own, tokens)| tokens.map(|tokens| (own == 1, tokens)));
        let tokens = tokens.flat_map(|(is_own, tokens)| {
            let first = if is_first { tokens.first.as_slice() } else { &[] };
            tokens.anywhere.iter().chain(first).map(move |token| (is_own, token))
        });
        let spelled = tokens.filter_map(|(is_own, token)| found_in(token, is_own).or_else(|| found_bare(token))).max();
        spelled.map(|bytes| Danger { word: at, bytes })
    });
    listed.collect()
}

/// The first word that is no option, nor what is or may be the value of one.
fn first_operand(table: Option<&Tokens>, words: &[Word], walked: &Walked) -> usize {
    let takes_value = |word: &Word| {
        let lettered = Lettered::new(word);
        let listed = table.is_some_and(|table| table.first.iter().any(|token| token.found_in(&lettered).is_some()));
        listed && !word.text.contains('=')
    };
    let is_operand = |at: &usize| {
        !words[*at].text.starts_with('-')
            && walked.roles[*at] != Role::Harmless
            && (*at == 1 || walked.roles[*at - 1] == Role::Harmless || !takes_value(&words[*at - 1]))
    };
    (1..words.len()).find(is_operand).unwrap_or(words.len())
}

impl<'w> Lettered<'w> {
    fn new(word: &'w Word) -> Self {
        let text = word.text.as_str();
        let is_as_it_is = text.starts_with('-') || !text.contains(|c: char| c.is_ascii_uppercase());
        let lettered = if is_as_it_is { Cow::Borrowed(text) } else { Cow::Owned(text.to_ascii_lowercase()) };
        let name = |dashes: &str| text.strip_prefix(dashes).map(|rest| rest.split('=').next().unwrap_or(rest));
        let is_winding = text.starts_with('/') && (text.contains("//") || text.contains("/."));
        let plain = if is_winding {
            Some(shortest(&text.to_ascii_lowercase()))
        } else {
            is_as_it_is.then(|| text.to_ascii_lowercase()).filter(|lower| lower != text)
        };
        Self { word, lettered, plain, after_two_dashes: name("--"), after_dash: name("-") }
    }
}

/// An absolute path without what leads nowhere: `//`, `.` and `..`.
fn shortest(path: &str) -> String {
    let mut names = Vec::new();
    for name in path.split('/') {
        match name {
            "" | "." => {}
            ".." => {
                names.pop();
            }
            name => names.push(name),
        }
    }
    format!("/{}", names.join("/"))
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
            (None, _) => Self::Name(text),
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
            Self::Name(name) => name.eq_ignore_ascii_case(&word.word.text).then_some(word.word.text.len()),
            Self::Word(glob) => {
                let is_plain = |plain: &String| glob.matches(plain, Reach::Wide);
                let is_it = glob.matches(&word.lettered, Reach::Wide)
                    || (!glob.literal_prefix().starts_with('-') && word.plain.as_ref().is_some_and(is_plain));
                is_it.then_some(word.word.text.len())
            }
        }
    }
}
