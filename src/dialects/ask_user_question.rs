//! `AskUserQuestion`, the tool with which Claude Code's model asks its user: a question here, never a confirmation. It is
//! answered by its own input with the member `answers` added, which is keyed by the questions' texts.

use std::collections::HashSet;

use serde::Deserialize;
use serde_json::{Map, Value};

use super::mcp::chosen;
use crate::domain::id::{OptionId, QuestionId};
use crate::domain::json::JsonObject;
use crate::domain::kinds::{Choice, Entry, Question, Response};

/// The name of the tool.
pub const TOOL: &str = "AskUserQuestion";

#[derive(Deserialize)]
struct Input {
    questions: Vec<Asked>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Asked {
    question: String,
    #[serde(default)]
    header: Option<String>,
    #[serde(default)]
    multi_select: Option<bool>,
    #[serde(default)]
    options: Option<Vec<Offered>>,
}

#[derive(Deserialize)]
struct Offered {
    label: String,
    #[serde(default)]
    description: Option<String>,
}

/// What its `input` asks. A person may always answer in their own words, as in Claude Code itself.
///
/// # Errors
///
/// A sentence, where the input is none of this tool's.
pub fn question(input: &JsonObject) -> Result<Question, String> {
    let Input { questions } = serde_json::from_str(input.text()).map_err(|error| error.to_string())?;
    let mut texts = HashSet::new();
    if !questions.iter().all(|asked| texts.insert(asked.question.as_str())) {
        return Err("two of its questions have the same text, by which answers are told apart".to_owned());
    }
    let entries = questions.into_iter().enumerate().map(|(index, asked)| {
        let options = asked.options.unwrap_or_default().into_iter().enumerate();
        let options = options.map(|(index, Offered { label, description })| {
            Ok(Choice { option_id: numbered::<OptionId>(index)?, label, description })
        });
        Ok(Entry {
            question_id: numbered::<QuestionId>(index)?,
            header: asked.header,
            text: asked.question,
            options: options.collect::<Result<_, String>>()?,
            multi_select: asked.multi_select.unwrap_or(false),
            free_text_allowed: true,
        })
    });
    Ok(Question { entries: entries.collect::<Result<_, String>>()? })
}

fn numbered<T: std::str::FromStr<Err = &'static str>>(index: usize) -> Result<T, String> {
    (index + 1).to_string().parse().map_err(str::to_owned)
}

/// The input that answers it. What a person skipped has no answer.
///
/// # Errors
///
/// If the input is not a JSON object, which [`question`] has checked.
pub fn answered(input: &JsonObject, question: &Question, responses: &[Response]) -> serde_json::Result<JsonObject> {
    let mut answers = Map::new();
    for response in responses.iter().filter(|response| !response.skipped) {
        if let Some(entry) = question.entries.iter().find(|entry| entry.question_id == response.question_id) {
            answers.insert(entry.text.clone(), Value::from(chosen(entry, response)));
        }
    }
    let mut members = input.tree().clone();
    members.insert("answers".to_owned(), Value::Object(answers));
    serde_json::from_str(&Value::Object(members).to_string())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn input() -> JsonObject {
        let text = json!({"questions": [
            {"question": "Which colour?", "header": "Colour", "multiSelect": false,
             "options": [{"label": "red", "description": "r"}, {"label": "blue", "description": "b"}]},
            {"question": "Which sizes?", "header": "Size", "multiSelect": true,
             "options": [{"label": "S", "description": "small"}, {"label": "L", "description": "large"}]},
        ]});
        serde_json::from_value(text).unwrap()
    }

    fn response(text: serde_json::Value) -> Response {
        serde_json::from_value(text).unwrap()
    }

    #[test]
    fn an_answer_is_keyed_by_the_text_of_its_question() {
        let (input, question) = (input(), question(&input()).unwrap());
        let responses = [
            response(json!({"questionId": "1", "optionId": "2"})),
            response(json!({"questionId": "2", "optionIds": ["1", "2"]})),
        ];
        let answered = answered(&input, &question, &responses).unwrap();
        assert_eq!(answered.tree()["answers"], json!({"Which colour?": "blue", "Which sizes?": "S, L"}));
        assert_eq!(answered.tree()["questions"], input.tree()["questions"]);
    }

    #[test]
    fn own_words_are_an_answer_and_what_is_skipped_has_none() {
        let (input, question) = (input(), question(&input()).unwrap());
        let responses = [
            response(json!({"questionId": "1", "text": "green"})),
            response(json!({"questionId": "2", "skipped": true})),
        ];
        let answered = answered(&input, &question, &responses).unwrap();
        assert_eq!(answered.tree()["answers"], json!({"Which colour?": "green"}));
    }

    #[test]
    fn what_could_not_be_answered_is_refused() {
        let asked = |questions: serde_json::Value| {
            question(&serde_json::from_value(json!({"questions": questions})).unwrap()).map(|_| ())
        };
        assert!(asked(json!([{"question": "a"}, {"question": "a"}])).unwrap_err().contains("same text"));
        assert!(asked(json!("a")).is_err());
        assert!(question(&JsonObject::default()).is_err());
    }
}
