//! `GET /v1/interactions`, `GET /v1/interactions/{requestId}` and `GET /v1/pending-interactions`.

use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;

use super::page::{check_times, next_cursor, page};
use crate::api::{Interaction, InteractionList, ListInteractions, ListPending, NewestPending};
use crate::domain::enums::ListFormat;
use crate::domain::id::RequestId;
use crate::domain::interaction::Status;
use crate::http::App;
use crate::http::error::Problem;
use crate::http::export::{accepted, file};
use crate::http::extract::{Param, Params, Repeatable, Repeated, ok};
use crate::http::middleware::auth::{Reviewer, Viewer};
use crate::http::wait::{Wait, waited};
use crate::service::Caller;
use crate::store::{Filter, List, Page};

pub(crate) async fn get_interaction(
    State(app): State<App>,
    Viewer(caller): Viewer,
    Param(request_id): Param<RequestId>,
    Wait(wait): Wait,
) -> Result<Response, Problem> {
    let record = match wait {
        None => Box::pin(app.service.get(&caller, &request_id)).await?,
        Some(timeout) => waited(&app, &caller, &request_id, timeout).await?,
    };
    ok(&Interaction::from(record))
}

/// `status`, which may be given more than once.
pub(crate) struct StatusParam;

impl Repeatable for StatusParam {
    const NAME: &str = "status";
    type Value = Status;
}

pub(crate) async fn list_interactions(
    State(app): State<App>,
    Viewer(caller): Viewer,
    headers: HeaderMap,
    Repeated { values: statuses, query }: Repeated<StatusParam, ListInteractions>,
) -> Result<Response, Problem> {
    let limit = query.limit;
    let page = page(List::Interactions, limit, query.cursor.as_deref())?;
    let format = query.format.or_else(|| accepted(&headers)).unwrap_or(ListFormat::Json);
    check_times(query.since, query.until)?;
    let mut filter = Filter {
        statuses,
        kind: query.kind,
        conversation_id: query.conversation_id,
        tool_name: query.tool_name,
        registered_by: query.principal,
        id_prefix: query.id_prefix,
        since: query.since,
        until: query.until,
        risk: query.risk,
        resolved_by: query.by,
        ..Filter::default()
    };
    if let Some(q) = query.q {
        filter = filter.narrowed_by(q, app.service.now());
    }
    if format == ListFormat::Json {
        return listed(&app, &caller, List::Interactions, filter, page).await;
    }
    if limit.is_some() {
        return Err(Problem::malformed_field("limit", "a file holds all that is found, from the cursor on"));
    }
    file(app, caller, filter, page.before, format, "countersign-interactions").await
}

async fn listed(app: &App, caller: &Caller, list: List, filter: Filter, page: Page) -> Result<Response, Problem> {
    let found = app.service.list(caller, filter, page).await?;
    let interactions = found.rows.into_iter().map(|record| Interaction::from(record).into()).collect();
    ok(&InteractionList { interactions, next_cursor: next_cursor(list, found.next) })
}

pub(crate) async fn list_pending(
    State(app): State<App>,
    Reviewer(caller): Reviewer,
    Params(query): Params<ListPending>,
) -> Result<Response, Problem> {
    let page = page(List::Pending, query.limit, query.cursor.as_deref())?;
    let Some(conversation) = query.conversation_id else {
        let filter = Filter { statuses: vec![Status::Pending], ..Filter::default() };
        return listed(&app, &caller, List::Pending, filter, page).await;
    };
    ok(&NewestPending::from(app.service.newest_pending(&conversation).await?))
}
