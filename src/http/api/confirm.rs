//! `POST /v1/confirm`.

use axum::extract::State;
use axum::response::Response;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::trust_rules::check_pattern_length;
use crate::config::Limits;
use crate::domain::enums::Decision;
use crate::domain::id::RequestId;
use crate::domain::json::JsonObject;
use crate::domain::pattern::{Pattern, Scope};
use crate::http::App;
use crate::http::error::{Problem, input_too_large};
use crate::http::extract::{Json, ok};
use crate::http::middleware::auth::Resolver;
use crate::service::Confirm;

#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct ConfirmBody {
    pub(crate) request_id: RequestId,
    pub(crate) decision: Decision,
    pub(crate) comment: Option<String>,
    pub(crate) updated_input: Option<JsonObject>,
    pub(crate) selected_pattern: Option<Pattern>,
    pub(crate) selected_scope: Option<Scope>,
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
pub(crate) async fn confirm(
    State(app): State<App>,
    Resolver(caller): Resolver,
    Json(body): Json<ConfirmBody>,
) -> Result<Response, Problem> {
    app.service.confirm(&caller, body.accept(&app.limits)?).await?;
    accepted()
}

impl ConfirmBody {
    /// Checks what no type says.
    pub(crate) fn accept(self, limits: &Limits) -> Result<Confirm, Problem> {
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
pub(crate) fn accepted() -> Result<Response, Problem> {
    ok(&Accepted { accepted: true })
}

/// That it was accepted.
#[derive(Serialize, ToSchema)]
pub(crate) struct Accepted {
    accepted: bool,
}
