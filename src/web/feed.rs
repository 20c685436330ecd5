//! `/feed`: tells the script what has changed, so that it asks for those rows again.

use axum::extract::State;
use axum::response::Response;
use axum::response::sse::Event;
use futures_util::stream::{self, StreamExt};
use serde_json::json;

use super::session::{PageRejection, Person};
use crate::domain::audit::AuditEvent;
use crate::http::App;
use crate::http::api::events::unbuffered;
use crate::http::error::Problem;
use crate::http::extract::NoQuery;

/// First `hello`, from which on nothing is missed, with the newest event before it: where the page does not know of that, the
/// script looks at the queue. After that each event, by its name; and `ended` once the session is.
pub(super) async fn feed(State(app): State<App>, person: Person, NoQuery: NoQuery) -> Result<Response, PageRejection> {
    let from = app.service.last_event(&person.caller).await.map_err(Problem::from)?;
    let hello = stream::once(async move { Ok(Event::default().event("hello").data(json!({"seq": from}).to_string())) });
    let pages = stream::unfold(Some((app, person, from)), |following| async move {
        let (app, person, seq) = following?;
        let (events, next) = match app.service.events_after(&person.caller, seq).await {
            Ok(found) => found?,
            Err(error) => {
                error.log("a feed of the inbox ended");
                return None;
            }
        };
        // The feed ends with its session: after a log-out, or when the token is revoked.
        if app.service.check_caller(&person.caller).await.is_err() {
            return Some((vec![Ok(Event::default().event("ended").data("{}"))], None));
        }
        let changes = events.iter().filter_map(event).map(Ok).collect::<Vec<_>>();
        Some((changes, Some((app, person, next))))
    });
    Ok(unbuffered(hello.chain(pages.flat_map(stream::iter))))
}

/// What the script needs: which interaction, and whether it is new.
fn event(event: &AuditEvent) -> Option<Event> {
    let request_id = event.request_id.as_ref()?;
    let change = json!({"requestId": request_id, "event": event.event, "seq": event.seq});
    Event::default().event("changed").json_data(change).ok()
}
