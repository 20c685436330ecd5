//! Interactions and rules as the API shows them, and how times and digests are written.

use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use super::{By, End, Interaction, Rule};

/// How long an approval is good for, as a server says where nothing else does: 24 hours.
const CLAIM_WITHIN_MS: i64 = 24 * 60 * 60 * 1000;

/// RFC 3339, UTC, exactly three fractional digits.
pub(in crate::model) fn written(millis: i64) -> String {
    format!("{:.3}", jiff::Timestamp::from_millisecond(millis).unwrap())
}

fn written_or_null(millis: Option<i64>) -> Value {
    millis.map_or(Value::Null, |millis| json!(written(millis)))
}

/// What was written.
pub(super) fn millis(moment: &str) -> i64 {
    moment.parse::<jiff::Timestamp>().unwrap().as_millisecond()
}

/// SHA-256 over the canonical form, of inputs that have one plain string.
pub(super) fn digest(tool_name: &Value, input: &Value) -> String {
    let command = &input["command"];
    let canonical = format!(r#"{{"input":{{"command":{command}}},"toolName":{tool_name}}}"#);
    format!("sha256:{}", hex::encode(Sha256::digest(canonical)))
}

impl Interaction {
    pub(in crate::model) fn shown(&self) -> Value {
        let mut shown = json!({
            "requestId": self.id, "kind": self.kind, "status": self.status(), "conversationId": self.conversation,
            "registeredBy": self.by, "createdAt": written(self.created), "expiresAt": written_or_null(self.expires),
            "resolvedAt": written_or_null(self.end.as_ref().map(|end| end.at)), "metadata": self.metadata,
            "claimExpiresAt": written_or_null(self.claim_end()),
            "resolution": self.end.as_ref().map(|end| self.resolution(end)), "claim": Value::Null,
        });
        shown[&self.kind] = self.content.clone();
        if self.kind == "confirmation" {
            // Of the texts that are made up none is long, and none hides anything.
            let is_high = *self.says("riskLevel") == "high";
            shown["acknowledgements"] = if is_high { json!(["high_risk"]) } else { json!([]) };
        }
        if let Some(claim) = &self.claim {
            let (outcome, detail, at) =
                claim.report.clone().map_or((Value::Null, Value::Null, Value::Null), |(outcome, detail, at)| {
                    (json!(outcome), detail, json!(written(at)))
                });
            shown["claim"] = json!({"claimId": claim.id, "claimedAt": written(claim.at), "outcome": outcome,
                "detail": detail, "outcomeAt": at});
        }
        if let Some((by, at)) = self.withdrawn {
            shown["claim"] = json!({"withdrawnAt": written(at), "withdrawnBy": by});
        }
        shown
    }

    /// From when on an approval of it is no longer claimed.
    pub(super) fn claim_end(&self) -> Option<i64> {
        let within = self.says("claimWithinMs").as_i64().unwrap_or(CLAIM_WITHIN_MS);
        self.end.as_ref().filter(|end| end.status == "approved").map(|end| end.at + within)
    }

    /// What may be acted on: the input that was approved.
    pub(in crate::model) fn effective_input(&self) -> Option<&Value> {
        let end = self.end.as_ref().filter(|end| end.status == "approved")?;
        Some(if end.updated_input.is_null() { self.says("input") } else { &end.updated_input })
    }

    pub(in crate::model) fn effective_digest(&self) -> Option<String> {
        self.effective_input().map(|input| digest(self.says("toolName"), input))
    }

    fn resolution(&self, end: &End) -> Value {
        let resolved_by = match &end.by {
            By::Principal(name) => json!({"principal": name}),
            By::Rule(id) => json!({"trustRule": id}),
            By::Deadline => json!({"system": "expired"}),
        };
        let mut resolution = json!({"resolvedBy": resolved_by});
        match self.kind.as_str() {
            "confirmation" => {
                resolution["decision"] = match end.status {
                    "approved" => json!("allow"),
                    "rejected" => json!("deny"),
                    _ => Value::Null,
                };
                resolution["comment"] = end.comment.clone();
                resolution["effectiveInput"] = self.effective_input().cloned().unwrap_or_default();
                resolution["effectiveInputDigest"] = json!(self.effective_digest());
                if let By::Rule(id) = &end.by {
                    resolution["trustRules"] = json!([{"ruleId": id, "revision": 1}]);
                }
            }
            "secret" => {
                resolution["delivery"] = end.delivery.clone();
                if let Some((by, at)) = self.given.as_ref().and_then(|given| given.wiped_by) {
                    resolution["wiped"] = json!({"at": written(at), "by": by});
                }
            }
            _ => resolution["responses"] = end.responses.clone(),
        }
        resolution
    }
}

impl Rule {
    pub(in crate::model) fn shown(&self) -> Value {
        let terms = &self.terms;
        json!({
            "ruleId": self.id, "name": null, "revision": 1, "kind": "confirmation", "status": self.status,
            "toolName": terms.tool, "pattern": terms.pattern, "scope": terms.scope, "decision": terms.decision,
            "members": {}, "agent": terms.agent, "executionTarget": null, "reason": null, "coversLess": false,
            "allowHighRisk": terms.allow_high_risk, "createdAt": written(self.created), "createdBy": self.by,
            "createdFrom": self.from, "expiresAt": written_or_null(self.expires), "maxUses": terms.max_uses,
            "useCount": self.uses, "lastUsedAt": written_or_null(self.last_used),
            "revokedAt": written_or_null(self.revoked.map(|(at, _)| at)), "revokedBy": self.revoked.map(|(_, by)| by),
        })
    }
}
