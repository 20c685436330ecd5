//! `GET /v1/interactions`, `GET /v1/interactions/{requestId}`, `GET /v1/pending-interactions`.

use std::time::Duration;

use axum::extract::State;
use axum::response::Response;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use utoipa::{IntoParams, ToSchema};

use super::page::{cursor, page};
use super::view;
use crate::domain::enums::Kind;
use crate::domain::id::{ConversationId, PrincipalName, RequestId, ToolName};
use crate::domain::interaction::Status;
use crate::domain::principal::Principal;
use crate::http::App;
use crate::http::error::Problem;
use crate::http::extract::{Param, Params, ok};
use crate::http::middleware::auth::{Reviewer, Viewer};
use crate::store::{Filter, Page};

/// The longest that a request may wait, in milliseconds.
const LONGEST_WAIT_MS: u64 = 300_000;

#[derive(Deserialize, IntoParams)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct LookParams {
    #[param(maximum = 300_000)]
    wait_ms: Option<u64>,
}

#[utoipa::path(
    get,
    path = "/v1/interactions/{requestId}",
    operation_id = "getInteraction",
    tag = "agents",
    summary = "Shows an interaction, at once or when it is resolved",
    params(("requestId" = RequestId, Path, description = "The interaction"), LookParams),
    responses(
        (status = 200, body = view::InteractionView, description = "As it stands, after at most waitMs"),
        (status = 404, body = Problem, description = "no such interaction of this agent: `unknown_request`"),
    )
)]
pub(crate) async fn get(
    State(app): State<App>,
    Viewer(caller): Viewer,
    Param(request_id): Param<RequestId>,
    Params(params): Params<LookParams>,
) -> Result<Response, Problem> {
    let record = match params.wait_ms {
        None | Some(0) => Box::pin(app.service.get(&caller, &request_id)).await?,
        Some(millis @ 1..=LONGEST_WAIT_MS) => {
            app.service.wait(&caller, &request_id, Duration::from_millis(millis)).await?
        }
        Some(_) => {
            return Err(Problem::malformed_field("waitMs", format!("nobody waits longer than {LONGEST_WAIT_MS} ms")));
        }
    };
    ok(&view::interaction(&record)?)
}

#[derive(Deserialize, IntoParams)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct ListParams {
    #[param(value_type = Option<Status>)]
    status: Option<String>,
    kind: Option<Kind>,
    conversation_id: Option<ConversationId>,
    tool_name: Option<ToolName>,
    principal: Option<PrincipalName>,
    #[param(minimum = 1, maximum = 500)]
    limit: Option<u32>,
    #[param(pattern = "^[0-9a-z]{1,12}$")]
    cursor: Option<String>,
}

#[utoipa::path(
    get,
    path = "/v1/interactions",
    operation_id = "listInteractions",
    tag = "agents",
    summary = "Lists interactions, newest first; an agent sees its own",
    params(ListParams),
    responses(
        (status = 200, body = InteractionList, description = "A page; go on until nextCursor is null"),
    )
)]
pub(crate) async fn list(
    State(app): State<App>,
    Viewer(caller): Viewer,
    Params(params): Params<ListParams>,
) -> Result<Response, Problem> {
    let page = page(params.limit, params.cursor.as_deref())?;
    let status = params.status.map(|word| word.parse::<Status>()).transpose();
    let filter = Filter {
        status: status.map_err(|expected| Problem::malformed_field("status", expected))?,
        kind: params.kind,
        conversation_id: params.conversation_id,
        tool_name: params.tool_name,
        registered_by: params.principal,
    };
    listed(&app, &caller, filter, page).await
}

async fn listed(app: &App, caller: &Principal, filter: Filter, page: Page) -> Result<Response, Problem> {
    let found = app.service.list(caller, filter, page).await?;
    let interactions = found.rows.iter().map(|(_, record)| view::interaction(record)).collect::<Result<Vec<_>, _>>()?;
    ok(&InteractionList { interactions, next_cursor: found.next.and_then(cursor) })
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct InteractionList {
    #[schema(value_type = Vec<view::InteractionView<'static>>)]
    interactions: Vec<Box<RawValue>>,
    next_cursor: Option<String>,
}

#[derive(Deserialize, IntoParams)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct PendingParams {
    conversation_id: Option<ConversationId>,
    #[param(minimum = 1, maximum = 500)]
    limit: Option<u32>,
    #[param(pattern = "^[0-9a-z]{1,12}$")]
    cursor: Option<String>,
}

#[utoipa::path(
    get,
    path = "/v1/pending-interactions",
    operation_id = "listPendingInteractions",
    tag = "approvers",
    summary = "Lists what is pending; of a conversation, the newest of each kind",
    params(PendingParams),
    responses(
        (status = 200, body = Pending, description = "All that is pending, or the newest of each kind"),
    )
)]
pub(crate) async fn pending(
    State(app): State<App>,
    Reviewer(caller): Reviewer,
    Params(params): Params<PendingParams>,
) -> Result<Response, Problem> {
    let page = page(params.limit, params.cursor.as_deref())?;
    let Some(conversation) = params.conversation_id else {
        let filter = Filter { status: Some(Status::Pending), ..Filter::default() };
        return listed(&app, &caller, filter, page).await;
    };
    let newest = app.service.newest_pending(&conversation).await?;
    let of = |kind| newest.iter().find(|record| record.interaction.kind == kind).map(view::interaction).transpose();
    ok(&NewestPending {
        pending_confirmation: of(Kind::Confirmation)?,
        pending_secret: of(Kind::Secret)?,
        pending_question: of(Kind::Question)?,
    })
}

/// What is pending, as the query asked for it.
#[derive(ToSchema)]
#[serde(untagged)]
#[expect(dead_code, reason = "only its description is used")]
enum Pending {
    All(InteractionList),
    Newest(NewestPending),
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct NewestPending {
    #[schema(value_type = Option<view::InteractionView<'static>>)]
    pending_confirmation: Option<Box<RawValue>>,
    #[schema(value_type = Option<view::InteractionView<'static>>)]
    pending_secret: Option<Box<RawValue>>,
    #[schema(value_type = Option<view::InteractionView<'static>>)]
    pending_question: Option<Box<RawValue>>,
}
