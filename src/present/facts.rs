//! The short facts of a confirmation that stand beside its input, on a page and in a terminal alike.

use std::borrow::Cow;

use crate::domain::kinds::Confirmation;

/// One fact: a name of ours, and a value that may be an agent's text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fact<'c> {
    /// What it is, in a word or two.
    pub name: &'static str,
    /// The value, not escaped.
    pub value: Cow<'c, str>,
}

/// Returns what is known of `asked` beside its tool, its risk and its input, in the order in which it is shown.
#[must_use]
pub fn facts(asked: &Confirmation) -> Vec<Fact<'_>> {
    let facts = [
        ("runs on", asked.execution_target.map(|target| target.as_str().into())),
        ("directory", asked.working_dir.as_deref().map(Cow::from)),
    ];
    facts.into_iter().filter_map(|(name, value)| Some(Fact { name, value: value? })).collect()
}
