//! `GET /v1/audit-events`, and `GET /v1/events`: the history in pages, and as it grows (server-sent events).

use std::convert::Infallible;

use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;
use axum::response::sse::{Event, KeepAlive, Sse};
use futures_util::stream::{self, Stream, StreamExt};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::page::{cursor, page};
use crate::domain::audit::AuditEvent;
use crate::domain::id::{PrincipalName, RequestId, RuleId};
use crate::domain::principal::Principal;
use crate::http::App;
use crate::http::error::Problem;
use crate::http::extract::{NoQuery, Params, ok};
use crate::http::middleware::auth::{Viewer, holder};
use crate::store::EventFilter;

#[derive(Deserialize, IntoParams)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct ListParams {
    request_id: Option<RequestId>,
    rule_id: Option<RuleId>,
    principal: Option<PrincipalName>,
    #[param(minimum = 1, maximum = 500)]
    limit: Option<u32>,
    #[param(pattern = "^[0-9a-z]{1,12}$")]
    cursor: Option<String>,
}

#[utoipa::path(
    get,
    path = "/v1/audit-events",
    operation_id = "listAuditEvents",
    tag = "everyone",
    summary = "Shows the history, newest first; an agent sees its own",
    params(ListParams),
    responses(
        (status = 200, body = EventList, description = "A page; go on until nextCursor is null"),
    )
)]
pub(crate) async fn list(
    State(app): State<App>,
    Viewer(caller): Viewer,
    Params(params): Params<ListParams>,
) -> Result<Response, Problem> {
    let page = page(params.limit, params.cursor.as_deref())?;
    let filter = EventFilter {
        request_id: params.request_id,
        rule_id: params.rule_id,
        principal: params.principal,
        visible_to: None,
    };
    let found = app.service.audit_events(&caller, filter, page).await?;
    ok(&EventList { audit_events: found.events, next_cursor: found.next.and_then(cursor) })
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct EventList {
    audit_events: Vec<AuditEvent>,
    next_cursor: Option<String>,
}

/// From the event after `Last-Event-ID` on, where the client names one, else from now on.
#[utoipa::path(
    get,
    path = "/v1/events",
    operation_id = "followAuditEvents",
    tag = "everyone",
    summary = "The history as it grows, as server-sent events",
    params(("Last-Event-ID" = Option<u64>, Header, description = "Go on after this event")),
    responses(
        (status = 200, body = String, content_type = "text/event-stream", description = "Each audit event, with its seq as id; no end"),
    )
)]
pub(crate) async fn feed(
    State(app): State<App>,
    Viewer(caller): Viewer,
    NoQuery: NoQuery,
    headers: HeaderMap,
) -> Result<Sse<impl Stream<Item = Result<Event, Infallible>>>, Problem> {
    let after = match headers.get("last-event-id") {
        None => app.service.last_event(&caller).await?,
        Some(id) => id.to_str().ok().and_then(|id| id.parse::<i64>().ok()).filter(|id| *id >= 0).ok_or_else(|| {
            Problem::malformed_field("Last-Event-ID", "the last event's id is the number that came as its id")
        })?,
    };
    let pages = stream::unfold(after, move |seq| {
        let (app, caller, headers) = (app.clone(), caller.clone(), headers.clone());
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
        Ok(Some((events, next))) => Some((events.iter().filter_map(event).map(Ok).collect(), next)),
        Ok(None) => None,
        Err(error) => {
            tracing::error!(%error, "an event stream ended");
            None
        }
    }
}

fn event(event: &AuditEvent) -> Option<Event> {
    let written = Event::default().id(event.seq.to_string()).event(event.event.as_str()).json_data(event);
    written.inspect_err(|error| tracing::error!(%error, "an event could not be written")).ok()
}
