//! "Which of these?": the entries of a question, and whether a set of responses answers them.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{ContentError, Summary, all_different};
use crate::domain::id::{OptionId, QuestionId};
use crate::domain::json::{null_as_absent, objects_only};
use crate::domain::refused::Refused;
use crate::domain::text::check_plain;
use crate::domain::visible::is_blank;

/// One or more things that the agent wants to know.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, remote = "Self")]
pub struct Question {
    /// At least one.
    #[schema(min_items = 1)]
    pub entries: Vec<Entry>,
}

/// One thing that the agent wants to know.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, remote = "Self")]
pub struct Entry {
    /// Told apart from the other entries by this.
    pub question_id: QuestionId,
    /// What it is about, in a word or two.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub header: Option<String>,
    /// What a person reads.
    pub text: String,
    /// What may be chosen.
    pub options: Vec<Choice>,
    /// Whether several options may be chosen together.
    #[serde(default, deserialize_with = "null_as_absent", skip_serializing_if = "std::ops::Not::not")]
    pub multi_select: bool,
    /// Whether an answer in one's own words is one, too.
    #[serde(default, deserialize_with = "null_as_absent")]
    pub free_text_allowed: bool,
}

/// One of the options of an entry.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, remote = "Self")]
pub struct Choice {
    /// Told apart from the other options by this.
    pub option_id: OptionId,
    /// What a person reads.
    pub label: String,
    /// More about it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
}

/// The answer to one entry: an option, several, one's own words, or that it is passed over; exactly one of these.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, remote = "Self")]
pub struct Response {
    /// The entry that this answers.
    pub question_id: QuestionId,
    /// The option chosen.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub option_id: Option<OptionId>,
    /// The options chosen, where several may be.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(min_items = 1)]
    pub option_ids: Option<Vec<OptionId>>,
    /// One's own words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(pattern = r"^[^\x00]*$")]
    pub text: Option<String>,
    /// The person would not say.
    #[serde(default, deserialize_with = "null_as_absent", skip_serializing_if = "std::ops::Not::not")]
    pub skipped: bool,
}

objects_only!(Question, Entry, Choice, Response);

impl Question {
    /// Checks that every entry can be told apart and answered.
    pub(super) fn check(&self) -> Result<(), ContentError> {
        if self.entries.is_empty() {
            return Err(ContentError { field: "entries", message: "a question has at least one entry" });
        }
        if !all_different(self.entries.iter().map(|entry| &entry.question_id)) {
            return Err(ContentError { field: "entries", message: "a questionId comes twice" });
        }
        for entry in &self.entries {
            if is_blank(&entry.text) {
                return Err(ContentError { field: "entries", message: "the text of an entry is empty" });
            }
            if entry.options.iter().any(|option| is_blank(&option.label)) {
                return Err(ContentError { field: "entries", message: "the label of an option is empty" });
            }
            if !all_different(entry.options.iter().map(|option| &option.option_id)) {
                return Err(ContentError { field: "entries", message: "an optionId comes twice in one entry" });
            }
            if entry.options.is_empty() && !entry.free_text_allowed {
                let message = "an entry has options, or allows free text: this one could never be answered";
                return Err(ContentError { field: "entries", message });
            }
        }
        Ok(())
    }

    /// The texts of all entries.
    #[must_use]
    pub fn summary(&self) -> Summary<'_> {
        let texts = self.entries.iter().map(|entry| entry.text.as_str()).collect::<Vec<_>>();
        let text = if let [only] = texts.as_slice() { Cow::Borrowed(*only) } else { texts.join(" / ").into() };
        Summary { title: "question", text }
    }

    /// Checks that `responses` answer every entry of this question with what it offers.
    pub fn check_responses(&self, responses: &[Response]) -> Result<(), Refused> {
        for response in responses {
            let entry = self.entries.iter().find(|entry| entry.question_id == response.question_id);
            entry.ok_or_else(|| response.invalid("the question has no such entry"))?.check(response)?;
        }
        let unanswered = self
            .entries
            .iter()
            .find(|entry| !responses.iter().any(|response| response.question_id == entry.question_id));
        match unanswered {
            Some(entry) => {
                Err(Response::new(entry.question_id.clone()).invalid("this entry is neither answered nor skipped"))
            }
            None => Ok(()),
        }
    }
}

impl Entry {
    fn check(&self, response: &Response) -> Result<(), Refused> {
        if response.chosen().any(|chosen| !self.options.iter().any(|option| option.option_id == *chosen)) {
            return Err(response.invalid("this entry has no such option"));
        }
        if response.option_ids.is_some() && !self.multi_select {
            return Err(response.invalid("this entry takes one of its options: choose it with optionId"));
        }
        match &response.text {
            Some(_) if !self.free_text_allowed => {
                Err(response.invalid("this entry takes one of its options, not free text"))
            }
            Some(text) if is_blank(text) => Err(Refused::EmptyAnswer { question_id: response.question_id.clone() }),
            Some(_) | None => Ok(()),
        }
    }
}

impl Response {
    /// A response to an entry, which says nothing yet.
    #[must_use]
    pub const fn new(question_id: QuestionId) -> Self {
        Self { question_id, option_id: None, option_ids: None, text: None, skipped: false }
    }

    /// The options chosen.
    pub fn chosen(&self) -> impl Iterator<Item = &OptionId> {
        self.option_id.iter().chain(self.option_ids.iter().flatten())
    }

    /// Whether it says the same, however it is written: one option may stand by itself or in a list, and several in any order.
    fn is_same(&self, other: &Self) -> bool {
        let sorted = |response: &Self| {
            let mut chosen: Vec<OptionId> = response.chosen().cloned().collect();
            chosen.sort_unstable_by(|one, other| one.as_str().cmp(other.as_str()));
            chosen
        };
        self.question_id == other.question_id
            && self.text == other.text
            && self.skipped == other.skipped
            && sorted(self) == sorted(other)
    }

    /// Whether it says exactly one thing.
    fn says_one_thing(&self) -> bool {
        let said = [self.option_id.is_some(), self.option_ids.is_some(), self.text.is_some(), self.skipped];
        said.into_iter().filter(|is_said| *is_said).count() == 1
    }

    fn invalid(&self, problem: &'static str) -> Refused {
        Refused::InvalidResponse { field: "responses", question_id: Some(self.question_id.clone()), problem }
    }
}

/// Whether both say the same of the same entries, in whichever order; each names an entry once.
#[must_use]
pub fn are_same(some: &[Response], others: &[Response]) -> bool {
    some.len() == others.len() && some.iter().all(|one| others.iter().any(|other| one.is_same(other)))
}

/// Checks what can be checked without the question: each entry once, and each response says exactly one thing, in plain text.
pub fn check_form(responses: &[Response]) -> Result<(), &'static str> {
    if !all_different(responses.iter().map(|response| &response.question_id)) {
        return Err("a questionId comes twice");
    }
    if !responses.iter().all(Response::says_one_thing) {
        return Err("a response has an optionId, optionIds or a text, or it is skipped: exactly one of these");
    }
    responses.iter().filter_map(|response| response.text.as_deref()).try_for_each(check_plain)?;
    let mut several = responses.iter().filter_map(|response| response.option_ids.as_ref());
    match several.find(|chosen| chosen.is_empty() || !all_different(chosen.iter())) {
        Some(_) => Err("optionIds has at least one option, and each once"),
        None => Ok(()),
    }
}
