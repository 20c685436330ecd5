//! Text of an agent as a person is shown it: nothing in it is obeyed, and nothing stays unseen.

use super::matcher::characters::{is_unseen, looks_like_ascii};

/// A part of a text, to be shown one after the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Piece<'t> {
    /// What shows itself: newlines and tabs among it.
    Plain(&'t str),
    /// A control, a zero-width or a bidirectional character, a blank beyond ASCII's: to be shown by its [`name`].
    Unseen(char),
    /// A letter that looks like one of ASCII, among letters that are ASCII: to be marked.
    Lookalike(char),
}

/// What is shown in the place of an unseen character, such as `U+202E`.
#[must_use]
pub fn name(c: char) -> String {
    format!("U+{:04X}", u32::from(c))
}

/// The parts of `text`, in order and complete: their characters make the text again.
#[must_use]
pub fn pieces(text: &str) -> Vec<Piece<'_>> {
    let mut pieces = Vec::new();
    let (mut plain_from, mut word_end, mut has_ascii) = (0, 0, false);
    for (at, c) in text.char_indices() {
        let after = at + c.len_utf8();
        if at >= word_end {
            let rest = text.get(at..).unwrap_or_default();
            let word = rest.split(|c: char| !c.is_alphanumeric()).next().unwrap_or_default();
            word_end = after.max(at + word.len());
            has_ascii = word.contains(|c: char| c.is_ascii_alphabetic());
        }
        let piece = match c {
            c if is_unseen(c) => Piece::Unseen(c),
            c if has_ascii && looks_like_ascii(c) => Piece::Lookalike(c),
            _ => continue,
        };
        pieces.extend(text.get(plain_from..at).filter(|plain| !plain.is_empty()).map(Piece::Plain));
        pieces.push(piece);
        plain_from = after;
    }
    pieces.extend(text.get(plain_from..).filter(|plain| !plain.is_empty()).map(Piece::Plain));
    pieces
}

/// Whether anything in `text` does not show itself.
#[must_use]
pub fn has_hidden(text: &str) -> bool {
    let is_plain_ascii = text.bytes().all(|byte| matches!(byte, b' '..=b'~' | b'\t' | b'\n'));
    !is_plain_ascii && pieces(text).iter().any(|piece| !matches!(piece, Piece::Plain(_)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_seen_is_named_and_what_looks_like_something_else_is_marked() {
        let shown = pieces("g\u{456}t push \u{1b}[2K\u{202e}x\n\tпривет café 日本");
        let expected = [
            Piece::Plain("g"),
            Piece::Lookalike('\u{456}'),
            Piece::Plain("t push "),
            Piece::Unseen('\u{1b}'),
            Piece::Plain("[2K"),
            Piece::Unseen('\u{202e}'),
            Piece::Plain("x\n\tпривет café 日本"),
        ];
        assert_eq!(shown, expected);
        assert_eq!(name('\u{1b}'), "U+001B");
    }

    #[test]
    fn a_text_hides_something_where_a_piece_of_it_does() {
        for text in ["g\u{456}t", "\u{1b}", "a\rb", "\u{7f}", "é\u{200b}", "a\u{a0}b"] {
            assert!(has_hidden(text), "{text:?}");
        }
        for text in ["", "git push\n\t~", "привет café 日本"] {
            assert!(!has_hidden(text), "{text:?}");
        }
    }

    #[test]
    fn nothing_is_left_out() {
        for text in ["", "\u{200b}", "a", "\u{feff}a\r\n\u{7f}", "\u{e000}x\u{e000}"] {
            let again = pieces(text).iter().fold(String::new(), |mut again, piece| {
                match piece {
                    Piece::Plain(plain) => again.push_str(plain),
                    Piece::Unseen(c) | Piece::Lookalike(c) => again.push(*c),
                }
                again
            });
            assert_eq!(again, text);
        }
    }
}
