//! What is known of programs: tables, each in a file of its own in `programs/` that says what stands in it.

use std::sync::LazyLock;

use super::permitted;

/// A table by name. Its keys are ours, so that no request can make them collide: a fast hash is enough.
pub(super) type Table<K, V> = foldhash::HashMap<K, V>;

/// A set of names of ours.
type Names = foldhash::HashSet<&'static str>;

/// What needs a look in the words of a program; `options.txt` says what a token may be.
#[derive(Debug, Default)]
pub(super) struct Program {
    /// Wherever it stands.
    pub(super) anywhere: Vec<&'static str>,
    /// Before the first word that is no option.
    pub(super) first: Vec<&'static str>,
}

/// By name; `git:clone` is that subcommand alone.
pub(super) static PROGRAMS: LazyLock<Table<&str, Program>> = LazyLock::new(|| {
    let mut programs = Table::<_, Program>::default();
    let mut names: Vec<&str> = Vec::new();
    for line in lines(include_str!("programs/options.txt")) {
        if let Some(found) = line.strip_prefix("= ") {
            names = found.split_ascii_whitespace().collect();
        }
        for name in &names {
            let program = programs.entry(*name).or_default();
            if let Some(tokens) = line.strip_prefix("a: ") {
                program.anywhere.extend(tokens.split_ascii_whitespace());
            } else if let Some(tokens) = line.strip_prefix("f: ") {
                program.first.extend(tokens.split_ascii_whitespace());
            }
        }
    }
    programs
});

/// Programs that run their arguments, or a text in them, as commands; shells among them.
pub(super) static WRAPPERS: LazyLock<Names> = LazyLock::new(|| {
    words(include_str!("programs/wrappers.txt")).chain(words(include_str!("programs/shells.txt"))).collect()
});

/// Builtins that change what the rest of a line means, or run text as commands.
pub(super) static BUILTINS: LazyLock<Names> = LazyLock::new(|| words(include_str!("programs/builtins.txt")).collect());

/// Programs whose second word is a subcommand, each with those that have another below them.
pub(super) static SUBCOMMANDS: LazyLock<Table<&str, Vec<&str>>> = LazyLock::new(|| {
    let parts =
        lines(include_str!("programs/subcommands.txt")).map(|line| line.split_ascii_whitespace().collect::<Vec<_>>());
    parts.filter_map(|parts| Some((*parts.first()?, parts[1..].to_vec()))).collect()
});

/// What is permitted; `permitted` reads it.
pub(super) const PERMITTED: &str = include_str!("programs/permitted.txt");

/// Other names of programs, each with the one that the tables have.
pub(super) static OTHER_NAMES: LazyLock<Table<&str, &str>> =
    LazyLock::new(|| other_names(include_str!("programs/names.txt")));

/// Short and plural names of the kinds of things in a cluster, each with its own.
pub(super) static KINDS: LazyLock<Table<&str, &str>> =
    LazyLock::new(|| other_names(include_str!("programs/kinds.txt")));

/// Programs whose options begin with a slash.
pub(super) static WINDOWS: LazyLock<Names> = LazyLock::new(|| words(include_str!("programs/windows.txt")).collect());

/// Programs that run the text on their standard input, each with how many words keep them from it and which options do.
pub(super) static INTERPRETERS: LazyLock<Table<&str, (usize, Vec<&str>)>> = LazyLock::new(|| {
    let parts =
        lines(include_str!("programs/interpreters.txt")).map(|line| line.split_ascii_whitespace().collect::<Vec<_>>());
    parts.filter_map(|parts| Some((*parts.first()?, (parts.get(1)?.parse().ok()?, parts[2..].to_vec())))).collect()
});

/// Programs that run a text or other programs, by names that are no ordinary words.
pub(super) static RUN_TEXT: LazyLock<Names> =
    LazyLock::new(|| words(include_str!("programs/shells.txt")).chain(RUN_OTHERS.iter().copied()).collect());

/// Interpreters and wrappers that nothing else is called like.
const RUN_OTHERS: &[&str] = &[
    "busybox",
    "chroot",
    "cmd",
    "deno",
    "doas",
    "env",
    "eval",
    "exec",
    "git",
    "luajit",
    "node",
    "nohup",
    "npx",
    "nsenter",
    "perl",
    "php",
    "pkexec",
    "powershell",
    "pwsh",
    "python",
    "ruby",
    "setsid",
    "ssh",
    "stdbuf",
    "sudo",
    "tclsh",
    "timeout",
    "xargs",
];

/// Variables whose values change nothing but how a program reports; `NAME=VALUE` is harmless with that value only.
pub(super) static HARMLESS_VARIABLES: LazyLock<Names> =
    LazyLock::new(|| words(include_str!("programs/variables.txt")).collect());

/// Whether `program` is a shell.
pub(super) fn is_shell(program: &str) -> bool {
    SHELLS.contains(program)
}

static SHELLS: LazyLock<Names> = LazyLock::new(|| words(include_str!("programs/shells.txt")).collect());

/// Whether a table has an entry for the program `name`.
pub(super) fn is_known(name: &str) -> bool {
    PROGRAMS.contains_key(name)
        || WRAPPERS.contains(name)
        || BUILTINS.contains(name)
        || OTHER_NAMES.contains_key(name)
        || permitted::is_known(name)
}

/// Lines of a name, a colon and other names.
fn other_names(text: &'static str) -> Table<&'static str, &'static str> {
    let names = lines(text).filter_map(|line| line.split_once(": "));
    names
        .flat_map(|(own, others)| others.split_ascii_whitespace().chain([own]).map(move |other| (other, own)))
        .collect()
}

/// What is neither empty nor a comment.
pub(super) fn lines(text: &'static str) -> impl Iterator<Item = &'static str> {
    text.lines().map(str::trim_end).filter(|line| !line.is_empty() && !line.starts_with('#'))
}

fn words(text: &'static str) -> impl Iterator<Item = &'static str> {
    lines(text).flat_map(str::split_ascii_whitespace)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::matcher::names::base_name;

    #[test]
    fn every_name_is_one_that_programs_are_known_by() {
        let names = PROGRAMS.keys().map(|name| name.split(':').next().unwrap());
        for name in
            names.chain(WRAPPERS.iter().copied()).chain(BUILTINS.iter().copied()).chain(SUBCOMMANDS.keys().copied())
        {
            assert_eq!(base_name(name), name);
        }
    }

    #[test]
    fn no_program_is_in_two_tables_or_twice_in_one() {
        let headings = lines(include_str!("programs/options.txt")).filter_map(|line| line.strip_prefix("= "));
        let names = headings.flat_map(str::split_ascii_whitespace).collect::<Vec<_>>();
        assert!(names.len() > 400 && names.len() == PROGRAMS.len());
        for name in names {
            assert!(!WRAPPERS.contains(name) && !BUILTINS.contains(name), "{name}");
        }
        assert!(BUILTINS.iter().all(|name| !WRAPPERS.contains(name)));
        for (name, program) in PROGRAMS.iter() {
            assert!(!program.anywhere.is_empty() || !program.first.is_empty(), "{name}");
        }
    }
}
