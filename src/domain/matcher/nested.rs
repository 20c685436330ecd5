//! What a command line may run beside its own commands: behind wrappers, and in texts that a shell reads.

use super::command_line::{CommandLine, SimpleCommand};
use super::command_pattern::Spoken;
use super::danger;
use super::names;
use super::word::Word;

/// How many texts inside a command line are looked into, and how deep: enough for everything that people write.
const MAX_SCRIPTS: usize = 32;

/// How many words a wrapper may have: of each of them a command may begin, and a longer one is not looked into.
const MAX_WORDS: usize = 128;

/// In how many words of a program that is not known a command may begin.
const MAX_STARTS: usize = 64;

/// Wrappers whose command follows their options: once it is found, the other words are its own.
const PREFIXES: &[&str] = &[
    "builtin", "command", "doas", "env", "exec", "ionice", "nice", "nohup", "setsid", "stdbuf", "sudo", "time",
    "timeout", "watch", "xargs",
];

/// A command that a line runs, or may.
#[derive(Clone, Debug)]
pub(super) struct Reached {
    words: Vec<Word>,
    /// What it runs: itself, and behind a wrapper whatever may begin a command.
    pub(super) commands: Vec<Spoken>,
    /// Whether it runs its words or what it reads, or may.
    is_wrapper: bool,
    /// Whether it has more words than are looked at.
    pub(super) is_too_much: bool,
}

impl Reached {
    fn new(command: &SimpleCommand) -> Self {
        let words = command.words.clone();
        let is_wrapper = is_wrapper(&words);
        // Nothing is known of what such a program does with its words: each may begin a command.
        let may_run = !is_wrapper && danger::may_run_its_words(&command.program());
        let is_too_much = (is_wrapper || may_run) && words.len() > MAX_WORDS;
        let mut commands = Vec::new();
        if is_wrapper && !is_too_much {
            commands.extend(starts(&words).into_iter().flat_map(|start| Spoken::all(&words[start..], true)));
        } else {
            commands.extend(Spoken::all(&words, true));
        }
        if may_run && !is_too_much {
            let starts = (1..words.len()).filter(|start| !words[*start].text.starts_with('-')).take(MAX_STARTS);
            commands.extend(starts.flat_map(|start| Spoken::all(&words[start..], false)));
        }
        let inner = if is_wrapper { None } else { danger::inner(&words) };
        commands.extend(inner.into_iter().flat_map(|start| Spoken::all(&words[start..], true)));
        Self { words, commands, is_wrapper, is_too_much }
    }

    /// The texts in it that a shell may read as commands.
    fn scripts(&self) -> Vec<String> {
        if !self.is_wrapper {
            return Vec::new();
        }
        let texts = self.words.iter().skip(1).map(|word| word.text.as_str());
        let is_script = |text: &&str| text.contains([' ', '\t', '\n', ';', '|', '&', '<', '>', '(', '`', '$']);
        let mut scripts = Vec::new();
        for text in texts.clone().filter(is_script) {
            scripts.push(text.to_owned());
            // `-Srm x` and `--split-string=rm x`: an option and its value are one word.
            if text.starts_with('-') {
                scripts.extend(text.split_once('=').map(|(_, value)| value.to_owned()));
                scripts.extend(text.get(2..).map(str::to_owned));
            }
        }
        if !scripts.is_empty() {
            // `eval` and `ssh` read all of their words as one text.
            scripts.push(texts.collect::<Vec<_>>().join(" "));
        }
        scripts
    }
}

/// Whether a command runs its words, or may.
fn is_wrapper(words: &[Word]) -> bool {
    let program = names::program_name(words);
    danger::runs_its_words(&program)
        || danger::changes_shell(&program)
        // `find -exec`, `git rebase --exec`: where there is a danger, it may be this one.
        || danger::has_trick(words)
}

/// Where in the words of a wrapper a command may begin. Too many are better than too few: what a wrapper's options take is not known.
fn starts(words: &[Word]) -> Vec<usize> {
    let mut starts = vec![0];
    let mut at = 0;
    loop {
        if !PREFIXES.contains(&names::program_name(&words[at..]).as_str()) {
            starts.extend(at + 1..words.len());
            return starts;
        }
        // The command is the first word that is neither an option, nor maybe its value, nor a number, nor an assignment.
        let is_command = |at: &usize| {
            let is_option = |word: &Word| word.text.starts_with('-') && word.text != "--";
            let text = words[*at].text.as_str();
            !is_option(&words[*at])
                && !is_option(&words[at - 1])
                && !text.starts_with(|c: char| c.is_ascii_digit())
                && !text.contains('=')
                && text != "--"
        };
        let next = (at + 1..words.len()).find(is_command);
        starts.extend(at + 1..next.map_or(words.len(), |next| next + 1));
        match next {
            Some(next) if is_wrapper(&words[next..]) => at = next,
            Some(_) | None => return starts,
        }
    }
}

/// Whether a command of `line` may have more words than are looked at: each is a byte at least, and another lies between two.
pub(super) fn may_be_too_much(line: &CommandLine) -> bool {
    let words = line.commands.iter().chain(&line.hidden).flat_map(|command| &command.words);
    let bytes = words.map(|word| word.text.len() + 1).chain(line.scripts.iter().map(String::len)).sum::<usize>();
    bytes > 2 * MAX_WORDS
}

/// Everything that `line` runs or may run, as far as it can be read.
pub(super) fn reached(line: &CommandLine) -> Vec<Reached> {
    let mut reached = Vec::new();
    let mut scripts = Vec::new();
    add(line, &mut reached, &mut scripts);
    let mut read = 0;
    while let Some(script) = scripts.get(read).filter(|_| read < MAX_SCRIPTS) {
        let line = CommandLine::read(script);
        add(&line, &mut reached, &mut scripts);
        read += 1;
    }
    reached
}

fn add(line: &CommandLine, reached: &mut Vec<Reached>, scripts: &mut Vec<String>) {
    let commands = line.commands.iter().chain(&line.hidden).map(Reached::new).collect::<Vec<_>>();
    // A here-document is text, unless a command there runs it.
    let documents = if commands.iter().any(|command| command.is_wrapper) { line.scripts.as_slice() } else { &[] };
    for script in commands.iter().flat_map(Reached::scripts).chain(documents.iter().cloned()) {
        if !scripts.contains(&script) {
            scripts.push(script);
        }
    }
    reached.extend(commands);
}
