//! `/settings`: of the person alone. Their sessions, each of which they can end, and what this browser keeps.

use askama::Template;
use axum::extract::State;
use axum::response::{IntoResponse, Redirect, Response};

use super::forms::Form;
use super::page::{Frame, html};
use super::session::{PageRejection, Person, Visit};
use super::text::AbsoluteTime;
use crate::domain::id::SessionId;
use crate::http::App;
use crate::http::error::Problem;
use crate::http::extract::{NoQuery, Param};

#[derive(Template)]
#[template(path = "web/settings.html")]
struct SettingsPage {
    frame: Frame,
    sessions: Vec<SessionView>,
}

struct SessionView {
    id: SessionId,
    created_at: AbsoluteTime,
    expires_at: AbsoluteTime,
    /// Its browser, else its id.
    which: String,
    /// Whether it is the one of the browser that asks.
    is_this: bool,
}

pub(super) async fn page(State(app): State<App>, person: Person, NoQuery: NoQuery) -> Result<Response, Problem> {
    let sessions = app.service.sessions(&person.caller, person.session()).await?.into_iter();
    let sessions = sessions.map(|(session, is_this)| SessionView {
        which: session.browser.unwrap_or_else(|| session.session_id.to_string()),
        id: session.session_id,
        created_at: AbsoluteTime(session.created_at),
        expires_at: AbsoluteTime(session.expires_at),
        is_this,
    });
    html(&SettingsPage { frame: Frame::of(&person, "settings"), sessions: sessions.collect() })
}

/// `POST /settings/sessions/{sessionId}/end`: logs one of the person's browsers out. A session of another person stays.
pub(super) async fn end_session(
    State(app): State<App>,
    Visit { cookie, .. }: Visit,
    Param(session_id): Param<SessionId>,
    form: Form,
) -> Result<Response, PageRejection> {
    let Form { person, .. } = form;
    app.service.end_session(&person.caller, session_id).await.map_err(Problem::from)?;
    if app.service.session(person.session()).await.map_err(Problem::from)?.is_none() {
        return Ok((cookie.forget(), Redirect::to("/login")).into_response());
    }
    Ok(Redirect::to("/settings").into_response())
}

/// `POST /settings/sessions/end`: logs all of the person's other browsers out.
pub(super) async fn end_other_sessions(State(app): State<App>, form: Form) -> Result<Response, PageRejection> {
    let Form { person, .. } = form;
    app.service.end_other_sessions(&person.caller, person.session()).await.map_err(Problem::from)?;
    Ok(Redirect::to("/settings").into_response())
}
