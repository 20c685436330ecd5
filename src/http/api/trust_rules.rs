//! `/v1/trust-rules` and what is below it.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use utoipa::{IntoParams, ToSchema};

use super::page::{cursor, page};
use super::view::{self, TrustRuleView};
use crate::config::Limits;
use crate::domain::bounded::{LifetimeMs, Uses};
use crate::domain::enums::{RuleDecision, RuleStatus};
use crate::domain::id::{RequestId, RuleId, ToolName};
use crate::domain::pattern::{Pattern, Scope};
use crate::domain::trust_rule::Terms;
use crate::http::App;
use crate::http::error::Problem;
use crate::http::extract::{Json, NoQuery, Param, Params, answer, ok};
use crate::http::middleware::auth::{Resolver, Reviewer};
use crate::service::{Previewed, RuleSource};
use crate::store::RuleFilter;

#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct RuleBody {
    request_id: Option<RequestId>,
    tool_name: Option<ToolName>,
    pattern: Pattern,
    scope: Scope,
    decision: RuleDecision,
    #[serde(default)]
    allow_high_risk: bool,
    #[schema(inline)]
    expires_in_ms: Option<LifetimeMs>,
    #[schema(inline)]
    max_uses: Option<Uses>,
    #[serde(default)]
    apply_to_pending: bool,
}

#[utoipa::path(
    post,
    path = "/v1/trust-rules",
    operation_id = "makeTrustRule",
    tag = "trust rules",
    summary = "Makes a rule, from what a pending confirmation offers or of one's own",
    request_body = RuleBody,
    responses(
        (status = 201, body = Made, description = "It is new"),
        (status = 200, body = Made, description = "The rule that stands already"),
        (status = 404, body = Problem, description = "`unknown_request`, `wrong_kind`, `already_resolved`, `expired`: retire the card"),
        (status = 409, body = Problem, description = "`wrong_kind`: that interaction is no confirmation"),
    )
)]
pub(crate) async fn make(
    State(app): State<App>,
    Resolver(caller): Resolver,
    Json(body): Json<RuleBody>,
) -> Result<Response, Problem> {
    let apply_to_pending = body.apply_to_pending;
    let (source, terms) = body.accept(&app.limits)?;
    let made = app.service.make_trust_rule(&caller, source, terms, apply_to_pending).await?;
    let status = if made.is_new { StatusCode::CREATED } else { StatusCode::OK };
    let trust_rule = TrustRuleView::from(&made.rule);
    let resolved = apply_to_pending.then_some(made.resolved.as_slice());
    answer(status, &Made { accepted: true, trust_rule, resolved })
}

#[utoipa::path(
    post,
    path = "/v1/trust-rules/preview",
    operation_id = "previewTrustRule",
    tag = "trust rules",
    summary = "Shows what a rule would have decided; nothing is stored",
    request_body = RuleBody,
    responses(
        (status = 200, body = PreviewView, description = "Of the latest confirmations, and of what is pending"),
        (status = 404, body = Problem, description = "`unknown_request`, `wrong_kind`, `already_resolved`, `expired`: retire the card"),
        (status = 409, body = Problem, description = "`wrong_kind`"),
    )
)]
pub(crate) async fn preview(
    State(app): State<App>,
    Reviewer(caller): Reviewer,
    Json(body): Json<RuleBody>,
) -> Result<Response, Problem> {
    let (source, terms) = body.accept(&app.limits)?;
    let preview = app.service.preview_trust_rule(&caller, source, terms).await?;
    let Previewed { contradicted, approved, rejected, by_rules, unanswered, pending } = preview.counts;
    let decided = preview.contradicted.records.iter().chain(&preview.decided.records);
    ok(&PreviewView {
        examined: preview.examined,
        decided: decided.map(view::interaction).collect::<Result<_, _>>()?,
        pending: preview.pending.records.iter().map(view::interaction).collect::<Result<_, _>>()?,
        counts: Counts { contradicted, approved, rejected, by_rules, unanswered, pending },
        truncated: preview.truncated,
    })
}

/// A rule that was made, or stands already; and what it has resolved, where it was to.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct Made<'a> {
    accepted: bool,
    trust_rule: TrustRuleView<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    resolved: Option<&'a [RequestId]>,
}

/// How many of the latest confirmations were looked at, which of them the rule would have decided, those first that a
/// person had decided the other way round, and what is pending that it would decide.
#[derive(Serialize, ToSchema)]
struct PreviewView {
    examined: usize,
    #[schema(value_type = Vec<view::InteractionView<'static>>)]
    decided: Vec<Box<RawValue>>,
    #[schema(value_type = Vec<view::InteractionView<'static>>)]
    pending: Vec<Box<RawValue>>,
    counts: Counts,
    truncated: bool,
}

/// See [`Previewed`].
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct Counts {
    contradicted: usize,
    approved: usize,
    rejected: usize,
    by_rules: usize,
    unanswered: usize,
    pending: usize,
}

impl RuleBody {
    fn accept(self, limits: &Limits) -> Result<(RuleSource, Terms), Problem> {
        check_pattern_length("pattern", self.pattern.as_str().len(), limits)?;
        check_pattern_length("scope", self.scope.as_str().len(), limits)?;
        let source = match (self.request_id, self.tool_name) {
            (Some(_), None) if self.decision == RuleDecision::Ask => {
                return Err(Problem::malformed_field("decision", "a rule made from a request allows or denies"));
            }
            (Some(request_id), None) => RuleSource::Request(request_id),
            (None, Some(tool_name)) => RuleSource::Own(tool_name),
            (Some(_), Some(_)) => {
                let message = "give requestId or toolName, not both: a request has its tool";
                return Err(Problem::malformed_field("toolName", message));
            }
            (None, None) => {
                return Err(Problem::malformed_field("toolName", "a rule of one's own names its toolName"));
            }
        };
        let terms = Terms {
            pattern: self.pattern,
            scope: self.scope,
            decision: self.decision,
            allow_high_risk: self.allow_high_risk,
            lifetime_ms: self.expires_in_ms.map(LifetimeMs::get),
            max_uses: self.max_uses.map(Uses::get),
        };
        Ok((source, terms))
    }
}

/// Refuses a pattern, or a scope, that is longer than they may be.
pub(crate) fn check_pattern_length(field: &str, bytes: usize, limits: &Limits) -> Result<(), Problem> {
    if bytes <= limits.max_pattern_bytes {
        return Ok(());
    }
    Err(Problem::malformed_field(
        field,
        format!("a pattern or scope is at most {} bytes long", limits.max_pattern_bytes),
    ))
}

#[derive(Deserialize, IntoParams)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct ListParams {
    status: Option<RuleStatus>,
    tool_name: Option<ToolName>,
    #[param(minimum = 1, maximum = 500)]
    limit: Option<u32>,
    #[param(pattern = "^[0-9a-z]{1,12}$")]
    cursor: Option<String>,
}

#[utoipa::path(
    get,
    path = "/v1/trust-rules",
    operation_id = "listTrustRules",
    tag = "trust rules",
    summary = "Lists rules, newest first",
    params(ListParams),
    responses(
        (status = 200, body = RuleList, description = "A page; go on until nextCursor is null"),
    )
)]
pub(crate) async fn list(
    State(app): State<App>,
    Reviewer(_): Reviewer,
    Params(params): Params<ListParams>,
) -> Result<Response, Problem> {
    let page = page(params.limit, params.cursor.as_deref())?;
    let found =
        app.service.trust_rules(RuleFilter { status: params.status, tool_name: params.tool_name }, page).await?;
    let last = found.last().filter(|_| found.len() >= page.limit as usize);
    let next = last.and_then(|(row, _)| cursor(*row));
    let trust_rules = found.iter().map(|(_, rule)| TrustRuleView::from(rule)).collect();
    ok(&RuleList { trust_rules, next_cursor: next })
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct RuleList<'a> {
    trust_rules: Vec<TrustRuleView<'a>>,
    next_cursor: Option<String>,
}

#[utoipa::path(
    get,
    path = "/v1/trust-rules/{ruleId}",
    operation_id = "getTrustRule",
    tag = "trust rules",
    summary = "Shows a rule",
    params(("ruleId" = RuleId, Path, description = "The rule")),
    responses(
        (status = 200, body = TrustRuleView, description = "As it stands"),
        (status = 404, body = Problem, description = "`unknown_rule`"),
    )
)]
pub(crate) async fn get(
    State(app): State<App>,
    Reviewer(_): Reviewer,
    Param(rule_id): Param<RuleId>,
    NoQuery: NoQuery,
) -> Result<Response, Problem> {
    ok(&TrustRuleView::from(&app.service.trust_rule(&rule_id).await?))
}

#[utoipa::path(
    delete,
    path = "/v1/trust-rules/{ruleId}",
    operation_id = "revokeTrustRule",
    tag = "trust rules",
    summary = "Takes a rule back for the very next registration",
    params(("ruleId" = RuleId, Path, description = "The rule")),
    responses(
        (status = 200, body = TrustRuleView, description = "As it now stands"),
        (status = 404, body = Problem, description = "`unknown_rule`"),
    )
)]
pub(crate) async fn revoke(
    State(app): State<App>,
    Resolver(caller): Resolver,
    Param(rule_id): Param<RuleId>,
    NoQuery: NoQuery,
) -> Result<Response, Problem> {
    ok(&TrustRuleView::from(&app.service.revoke_trust_rule(&caller, &rule_id).await?))
}
