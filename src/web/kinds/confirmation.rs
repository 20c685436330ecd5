//! A confirmation: the complete input on its card, the form that decides it, and its details.

use askama::Template;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;
use serde_json::Value;

use super::{Extent, FormTarget, resolvable, yes_or_no};
use crate::api::ConfirmBody;
use crate::domain::acknowledgement::{Acknowledgement, LONG_CHARS, missing, required, shown_value};
use crate::domain::enums::{Decision, Kind, RiskLevel};
use crate::domain::id::RequestId;
use crate::domain::interaction::{Detail, Record};
use crate::domain::json::JsonObject;
use crate::domain::kinds::{AllowlistOption, Confirmation, ScopeOption};
use crate::domain::matcher::Signs;
use crate::domain::pattern::Scope;
use crate::domain::refused::Refused;
use crate::domain::tools::{Profiles, Said};
use crate::http::App;
use crate::http::api::confirm::command;
use crate::http::error::{Problem, input_discarded};
use crate::http::extract::Param;
use crate::present::{acknowledged_fact, edits, escape_json, facts, rule_parts, signs_said};
use crate::service::{Confirm, Error};
use crate::web::done::Done;
use crate::web::forms::{Fields, Form};
use crate::web::highlight;
use crate::web::interaction::DetailRow;
use crate::web::session::PageRejection;
use crate::web::text::{DiffView, Markup, escape_beginning, escape_untrusted};

/// A request to use a tool: shown as what is asked.
#[derive(Template)]
#[template(path = "web/kinds/confirmation.html", block = "asked")]
pub(in crate::web) struct ConfirmationView {
    pub(in crate::web) tool: Markup,
    pub(in crate::web) risk: RiskLevel,
    /// What the input itself says that it does, in words.
    pub(in crate::web) signs: Vec<Markup>,
    /// The members of the input.
    members: Vec<Member>,
    /// How many of them there are beyond those.
    members_left_out: usize,
    /// What the members would change in files.
    edits: Vec<DiffView>,
    /// The input as it was sent, where all of it is shown.
    as_sent: Option<Markup>,
    /// What rules go by, where no member says it.
    subject: Option<Markup>,
    /// Names and values of what stands beside the input.
    facts: Vec<(&'static str, Markup)>,
    reason: Option<Markup>,
    diff: Option<DiffView>,
    digest: String,
    /// What can be edited before it is approved, if it may be.
    editable: Option<String>,
    patterns: Vec<Offer>,
    scopes: Vec<Offer>,
    /// What has to be acknowledged to approve it.
    acknowledgements: Vec<AcknowledgementView>,
    /// What an edit of the input may have to acknowledge besides.
    of_edit: Vec<AcknowledgementView>,
}

/// The form that decides it.
#[derive(Template)]
#[template(path = "web/kinds/confirmation.html", block = "form")]
struct ConfirmationForm<'v> {
    target: FormTarget<'v>,
    view: &'v ConfirmationView,
}

/// What is seldom looked at: its digest, and the input as it was sent.
#[derive(Template)]
#[template(path = "web/kinds/confirmation.html", block = "details")]
struct ConfirmationDetails<'v> {
    view: &'v ConfirmationView,
}

/// One member of an input.
struct Member {
    name: Markup,
    value: Markup,
    /// Whether it is written for people to read, and in the direction of its own letters.
    is_prose: bool,
    /// How many lines it has, where that is not seen at a glance.
    lines: Option<usize>,
    /// How many characters there are beyond what is shown.
    left_out: usize,
}

/// A pattern or scope that a rule may have.
struct Offer {
    number: usize,
    label: Markup,
    description: Option<Markup>,
    value: Markup,
    /// What a rule with it says of the other members, by name.
    parts: Vec<(Markup, Markup)>,
    /// Whether the label and the description are the agent's words.
    is_agents: bool,
    /// Whether it is the one that is chosen beforehand.
    is_usual: bool,
}

/// Something to be acknowledged: its word, and what it is about.
struct AcknowledgementView {
    word: Acknowledgement,
    fact: &'static str,
}

impl AcknowledgementView {
    const fn of(word: Acknowledgement) -> Self {
        Self { word, fact: acknowledged_fact(word) }
    }
}

impl ConfirmationView {
    pub(super) fn of(asked: &Confirmation, profiles: &Profiles, extent: Extent) -> Self {
        let (view, order) = profiles.view(&asked.tool_name);
        let place = |name: &String| order.iter().position(|first| first == name).unwrap_or(order.len());
        let mut members = asked.input.tree().iter().collect::<Vec<_>>();
        members.sort_by_key(|(name, _)| place(name));
        let is_whole = extent == Extent::Whole;
        let members_left_out = if is_whole { 0 } else { members.len().saturating_sub(BEGINNING_MEMBERS) };
        members.truncate(members.len() - members_left_out);
        let subject = asked.subject_text();
        let is_said = says(asked, &subject);
        let written_by_agent = asked.written_by_agent(profiles);
        let usual = asked.usual_offer(&written_by_agent);
        let options = asked.allowlist_options.iter().zip(written_by_agent).enumerate();
        let patterns = options.map(|(number, (option, is_agents))| Offer {
            number,
            is_agents,
            is_usual: usual == Some(number),
            label: escape_untrusted(&option.label),
            description: option.description.as_deref().map(escape_untrusted),
            value: escape_untrusted(option.pattern.as_str()),
            parts: option.members.iter().flat_map(|members| rule_parts(members, None, None)).map(escape_part).collect(),
        });
        // An agent may have put the widest in front.
        let is_narrow = |option: &ScopeOption| option.scope.as_str() != Scope::EVERYWHERE;
        let usual_scope = asked.scope_options.iter().position(is_narrow).unwrap_or_default();
        let scopes = asked.scope_options.iter().enumerate().map(|(number, option)| Offer {
            number,
            is_agents: false,
            is_usual: number == usual_scope,
            label: escape_untrusted(&option.label),
            description: None,
            value: escape_untrusted(option.scope.as_str()),
            parts: Vec::new(),
        });
        let required = required(asked, None);
        let reading = profiles.read(&asked.tool_name, asked.input.tree());
        let line = if let Said::Line(line) = &reading.said { Some(line.as_str()) } else { None };
        let has_colours = is_whole && asked.input.text().len() <= highlight::MAX_BYTES;
        let is_lasting = asked.persistent_decisions_allowed;
        Self {
            tool: escape_untrusted(asked.tool_name.as_str()),
            risk: asked.risk_level,
            signs: signs(asked, profiles),
            members: members
                .into_iter()
                .map(|(name, value)| Member::new(name, value, (line, has_colours), extent))
                .collect(),
            members_left_out,
            edits: edits(asked, view)
                .iter()
                .take(if is_whole { usize::MAX } else { BEGINNING_MEMBERS })
                .map(|edit| DiffView::of_edit(edit, extent))
                .collect(),
            as_sent: is_whole.then(|| highlight::json(asked.input.text())),
            subject: (!is_said).then(|| shown(&subject, extent).0),
            facts: facts(asked).iter().map(|fact| (fact.name, shown(&fact.value, extent).0)).collect(),
            reason: asked.reason.as_deref().map(|reason| shown(reason, extent).0),
            diff: asked.diff.as_ref().map(|diff| DiffView::of(diff, extent)),
            digest: asked.input_digest.clone().unwrap_or_default(),
            editable: asked.input_edits_allowed.then(|| editable(&asked.input)),
            patterns: patterns.filter(|_| is_lasting).collect(),
            scopes: scopes.filter(|_| is_lasting).collect(),
            of_edit: missing(Acknowledgement::OF_INPUT, &required).into_iter().map(AcknowledgementView::of).collect(),
            acknowledgements: required.into_iter().map(AcknowledgementView::of).collect(),
        }
    }

    pub(super) fn form(&self, target: FormTarget<'_>) -> askama::Result<String> {
        ConfirmationForm { target, view: self }.render()
    }

    pub(super) fn details(&self) -> askama::Result<String> {
        ConfirmationDetails { view: self }.render()
    }

    /// What can be edited, to be read.
    fn shown_editable(&self) -> Markup {
        highlight::json(self.editable.as_deref().unwrap_or_default())
    }

    /// Whether a rule can be made with the decision.
    fn offers_rule(&self) -> bool {
        !self.patterns.is_empty() && !self.scopes.is_empty()
    }
}

fn escape_part((name, value): (String, String)) -> (Markup, Markup) {
    (escape_untrusted(&name), escape_untrusted(&value))
}

/// The signs of what is asked, in words.
fn signs(asked: &Confirmation, profiles: &Profiles) -> Vec<Markup> {
    signs_said(&Signs::of(asked, profiles)).iter().map(|sign| escape_untrusted(sign)).collect()
}

/// Whether the input itself says the subject.
fn says(asked: &Confirmation, subject: &str) -> bool {
    asked.input.tree().values().any(|value| value.as_str() == Some(subject)) || subject == asked.input.canonical()
}

/// How many members are shown at the beginning of what is long.
const BEGINNING_MEMBERS: usize = 4;

/// From more lines than this on, a box does not show all of them at once.
const SCREENFUL: usize = 17;

/// What the members that are written for people are called.
const PROSE: &[&str] = &[
    "body",
    "comment",
    "content",
    "description",
    "message",
    "prompt",
    "reason",
    "subject",
    "summary",
    "text",
    "title",
];

impl Member {
    /// `line` is the line of shell that the input has, where it has one; code has colours where `has_colours`.
    fn new(name: &str, value: &Value, (line, has_colours): (Option<&str>, bool), extent: Extent) -> Self {
        let text = shown_value(value);
        let lines = text.lines().count();
        let (value_shown, left_out) = match value {
            _ if !has_colours => shown(&text, extent),
            Value::String(text) if line == Some(text) => (highlight::shell(text), 0),
            Value::String(_) => shown(&text, extent),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => {
                (highlight::json(&text), 0)
            }
        };
        Self {
            name: escape_untrusted(name),
            value: value_shown,
            is_prose: value.is_string() && PROSE.contains(&name),
            lines: (lines > SCREENFUL || text.chars().count() > LONG_CHARS).then_some(lines),
            left_out,
        }
    }
}

/// As much of a text as is shown, and how many characters there are beyond it.
fn shown(text: &str, extent: Extent) -> (Markup, usize) {
    if extent == Extent::Whole { (escape_untrusted(text), 0) } else { escape_beginning(text) }
}

/// The input, indented; invisible characters are escaped, so that they are seen while editing.
fn editable(input: &JsonObject) -> String {
    let indented = serde_json::to_string_pretty(input.tree()).unwrap_or_else(|_| input.text().to_owned());
    escape_json(&indented)
}

/// The confirmation of a record that is known to be one.
pub(in crate::web) fn confirmation(record: &Record) -> Result<&Confirmation, Problem> {
    record.body.content.confirmation().ok_or_else(Problem::internal)
}

/// `POST /interactions/{requestId}/decide`: a confirmation is approved, as it is, edited or with a rule, or rejected.
pub(in crate::web) async fn decide(
    State(app): State<App>,
    Param(request_id): Param<RequestId>,
    headers: HeaderMap,
    form: Form,
) -> Result<Response, PageRejection> {
    let record = resolvable(&app, &form.person, &request_id, Kind::Confirmation).await?;
    let asked = confirmation(&record)?;
    let body = decision(request_id, asked, &form.fields)?;
    if body.decision == Decision::Allow {
        check_nothing_discarded(asked, &body, &form.fields)?;
    }
    let done = if body.decision == Decision::Allow { Done::Approved } else { Done::Rejected };
    let confirm = Confirm { must_acknowledge: true, ..command(body, &app.limits)? };
    let warnings = app.service.confirm(&form.person.caller, confirm).await.map_err(refusal)?;
    let warnings = warnings.iter().map(|warning| format!("Mind: {}.", warning.message())).collect::<Vec<_>>();
    Ok(done.answer(None, &warnings.join(" "), &headers)?)
}

/// What the button that was pressed means.
fn decision(request_id: RequestId, asked: &Confirmation, fields: &Fields) -> Result<ConfirmBody, Problem> {
    let mut body =
        ConfirmBody { acknowledged: Some(acknowledged(fields)?), ..plain(request_id, Decision::Allow, fields)? };
    match fields.get("decision") {
        Some("allow") => {}
        Some("allow-edited") => body.updated_input = Some(edited(fields)?),
        Some("allow-always") => {
            let (offer, scope) = chosen(asked, fields)?;
            (body.selected_pattern, body.selected_scope) = (Some(offer.pattern), Some(scope));
            body.selected_members = offer.members;
            body.selected_agent = fields.get("anyAgent").map(|_| None);
        }
        Some("deny") => body.decision = Decision::Deny,
        _ => return Err(Problem::malformed_field("decision", "Approve or reject it.")),
    }
    Ok(body)
}

/// A decision with the comment of the form, and nothing edited or chosen.
///
/// # Errors
///
/// If the comment is no plain text.
pub(in crate::web) fn plain(
    request_id: RequestId,
    decision: Decision,
    fields: &Fields,
) -> Result<ConfirmBody, Problem> {
    Ok(ConfirmBody { comment: fields.comment()?, ..ConfirmBody::new(request_id, decision) })
}

fn edited(fields: &Fields) -> Result<JsonObject, Problem> {
    let text = fields.get("input").unwrap_or_default();
    serde_json::from_str(text)
        .map_err(|error| Problem::malformed_field("input", format!("The edited input is not a JSON object: {error}.")))
}

/// The pattern and the scope that were chosen among those that are offered, by their places.
fn chosen(asked: &Confirmation, fields: &Fields) -> Result<(AllowlistOption, Scope), Problem> {
    let place = |name: &str| fields.get(name).and_then(|place| place.parse::<usize>().ok());
    let pattern = place("pattern").and_then(|place| asked.allowlist_options.get(place));
    let scope = place("scope").and_then(|place| asked.scope_options.get(place));
    match (pattern, scope) {
        (Some(pattern), Some(scope)) => Ok((pattern.clone(), scope.scope.clone())),
        _ => Err(Problem::malformed_field("pattern", "Choose what the rule covers, and where.")),
    }
}

/// What a form says was read.
fn acknowledged(fields: &Fields) -> Result<Vec<Acknowledgement>, Problem> {
    let words = fields.all("acknowledged").map(str::parse).collect::<Result<_, _>>();
    words.map_err(|problem: String| Problem::malformed_field("acknowledged", problem))
}

/// The answer to an approval that leaves something out, in the words of the form; anything else as everywhere.
fn refusal(error: Error) -> Problem {
    let Error::Refused(Refused::AcknowledgementRequired { missing }) = &error else { return error.into() };
    let facts = missing.iter().map(|word| acknowledged_fact(*word)).collect::<Vec<_>>();
    let message = format!("Say first that you have read it, and know that {}.", facts.join(", and that "));
    Problem::from(error).saying(message)
}

/// Refuses to approve where something was typed that this approval would leave out, or say as if it belonged to it.
fn check_nothing_discarded(asked: &Confirmation, body: &ConfirmBody, fields: &Fields) -> Result<(), Problem> {
    let is_edited = fields.get("input").is_some_and(|input| input.trim() != editable(&asked.input).trim());
    let message = if is_edited && body.updated_input.is_none() {
        "You have edited the input: approve it as edited, or put it back."
    } else if body.comment.is_some() {
        "You have written a reason to reject it: reject it, or clear the reason."
    } else {
        return Ok(());
    };
    Err(input_discarded(message))
}

/// What the request allows, and what it offers.
pub(super) fn details(asked: &Confirmation) -> Vec<DetailRow> {
    let mut facts = vec![
        DetailRow::code("Tool", asked.tool_name.as_str()),
        DetailRow::text("Risk", asked.risk_level.as_str()),
        DetailRow::text("Its input may be edited", yes_or_no(asked.input_edits_allowed)),
        DetailRow::text("A rule may be made from it", yes_or_no(asked.persistent_decisions_allowed)),
    ];
    facts.extend(asked.tool_use_id.as_ref().map(|id| DetailRow::code("The agent's id of this use", id)));
    for offer in &asked.allowlist_options {
        facts.push(DetailRow::code(format!("Offered pattern: {}", offer.label), offer.pattern.as_str()));
    }
    for offer in &asked.scope_options {
        facts.push(DetailRow::code(format!("Offered scope: {}", offer.label), offer.scope.as_str()));
    }
    facts
}

/// What a decision says beside who and when.
pub(super) fn answered(detail: &Detail) -> Vec<DetailRow> {
    let mut facts = Vec::new();
    facts.extend(detail.comment.as_ref().map(|comment| DetailRow::text("Comment", comment)));
    facts.extend(detail.updated_input.as_ref().map(|input| DetailRow::block("Approved with this input", input.text())));
    facts.extend(detail.updated_input_digest.as_ref().map(|digest| DetailRow::code("Its digest", digest)));
    facts.extend(detail.made_rule.iter().map(|rule_id| DetailRow::rule("Rule made with it", rule_id)));
    let rules = detail.trust_rules.iter().flatten();
    facts.extend(rules.map(|rule| DetailRow::rule("Decided by rule", &rule.rule_id)));
    facts
}
