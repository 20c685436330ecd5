//! What pages and commands both tell people, said once: pure, and without HTML or colours, which `web` and `cli` add.

mod diff;
mod edits;
mod ending;
mod facts;
mod parts;
mod signs;
mod time;
mod wants;

pub use self::diff::{Change, Line, hunks};
pub use self::edits::{Edit, edits};
pub use self::ending::{Ending, resolver};
pub use self::facts::{Fact, facts};
pub use self::parts::{COVERS_LESS, member_name, rule_parts};
pub use self::signs::signs_said;
pub use self::time::span;
pub use self::wants::{pace, wants};

use crate::domain::acknowledgement::Acknowledgement;
use crate::domain::enums::Kind;
use crate::domain::visible::{Piece, gap_name, name, pieces};

/// A piece of a text of others as plain text, in which nothing is unseen: `⟨U+202E⟩`.
#[must_use]
pub fn plain(piece: &Piece<'_>) -> String {
    match piece {
        Piece::Plain(text) => (*text).to_owned(),
        Piece::Gap(gap) => format!("⟨{}⟩", gap_name(gap)),
        Piece::Unseen(c) => format!("⟨{}⟩", name(*c)),
        Piece::Lookalike(c) => format!("{c}⟨{}⟩", name(*c)),
    }
}

/// A text of others in one line of plain text.
#[must_use]
pub fn one_line(text: &str) -> String {
    let shown = pieces(text).iter().map(plain).collect::<String>();
    shown.replace('\n', "↵").replace('\t', " ")
}

/// What an agent wants, after its name; for a confirmation the tool follows.
#[must_use]
pub const fn asks(kind: Kind) -> &'static str {
    match kind {
        Kind::Confirmation => "wants to use",
        Kind::Secret => "asks for a secret",
        Kind::Question => "has a question",
    }
}

/// What a person acknowledges, as the rest of a sentence such as "I have read it, and know that …".
#[must_use]
pub const fn acknowledged_fact(acknowledgement: Acknowledgement) -> &'static str {
    match acknowledgement {
        Acknowledgement::HighRisk => "the agent itself calls it high risk",
        Acknowledgement::HiddenCharacters => "it has characters that do not show, or look like others",
        Acknowledgement::Long => "it is long, and what matters may stand at its end",
    }
}

/// JSON to the letter, except that characters that do not show are escaped: the same to a program, harmless to a terminal,
/// and to be seen where it is edited.
#[must_use]
pub fn escape_json(text: &str) -> String {
    let mut harmless = String::with_capacity(text.len());
    for piece in pieces(text) {
        match piece {
            Piece::Plain(plain) | Piece::Gap(plain) => harmless.push_str(plain),
            Piece::Lookalike(c) => harmless.push(c),
            // Only between tokens is there such a thing.
            Piece::Unseen('\r') => harmless.push(' '),
            Piece::Unseen(c) => {
                for unit in c.encode_utf16(&mut [0; 2]) {
                    harmless.push_str(&format!("\\u{unit:04x}"));
                }
            }
        }
    }
    harmless
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escaped_json_is_the_same_to_a_program_and_holds_nothing_unseen() {
        let text = "{\"a\":\r\n \"x\u{9b}\u{202e}\u{e0041}\\u001b日\u{456}\"}";
        let harmless = escape_json(text);
        assert!(!harmless.contains(['\u{9b}', '\u{202e}', '\u{e0041}', '\r']), "{harmless:?}");
        let read = |text: &str| serde_json::from_str::<serde_json::Value>(text).unwrap();
        assert_eq!(read(&harmless), read(text));
    }
}
