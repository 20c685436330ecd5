//! `/rules`: trust rules, one rule with its events, and revoking it.

use askama::Template;
use axum::extract::State;
use axum::response::{IntoResponse, Redirect, Response};
use serde::Deserialize;

use super::forms::{Form, given, link};
use super::interaction::EventLine;
use super::page::{Frame, html};
use super::session::{PageRejection, Person};
use super::sql::Sql;
use super::text::{AbsoluteTime, Markup, escape_untrusted};
use crate::domain::enums::{RuleDecision, RuleStatus};
use crate::domain::id::RuleId;
use crate::domain::principal::Right;
use crate::domain::text::PlainText;
use crate::domain::trust_rule::{Parts, TrustRule};
use crate::http::App;
use crate::http::api::page::page;
use crate::http::error::Problem;
use crate::http::extract::{NoQuery, Param, Params};
use crate::present::{COVERS_LESS, rule_parts};
use crate::store::{CopyableQuery, EventFilter, List, Page as Rows, RuleFilter};

/// How many of the latest events about a rule its page shows.
const EVENTS: u32 = 50;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Query {
    q: Option<String>,
    status: Option<String>,
    tool_name: Option<String>,
    cursor: Option<String>,
}

#[derive(Template)]
#[template(path = "web/rules.html")]
struct RulesPage {
    frame: Frame,
    filter: RuleFilter,
    rules: Vec<RuleView>,
    /// Where the first page is, unless this is it.
    newest: Option<String>,
    /// Where the next page is, if there is one.
    older: Option<String>,
}

pub(super) async fn list(
    State(app): State<App>,
    person: Person,
    Params(query): Params<Query>,
) -> Result<Response, Problem> {
    let filter = RuleFilter {
        status: given("status", query.status.as_deref())?,
        tool_name: given("toolName", query.tool_name.as_deref())?,
        text: given::<PlainText>("q", query.q.as_deref())?,
        ..RuleFilter::default()
    };
    let at = query.cursor.as_deref().filter(|cursor| !cursor.is_empty());
    let rows = page(List::TrustRules, None, at)?;
    let found = app.service.trust_rules(filter.clone(), rows).await?;
    let older = found.next.map(|cursor| link_to(&filter, Some(&cursor.text(List::TrustRules))));
    html(&RulesPage {
        frame: Frame::of(&person, "rules"),
        rules: found.rows.iter().map(RuleView::from).collect(),
        newest: at.map(|_| link_to(&filter, None)),
        older,
        filter,
    })
}

fn link_to(filter: &RuleFilter, cursor: Option<&str>) -> String {
    let parameters = [
        ("q", filter.text.as_ref().map(PlainText::as_str)),
        ("status", filter.status.map(RuleStatus::as_str)),
        ("toolName", filter.tool_name.as_ref().map(|name| name.as_str())),
        ("cursor", cursor),
    ];
    link("/rules", &parameters)
}

impl RulesPage {
    /// What may be chosen as a status, and whether it is.
    fn statuses(&self) -> Vec<(&'static str, bool)> {
        RuleStatus::ALL.iter().map(|status| (status.as_str(), self.filter.status == Some(*status))).collect()
    }

    fn text(&self) -> &str {
        self.filter.text.as_ref().map(PlainText::as_str).unwrap_or_default()
    }

    /// Whether not all rules are asked for.
    fn is_filtered(&self) -> bool {
        let RuleFilter { status, tool_name, text, .. } = &self.filter;
        status.is_some() || tool_name.is_some() || text.is_some()
    }

    fn tool_name(&self) -> &str {
        self.filter.tool_name.as_ref().map_or("", |name| name.as_str())
    }
}

#[derive(Template)]
#[template(path = "web/rule_page.html")]
struct RulePage {
    frame: Frame,
    rule: RuleView,
    /// The latest first.
    events: Vec<EventLine>,
    /// Whether there may be earlier ones.
    is_cut: bool,
    sql: Sql,
}

pub(super) async fn get(
    State(app): State<App>,
    person: Person,
    Param(rule_id): Param<RuleId>,
    NoQuery: NoQuery,
) -> Result<Response, Problem> {
    let rule = app.service.trust_rule(&rule_id).await?;
    let sql = Sql::of(&app, &CopyableQuery::HitsOf(&rule_id));
    let filter = EventFilter { rule_id: Some(rule_id), ..EventFilter::default() };
    let history = app.service.audit_events(&person.caller, filter, Rows { before: None, limit: EVENTS }).await?;
    html(&RulePage {
        frame: Frame::of(&person, "rules"),
        events: history.rows.iter().map(EventLine::from).collect(),
        is_cut: history.next.is_some(),
        sql,
        rule: RuleView::from(&rule),
    })
}

pub(super) async fn revoke(
    State(app): State<App>,
    Param(rule_id): Param<RuleId>,
    form: Form,
) -> Result<Response, PageRejection> {
    let principal = &form.person.caller;
    principal.require(Right::Resolve).map_err(Problem::from)?;
    app.service.revoke_trust_rule(principal, &rule_id).await.map_err(Problem::from)?;
    Ok(Redirect::to(&format!("/rules/{rule_id}")).into_response())
}

/// A trust rule, as pages show it.
pub(super) struct RuleView {
    pub(super) rule_id: String,
    pub(super) name: Option<String>,
    pub(super) revision: u64,
    pub(super) status: RuleStatus,
    pub(super) decision: RuleDecision,
    pub(super) tool_name: Markup,
    pub(super) pattern: Markup,
    pub(super) scope: Markup,
    /// What it says besides, by name.
    pub(super) parts: Vec<(Markup, Markup)>,
    /// The agent whose requests alone it decides.
    pub(super) agent: Option<String>,
    pub(super) reason: Option<Markup>,
    pub(super) covers_less: Option<&'static str>,
    pub(super) allow_high_risk: bool,
    pub(super) use_count: u64,
    pub(super) max_uses: Option<u64>,
    pub(super) last_used_at: Option<AbsoluteTime>,
    pub(super) created_at: AbsoluteTime,
    pub(super) created_by: String,
    pub(super) created_from: Option<String>,
    pub(super) expires_at: Option<AbsoluteTime>,
    pub(super) revoked: Option<(AbsoluteTime, String)>,
}

impl From<&TrustRule> for RuleView {
    fn from(rule: &TrustRule) -> Self {
        let Parts { members, agent, execution_target } = &rule.terms.parts;
        let parts = rule_parts(members, agent.as_ref(), *execution_target).into_iter();
        Self {
            parts: parts.map(|(name, value)| (escape_untrusted(&name), escape_untrusted(&value))).collect(),
            reason: rule.terms.reason.as_ref().map(|reason| escape_untrusted(reason.as_str())),
            covers_less: rule.covers_less().then_some(COVERS_LESS),
            agent: agent.as_ref().map(ToString::to_string),
            rule_id: rule.rule_id.to_string(),
            name: rule.name.as_ref().map(ToString::to_string),
            revision: rule.revision,
            status: rule.status,
            decision: rule.terms.decision,
            tool_name: escape_untrusted(rule.tool_name.as_str()),
            pattern: escape_untrusted(rule.terms.pattern.as_str()),
            scope: escape_untrusted(rule.terms.scope.as_str()),
            allow_high_risk: rule.terms.allow_high_risk,
            use_count: rule.use_count,
            max_uses: rule.terms.max_uses,
            last_used_at: rule.last_used_at.map(AbsoluteTime),
            created_at: AbsoluteTime(rule.created_at),
            created_by: rule.created_by.to_string(),
            created_from: rule.created_from.as_ref().map(ToString::to_string),
            expires_at: rule.expires_at.map(AbsoluteTime),
            revoked: rule.revoked.as_ref().map(|(at, by)| (AbsoluteTime(*at), by.to_string())),
        }
    }
}

impl RuleView {
    /// Whether it approves: only then the risk matters.
    pub(super) fn is_allowing(&self) -> bool {
        self.decision == RuleDecision::Allow
    }

    /// What it says besides, but for the agent.
    pub(super) fn members(&self) -> impl Iterator<Item = &(Markup, Markup)> {
        self.parts.iter().filter(|(name, _)| name.to_string() != "agent")
    }

    /// Whether it can be taken back.
    pub(super) fn is_active(&self) -> bool {
        self.status == RuleStatus::Active
    }
}
