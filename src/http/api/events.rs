//! `GET /v1/audit-events`, and `GET /v1/events`: the history in pages, and as it grows (server-sent events).

use std::convert::Infallible;

use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;
use axum::response::sse::{Event, KeepAlive, Sse};
use futures_util::stream::{self, Stream, StreamExt};

use super::page::page;
use crate::api::{AuditEvent, AuditEventList, ListAuditEvents};
use crate::domain::audit;
use crate::domain::principal::Principal;
use crate::http::App;
use crate::http::error::Problem;
use crate::http::extract::{NoQuery, Params, ok};
use crate::http::middleware::auth::{Viewer, holder};
use crate::store::EventFilter;

pub(crate) async fn list(
    State(app): State<App>,
    Viewer(caller): Viewer,
    Params(query): Params<ListAuditEvents>,
) -> Result<Response, Problem> {
    let page = page(query.limit, query.cursor.as_deref())?;
    let filter = EventFilter {
        request_id: query.request_id,
        rule_id: query.rule_id,
        principal: query.principal,
        visible_to: None,
    };
    let found = app.service.audit_events(&caller, filter, page).await?;
    let audit_events = found.rows.into_iter().map(|event| AuditEvent::from(event).into()).collect();
    ok(&AuditEventList { audit_events, next_cursor: found.next.map(|cursor| cursor.to_string()) })
}

/// From the event after `Last-Event-ID` on, where the client names one, else from now on.
pub(crate) async fn feed(
    State(app): State<App>,
    Viewer(caller): Viewer,
    NoQuery: NoQuery,
    headers: HeaderMap,
) -> Result<Sse<impl Stream<Item = Result<Event, Infallible>>>, Problem> {
    let open = app.load.open_stream(&caller)?;
    let after = match headers.get("last-event-id") {
        None => app.service.last_event(&caller).await?,
        Some(id) => id.to_str().ok().and_then(|id| id.parse::<i64>().ok()).filter(|id| *id >= 0).ok_or_else(|| {
            Problem::malformed_field("Last-Event-ID", "the last event's id is the number that came as its id")
        })?,
    };
    let pages = stream::unfold(after, move |seq| {
        let (app, caller, headers) = (app.clone(), caller.clone(), headers.clone());
        // As long as there may be more of it, the stream is open.
        let _open = &open;
        async move { next_page(&app, &caller, &headers, seq).await }
    });
    Ok(Sse::new(pages.flat_map(stream::iter)).keep_alive(KeepAlive::default()))
}

/// What a feed sends at once, and the place to go on from.
type FeedPage = (Vec<Result<Event, Infallible>>, i64);

/// The next events after `seq`, and where to go on; `None` ends the stream, and the client comes again with its last id.
async fn next_page(app: &App, caller: &Principal, headers: &HeaderMap, seq: i64) -> Option<FeedPage> {
    match app.service.events_after(caller, seq).await {
        // A token that was revoked meanwhile gets nothing more.
        Ok(Some(_)) if holder(app, headers).await.is_err() => None,
        Ok(Some((events, next))) => Some((events.into_iter().filter_map(event).map(Ok).collect(), next)),
        Ok(None) => None,
        Err(error) => {
            tracing::error!(%error, "an event stream ended");
            None
        }
    }
}

fn event(event: audit::AuditEvent) -> Option<Event> {
    let event = AuditEvent::from(event);
    let written = Event::default().id(event.seq.to_string()).event(&event.event).json_data(&event);
    written.inspect_err(|error| tracing::error!(%error, "an event could not be written")).ok()
}
