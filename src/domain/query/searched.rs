//! What words are looked up in: the texts of an interaction without case, the beginnings of its ids, and the small pieces of
//! both by which the store passes over interactions that cannot have a word.

use crate::domain::interaction::Record;
use crate::domain::kinds::Content;

/// How much of one text is looked at, in bytes: a record of a list is found by what a person reads of it first.
const LOOKED_AT: usize = 512;

/// How many characters of a beginning are told apart.
const BEGINNING: usize = 8;

/// How many characters a piece of a text has.
const PIECE: usize = 3;

/// A text as words are compared: lower case, and one blank in the place of blanks and control characters.
#[must_use]
pub fn folded(text: &str) -> String {
    let mut folded = String::with_capacity(text.len());
    let mut is_blank = false;
    for c in text.chars() {
        if c.is_whitespace() || c.is_control() {
            if !is_blank {
                folded.push(' ');
            }
            is_blank = true;
            continue;
        }
        is_blank = false;
        if c.is_ascii() {
            folded.push(c.to_ascii_lowercase());
            continue;
        }
        // A sigma at the end of a word is the same letter.
        folded.extend(c.to_lowercase().map(|c| if c == 'ς' { 'σ' } else { c }));
    }
    folded
}

/// What names an interaction or is named by it: found by its beginning.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Beginning {
    /// Of an id, or of the name of an agent or a tool.
    Name,
    /// Of the word for a risk.
    Risk,
    /// Of the word for a kind.
    Kind,
}

/// What words are looked up in.
#[derive(Clone, Debug, Default)]
pub struct Searched {
    texts: Vec<String>,
    names: Vec<String>,
    words: Vec<(Beginning, &'static str)>,
}

impl Searched {
    /// Of an interaction as it stands; of one that is forgotten there are only its names.
    #[must_use]
    pub fn of(record: &Record) -> Self {
        let interaction = &record.interaction;
        let mut searched = Self::default();
        searched.words.push((Beginning::Kind, interaction.kind.as_str()));
        searched.names.extend([folded(interaction.request_id.as_str()), folded(interaction.registered_by.as_str())]);
        searched.names.extend(interaction.conversation_id.as_ref().map(|id| folded(id.as_str())));
        if let Some(tool) = &interaction.tool_name {
            searched.names.push(folded(tool.as_str()));
            searched.text(tool.as_str());
        }
        searched.content(&record.body.content);
        for (_, text) in record.body.origin.iter().flat_map(|origin| origin.members()) {
            searched.text(text);
        }
        if let Some(comment) =
            interaction.resolution.as_ref().and_then(|resolution| resolution.detail.comment.as_deref())
        {
            searched.text(comment);
        }
        searched
    }

    /// Of a comment by itself.
    #[must_use]
    pub fn of_comment(comment: &str) -> Self {
        let mut searched = Self::default();
        searched.text(comment);
        searched
    }

    fn content(&mut self, content: &Content) {
        match content {
            Content::Confirmation(asked) => {
                self.words.push((Beginning::Risk, asked.risk_level.as_str()));
                self.text(&asked.summary().text);
                self.texts_of([&asked.reason, &asked.working_dir]);
            }
            Content::Secret(asked) => {
                for name in [&asked.service, &asked.field] {
                    self.text(name.as_str());
                }
                self.text(&asked.label);
                self.texts_of([&asked.description, &asked.purpose]);
            }
            Content::Question(asked) => {
                for entry in &asked.entries {
                    self.texts_of([&entry.header]);
                    self.text(&entry.text);
                }
            }
            Content::Forgotten(remains) => {
                self.words.extend(remains.risk_level.map(|risk| (Beginning::Risk, risk.as_str())));
            }
        }
    }

    fn text(&mut self, text: &str) {
        let end = (0..=LOOKED_AT.min(text.len())).rev().find(|end| text.is_char_boundary(*end));
        self.texts.push(folded(&text[..end.unwrap_or_default()]));
    }

    fn texts_of<const N: usize>(&mut self, texts: [&Option<String>; N]) {
        texts.into_iter().flatten().for_each(|text| self.text(text));
    }

    /// Whether a [`folded`] word or phrase is in one of the texts, or begins one of the names.
    #[must_use]
    pub fn has(&self, wanted: &str) -> bool {
        self.texts.iter().any(|text| text.contains(wanted)) || self.names.iter().any(|name| name.starts_with(wanted))
    }

    /// Calls `see` with the digest of every piece: what [`pieces_of`] and [`Beginning::digest`] name.
    pub fn pieces(&self, mut see: impl FnMut(u64)) {
        for text in &self.texts {
            pieces(text, &mut see);
        }
        for name in &self.names {
            for (at, c) in name.char_indices().take(BEGINNING) {
                see(digest(Beginning::Name.tag(), &name.as_bytes()[..at + c.len_utf8()]));
            }
        }
        for (beginning, word) in &self.words {
            see(beginning.digest(word));
        }
    }
}

impl Beginning {
    /// The digest of the piece that everything has which begins with this [`folded`] text.
    #[must_use]
    pub fn digest(self, text: &str) -> u64 {
        let end = text.char_indices().nth(BEGINNING).map_or(text.len(), |(at, _)| at);
        digest(self.tag(), &text.as_bytes()[..end])
    }

    const fn tag(self) -> u8 {
        match self {
            Self::Name => 1,
            Self::Risk => 2,
            Self::Kind => 3,
        }
    }
}

/// The digests of the pieces that every text has in which this [`folded`] word is; none where it is shorter than one.
#[must_use]
pub fn pieces_of(word: &str) -> Vec<u64> {
    let mut found = Vec::new();
    pieces(word, &mut |piece| found.push(piece));
    found
}

fn pieces(text: &str, see: &mut impl FnMut(u64)) {
    // Nearly every text is, and this is asked of every text that is registered.
    if text.is_ascii() {
        return text.as_bytes().windows(PIECE).for_each(|piece| see(digest(0, piece)));
    }
    let ends = text.char_indices().map(|(at, c)| at + c.len_utf8()).skip(PIECE - 1);
    for ((start, _), end) in text.char_indices().zip(ends) {
        see(digest(0, &text.as_bytes()[start..end]));
    }
}

/// A digest that is the same for ever: it is kept in databases. FNV-1a, its bits then mixed as SplitMix64 does.
fn digest(tag: u8, bytes: &[u8]) -> u64 {
    let hash = std::iter::once(&tag)
        .chain(bytes)
        .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3));
    let mixed = (hash ^ (hash >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn case_blanks_and_controls_do_not_count() {
        for (text, expected) in [
            ("Kube\tCTL \r\n get", "kube ctl get"),
            ("ÄÖÜ Ünïcode", "äöü ünïcode"),
            ("ΟΔΟΣ οδος", "οδοσ οδοσ"),
            ("a\0\u{1b}b", "a b"),
            ("שלום مرحبا", "שלום مرحبا"),
        ] {
            assert_eq!(folded(text), expected);
        }
    }

    #[test]
    fn a_digest_stays_what_it_is() {
        assert_eq!(pieces_of("abc"), [0x162a_62a8_a536_e445]);
        assert!(pieces_of("ab").is_empty());
        assert_eq!(pieces_of("abcd").len(), 2);
        assert_eq!(pieces_of("abcdé")[..2], pieces_of("abcd"));
    }

    proptest! {
        #[test]
        fn every_text_has_the_pieces_of_what_is_in_it(before in "\\PC{0,20}", word in "\\PC{1,12}", after in "\\PC{0,20}") {
            let word = folded(&word);
            let (mut searched, mut held) = (Searched::default(), HashSet::new());
            searched.text(&format!("{before}{word}{after}"));
            searched.pieces(|piece| { held.insert(piece); });
            if searched.has(&word) {
                prop_assert!(pieces_of(&word).iter().all(|piece| held.contains(piece)));
            }
        }

        #[test]
        fn every_name_has_the_piece_of_its_beginning(name in "[a-z0-9.-]{1,40}", length in 1_usize..40) {
            let mut held = HashSet::new();
            let searched = Searched { names: vec![name.clone()], ..Searched::default() };
            searched.pieces(|piece| { held.insert(piece); });
            let begins = &name[..length.min(name.len())];
            prop_assert!(searched.has(begins) && held.contains(&Beginning::Name.digest(begins)));
        }
    }
}
