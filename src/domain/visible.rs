//! Text of an agent as a person is shown it: nothing in it is obeyed, and nothing stays unseen.

use super::matcher::characters::{Marks, emoji_at, is_alphanumeric, is_double_of_ascii, is_unseen, looks_like_ascii};

/// The most columns of blanks between two words of a line: more push what follows out of sight.
const WIDEST_GAP: usize = 20;

/// The most columns that a line is indented.
const WIDEST_INDENT: usize = 100;

/// How many columns a tab counts for.
const TAB_COLUMNS: usize = 4;

/// A part of a text, to be shown one after the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Piece<'t> {
    /// What shows itself: newlines, tabs and emoji of several characters among it.
    Plain(&'t str),
    /// A control, a zero-width or a bidirectional character, a blank beyond ASCII's, a mark that is drawn over what stands
    /// beside it: to be shown by its [`name`].
    Unseen(char),
    /// A letter that looks like one of ASCII, among letters that are ASCII, or a double of ASCII: to be marked.
    Lookalike(char),
    /// So many blanks that what follows in the line may be out of sight: to be shown by their number.
    Gap(&'t str),
}

/// What is shown in the place of an unseen character, such as `U+202E`.
#[must_use]
pub fn name(c: char) -> String {
    format!("U+{:04X}", u32::from(c))
}

/// What is shown in the place of a gap, such as `40 blanks`.
#[must_use]
pub fn gap_name(gap: &str) -> String {
    format!("{} blanks", gap.len())
}

/// The parts of `text`, in order and complete: their characters make the text again.
#[must_use]
pub fn pieces(text: &str) -> Vec<Piece<'_>> {
    let mut pieces = Vec::new();
    let (mut plain_from, mut word, mut marks) = (0, Word::default(), Marks::default());
    // The end of what has been looked at as a whole: an emoji, or a run of blanks.
    let mut whole_until = 0;
    for (at, c) in text.char_indices() {
        let (before, from) = (text.get(..at).unwrap_or_default(), text.get(at..).unwrap_or_default());
        let is_mark_too_many = marks.is_too_many(c);
        if at < whole_until {
            continue;
        }
        let mut after = at + c.len_utf8();
        let blanks = if matches!(c, ' ' | '\t') { blanks(from) } else { "" };
        let emoji = if c.is_ascii() && !c.is_ascii_digit() && c != '#' && c != '*' { 0 } else { emoji_at(from) };
        whole_until = at + blanks.len().max(emoji);
        word.reach(at, from);
        let piece = if !blanks.is_empty() {
            if !is_gap(before, blanks, from) {
                continue;
            }
            after = whole_until;
            Piece::Gap(blanks)
        } else if emoji > 0 {
            continue;
        } else if is_mark_too_many || is_unseen(c) {
            Piece::Unseen(c)
        } else if (word.has_ascii && looks_like_ascii(c)) || is_double_of_ascii(c, before, from) {
            Piece::Lookalike(c)
        } else {
            continue;
        };
        pieces.extend(text.get(plain_from..at).filter(|plain| !plain.is_empty()).map(Piece::Plain));
        pieces.push(piece);
        plain_from = after;
    }
    pieces.extend(text.get(plain_from..).filter(|plain| !plain.is_empty()).map(Piece::Plain));
    pieces
}

/// The word that is being read.
#[derive(Default)]
struct Word {
    end: usize,
    has_ascii: bool,
}

impl Word {
    /// Goes on to the word at `at`, where `from` begins, unless this is still the same.
    fn reach(&mut self, at: usize, from: &str) {
        if at >= self.end {
            let word = from.split(|c: char| !is_alphanumeric(c)).next().unwrap_or_default();
            let first = from.chars().next().map_or(0, char::len_utf8);
            self.end = at + word.len().max(first);
            self.has_ascii = word.contains(|c: char| c.is_ascii_alphabetic());
        }
    }
}

/// The blanks at the beginning of `text`.
fn blanks(text: &str) -> &str {
    let end = text.find(|c| !matches!(c, ' ' | '\t')).unwrap_or(text.len());
    text.get(..end).unwrap_or_default()
}

/// Whether `blanks`, with which `from` begins, push out of sight what comes after them in the line.
fn is_gap(before: &str, blanks: &str, from: &str) -> bool {
    let is_followed = from.get(blanks.len()..).is_some_and(|rest| !rest.is_empty() && !rest.starts_with(['\n', '\r']));
    let is_indent = before.is_empty() || before.ends_with('\n');
    let columns: usize = blanks.bytes().map(|blank| if blank == b'\t' { TAB_COLUMNS } else { 1 }).sum();
    is_followed && columns > if is_indent { WIDEST_INDENT } else { WIDEST_GAP }
}

/// Whether nothing of `text` is seen.
#[must_use]
pub fn is_blank(text: &str) -> bool {
    text.chars().all(|c| c.is_whitespace() || is_unseen(c))
}

/// Whether anything in `text` does not show itself.
#[must_use]
pub fn has_hidden(text: &str) -> bool {
    let mut blanks = 0;
    let is_plain = text.bytes().all(|byte| {
        blanks = if matches!(byte, b' ' | b'\t') { blanks + 1 } else { 0 };
        // So few blanks make no gap, however they stand.
        matches!(byte, b' '..=b'~' | b'\t' | b'\n') && blanks * TAB_COLUMNS <= WIDEST_GAP
    });
    !is_plain && pieces(text).iter().any(|piece| !matches!(piece, Piece::Plain(_)))
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
        for text in [
            "",
            "\u{200b}",
            "a",
            "\u{feff}a\r\n\u{7f}",
            "\u{e000}x\u{e000}",
            "👩\u{200d}💻 a\u{301}\u{200d}",
            &format!("a{}b{}", " ".repeat(40), " ".repeat(40)),
        ] {
            let again = pieces(text).iter().fold(String::new(), |mut again, piece| {
                match piece {
                    Piece::Plain(plain) => again.push_str(plain),
                    Piece::Unseen(c) | Piece::Lookalike(c) => again.push(*c),
                    Piece::Gap(blanks) => again.push_str(blanks),
                }
                again
            });
            assert_eq!(again, text);
        }
    }

    /// Texts that people write every day, in the form that keyboards give.
    #[test]
    fn what_is_written_in_the_worlds_scripts_is_plain() {
        for text in [
            "Tiếng Việt: xoá tất cả các tệp cũ",
            "चीज़ों को पढ़ूँ और क्षत्रियों से मिलूँ",
            "احذف الملفات القديمة، اللَّٰه",
            "מחק את הקבצים, שַּׁבָּת שלום",
            "ลบไฟล์ทั้งหมดที่นี่ก่อน",
            "ဖိုင်ဟောင်းများကို ဖျက်ပါ",
            "古いファイルを削除（全部）。そして、",
            "删除文件，然后重启！用ls，再用git：完成",
            "👩\u{200d}💻 🏳\u{fe0f}\u{200d}🌈 ❤\u{fe0f} 👍🏽 1\u{fe0f}\u{20e3} ✨ 🇩🇪",
            "fn main() {\n                        deep();\n\t\t\t\t\t\t\t\tdeeper();\n}",
            "name                value",
            "at the end                                          \nof a line                                ",
        ] {
            assert_eq!(pieces(text), [Piece::Plain(text)], "{text:?}");
            assert!(!has_hidden(text), "{text:?}");
        }
    }

    #[test]
    fn what_draws_over_looks_blank_or_pushes_away_is_marked() {
        for text in [
            "rm\u{301} -rf",
            "make\u{338}",
            "日\u{302}\u{302}\u{302}",
            "é\u{302}\u{302}\u{302}",
            "ж\u{20dd}",
            "ж\u{336}",
            "\u{301}x",
            "क\u{93c}\u{941}\u{901}\u{901}\u{901}",
            "ب\u{64e}\u{64e}\u{64e}\u{64e}",
            "a\u{2800}b",
            "\u{3164}",
            "\u{ffa0}",
            "\u{1d159}",
            "\u{fffc}",
            "\u{e0067}",
            "a\u{fe0f}",
            "日\u{fe00}",
            "日\u{e0101}",
            "a\u{200d}b",
            "👩\u{200d}",
            "👩\u{200d}x",
            "ｇｉｔ",
            "ls ｜ sh",
            "ls；rm",
            "𝐠𝐢𝐭",
            "$９",
            &format!("ls{}; rm -rf /", " ".repeat(21)),
            &format!("ls{}; rm -rf /", "\t".repeat(6)),
            &format!("ls\n{}rm -rf /", " ".repeat(101)),
        ] {
            assert!(has_hidden(text), "{text:?}");
        }
    }

    #[test]
    fn a_gap_is_one_piece_and_is_told_by_its_width() {
        let text = format!("a{}b", " ".repeat(40));
        let gap = " ".repeat(40);
        assert_eq!(pieces(&text), [Piece::Plain("a"), Piece::Gap(&gap), Piece::Plain("b")]);
        assert_eq!(gap_name(&gap), "40 blanks");
        assert!(!has_hidden(&format!("a{}b", " ".repeat(20))));
    }
}
