//! The Model Context Protocol over streamable HTTP, at `/mcp`: each POST is one message and is answered by itself, with or
//! without the old handshake; there are no sessions. A refusal before a message is read has the shape of the API; whatever
//! is said about a message is JSON-RPC, and whatever is said about a tool call is for the model to read.
//!
//! `rmcp` has the protocol. Hosts, origins, tokens and limits are those of every other call.

mod call;
mod elicit;
mod settled;

use std::borrow::Cow;
use std::sync::Arc;

use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::header::{ACCEPT, HOST, USER_AGENT};
use axum::http::request::Parts;
use axum::http::{HeaderValue, Request};
use axum::response::Response;
use http_body_util::Full;
use rmcp::model::{
    CallToolRequestParams, CallToolResponse, CallToolResult, ContentBlock, ErrorData, Implementation, InitializeResult,
    ListToolsResult, PaginatedRequestParams, ServerCapabilities, ServerConfig, Tool as ListedTool,
};
use rmcp::service::RequestContext;
use rmcp::transport::streamable_http_server::session::never::NeverSessionManager;
use rmcp::transport::{StreamableHttpServerConfig, StreamableHttpService};
use rmcp::{RoleServer, ServerHandler};
use serde::Deserialize;

use self::call::Call;
use crate::api::McpMessage;
use crate::dialects::mcp::{INSTRUCTIONS, Tool};
use crate::domain::json::JsonObject;
use crate::domain::traceparent::Traceparent;
use crate::http::App;
use crate::http::error::Problem;
use crate::http::extract::Json;
use crate::http::middleware::auth::Registrant;
use crate::http::middleware::load_shed::Turn;
use crate::http::middleware::observe::traceparent;
use crate::http::middleware::origin::scheme;
use crate::http::transport::connection::Connection;
use crate::service::Caller;

pub(crate) async fn call_mcp(
    State(app): State<App>,
    Registrant(caller): Registrant,
    mut parts: Parts,
    Json(message): Json<McpMessage>,
) -> Result<Response, Problem> {
    let incoming = Arc::new(Incoming::new(&app, caller, &parts, &message)?);
    let body = serde_json::to_vec(&message).map_err(|error| {
        tracing::error!(%error, "a message could not be written as JSON");
        Problem::internal()
    })?;
    // It is answered with JSON alone, whatever else a client would take.
    parts.headers.insert(ACCEPT, HeaderValue::from_static("application/json, text/event-stream"));
    let config = StreamableHttpServerConfig::default()
        .with_legacy_session_mode(false)
        .with_json_response(true)
        .with_max_request_body_bytes(body.len())
        // The middleware around every handler has looked at both.
        .disable_allowed_hosts()
        .disable_allowed_origins();
    let handler = move || Ok(Handler { app: Arc::clone(&app), incoming: Arc::clone(&incoming) });
    let service = StreamableHttpService::new(handler, Arc::new(NeverSessionManager::default()), config);
    let answer = service.handle(Request::from_parts(parts, Full::new(Bytes::from(body)))).await;
    Ok(answer.map(Body::new))
}

/// What is known of a message beside what the protocol's library reads of it.
struct Incoming {
    caller: Caller,
    traceparent: Option<Traceparent>,
    /// What the client calls itself in its headers.
    user_agent: Option<String>,
    turn: Option<Turn>,
    /// The arguments of a tool call to the letter: strictly read, no number of them changed.
    arguments: JsonObject,
    /// What the addresses of the inbox begin with, as the client reaches it.
    inbox: Option<String>,
}

impl Incoming {
    fn new(app: &App, caller: Caller, parts: &Parts, message: &McpMessage) -> Result<Self, Problem> {
        #[derive(Deserialize)]
        struct Params {
            #[serde(default)]
            arguments: Option<JsonObject>,
        }
        let params = message.params.as_ref().filter(|_| message.method == "tools/call");
        let params = params.map(|params| serde_json::from_str::<Params>(params.text())).transpose();
        let params = params.map_err(|error| Problem::malformed_field("params", error.to_string()))?;
        let user_agent = parts.headers.get(USER_AGENT);
        Ok(Self {
            caller,
            traceparent: traceparent(&parts.headers),
            user_agent: user_agent.and_then(|agent| agent.to_str().ok()).map(str::to_owned),
            turn: parts.extensions.get::<Turn>().cloned(),
            arguments: params.and_then(|params| params.arguments).unwrap_or_default(),
            inbox: inbox(app, parts),
        })
    }
}

/// Where the inbox is, as this client reaches it.
fn inbox(app: &App, parts: &Parts) -> Option<String> {
    if let Some(url) = &app.http.public_url {
        return Some(url.to_string());
    }
    let connection = parts.extensions.get::<Arc<Connection>>().filter(|connection| connection.local.is_some())?;
    let host = parts.headers.get(HOST)?.to_str().ok()?;
    Some(format!("{}://{host}", scheme(connection, &app.http, &parts.headers)))
}

/// Answers one message.
#[derive(Clone)]
struct Handler {
    app: App,
    incoming: Arc<Incoming>,
}

impl ServerHandler for Handler {
    fn get_info(&self) -> ServerConfig {
        let server = Implementation::new("countersign", env!("CARGO_PKG_VERSION")).with_title("countersign");
        let capabilities = ServerCapabilities::builder().enable_tools().build();
        InitializeResult::new(capabilities).with_server_info(server).with_instructions(INSTRUCTIONS)
    }

    async fn list_tools(
        &self,
        _: Option<PaginatedRequestParams>,
        _: RequestContext<RoleServer>,
    ) -> Result<ListToolsResult, ErrorData> {
        let listed = Tool::ALL.into_iter().map(|tool| serde_json::from_value::<ListedTool>(tool.listed()));
        let listed = listed.collect::<Result<Vec<_>, _>>().map_err(|error| {
            tracing::error!(%error, "a tool could not be listed");
            ErrorData::internal_error("the tools cannot be listed", None)
        })?;
        Ok(ListToolsResult::with_all_items(listed))
    }

    async fn call_tool(
        &self,
        request: CallToolRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<CallToolResponse, ErrorData> {
        let Some(tool) = Tool::named(&request.name) else {
            return Err(ErrorData::invalid_params(format!("there is no tool {:?}", request.name), None));
        };
        let gone = context.ct.clone();
        let call = Call::new(&self.app, &self.incoming, tool, request, &context)?;
        tokio::select! {
            answer = call.answer() => Ok(answer),
            // The interaction stays: its answer is found by the same call.
            () = gone.cancelled() => Ok(failed("the call was cancelled")),
        }
    }
}

/// A result in words.
fn said(text: impl Into<String>) -> CallToolResponse {
    CallToolResult::success(vec![ContentBlock::text(text)]).into()
}

/// A result that is none, in words.
fn failed(text: impl Into<Cow<'static, str>>) -> CallToolResponse {
    CallToolResult::error(vec![ContentBlock::text(text.into())]).into()
}
