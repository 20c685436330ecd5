//! `/numbers`: what was asked in the last two weeks, how it ended, and what waits now.
//!
//! It is a page of its own since the numbers are counted anew each time: the history is shown at once however much there is.

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use serde::Deserialize;

use super::charts::{Chart, asked_by_day, median_by_day, waiting_by_agent};
use super::page::{Frame, html};
use super::session::Person;
use crate::domain::stats::{FURTHEST_OFFSET, Period};
use crate::http::App;
use crate::http::error::Problem;
use crate::http::extract::Params;
use crate::present::span;

/// How many days are counted, today with them.
const DAYS: i64 = 14;

/// How many agents have a bar, those first that wait for most.
const MOST_AGENTS: u32 = 12;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Query {
    /// By how many minutes the days begin before those of UTC.
    offset_minutes: Option<i32>,
}

#[derive(Template)]
#[template(path = "web/numbers.html")]
struct NumbersPage {
    frame: Frame,
    /// Where the days begin: `UTC+01:00`.
    zone: String,
    asked_today: u64,
    /// In percent; none where nothing was asked.
    by_rules: Option<u64>,
    median: Option<String>,
    expired: u64,
    waiting: u64,
    charts: [Chart; 3],
}

pub(super) async fn page(
    State(app): State<App>,
    person: Person,
    Params(query): Params<Query>,
) -> Result<Response, Problem> {
    let offset_minutes = query.offset_minutes.unwrap_or(0);
    if !(-FURTHEST_OFFSET..=FURTHEST_OFFSET).contains(&offset_minutes) {
        return Err(Problem::malformed_field("offsetMinutes", format!("at most {FURTHEST_OFFSET} minutes from UTC")));
    }
    let now = app.service.now();
    let since = Period::days_before(now, DAYS - 1, offset_minutes);
    // What is asked in this very millisecond is asked before the next one.
    let until = now.plus_millis(1).unwrap_or(now);
    let stats = app.service.stats(Period { since, until, offset_minutes }).await?;
    let agents = app.service.pending_by_agent(MOST_AGENTS).await?;
    html(&NumbersPage {
        frame: Frame::of(&person, "history"),
        zone: zone(offset_minutes),
        asked_today: stats.days.last().map_or(0, |day| day.numbers.asked),
        by_rules: stats.total.percent_by_rules(),
        median: stats.total.median_ms.map(span),
        expired: stats.total.expired,
        waiting: stats.waiting.count,
        charts: [asked_by_day(&stats.days), median_by_day(&stats.days), waiting_by_agent(&agents)],
    })
}

/// What an offset from UTC is called.
fn zone(offset_minutes: i32) -> String {
    let sign = if offset_minutes < 0 { '-' } else { '+' };
    match (offset_minutes.abs() / 60, offset_minutes.abs() % 60) {
        (0, 0) => "UTC".to_owned(),
        (hours, minutes) => format!("UTC{sign}{hours:02}:{minutes:02}"),
    }
}
