//! "Which of these?": the entries of a question, and whether a set of responses answers them.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{ContentError, Summary, all_different};
use crate::domain::id::{OptionId, QuestionId};
use crate::domain::json::objects_only;
use crate::domain::refused::Refused;

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
    /// What a person reads.
    pub text: String,
    /// What may be chosen.
    pub options: Vec<Choice>,
    /// Whether an answer in one's own words is one, too.
    #[serde(default)]
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

/// The answer to one entry: an option, one's own words, both, or that it is passed over.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, remote = "Self")]
pub struct Response {
    /// The entry that this answers.
    pub question_id: QuestionId,
    /// The option chosen.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub option_id: Option<OptionId>,
    /// One's own words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// The person would not say.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
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
            let id = &response.question_id;
            let entry = self.entries.iter().find(|entry| entry.question_id == *id).ok_or_else(|| {
                Refused::InvalidResponse { question_id: id.clone(), problem: "the question has no such entry" }
            })?;
            entry.check(response).map_err(|problem| Refused::InvalidResponse { question_id: id.clone(), problem })?;
        }
        let unanswered = self
            .entries
            .iter()
            .find(|entry| !responses.iter().any(|response| response.question_id == entry.question_id));
        match unanswered {
            Some(entry) => Err(Refused::InvalidResponse {
                question_id: entry.question_id.clone(),
                problem: "this entry is neither answered nor skipped",
            }),
            None => Ok(()),
        }
    }
}

impl Entry {
    fn check(&self, response: &Response) -> Result<(), &'static str> {
        match &response.option_id {
            Some(chosen) if !self.options.iter().any(|option| option.option_id == *chosen) => {
                Err("this entry has no such option")
            }
            Some(_) | None if response.text.is_some() && !self.free_text_allowed => {
                Err("this entry takes one of its options, not free text")
            }
            Some(_) | None => Ok(()),
        }
    }
}

/// Checks what can be checked without the question: each entry once, and each response says something, or that it does not.
pub fn check_form(responses: &[Response]) -> Result<(), &'static str> {
    if !all_different(responses.iter().map(|response| &response.question_id)) {
        return Err("a questionId comes twice");
    }
    let says_something = |response: &Response| response.option_id.is_some() || response.text.is_some();
    match responses.iter().find(|response| says_something(response) == response.skipped) {
        Some(_) => Err("a response has an optionId or a text, or it is skipped: one of the two"),
        None => Ok(()),
    }
}
