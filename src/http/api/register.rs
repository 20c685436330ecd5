//! `POST /v1/interactions`.

use axum::extract::State;
use axum::http::header::LOCATION;
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::Response;
use serde::Deserialize;
use utoipa::ToSchema;

use super::trust_rules::check_pattern_length;
use super::view;
use crate::clock::Timestamp;
use crate::config::Limits;
use crate::domain::bounded::LifetimeMs;
use crate::domain::content::{Confirmation, Content, SecretRequest};
use crate::domain::enums::Kind;
use crate::domain::id::{ConversationId, RequestId};
use crate::domain::json::JsonObject;
use crate::domain::question::Question;
use crate::domain::traceparent::Traceparent;
use crate::http::App;
use crate::http::error::{Problem, input_too_large};
use crate::http::extract::{Json, answer};
use crate::http::middleware::auth::Registrant;
use crate::http::middleware::observe::traceparent;
use crate::service::{Deadline, Register, Registered};

#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct RegisterBody {
    request_id: Option<RequestId>,
    kind: Kind,
    conversation_id: Option<ConversationId>,
    #[schema(inline)]
    expires_in_ms: Option<LifetimeMs>,
    expires_at: Option<Timestamp>,
    metadata: Option<JsonObject>,
    confirmation: Option<Box<Confirmation>>,
    secret: Option<SecretRequest>,
    question: Option<Question>,
}

#[utoipa::path(
    post,
    path = "/v1/interactions",
    operation_id = "registerInteraction",
    tag = "agents",
    summary = "Registers an interaction; may be repeated blindly with the same requestId",
    request_body = RegisterBody,
    responses(
        (status = 201, body = view::InteractionView, description = "It is new; a trust rule may have resolved it already", headers(("Location" = String, description = "Its path"))),
        (status = 200, body = view::InteractionView, description = "The same was registered before; as it now stands"),
        (status = 409, body = Problem, description = "`request_id_conflict`: the id asks something else, or is another principal's"),
        (status = 413, body = Problem, description = "`input_too_large`, `body_too_large`"),
        (status = 422, body = Problem, description = "`number_out_of_range`: a number in an input that would not be kept exactly"),
        (status = 429, body = Problem, description = "`too_many_pending`"),
    )
)]
pub(crate) async fn register(
    State(app): State<App>,
    Registrant(caller): Registrant,
    headers: HeaderMap,
    Json(body): Json<RegisterBody>,
) -> Result<Response, Problem> {
    let register = body.accept(traceparent(&headers), &app.limits)?;
    let (status, record) = match app.service.register(&caller, register).await? {
        Registered::Created(record) => (StatusCode::CREATED, record),
        Registered::Existing(record) => (StatusCode::OK, record),
    };
    let mut response = answer(status, &view::interaction(&record)?)?;
    let location = format!("/v1/interactions/{}", record.interaction.request_id);
    if let (StatusCode::CREATED, Ok(location)) = (status, HeaderValue::from_str(&location)) {
        response.headers_mut().insert(LOCATION, location);
    }
    Ok(response)
}

impl RegisterBody {
    fn accept(self, traceparent: Option<Traceparent>, limits: &Limits) -> Result<Register, Problem> {
        let deadline = match (self.expires_in_ms, self.expires_at) {
            (None, None) => Deadline::Default,
            (Some(millis), None) => Deadline::In(millis.get()),
            (None, Some(moment)) => Deadline::At(moment),
            (Some(_), Some(_)) => {
                return Err(Problem::malformed_field("expiresAt", "give expiresInMs or expiresAt, not both"));
            }
        };
        let content = match (self.kind, self.confirmation, self.secret, self.question) {
            (Kind::Confirmation, Some(confirmation), None, None) => Content::Confirmation(confirmation),
            (Kind::Secret, None, Some(secret), None) => Content::Secret(secret),
            (Kind::Question, None, None, Some(question)) => Content::Question(question),
            (kind, ..) => {
                let message = format!("an interaction of kind {kind} has the member {kind}, and no other kind's");
                return Err(Problem::malformed_field(kind.as_str(), message));
            }
        };
        if let Content::Confirmation(confirmation) = &content {
            check_limits(confirmation, limits)?;
        }
        Ok(Register {
            request_id: self.request_id,
            conversation_id: self.conversation_id,
            deadline,
            metadata: self.metadata,
            traceparent,
            content: content
                .accept()
                .map_err(|error| Problem::malformed_field(&format!("{}.{}", self.kind, error.field), error.message))?,
        })
    }
}

fn check_limits(confirmation: &Confirmation, limits: &Limits) -> Result<(), Problem> {
    if confirmation.input.text().len() > limits.max_input_bytes {
        return Err(input_too_large("confirmation.input", limits.max_input_bytes));
    }
    let longest = confirmation.allowlist_options.iter().map(|option| option.pattern.as_str().len()).max();
    check_pattern_length("confirmation.allowlistOptions", longest.unwrap_or(0), limits)?;
    let longest = confirmation.scope_options.iter().map(|option| option.scope.as_str().len()).max();
    check_pattern_length("confirmation.scopeOptions", longest.unwrap_or(0), limits)
}
