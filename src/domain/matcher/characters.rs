//! Characters that show one thing and are another.

use std::sync::LazyLock;

use regex::Regex;
use unicode_security::confusable_detection::skeleton;

/// Controls but tab and newline, formats (zero-width and bidirectional ones among them), private use, not assigned, blanks
/// beyond ASCII's, and whatever is not shown at all.
static UNSEEN: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(r"[[\p{Cc}\p{Cf}\p{Co}\p{Cn}\p{Zs}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}]--[ \t\n]]").ok()
});

/// Whether every character of `text` is what it shows: nothing invisible, nothing that changes the direction, and no letter,
/// digit, or part of a path or URL that looks like ASCII without being it (by the confusables of Unicode's UTS 39).
pub(super) fn are_plain(text: &str) -> bool {
    if text.is_ascii() {
        return !text.bytes().any(|byte| byte.is_ascii_control() && !matches!(byte, b'\t' | b'\n'));
    }
    UNSEEN.as_ref().is_some_and(|unseen| !unseen.is_match(text)) && !text.chars().any(looks_like_ascii)
}

/// Whether `c` is invisible, or visible only by its effect.
pub(in crate::domain) fn is_unseen(c: char) -> bool {
    match c {
        ' '..='~' | '\t' | '\n' => false,
        _ => UNSEEN.as_ref().is_none_or(|unseen| unseen.is_match(c.encode_utf8(&mut [0; 4]))),
    }
}

/// Whether `text` is one line without tabs, too.
pub(super) fn are_plain_line(text: &str) -> bool {
    are_plain(text) && !text.contains(['\t', '\n'])
}

/// Whether `c`, which is not ASCII, looks like a letter, a digit or a part of a path or URL that is.
pub(in crate::domain) fn looks_like_ascii(c: char) -> bool {
    let mut bytes = [0; 4];
    let mut like = skeleton(c.encode_utf8(&mut bytes));
    match (like.next(), like.next()) {
        (Some('/' | '\\' | '.' | ':' | '@'), None) => !c.is_ascii(),
        (Some(first), second) => {
            !c.is_ascii()
                && first.is_ascii_alphanumeric()
                && second.is_none_or(|c| c.is_ascii())
                && like.all(|c| c.is_ascii())
        }
        (None, _) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_shows_something_else_is_not_plain() {
        for text in
            ["git status", "git commit -m \"füge Ärger hinzu\"", "日本", "✨ done", "it’s “so” – and…", "a\tb\nc"]
        {
            assert!(are_plain(text), "{text:?}");
        }
        for text in [
            "git\u{a0}status",
            "g\u{456}t",
            "\u{200b}",
            "\u{202e}",
            "\u{2066}x",
            "ｇit",
            "\u{feff}",
            "\r",
            "\u{7f}",
            "\u{3164}",
            "\u{e000}",
            "\u{1b}[2J",
            "\u{2028}",
            "\u{ad}",
            "ο",
            "\u{e0041}",
        ] {
            assert!(!are_plain(text), "{text:?}");
        }
    }
}
