//! Interactions and trust rules as everyone sees them.

use serde::{Deserialize, Serialize};
use serde_json::value::{RawValue, to_raw_value};
use utoipa::ToSchema;

use crate::clock::Timestamp;
use crate::domain::content::{Confirmation, SecretRequest};
use crate::domain::enums::{Decision, Delivery, Kind, Outcome, RuleDecision, RuleStatus, RunOutcome};
use crate::domain::id::{ClaimId, ConversationId, PrincipalName, RequestId, RuleId, RuleName};
use crate::domain::interaction::{Record, Resolution, ResolvedBy, Status};
use crate::domain::question::{Question, Response};
use crate::domain::traceparent::Traceparent;
use crate::domain::trust_rule::{RuleUse, TrustRule};
use crate::store::Error as StoreError;

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct InteractionView<'a> {
    request_id: &'a RequestId,
    kind: Kind,
    #[schema(value_type = Status)]
    status: &'static str,
    conversation_id: Option<&'a ConversationId>,
    registered_by: &'a PrincipalName,
    created_at: Timestamp,
    expires_at: Option<Timestamp>,
    resolved_at: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    traceparent: Option<&'a Traceparent>,
    #[schema(value_type = Object)]
    metadata: &'a RawValue,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Confirmation>)]
    confirmation: Option<&'a RawValue>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<SecretRequest>)]
    secret: Option<&'a RawValue>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Question>)]
    question: Option<&'a RawValue>,
    resolution: Option<ResolutionView<'a>>,
    claim: Option<ClaimView<'a>>,
}

/// One shape a kind; `resolvedBy` is in all of them.
#[derive(Serialize, ToSchema)]
#[serde(untagged)]
enum ResolutionView<'a> {
    #[serde(rename_all = "camelCase")]
    Confirmation {
        decision: Option<Decision>,
        resolved_by: &'a ResolvedBy,
        comment: Option<&'a str>,
        #[schema(value_type = Option<Object>)]
        effective_input: Option<&'a RawValue>,
        effective_input_digest: Option<&'a str>,
        #[serde(skip_serializing_if = "Option::is_none")]
        trust_rules: Option<&'a [RuleUse]>,
    },
    #[serde(rename_all = "camelCase")]
    Secret { resolved_by: &'a ResolvedBy, delivery: Option<Delivery> },
    #[serde(rename_all = "camelCase")]
    Question { resolved_by: &'a ResolvedBy, responses: Option<&'a [Response]> },
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct ClaimView<'a> {
    claim_id: &'a ClaimId,
    claimed_at: Timestamp,
    outcome: Option<RunOutcome>,
    detail: Option<&'a str>,
    outcome_at: Option<Timestamp>,
}

/// The part of a confirmation that its resolution repeats.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Proposed<'a> {
    #[serde(borrow)]
    input: &'a RawValue,
    input_digest: &'a str,
}

/// An interaction, as JSON.
pub(crate) fn interaction(record: &Record) -> Result<Box<RawValue>, StoreError> {
    let corrupt =
        |_| StoreError::Corrupt { table: "interaction_bodies", key: record.interaction.request_id.to_string() };
    let interaction = &record.interaction;
    let body = serde_json::from_str::<&RawValue>(&record.body.json).map_err(corrupt)?;
    let body_of = |kind| (interaction.kind == kind).then_some(body);
    let resolution = interaction.resolution.as_ref();
    let view = InteractionView {
        request_id: &interaction.request_id,
        kind: interaction.kind,
        status: interaction.status().as_str(),
        conversation_id: interaction.conversation_id.as_ref(),
        registered_by: &interaction.registered_by,
        created_at: interaction.created_at,
        expires_at: interaction.expires_at,
        resolved_at: resolution.map(|resolution| resolution.at),
        traceparent: record.body.traceparent.as_ref(),
        metadata: serde_json::from_str(&record.body.metadata).map_err(corrupt)?,
        confirmation: body_of(Kind::Confirmation),
        secret: body_of(Kind::Secret),
        question: body_of(Kind::Question),
        resolution: resolution
            .map(|found| resolution_view(interaction.kind, found, body))
            .transpose()
            .map_err(corrupt)?,
        claim: record.claim.as_ref().map(|claim| ClaimView {
            claim_id: &claim.claim_id,
            claimed_at: claim.claimed_at,
            outcome: claim.report.as_ref().map(|report| report.outcome),
            detail: claim.report.as_ref().and_then(|report| report.detail.as_deref()),
            outcome_at: claim.report.as_ref().map(|report| report.at),
        }),
    };
    to_raw_value(&view).map_err(corrupt)
}

fn resolution_view<'a>(
    kind: Kind,
    resolution: &'a Resolution,
    body: &'a RawValue,
) -> serde_json::Result<ResolutionView<'a>> {
    let Resolution { by: resolved_by, detail, .. } = resolution;
    Ok(match kind {
        Kind::Confirmation => {
            let effective = match (resolution.outcome, &detail.updated_input, &detail.updated_input_digest) {
                (Outcome::Approved, Some(input), Some(digest)) => {
                    Some((serde_json::from_str(input.text())?, digest.as_str()))
                }
                (Outcome::Approved, _, _) => {
                    let proposed: Proposed<'a> = serde_json::from_str(body.get())?;
                    Some((proposed.input, proposed.input_digest))
                }
                _ => None,
            };
            ResolutionView::Confirmation {
                decision: resolution.decision(),
                resolved_by,
                comment: detail.comment.as_deref(),
                effective_input: effective.map(|(input, _)| input),
                effective_input_digest: effective.map(|(_, digest)| digest),
                trust_rules: detail.trust_rules.as_deref(),
            }
        }
        Kind::Secret => ResolutionView::Secret { resolved_by, delivery: detail.delivery },
        Kind::Question => ResolutionView::Question { resolved_by, responses: detail.responses.as_deref() },
    })
}

/// A trust rule, as everyone sees it.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct TrustRuleView<'a> {
    rule_id: &'a RuleId,
    name: Option<&'a RuleName>,
    revision: u64,
    kind: Kind,
    #[schema(value_type = RuleStatus)]
    status: &'static str,
    tool_name: &'a str,
    pattern: &'a str,
    scope: &'a str,
    #[schema(value_type = RuleDecision)]
    decision: &'static str,
    allow_high_risk: bool,
    created_at: Timestamp,
    created_by: &'a PrincipalName,
    created_from: Option<&'a RequestId>,
    expires_at: Option<Timestamp>,
    max_uses: Option<u64>,
    use_count: u64,
    last_used_at: Option<Timestamp>,
    revoked_at: Option<Timestamp>,
    revoked_by: Option<&'a PrincipalName>,
}

impl<'a> From<&'a TrustRule> for TrustRuleView<'a> {
    fn from(rule: &'a TrustRule) -> Self {
        Self {
            rule_id: &rule.rule_id,
            name: rule.name.as_ref(),
            revision: rule.revision,
            kind: Kind::Confirmation,
            status: rule.status.as_str(),
            tool_name: rule.tool_name.as_str(),
            pattern: rule.terms.pattern.as_str(),
            scope: rule.terms.scope.as_str(),
            decision: rule.terms.decision.as_str(),
            allow_high_risk: rule.terms.allow_high_risk,
            created_at: rule.created_at,
            created_by: &rule.created_by,
            created_from: rule.created_from.as_ref(),
            expires_at: rule.expires_at,
            max_uses: rule.terms.max_uses,
            use_count: rule.use_count,
            last_used_at: rule.last_used_at,
            revoked_at: rule.revoked.as_ref().map(|(at, _)| *at),
            revoked_by: rule.revoked.as_ref().map(|(_, by)| by),
        }
    }
}
