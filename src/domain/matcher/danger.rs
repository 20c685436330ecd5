//! Which words of a command could do more than the person who allowed it with a wildcard may think.
//!
//! First the table of what is permitted is asked: an option that it does not know has to be spelled. What it does not forbid
//! is held against the tables of known tricks, which stay as a second net.

use std::collections::HashSet;

use super::awk;
use super::command_line::SimpleCommand;
use super::computed;
use super::names::{program_name, undashed};
use super::operands::{self, Rival, Seen};
use super::permits::{Given, Role, shells_in, walk};
use super::place::Here;
use super::programs::{BUILTINS, INTERPRETERS, WRAPPERS};
use super::sed;
use super::targets;
use super::tricks::listed;
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
    /// The words that each say what is done or where.
    pub(super) rivals: Vec<Rival>,
    /// The words of two parts, of what and, behind a colon, where to.
    pub(super) destinations: Vec<usize>,
    /// Where the command line of another program begins, where it is no wrapper that runs one.
    pub(super) inner: Option<usize>,
}

/// Words after which the name of another program comes, whose words follow, for programs that the table of what is permitted
/// does not have.
const RUNNERS: &[&str] = &["-m", "dlx", "exec", "run", "tool", "x"];

/// The wrapper that adds words which it reads.
const APPENDS: &str = "xargs";

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
        "sed" => !sed::of_sed(&words).is_empty(),
        "awk" => !awk::of_awk(&words).is_empty(),
        _ => false,
    };
    has_script || !listed(&program, &words[..end], &walked).is_empty()
}

/// Looks at the words of a command.
pub(super) fn look(command: &SimpleCommand) -> Look {
    let words = undashed(&command.words);
    // `git-push` is one word, and `git push` are two.
    let shift = words.len() - command.words.len();
    let mut look = look_at(&words, &command.here, 0);
    if command.reads_pipe && reads_program(&words, &look) {
        look.dangers.push(Danger { word: 0, bytes: usize::MAX });
    }
    if shift > 0 {
        let back = |at: usize| at.saturating_sub(shift);
        look.dangers.retain(|danger| danger.word > 0);
        look.dangers.iter_mut().for_each(|danger| danger.word = back(danger.word));
        look.operands.iter_mut().for_each(|operand| *operand = back(*operand));
        look.inner = look.inner.map(back);
        look.rivals.iter_mut().for_each(|rival| rival.word = back(rival.word));
        look.destinations.iter_mut().for_each(|word| *word = back(*word));
        for option in &mut look.options {
            (option.word, option.value) = (back(option.word), option.value.map(back));
            option.switch = option.switch.map(back);
        }
    }
    look
}

/// A word that has to be spelled whole.
fn spelled(words: &[Word], word: usize) -> Danger {
    Danger { word, bytes: words[word].text.len() }
}

/// Whether a wrapper runs nothing this time: `command -v` says where a program is, and `sh -n` whether a script can be read.
fn only_looks(program: &str, words: &[Word]) -> bool {
    let option = words.get(1).and_then(Word::known_text);
    let is_look = match option {
        Some("-v" | "-V") => program == "command",
        Some("-n") => super::programs::is_shell(program),
        // Behind a semicolon it would do something else.
        Some("ls" | "list-sessions" | "list-windows") => return program == "tmux" && words.len() == 2,
        _ => false,
    };
    let is_known = |word: &Word| matches!(word.known, Known::Literally | Known::NoOption);
    let is_operand = |word: &Word| is_known(word) && !word.text.starts_with(['-', '+']);
    is_look && words.len() > 2 && words[2..].iter().all(is_operand)
}

/// What is seen of the program that a wrapper runs: whatever leads to it has to be spelled, and its name, too. `None` where it
/// is not known where that program begins, or where it is a wrapper itself.
fn behind_wrapper(program: &str, words: &[Word], here: &Here, depth: usize) -> Option<Look> {
    let walked = walk(program, words);
    let at = walked.inner.filter(|_| walked.unknown.is_empty())?;
    words[at].known_text()?;
    let mut inner = words[at..].to_vec();
    if program == APPENDS {
        inner.push(Word::unknown());
    }
    let seen = look_at(&inner, here, depth + 1);
    if seen.is_wrapper {
        return None;
    }
    let mut look = Look { dangers: (1..=at).map(|word| spelled(words, word)).collect(), ..Look::default() };
    look.takes_in(seen, at, words);
    Some(look)
}

fn look_at(words: &[Word], here: &Here, depth: usize) -> Look {
    let program = program_name(words);
    let is_wrapper = runs_its_words(&program);
    if is_wrapper && depth <= MAX_INNER && only_looks(&program, words) {
        return Look { dangers: vec![spelled(words, 1)], ..Look::default() };
    }
    if is_wrapper || depth > MAX_INNER {
        let behind = (depth <= MAX_INNER).then(|| behind_wrapper(&program, words, here, depth)).flatten();
        return behind.unwrap_or_else(|| Look { is_wrapper: true, ..Look::default() });
    }
    let walked = walk(&program, words);
    let end = walked.inner.unwrap_or(words.len());
    let whole = |word: usize| spelled(words, word);
    let mut dangers = listed(&program, &words[..end], &walked);
    let at_worst = operands::at_worst(&words[..end]);
    let at_worst = at_worst.iter().flat_map(|words| listed(&program, words, &walked));
    dangers.extend(at_worst.map(|danger| whole(danger.word)));
    dangers.extend(walked.unknown.iter().map(|(word, bytes)| Danger { word: *word, bytes: *bytes }));
    dangers.extend(computed::in_words(&program, &words[..end]).into_iter().map(whole));
    match program.as_str() {
        "sed" => dangers.extend(sed::of_sed(words).into_iter().map(whole)),
        "awk" => dangers.extend(awk::of_awk(words).into_iter().map(whole)),
        // Several URLs in one, of which the pattern has not seen each.
        "curl" => {
            let has_braces = |at: &usize| words[*at].text.contains(['{', '[']) && !words[*at].text.contains("://[");
            dangers.extend(walked.operands.iter().copied().filter(has_braces).map(whole));
        }
        _ => {}
    }
    let seen = Seen { program: &program, words, walked: &walked, here };
    dangers.extend(operands::doubtful(&seen).into_iter().map(whole));
    // Of what is written the pattern names the directory.
    let directory = |word: usize| words[word].text.trim_end_matches('/').rfind('/').map(|at| at + 1);
    let up_to_name = |word: usize| Danger { word, bytes: directory(word).unwrap_or(words[word].text.len()) };
    dangers.extend(targets::written(&seen).into_iter().map(up_to_name));
    let rivals = operands::rivals(&seen);
    let destinations = targets::with_destination(&seen);
    let mut inner = walked.inner;
    if !walked.is_known {
        dangers.extend(shells_in(words).map(whole));
        let follows_runner = |at: &usize| RUNNERS.contains(&words[at - 1].text.as_str());
        inner = inner.or_else(|| (2..words.len().min(6)).find(follows_runner));
    }
    let mut look = Look {
        is_wrapper: false,
        dangers,
        options: walked.options,
        operands: walked.operands,
        rivals,
        destinations,
        inner: walked.inner,
    };
    look.operands.extend((1..end).filter(|at| walked.roles[*at] == Role::Subcommand));
    if let Some(at) = inner {
        // A file of further words, or a script that is fetched.
        if words[at].text.starts_with('@') || words[at].text.contains("://") {
            look.dangers.push(spelled(words, at));
        }
        look.takes_in(look_at(&words[at..], here, depth + 1), at, words);
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
        self.rivals.extend(inner.rivals.into_iter().map(|rival| Rival { word: rival.word + at, ..rival }));
        self.destinations.extend(inner.destinations.into_iter().map(|word| word + at));
        self.options.extend(inner.options.into_iter().map(|option| Given {
            word: option.word + at,
            value: option.value.map(|value| value + at),
            switch: option.switch.map(|switch| switch + at),
            ..option
        }));
    }

    /// Words that take back what a pattern spells, `spelled` saying how much of a word it does, `is_said` whether it says
    /// anything of it, and `says_colon` whether it says what stands behind a colon: the same option again, its opposite, behind
    /// an option that shows something a word that says what else to do, another task or place, and another destination.
    pub(super) fn undone(
        &self,
        words: &[Word],
        spelled: impl Fn(usize) -> usize,
        is_said: impl Fn(usize) -> bool,
        says_colon: impl Fn(usize) -> bool,
    ) -> Vec<usize> {
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
        let switched = self.options.iter().filter(|option| is_whole(option.word)).filter_map(|option| option.switch);
        undone.extend(switched.filter(|switch| spelled(*switch) == 0));
        if self.rivals.iter().any(|rival| is_said(rival.word)) {
            let others = self.rivals.iter().filter(|rival| !rival.is_harmless && !is_said(rival.word));
            undone.extend(others.map(|rival| rival.word));
        }
        undone.extend(self.destinations.iter().copied().filter(|at| is_said(*at) && !says_colon(*at)));
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
