//! `POST /v1/interactions/{requestId}/forget`: an admin has the content of an interaction wiped.

use axum::extract::State;
use axum::response::Response;

use crate::api::{Interaction, NoBody};
use crate::domain::id::RequestId;
use crate::http::App;
use crate::http::error::Problem;
use crate::http::extract::{OptionalJson, Param, ok};
use crate::http::middleware::auth::Forgetter;

pub(crate) async fn forget_interaction(
    State(app): State<App>,
    Forgetter(caller): Forgetter,
    Param(request_id): Param<RequestId>,
    OptionalJson(NoBody {}): OptionalJson<NoBody>,
) -> Result<Response, Problem> {
    ok(&Interaction::from(app.service.forget(&caller, &request_id).await?))
}
