//! The kinds of interaction on pages, one file each: what is asked, the form that answers it, and its details; and
//! one for what is forgotten. Here is what chooses among them.

pub(super) mod confirmation;
mod forgotten;
mod question;
mod secret;

use askama::Template;
use axum::middleware::map_response;
use axum::routing::post;

use self::confirmation::ConfirmationView;
use self::forgotten::ForgottenView;
use self::question::QuestionView;
use self::secret::SecretView;
use super::interaction::DetailRow;
use super::session::Person;
use super::text::Headline;
use crate::domain::enums::Kind;
use crate::domain::id::RequestId;
use crate::domain::interaction::{Detail, Record};
use crate::domain::kinds::Content;
use crate::domain::principal::Right;
use crate::domain::refused::Refused;
use crate::domain::tools::Profiles;
use crate::http::api::secret::close_connection;
use crate::http::error::Problem;
use crate::http::{App, Route};

/// Where the forms of cards are sent.
pub(super) const FORMS: &[(&str, Route)] = &[
    ("/interactions/{requestId}/decide", || post(confirmation::decide)),
    ("/interactions/{requestId}/secret", || post(secret::give).layer(map_response(close_connection))),
    ("/interactions/{requestId}/answer", || post(question::answer)),
];

/// How much of what is asked is shown.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Extent {
    /// All of it.
    Whole,
    /// The beginning of what is long.
    Beginning,
}

/// Where the form of a card is sent, and the word that it carries.
#[derive(Clone, Copy)]
pub(super) struct FormTarget<'a> {
    /// The path that the server is under.
    pub(super) base: &'a str,
    /// The interaction.
    pub(super) id: &'a str,
    /// Who asks.
    pub(super) who: &'a str,
    /// The session's own word.
    pub(super) csrf: &'a str,
}

/// What is asked, by kind.
pub(super) enum Asked {
    Confirmation(Box<ConfirmationView>),
    Secret(SecretView),
    Question(QuestionView),
    Forgotten(ForgottenView),
    /// What a long one is about.
    Headline(Headline),
}

impl Asked {
    /// What `record` asks, so much of it.
    pub(super) fn of(record: &Record, profiles: &Profiles, extent: Extent) -> Self {
        match &record.body.content {
            Content::Confirmation(asked) => Self::Confirmation(Box::new(ConfirmationView::of(asked, profiles, extent))),
            Content::Secret(_) | Content::Question(_) if extent == Extent::Beginning => {
                Self::Headline(record.body.content.summary().text.as_ref().into())
            }
            Content::Secret(asked) => Self::Secret(SecretView::of(asked)),
            Content::Question(asked) => Self::Question(QuestionView::of(asked)),
            Content::Forgotten(remains) => Self::Forgotten(ForgottenView::of(remains, record.forgetting.as_ref())),
        }
    }

    /// All of it, to be read.
    pub(super) fn shown(&self) -> askama::Result<String> {
        match self {
            Self::Confirmation(view) => view.render(),
            Self::Secret(view) => view.render(),
            Self::Question(view) => view.render(),
            Self::Forgotten(view) => view.render(),
            Self::Headline(about) => Ok(format!("<p>{}</p>", about.text)),
        }
    }

    /// The form that answers it; nothing where it is forgotten.
    pub(super) fn form(&self, target: FormTarget<'_>) -> askama::Result<String> {
        match self {
            Self::Confirmation(view) => view.form(target),
            Self::Secret(view) => view.form(target),
            Self::Question(view) => view.form(target),
            Self::Forgotten(_) | Self::Headline(_) => Ok(String::new()),
        }
    }

    /// What is seldom looked at, where there is such a thing.
    pub(super) fn details(&self) -> askama::Result<Option<String>> {
        self.confirmation().map(ConfirmationView::details).transpose()
    }

    /// Whether the form says all that is asked.
    pub(super) const fn is_all_in_its_form(&self) -> bool {
        matches!(self, Self::Question(_))
    }

    /// The confirmation, where it is one.
    pub(super) fn confirmation(&self) -> Option<&ConfirmationView> {
        if let Self::Confirmation(view) = self { Some(view) } else { None }
    }
}

/// What a request says beside what is asked.
pub(super) fn details(content: &Content) -> Vec<DetailRow> {
    match content {
        Content::Confirmation(asked) => confirmation::details(asked),
        Content::Secret(asked) => secret::details(asked),
        Content::Question(_) => Vec::new(),
        Content::Forgotten(remains) => forgotten::details(remains),
    }
}

/// What a resolution says beside who and when.
pub(super) fn answered(content: &Content, detail: &Detail) -> Vec<DetailRow> {
    match content {
        Content::Confirmation(_) => confirmation::answered(detail),
        Content::Secret(_) => secret::answered(detail),
        Content::Question(asked) => question::answered(asked, detail),
        Content::Forgotten(remains) => forgotten::answered(remains, detail),
    }
}

/// The interaction to resolve, if the person may; whether it is still pending is checked when it is resolved.
pub(super) async fn resolvable(
    app: &App,
    person: &Person,
    request_id: &RequestId,
    kind: Kind,
) -> Result<Record, Problem> {
    person.caller.require(Right::Resolve)?;
    let record = app.service.get(&person.caller, request_id).await?;
    if record.interaction.kind != kind {
        return Err(Refused::WrongKind { expected: kind, actual: record.interaction.kind }.into());
    }
    if record.forgetting.is_some() {
        return Err(Refused::Forgotten.into());
    }
    Ok(record)
}

const fn yes_or_no(is_so: bool) -> &'static str {
    if is_so { "yes" } else { "no" }
}
