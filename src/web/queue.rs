//! `/`: what waits for an answer, as rows, and beside them the one that is opened. Agents take turns in the rows, and of each
//! comes first what ends first: none hides what another asks, whatever its number or size.

use askama::Template;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use serde::Deserialize;

use super::card::{Card, Surroundings, why_not};
use super::done::Done;
use super::forms::{Field, given, link};
use super::page::{Frame, aside, html};
use super::row::{AgentChip, Row};
use super::session::{PageRejection, Person};
use super::text::RelativeTime;
use super::views::{At, Views};
use crate::domain::id::{PrincipalName, RequestId};
use crate::domain::interaction::{Record, Status};
use crate::domain::query as domain;
use crate::domain::refused::Refused;
use crate::http::App;
use crate::http::api::page::page as rows_of;
use crate::http::error::{FORM_AT_FAULT, Problem};
use crate::http::extract::{Param, Params};
use crate::service::Error;
use crate::store::{Filter, List, ListPage};

/// How many rows a page has; the others are on the pages after it. With as many, a page is under 60 KB.
const MOST_ROWS: u32 = 50;

/// How many rows may be asked for by their ids.
const MOST_IDS: usize = 100;

/// How many agents are listed beside the rows: those that wait for most answers.
const MOST_AGENTS: u32 = 12;

#[derive(Template)]
#[template(path = "web/queue.html")]
struct QueuePage {
    frame: Frame,
    rows: Vec<Row>,
    /// How many are pending, of the agent where only one's are shown.
    pending: u64,
    /// How many of them are on the pages after this.
    beyond: u64,
    /// The agent whose interactions alone are shown.
    agent: Option<String>,
    /// Who waits for answers, and for how many.
    agents: Vec<(AgentChip, u64)>,
    /// What alone is shown; empty for all.
    find: Field,
    views: Views,
    /// Where the next page is, if there is one.
    next: Option<String>,
    /// The first page, where this is another.
    first: Option<String>,
    /// What this person has put off, with when it comes back.
    put_off: Vec<(RequestId, RelativeTime)>,
    /// The newest event that the page knows of.
    seq: i64,
    /// What is shown beside the rows.
    opened: Option<Card>,
    /// Whether that was asked for: where there is no room for both, it is shown in place of the rows.
    is_opened: bool,
    /// Whether that is unknown.
    is_unknown: bool,
    /// What has just been done, without a script.
    done: Option<String>,
}

/// What of the queue is shown.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Query {
    agent: Option<String>,
    /// What alone is shown.
    q: Option<String>,
    /// How many are on the pages before.
    skip: Option<u64>,
    /// Where the page before ended, of what a query finds.
    cursor: Option<String>,
    /// What is shown beside the rows.
    open: Option<RequestId>,
    /// What has just been done.
    done: Option<Done>,
    /// To how many.
    count: Option<usize>,
}

impl Query {
    /// A link to the queue as it is shown, with these parameters more.
    fn link(&self, more: &[(&str, Option<&str>)]) -> String {
        let is_typed = |typed: &&str| !typed.trim().is_empty();
        let (agent, q) = (self.agent.as_deref().filter(is_typed), self.q.as_deref().filter(is_typed));
        link("/", &[&[("agent", agent), ("q", q)], more].concat())
    }
}

/// What a page shows, and where its neighbours are.
struct Found {
    records: Vec<Record>,
    pending: u64,
    beyond: u64,
    find: Field,
    next: Option<String>,
    first: Option<String>,
}

pub(super) async fn page(
    State(app): State<App>,
    person: Person,
    Params(query): Params<Query>,
) -> Result<Response, PageRejection> {
    // Before what is shown is read: a change in between is told of again.
    let seq = app.service.last_event(&person.caller).await.map_err(Problem::from)?;
    let agent: Option<PrincipalName> = given("agent", query.agent.as_deref())?;
    let found = match query.q.as_deref().map(str::trim).filter(|typed| !typed.is_empty()) {
        Some(typed) => found(&app, &person, agent.clone(), typed, &query).await?,
        None => waiting(&app, &person, agent.clone(), &query).await?,
    };
    let is_at_fault = found.find.fault.is_some();
    let opened = opened(&app, &person, &found.records, query.open.as_ref()).await?;
    // A view of an agent's alone says so in its query.
    let of_agent = agent.as_ref().map(|name| format!(" agent:{name}")).unwrap_or_default();
    let views = Views::of(&app, &person, At::Queue, &format!("{}{of_agent}", found.find.typed)).await?;
    let (put_off, now) = (app.service.snoozes(&person.caller).await.map_err(Problem::from)?, app.service.now());
    let agents = app.service.pending_by_agent(MOST_AGENTS).await.map_err(Problem::from)?;
    let shown = aside(move || {
        let opened = opened.map(|(record, around)| Card::of(&record, &person, &app, &around, false));
        html(&QueuePage {
            frame: Frame::of(&person, "queue"),
            rows: alike_together(&found.records, &person, &app)?,
            pending: found.pending,
            beyond: found.beyond,
            agent: agent.map(String::from),
            agents: agents.into_iter().map(|(name, count)| (AgentChip::of(name.as_str()), count)).collect(),
            find: found.find,
            views,
            next: found.next,
            put_off: put_off.into_iter().map(|(id, until)| (id, RelativeTime::new(until, now))).collect(),
            first: found.first,
            seq,
            is_opened: query.open.is_some() && opened.is_some(),
            is_unknown: query.open.is_some() && opened.is_none(),
            opened,
            done: query.done.map(|done| done.said(query.count)),
        })
    })
    .await?;
    Ok(if is_at_fault { (FORM_AT_FAULT, shown).into_response() } else { shown })
}

/// All that is pending, of an agent where one is named.
async fn waiting(app: &App, person: &Person, agent: Option<PrincipalName>, query: &Query) -> Result<Found, Problem> {
    let skip = query.skip.unwrap_or(0);
    let (records, pending) = app.service.queue(&person.caller, agent, skip, MOST_ROWS).await?;
    let shown = skip + u64::try_from(records.len()).unwrap_or(u64::MAX);
    let beyond = pending.saturating_sub(shown);
    Ok(Found {
        records,
        pending,
        beyond,
        find: Field::default(),
        next: (beyond > 0).then(|| query.link(&[("skip", Some(&shown.to_string()))])),
        first: (skip > 0).then(|| query.link(&[])),
    })
}

/// What is pending and found by a query, the newest first; of what is found by its deadline, on each page what ends first.
async fn found(
    app: &App,
    person: &Person,
    agent: Option<PrincipalName>,
    typed: &str,
    query: &Query,
) -> Result<Found, Problem> {
    let mut find = Field::typed(typed);
    let at = query.cursor.as_deref().filter(|cursor| !cursor.is_empty());
    let rows = rows_of(List::Interactions, Some(MOST_ROWS), at)?;
    let listed = match find.read(str::parse::<domain::Query>) {
        None => ListPage::default(),
        Some(wanted) => {
            let pending = Filter { statuses: vec![Status::Pending], registered_by: agent, ..Filter::default() };
            let filter = pending.narrowed_by(wanted, app.service.now());
            let is_by_deadline = filter.expires_before.is_some();
            let mut listed = app.service.list(&person.caller, filter, rows).await?;
            if is_by_deadline {
                listed.rows.sort_by_key(|record| record.interaction.expires_at);
            }
            listed
        }
    };
    Ok(Found {
        pending: u64::try_from(listed.rows.len()).unwrap_or(u64::MAX),
        records: listed.rows,
        beyond: 0,
        find,
        next: listed.next.map(|cursor| query.link(&[("cursor", Some(&cursor.text(List::Interactions)))])),
        first: at.map(|_| query.link(&[])),
    })
}

/// What is shown beside the rows: what was asked for, else the first of them.
async fn opened(
    app: &App,
    person: &Person,
    rows: &[Record],
    wanted: Option<&RequestId>,
) -> Result<Option<(Record, Surroundings)>, Problem> {
    let listed = |id: &RequestId| rows.iter().find(|record| record.interaction.request_id == *id).cloned();
    let record = match wanted {
        None => rows.first().cloned(),
        Some(id) => match listed(id) {
            Some(record) => Some(record),
            None => known(app, person, id).await?,
        },
    };
    let Some(record) = record else { return Ok(None) };
    let around = Surroundings::of(&record, person, app).await?;
    Ok(Some((record, around)))
}

/// The interaction with this id, if there is one that the person may see.
async fn known(app: &App, person: &Person, id: &RequestId) -> Result<Option<Record>, Problem> {
    match app.service.get(&person.caller, id).await {
        Ok(record) => Ok(Some(record)),
        Err(Error::Refused(Refused::UnknownRequest)) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// The rows of these, those together that ask the same.
fn alike_together(records: &[Record], person: &Person, app: &App) -> Result<Vec<Row>, Problem> {
    let mut rows = Vec::<Row>::with_capacity(records.len());
    for record in records {
        let row = row(record, person, app)?;
        let alike = rows.iter().rposition(|other| other.group == row.group);
        rows.insert(alike.map_or(rows.len(), |at| at + 1), row);
    }
    Ok(rows)
}

fn row(record: &Record, person: &Person, app: &App) -> Result<Row, Problem> {
    Row::of(record, person, app.service.now(), why_not(person, app, &record.interaction).is_none())
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Wanted {
    /// Ids with commas between them.
    ids: String,
}

#[derive(Template)]
#[template(source = "{% for row in rows %}{{ row|safe }}{% endfor %}", ext = "html")]
struct Rows {
    rows: Vec<Row>,
}

/// `/rows`: rows as they now stand, one after the other; what is unknown is left out.
pub(super) async fn rows(
    State(app): State<App>,
    person: Person,
    Params(wanted): Params<Wanted>,
) -> Result<Response, PageRejection> {
    let ids = wanted.ids.split(',').filter(|id| !id.is_empty()).map(str::parse::<RequestId>);
    let ids = ids.collect::<Result<Vec<_>, _>>().map_err(|problem| Problem::malformed_field("ids", problem))?;
    if ids.len() > MOST_IDS {
        return Err(Problem::malformed_field("ids", format!("at most {MOST_IDS} rows at once")).into());
    }
    let mut rows = Vec::new();
    for id in &ids {
        if let Some(record) = known(&app, &person, id).await? {
            rows.push(row(&record, &person, &app)?);
        }
    }
    Ok(html(&Rows { rows })?)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Extent {
    /// Whether all of it is wanted, however large it is.
    whole: Option<bool>,
}

/// `/interactions/{requestId}/card`: the card of one, for the script to show beside the rows.
pub(super) async fn card(
    State(app): State<App>,
    person: Person,
    Param(request_id): Param<RequestId>,
    Params(extent): Params<Extent>,
) -> Result<Response, PageRejection> {
    let record = app.service.get(&person.caller, &request_id).await.map_err(Problem::from)?;
    let around = Surroundings::of(&record, &person, &app).await.map_err(Problem::from)?;
    let is_whole = extent.whole.unwrap_or(false);
    Ok(aside(move || html(&Card::of(&record, &person, &app, &around, is_whole))).await?)
}
