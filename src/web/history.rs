//! `/history`: every interaction, newest first, each in a row.

use askama::Template;
use axum::extract::State;
use axum::response::{IntoResponse, Response};

use super::history_filter::{HistoryFilter, Sent};
use super::page::{Frame, html};
use super::row::AgentChip;
use super::session::Person;
use super::sql::Sql;
use super::text::{AbsoluteTime, Headline, Markup, escape_untrusted};
use super::views::{At, Views};
use crate::domain::enums::{Kind, ListFormat, RiskLevel};
use crate::domain::interaction::{Record, ResolvedBy};
use crate::http::App;
use crate::http::api::page::page;
use crate::http::error::{FORM_AT_FAULT, Problem};
use crate::http::export::file;
use crate::present::{resolver, span};
use crate::store::{CopyableQuery, List};

#[derive(Template)]
#[template(path = "web/history.html")]
struct HistoryPage {
    frame: Frame,
    filter: HistoryFilter,
    views: Views,
    /// What the filters find; none where one of them is at fault.
    found: Option<Found>,
}

/// A page of what was found.
struct Found {
    rows: Vec<HistoryRow>,
    /// Where the first page is, unless this is it.
    newest: Option<String>,
    /// Where the next page is, if there is one.
    older: Option<String>,
    /// Where all of it is, as comma-separated values.
    csv: String,
    /// Where all of it is, as JSON, an interaction a line.
    json_lines: String,
    sql: Sql,
}

/// An interaction as a row of the look that the queue has: what was asked, how it ended, by whom and how soon.
struct HistoryRow {
    request_id: String,
    kind: Kind,
    who: AgentChip,
    /// What the agent itself says of its risk, where it asks to use a tool.
    risk: Option<RiskLevel>,
    /// The tool, or what is asked for.
    title: Markup,
    about: Headline,
    status: &'static str,
    /// Who ended it; none where it is open, or the deadline ended it.
    by: Option<String>,
    /// From the question to its end.
    took: Option<String>,
    created_at: AbsoluteTime,
}

/// An interaction in a line.
pub(super) struct Line {
    pub(super) request_id: String,
    pub(super) status: &'static str,
    pub(super) about: Headline,
    pub(super) registered_by: String,
    pub(super) created_at: AbsoluteTime,
    pub(super) resolved: Option<(By, AbsoluteTime)>,
}

pub(super) async fn list(
    State(app): State<App>,
    person: Person,
    Sent { values, query }: Sent,
) -> Result<Response, Problem> {
    let at = query.cursor.as_deref().filter(|cursor| !cursor.is_empty());
    let rows = page(List::Interactions, None, at)?;
    let mut filter = HistoryFilter::sent(values, &query);
    let frame = Frame::of(&person, "history");
    let views = Views::of(&app, &person, At::History, &filter.q.typed).await?;
    let Some(wanted) = filter.read(app.service.now()) else {
        return Ok((FORM_AT_FAULT, html(&HistoryPage { frame, filter, views, found: None })?).into_response());
    };
    let found = app.service.list(&person.caller, wanted.clone(), rows).await?;
    let found = Found {
        rows: found.rows.iter().map(HistoryRow::from).collect(),
        newest: at.map(|_| filter.link(PATH, None)),
        older: found.next.map(|cursor| filter.link(PATH, Some(&cursor.text(List::Interactions)))),
        csv: filter.link(CSV_PATH, None),
        json_lines: filter.link(JSON_LINES_PATH, None),
        sql: Sql::of(&app, &CopyableQuery::Interactions(&wanted, rows)),
    };
    html(&HistoryPage { frame, filter, views, found: Some(found) })
}

const PATH: &str = "/history";

const CSV_PATH: &str = "/history.csv";

const JSON_LINES_PATH: &str = "/history.jsonl";

/// `GET /history.csv`: all that the filters find, as `countersign history --csv` prints it.
pub(super) async fn csv(app: State<App>, person: Person, sent: Sent) -> Result<Response, Problem> {
    download(app, person, sent, ListFormat::Csv).await
}

/// `GET /history.jsonl`: the same as JSON, an interaction a line.
pub(super) async fn json_lines(app: State<App>, person: Person, sent: Sent) -> Result<Response, Problem> {
    download(app, person, sent, ListFormat::JsonLines).await
}

async fn download(
    State(app): State<App>,
    person: Person,
    Sent { values, query }: Sent,
    format: ListFormat,
) -> Result<Response, Problem> {
    let mut filter = HistoryFilter::sent(values, &query);
    let Some(wanted) = filter.read(app.service.now()) else {
        let (field, fault) = filter.fault().unwrap_or_default();
        return Err(Problem::malformed_field(field, fault));
    };
    let first = page(List::Interactions, None, query.cursor.as_deref().filter(|cursor| !cursor.is_empty()))?;
    file(app, person.caller, wanted, first.before, format, "countersign-history").await
}

impl From<&Record> for HistoryRow {
    fn from(record: &Record) -> Self {
        let interaction = &record.interaction;
        let summary = record.body.content.summary();
        let resolution = interaction.resolution.as_ref();
        Self {
            request_id: interaction.request_id.to_string(),
            kind: interaction.kind,
            who: AgentChip::of(interaction.registered_by.as_str()),
            risk: record.body.content.confirmation().map(|asked| asked.risk_level),
            title: escape_untrusted(summary.title),
            about: Headline::in_a_row(&summary.text),
            status: interaction.status().as_str(),
            by: resolution.and_then(|found| match &found.by {
                ResolvedBy::Principal(name) => Some(name.to_string()),
                ResolvedBy::TrustRule(_) => Some("a rule".to_owned()),
                ResolvedBy::System(_) => None,
            }),
            took: resolution.map(|found| span(found.at.millis_since(interaction.created_at))),
            created_at: AbsoluteTime(interaction.created_at),
        }
    }
}

impl HistoryRow {
    /// The word for its risk; `none` where it has none.
    fn risk_word(&self) -> &'static str {
        self.risk.map_or("none", RiskLevel::as_str)
    }
}

impl From<&Record> for Line {
    fn from(record: &Record) -> Self {
        let interaction = &record.interaction;
        Self {
            request_id: interaction.request_id.to_string(),
            status: interaction.status().as_str(),
            about: record.body.content.summary().text.as_ref().into(),
            registered_by: interaction.registered_by.to_string(),
            created_at: AbsoluteTime(interaction.created_at),
            resolved: interaction.resolution.as_ref().map(|found| (By::from(&found.by), AbsoluteTime(found.at))),
        }
    }
}

/// Who or what resolved an interaction.
#[derive(Clone, Debug)]
pub(super) struct By {
    /// After "by".
    pub(super) said: String,
    /// The rule, where it was one.
    pub(super) rule: Option<String>,
}

impl From<&ResolvedBy> for By {
    fn from(by: &ResolvedBy) -> Self {
        let rule = if let ResolvedBy::TrustRule(rule_id) = by { Some(rule_id.to_string()) } else { None };
        Self { said: resolver(by), rule }
    }
}
