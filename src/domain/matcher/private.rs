//! Places where nothing is to be written, changed or removed that nobody has spelled: what git and shells run, homes, the system,
//! and what is out of the directory that a line begins in.

use super::path::Path;
use super::place::{self, Here};
use super::word::{Known, Word};

/// Directories below the root in which the system is, in lower case: some file systems do not tell.
const SYSTEM: &[&str] = &[
    "applications",
    "bin",
    "boot",
    "dev",
    "etc",
    "lib",
    "lib32",
    "lib64",
    "libx32",
    "library",
    "nix",
    "opt",
    "proc",
    "root",
    "run",
    "sbin",
    "srv",
    "sys",
    "system",
    "usr",
    "var",
];

/// Directories below the root in which home directories are.
const HOMES: &[&str] = &["home", "users"];

/// Whether `word` names such a place, seen from `here`, or may.
pub(super) fn is_private(word: &Word, here: &Here) -> bool {
    // A variable may hold nothing, where it is not set, or a path to what the system runs; what something is in is a directory,
    // and those that are not read by their names are for temporary files.
    let path = if word.text.starts_with("*/") { "/tmp" } else { "/bin/x" };
    is_written_so(word, here)
        || ["", path].iter().filter_map(|value| word.with(value)).any(|word| is_written_so(&word, here))
}

/// Whether the place that a word names as it is written is one of them.
fn is_written_so(word: &Word, here: &Here) -> bool {
    let text = word.text.as_str();
    if word.known != Known::Literally && may_be_anywhere(text) {
        return true;
    }
    let text = if word.known == Known::Literally { text } else { directory_of(text) };
    if text.starts_with('~') || place::has_git(text) || here.climbs_out(text) || here.is_lost(text) {
        return true;
    }
    if here.is_in_git && !text.starts_with('/') {
        return true;
    }
    let Some(path) = here.path(text) else { return false };
    let names = path.keys().map(str::to_ascii_lowercase).collect::<Vec<_>>();
    let names = names.iter().map(String::as_str).collect::<Vec<_>>();
    names.contains(&".git") || is_of_home(&names, text, here) || (is_of_system(&names) && !is_workplace(text, here))
}

/// Whether a shell puts names in the place of a part of it.
fn is_open(name: &str) -> bool {
    name.contains(['*', '?', '['])
}

/// Whether what is only known when it runs may lead anywhere: up, below the root, or to hidden names.
fn may_be_anywhere(text: &str) -> bool {
    let is_open_below_root = text.strip_prefix('/').and_then(|rest| rest.split('/').next()).is_some_and(is_open);
    is_open_below_root || text.split('/').any(|name| name == ".." || (name.starts_with('.') && is_open(name)))
}

/// The directory of which names are found: what holds for it holds for all that is in it.
fn directory_of(text: &str) -> &str {
    let named = text.trim_end_matches('/');
    match named.rsplit_once('/') {
        Some((directory, last)) if last.starts_with(['*', '?', '[']) => {
            if directory.is_empty() {
                "/"
            } else {
                directory
            }
        }
        _ => text,
    }
}

/// Whether it is a home directory, or what programs read there by themselves.
fn is_of_home(names: &[&str], text: &str, here: &Here) -> bool {
    // What is put there may be a hidden file; below a working directory it is named.
    let is_put = || text.starts_with('/') || place::climbs(text) || here.leaves(text) || here.start() == ["/"];
    let is_worktree = || here.start().contains(&"worktrees") && !here.leaves(text);
    match names {
        ["/", homes] | ["/", homes, _] if HOMES.contains(homes) => is_put(),
        ["/", "root"] => is_put(),
        ["/", homes, _, "library", ..] if HOMES.contains(homes) => true,
        _ => is_hidden_at_home(names) && !is_worktree(),
    }
}

/// Whether `names` lead through what is hidden in a home directory.
fn is_hidden_at_home(names: &[&str]) -> bool {
    match names {
        ["/", homes, _, hidden, ..] if HOMES.contains(homes) => hidden.starts_with('.'),
        ["/", "root", hidden, ..] => hidden.starts_with('.'),
        _ => false,
    }
}

fn is_of_system(names: &[&str]) -> bool {
    match names {
        ["/"] | ["/", "private"] => true,
        ["/", "private", rest @ ..] => is_of_system(&[&["/"], rest].concat()),
        ["/", "var", "folders" | "tmp", ..] => false,
        ["/", "dev", "fd" | "null" | "shm" | "stderr" | "stdin" | "stdout" | "tty", ..] => false,
        ["/", directory, ..] => SYSTEM.contains(directory),
        _ => false,
    }
}

/// Whether the line begins in one of the directories of the system in which people work, and `text` stays there.
fn is_workplace(text: &str, here: &Here) -> bool {
    is_for_work(&here.start()) && !here.leaves(text)
}

/// Whether `names` lead to a directory of the system in which people work, or below.
fn is_for_work(names: &[&str]) -> bool {
    matches!(
        names,
        ["/", "root", ..]
            | ["/", "opt" | "srv", _, ..]
            | ["/", "usr", "src", _, ..]
            | ["/", "var", "app" | "task" | "www", ..]
    )
}

/// Whether no one works where `path` is: in the system, or among what is hidden in a home directory.
pub(super) fn is_no_workplace(path: &Path) -> bool {
    let names = path.keys().map(str::to_ascii_lowercase).collect::<Vec<_>>();
    let names = names.iter().map(String::as_str).collect::<Vec<_>>();
    is_hidden_at_home(&names) || (is_of_system(&names) && !is_for_work(&names))
}
