//! The words of a command that are no options, as what they do is looked at program by program.

use super::hosts;
use super::permits::{Role, Walked};
use super::place::Here;
use super::queries;
use super::tasks;
use super::word::Word;

/// What a word may hold that is only known when it runs: a variable has paths, of the system too, and a file may have a colon or
/// an equals sign in its name.
const WORST: &[&str] = &["/usr/x:y", "x=y"];

/// A command, and what the table of what is permitted says to its words.
pub(super) struct Seen<'w> {
    pub(super) program: &'w str,
    pub(super) words: &'w [Word],
    pub(super) walked: &'w Walked,
    pub(super) here: &'w Here,
}

/// A word that says what is done or where: another one beside it says something else.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Rival {
    /// Its place among the words.
    pub(super) word: usize,
    /// Whether it does no harm beside another.
    pub(super) is_harmless: bool,
}

impl<'w> Seen<'w> {
    pub(super) fn text(&self, at: usize) -> &'w str {
        self.words.get(at).map_or("", |word| word.text.as_str())
    }

    /// The subcommand by its own name; empty where there is none.
    pub(super) fn subcommand(&self) -> &'w str {
        self.subcommands().next().map_or("", |at| {
            let text = self.text(at);
            super::permitted::own_name(self.program, text).unwrap_or(text)
        })
    }

    /// The words in the places of subcommands.
    pub(super) fn subcommands(&self) -> impl Iterator<Item = usize> {
        let roles = self.walked.roles.iter().enumerate();
        roles.filter(|(_, role)| **role == Role::Subcommand).map(|(at, _)| at)
    }

    /// The words that are no options, their values or subcommands.
    pub(super) fn operands(&self) -> impl Iterator<Item = usize> {
        self.walked.operands.iter().copied().filter(|at| *at < self.words.len())
    }

    /// Those of the operands that `is_it`.
    pub(super) fn operands_that(&self, is_it: impl Fn(&str) -> bool) -> Vec<usize> {
        self.operands().filter(|at| is_it(self.text(*at))).collect()
    }

    /// The words that are no options and no values, subcommands or not.
    pub(super) fn plain_words(&self) -> impl Iterator<Item = usize> {
        let is_plain = |at: &usize| matches!(self.walked.roles[*at], Role::Subcommand | Role::Operand | Role::Behind);
        (1..self.words.len()).filter(is_plain)
    }
}

/// The words that have to be spelled: where it leads, what else is run and what is read beside. What is only known when it runs
/// is tried with the worst that it may be, too.
pub(super) fn doubtful(seen: &Seen<'_>) -> Vec<usize> {
    let found =
        |seen: &Seen<'_>| [hosts::leading_away(seen), tasks::of_others(seen), queries::reading_more(seen)].concat();
    let worst = at_worst(seen.words);
    let at_worst = worst.iter().flat_map(|words| found(&Seen { words, ..*seen }));
    found(seen).into_iter().chain(at_worst).collect()
}

/// The words with the worst in the place of what is only known when it runs, in each way; none where all is known.
pub(super) fn at_worst(words: &[Word]) -> Vec<Vec<Word>> {
    let with = |value: &&str| words.iter().map(|word| word.with(value).unwrap_or_else(|| word.clone())).collect();
    let is_open = words.iter().any(|word| word.with("").is_some());
    WORST.iter().filter(|_| is_open).map(with).collect()
}

/// Words of which each says what is done or where.
pub(super) fn rivals(seen: &Seen<'_>) -> Vec<Rival> {
    [hosts::urls(seen), tasks::tasks(seen)].concat()
}
