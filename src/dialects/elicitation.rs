//! Questions of MCP servers that Claude Code hands to a hook: a flat schema as entries, and the answers as its content.

use serde_json::{Map, Number, Value};

use super::payload::Payload;
use super::questions::said;
use crate::domain::id::OptionId;
use crate::domain::kinds::{Choice, Entry, Question, Response};

/// The fields of a schema, in the order of the question's entries.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Fields {
    fields: Vec<Field>,
    /// Whether it is a page to be opened, and no form.
    is_url: bool,
}

#[derive(Clone, Debug, PartialEq)]
struct Field {
    name: String,
    form: Form,
    is_required: bool,
}

/// What a field holds.
#[derive(Clone, Debug, PartialEq)]
enum Form {
    Text,
    Integer,
    Number,
    /// Yes is the first option.
    YesOrNo,
    /// These values, in the order of the options.
    One(Vec<Value>),
    Several(Vec<Value>),
}

impl Fields {
    /// The fields of an elicitation, and the question that asks for them.
    pub(super) fn read(payload: &Payload) -> Result<(Self, Question), String> {
        let server = payload.mcp_server_name.as_deref().unwrap_or("an MCP server");
        let message = payload.message.as_deref().unwrap_or_default();
        let asks = format!("{server} asks: {message}");
        if payload.mode.as_deref() == Some("url") {
            let url = payload.url.as_deref().ok_or("it names no page to open")?;
            let options = vec![choice(1, "Open it", None)?, choice(2, "Do not", None)?];
            let entry = entry(1, None, format!("{asks} {url}"), options, false)?;
            return Ok((Self { fields: Vec::new(), is_url: true }, Question { entries: vec![entry] }));
        }
        let schema = payload.requested_schema.as_ref().ok_or("it has no schema")?;
        let properties = schema["properties"].as_object().ok_or("its schema has no properties")?;
        let required = schema["required"].as_array().cloned().unwrap_or_default();
        let (mut fields, mut entries) = (Vec::new(), Vec::new());
        for (number, (name, property)) in (1..).zip(properties) {
            let (form, options) = form(property)?;
            let title = property["title"].as_str().unwrap_or(name);
            let text = match property["description"].as_str() {
                Some(about) => format!("{asks} {title}: {about}"),
                None => format!("{asks} {title}"),
            };
            let several = matches!(form, Form::Several(_));
            entries.push(entry(number, Some(title.to_owned()), text, options, several)?);
            fields.push(Field { name: name.clone(), form, is_required: required.contains(&name.as_str().into()) });
        }
        Ok((Self { fields, is_url: false }, Question { entries }))
    }

    /// What is sent back for these answers; `None` where they are none that the schema takes.
    pub(super) fn content(&self, question: &Question, responses: &[Response]) -> Option<Value> {
        if self.is_url {
            let is_first = |response: &Response| response.chosen().any(|chosen| chosen.as_str() == "o1");
            return responses.iter().any(is_first).then(|| Value::Object(Map::new()));
        }
        let mut content = Map::new();
        for (field, entry) in self.fields.iter().zip(&question.entries) {
            let response = responses.iter().find(|response| response.question_id == entry.question_id);
            match response.filter(|response| !response.skipped) {
                Some(response) => drop(content.insert(field.name.clone(), field.form.value(entry, response)?)),
                None if field.is_required => return None,
                None => {}
            }
        }
        Some(Value::Object(content))
    }
}

impl Form {
    fn value(&self, entry: &Entry, response: &Response) -> Option<Value> {
        let place = |chosen: &OptionId| entry.options.iter().position(|option| option.option_id == *chosen);
        let mut chosen = response.chosen().filter_map(place);
        match self {
            Self::Text => said(entry, response).map(Value::from),
            Self::Integer => said(entry, response)?.trim().parse::<i64>().ok().map(Value::from),
            Self::Number => Number::from_f64(said(entry, response)?.trim().parse().ok()?).map(Value::Number),
            Self::YesOrNo => chosen.next().map(|place| Value::Bool(place == 0)),
            Self::One(values) => chosen.next().and_then(|place| values.get(place).cloned()),
            Self::Several(values) => Some(chosen.filter_map(|place| values.get(place).cloned()).collect()),
        }
    }
}

/// What a property holds, and what is offered for it.
fn form(property: &Value) -> Result<(Form, Vec<Choice>), String> {
    if let Some((values, options)) = offered(property)? {
        return Ok((Form::One(values), options));
    }
    Ok(match property["type"].as_str() {
        Some("string") => (Form::Text, Vec::new()),
        Some("integer") => (Form::Integer, Vec::new()),
        Some("number") => (Form::Number, Vec::new()),
        Some("boolean") => (Form::YesOrNo, vec![choice(1, "Yes", None)?, choice(2, "No", None)?]),
        Some("array") => {
            let (values, options) = offered(&property["items"])?.ok_or("a list without what may be in it")?;
            (Form::Several(values), options)
        }
        Some(_) | None => return Err("a property of a type that is not known".to_owned()),
    })
}

/// The values that a property names, with an option for each.
fn offered(property: &Value) -> Result<Option<(Vec<Value>, Vec<Choice>)>, String> {
    let titled = property["oneOf"].as_array().or_else(|| property["anyOf"].as_array());
    let pairs: Vec<(Value, String)> = match (property["enum"].as_array(), titled) {
        (Some(values), _) => values.iter().map(|value| (value.clone(), shown(value))).collect(),
        (None, Some(titled)) => titled
            .iter()
            .map(|one| {
                let value = one["const"].clone();
                let title = one["title"].as_str().map_or_else(|| shown(&value), str::to_owned);
                (value, title)
            })
            .collect(),
        (None, None) => return Ok(None),
    };
    let options = (1..).zip(&pairs).map(|(number, (_, title))| choice(number, title, None));
    let options = options.collect::<Result<_, String>>()?;
    Ok(Some((pairs.into_iter().map(|(value, _)| value).collect(), options)))
}

fn shown(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

fn choice(number: usize, label: &str, description: Option<String>) -> Result<Choice, String> {
    Ok(Choice { option_id: format!("o{number}").parse().map_err(str::to_owned)?, label: label.to_owned(), description })
}

fn entry(
    number: usize,
    header: Option<String>,
    text: String,
    options: Vec<Choice>,
    multi_select: bool,
) -> Result<Entry, String> {
    let question_id = format!("q{number}").parse().map_err(str::to_owned)?;
    let free_text_allowed = options.is_empty();
    Ok(Entry { question_id, header, text, options, multi_select, free_text_allowed })
}
