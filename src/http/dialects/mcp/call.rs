//! One call of a tool: what it asks is registered, or found where it was asked before; then it waits.

use std::time::Duration;

use rmcp::RoleServer;
use rmcp::model::{
    CallToolRequestParams, CallToolResponse, ClientCapabilities, ErrorData, InputRequests, InputRequiredResult,
    InputResponses, MetaObject, ProtocolVersion, RequestStateCodec, SealOptions,
};
use rmcp::service::RequestContext;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::settled::settled;
use super::{Incoming, failed, said};
use crate::api::{HookQuery, RegisterBody};
use crate::dialects::digest;
use crate::dialects::hooks::{Does, Hook};
use crate::dialects::mcp::{
    Approve, Ask, Asked, CLAUDE_CODE, CODEX, Check, HookEvent, META_CALL, META_CONVERSATION, META_NO_EDITS,
    META_ORIGIN, META_REQUEST, META_TOOL_USE, META_WAIT, MOST_ROUNDS, RequestApproval, RequestSecret, Tool, arguments,
    prompt_allows, prompt_answers, prompt_denies, still_waiting,
};
use crate::domain::enums::HookClient;
use crate::domain::id::{ClaimId, RequestId};
use crate::domain::interaction::{Deadline, Record, Status};
use crate::domain::json::JsonObject;
use crate::domain::kinds::Content;
use crate::domain::origin::{Origin, OriginText};
use crate::domain::tool_call::{Allowed, Answered, CallEnd, Denial, ToolCall, conversation_of};
use crate::http::App;
use crate::http::dialects::hooks;
use crate::http::error::Problem;
use crate::http::wait::waited;
use crate::service::{AfterWait, Register};

/// Why a question without an answer is denied.
const PASSED_OVER: &str = "countersign: every question was passed over";

/// What a client brings back when it repeats a call; sealed, since it is the client's to keep meanwhile.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct State {
    /// What it waits for.
    pub(super) request_id: RequestId,
    /// How often it was told to come back.
    round: u32,
    /// Whether its person was asked through the client.
    pub(super) elicited: bool,
}

/// A call of a tool.
pub(super) struct Call<'a> {
    pub(super) app: &'a App,
    pub(super) incoming: &'a Incoming,
    tool: Tool,
    pub(super) state: Option<State>,
    pub(super) responses: Option<InputResponses>,
    pub(super) capabilities: ClientCapabilities,
    /// Whether the client can be told to come back.
    comes_back: bool,
    /// The client's id of what its model does, the same over all repetitions of the call.
    call_id: Option<String>,
    /// The id of this very call, which is also that of its claim.
    pub(super) try_id: Option<ClaimId>,
    is_claude_code: bool,
    is_codex: bool,
    /// Whether the client runs what it asks about, or nothing.
    no_edits: bool,
    /// The longest wait that the client names; it comes back then, however often.
    wait: Option<Duration>,
    session: Option<String>,
    origin: Option<Origin>,
    codec: RequestStateCodec,
}

impl<'a> Call<'a> {
    pub(super) fn new(
        app: &'a App,
        incoming: &'a Incoming,
        tool: Tool,
        request: CallToolRequestParams,
        context: &RequestContext<RoleServer>,
    ) -> Result<Self, ErrorData> {
        let meta = |name: &str| context.meta.get(name);
        let text = |name: &str| meta(name).and_then(Value::as_str).filter(|text| !text.is_empty());
        let codec = RequestStateCodec::try_new(app.service.request_state_key().as_slice());
        let codec = codec.map_err(|error| {
            tracing::error!(%error, "no codec for the state of requests");
            ErrorData::internal_error("something went wrong inside; the log has it", None)
        })?;
        let client = context.meta.client_info();
        let mut call = Self {
            app,
            incoming,
            tool,
            state: None,
            responses: request.input_responses,
            capabilities: context.client_capabilities().unwrap_or_default(),
            comes_back: context.protocol_version().is_some_and(|version| version >= ProtocolVersion::V_2026_07_28),
            call_id: text(META_TOOL_USE).map(str::to_owned),
            try_id: text(META_CALL).and_then(|id| id.parse().ok()),
            is_claude_code: client.as_ref().is_some_and(|client| client.name == CLAUDE_CODE),
            is_codex: client.is_some_and(|client| client.name == CODEX),
            no_edits: meta(META_NO_EDITS) == Some(&Value::Bool(true)),
            wait: meta(META_WAIT).and_then(Value::as_u64).map(Duration::from_millis),
            session: text(META_CONVERSATION).map(str::to_owned),
            origin: origin(incoming, context),
            codec,
        };
        if let Some(sealed) = request.request_state {
            let opened = call.codec.open_json_with(&sealed, call.sealed_for().as_bytes());
            let refused = |_| ErrorData::invalid_params("this requestState is not of this server and this call", None);
            call.state = Some(opened.map_err(refused)?);
        }
        Ok(call)
    }

    /// What a state is good for: this caller, this tool, these arguments.
    fn sealed_for(&self) -> String {
        digest(&[self.incoming.caller.name.as_str(), self.tool.name(), &self.incoming.arguments.canonical()])
    }

    /// Does what the tool does.
    pub(super) async fn answer(&self) -> CallToolResponse {
        self.answered().await.unwrap_or_else(|Failure(why)| match self.tool {
            Tool::Approve => said(prompt_denies(&Denial::Refused { why }.to_string())),
            Tool::Hook | Tool::Ask | Tool::RequestApproval | Tool::RequestSecret | Tool::Check => failed(why),
        })
    }

    async fn answered(&self) -> Result<CallToolResponse, Failure> {
        let given = &self.incoming.arguments;
        match self.tool {
            Tool::Approve => self.approve(arguments(given)?).await,
            Tool::Hook => self.hook(&arguments::<HookEvent>(given)?.event(self.session.as_deref())?).await,
            Tool::Ask => self.ask(arguments::<Ask>(given)?.asked()?).await,
            Tool::RequestApproval => self.ask(arguments::<RequestApproval>(given)?.asked()?).await,
            Tool::RequestSecret => self.ask(arguments::<RequestSecret>(given)?.asked()?).await,
            Tool::Check => {
                let Check { request_id } = arguments(given)?;
                let record = self.app.service.get(&self.incoming.caller, &request_id).await?;
                Ok(match record.interaction.status() {
                    Status::Pending => said(still_waiting(&request_id)),
                    Status::Resolved(_) => settled(self, record).await?,
                })
            }
        }
    }

    /// Asks whether the client may use a tool, or what its person answers, and answers in its own form.
    async fn approve(&self, approve: Approve) -> Result<CallToolResponse, Failure> {
        let input = approve.input.clone();
        let call_id = self.call_id.clone().or_else(|| approve.tool_use_id.clone());
        let working_dir = self.origin.as_ref().and_then(|origin| origin.working_dir.clone()).map(String::from);
        let call = ToolCall { call_id, ..self.tool_call(approve.asked(working_dir, !self.no_edits)?)? };
        let (service, caller) = (&self.app.service, &self.incoming.caller);
        let begun = match service.begin_tool_call(caller, call).await? {
            Ok(begun) => begun,
            Err(denial) => return Ok(said(prompt_denies(&denial.to_string()))),
        };
        let record = self.wait(&begun.request_id).await?;
        let comes_back = record.interaction.status() == Status::Pending && self.may_come_back();
        let after = if comes_back { AfterWait::AsksAgain } else { AfterWait::Keeps };
        let end = service.end_tool_call(caller, &begun, record, after).await?;
        let unwritten = |error: serde_json::Error| Failure(error.to_string());
        Ok(match end {
            CallEnd::Denied(Denial::Waiting { request_id }) if comes_back => self.come_back(&request_id, None),
            CallEnd::Denied(denial) => said(prompt_denies(&denial.to_string())),
            CallEnd::Allowed(Allowed { request_id, effective_input, is_edited: true, .. }) if self.no_edits => {
                let input = effective_input.text().to_owned();
                said(prompt_denies(&Denial::ApprovedOnlyAs { request_id, input }.to_string()))
            }
            CallEnd::Allowed(Allowed { effective_input, .. }) => {
                said(prompt_allows(&effective_input).map_err(unwritten)?)
            }
            CallEnd::Answered(Answered { question, responses, .. }) => {
                let answers = prompt_answers(&input, &question, &responses);
                said(answers.unwrap_or_else(|| prompt_denies(PASSED_OVER)))
            }
        })
    }

    /// Answers the event of a hook in the form of its client.
    async fn hook(&self, event: &JsonObject) -> Result<CallToolResponse, Failure> {
        let said_client = if self.is_codex { HookClient::Codex } else { HookClient::ClaudeCode };
        let Incoming { caller, traceparent, .. } = self.incoming;
        let Hook { client, does, voice } = Hook::read(said_client, event);
        match does {
            Does::Ran(ran) => hooks::report(self.app, caller, client, ran).await?,
            Does::Ends { session } => {
                if let Some(conversation) = conversation_of(&session) {
                    self.app.service.supersede_calls(caller, &conversation).await?;
                }
            }
            Does::Nothing => {}
            Does::Unclear(what) => {
                tracing::warn!(client = client.as_str(), what, "the event of a client's hook is not understood");
                let denial = Denial::NotUnderstood { what };
                return Ok(
                    voice.map_or_else(|| failed(denial.to_string()), |voice| said(voice.deny(&denial).to_string()))
                );
            }
            Does::Ask(ask) => {
                let Some(voice) = voice else { return Ok(said("{}")) };
                let query = HookQuery { claim_id: self.try_id.clone(), ..HookQuery::default() };
                let call = match hooks::call(client, *ask, &query, false, traceparent.clone(), self.app) {
                    Ok(call) => call,
                    Err(denial) => return Ok(said(voice.deny(&denial).to_string())),
                };
                let comes_back = self.may_come_back();
                let after = if comes_back { AfterWait::AsksAgain } else { AfterWait::Keeps };
                let turn = self.incoming.turn.clone();
                let end = hooks::decide(self.app, caller, turn, call, self.longest_wait(), after).await;
                return Ok(match end {
                    Ok(CallEnd::Denied(Denial::Waiting { request_id })) if comes_back => {
                        self.come_back(&request_id, None)
                    }
                    Ok(end) => said(voice.say(&end).to_string()),
                    Err(problem) => {
                        let denial = Denial::Refused { why: problem.sentence().to_owned() };
                        said(voice.deny(&denial).to_string())
                    }
                });
            }
        }
        Ok(said("{}"))
    }

    /// How long this round waits.
    fn longest_wait(&self) -> Duration {
        let longest = self.app.limits.mcp_wait;
        self.wait.map_or(longest, |wait| wait.min(longest))
    }

    /// Asks a person, and waits.
    async fn ask(&self, asked: Asked) -> Result<CallToolResponse, Failure> {
        let (request_id, begun) = match (&self.state, asked.request_id.clone()) {
            (Some(state), _) => (state.request_id.clone(), None),
            (None, Some(request_id)) => (self.register(request_id, asked.content).await?, None),
            (None, None) => {
                let call = self.tool_call(asked.content)?;
                match self.app.service.begin_tool_call(&self.incoming.caller, call).await? {
                    Ok(begun) => (begun.request_id.clone(), Some(begun)),
                    Err(denial) => return Ok(failed(denial.to_string())),
                }
            }
        };
        let mut record = self.app.service.get(&self.incoming.caller, &request_id).await?;
        if record.interaction.status() == Status::Pending {
            if self.state.is_none()
                && let Some(asked) = self.elicitation(&record)
            {
                return Ok(self.come_back(&request_id, Some(asked)));
            }
            if let Some(answer) = self.take_response(&record).await? {
                return Ok(answer);
            }
            record = self.wait(&request_id).await?;
        }
        match record.interaction.status() {
            Status::Pending if self.may_come_back() => Ok(self.come_back(&request_id, None)),
            Status::Pending => {
                if let Some(begun) = begun {
                    self.app.service.end_tool_call(&self.incoming.caller, &begun, record, AfterWait::Keeps).await?;
                }
                Ok(said(still_waiting(&request_id)))
            }
            Status::Resolved(_) => settled(self, record).await,
        }
    }

    /// What is asked, checked and completed.
    fn accepted(&self, content: Content) -> Result<Content, Failure> {
        Ok(RegisterBody::new(content).take_content(&self.app.limits.bodies()).map_err(Problem::from)?)
    }

    /// Registers what is asked under the model's own id, or finds it there.
    async fn register(&self, request_id: RequestId, content: Content) -> Result<RequestId, Failure> {
        let register = Register {
            request_id: Some(request_id),
            conversation_id: self.session.as_deref().and_then(conversation_of),
            deadline: Deadline::Default,
            metadata: None,
            origin: self.origin.clone(),
            traceparent: self.incoming.traceparent.clone(),
            claim_within_ms: None,
            content: self.accepted(content)?,
        };
        let registered = self.app.service.register(&self.incoming.caller, register).await?;
        Ok(registered.record.interaction.request_id)
    }

    /// The call as one that finds its interaction again, by the client's id of it or by what it asks.
    fn tool_call(&self, content: Content) -> Result<ToolCall, Failure> {
        Ok(ToolCall {
            client: if self.is_claude_code { "claude-code" } else { "mcp" },
            session: self.session.clone(),
            call_id: self.call_id.clone(),
            try_id: self.try_id.clone(),
            content: self.accepted(content)?,
            deadline: Deadline::Default,
            metadata: None,
            origin: self.origin.clone(),
            traceparent: self.incoming.traceparent.clone(),
        })
    }

    async fn wait(&self, request_id: &RequestId) -> Result<Record, Failure> {
        if let Some(turn) = &self.incoming.turn {
            turn.give_back();
        }
        let Incoming { caller, .. } = self.incoming;
        Ok(waited(self.app, caller, request_id, self.longest_wait()).await?)
    }

    fn may_come_back(&self) -> bool {
        match self.wait {
            Some(wait) => self.comes_back && !wait.is_zero(),
            None => self.comes_back && self.state.as_ref().is_none_or(|state| state.round < MOST_ROUNDS),
        }
    }

    /// Tells the client to repeat the call.
    fn come_back(&self, request_id: &RequestId, elicit: Option<InputRequests>) -> CallToolResponse {
        let state = State {
            request_id: request_id.clone(),
            round: self.state.as_ref().map_or(0, |state| state.round) + 1,
            elicited: elicit.is_some() || self.state.as_ref().is_some_and(|state| state.elicited),
        };
        let options = self.sealed_for();
        let options = SealOptions::new().associated_data(options.as_bytes());
        match self.codec.seal_json_with(&state, &options) {
            Ok(sealed) => {
                let waits = [(META_REQUEST.to_owned(), request_id.as_str().into())];
                let meta = MetaObject::from(serde_json::Map::from_iter(waits));
                InputRequiredResult::new(elicit, Some(sealed)).with_meta(meta).into()
            }
            Err(error) => {
                tracing::error!(%error, "the state of a request could not be sealed");
                said(still_waiting(&state.request_id))
            }
        }
    }

    /// Whether the client can be asked to ask its person.
    pub(super) const fn can_elicit(&self) -> bool {
        self.comes_back
    }
}

/// Where the agent says that it comes from.
fn origin(incoming: &Incoming, context: &RequestContext<RoleServer>) -> Option<Origin> {
    let said = context.meta.get(META_ORIGIN).and_then(|origin| serde_json::from_value::<Origin>(origin.clone()).ok());
    let named = context.meta.client_info().map(|client| format!("{} {}", client.name, client.version));
    let agent = || incoming.user_agent.clone();
    let client = named.or_else(agent).and_then(|client| OriginText::try_from(client).ok());
    let origin = Origin { client, ..said.unwrap_or_default() };
    (origin != Origin::default()).then_some(origin)
}

/// Why a call has no result, for the model.
pub(super) struct Failure(pub(super) String);

impl From<String> for Failure {
    fn from(text: String) -> Self {
        Self(text)
    }
}

impl From<Problem> for Failure {
    fn from(problem: Problem) -> Self {
        Self(problem.sentence().to_owned())
    }
}

impl From<crate::service::Error> for Failure {
    fn from(error: crate::service::Error) -> Self {
        Problem::from(error).into()
    }
}
