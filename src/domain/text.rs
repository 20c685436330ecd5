//! Texts that stand as they are in a column of the database, or that views of it take out of JSON. None of them holds NUL: SQLite and
//! C read it as the end of a text, and PostgreSQL has no text with it.

use serde::{Deserialize, Serialize};

/// Refuses a text that holds NUL (U+0000).
///
/// # Errors
///
/// A sentence.
pub fn check_plain(text: &str) -> Result<(), &'static str> {
    if text.contains('\0') { Err("a text holds no NUL (U+0000)") } else { Ok(()) }
}

/// What somebody has said in their own words: a comment, or how something went. It may be empty.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct PlainText(String);

impl PlainText {
    /// A text of a program that is not asked again: what cannot stand in it is replaced by U+FFFD.
    #[must_use]
    pub fn lossy(text: &str) -> Self {
        Self(text.replace('\0', "\u{fffd}"))
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for PlainText {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        check_plain(&text).map(|()| Self(text))
    }
}

impl std::str::FromStr for PlainText {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        text.to_owned().try_into()
    }
}

impl From<PlainText> for String {
    fn from(text: PlainText) -> Self {
        text.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_anything_but_nul() {
        for good in ["", " ", "no!\r\n\tlater", "\u{1}\u{7f}\u{fffd}\u{10ffff}"] {
            assert_eq!(good.parse::<PlainText>().unwrap().as_str(), good);
            assert_eq!(PlainText::lossy(good).as_str(), good);
        }
        for (bad, lossy) in [("\0", "\u{fffd}"), ("a\0b\0", "a\u{fffd}b\u{fffd}")] {
            assert_eq!(bad.parse::<PlainText>().unwrap_err(), "a text holds no NUL (U+0000)");
            assert_eq!(PlainText::lossy(bad).as_str(), lossy);
        }
    }
}
