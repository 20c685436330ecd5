//! The obvious server, for comparison: axum, and for every request one `BEGIN IMMEDIATE … COMMIT` on a connection of an r2d2
//! pool, on a thread of `spawn_blocking`. As durable as countersign; it checks no token and validates less, which is in
//! its favour.

use std::path::Path;

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use r2d2_sqlite::SqliteConnectionManager;
use rusqlite::{Transaction, TransactionBehavior};
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::ledger::{self, Registration};
use crate::{Result, serve};

type Pool = r2d2::Pool<SqliteConnectionManager>;

pub(crate) fn serve(db: &Path) -> Result<()> {
    ledger::create(db)?;
    let manager = SqliteConnectionManager::file(db).with_init(|connection| ledger::configure(connection));
    let pool = r2d2::Pool::new(manager)?;
    let routes = Router::new().route("/v1/interactions", post(register)).route("/v1/confirm", post(confirm));
    serve::serve(routes.with_state(pool))
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RegisterBody {
    request_id: String,
    conversation_id: String,
    confirmation: Box<RawValue>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Confirmation {
    tool_name: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ConfirmBody {
    request_id: String,
    decision: String,
}

async fn register(State(pool): State<Pool>, body: Bytes) -> Response {
    in_transaction(pool, move |transaction| {
        let new: RegisterBody = serde_json::from_slice(&body)?;
        let Confirmation { tool_name } = serde_json::from_str(new.confirmation.get())?;
        let body = new.confirmation.get();
        let (request_id, conversation_id) = (&*new.request_id, &*new.conversation_id);
        ledger::register(transaction, &Registration { request_id, conversation_id, tool_name: &tool_name, body })?;
        let answer = format!(
            r#"{{"requestId":"{request_id}","kind":"confirmation","status":"pending","conversationId":"{conversation_id}","confirmation":{body}}}"#
        );
        Ok((StatusCode::CREATED, answer))
    })
    .await
}

async fn confirm(State(pool): State<Pool>, body: Bytes) -> Response {
    in_transaction(pool, move |transaction| {
        let body: ConfirmBody = serde_json::from_slice(&body)?;
        let settled = ledger::confirm(transaction, &body.request_id, &body.decision)?;
        let status = if settled { StatusCode::OK } else { StatusCode::NOT_FOUND };
        Ok((status, format!(r#"{{"accepted":{settled}}}"#)))
    })
    .await
}

/// One request's work in a transaction of its own. Whatever fails, a database that stayed busy for too long above all, is a 503.
async fn in_transaction<F>(pool: Pool, work: F) -> Response
where
    F: FnOnce(&Transaction<'_>) -> Result<(StatusCode, String)> + Send + 'static,
{
    let done = tokio::task::spawn_blocking(move || -> Result<(StatusCode, String)> {
        let mut connection = pool.get()?;
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let answer = work(&transaction)?;
        transaction.commit()?;
        Ok(answer)
    });
    match done.await {
        Ok(Ok((status, json))) => (status, [("content-type", "application/json")], json).into_response(),
        Ok(Err(error)) => (StatusCode::SERVICE_UNAVAILABLE, error.to_string()).into_response(),
        Err(panic) => (StatusCode::INTERNAL_SERVER_ERROR, panic.to_string()).into_response(),
    }
}
