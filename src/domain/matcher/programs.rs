//! What is known of programs: tables, each in a file of its own in `programs/` that says what stands in it.

use std::collections::{HashMap, HashSet};
use std::sync::LazyLock;

/// What needs a look in the words of a program; `options.txt` says what a token may be.
#[derive(Debug, Default)]
pub(super) struct Program {
    /// Wherever it stands.
    pub(super) anywhere: Vec<&'static str>,
    /// Before the first word that is no option.
    pub(super) first: Vec<&'static str>,
}

/// By name; `git:clone` is that subcommand alone.
pub(super) static PROGRAMS: LazyLock<HashMap<&str, Program>> = LazyLock::new(|| {
    let mut programs = HashMap::<_, Program>::new();
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
pub(super) static WRAPPERS: LazyLock<HashSet<&str>> = LazyLock::new(|| {
    words(include_str!("programs/wrappers.txt")).chain(words(include_str!("programs/shells.txt"))).collect()
});

/// Builtins that change what the rest of a line means, or run text as commands.
pub(super) static BUILTINS: LazyLock<HashSet<&str>> =
    LazyLock::new(|| words(include_str!("programs/builtins.txt")).collect());

/// Programs whose second word is a subcommand, each with those that have another below them.
pub(super) static SUBCOMMANDS: LazyLock<HashMap<&str, Vec<&str>>> = LazyLock::new(|| {
    let parts =
        lines(include_str!("programs/subcommands.txt")).map(|line| line.split_ascii_whitespace().collect::<Vec<_>>());
    parts.filter_map(|parts| Some((*parts.first()?, parts[1..].to_vec()))).collect()
});

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
    use crate::domain::matcher::danger::base_name;

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
