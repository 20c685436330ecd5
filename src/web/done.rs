//! What a form is answered with: the queue again, or to the script, which has the cards already, a sentence.

use axum::http::header::ACCEPT;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Redirect, Response};
use serde::Serialize;

use crate::http::error::Problem;
use crate::http::extract::answer;

/// That something was done.
#[derive(Serialize)]
pub(super) struct FormResponse {
    message: String,
}

impl FormResponse {
    pub(super) fn new(message: impl Into<String>) -> Self {
        Self { message: message.into() }
    }

    /// The answer to who sent the form.
    pub(super) fn answer(&self, headers: &HeaderMap) -> Result<Response, Problem> {
        if headers.get(ACCEPT).is_some_and(|accept| accept == "application/json") {
            return answer(StatusCode::OK, self);
        }
        Ok(Redirect::to("/").into_response())
    }
}
