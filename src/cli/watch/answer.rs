//! What a person has decided, on its way to the server.

use std::time::Duration;

use serde::Serialize;
use zeroize::Zeroizing;

use crate::client::wire::Accepted;
use crate::client::{Client, Error, Result, RetryPolicy};
use crate::domain::enums::{Decision, Delivery};
use crate::domain::id::RequestId;
use crate::domain::kinds::Response;
use crate::domain::pattern::{Pattern, Scope};

/// How long the server may be away before an answer is given up: it is the same however often it arrives.
const PATIENCE: RetryPolicy = RetryPolicy::new(Duration::from_secs(10));

/// One answer to one interaction.
#[derive(Clone)]
pub(super) enum Answer {
    /// To a confirmation, perhaps with a rule for the next ones.
    Confirm { decision: Decision, comment: Option<String>, rule: Option<(Pattern, Scope)> },
    /// To a request for a secret; without a value it is declined.
    Secret { value: Option<Zeroizing<String>>, delivery: Delivery },
    /// To a question.
    Responses(Vec<Response>),
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ConfirmBody<'a> {
    request_id: &'a RequestId,
    decision: Decision,
    #[serde(skip_serializing_if = "Option::is_none")]
    comment: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    selected_pattern: Option<&'a Pattern>,
    #[serde(skip_serializing_if = "Option::is_none")]
    selected_scope: Option<&'a Scope>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct SecretBody<'a> {
    request_id: &'a RequestId,
    #[serde(skip_serializing_if = "Option::is_none")]
    value: Option<&'a str>,
    delivery: Delivery,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ResponsesBody<'a> {
    request_id: &'a RequestId,
    responses: &'a [Response],
}

impl Answer {
    /// Approves, with nothing to add.
    pub(super) const fn allow(rule: Option<(Pattern, Scope)>) -> Self {
        Self::Confirm { decision: Decision::Allow, comment: None, rule }
    }

    /// What has been done once it is accepted.
    pub(super) const fn done(&self) -> &'static str {
        match self {
            Self::Confirm { decision: Decision::Allow, rule: None, .. } => "approved",
            Self::Confirm { decision: Decision::Allow, rule: Some(_), .. } => "approved, and a rule made",
            Self::Confirm { decision: Decision::Deny, .. } => "rejected",
            Self::Secret { value: Some(_), .. } => "given",
            Self::Secret { value: None, .. } => "declined",
            Self::Responses(_) => "answered",
        }
    }

    /// Hands it to the server, which accepts it or says why not.
    pub(super) fn send(&self, client: &Client, request_id: &RequestId) -> Result<()> {
        let call = || match self {
            Self::Confirm { decision, comment, rule } => {
                let (selected_pattern, selected_scope) = rule.as_ref().map(|(pattern, scope)| (pattern, scope)).unzip();
                let comment = comment.as_deref();
                let body = ConfirmBody { request_id, decision: *decision, comment, selected_pattern, selected_scope };
                client.post::<Accepted>("/v1/confirm", &body)
            }
            Self::Secret { value, delivery } => {
                let value = value.as_deref().map(String::as_str);
                client.post("/v1/secret", &SecretBody { request_id, value, delivery: *delivery })
            }
            Self::Responses(responses) => {
                client.post("/v1/question-response", &ResponsesBody { request_id, responses })
            }
        };
        PATIENCE.run(call).map(|_: Accepted| ())
    }
}

/// Whether somebody, or the deadline, was faster.
pub(super) fn was_too_late(error: &Error) -> bool {
    ["already_resolved", "expired"].iter().any(|code| error.is_refusal(code))
}
