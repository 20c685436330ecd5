//! The tool by which Claude Code's model asks a person: its questions as ours, and the answers in its own form.

use serde::Deserialize;
use serde_json::{Map, Value};

use crate::domain::json::JsonObject;
use crate::domain::kinds::{Choice, Entry, Question, Response};

/// What the tool takes.
#[derive(Deserialize)]
struct Asked {
    questions: Vec<AskedQuestion>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct AskedQuestion {
    question: String,
    header: Option<String>,
    multi_select: Option<bool>,
    #[serde(default)]
    options: Vec<AskedOption>,
}

#[derive(Deserialize)]
struct AskedOption {
    label: String,
    description: Option<String>,
}

/// The question that the tool's input asks.
pub(in crate::dialects) fn question(input: &JsonObject) -> Result<Question, String> {
    let asked: Asked = serde_json::from_str(input.text()).map_err(|error| format!("the questions: {error}"))?;
    let entries = (1..).zip(asked.questions).map(|(number, asked)| {
        let options = (1..).zip(asked.options).map(|(number, option)| {
            let option_id = format!("o{number}").parse().map_err(str::to_owned)?;
            Ok(Choice { option_id, label: option.label, description: option.description })
        });
        Ok(Entry {
            question_id: format!("q{number}").parse().map_err(str::to_owned)?,
            header: asked.header,
            text: asked.question,
            options: options.collect::<Result<_, String>>()?,
            multi_select: asked.multi_select.unwrap_or(false),
            // The client's own dialog has a line for one's own words.
            free_text_allowed: true,
        })
    });
    Ok(Question { entries: entries.collect::<Result<_, String>>()? })
}

/// The input of the tool with the answers in it, each under the text of its question; `None` where all were passed over.
pub(in crate::dialects) fn answered(input: &JsonObject, question: &Question, responses: &[Response]) -> Option<Value> {
    let mut answers = Map::new();
    for entry in &question.entries {
        let response = responses.iter().find(|response| response.question_id == entry.question_id);
        if let Some(said) = response.and_then(|response| said(entry, response)) {
            answers.insert(entry.text.clone(), said.into());
        }
    }
    if answers.is_empty() {
        return None;
    }
    let mut members = input.tree().clone();
    members.insert("answers".to_owned(), Value::Object(answers));
    Some(Value::Object(members))
}

/// What was said to one entry, as the client writes it; `None` where it was passed over.
pub(super) fn said(entry: &Entry, response: &Response) -> Option<String> {
    let labels = response.chosen().filter_map(|chosen| {
        entry.options.iter().find(|option| option.option_id == *chosen).map(|option| option.label.as_str())
    });
    let labels = labels.collect::<Vec<_>>();
    match &response.text {
        Some(text) => Some(text.clone()),
        None if labels.is_empty() => None,
        None => Some(labels.join(", ")),
    }
}
