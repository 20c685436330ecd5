//! What an interaction is about, in a line of a list.

use super::text::{Markup, escape_untrusted};
use crate::domain::interaction::ResolvedBy;

/// How many characters of a text a line shows. The whole of it is a link away.
const LONGEST: usize = 240;

/// The beginning of a text.
#[derive(Clone, Debug)]
pub(super) struct Headline {
    pub(super) text: Markup,
    /// How many characters there are beyond it.
    pub(super) left_out: usize,
}

impl From<&str> for Headline {
    fn from(text: &str) -> Self {
        let end = text.char_indices().nth(LONGEST).map_or(text.len(), |(end, _)| end);
        let (beginning, rest) = text.split_at(end);
        Self { text: escape_untrusted(beginning), left_out: rest.chars().count() }
    }
}

/// Who or what resolved an interaction.
#[derive(Clone, Debug)]
pub(super) enum By {
    Person(String),
    Rule(String),
    Deadline,
}

impl From<&ResolvedBy> for By {
    fn from(by: &ResolvedBy) -> Self {
        match by {
            ResolvedBy::Principal(name) => Self::Person(name.to_string()),
            ResolvedBy::TrustRule(rule_id) => Self::Rule(rule_id.to_string()),
            ResolvedBy::System(_) => Self::Deadline,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_text_is_cut_at_a_character_and_says_how_much_is_missing() {
        let headline = Headline::from("é".repeat(LONGEST + 2).as_str());
        assert_eq!((headline.text.to_string(), headline.left_out), ("é".repeat(LONGEST), 2));
        assert_eq!(Headline::from("é").left_out, 0);
    }
}
