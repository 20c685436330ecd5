//! `/rules/new`: a person writes a rule, and sees what it would decide before it is made.

use askama::Template;
use askama::filters::HtmlSafe;
use axum::extract::State;
use axum::response::{IntoResponse, Redirect, Response};
use serde::Deserialize;

use super::forms::{Fields, Form, given};
use super::history::Line;
use super::kinds::confirmation::confirmation;
use super::page::{Frame, html};
use super::rule_draft::Draft;
use super::session::{PageRejection, Person};
use super::text::{Markup, escape_untrusted};
use crate::domain::enums::{Kind, RiskLevel, RuleDecision};
use crate::domain::id::{RequestId, ToolName};
use crate::domain::interaction::Record;
use crate::domain::principal::Right;
use crate::domain::refused::Refused;
use crate::domain::trust_rule::Terms;
use crate::http::App;
use crate::http::error::{FORM_AT_FAULT, Problem};
use crate::http::extract::Params;
use crate::service::{self, PreviewCounts, RuleSource};

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Query {
    /// Begin with what covers this confirmation.
    request_id: Option<String>,
}

#[derive(Template)]
#[template(path = "web/rule_editor.html")]
struct RuleEditorPage {
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
        return html(&RuleEditorPage {
            frame: Frame::of(&person, "rules"),
            draft: Draft::blank(),
            like: None,
            preview: None,
        });
    };
    let record = meant_for(&app, &person, &request_id).await?;
    let asked = confirmation(&record)?;
    let registered_by = &record.interaction.registered_by;
    let mut draft = Draft::like(asked, registered_by, app.service.profiles(), &app.limits);
    let preview = match draft.read(&app.limits) {
        Some((tool_name, terms)) => Some(look_ahead(&app, &person, tool_name, terms, Some(request_id)).await?),
        None => None,
    };
    html(&RuleEditorPage { frame: Frame::of(&person, "rules"), draft, like: Some(Like::of(&record)?), preview })
}

/// The confirmation that a rule is written for.
async fn meant_for(app: &App, person: &Person, request_id: &RequestId) -> Result<Record, Problem> {
    let record = app.service.get(&person.caller, request_id).await?;
    if record.interaction.kind != Kind::Confirmation {
        return Err(Refused::RuleFromWrongKind { actual: record.interaction.kind }.into());
    }
    if record.forgetting.is_some() {
        return Err(Refused::Forgotten.into());
    }
    Ok(record)
}

/// The confirmation that a form says its rule is for.
async fn sent_for(app: &App, person: &Person, fields: &Fields) -> Result<Option<Like>, Problem> {
    let Some(request_id) = given::<RequestId>("requestId", fields.filled("requestId"))? else { return Ok(None) };
    Like::of(&meant_for(app, person, &request_id).await?).map(Some)
}

impl Like {
    fn of(record: &Record) -> Result<Self, Problem> {
        let asked = confirmation(record)?;
        Ok(Self {
            request_id: record.interaction.request_id.clone(),
            tool_name: escape_untrusted(asked.tool_name.as_str()),
            subject: escape_untrusted(&asked.subject_text()),
            is_high_risk: asked.risk_level == RiskLevel::High,
            allows_rules: asked.persistent_decisions_allowed,
        })
    }
}

/// Changes nothing. The script asks for the part of the page that shows it; a browser without one for all of it.
pub(super) async fn preview(State(app): State<App>, form: Form) -> Result<Response, Problem> {
    let Form { person, fields } = form;
    let mut draft = Draft::sent(&fields);
    let like = sent_for(&app, &person, &fields).await?;
    let request_id = like.as_ref().map(|like| like.request_id.clone());
    let preview = match draft.read(&app.limits) {
        Some((tool_name, terms)) => look_ahead(&app, &person, tool_name, terms, request_id).await?,
        None => Preview::of_faults(Frame::of(&person, "rules"), draft.faults()),
    };
    if fields.get("part").is_some() {
        return html(&preview);
    }
    html(&RuleEditorPage { frame: Frame::of(&person, "rules"), draft, like, preview: Some(preview) })
}

pub(super) async fn make(State(app): State<App>, form: Form) -> Result<Response, PageRejection> {
    let Form { person, fields } = form;
    person.caller.require(Right::Resolve).map_err(Problem::from)?;
    let mut draft = Draft::sent(&fields);
    let Some((tool_name, terms)) = draft.read(&app.limits) else {
        let like = sent_for(&app, &person, &fields).await?;
        let page = RuleEditorPage { frame: Frame::of(&person, "rules"), draft, like, preview: None };
        return Ok((FORM_AT_FAULT, html(&page)?).into_response());
    };
    let source = RuleSource::Own(tool_name);
    let made = app.service.make_trust_rule(&person.caller, source, terms.into(), draft.apply_to_pending).await;
    let rule_id = made.map_err(Problem::from)?.rule.rule_id;
    Ok(Redirect::to(&format!("/rules/{rule_id}")).into_response())
}

async fn look_ahead(
    app: &App,
    person: &Person,
    tool_name: ToolName,
    terms: Terms,
    meant_for: Option<RequestId>,
) -> Result<Preview, Problem> {
    let decision = terms.decision;
    let source = RuleSource::Own(tool_name);
    let preview = app.service.preview_trust_rule(&person.caller, source, terms.into(), meant_for).await?;
    Ok(Preview::of(Frame::of(person, "rules"), decision, &preview))
}

/// How many lines a list has here. The numbers tell of all.
const LONGEST: usize = 20;

/// What is shown under the editor.
#[derive(Template)]
#[template(path = "web/rule_preview.html")]
pub(super) struct Preview {
    frame: Frame,
    /// What has to be put right before there is anything to show.
    faults: Vec<(&'static str, String)>,
    shown: Option<Shown>,
}

// The template escapes what is in it.
impl HtmlSafe for Preview {}

struct Shown {
    decision: RuleDecision,
    /// Whether it covers the request that it is for, where there is one, and if not why.
    covers: Option<Covered>,
    /// What waits and comes nearest to being decided by it: each with the reason why it is not.
    near_misses: Vec<(RequestId, Markup)>,
    examined: usize,
    /// How many of these it would have decided.
    decided: usize,
    counts: PreviewCounts,
    /// The most important first.
    lists: Vec<List>,
}

enum Covered {
    Yes,
    No(Markup),
}

struct List {
    title: &'static str,
    /// Whether it is a warning.
    is_warning: bool,
    lines: Vec<Line>,
    /// How many there are beyond these.
    more: usize,
}

impl Preview {
    /// Of a rule that cannot be read yet.
    pub(super) fn of_faults(frame: Frame, faults: Vec<(&'static str, &str)>) -> Self {
        let faults = faults.into_iter().map(|(label, fault)| (label, fault.to_owned())).collect();
        Self { frame, faults, shown: None }
    }

    /// Of a rule that decides this way.
    pub(super) fn of(frame: Frame, decision: RuleDecision, preview: &service::Preview) -> Self {
        let counts = preview.counts;
        let decided = counts.approved + counts.rejected + counts.by_rules + counts.unanswered;
        let contradicted = match decision {
            RuleDecision::Deny => "People had approved these",
            RuleDecision::Allow | RuleDecision::Ask => "People had rejected these",
        };
        let lists = [
            List::of(contradicted, &preview.contradicted.records, counts.contradicted, true),
            List::of("Waiting now", &preview.pending.records, counts.pending, false),
            List::of("The others, the latest first", &preview.decided.records, decided - counts.contradicted, false),
        ];
        let lists = lists.into_iter().filter(|list| !list.lines.is_empty() || list.more > 0).collect();
        let covers = preview.covers.as_ref().map(|covers| match &covers.why_not {
            None => Covered::Yes,
            Some(why_not) => Covered::No(escape_untrusted(&why_not.because)),
        });
        let meant_for = preview.covers.as_ref().map(|covers| &covers.request_id);
        let near_misses = preview.near_misses.iter().filter(|miss| Some(&miss.request_id) != meant_for);
        let near_misses = near_misses.map(|miss| (miss.request_id.clone(), escape_untrusted(&miss.why_not.because)));
        let near_misses = near_misses.collect();
        let examined = preview.examined;
        let shown = Shown { decision, covers, near_misses, examined, decided, counts, lists };
        Self { frame, faults: Vec::new(), shown: Some(shown) }
    }
}

impl List {
    fn of(title: &'static str, records: &[Record], count: usize, is_warning: bool) -> Self {
        let lines = records.iter().take(LONGEST).map(Line::from).collect::<Vec<_>>();
        let more = count.saturating_sub(lines.len());
        Self { title, is_warning, lines, more }
    }
}

impl Shown {
    /// What the rule does with what it covers.
    const fn would_have(&self) -> &'static str {
        match self.decision {
            RuleDecision::Allow => "approved",
            RuleDecision::Deny => "rejected",
            RuleDecision::Ask => "left to a person",
        }
    }
}
