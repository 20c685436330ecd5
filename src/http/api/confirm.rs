//! `POST /v1/confirm`.

use axum::extract::State;
use axum::response::Response;

use crate::api::{Accepted, ConfirmBody, Warning};
use crate::config::Limits;
use crate::domain::trust_rule::NamedParts;
use crate::http::App;
use crate::http::error::Problem;
use crate::http::extract::{Json, ok};
use crate::http::middleware::auth::Resolver;
use crate::service::{Confirm, Selected};

pub(crate) async fn confirm(
    State(app): State<App>,
    Resolver(caller): Resolver,
    Json(body): Json<ConfirmBody>,
) -> Result<Response, Problem> {
    let warnings = app.service.confirm(&caller, command(body, &app.limits)?).await?;
    ok(&Accepted { accepted: true, warnings: Warning::list(&warnings) })
}

/// The use case's command, from a body that is checked here.
pub(crate) fn command(body: ConfirmBody, limits: &Limits) -> Result<Confirm, Problem> {
    body.check(&limits.bodies())?;
    Ok(Confirm {
        request_id: body.request_id,
        decision: body.decision,
        comment: body.comment,
        updated_input: body.updated_input,
        selected: body.selected_pattern.zip(body.selected_scope).map(|(pattern, scope)| Selected {
            pattern,
            scope,
            named: NamedParts {
                members: body.selected_members,
                agent: body.selected_agent,
                execution_target: body.selected_execution_target,
            },
        }),
        acknowledged: body.acknowledged.unwrap_or_default(),
        must_acknowledge: false,
        alike: None,
    })
}

/// The answer to every other resolution that was accepted.
pub(crate) fn accepted() -> Result<Response, Problem> {
    ok(&Accepted { accepted: true, warnings: None })
}
