//! Parts of the shell's language that do nothing which a person would want to be asked about.

use tree_sitter::Node;

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
        is_apart && inside.chars().all(|c| c.is_ascii_alphanumeric() || " \t_./=!:,@%+-\"'".contains(c))
    })
}

/// The variable of a `for` that no program and no shell reads anything from: lower-case letters.
pub(super) fn is_loop_variable(node: Node<'_>, source: &str) -> bool {
    node.parent().is_some_and(|parent| {
        parent.kind() == "for_statement" && parent.child(0).is_some_and(|first| first.kind() == "for")
    }) && source.chars().all(|c| c.is_ascii_lowercase())
}
