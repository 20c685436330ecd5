//! `/`: what waits for an answer, and single cards, for the script. Agents take turns on it, and of each comes first what
//! ends first: none hides what another asks.

use askama::Template;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use serde::Deserialize;

use super::card::Card;
use super::forms::{Field, given, link};
use super::page::{Frame, aside, html};
use super::session::{PageRejection, Person};
use super::views::{At, Views};
use crate::domain::id::{PrincipalName, RequestId};
use crate::domain::interaction::{Record, Status};
use crate::domain::query as domain;
use crate::domain::refused::Refused;
use crate::http::App;
use crate::http::api::page::page as rows_of;
use crate::http::error::{FORM_AT_FAULT, Problem};
use crate::http::extract::Params;
use crate::service::{Error, Reasons};
use crate::store::{Filter, List, ListPage};

/// How many cards a page has; the others are on the pages after it.
const MOST_CARDS: u32 = 100;

/// How much may be asked on one page, in bytes, before it ends: what agents send, a browser has to show.
const MOST_BYTES: usize = 256 * 1024;

/// How many cards a page of what a query finds has: all of them are shown.
const MOST_FOUND: u32 = 25;

/// How much one interaction may take of a page: a larger one is shown in full on its own page, and only named here.
const CARD_BYTES: usize = 32 * 1024;

/// What the card of such a one counts for: who asks, for what, and a link.
const NAMED_BYTES: usize = 1024;

/// How many cards may be asked for by their ids.
const MOST_IDS: usize = 100;

#[derive(Template)]
#[template(path = "web/queue.html")]
struct QueuePage {
    frame: Frame,
    groups: Vec<Group>,
    /// How many are pending, of the agent where only one's are shown.
    pending: u64,
    /// How many of them are on the pages after this.
    beyond: u64,
    /// The agent whose interactions alone are shown.
    agent: Option<String>,
    /// What alone is shown; empty for all.
    find: Field,
    views: Views,
    /// The next page.
    more: String,
    /// The first page, where this is another.
    first: Option<String>,
    /// The next page of what a query finds.
    next: Option<String>,
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
}

/// Cards that ask the same.
struct Group {
    key: String,
    cards: Vec<Card>,
}

pub(super) async fn page(
    State(app): State<App>,
    person: Person,
    Params(query): Params<Query>,
) -> Result<Response, PageRejection> {
    if query.q.as_deref().is_some_and(|typed| !typed.trim().is_empty()) {
        return found(app, person, &query).await;
    }
    let agent: Option<PrincipalName> = given("agent", query.agent.as_deref())?;
    let skip = query.skip.unwrap_or(0);
    let found = app.service.queue(agent.clone(), skip, MOST_CARDS).await;
    let (records, pending) = found.map_err(Problem::from)?;
    let reasons = app.service.reasons(&records).await.map_err(Problem::from)?;
    let views = Views::of(&app, &person, At::Queue, "").await?;
    Ok(aside(move || {
        let (groups, count) = groups(&records, &person, &app, &reasons, MOST_BYTES)?;
        let shown = skip + count;
        let frame = Frame::of(&person, "queue");
        let agent = agent.map(String::from);
        let of_agent = ("agent", agent.as_deref());
        let more = link("/", &[of_agent, ("skip", Some(&shown.to_string()))]);
        let first = (skip > 0).then(|| link("/", &[of_agent]));
        let (beyond, find) = (pending.saturating_sub(shown), Field::default());
        html(&QueuePage { frame, groups, pending, beyond, agent, find, views, more, first, next: None })
    })
    .await?)
}

/// What is pending and found by a query, the newest first.
async fn found(app: App, person: Person, query: &Query) -> Result<Response, PageRejection> {
    let mut find = Field::typed(query.q.as_deref().unwrap_or_default().trim());
    let agent: Option<PrincipalName> = given("agent", query.agent.as_deref())?;
    let at = query.cursor.as_deref().filter(|cursor| !cursor.is_empty());
    let rows = rows_of(List::Interactions, Some(MOST_FOUND), at)?;
    let wanted = find.read(str::parse::<domain::Query>);
    let is_at_fault = wanted.is_none();
    let listed = match wanted {
        None => ListPage::default(),
        Some(wanted) => {
            let pending = Filter { statuses: vec![Status::Pending], registered_by: agent.clone(), ..Filter::default() };
            let filter = pending.narrowed_by(wanted, app.service.now());
            app.service.list(&person.principal, filter, rows).await.map_err(Problem::from)?
        }
    };
    let reasons = app.service.reasons(&listed.rows).await.map_err(Problem::from)?;
    let page = |at: Option<&str>| {
        let of_agent = ("agent", query.agent.as_deref().filter(|agent| !agent.is_empty()));
        link("/", &[of_agent, ("q", Some(&find.typed)), ("cursor", at)])
    };
    let next = listed.next.map(|cursor| page(Some(&cursor.text(List::Interactions))));
    let first = at.map(|_| page(None));
    let views = Views::of(&app, &person, At::Queue, &find.typed).await?;
    let shown = aside(move || {
        let (groups, pending) = groups(&listed.rows, &person, &app, &reasons, usize::MAX)?;
        let (frame, agent) = (Frame::of(&person, "queue"), agent.map(String::from));
        html(&QueuePage { frame, groups, pending, beyond: 0, agent, find, views, more: String::new(), first, next })
    })
    .await?;
    Ok(if is_at_fault { (FORM_AT_FAULT, shown).into_response() } else { shown })
}

/// The cards of these, those together that ask the same, as far as a page has room; and how many they are.
fn groups(
    records: &[Record],
    person: &Person,
    app: &App,
    reasons: &Reasons,
    most_bytes: usize,
) -> Result<(Vec<Group>, u64), Problem> {
    let (mut groups, mut shown, mut bytes) = (Vec::<Group>::new(), 0, 0);
    for record in records {
        let card = card(record, person, app, reasons)?;
        (shown, bytes) = (shown + 1, bytes + shown_bytes(record));
        match groups.iter_mut().find(|group| group.key == card.group) {
            Some(group) => group.cards.push(card),
            None => groups.push(Group { key: card.group.clone(), cards: vec![card] }),
        }
        if bytes > most_bytes {
            break;
        }
    }
    Ok((groups, shown))
}

/// Whether an interaction is too large for one page with others.
const fn is_only_named(record: &Record) -> bool {
    record.body.bytes > CARD_BYTES && record.interaction.resolution.is_none()
}

/// How much of a page an interaction takes.
const fn shown_bytes(record: &Record) -> usize {
    if is_only_named(record) { NAMED_BYTES } else { record.body.bytes }
}

/// The card of an interaction, without what is too large for one page with others.
fn card(record: &Record, person: &Person, app: &App, reasons: &Reasons) -> Result<Card, Problem> {
    match is_only_named(record) {
        true => Card::without_content(record, person, app),
        false => Card::of(record, person, app, Some(reasons)),
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Wanted {
    /// Ids with commas between them.
    ids: String,
}

#[derive(Template)]
#[template(source = "{% for card in cards %}{{ card|safe }}{% endfor %}", ext = "html")]
struct Cards {
    cards: Vec<Card>,
}

/// Cards as they now stand, one after the other; what is unknown is left out, and what is too much for one answer.
pub(super) async fn cards(
    State(app): State<App>,
    person: Person,
    Params(wanted): Params<Wanted>,
) -> Result<Response, PageRejection> {
    let ids = wanted.ids.split(',').filter(|id| !id.is_empty()).map(str::parse::<RequestId>);
    let ids = ids.collect::<Result<Vec<_>, _>>().map_err(|problem| Problem::malformed_field("ids", problem))?;
    if ids.len() > MOST_IDS {
        return Err(Problem::malformed_field("ids", format!("at most {MOST_IDS} cards at once")).into());
    }
    let (mut records, mut bytes) = (Vec::new(), 0);
    for id in &ids {
        match app.service.get(&person.principal, id).await {
            Ok(record) => {
                bytes += shown_bytes(&record);
                records.push(record);
            }
            Err(Error::Refused(Refused::UnknownRequest)) => {}
            Err(error) => return Err(Problem::from(error).into()),
        }
        if bytes > MOST_BYTES {
            break;
        }
    }
    let reasons = app.service.reasons(&records).await.map_err(Problem::from)?;
    Ok(aside(move || {
        let cards = records.iter().map(|record| card(record, &person, &app, &reasons)).collect::<Result<_, _>>()?;
        html(&Cards { cards })
    })
    .await?)
}
