//! `/rules/new`: a person writes a rule, and sees what it would decide before anybody makes it.

use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use serde::Deserialize;

use super::decide::confirmation;
use super::form::Form;
use super::page::{Frame, html};
use super::query::given;
use super::rule_draft::Draft;
use super::rule_preview::Preview;
use super::session::{PageRejection, Person};
use super::text::{Markup, escape_untrusted};
use crate::domain::enums::{Kind, RiskLevel};
use crate::domain::id::{RequestId, ToolName};
use crate::domain::principal::Right;
use crate::domain::refused::Refused;
use crate::domain::trust_rule::Terms;
use crate::http::App;
use crate::http::error::Problem;
use crate::http::extract::Params;
use crate::service::RuleSource;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Query {
    /// Begin with what covers this confirmation.
    request_id: Option<String>,
}

#[derive(Template)]
#[template(path = "web/rule_editor.html")]
struct Page {
    frame: Frame,
    draft: Draft,
    /// What the draft began with.
    like: Option<Like>,
    preview: Option<Preview>,
}

/// The confirmation that a draft began with.
struct Like {
    request_id: RequestId,
    tool_name: Markup,
    subject: Markup,
    is_high_risk: bool,
    /// Whether its agent takes it that lasting rules are made of it.
    allows_rules: bool,
}

pub(super) async fn page(
    State(app): State<App>,
    person: Person,
    Params(query): Params<Query>,
) -> Result<Response, Problem> {
    let Some(request_id) = given::<RequestId>("requestId", query.request_id.as_deref())? else {
        return html(&Page { frame: Frame::of(&person, "rules"), draft: Draft::blank(), like: None, preview: None });
    };
    let record = app.service.get(&person.principal, &request_id).await?;
    if record.interaction.kind != Kind::Confirmation {
        return Err(Refused::RuleFromWrongKind { actual: record.interaction.kind }.into());
    }
    let asked = confirmation(&record)?;
    let mut draft = Draft::like(asked, &app.limits);
    let preview = match draft.read(&app.limits) {
        Some((tool_name, terms)) => Some(look_ahead(&app, &person, tool_name, terms).await?),
        None => None,
    };
    let like = Like {
        request_id,
        tool_name: escape_untrusted(asked.tool_name.as_str()),
        subject: escape_untrusted(&asked.subject_text()),
        is_high_risk: asked.risk_level == RiskLevel::High,
        allows_rules: asked.persistent_decisions_allowed,
    };
    html(&Page { frame: Frame::of(&person, "rules"), draft, like: Some(like), preview })
}

/// Changes nothing. The script asks for the part of the page that shows it; a browser without one for all of it.
pub(super) async fn preview(State(app): State<App>, form: Form) -> Result<Response, Problem> {
    let Form { person, fields } = form;
    let mut draft = Draft::sent(&fields);
    let preview = match draft.read(&app.limits) {
        Some((tool_name, terms)) => look_ahead(&app, &person, tool_name, terms).await?,
        None => Preview::of_faults(draft.faults()),
    };
    if fields.get("part").is_some() {
        return html(&preview);
    }
    html(&Page { frame: Frame::of(&person, "rules"), draft, like: None, preview: Some(preview) })
}

pub(super) async fn make(State(app): State<App>, form: Form) -> Result<Response, PageRejection> {
    let Form { person, fields } = form;
    person.principal.require(Right::Resolve).map_err(Problem::from)?;
    let mut draft = Draft::sent(&fields);
    let Some((tool_name, terms)) = draft.read(&app.limits) else {
        let page = Page { frame: Frame::of(&person, "rules"), draft, like: None, preview: None };
        return Ok((StatusCode::BAD_REQUEST, html(&page)?).into_response());
    };
    let source = RuleSource::Own(tool_name);
    let made = app.service.make_trust_rule(&person.principal, source, terms, draft.apply_to_pending).await;
    let rule_id = made.map_err(Problem::from)?.rule.rule_id;
    Ok(Redirect::to(&format!("/rules/{rule_id}")).into_response())
}

async fn look_ahead(app: &App, person: &Person, tool_name: ToolName, terms: Terms) -> Result<Preview, Problem> {
    let decision = terms.decision;
    let preview = app.service.preview_trust_rule(&person.principal, RuleSource::Own(tool_name), terms).await?;
    Ok(Preview::of(decision, &preview)?)
}
