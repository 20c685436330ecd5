//! `POST /v1/hooks/{client}`: the event of a client's hook, answered in the client's own shape.

use std::time::Duration;

use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;
use serde_json::{Map, json};

use crate::api::{HookAnswer, HookEvent, HookQuery, StillWaiting};
use crate::dialects::hooks::{Ask, Does, Hook, Ran, Voice};
use crate::domain::enums::HookClient;
use crate::domain::interaction::Deadline;
use crate::domain::json::JsonObject;
use crate::domain::origin::{Origin, OriginText};
use crate::domain::tool_call::{CallEnd, Denial, ToolCall, conversation_of};
use crate::domain::traceparent::Traceparent;
use crate::http::App;
use crate::http::error::Problem;
use crate::http::extract::{JsonBesideQuery, Param, Params, ok};
use crate::http::middleware::auth::Registrant;
use crate::http::middleware::load_shed::{CurrentTurn, Turn};
use crate::http::middleware::observe::traceparent;
use crate::service::{AfterWait, Caller};

/// The longest that an event may wait for its answer, in milliseconds: as long as clients let a hook take.
const LONGEST_HOOK_WAIT_MS: u64 = 86_400_000;

pub(crate) async fn hook_event(
    State(app): State<App>,
    Registrant(caller): Registrant,
    Param(said): Param<HookClient>,
    Params(query): Params<HookQuery>,
    CurrentTurn(turn): CurrentTurn,
    headers: HeaderMap,
    JsonBesideQuery(HookEvent(event)): JsonBesideQuery<HookEvent>,
) -> Result<Response, Problem> {
    let wait = match query.wait_ms.unwrap_or(0) {
        millis @ 0..=LONGEST_HOOK_WAIT_MS => Duration::from_millis(millis),
        _ => {
            let message = format!("a hook waits at most {LONGEST_HOOK_WAIT_MS} ms");
            return Err(Problem::malformed_field("waitMs", message));
        }
    };
    let Hook { client, does, voice } = Hook::read(said, &event);
    let ask = match does {
        Does::Ask(ask) => ask,
        Does::Ran(ran) => {
            report(&app, &caller, client, ran).await?;
            return nothing();
        }
        Does::Ends { session } => {
            if let Some(conversation) = conversation_of(&session) {
                app.service.supersede_calls(&caller, &conversation).await?;
            }
            return nothing();
        }
        Does::Nothing => return nothing(),
        Does::Unclear(what) => return unclear(client, query.version.as_deref(), voice.as_ref(), what),
    };
    let Some(voice) = voice else { return nothing() };
    let asks_again = query.asks_again == Some(true);
    let defers = ask.may_defer && query.defer == Some(true);
    let call = match call(client, *ask, &query, defers, traceparent(&headers), &app) {
        Ok(call) => call,
        Err(denial) => return said_as(voice.deny(&denial)),
    };
    let after = if asks_again { AfterWait::AsksAgain } else { AfterWait::Keeps };
    // They would be held for as long as it waits.
    drop(headers);
    let ended = decide(&app, &caller, turn, call, wait, after).await;
    match ended {
        Ok(CallEnd::Denied(Denial::Waiting { request_id })) if asks_again => ok(&StillWaiting { waiting: request_id }),
        Ok(CallEnd::Denied(denial @ Denial::Waiting { .. })) => {
            let deferred = voice.defer().filter(|_| defers);
            said_as(deferred.unwrap_or_else(|| voice.deny(&denial)))
        }
        Ok(end) => said_as(voice.say(&end)),
        // A caller that asks again tells what passes from what does not.
        Err(problem) if asks_again => Err(problem),
        Err(problem) => said_as(voice.deny(&Denial::Refused { why: problem.sentence().to_owned() })),
    }
}

/// Asks about a call and waits for the answer.
pub(super) async fn decide(
    app: &App,
    caller: &Caller,
    turn: Option<Turn>,
    call: ToolCall,
    wait: Duration,
    after: AfterWait,
) -> Result<CallEnd, Problem> {
    let begun = match app.service.begin_tool_call(caller, call).await? {
        Ok(begun) => begun,
        Err(denial) => return Ok(CallEnd::Denied(denial)),
    };
    if let Some(turn) = turn {
        turn.give_back();
    }
    let record = app.service.await_tool_call(caller, &begun, wait).await?;
    if !wait.is_zero() {
        // The token may have been revoked meanwhile.
        app.service.check_caller(caller).await?;
    }
    Ok(app.service.end_tool_call(caller, &begun, record, after).await?)
}

/// The call that an event asks about; or why it is denied before anything is asked.
pub(super) fn call(
    client: HookClient,
    ask: Ask,
    query: &HookQuery,
    is_deferred: bool,
    traceparent: Option<Traceparent>,
    app: &App,
) -> Result<ToolCall, Denial> {
    let Ask { session, call_id, content, agent_id, origin, moment: _, may_defer: _ } = ask;
    let limit = app.limits.max_input_bytes;
    if content.confirmation().is_some_and(|asked| asked.input.text().len() > limit) {
        return Err(Denial::Refused { why: format!("the input is larger than {limit} bytes") });
    }
    let content = content.accept().map_err(|error| Denial::NotUnderstood { what: error.message.to_owned() })?;
    // The same for the same call, whatever else changes between two tries of it.
    let mut metadata = Map::new();
    metadata.insert("client".to_owned(), client.as_str().into());
    if let Some(agent_id) = agent_id {
        metadata.insert("agentId".to_owned(), agent_id.into());
    }
    if is_deferred {
        metadata.insert("deferred".to_owned(), true.into());
    }
    let metadata = serde_json::from_value::<JsonObject>(metadata.into());
    Ok(ToolCall {
        client: client.as_str(),
        session: Some(session),
        call_id,
        try_id: query.claim_id.clone(),
        content,
        deadline: Deadline::Default,
        metadata: metadata.ok(),
        origin: Some(with_place(origin, query)),
        traceparent,
    })
}

/// What the caller adds of where its client runs; what is too long is left out.
fn with_place(origin: Origin, query: &HookQuery) -> Origin {
    let text = |member: &Option<String>| member.clone().and_then(|text| OriginText::try_from(text).ok());
    let client = match (&origin.client, &query.version) {
        (Some(client), Some(version)) => {
            OriginText::try_from(format!("{} {version}", String::from(client.clone()))).ok().or(origin.client)
        }
        _ => origin.client,
    };
    Origin {
        client,
        host: text(&query.host),
        repository: text(&query.repository),
        branch: text(&query.branch),
        ..origin
    }
}

/// Writes down what came of a call.
pub(super) async fn report(app: &App, caller: &Caller, client: HookClient, ran: Ran) -> Result<(), Problem> {
    let Ran { call, outcome, detail } = ran;
    app.service.report_tool_call(caller, client.as_str(), &call, outcome, detail).await?;
    Ok(())
}

/// An event that is not understood: denied in the client's words where they are known, refused otherwise.
fn unclear(
    client: HookClient,
    version: Option<&str>,
    voice: Option<&Voice>,
    what: String,
) -> Result<Response, Problem> {
    tracing::warn!(client = client.as_str(), version, what, "the event of a client's hook is not understood");
    let denial = Denial::NotUnderstood { what };
    match voice {
        Some(voice) => said_as(voice.deny(&denial)),
        None => Err(Problem::malformed(denial.to_string())),
    }
}

fn nothing() -> Result<Response, Problem> {
    said_as(json!({}))
}

fn said_as(answer: serde_json::Value) -> Result<Response, Problem> {
    let answer = serde_json::from_value::<JsonObject>(answer).map_err(|_| Problem::internal())?;
    ok(&HookAnswer(answer))
}
