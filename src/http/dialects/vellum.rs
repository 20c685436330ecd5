//! `/v1/assistants/{assistantId}`: what Vellum's clients call. There is one inbox: an assistant may have any name.

use std::convert::Infallible;

use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;
use axum::response::sse::Event;
use futures_util::stream::{self, StreamExt};

use crate::api::{ConfirmBody, TrustRuleBody};
use crate::dialects::vellum::{
    Fault, VellumAnswerBody, VellumEvent, VellumListPending, VellumListRules, VellumPending, VellumRules,
    VellumSecretBody, VellumSuccess,
};
use crate::domain::audit::AuditEvent;
use crate::domain::enums::{Kind, RuleStatus};
use crate::domain::id::{AssistantId, RuleId};
use crate::domain::interaction::Status;
use crate::domain::kinds::{Content, check_form};
use crate::http::App;
use crate::http::api::confirm::{accepted, confirm};
use crate::http::api::events::{last_event_id, next_events, unbuffered};
use crate::http::api::trust_rules::make_trust_rule;
use crate::http::error::Problem;
use crate::http::extract::{Json, NoQuery, Param, Params, ok};
use crate::http::middleware::auth::{Resolver, Reviewer, Viewer};
use crate::service::{Answer, Caller, ProvideSecret};
use crate::store::{Filter, Page, RuleFilter};

/// The most interactions, or rules, in one answer: these clients know no pages.
const MOST_LISTED: u32 = 500;

pub(crate) async fn vellum_confirm(
    state: State<App>,
    caller: Resolver,
    Param(_): Param<AssistantId>,
    body: Json<ConfirmBody>,
) -> Result<Response, Problem> {
    confirm(state, caller, body).await
}

pub(crate) async fn vellum_secret(
    State(app): State<App>,
    Resolver(caller): Resolver,
    Param(_): Param<AssistantId>,
    Json(body): Json<VellumSecretBody>,
) -> Result<Response, Problem> {
    give(&app, &caller, body).await
}

/// Gives a secret, or declines to, in Vellum's words.
pub(crate) async fn give(app: &App, caller: &Caller, body: VellumSecretBody) -> Result<Response, Problem> {
    let (request_id, value, delivery) = body.given();
    app.service.give_secret(caller, ProvideSecret { request_id, value, delivery }).await?;
    accepted()
}

pub(crate) async fn vellum_answer(
    State(app): State<App>,
    Resolver(caller): Resolver,
    Param(_): Param<AssistantId>,
    Json(body): Json<VellumAnswerBody>,
) -> Result<Response, Problem> {
    respond(&app, &caller, body).await
}

/// Answers a question in Vellum's words.
pub(crate) async fn respond(app: &App, caller: &Caller, body: VellumAnswerBody) -> Result<Response, Problem> {
    let malformed = |(member, problem): Fault| Problem::malformed_field(member, problem);
    body.check().map_err(malformed)?;
    let record = Box::pin(app.service.get(caller, &body.request_id)).await?;
    record.interaction.check_kind(Kind::Question)?;
    let request_id = body.request_id.clone();
    let said = match &record.body.content {
        Content::Question(question) => body.responses(question),
        Content::Confirmation(_) | Content::Secret(_) | Content::Forgotten(_) => Ok(Vec::new()),
    };
    let said = said.and_then(|said| check_form(&said).map(|()| said).map_err(|problem| ("responses", problem)));
    // That it is over comes before what is wrong with the answer: on 404 these clients put the card away.
    let responses = match said {
        Ok(responses) => responses,
        Err(fault) => {
            record.interaction.check_open(Kind::Question, app.service.now())?;
            return Err(malformed(fault));
        }
    };
    app.service.answer_question(caller, Answer { request_id, responses }).await?;
    ok(&VellumSuccess { success: true })
}

pub(crate) async fn vellum_pending(
    State(app): State<App>,
    Reviewer(caller): Reviewer,
    Param(_): Param<AssistantId>,
    Params(query): Params<VellumListPending>,
) -> Result<Response, Problem> {
    // A key is what these clients call a conversation that has no id yet.
    let Some(conversation) = query.conversation_id.or(query.conversation_key) else {
        let filter = Filter { statuses: vec![Status::Pending], ..Filter::default() };
        let page = Page { before: None, limit: MOST_LISTED };
        return ok(&VellumPending::all(app.service.list(&caller, filter, page).await?.rows));
    };
    ok(&VellumPending::newest(app.service.newest_pending(&conversation).await?))
}

pub(crate) async fn vellum_make_rule(
    state: State<App>,
    caller: Resolver,
    Param(_): Param<AssistantId>,
    body: Json<TrustRuleBody>,
) -> Result<Response, Problem> {
    make_trust_rule(state, caller, body).await
}

pub(crate) async fn vellum_rules(
    State(app): State<App>,
    Reviewer(_): Reviewer,
    Param(_): Param<AssistantId>,
    Params(query): Params<VellumListRules>,
) -> Result<Response, Problem> {
    let status = if query.include_deleted == Some(true) { None } else { Some(RuleStatus::Active) };
    let filter = RuleFilter { status, tool_name: query.tool, ..RuleFilter::default() };
    let found = app.service.trust_rules(filter, Page { before: None, limit: MOST_LISTED }).await?;
    ok(&VellumRules { rules: found.rows.into_iter().map(Into::into).collect() })
}

pub(crate) async fn vellum_revoke_rule(
    State(app): State<App>,
    Resolver(caller): Resolver,
    Param((_, rule_id)): Param<(AssistantId, RuleId)>,
    NoQuery: NoQuery,
) -> Result<Response, Problem> {
    app.service.revoke_trust_rule(&caller, &rule_id).await?;
    ok(&VellumSuccess { success: true })
}

/// The resolutions from now on, or from the one after `Last-Event-ID` on.
pub(crate) async fn vellum_events(
    State(app): State<App>,
    Viewer(caller): Viewer,
    Param(_): Param<AssistantId>,
    NoQuery: NoQuery,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let asked = last_event_id(&headers)?;
    let open = app.load.open_stream(&caller)?;
    let newest = app.service.last_event(&caller).await?;
    let pages = stream::unfold(asked.unwrap_or(newest).min(newest), move |seq| {
        let (app, caller) = (app.clone(), caller.clone());
        // As long as there may be more of it, the stream is open.
        let _open = &open;
        async move { next_page(&app, &caller, seq).await }
    });
    Ok(unbuffered(pages.flat_map(stream::iter)))
}

/// The next resolutions after `seq`, and where to go on; `None` ends the stream.
async fn next_page(app: &App, caller: &Caller, seq: i64) -> Option<(Vec<Result<Event, Infallible>>, i64)> {
    let (events, next) = next_events(app, caller, seq).await?;
    let mut told = Vec::new();
    for event in &events {
        told.extend(resolution(app, caller, event).await.map(Ok));
    }
    Some((told, next))
}

async fn resolution(app: &App, caller: &Caller, event: &AuditEvent) -> Option<Event> {
    let request_id = event.request_id.as_ref().filter(|_| VellumEvent::is_resolution(event.event))?;
    let record = Box::pin(app.service.get(caller, request_id)).await.ok()?;
    let told = VellumEvent::of(event.seq, &record.interaction)?;
    let written = Event::default().id(told.id.clone()).json_data(&told);
    written.inspect_err(|error| tracing::error!(%error, "an event could not be written")).ok()
}
