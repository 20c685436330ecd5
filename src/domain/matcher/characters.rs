//! Characters that show one thing and are another.

use std::sync::LazyLock;
use std::sync::atomic::{AtomicU8, Ordering};

use regex::Regex;
use unicode_security::confusable_detection::skeleton;

/// Controls but tab and newline, formats (zero-width and bidirectional ones among them), private use, not assigned, blanks
/// beyond ASCII's, whatever is not shown at all, and what is shown as a blank: of braille, of music, of an object.
static UNSEEN: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(r"[[\p{Cc}\p{Cf}\p{Co}\p{Cn}\p{Zs}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}\x{2800}\x{1D159}\x{FFFC}]--[ \t\n]]").ok()
});

/// Marks, which are drawn on the letter before them.
static MARK: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(r"^\p{M}$").ok());

/// What an emoji begins with, but for keycaps.
static PICTOGRAPH: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(r"^\p{Extended_Pictographic}$").ok());

/// An emoji of several characters: joined ones, one with a colour of skin, one with a selector of its look, a keycap.
static EMOJI: LazyLock<Option<Regex>> = LazyLock::new(|| {
    let one = r"\p{Extended_Pictographic}\p{Emoji_Modifier}?[\x{FE0E}\x{FE0F}]?";
    Regex::new(&format!(r"^(?:{one}(?:\x{{200D}}{one})*|[0-9#*]\x{{FE0F}}\x{{20E3}})")).ok()
});

/// What Unicode says of one character, a bit each.
#[derive(Clone, Copy)]
struct Nature(u8);

/// How many characters are remembered: the planes in which there are scripts, symbols and emoji.
const REMEMBERED: usize = 0x2_0000;

/// The nature of each character that was asked for, and 0 for the others. To ask Unicode's tables takes some hundred
/// nanoseconds, and a text may have a hundred thousand characters.
static NATURES: [AtomicU8; REMEMBERED] = [const { AtomicU8::new(0) }; REMEMBERED];

impl Nature {
    const KNOWN: u8 = 1;
    const UNSEEN: u8 = 1 << 1;
    const MARK: u8 = 1 << 2;
    const PICTOGRAPH: u8 = 1 << 3;
    const LIKE_ASCII: u8 = 1 << 4;
    const ALPHANUMERIC: u8 = 1 << 5;

    fn of(c: char) -> Self {
        let Some(remembered) = NATURES.get(c as usize) else { return Self::looked_up(c) };
        match remembered.load(Ordering::Relaxed) {
            0 => {
                let nature = Self::looked_up(c);
                // Whoever else looks it up meanwhile finds the same.
                remembered.store(nature.0, Ordering::Relaxed);
                nature
            }
            known => Self(known),
        }
    }

    fn looked_up(c: char) -> Self {
        let mut bytes = [0; 4];
        let text: &str = c.encode_utf8(&mut bytes);
        let is = |class: &LazyLock<Option<Regex>>, bit| {
            if class.as_ref().is_none_or(|class| class.is_match(text)) { bit } else { 0 }
        };
        let like_ascii = if is_like_ascii(c) { Self::LIKE_ASCII } else { 0 };
        let alphanumeric = if c.is_alphanumeric() { Self::ALPHANUMERIC } else { 0 };
        let classes = is(&UNSEEN, Self::UNSEEN) | is(&MARK, Self::MARK) | is(&PICTOGRAPH, Self::PICTOGRAPH);
        Self(Self::KNOWN | classes | like_ascii | alphanumeric)
    }

    const fn has(self, bit: u8) -> bool {
        self.0 & bit != 0
    }
}

/// Whether every character of `text` is what it shows: nothing invisible, nothing that changes the direction, no mark that
/// is drawn over its neighbours, and no letter, digit, or part of a path or URL that looks like ASCII without being it (by
/// the confusables of Unicode's UTS 39).
pub(super) fn are_plain(text: &str) -> bool {
    if text.is_ascii() {
        return !text.bytes().any(|byte| byte.is_ascii_control() && !matches!(byte, b'\t' | b'\n'));
    }
    let mut marks = Marks::default();
    !text.chars().any(|c| is_unseen(c) || marks.is_too_many(c))
        && !text.split(|c: char| !is_of_word(c)).any(mixes_scripts)
        && !has_strange_letters(text)
        && !has_strange_dots(text)
}

/// Characters that stand for several dots, or for one.
const DOTS: &[char] =
    &['\u{2024}', '\u{2025}', '\u{2026}', '\u{3002}', '\u{ff61}', '\u{fe19}', '\u{fe30}', '\u{fe52}', '\u{ff0e}'];

/// Whether a name in a path is made of dots of which some are not ASCII: it may be taken for `..`.
fn has_strange_dots(text: &str) -> bool {
    let is_dots = |name: &str| name.contains(DOTS) && name.chars().all(|c| c == '.' || DOTS.contains(&c));
    let is_blank = |c: char| c.is_whitespace() || matches!(c, '"' | '\'');
    text.split(is_blank).any(|word| word.contains('/') && word.split('/').any(is_dots))
}

fn is_of_word(c: char) -> bool {
    Nature::of(c).has(Nature::ALPHANUMERIC | Nature::MARK)
}

/// The same as [`char::is_alphanumeric`], from memory.
pub(in crate::domain) fn is_alphanumeric(c: char) -> bool {
    if c.is_ascii() { c.is_ascii_alphanumeric() } else { Nature::of(c).has(Nature::ALPHANUMERIC) }
}

/// Whether a word has letters of ASCII and others that look like them.
fn mixes_scripts(word: &str) -> bool {
    word.contains(|c: char| c.is_ascii_alphabetic()) && word.chars().any(looks_like_ascii)
}

/// Whether a letter looks like ASCII and is of no script that the text is plainly written in.
fn has_strange_letters(text: &str) -> bool {
    let is_written_so = text.chars().any(|c| is_of_other_script(c) && !looks_like_ascii(c));
    text.chars().any(|c| looks_like_ascii(c) && !(is_written_so && is_of_other_script(c)))
}

/// Whether `c` is a letter of a script of its own, in which words are written: of Greek, Cyrillic, Armenian or Georgian.
const fn is_of_other_script(c: char) -> bool {
    matches!(c, '\u{370}'..='\u{3e1}' | '\u{3f0}'..='\u{58f}' | '\u{10a0}'..='\u{10ff}' | '\u{1f00}'..='\u{1fff}')
}

/// The marks on one letter, while a text is read.
#[derive(Default)]
pub(in crate::domain) struct Marks {
    /// Whether the letter may have marks.
    on_letter: bool,
    count: usize,
}

impl Marks {
    /// Reads on: whether `c` is a mark that is drawn over what stands beside it. It is where it strikes out or encloses,
    /// where it stands on nothing or on ASCII, and where the letter has as many as its script ever writes on one.
    pub(in crate::domain) fn is_too_many(&mut self, c: char) -> bool {
        if c.is_ascii() || !Nature::of(c).has(Nature::MARK) {
            *self = Self { on_letter: !c.is_ascii(), count: 0 };
            return false;
        }
        self.count += 1;
        overlays(c) || !self.on_letter || self.count > most_marks(c)
    }
}

/// Whether a mark strikes through, encloses, or joins two letters.
const fn overlays(mark: char) -> bool {
    matches!(
        mark,
        '\u{334}'..='\u{338}' | '\u{35c}'..='\u{362}' | '\u{488}'..='\u{489}' | '\u{1abe}' | '\u{1dcd}' | '\u{1dfc}'
            | '\u{20d0}'..='\u{20ff}' | '\u{a670}'..='\u{a672}' | '\u{fe20}'..='\u{fe2f}'
    )
}

/// How many marks one letter has at most in the script that a mark is of: vowels and the like are marks in many.
const fn most_marks(mark: char) -> usize {
    match mark {
        // Hebrew, Arabic, Syriac: points, doubling and vowels.
        '\u{590}'..='\u{8ff}' => 3,
        // From Devanagari to Khmer and beyond: every vowel is a mark.
        '\u{900}'..='\u{1aaf}' | '\u{1b00}'..='\u{1cff}' => 4,
        _ => 2,
    }
}

/// How many bytes at the beginning of `text` are an emoji.
pub(in crate::domain) fn emoji_at(text: &str) -> usize {
    let begins_one = |c: char| matches!(c, '0'..='9' | '#' | '*') || Nature::of(c).has(Nature::PICTOGRAPH);
    let emoji = EMOJI.as_ref().filter(|_| text.starts_with(begins_one));
    emoji.and_then(|emoji| emoji.find(text)).map_or(0, |found| found.end())
}

/// Whether `c` is ASCII over again, in another width or as a letter of mathematics. Punctuation of full width is ordinary
/// where Chinese or Japanese is written: it is such a double only between characters that are ASCII themselves.
pub(in crate::domain) fn is_double_of_ascii(c: char, before: &str, from: &str) -> bool {
    match c {
        '！' | '（' | '）' | '，' | '．' | '：' | '；' | '？' | '［' | '］' | '｛' | '｝' | '～' => {
            let after = from.chars().nth(1);
            before
                .chars()
                .next_back()
                .zip(after)
                .is_some_and(|(one, other)| [one, other].iter().all(char::is_ascii_graphic))
        }
        '\u{ff01}'..='\u{ff5e}' | '\u{1d400}'..='\u{1d7ff}' => true,
        _ => false,
    }
}

/// Whether `c` is a letter of Hebrew, Arabic or one of their neighbours: some are confused with single letters of ASCII on
/// a list, and never by the eye, which sees them run the other way.
fn runs_right_to_left(c: char) -> bool {
    matches!(c, '\u{590}'..='\u{8ff}' | '\u{fb1d}'..='\u{fdff}' | '\u{fe70}'..='\u{fefc}') && c.is_alphabetic()
}

/// Whether `c` is invisible, or visible only by its effect.
pub(in crate::domain) fn is_unseen(c: char) -> bool {
    match c {
        ' '..='~' | '\t' | '\n' => false,
        _ => Nature::of(c).has(Nature::UNSEEN),
    }
}

/// Whether `text` is one line without tabs, too.
pub(super) fn are_plain_line(text: &str) -> bool {
    are_plain(text) && !text.contains(['\t', '\n'])
}

/// Whether `c`, which is not ASCII, looks like a letter, a digit or a part of a path or URL that is.
pub(in crate::domain) fn looks_like_ascii(c: char) -> bool {
    Nature::of(c).has(Nature::LIKE_ASCII)
}

/// The same, by Unicode's tables.
fn is_like_ascii(c: char) -> bool {
    if c.is_ascii() || runs_right_to_left(c) {
        return false;
    }
    let mut bytes = [0; 4];
    let mut like = skeleton(c.encode_utf8(&mut bytes));
    match (like.next(), like.next()) {
        (Some('/' | '\\' | '.' | ':' | '@'), None) => true,
        (Some(first), second) => {
            first.is_ascii_alphanumeric() && second.is_none_or(|c| c.is_ascii()) && like.all(|c| c.is_ascii())
        }
        (None, _) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_remembered_of_a_character_is_what_was_looked_up() {
        for c in ('\u{0}'..'\u{500}').chain('\u{1fff0}'..'\u{20010}') {
            let looked_up = Nature::looked_up(c).0;
            assert_eq!([Nature::of(c).0, Nature::of(c).0], [looked_up; 2], "{c:?}");
        }
    }

    #[test]
    fn what_shows_something_else_is_not_plain() {
        for text in [
            "git status",
            "git commit -m \"füge Ärger hinzu\"",
            "日本",
            "✨ done",
            "it’s “so” – and…",
            "a\tb\nc",
            "مرحبا",
            "שלום",
            "पढ़ूँ",
            "cat отчёт.txt",
            "git commit -m 'Исправить разбор строки'",
            "ο λόγος",
        ] {
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
            "gο",
            "\u{e0041}",
            "\u{2800}",
            "e\u{301}",
            "日\u{302}\u{302}\u{302}",
            "日\u{336}",
            "src/\u{2025}/x",
            "src/\u{2026}/x",
            "\u{fe30}/x",
        ] {
            assert!(!are_plain(text), "{text:?}");
        }
    }
}
