//! `GET /v1/audit-events`, and `GET /v1/events`: the history in pages, and as it grows (server-sent events).

use std::convert::Infallible;

use axum::extract::State;
use axum::http::header::CACHE_CONTROL;
use axum::http::{HeaderMap, HeaderName};
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use futures_util::stream::{self, Stream, StreamExt};

use super::page::{check_times, next_cursor, page};
use crate::api::{AuditEvent, AuditEventList, FeedReset, ListAuditEvents};
use crate::domain::audit;
use crate::http::App;
use crate::http::error::Problem;
use crate::http::extract::{NoQuery, Params, ok};
use crate::http::middleware::auth::Viewer;
use crate::service::Caller;
use crate::store::{EventFilter, List};

pub(crate) async fn list_audit_events(
    State(app): State<App>,
    Viewer(caller): Viewer,
    Params(query): Params<ListAuditEvents>,
) -> Result<Response, Problem> {
    let page = page(List::AuditEvents, query.limit, query.cursor.as_deref())?;
    check_times(query.since, query.until)?;
    let filter = EventFilter {
        request_id: query.request_id,
        rule_id: query.rule_id,
        principal: query.principal,
        visible_to: None,
        since: query.since,
        until: query.until,
    };
    let found = app.service.audit_events(&caller, filter, page).await?;
    let audit_events = found.rows.into_iter().map(|event| AuditEvent::from(event).into()).collect();
    ok(&AuditEventList { audit_events, next_cursor: next_cursor(List::AuditEvents, found.next) })
}

/// From the event after `Last-Event-ID` on, where the client names one, else from now on. Where that is beyond the newest event,
/// the client is told first to go on from there.
pub(crate) async fn follow_audit_events(
    State(app): State<App>,
    Viewer(caller): Viewer,
    NoQuery: NoQuery,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let asked = last_event_id(&headers)?;
    let open = app.load.open_stream(&caller)?;
    let newest = app.service.last_event(&caller).await?;
    let is_beyond = asked.is_some_and(|asked| asked > newest);
    let told = stream::iter(is_beyond.then(|| reset(newest)).flatten().map(Ok));
    let pages = stream::unfold(asked.unwrap_or(newest).min(newest), move |seq| {
        let (app, caller) = (app.clone(), caller.clone());
        // As long as there may be more of it, the stream is open.
        let _open = &open;
        async move { next_page(&app, &caller, seq).await }
    });
    Ok(unbuffered(told.chain(pages.flat_map(stream::iter))))
}

pub(crate) fn last_event_id(headers: &HeaderMap) -> Result<Option<i64>, Problem> {
    let Some(id) = headers.get("last-event-id") else { return Ok(None) };
    let id = id.to_str().ok().and_then(|id| id.parse::<i64>().ok()).filter(|id| *id >= 0);
    id.map(Some).ok_or_else(|| {
        Problem::malformed_field("Last-Event-ID", "the last event's id is the number that came as its id")
    })
}

/// A stream of events that proxies pass on as it comes.
pub(crate) fn unbuffered(events: impl Stream<Item = Result<Event, Infallible>> + Send + 'static) -> Response {
    let headers = [(CACHE_CONTROL, "no-cache, no-transform"), (HeaderName::from_static("x-accel-buffering"), "no")];
    (headers, Sse::new(events).keep_alive(KeepAlive::default())).into_response()
}

fn reset(newest: i64) -> Option<Event> {
    let event = Event::default().id(newest.to_string()).event(FeedReset::EVENT);
    let written = event.json_data(FeedReset { last_event_id: newest });
    written.inspect_err(|error| tracing::error!(%error, "an event could not be written")).ok()
}

/// What a feed sends at once, and the place to go on from.
type FeedPage = (Vec<Result<Event, Infallible>>, i64);

async fn next_page(app: &App, caller: &Caller, seq: i64) -> Option<FeedPage> {
    let (events, next) = next_events(app, caller, seq).await?;
    Some((events.into_iter().filter_map(event).map(Ok).collect(), next))
}

/// The next events after `seq`, and where to go on; `None` ends the stream, and the client comes again with its last id.
pub(crate) async fn next_events(app: &App, caller: &Caller, seq: i64) -> Option<(Vec<audit::AuditEvent>, i64)> {
    match app.service.events_after(caller, seq).await {
        // A token that was revoked meanwhile gets nothing more.
        Ok(Some(_)) if app.service.check_caller(caller).await.is_err() => None,
        Ok(page) => page,
        Err(error) => {
            error.log("an event stream ended");
            None
        }
    }
}

fn event(event: audit::AuditEvent) -> Option<Event> {
    let event = AuditEvent::from(event);
    let written = Event::default().id(event.seq.to_string()).event(&event.event).json_data(&event);
    written.inspect_err(|error| tracing::error!(%error, "an event could not be written")).ok()
}
