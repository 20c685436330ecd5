//! `/interactions/{requestId}/snooze`: a request is put off, for the person who looks alone.

use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;

use super::done::Done;
use super::forms::Form;
use super::session::PageRejection;
use crate::domain::id::RequestId;
use crate::http::App;
use crate::http::error::Problem;
use crate::http::extract::Param;

/// The longest that a request is put off, in minutes: a week.
const LONGEST: u64 = 7 * 24 * 60;

/// Puts it off for so many minutes; none bring it back.
pub(super) async fn snooze(
    State(app): State<App>,
    Param(request_id): Param<RequestId>,
    headers: HeaderMap,
    form: Form,
) -> Result<Response, PageRejection> {
    let minutes = form.fields.get("minutes").and_then(|typed| typed.parse::<u64>().ok());
    let minutes = minutes.filter(|minutes| *minutes <= LONGEST);
    let minutes =
        minutes.ok_or_else(|| Problem::malformed_field("minutes", format!("From 0 to {LONGEST} minutes.")))?;
    app.service.snooze(&form.person.caller, &request_id, minutes * 60 * 1000).await.map_err(Problem::from)?;
    let done = if minutes == 0 { Done::Back } else { Done::Snoozed };
    Ok(done.answer(None, "", &headers)?)
}
