//! `/history`: every interaction, newest first, each in a line.

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use serde::Deserialize;

use super::forms::{given, link};
use super::page::{Frame, html};
use super::session::Person;
use super::text::{AbsoluteTime, Markup, escape_untrusted};
use crate::domain::enums::{Kind, Outcome};
use crate::domain::interaction::{Record, ResolvedBy, Status};
use crate::http::App;
use crate::http::api::page::page;
use crate::http::error::Problem;
use crate::http::extract::Params;
use crate::present::resolver;
use crate::store::{CopyableQuery, Filter, List};

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Query {
    status: Option<String>,
    kind: Option<String>,
    tool_name: Option<String>,
    principal: Option<String>,
    conversation_id: Option<String>,
    cursor: Option<String>,
}

#[derive(Template)]
#[template(path = "web/history.html")]
struct HistoryPage {
    frame: Frame,
    filter: Filter,
    rows: Vec<Line>,
    /// Where the first page is, unless this is it.
    newest: Option<String>,
    /// Where the next page is, if there is one.
    older: Option<String>,
    sql: Markup,
}

/// An interaction in a line.
pub(super) struct Line {
    pub(super) request_id: String,
    pub(super) status: &'static str,
    pub(super) kind: Kind,
    pub(super) tool_name: Option<Markup>,
    pub(super) about: Headline,
    pub(super) registered_by: String,
    pub(super) conversation_id: Option<String>,
    pub(super) created_at: AbsoluteTime,
    pub(super) resolved: Option<(By, AbsoluteTime)>,
}

pub(super) async fn list(
    State(app): State<App>,
    person: Person,
    Params(query): Params<Query>,
) -> Result<Response, Problem> {
    let filter = query.filter()?;
    let at = query.cursor.as_deref().filter(|cursor| !cursor.is_empty());
    let rows = page(List::Interactions, None, at)?;
    let found = app.service.list(&person.principal, filter.clone(), rows).await?;
    let older = found.next.map(|cursor| link_to(&filter, Some(&cursor.text(List::Interactions))));
    html(&HistoryPage {
        frame: Frame::of(&person, "history"),
        rows: found.rows.iter().map(Line::from).collect(),
        newest: at.map(|_| link_to(&filter, None)),
        older,
        sql: escape_untrusted(&CopyableQuery::Interactions(&filter, rows).sql()),
        filter,
    })
}

impl Query {
    fn filter(&self) -> Result<Filter, Problem> {
        Ok(Filter {
            statuses: given("status", self.status.as_deref())?.into_iter().collect(),
            kind: given("kind", self.kind.as_deref())?,
            tool_name: given("toolName", self.tool_name.as_deref())?,
            registered_by: given("principal", self.principal.as_deref())?,
            conversation_id: given("conversationId", self.conversation_id.as_deref())?,
            ..Filter::default()
        })
    }
}

impl From<&Record> for Line {
    fn from(record: &Record) -> Self {
        let interaction = &record.interaction;
        Self {
            request_id: interaction.request_id.to_string(),
            status: interaction.status().as_str(),
            kind: interaction.kind,
            tool_name: interaction.tool_name.as_ref().map(|name| escape_untrusted(name.as_str())),
            about: record.body.content.summary().text.as_ref().into(),
            registered_by: interaction.registered_by.to_string(),
            conversation_id: interaction.conversation_id.as_ref().map(ToString::to_string),
            created_at: AbsoluteTime(interaction.created_at),
            resolved: interaction.resolution.as_ref().map(|found| (By::from(&found.by), AbsoluteTime(found.at))),
        }
    }
}

impl HistoryPage {
    /// What may be chosen as a status, and whether it is.
    fn statuses(&self) -> Vec<(&'static str, bool)> {
        let all = Outcome::ALL.iter().map(|outcome| Status::Resolved(*outcome));
        let all = std::iter::once(Status::Pending).chain(all);
        all.map(|status| (status.as_str(), self.filter.statuses.contains(&status))).collect()
    }

    /// What may be chosen as a kind, and whether it is.
    fn kinds(&self) -> Vec<(&'static str, bool)> {
        Kind::ALL.iter().map(|kind| (kind.as_str(), self.filter.kind == Some(*kind))).collect()
    }

    fn tool_name(&self) -> &str {
        self.filter.tool_name.as_ref().map_or("", |name| name.as_str())
    }

    fn principal(&self) -> &str {
        self.filter.registered_by.as_ref().map_or("", |name| name.as_str())
    }

    fn conversation_id(&self) -> &str {
        self.filter.conversation_id.as_ref().map_or("", |id| id.as_str())
    }
}

fn link_to(filter: &Filter, cursor: Option<&str>) -> String {
    let parameters = [
        ("status", filter.statuses.first().copied().map(Status::as_str)),
        ("kind", filter.kind.map(Kind::as_str)),
        ("toolName", filter.tool_name.as_ref().map(|name| name.as_str())),
        ("principal", filter.registered_by.as_ref().map(|name| name.as_str())),
        ("conversationId", filter.conversation_id.as_ref().map(|id| id.as_str())),
        ("cursor", cursor),
    ];
    link("/history", &parameters)
}

/// How many characters of a text a line shows. The whole of it is a link away.
const LONGEST: usize = 240;

/// The beginning of a text.
#[derive(Clone, Debug)]
pub(super) struct Headline {
    pub(super) text: Markup,
    /// How many characters there are beyond it.
    pub(super) left_out: usize,
}

impl From<&str> for Headline {
    fn from(text: &str) -> Self {
        let end = text.char_indices().nth(LONGEST).map_or(text.len(), |(end, _)| end);
        let (beginning, rest) = text.split_at(end);
        Self { text: escape_untrusted(beginning), left_out: rest.chars().count() }
    }
}

/// Who or what resolved an interaction.
#[derive(Clone, Debug)]
pub(super) struct By {
    /// After "by".
    pub(super) said: String,
    /// The rule, where it was one.
    pub(super) rule: Option<String>,
}

impl From<&ResolvedBy> for By {
    fn from(by: &ResolvedBy) -> Self {
        let rule = if let ResolvedBy::TrustRule(rule_id) = by { Some(rule_id.to_string()) } else { None };
        Self { said: resolver(by), rule }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_text_is_cut_at_a_character_and_says_how_much_is_missing() {
        let headline = Headline::from("é".repeat(LONGEST + 2).as_str());
        assert_eq!((headline.text.to_string(), headline.left_out), ("é".repeat(LONGEST), 2));
        assert_eq!(Headline::from("é").left_out, 0);
    }
}
