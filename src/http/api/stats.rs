//! `GET /v1/status` and `GET /v1/stats`.

use axum::extract::State;
use axum::response::Response;

use super::page::check_times;
use crate::api::{GetStats, ServerStatus, Stats};
use crate::domain::stats::{FURTHEST_OFFSET, MOST_DAYS, Period};
use crate::http::App;
use crate::http::error::Problem;
use crate::http::extract::{NoQuery, Params, ok};
use crate::http::middleware::auth::{Reviewer, Viewer};

/// How many days are counted where no beginning is given, today with them.
const DAYS: i64 = 7;

pub(crate) async fn get_status(
    State(app): State<App>,
    Viewer(caller): Viewer,
    NoQuery: NoQuery,
) -> Result<Response, Problem> {
    let waiting = app.service.waits(&caller).await?;
    let version = env!("CARGO_PKG_VERSION").to_owned();
    let url = app.http.public_url.as_ref().map(ToString::to_string);
    ok(&ServerStatus { version, url, name: caller.name.clone(), role: caller.role, waiting })
}

pub(crate) async fn get_stats(
    State(app): State<App>,
    Reviewer(_): Reviewer,
    Params(query): Params<GetStats>,
) -> Result<Response, Problem> {
    let offset_minutes = query.offset_minutes.unwrap_or(0);
    if !(-FURTHEST_OFFSET..=FURTHEST_OFFSET).contains(&offset_minutes) {
        let furthest = format!("days begin at most {FURTHEST_OFFSET} minutes before or after those of UTC");
        return Err(Problem::malformed_field("offsetMinutes", furthest));
    }
    let now = app.service.now();
    let since = query.since.unwrap_or_else(|| Period::days_before(now, DAYS - 1, offset_minutes));
    // What is asked in this very millisecond is asked before the next one.
    let until = query.until.or_else(|| now.max(since).plus_millis(1)).unwrap_or(now);
    check_times(Some(since), Some(until))?;
    let period = Period { since, until, offset_minutes };
    if period.is_too_long() {
        return Err(Problem::malformed_field("since", format!("at most {MOST_DAYS} days are counted")));
    }
    ok(&Stats::from(app.service.stats(period).await?))
}
