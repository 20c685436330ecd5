//! Facts: a name and what is to be known under it, one below the other.

use super::moment::AbsoluteTime;
use super::text::{Markup, escape_untrusted};
use crate::clock::Timestamp;
use crate::domain::id::RuleId;

/// One fact.
pub(super) struct DetailRow {
    pub(super) name: Markup,
    pub(super) value: Value,
}

/// How what is known is shown.
pub(super) enum Value {
    /// In words.
    Text(Markup),
    /// To the letter, in a line.
    Code(Markup),
    /// To the letter, however long it is.
    Block(Markup),
    At(AbsoluteTime),
    Rule(String),
}

impl DetailRow {
    fn new(name: impl AsRef<str>, value: Value) -> Self {
        Self { name: escape_untrusted(name.as_ref()), value }
    }

    pub(super) fn text(name: impl AsRef<str>, text: &str) -> Self {
        Self::new(name, Value::Text(escape_untrusted(text)))
    }

    pub(super) fn code(name: impl AsRef<str>, text: &str) -> Self {
        Self::new(name, Value::Code(escape_untrusted(text)))
    }

    pub(super) fn block(name: impl AsRef<str>, text: &str) -> Self {
        Self::new(name, Value::Block(escape_untrusted(text)))
    }

    pub(super) fn at(name: impl AsRef<str>, at: Timestamp) -> Self {
        Self::new(name, Value::At(AbsoluteTime(at)))
    }

    pub(super) fn rule(name: impl AsRef<str>, rule_id: &RuleId) -> Self {
        Self::new(name, Value::Rule(rule_id.to_string()))
    }
}

impl Value {
    /// Whether it takes a place of its own.
    pub(super) const fn is_block(&self) -> bool {
        matches!(self, Self::Block(_))
    }
}
