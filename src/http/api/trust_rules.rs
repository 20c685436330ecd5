//! `/v1/trust-rules` and what is below it.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;

use super::page::{next_cursor, page};
use crate::api::{
    Covers, Interaction, ListTrustRules, MadeTrustRule, NearMiss, PreviewCounts, TrustRule, TrustRuleBody,
    TrustRuleList, TrustRulePreview, Warning, WithRaw,
};
use crate::config::Limits;
use crate::domain::id::RuleId;
use crate::domain::interaction::Record;
use crate::domain::trust_rule::NewTerms;
use crate::http::App;
use crate::http::error::Problem;
use crate::http::extract::{Json, NoQuery, Param, Params, answer, ok};
use crate::http::middleware::auth::{Resolver, Reviewer};
use crate::service::{self, RuleSource};
use crate::store::{List, RuleFilter};

pub(crate) async fn make_trust_rule(
    State(app): State<App>,
    Resolver(caller): Resolver,
    Json(body): Json<TrustRuleBody>,
) -> Result<Response, Problem> {
    let apply_to_pending = body.apply_to_pending;
    let (source, terms) = command(body, &app.limits)?;
    let made = app.service.make_trust_rule(&caller, source, terms, apply_to_pending).await?;
    let status = if made.is_new { StatusCode::CREATED } else { StatusCode::OK };
    let resolved = apply_to_pending.then_some(made.resolved);
    let warnings = Warning::list(&made.warnings);
    answer(status, &MadeTrustRule { accepted: true, trust_rule: made.rule.into(), resolved, warnings })
}

pub(crate) async fn preview_trust_rule(
    State(app): State<App>,
    Reviewer(caller): Reviewer,
    Json(body): Json<TrustRuleBody>,
) -> Result<Response, Problem> {
    let (source, terms) = command(body, &app.limits)?;
    let preview = app.service.preview_trust_rule(&caller, source, terms, None).await?;
    let service::PreviewCounts { contradicted, approved, rejected, by_rules, unanswered, pending } = preview.counts;
    let decided = preview.contradicted.records.into_iter().chain(preview.decided.records);
    ok(&TrustRulePreview {
        examined: preview.examined,
        decided: interactions(decided),
        pending: interactions(preview.pending.records),
        counts: PreviewCounts { contradicted, approved, rejected, by_rules, unanswered, pending },
        truncated: preview.truncated,
        covers: preview.covers.map(covers),
        near_misses: preview.near_misses.into_iter().map(near_miss).collect(),
    })
}

fn covers(service::Covers { request_id, why_not }: service::Covers) -> Covers {
    let covered = why_not.is_none();
    let (missed, because) = why_not.map_or((None, None), |why_not| (why_not.missed, Some(why_not.because)));
    Covers { request_id, covered, missed, because }
}

fn near_miss(service::NearMiss { request_id, why_not }: service::NearMiss) -> NearMiss {
    NearMiss { request_id, missed: why_not.missed, because: why_not.because }
}

fn interactions(records: impl IntoIterator<Item = Record>) -> Vec<WithRaw<Interaction>> {
    records.into_iter().map(|record| Interaction::from(record).into()).collect()
}

/// What a rule is made from and what it says, from a body that is checked here.
fn command(body: TrustRuleBody, limits: &Limits) -> Result<(RuleSource, NewTerms), Problem> {
    body.check(&limits.bodies())?;
    let terms = body.terms();
    match (body.request_id, body.tool_name) {
        (Some(request_id), _) => Ok((RuleSource::Request(request_id), terms)),
        (None, Some(tool_name)) => Ok((RuleSource::Own(tool_name), terms)),
        (None, None) => Err(Problem::internal()),
    }
}

pub(crate) async fn list_trust_rules(
    State(app): State<App>,
    Reviewer(_): Reviewer,
    Params(query): Params<ListTrustRules>,
) -> Result<Response, Problem> {
    let page = page(List::TrustRules, query.limit, query.cursor.as_deref())?;
    let filter = RuleFilter {
        status: query.status,
        tool_name: query.tool_name,
        name: query.name,
        id_prefix: query.id_prefix,
        text: None,
    };
    let found = app.service.trust_rules(filter, page).await?;
    let trust_rules = found.rows.into_iter().map(|rule| TrustRule::from(rule).into()).collect();
    ok(&TrustRuleList { trust_rules, next_cursor: next_cursor(List::TrustRules, found.next) })
}

pub(crate) async fn get_trust_rule(
    State(app): State<App>,
    Reviewer(_): Reviewer,
    Param(rule_id): Param<RuleId>,
    NoQuery: NoQuery,
) -> Result<Response, Problem> {
    ok(&TrustRule::from(app.service.trust_rule(&rule_id).await?))
}

pub(crate) async fn revoke_trust_rule(
    State(app): State<App>,
    Resolver(caller): Resolver,
    Param(rule_id): Param<RuleId>,
    NoQuery: NoQuery,
) -> Result<Response, Problem> {
    ok(&TrustRule::from(app.service.revoke_trust_rule(&caller, &rule_id).await?))
}
