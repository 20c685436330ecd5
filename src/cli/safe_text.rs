//! Text of others, such as agents, made fit for a terminal: shown, never obeyed, and nothing in it unseen.
//!
//! What [`visible`] calls unseen stands as `⟨U+202E⟩`, in reversed video where there are colours; a letter that passes for
//! another has its name after it. Everything that a command prints and has not made up itself goes through here.

use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

use super::style::{TerminalStyle, TextStyle};
use crate::domain::visible::{self, Piece};
use crate::present::{one_line, plain};

/// What a tab is shown as where columns count.
const TAB: &str = "    ";

/// Text that a terminal may be given.
#[derive(Clone, Debug, Default)]
pub(super) struct SafeText {
    spans: Vec<(String, TextStyle)>,
}

impl SafeText {
    /// A text of others as it is, its lines kept.
    pub(super) fn text(text: &str) -> Self {
        Self { spans: visible::pieces(text).into_iter().map(span).collect() }
    }

    /// A text of others in one line.
    pub(super) fn line(text: &str) -> Self {
        let mut shown = Self::text(text);
        for (text, _) in &mut shown.spans {
            if text.contains(['\n', '\t']) {
                *text = text.replace('\n', "↵").replace('\t', " ");
            }
        }
        shown
    }

    /// The program's own words. Ids and words of the protocol, which a check has passed, are among them.
    pub(super) fn own(text: impl ToString, tint: TextStyle) -> Self {
        Self { spans: vec![(text.to_string(), tint)] }
    }

    /// The same, in one colour where it is plain.
    pub(super) fn tinted(mut self, tint: TextStyle) -> Self {
        for (_, own) in self.spans.iter_mut().filter(|(_, own)| *own == TextStyle::Plain) {
            *own = tint;
        }
        self
    }

    /// This and then that.
    pub(super) fn and(mut self, other: Self) -> Self {
        self.spans.extend(other.spans);
        self
    }

    /// How many columns it takes, in one line.
    pub(super) fn width(&self) -> usize {
        self.spans.iter().map(|(text, _)| text.width()).sum()
    }

    /// At most so many columns of it, with a mark where something is left out.
    pub(super) fn cut(self, width: usize) -> Self {
        if self.width() <= width {
            return self;
        }
        let (mut spans, mut left) = (Vec::new(), width.saturating_sub(1));
        for (text, tint) in self.spans {
            let fits = fitting(&text, left);
            let is_whole = fits.len() == text.len();
            left -= fits.width();
            spans.push((fits.to_owned(), tint));
            if !is_whole {
                break;
            }
        }
        spans.push(("…".to_owned(), TextStyle::Dim));
        Self { spans }
    }

    /// The same in rows of at most so many columns: a terminal that breaks a line begins the next where our own lines do. Rows
    /// end behind a blank where there is one, and within a word that is longer than a row.
    pub(super) fn rows(self, width: usize) -> Vec<Self> {
        let mut rows = vec![Self::default()];
        let mut left = width;
        for (text, tint) in self.spans {
            // How far a tab goes is the terminal's affair, and has to be ours.
            let text = text.replace('\t', TAB);
            let mut rest = text.as_str();
            while !rest.is_empty() {
                let fits = fitting(rest, left);
                let is_end =
                    fits.len() == rest.len() || rest.get(fits.len()..).is_some_and(|rest| rest.starts_with(' '));
                let behind_blank = fits.rfind(' ').and_then(|blank| fits.get(..=blank)).filter(|_| !is_end);
                // A character that is wider than a row goes where it may.
                let end = match behind_blank {
                    Some(words) => words,
                    None if fits.is_empty() && left == width => first(rest),
                    None => fits,
                };
                rest = rest.get(end.len()..).unwrap_or_default();
                left = left.saturating_sub(end.width());
                rows.last_mut().into_iter().for_each(|row| row.spans.push((end.to_owned(), tint)));
                if !rest.is_empty() {
                    rows.push(Self::default());
                    left = width;
                }
            }
        }
        rows
    }

    /// Its stretches, for a screen that is not printed but drawn.
    pub(super) fn spans(&self) -> impl Iterator<Item = (&str, TextStyle)> {
        self.spans.iter().map(|(text, tint)| (text.as_str(), *tint))
    }

    /// What to print.
    pub(super) fn paint(&self, look: TerminalStyle) -> String {
        self.spans.iter().map(|(text, tint)| tint.paint(text, look)).collect()
    }
}

fn span(piece: Piece<'_>) -> (String, TextStyle) {
    let style = match piece {
        Piece::Plain(_) => TextStyle::Plain,
        Piece::Gap(_) | Piece::Unseen(_) | Piece::Lookalike(_) => TextStyle::Strange,
    };
    (plain(&piece), style)
}

/// As much of the beginning as fits.
fn fitting(text: &str, width: usize) -> &str {
    let mut used = 0;
    let end = text.char_indices().find(|(_, c)| {
        used += c.width().unwrap_or(0);
        used > width
    });
    text.get(..end.map_or(text.len(), |(at, _)| at)).unwrap_or_default()
}

fn first(text: &str) -> &str {
    text.get(..text.chars().next().map_or(0, char::len_utf8)).unwrap_or_default()
}

/// A text of others in one line, for a sentence of ours on stderr.
pub(super) fn line(text: &str) -> String {
    one_line(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    const COLOURED: TerminalStyle = TerminalStyle { colour: true, width: Some(80) };

    #[test]
    fn no_sequence_of_others_reaches_a_terminal() {
        let hostile = "a\u{1b}[2J\u{9b}31m\u{202e}b\r\n\tg\u{456}t\u{200b}";
        for look in [TerminalStyle::default(), COLOURED] {
            let painted = SafeText::text(hostile).paint(look).replace("\u{1b}[7m", "").replace("\u{1b}[0m", "");
            assert!(!painted.contains(['\u{1b}', '\u{9b}', '\u{202e}', '\r', '\u{200b}']), "{painted:?}");
            assert!(painted.contains("⟨U+001B⟩[2J⟨U+009B⟩31m⟨U+202E⟩b⟨U+000D⟩\n\tg\u{456}⟨U+0456⟩t⟨U+200B⟩"));
        }
        assert_eq!(line("a\nb\tc"), "a↵b c");
    }

    #[test]
    fn what_is_cut_says_so_and_fits() {
        assert_eq!(SafeText::line("abcdef").cut(6).paint(TerminalStyle::default()), "abcdef");
        assert_eq!(SafeText::line("abcdef").cut(4).paint(TerminalStyle::default()), "abc…");
        // Two columns each.
        assert_eq!(SafeText::line("日本語").cut(4).paint(TerminalStyle::default()), "日…");
        assert_eq!(SafeText::line("a\u{202e}b").cut(4).paint(TerminalStyle::default()), "a⟨U…");
    }

    #[test]
    fn rows_end_behind_blanks_and_within_words_that_are_too_long() {
        let rows = |text: &str, width| {
            let rows = SafeText::text(text).rows(width);
            rows.iter().map(|row| row.paint(TerminalStyle::default())).collect::<Vec<_>>()
        };
        assert_eq!(rows("it goes fairly well", 12), ["it goes ", "fairly well"]);
        assert_eq!(rows("it goes", 2), ["it", " ", "go", "es"]);
        assert_eq!(rows("abcdefgh ij", 4), ["abcd", "efgh", " ij"]);
        assert_eq!(rows("ab cdefghij", 6), ["ab ", "cdefgh", "ij"]);
    }

    #[test]
    fn rows_hold_all_of_a_text_and_fit() {
        let text = "ab\u{202e}日本語cd";
        let all = SafeText::text(text).paint(TerminalStyle::default());
        for width in 1..20 {
            let rows = SafeText::text(text).rows(width);
            assert_eq!(rows.iter().map(|row| row.paint(TerminalStyle::default())).collect::<String>(), all);
            assert!(rows.iter().all(|row| row.width() <= width.max(2)), "{width}: {rows:?}");
        }
    }
}
