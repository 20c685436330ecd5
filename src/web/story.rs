//! `/interactions/{requestId}`: the whole story of one interaction.

use askama::Template;
use axum::extract::State;
use axum::response::Response;

use super::answered::{answered, claimed};
use super::card::{Asked, Card};
use super::circumstances::circumstances;
use super::fact::{DetailRow, Value};
use super::headline::By;
use super::moment::AbsoluteTime;
use super::page::{Frame, html};
use super::session::Person;
use super::sql;
use super::text::{Markup, escape_untrusted};
use crate::domain::audit::AuditEvent;
use crate::domain::enums::Kind;
use crate::domain::id::RequestId;
use crate::domain::interaction::Record;
use crate::http::App;
use crate::http::error::Problem;
use crate::http::extract::{NoQuery, Param};
use crate::store::{EventFilter, Page as Rows};

/// The most events that a page shows: only a secret that is taken again and again has more.
const EVENTS: u32 = 500;

#[derive(Template)]
#[template(path = "web/story.html")]
struct Page {
    frame: Frame,
    request_id: String,
    kind: Kind,
    status: &'static str,
    /// Whether it waits for a person.
    is_pending: bool,
    asked: Asked,
    /// With the forms that answer it, while it waits.
    card: Option<Card>,
    circumstances: Vec<DetailRow>,
    resolution: Option<(By, AbsoluteTime)>,
    /// What else the resolution says.
    answered: Vec<DetailRow>,
    claim: Vec<DetailRow>,
    /// In their order.
    events: Vec<EventLine>,
    /// Whether there are earlier events.
    is_cut: bool,
    sql: Markup,
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
    let record = app.service.get(&person.principal, &request_id).await?;
    let filter = EventFilter { request_id: Some(request_id.clone()), ..EventFilter::default() };
    let told = app.service.audit_events(&person.principal, filter, Rows { before: None, limit: EVENTS }).await?;
    let is_cut = told.next.is_some();
    let events = told.events.iter().rev().map(|event| EventLine { request_id: None, ..EventLine::from(event) });
    let Record { interaction, claim, .. } = &record;
    let resolution = interaction.resolution.as_ref();
    html(&Page {
        frame: Frame::of(&person, "history"),
        request_id: request_id.to_string(),
        kind: interaction.kind,
        status: interaction.status().as_str(),
        is_pending: resolution.is_none(),
        asked: Asked::of(&record),
        card: resolution.is_none().then(|| Card::of(&record, &person, &app)).transpose()?,
        circumstances: circumstances(&record),
        resolution: resolution.map(|found| (By::from(&found.by), AbsoluteTime(found.at))),
        answered: resolution.map(|found| answered(&record, found)).unwrap_or_default(),
        claim: claim.as_ref().map(claimed).unwrap_or_default(),
        events: events.collect(),
        is_cut,
        sql: escape_untrusted(&sql_of(&request_id)),
    })
}

fn sql_of(request_id: &RequestId) -> String {
    let conditions = sql::conditions(&[("request_id", Some(request_id.as_str()))]);
    let select = "SELECT seq, at, event, principal, rule_id, detail\nFROM v_events";
    sql::query(select, &conditions, "ORDER BY seq")
}
