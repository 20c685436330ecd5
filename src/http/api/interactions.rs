//! `GET /v1/interactions`, `GET /v1/interactions/{requestId}` and `GET /v1/pending-interactions`.

use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;

use super::page::{next_cursor, page};
use crate::api::{Interaction, InteractionList, ListInteractions, ListPending, NewestPending};
use crate::domain::id::RequestId;
use crate::domain::interaction::Status;
use crate::domain::principal::Principal;
use crate::http::App;
use crate::http::error::Problem;
use crate::http::extract::{Param, Params, ok};
use crate::http::middleware::auth::{Reviewer, Viewer, holder};
use crate::http::wait::Wait;
use crate::store::{Filter, List, Page};

pub(crate) async fn get_interaction(
    State(app): State<App>,
    Viewer(caller): Viewer,
    Param(request_id): Param<RequestId>,
    Wait(wait): Wait,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let record = match wait {
        None => Box::pin(app.service.get(&caller, &request_id)).await?,
        Some(timeout) => {
            let record = app.service.wait(&caller, &request_id, timeout).await?;
            // The token may have been revoked meanwhile.
            holder(&app, &headers).await?;
            record
        }
    };
    ok(&Interaction::from(record))
}

pub(crate) async fn list_interactions(
    State(app): State<App>,
    Viewer(caller): Viewer,
    Params(query): Params<ListInteractions>,
) -> Result<Response, Problem> {
    let page = page(List::Interactions, query.limit, query.cursor.as_deref())?;
    let status = query.status.map(|word| word.parse::<Status>()).transpose();
    let filter = Filter {
        status: status.map_err(|expected| Problem::malformed_field("status", expected))?,
        kind: query.kind,
        conversation_id: query.conversation_id,
        tool_name: query.tool_name,
        registered_by: query.principal,
        id_prefix: query.id_prefix,
    };
    listed(&app, &caller, List::Interactions, filter, page).await
}

async fn listed(app: &App, caller: &Principal, list: List, filter: Filter, page: Page) -> Result<Response, Problem> {
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
        let filter = Filter { status: Some(Status::Pending), ..Filter::default() };
        return listed(&app, &caller, List::Pending, filter, page).await;
    };
    ok(&NewestPending::from(app.service.newest_pending(&conversation).await?))
}
