//! `/`: what waits for an answer, whatever ends first at the top; and single cards, for the script.

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use serde::Deserialize;

use super::card::Card;
use super::page::{Frame, aside, html};
use super::session::{PageRejection, Person};
use crate::domain::id::RequestId;
use crate::domain::refused::Refused;
use crate::http::App;
use crate::http::error::Problem;
use crate::http::extract::{NoQuery, Params};
use crate::service::Error;

/// How many cards a page has; those beyond move up as these are decided.
const MOST_CARDS: u32 = 100;

/// How much may be asked on one page, in bytes, before it ends: what agents send, a browser has to show.
const MOST_BYTES: usize = 256 * 1024;

/// How many cards may be asked for by their ids.
const MOST_IDS: usize = 100;

#[derive(Template)]
#[template(path = "web/queue.html")]
struct QueuePage {
    frame: Frame,
    groups: Vec<Group>,
    /// How many are pending in all.
    pending: u64,
    /// How many of them are not on the page.
    beyond: u64,
}

/// Cards that ask the same.
struct Group {
    key: String,
    cards: Vec<Card>,
}

pub(super) async fn page(State(app): State<App>, person: Person, NoQuery: NoQuery) -> Result<Response, PageRejection> {
    let (records, pending) = app.service.queue(MOST_CARDS).await.map_err(Problem::from)?;
    Ok(aside(move || {
        let (mut groups, mut shown, mut bytes) = (Vec::<Group>::new(), 0, 0);
        for record in records {
            let card = Card::of(&record, &person, &app)?;
            (shown, bytes) = (shown + 1, bytes + record.body.bytes);
            match groups.iter_mut().find(|group| group.key == card.group) {
                Some(group) => group.cards.push(card),
                None => groups.push(Group { key: card.group.clone(), cards: vec![card] }),
            }
            if bytes > MOST_BYTES {
                break;
            }
        }
        let frame = Frame::of(&person, "queue");
        html(&QueuePage { frame, groups, pending, beyond: pending.saturating_sub(shown) })
    })
    .await?)
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
                bytes += record.body.bytes;
                records.push(record);
            }
            Err(Error::Refused(Refused::UnknownRequest)) => {}
            Err(error) => return Err(Problem::from(error).into()),
        }
        if bytes > MOST_BYTES {
            break;
        }
    }
    Ok(aside(move || {
        let cards = records.iter().map(|record| Card::of(record, &person, &app)).collect::<Result<_, _>>()?;
        html(&Cards { cards })
    })
    .await?)
}
