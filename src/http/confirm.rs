//! `POST /v1/confirm`.

use axum::extract::State;
use axum::response::Response;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::App;
use super::auth::Resolver;
use super::error::{Problem, input_too_large};
use super::extract::{Json, ok};
use super::trust_rules::check_pattern_length;
use crate::config::Limits;
use crate::domain::id::RequestId;
use crate::domain::json::JsonObject;
use crate::domain::pattern::{Pattern, Scope};
use crate::domain::words::Decision;
use crate::service::Confirm;

#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct ConfirmBody {
    pub(super) request_id: RequestId,
    pub(super) decision: Decision,
    pub(super) comment: Option<String>,
    pub(super) updated_input: Option<JsonObject>,
    pub(super) selected_pattern: Option<Pattern>,
    pub(super) selected_scope: Option<Scope>,
}

#[utoipa::path(
    post,
    path = "/v1/confirm",
    operation_id = "confirm",
    tag = "approvers",
    summary = "Allows or denies a confirmation",
    request_body = ConfirmBody,
    responses(
        (status = 200, body = Accepted, description = "It is resolved"),
        (status = 404, body = Problem, description = "`unknown_request`, `wrong_kind`, `already_resolved`, `expired`: retire the card"),
        (status = 422, body = Problem, description = "`number_out_of_range`"),
    )
)]
pub(super) async fn confirm(
    State(app): State<App>,
    Resolver(caller): Resolver,
    Json(body): Json<ConfirmBody>,
) -> Result<Response, Problem> {
    app.service.confirm(&caller, body.accept(&app.limits)?).await?;
    accepted()
}

impl ConfirmBody {
    /// Checks what no type says.
    pub(super) fn accept(self, limits: &Limits) -> Result<Confirm, Problem> {
        if let Some(input) = &self.updated_input {
            if self.decision == Decision::Deny {
                return Err(Problem::malformed_field(
                    "updatedInput",
                    "an input is edited to be allowed, not to be denied",
                ));
            }
            if input.text().len() > limits.max_input_bytes {
                return Err(input_too_large("updatedInput", limits.max_input_bytes));
            }
        }
        let selected = match (self.selected_pattern, self.selected_scope) {
            (Some(pattern), Some(scope)) => {
                check_pattern_length("selectedPattern", pattern.as_str().len(), limits)?;
                check_pattern_length("selectedScope", scope.as_str().len(), limits)?;
                Some((pattern, scope))
            }
            (None, None) => None,
            (Some(_), None) => {
                return Err(Problem::malformed_field("selectedScope", "selectedPattern and selectedScope go together"));
            }
            (None, Some(_)) => {
                return Err(Problem::malformed_field(
                    "selectedPattern",
                    "selectedPattern and selectedScope go together",
                ));
            }
        };
        Ok(Confirm {
            request_id: self.request_id,
            decision: self.decision,
            comment: self.comment,
            updated_input: self.updated_input,
            selected,
        })
    }
}

/// What every resolution that was accepted is answered with.
pub(super) fn accepted() -> Result<Response, Problem> {
    ok(&Accepted { accepted: true })
}

/// That it was accepted.
#[derive(Serialize, ToSchema)]
pub(super) struct Accepted {
    accepted: bool,
}
