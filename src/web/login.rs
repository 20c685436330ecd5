//! `/login` and `/logout`.

use askama::Template;
use axum::extract::State;
use axum::response::{IntoResponse, Redirect, Response};
use zeroize::Zeroizing;

use super::forms::{Form, LogIn};
use super::page::html;
use super::session::{PageRejection, Visit};
use crate::domain::refused::Refused;
use crate::http::App;
use crate::http::error::{LOGIN_FAILED, Problem};
use crate::http::extract::NoQuery;
use crate::service::{Credential, Error};

#[derive(Template)]
#[template(path = "web/login.html")]
struct LoginPage {
    /// Why the last try failed.
    problem: Option<&'static str>,
    base: String,
}

pub(super) async fn page(State(app): State<App>, visit: Visit, NoQuery: NoQuery) -> Result<Response, Problem> {
    if visit.person.is_some() {
        // With a fragment of its own, or a browser would keep the code in the address.
        return Ok(Redirect::to("/#").into_response());
    }
    html(&LoginPage { problem: None, base: app.http.base().to_owned() })
}

/// Takes what a link has behind its `#`, or a token.
pub(super) async fn log_in(
    State(app): State<App>,
    Visit { cookie, .. }: Visit,
    LogIn(fields): LogIn,
) -> Result<Response, Problem> {
    let Some(given) = fields.filled("credential").map(|text| Zeroizing::new(text.trim().to_owned())) else {
        return refused(&app, "Paste the code of a log-in link, or a token.");
    };
    match app.service.log_in(Credential::from(given)).await {
        Ok(pass) => Ok((cookie.set(&pass), Redirect::to("/")).into_response()),
        Err(Error::Refused(Refused::UsedLoginLink)) => {
            refused(&app, "This link has been used or is too old. `countersign login` makes another.")
        }
        Err(Error::Refused(Refused::UnknownToken)) => refused(&app, "This token is not known."),
        Err(Error::Refused(Refused::Forbidden { .. })) => {
            refused(&app, "This is an agent's token. The inbox is for people: approvers, auditors and admins.")
        }
        Err(error) => Err(error.into()),
    }
}

fn refused(app: &App, problem: &'static str) -> Result<Response, Problem> {
    let page = LoginPage { problem: Some(problem), base: app.http.base().to_owned() };
    Ok((LOGIN_FAILED, html(&page)?).into_response())
}

pub(super) async fn log_out(
    State(app): State<App>,
    Visit { cookie, .. }: Visit,
    form: Form,
) -> Result<Response, PageRejection> {
    app.service.log_out(form.person.session()).await.map_err(Problem::from)?;
    Ok((cookie.forget(), Redirect::to("/login")).into_response())
}
