//! Asking a person through the agent's own client, where it can show a dialog or open a link.
//!
//! What comes back from there comes with the agent's token, so it decides nothing that the agent may not: a link only leads
//! to the inbox, and a form is offered only where principals may answer themselves. A dialog that is cancelled, as every
//! client without a person does at once, is no answer: the request stays and waits.

use rmcp::model::{CallToolResponse, InputRequest, InputRequests};
use serde_json::{Map, Value, json};

use super::call::{Call, Failure};
use super::said;
use crate::dialects::mcp::still_waiting;
use crate::domain::interaction::Record;
use crate::domain::kinds::{Content, Entry, Response, check_form};
use crate::service::Answer;

/// What the only request of a dialog is called.
const ONLY: &str = "person";

/// The members of a form.
const CHOICE: &str = "choice";
const WORDS: &str = "answer";

impl Call<'_> {
    /// What the client is to ask its person, where it can and where that helps.
    pub(super) fn elicitation(&self, record: &Record) -> Option<InputRequests> {
        let elicitation = self.capabilities.elicitation.as_ref().filter(|_| self.can_elicit())?;
        // A client that names no mode has the form.
        let (has_form, has_url) = match (&elicitation.form, &elicitation.url) {
            (None, None) => (true, false),
            (form, url) => (form.is_some(), url.is_some()),
        };
        let params = match &record.body.content {
            Content::Secret(secret) if has_url => {
                let url = format!("{}/interactions/{}", self.incoming.inbox.as_ref()?, record.interaction.request_id);
                let message =
                    format!("{} is asked for: give it in the inbox. The model does not see it.", secret.label);
                json!({"mode": "url", "message": message, "url": url})
            }
            Content::Question(question) if has_form && self.app.service.allows_self_approval() => {
                let [entry] = question.entries.as_slice() else { return None };
                json!({"mode": "form", "message": entry.text, "requestedSchema": form(entry)})
            }
            Content::Secret(_) | Content::Question(_) | Content::Confirmation(_) | Content::Forgotten(_) => {
                return None;
            }
        };
        let request = json!({"method": "elicitation/create", "params": params});
        match serde_json::from_value::<InputRequest>(request) {
            Ok(request) => Some([(ONLY.to_owned(), request)].into()),
            Err(error) => {
                tracing::error!(%error, "a person could not be asked through the client");
                None
            }
        }
    }

    /// Takes what came back from the person; `None` where the request goes on waiting.
    pub(super) async fn take_response(&self, record: &Record) -> Result<Option<CallToolResponse>, Failure> {
        let was_asked = self.state.as_ref().is_some_and(|state| state.elicited);
        let response = self.responses.as_ref().filter(|_| was_asked).and_then(|responses| responses.get(ONLY));
        let Some(response) = response else { return Ok(None) };
        let request_id = &record.interaction.request_id;
        let own_words = match (&record.body.content, response["action"].as_str()) {
            (Content::Question(question), Some("accept")) => {
                question.entries.first().and_then(|entry| answer(entry, &response["content"]))
            }
            (Content::Question(question), Some("decline")) => question
                .entries
                .first()
                .map(|entry| Response { skipped: true, ..Response::new(entry.question_id.clone()) }),
            // The person is at the client and will not open the link now.
            (Content::Secret(_), Some("decline")) => return Ok(Some(said(still_waiting(request_id)))),
            _ => None,
        };
        if let Some(response) = own_words {
            let responses = vec![response];
            check_form(&responses).map_err(|problem| Failure(problem.to_owned()))?;
            let answer = Answer { request_id: request_id.clone(), responses };
            self.app.service.answer_question(&self.incoming.caller, answer).await?;
        }
        Ok(None)
    }
}

/// The form for one entry of a question.
fn form(entry: &Entry) -> Value {
    let mut properties = Map::new();
    let options = entry.options.iter();
    let options = options.map(|option| json!({"const": option.option_id, "title": option.label})).collect::<Vec<_>>();
    if !options.is_empty() {
        let choice = match entry.multi_select {
            true => json!({"type": "array", "title": "Choose", "items": {"anyOf": options}}),
            false => json!({"type": "string", "title": "Choose", "oneOf": options}),
        };
        properties.insert(CHOICE.to_owned(), choice);
    }
    if entry.free_text_allowed {
        properties.insert(WORDS.to_owned(), json!({"type": "string", "title": "In your own words"}));
    }
    let required = if properties.len() == 1 { properties.keys().cloned().collect::<Vec<_>>() } else { Vec::new() };
    json!({"type": "object", "properties": properties, "required": required})
}

/// What a form that came back says of an entry; `None` where it says nothing.
fn answer(entry: &Entry, content: &Value) -> Option<Response> {
    let response = Response::new(entry.question_id.clone());
    let words = content[WORDS].as_str().filter(|words| !words.trim().is_empty());
    if let Some(id) = content[CHOICE].as_str() {
        return Some(Response { option_id: Some(id.parse().ok()?), ..response });
    }
    if let Some(ids) = content[CHOICE].as_array().filter(|ids| !ids.is_empty()) {
        let ids = ids.iter().map(|id| id.as_str()?.parse().ok()).collect::<Option<Vec<_>>>()?;
        return Some(Response { option_ids: Some(ids), ..response });
    }
    words.map(|words| Response { text: Some(words.to_owned()), ..response })
}
