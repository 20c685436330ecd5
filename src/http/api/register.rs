//! `POST /v1/interactions`.

use axum::extract::State;
use axum::http::header::LOCATION;
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::Response;

use crate::api::{Call, Interaction, RegisterBody, Warning};
use crate::http::App;
use crate::http::error::Problem;
use crate::http::extract::{Json, answer};
use crate::http::middleware::auth::Registrant;
use crate::http::middleware::observe::traceparent;
use crate::service::{Register, Registered};

pub(crate) async fn register_interaction(
    State(app): State<App>,
    Registrant(caller): Registrant,
    headers: HeaderMap,
    Json(mut body): Json<RegisterBody>,
) -> Result<Response, Problem> {
    let register = Register {
        deadline: body.deadline()?,
        content: body.take_content(&app.limits.bodies())?,
        request_id: body.request_id,
        conversation_id: body.conversation_id,
        metadata: body.metadata,
        origin: body.origin,
        traceparent: traceparent(&headers),
        claim_within_ms: None,
    };
    let Registered { is_new, record, warnings } = app.service.register(&caller, register).await?;
    let status = if is_new { StatusCode::CREATED } else { StatusCode::OK };
    let location = Call::GetInteraction.path_with(&[record.interaction.request_id.as_str()]);
    let interaction = Interaction { warnings: Warning::list(&warnings), ..Interaction::from(record) };
    let mut response = answer(status, &interaction)?;
    if let (StatusCode::CREATED, Ok(location)) = (status, HeaderValue::from_str(&location)) {
        response.headers_mut().insert(LOCATION, location);
    }
    Ok(response)
}
