//! `/interactions/{requestId}`: one interaction from registration to outcome, with its events.

use askama::Template;
use axum::extract::State;
use axum::response::{IntoResponse, Redirect, Response};

use super::card::{Card, Surroundings};
use super::forms::Form;
use super::history::By;
use super::kinds::{self, Asked, Extent};
use super::page::{Frame, html};
use super::session::{PageRejection, Person};
use super::sql::Sql;
use super::text::{AbsoluteTime, Markup, escape_untrusted};
use crate::clock::Timestamp;
use crate::domain::audit::AuditEvent;
use crate::domain::enums::{Delivery, Kind, Outcome};
use crate::domain::id::{RequestId, RuleId};
use crate::domain::interaction::{Claim, Interaction, Record, Resolution, Status, Wiping, Withdrawal};
use crate::domain::origin::Origin;
use crate::domain::principal::Right;
use crate::http::App;
use crate::http::error::Problem;
use crate::http::extract::{NoQuery, Param};
use crate::store::{CopyableQuery, EventFilter, Page as Rows};

/// The most events that a page shows: only a secret that is taken again and again has more.
const EVENTS: u32 = 500;

#[derive(Template)]
#[template(path = "web/story.html")]
struct InteractionPage {
    frame: Frame,
    request_id: String,
    kind: Kind,
    status: &'static str,
    /// Whether it waits for a person.
    is_pending: bool,
    is_forgotten: bool,
    asked: Asked,
    /// With the forms that answer it, while it waits.
    card: Option<Card>,
    details: Vec<DetailRow>,
    resolution: Option<(By, AbsoluteTime)>,
    /// What else the resolution says.
    answered: Vec<DetailRow>,
    claim: Vec<DetailRow>,
    /// Whether the approval may be taken back by the person who looks.
    may_withdraw: bool,
    /// The rule that was made with the approval, where the approval is taken back or may be, and the rule still decides.
    rule: Option<RuleId>,
    /// Whether the approval was taken back.
    is_withdrawn: bool,
    /// Whether the value that was given may be wiped by the person who looks.
    may_wipe: bool,
    /// In their order.
    events: Vec<EventLine>,
    /// Whether there are earlier events.
    is_cut: bool,
    sql: Sql,
}

/// An event of the history.
pub(super) struct EventLine {
    pub(super) seq: i64,
    pub(super) event: &'static str,
    pub(super) at: AbsoluteTime,
    pub(super) principal: Option<String>,
    pub(super) request_id: Option<String>,
    pub(super) rule_id: Option<String>,
    /// What else it says.
    pub(super) detail: Option<Markup>,
}

impl From<&AuditEvent> for EventLine {
    fn from(event: &AuditEvent) -> Self {
        let detail = event.detail.get();
        Self {
            seq: event.seq,
            event: event.event.as_str(),
            at: AbsoluteTime(event.at),
            principal: event.principal.as_ref().map(ToString::to_string),
            request_id: event.request_id.as_ref().map(ToString::to_string),
            rule_id: event.rule_id.as_ref().map(ToString::to_string),
            detail: (detail != "{}").then(|| escape_untrusted(detail)),
        }
    }
}

pub(super) async fn get(
    State(app): State<App>,
    person: Person,
    Param(request_id): Param<RequestId>,
    NoQuery: NoQuery,
) -> Result<Response, Problem> {
    let record = app.service.get(&person.caller, &request_id).await?;
    let filter = EventFilter { request_id: Some(request_id.clone()), ..EventFilter::default() };
    let history = app.service.audit_events(&person.caller, filter, Rows { before: None, limit: EVENTS }).await?;
    let is_cut = history.next.is_some();
    let events = history.rows.iter().rev().map(|event| EventLine { request_id: None, ..EventLine::from(event) });
    let Record { interaction, claim, .. } = &record;
    let resolution = interaction.resolution.as_ref();
    let may_withdraw = claim.is_none() && is_approved(interaction) && person.may_resolve();
    let is_withdrawn = matches!(claim, Some(Claim::Withdrawn(_)));
    let rule = match may_withdraw || is_withdrawn {
        true => app.service.active_rule_of(interaction).await?,
        false => None,
    };
    let around = Surroundings::of(&record, &person, &app).await?;
    html(&InteractionPage {
        frame: Frame::of(&person, "history"),
        request_id: request_id.to_string(),
        kind: interaction.kind,
        status: interaction.status().as_str(),
        is_pending: resolution.is_none(),
        is_forgotten: record.forgetting.is_some(),
        asked: Asked::of(&record, app.service.profiles(), Extent::Whole),
        card: resolution.is_none().then(|| Card::of(&record, &person, &app, &around, true)),
        details: interaction_details(&record),
        resolution: resolution.map(|found| (By::from(&found.by), AbsoluteTime(found.at))),
        answered: resolution.map(|found| resolution_details(&record, found)).unwrap_or_default(),
        claim: claim.as_ref().map(claim_details).unwrap_or_default(),
        may_wipe: has_kept_value(&record) && person.may_resolve(),
        may_withdraw,
        rule,
        is_withdrawn,
        events: events.collect(),
        is_cut,
        sql: Sql::of(&app, &CopyableQuery::EventsOf(&request_id)),
    })
}

/// `POST /interactions/{requestId}/withdraw`: an approval is taken back.
pub(super) async fn withdraw(
    State(app): State<App>,
    Param(request_id): Param<RequestId>,
    form: Form,
) -> Result<Response, PageRejection> {
    form.person.caller.require(Right::Resolve).map_err(Problem::from)?;
    app.service.withdraw(&form.person.caller, &request_id).await.map_err(Problem::from)?;
    Ok(Redirect::to(&format!("/interactions/{request_id}")).into_response())
}

/// `POST /interactions/{requestId}/wipe`: a value that was given is wiped.
pub(super) async fn wipe(
    State(app): State<App>,
    Param(request_id): Param<RequestId>,
    form: Form,
) -> Result<Response, PageRejection> {
    form.person.caller.require(Right::Resolve).map_err(Problem::from)?;
    app.service.wipe_secret(&form.person.caller, &request_id).await.map_err(Problem::from)?;
    Ok(Redirect::to(&format!("/interactions/{request_id}")).into_response())
}

/// Whether a value was given to be kept, and no person has wiped it.
fn has_kept_value(record: &Record) -> bool {
    let delivery = record.interaction.resolution.as_ref().and_then(|resolution| resolution.detail.delivery);
    delivery == Some(Delivery::Store) && record.wiping.is_none() && record.forgetting.is_none()
}

fn is_approved(interaction: &Interaction) -> bool {
    interaction.status() == Status::Resolved(Outcome::Approved)
}

/// Who asked, when, in which conversation, and what the request allows.
pub(super) fn interaction_details(record: &Record) -> Vec<DetailRow> {
    let interaction = &record.interaction;
    let deadline = interaction.expires_at.map(|at| DetailRow::at("Deadline", at));
    let mut facts = vec![
        DetailRow::code("Asked by", interaction.registered_by.as_str()),
        DetailRow::at("Asked", interaction.created_at),
        deadline.unwrap_or_else(|| DetailRow::text("Deadline", "none: it waits forever")),
    ];
    facts.extend(interaction.conversation_id.as_ref().map(|id| DetailRow::code("Conversation", id.as_str())));
    facts.extend(kinds::details(&record.body.content));
    facts.extend(record.body.traceparent.as_ref().map(|trace| DetailRow::code("Trace", trace.as_str())));
    let origin = record.body.origin.iter().flat_map(Origin::members);
    facts.extend(origin.map(|(word, text)| DetailRow::text(format!("The agent claims its {word}"), text)));
    if record.body.metadata.text() != "{}" {
        facts.push(DetailRow::block("The agent's own notes", record.body.metadata.text()));
    }
    facts
}

/// What a resolution says beside who and when.
pub(super) fn resolution_details(record: &Record, resolution: &Resolution) -> Vec<DetailRow> {
    let mut facts = Vec::new();
    let interaction = &record.interaction;
    facts.extend(interaction.claim_expires_at().map(|end| DetailRow::at("To be claimed before", end)));
    facts.extend(kinds::answered(&record.body.content, &resolution.detail));
    if let Some(Wiping { by, at }) = &record.wiping {
        facts.extend([DetailRow::code("Wiped by", by.as_str()), DetailRow::at("Wiped", *at)]);
    }
    facts
}

/// Who acts on it, and what came of that.
pub(super) fn claim_details(claim: &Claim) -> Vec<DetailRow> {
    let claim = match claim {
        Claim::Taken(claim) => claim,
        Claim::Withdrawn(Withdrawal { by, at }) => {
            return vec![DetailRow::code("Taken back by", by.as_str()), DetailRow::at("Taken back", *at)];
        }
    };
    let mut facts = vec![DetailRow::code("Claim", claim.claim_id.as_str()), DetailRow::at("Claimed", claim.claimed_at)];
    match &claim.report {
        Some(report) => {
            facts.push(DetailRow::text("Outcome", report.outcome.as_str()));
            facts.push(DetailRow::at("Reported", report.at));
            facts.extend(report.detail.as_ref().map(|detail| DetailRow::block("What the agent says of it", detail)));
        }
        None => facts.push(DetailRow::text("Outcome", "not reported")),
    }
    facts
}

/// One line of a list of details: a name and its value.
pub(super) struct DetailRow {
    pub(super) name: Markup,
    pub(super) value: Value,
}

/// A value of a detail, by how it is shown.
pub(super) enum Value {
    /// In words.
    Text(Markup),
    /// To the letter, in a line.
    Code(Markup),
    /// To the letter, however long it is.
    Block(Markup),
    At(AbsoluteTime),
    Rule(String),
}

impl DetailRow {
    fn new(name: impl AsRef<str>, value: Value) -> Self {
        Self { name: escape_untrusted(name.as_ref()), value }
    }

    pub(super) fn text(name: impl AsRef<str>, text: &str) -> Self {
        Self::new(name, Value::Text(escape_untrusted(text)))
    }

    pub(super) fn code(name: impl AsRef<str>, text: &str) -> Self {
        Self::new(name, Value::Code(escape_untrusted(text)))
    }

    pub(super) fn block(name: impl AsRef<str>, text: &str) -> Self {
        Self::new(name, Value::Block(escape_untrusted(text)))
    }

    pub(super) fn at(name: impl AsRef<str>, at: Timestamp) -> Self {
        Self::new(name, Value::At(AbsoluteTime(at)))
    }

    pub(super) fn rule(name: impl AsRef<str>, rule_id: &RuleId) -> Self {
        Self::new(name, Value::Rule(rule_id.to_string()))
    }
}

impl Value {
    /// Whether it takes a place of its own.
    pub(super) const fn is_block(&self) -> bool {
        matches!(self, Self::Block(_))
    }
}
