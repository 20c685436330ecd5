//! Parts of the shell's language that do nothing which a person would want to be asked about.

use tree_sitter::Node;

use super::computed;
use super::programs::HARMLESS_VARIABLES;

/// Between descriptors, to close one, or to or from `/dev/null`.
pub(super) fn is_harmless_redirection(source: &str) -> bool {
    // One digit: what more of them are, a descriptor or a word, shells do not agree on.
    let source = source.strip_prefix(|c: char| c.is_ascii_digit()).unwrap_or(source);
    let to_nowhere = ["&>>", "&>", ">>", ">|", ">", "<"].iter().find_map(|operator| source.strip_prefix(operator));
    let to_descriptor = [">&", "<&"].iter().find_map(|operator| source.strip_prefix(operator));
    to_descriptor.is_some_and(|to| matches!(to.as_bytes(), [b'0'..=b'9'] | b"-"))
        || to_nowhere.is_some_and(|to| to.trim_start_matches([' ', '\t']) == "/dev/null")
}

/// A test of words that are known, without a second bracket: an index is computed, and computing can run commands.
pub(super) fn is_plain_test(source: &str) -> bool {
    let inside = source.strip_prefix("[[").and_then(|inside| inside.strip_suffix("]]"));
    let inside = inside.or_else(|| source.strip_prefix('[').and_then(|inside| inside.strip_suffix(']')));
    inside.is_some_and(|inside| {
        let is_apart = inside.starts_with([' ', '\t']) && inside.ends_with([' ', '\t']);
        is_apart
            && computed::compares_numbers_only(inside)
            && inside.chars().all(|c| c.is_ascii_alphanumeric() || " \t_./=!:,@%+-\"'".contains(c))
    })
}

/// Variables of zsh, csh and fish that change what the shell does, or how it looks for programs.
const SPECIAL_VARIABLES: &[&str] = &[
    "aliases",
    "argv",
    "autologout",
    "bindkey",
    "builtins",
    "cdpath",
    "commands",
    "complete",
    "curcontext",
    "cwd",
    "dirstack",
    "echotc",
    "edit",
    "epochtime",
    "errnos",
    "fignore",
    "fpath",
    "funcstack",
    "functions",
    "functrace",
    "galiases",
    "histchars",
    "history",
    "historywords",
    "home",
    "host",
    "hostname",
    "jobdirs",
    "jobstates",
    "jobtexts",
    "keymaps",
    "langinfo",
    "mail",
    "mailcheck",
    "mailpath",
    "manpath",
    "mapfile",
    "modules",
    "nameddirs",
    "options",
    "parameters",
    "patchars",
    "path",
    "pipestatus",
    "precmd",
    "prompt",
    "psvar",
    "reswords",
    "saliases",
    "savehist",
    "shell",
    "signals",
    "status",
    "sysparams",
    "term",
    "termcap",
    "terminfo",
    "user",
    "userdirs",
    "usergroups",
    "version",
    "watch",
    "widgets",
    "words",
];

/// The variable of a `for` that no program and no shell reads anything from: lower-case letters, and no name of a shell's own.
pub(super) fn is_loop_variable(node: Node<'_>, source: &str) -> bool {
    let is_of_loop = node.parent().is_some_and(|parent| {
        parent.kind() == "for_statement" && parent.child(0).is_some_and(|first| first.kind() == "for")
    });
    is_of_loop && source.chars().all(|c| c.is_ascii_lowercase()) && !SPECIAL_VARIABLES.contains(&source)
}

/// Whether `NAME=VALUE` in front of a command changes nothing but how it reports: the variable is known to, and the value is
/// a plain word.
pub(super) fn is_harmless_assignment(source: &str) -> bool {
    let Some((name, value)) = source.split_once('=') else {
        return false;
    };
    let is_plain = value.chars().all(|c| c.is_ascii_alphanumeric() || "_.,:=+-@".contains(c));
    is_plain && (HARMLESS_VARIABLES.contains(name) || HARMLESS_VARIABLES.contains(source))
}

/// Whether what stands behind `#` is nothing to a shell that knows no comments there, either: plain words, none an option.
pub(super) fn is_harmless_comment(source: &str) -> bool {
    let is_plain = |c: char| c.is_alphanumeric() || " \t#,.:/_+-".contains(c);
    source.chars().all(is_plain) && !source.split([' ', '\t']).any(|word| word.starts_with(['-', '+']))
}
