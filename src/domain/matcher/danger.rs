//! Which words of a command could do more than the person who allowed it with a wildcard may think.
//!
//! First the table of what is permitted is asked: an option that it does not know has to be spelled. What it does not forbid
//! is held against the tables of known tricks, which stay as a second net.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};
use std::sync::LazyLock;

use super::command_line::SimpleCommand;
use super::computed;
use super::glob::{Glob, Reach};
use super::names::{program_name, undashed};
use super::permits::{Given, Role, Walked, shells_in, walk};
use super::programs::{BUILTINS, INTERPRETERS, PROGRAMS, Program, SUBCOMMANDS, WRAPPERS};
use super::scripts;
use super::word::{Known, Word};

/// A word that a pattern must spell out for it to be covered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Danger {
    /// Its place among the words; the program has 0.
    pub(super) word: usize,
    /// How many bytes of it, from its start, must be spelled: the option's name, or all of it.
    pub(super) bytes: usize,
}

/// What is seen of the words of a command.
#[derive(Debug, Default)]
pub(super) struct Look {
    /// It runs its words, or a text in them: all of them must be spelled.
    pub(super) is_wrapper: bool,
    pub(super) dangers: Vec<Danger>,
    pub(super) options: Vec<Given>,
    /// The words that are no options.
    pub(super) operands: Vec<usize>,
}

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

/// Programs that write to their second operand.
const WRITE_SECOND_OPERAND: &[&str] = &["uniq", "xxd"];

/// Words after which the name of another program comes, whose words follow, for programs that the table of what is permitted
/// does not have.
const RUNNERS: &[&str] = &["-m", "dlx", "exec", "run", "tool", "x"];

/// How deep a program that runs another is looked into; what is deeper has to be spelled.
const MAX_INNER: usize = 4;

/// Whether `program` runs its words, or a text in them, as a command.
pub(super) fn runs_its_words(program: &str) -> bool {
    WRAPPERS.contains(program)
}

/// Whether `program` is a builtin that changes what the rest of a line means, or runs text as a command.
pub(super) fn changes_shell(program: &str) -> bool {
    BUILTINS.contains(program)
}

/// Where the command line of another program begins in that of one which runs it and is no wrapper.
pub(super) fn inner(words: &[Word]) -> Option<usize> {
    let as_git = undashed(words);
    let shift = as_git.len() - words.len();
    walk(&program_name(&as_git), &as_git).inner.map(|at| at - shift)
}

/// Whether nothing is known of what `program` does with its words.
pub(super) fn may_run_its_words(program: &str) -> bool {
    !super::permitted::is_known(program) && !program.is_empty()
}

/// Whether a word of a command is known to make its program run something, or may.
pub(super) fn has_trick(words: &[Word]) -> bool {
    let words = undashed(words);
    let program = program_name(&words);
    let walked = walk(&program, &words);
    let end = walked.inner.unwrap_or(words.len());
    let has_script = match program.as_str() {
        "sed" => !scripts::of_sed(&words).is_empty(),
        "awk" => !scripts::of_awk(&words).is_empty(),
        _ => false,
    };
    has_script || !listed(&program, &words[..end], &walked).is_empty()
}

/// Looks at the words of a command.
pub(super) fn look(command: &SimpleCommand) -> Look {
    let words = undashed(&command.words);
    // `git-push` is one word, and `git push` are two.
    let shift = words.len() - command.words.len();
    let mut look = look_at(&words, 0);
    if command.reads_pipe && reads_program(&words, &look) {
        look.dangers.push(Danger { word: 0, bytes: usize::MAX });
    }
    if shift > 0 {
        let back = |at: usize| at.saturating_sub(shift);
        look.dangers.retain(|danger| danger.word > 0);
        look.dangers.iter_mut().for_each(|danger| danger.word = back(danger.word));
        look.operands.iter_mut().for_each(|operand| *operand = back(*operand));
        for option in &mut look.options {
            (option.word, option.value) = (back(option.word), option.value.map(back));
        }
    }
    look
}

fn look_at(words: &[Word], depth: usize) -> Look {
    let program = program_name(words);
    if runs_its_words(&program) || depth > MAX_INNER {
        return Look { is_wrapper: true, ..Look::default() };
    }
    let walked = walk(&program, words);
    let end = walked.inner.unwrap_or(words.len());
    let spelled = |word: usize| Danger { word, bytes: words[word].text.len() };
    let mut dangers = listed(&program, &words[..end], &walked);
    dangers.extend(walked.unknown.iter().map(|(word, bytes)| Danger { word: *word, bytes: *bytes }));
    dangers.extend(computed::in_words(&program, &words[..end]).into_iter().map(spelled));
    match program.as_str() {
        "sed" => dangers.extend(scripts::of_sed(words).into_iter().map(spelled)),
        "awk" => dangers.extend(scripts::of_awk(words).into_iter().map(spelled)),
        // Several URLs in one, of which the pattern has not seen each.
        "curl" => {
            let has_braces = |at: &usize| words[*at].text.contains(['{', '[']) && !words[*at].text.contains("://[");
            dangers.extend(walked.operands.iter().copied().filter(has_braces).map(spelled));
        }
        program if WRITE_SECOND_OPERAND.contains(&program) => {
            dangers.extend(walked.operands.get(1).copied().map(spelled));
        }
        _ => {}
    }
    let mut inner = walked.inner;
    if !walked.is_known {
        dangers.extend(shells_in(words).map(spelled));
        let follows_runner = |at: &usize| RUNNERS.contains(&words[at - 1].text.as_str());
        inner = inner.or_else(|| (2..words.len().min(6)).find(follows_runner));
    }
    let mut look = Look { is_wrapper: false, dangers, options: walked.options, operands: walked.operands };
    look.operands.extend((1..end).filter(|at| walked.roles[*at] == Role::Subcommand));
    if let Some(at) = inner {
        look.takes_in(look_at(&words[at..], depth + 1), at, words);
    }
    look
}

impl Look {
    /// What is seen of the program that begins at `at`.
    fn takes_in(&mut self, inner: Self, at: usize, words: &[Word]) {
        if inner.is_wrapper {
            self.dangers.extend((at..words.len()).map(|word| Danger { word, bytes: words[word].text.len() }));
        }
        self.dangers.extend(inner.dangers.into_iter().map(|danger| Danger { word: danger.word + at, ..danger }));
        self.operands.extend(inner.operands.into_iter().map(|operand| operand + at));
        self.options.extend(inner.options.into_iter().map(|option| Given {
            word: option.word + at,
            value: option.value.map(|value| value + at),
            ..option
        }));
    }

    /// Words that take back what a pattern spells, `spelled` saying how much of a word it does: the same option again, its
    /// opposite, and behind an option that shows something a word that says what else to do.
    pub(super) fn undone(&self, words: &[Word], spelled: impl Fn(usize) -> usize) -> Vec<usize> {
        let is_whole = |at: usize| words.get(at).is_some_and(|word| spelled(at) >= word.text.len());
        // An option whose value may be anything may be there again.
        let is_pinned = |option: &&Given| match option.value {
            Some(value) => spelled(option.word) > 0 && is_whole(value),
            None => is_whole(option.word),
        };
        let pinned = self.options.iter().filter(is_pinned).collect::<Vec<_>>();
        let sets = pinned.iter().flat_map(|option| &option.sets).collect::<HashSet<_>>();
        let free = self.options.iter().filter(|option| spelled(option.word) == 0);
        let mut undone = free
            .filter(|option| option.sets.iter().any(|set| sets.contains(set)))
            .map(|option| option.word)
            .collect::<Vec<_>>();
        let view = pinned.iter().filter(|option| option.is_view).map(|option| option.word).min();
        if let Some(view) = view {
            undone.extend(self.operands.iter().copied().filter(|at| *at > view && spelled(*at) == 0));
        }
        undone
    }
}

/// Whether what comes through a pipe is run by the program.
fn reads_program(words: &[Word], look: &Look) -> bool {
    let program = program_name(words);
    if super::programs::is_shell(&program) {
        return true;
    }
    let Some((most, texts)) = INTERPRETERS.get(program.as_str()) else {
        return false;
    };
    let is_input = |word: &Word| matches!(word.text.as_str(), "-" | "/dev/stdin" | "/dev/fd/0" | "/proc/self/fd/0");
    let has_text = words.iter().skip(1).any(|word| {
        texts.iter().any(|text| {
            word.text == *text || (text.len() == 2 && word.text.starts_with(text) && !word.text.starts_with("--"))
        })
    });
    if has_text {
        return false;
    }
    let walked = walk(&program, words);
    let has_unknown = walked.unknown.iter().any(|(at, _)| words[*at].text.starts_with('-'));
    let operands = walked.operands.len() + usize::from(walked.inner.is_some());
    look.is_wrapper || has_unknown || operands < *most || words.iter().any(is_input)
}

/// What the tables of tricks say.
fn listed(program: &str, words: &[Word], walked: &Walked) -> Vec<Danger> {
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
        let dashed = bare.then(|| Word { text: format!("-{}", word.text), known: word.known });
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
            (Token::Word(_), Role::Behind) if !is_own => None,
            (Token::Word(_), _) if is_own && walked.reads => None,
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
        Self { word, lettered }
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
            (None, _) => Self::Name(text),
        }
    }

    fn glob(text: &str) -> Glob {
        if text.starts_with('-') { Glob::new(text) } else { Glob::new(&text.to_ascii_lowercase()) }
    }

    /// How much of `word` must be spelled, where it is this or may be.
    fn found_in(&self, word: &Lettered<'_>) -> Option<usize> {
        let text = word.word.text.as_str();
        if word.word.known == Known::Nothing {
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
            Self::Name(name) => name.eq_ignore_ascii_case(text).then_some(text.len()),
            Self::Word(glob) => glob.matches(&word.lettered, Reach::Wide).then_some(text.len()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::matcher::programs::lines;

    fn dangerous(program: &str, words: &[&str]) -> bool {
        let words = std::iter::once(&program).chain(words).map(|word| Word::literal(*word)).collect::<Vec<_>>();
        let look = look(&SimpleCommand::new(words));
        look.is_wrapper || !look.dangers.is_empty()
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
    fn a_script_of_sed_is_found_wherever_it_stands() {
        for script in ["1,5p", "s/a/b/g", "1,5p;10,20p"] {
            assert!(!dangerous("sed", &["-n", script, "f"]), "{script}");
        }
        for script in ["1e id", "w out", "s/a/b/e", "s/a/b/w out", "r /etc/passwd", "1,5p;w x", "s/a/b/;e", "p\nw x"] {
            assert!(dangerous("sed", &["-n", script, "f"]), "{script}");
            assert!(dangerous("sed", &["-e", "p", "-e", script]), "{script}");
            assert!(dangerous("sed", &[&format!("-e{script}"), "f"]), "{script}");
            assert!(dangerous("sed", &[&format!("--expression={script}"), "f"]), "{script}");
        }
    }
}
