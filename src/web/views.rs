//! The queries that a person keeps under names: the links above a list, and the forms that keep and delete them.

use std::sync::Arc;

use askama::Template;
use axum::extract::State;
use axum::response::{IntoResponse, Redirect, Response};

use super::forms::{Form, link};
use super::session::{PageRejection, Person};
use crate::domain::query::Query;
use crate::domain::saved_view::ViewName;
use crate::http::App;
use crate::http::error::Problem;

/// The pages that have views.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum At {
    Queue,
    History,
}

impl At {
    const fn path(self) -> &'static str {
        match self {
            Self::Queue => "/",
            Self::History => "/history",
        }
    }

    const fn word(self) -> &'static str {
        match self {
            Self::Queue => "queue",
            Self::History => "history",
        }
    }
}

/// The views of a person on a page.
#[derive(Template)]
#[template(path = "web/views.html")]
pub(super) struct Views {
    base: Arc<str>,
    csrf: String,
    at: &'static str,
    views: Vec<Link>,
    /// The query that is shown, where no view has it.
    unkept: Option<String>,
}

struct Link {
    name: String,
    href: String,
    is_shown: bool,
}

impl Views {
    /// Those of a person on a page that shows what `typed` finds.
    pub(super) async fn of(app: &App, person: &Person, at: At, typed: &str) -> Result<Self, Problem> {
        let shown = typed.parse::<Query>().ok().filter(|query| !query.is_empty());
        let kept = app.service.views(&person.caller).await?;
        let is_kept = shown.as_ref().is_some_and(|shown| kept.iter().any(|view| view.query == *shown));
        let views = kept.into_iter().map(|view| Link {
            href: link(at.path(), &[("q", Some(&view.query.to_string()))]),
            is_shown: shown.as_ref() == Some(&view.query),
            name: view.name.to_string(),
        });
        Ok(Self {
            base: Arc::clone(&person.base),
            csrf: person.csrf(),
            at: at.word(),
            views: views.collect(),
            unkept: shown.filter(|_| !is_kept).map(|query| query.to_string()),
        })
    }
}

/// Keeps a query under a name.
pub(super) async fn keep(State(app): State<App>, form: Form) -> Result<Response, PageRejection> {
    let name = read::<ViewName>(&form, "name")?;
    let query = read::<Query>(&form, "q")?;
    if query.is_empty() {
        return Err(Problem::malformed_field("q", "a view has a query that asks for something").into());
    }
    let to = link(page_of(&form).path(), &[("q", Some(&query.to_string()))]);
    app.service.keep_view(&form.person.caller, name, query).await.map_err(Problem::from)?;
    Ok(Redirect::to(&to).into_response())
}

/// Deletes a view.
pub(super) async fn delete(State(app): State<App>, form: Form) -> Result<Response, PageRejection> {
    let name = read::<ViewName>(&form, "name")?;
    app.service.delete_view(&form.person.caller, name).await.map_err(Problem::from)?;
    Ok(Redirect::to(page_of(&form).path()).into_response())
}

fn read<T: std::str::FromStr<Err: Into<String>>>(form: &Form, name: &str) -> Result<T, Problem> {
    let typed = form.fields.get(name).unwrap_or_default().trim();
    typed.parse().map_err(|fault: T::Err| Problem::malformed_field(name, fault))
}

fn page_of(form: &Form) -> At {
    if form.fields.get("at") == Some(At::Queue.word()) { At::Queue } else { At::History }
}
