//! What a person has just done: told to the script, or on the page that a form without one leads to.

use axum::http::HeaderMap;
use axum::http::header::ACCEPT;
use axum::response::{IntoResponse, Redirect, Response};
use serde::{Deserialize, Serialize};

use super::forms::link;
use crate::http::error::Problem;
use crate::http::extract::ok;

/// What was done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Done {
    Approved,
    Rejected,
    Answered,
    Sent,
    Declined,
    /// Put off.
    Snoozed,
    /// No longer put off.
    Back,
}

impl Done {
    /// The sentence; with a number where it was done to several.
    pub(super) fn said(self, count: Option<usize>) -> String {
        let word = match self {
            Self::Approved => "Approved",
            Self::Rejected => "Rejected",
            Self::Answered => "Answered",
            Self::Sent => "Sent",
            Self::Declined => "Declined",
            Self::Snoozed => "Snoozed",
            Self::Back => "Back",
        };
        count.map_or_else(|| format!("{word}."), |count| format!("{word}: {count}."))
    }

    /// The answer to a form that was carried out; `more` is what else there is to say of it.
    pub(super) fn answer(self, count: Option<usize>, more: &str, headers: &HeaderMap) -> Result<Response, Problem> {
        if headers.get(ACCEPT).is_some_and(|accept| accept == "application/json") {
            let message = [self.said(count).as_str(), more].join(" ").trim_end().to_owned();
            return ok(&FormResponse { message });
        }
        let (word, count) = (self.said(None).to_lowercase(), count.map(|count| count.to_string()));
        let word = word.trim_end_matches('.');
        Ok(Redirect::to(&link("/", &[("done", Some(word)), ("count", count.as_deref())])).into_response())
    }
}

/// A sentence for the script, which has the rows already.
#[derive(Serialize)]
struct FormResponse {
    message: String,
}
