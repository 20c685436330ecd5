//! A question on a card, and the form's answer to it.

use super::form::Fields;
use super::text::{Markup, escape_untrusted};
use crate::domain::kinds::{Question, Response};
use crate::http::error::Problem;

/// A question.
pub(super) struct QuestionView {
    pub(super) entries: Vec<EntryView>,
}

/// One thing to answer.
pub(super) struct EntryView {
    /// Its place: what the form's fields are named after.
    pub(super) number: usize,
    pub(super) text: Markup,
    pub(super) options: Vec<OptionView>,
    pub(super) free_text_allowed: bool,
}

pub(super) struct OptionView {
    pub(super) number: usize,
    pub(super) label: Markup,
    pub(super) description: Option<Markup>,
}

impl QuestionView {
    pub(super) fn of(question: &Question) -> Self {
        let entries = question.entries.iter().enumerate().map(|(number, entry)| {
            let options = entry.options.iter().enumerate().map(|(number, option)| OptionView {
                number,
                label: escape_untrusted(&option.label),
                description: option.description.as_deref().map(escape_untrusted),
            });
            EntryView {
                number,
                text: escape_untrusted(&entry.text),
                options: options.collect(),
                free_text_allowed: entry.free_text_allowed,
            }
        });
        Self { entries: entries.collect() }
    }
}

/// What a form says to each entry: the option at this place, one's own words, or that it is passed over.
pub(super) fn responses(question: &Question, fields: &Fields) -> Result<Vec<Response>, Problem> {
    let answered = question.entries.iter().enumerate().map(|(number, entry)| {
        let chosen = fields.get(&format!("option-{number}")).unwrap_or_default();
        let option = chosen.parse::<usize>().ok().and_then(|place| entry.options.get(place));
        let text = fields.filled(&format!("text-{number}")).map(str::to_owned);
        let skipped = chosen == "skip";
        if !skipped && option.is_none() && text.is_none() {
            return Err(Problem::malformed("Each question needs an answer: choose one, write one, or skip it."));
        }
        Ok(Response {
            question_id: entry.question_id.clone(),
            option_id: option.map(|option| option.option_id.clone()),
            text: text.filter(|_| !skipped),
            skipped,
        })
    });
    answered.collect()
}
