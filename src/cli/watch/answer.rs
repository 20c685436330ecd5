//! What a person has decided, on its way to the server.

use std::time::Duration;

use zeroize::Zeroizing;

use crate::api::{AnswerBody, ConfirmBody, ProvideSecretBody};
use crate::client::{Client, Error, Result, RetryPolicy};
use crate::domain::acknowledgement::Acknowledgement;
use crate::domain::enums::{Decision, Delivery};
use crate::domain::id::RequestId;
use crate::domain::kinds::Response;
use crate::domain::members::Members;
use crate::domain::pattern::{Pattern, Scope};
use crate::domain::secret_value::SecretValue;

/// How long the server may be away before an answer is given up: it is the same however often it arrives.
const RETRIES: RetryPolicy = RetryPolicy::new(Duration::from_secs(10));

/// A rule that is made with an approval: one of the patterns that are offered, with what it says of the members, and a scope.
#[derive(Clone)]
pub(super) struct ChosenRule {
    pub(super) pattern: Pattern,
    pub(super) members: Option<Members>,
    pub(super) scope: Scope,
}

/// One answer to one interaction.
#[derive(Clone)]
pub(super) enum Answer {
    /// To a confirmation, perhaps with a rule for the next ones.
    Confirm {
        decision: Decision,
        comment: Option<String>,
        rule: Option<ChosenRule>,
        acknowledged: Vec<Acknowledgement>,
    },
    /// To a request for a secret; without a value it is declined.
    Secret { value: Option<Zeroizing<String>>, delivery: Delivery },
    /// To a question.
    Responses(Vec<Response>),
}

impl Answer {
    /// Approves, after this was acknowledged.
    pub(super) const fn allow(rule: Option<ChosenRule>, acknowledged: Vec<Acknowledgement>) -> Self {
        Self::Confirm { decision: Decision::Allow, comment: None, rule, acknowledged }
    }

    /// Rejects, with a reason.
    pub(super) const fn deny(comment: Option<String>) -> Self {
        Self::Confirm { decision: Decision::Deny, comment, rule: None, acknowledged: Vec::new() }
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
        let request_id = request_id.clone();
        match self {
            Self::Confirm { decision, comment, rule, acknowledged } => {
                let (selected_pattern, selected_members, selected_scope) = match rule.clone() {
                    Some(ChosenRule { pattern, members, scope }) => (Some(pattern), members, Some(scope)),
                    None => (None, None, None),
                };
                let body = ConfirmBody {
                    comment: comment.clone(),
                    selected_pattern,
                    selected_members,
                    selected_scope,
                    acknowledged: (!acknowledged.is_empty()).then(|| acknowledged.clone()),
                    ..ConfirmBody::new(request_id, *decision)
                };
                RETRIES.run(|| client.confirm(&body))?;
            }
            Self::Secret { value, delivery } => {
                let value = value.as_deref().and_then(|value| SecretValue::try_from(value.as_str()).ok());
                let body = ProvideSecretBody { request_id, value, delivery: Some(*delivery) };
                RETRIES.run(|| client.provide_secret(&body))?;
            }
            Self::Responses(responses) => {
                let body = AnswerBody { request_id, responses: responses.clone() };
                RETRIES.run(|| client.answer_question(&body))?;
            }
        }
        Ok(())
    }
}

/// Whether another person or the deadline was faster.
pub(super) fn was_too_late(error: &Error) -> bool {
    ["already_resolved", "expired"].iter().any(|code| error.is_refusal(code))
}
