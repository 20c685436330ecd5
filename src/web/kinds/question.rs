//! A question: its card, the form that answers it, and its details.

use askama::Template;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;

use super::{FormTarget, resolvable};
use crate::domain::enums::Kind;
use crate::domain::id::RequestId;
use crate::domain::interaction::Detail;
use crate::domain::kinds::{self, Content, Entry, Question, check_form};
use crate::http::App;
use crate::http::error::Problem;
use crate::http::extract::Param;
use crate::service::Answer;
use crate::web::done::Done;
use crate::web::forms::{Fields, Form};
use crate::web::interaction::DetailRow;
use crate::web::session::PageRejection;
use crate::web::text::{Markup, escape_untrusted};

/// A question: shown as what is asked.
#[derive(Template)]
#[template(path = "web/kinds/question.html", block = "asked")]
pub(in crate::web) struct QuestionView {
    entries: Vec<EntryView>,
}

/// One thing to answer.
struct EntryView {
    /// Its place: what the form's fields are named after.
    number: usize,
    header: Option<Markup>,
    text: Markup,
    options: Vec<OptionView>,
    multi_select: bool,
    free_text_allowed: bool,
}

struct OptionView {
    number: usize,
    label: Markup,
    description: Option<Markup>,
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
                header: entry.header.as_deref().map(escape_untrusted),
                text: escape_untrusted(&entry.text),
                options: options.collect(),
                multi_select: entry.multi_select,
                free_text_allowed: entry.free_text_allowed,
            }
        });
        Self { entries: entries.collect() }
    }

    pub(super) fn form(&self, target: FormTarget<'_>) -> askama::Result<String> {
        QuestionForm { target, view: self }.render()
    }
}

/// The form that answers it.
#[derive(Template)]
#[template(path = "web/kinds/question.html", block = "form")]
struct QuestionForm<'v> {
    target: FormTarget<'v>,
    view: &'v QuestionView,
}

/// `POST /interactions/{requestId}/answer`: a question is answered.
pub(in crate::web) async fn answer(
    State(app): State<App>,
    Param(request_id): Param<RequestId>,
    headers: HeaderMap,
    form: Form,
) -> Result<Response, PageRejection> {
    let record = resolvable(&app, &form.person, &request_id, Kind::Question).await?;
    let Content::Question(question) = &record.body.content else { return Err(Problem::internal().into()) };
    let responses = responses(question, &form.fields)?;
    check_form(&responses).map_err(|problem| Problem::malformed_field("responses", problem))?;
    let answer = Answer { request_id, responses };
    app.service.answer_question(&form.person.caller, answer).await.map_err(Problem::from)?;
    Ok(Done::Answered.answer(None, "", &headers)?)
}

/// What a form says to each entry: the options at these places, one's own words, or that it is passed over.
fn responses(question: &Question, fields: &Fields) -> Result<Vec<kinds::Response>, Problem> {
    question.entries.iter().enumerate().map(|(number, entry)| response(number, entry, fields)).collect()
}

/// What a form's choice says where it is none of the options.
const SKIP: &str = "skip";
const OWN_WORDS: &str = "own";

fn response(number: usize, entry: &Entry, fields: &Fields) -> Result<kinds::Response, Problem> {
    let ticked = format!("option-{number}");
    let ticked = fields.all(&ticked).collect::<Vec<_>>();
    let places = ticked.iter().filter_map(|place| place.parse::<usize>().ok());
    let mut chosen = places.filter_map(|place| entry.options.get(place)).map(|option| option.option_id.clone());
    let text = fields.filled(&format!("text-{number}")).map(str::to_owned);
    let response = kinds::Response::new(entry.question_id.clone());
    let is_skipped = ticked.contains(&SKIP);
    let has_options = ticked.iter().any(|place| ![SKIP, OWN_WORDS].contains(place));
    match (is_skipped, has_options, text) {
        (true, false, None) => Ok(kinds::Response { skipped: true, ..response }),
        (false, true, None) if entry.multi_select => {
            Ok(kinds::Response { option_ids: Some(chosen.collect()), ..response })
        }
        (false, true, None) => Ok(kinds::Response { option_id: chosen.next(), ..response }),
        (false, false, Some(text)) => Ok(kinds::Response { text: Some(text), ..response }),
        (false, false, None) => {
            Err(Problem::malformed("Each question needs an answer: choose one, write one, or skip it."))
        }
        _ => Err(Problem::malformed("Each question takes one answer: an option, your own words, or to skip it.")),
    }
}

/// The answers.
pub(super) fn answered(question: &Question, detail: &Detail) -> Vec<DetailRow> {
    detail.responses.iter().flatten().map(|response| said(question, response)).collect()
}

/// One answer, in the words of the question.
fn said(question: &Question, response: &kinds::Response) -> DetailRow {
    let entry = question.entries.iter().find(|entry| entry.question_id == response.question_id);
    let options = entry.map(|entry| entry.options.as_slice()).unwrap_or_default();
    let chosen = response.chosen().filter_map(|id| options.iter().find(|option| option.option_id == *id));
    let words = chosen.map(|option| option.label.as_str()).chain(response.text.as_deref());
    let words = words.collect::<Vec<_>>().join(" – ");
    let text = entry.map_or(response.question_id.as_str(), |entry| &entry.text);
    DetailRow::text(text, if response.skipped { "skipped" } else { &words })
}
