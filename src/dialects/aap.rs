//! The Agent Approval Protocol (AAP): a submission becomes a confirmation, and an interaction the protocol's request, in which the
//! submission comes back as it came in.

use std::str::FromStr;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};

use super::{id_of, keep, kept, origin_text, uuid_of};
use crate::clock::Timestamp;
use crate::domain::bounded::LifetimeMs;
use crate::domain::enums::{Outcome, RunOutcome, string_enum};
use crate::domain::id::{ClaimId, ConversationId, PrincipalName, RequestId, ToolName};
use crate::domain::interaction::{Claim, Record, Resolution, ResolvedBy};
use crate::domain::json::JsonObject;
use crate::domain::kinds::{Confirmation, Content};
use crate::domain::origin::Origin;
use crate::domain::text::PlainText;

/// The member of `metadata` that keeps the submission.
const DIALECT: &str = "aap";

/// The longest idempotency key, in bytes.
pub const LONGEST_KEY: usize = 256;

/// What names a submission, or a consumption, so that it can be repeated: the agent's own.
#[derive(Clone, Debug)]
pub struct IdempotencyKey(String);

impl FromStr for IdempotencyKey {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if (1..=LONGEST_KEY).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Ok(Self(text.to_owned()));
        }
        Err(format!("a key is 1 to {LONGEST_KEY} visible characters of ASCII"))
    }
}

impl IdempotencyKey {
    /// The interaction that `principal` submits with this key: always the same.
    #[must_use]
    pub fn request_id(&self, principal: &PrincipalName) -> Option<RequestId> {
        uuid_of(&[DIALECT, principal.as_str(), &self.0]).parse().ok()
    }

    /// The claim that is consumed with this key.
    #[must_use]
    pub fn claim_id(&self) -> Option<ClaimId> {
        id_of(&self.0)
    }
}

/// How long a submission waits for its decision, as its agent wrote it: `10m`, `1h30m`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Timeout {
    text: String,
    lifetime: LifetimeMs,
}

impl TryFrom<String> for Timeout {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        let millis = millis(&text).and_then(LifetimeMs::new);
        let lifetime =
            millis.ok_or("a time is written like 90s, 10m, 1h30m or 24h, and is between 1ms and a hundred years")?;
        Ok(Self { text, lifetime })
    }
}

impl From<Timeout> for String {
    fn from(timeout: Timeout) -> Self {
        timeout.text
    }
}

/// The milliseconds of a time such as `10m`, `25s` or `1h30m`.
#[must_use]
pub fn millis(text: &str) -> Option<u64> {
    let is_plain = |byte: u8| byte.is_ascii_digit() || b"hms.".contains(&byte);
    if !text.bytes().all(is_plain) || !text.starts_with(|first: char| first.is_ascii_digit()) {
        return None;
    }
    u64::try_from(text.parse::<jiff::SignedDuration>().ok()?.as_millis()).ok()
}

/// A call of a tool that an agent submits.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AapSubmission {
    /// The tool.
    pub tool: ToolName,
    /// The server that has it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub server: Option<ToolName>,
    /// What it is called with, to the letter.
    pub arguments: JsonObject,
    /// How long the decision may take.
    #[schema(value_type = String, pattern = r"^([0-9]+(\.[0-9]+)?(h|m|s|ms))+$")]
    pub timeout: Timeout,
    /// Why, in the agent's own words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agent_reasoning: Option<String>,
    /// Where in the agent's run it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub context: Option<JsonObject>,
}

/// What of a submission no confirmation has.
#[derive(Serialize, Deserialize)]
struct Kept {
    tool: ToolName,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    server: Option<ToolName>,
    timeout: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    context: Option<JsonObject>,
}

/// A submission in the words of the domain.
#[derive(Clone, Debug)]
pub struct Submitted {
    /// What is asked.
    pub confirmation: Box<Confirmation>,
    /// The run that it belongs to.
    pub conversation_id: Option<ConversationId>,
    /// How long it waits.
    pub expires_in_ms: u64,
    /// What is said again of it.
    pub metadata: JsonObject,
    /// Where it comes from.
    pub origin: Origin,
}

impl AapSubmission {
    /// What this asks. A tool of a server is named with it, so that no rule for one server's tool is about another's.
    ///
    /// # Errors
    ///
    /// If the name of the tool with its server is too long.
    pub fn submitted(self) -> Result<Submitted, &'static str> {
        let context = self.context.as_ref().map(JsonObject::tree);
        let word = |name: &str| context?.get(name).and_then(Value::as_str);
        let resumed = |name: &str| context?.get("resume")?.get(name).and_then(Value::as_str);
        let runs = ["thread_id", "conversation_id", "run_id"];
        let run = runs.iter().find_map(|name| word(name).or_else(|| resumed(name)));
        let tool_name = named(self.server.as_ref(), &self.tool)?;
        let conversation_id = run.and_then(id_of);
        let tool_use_id = word("call_id").map(str::to_owned);
        let origin = Origin {
            client: origin_text(&word("framework").map_or_else(|| "AAP".to_owned(), |name| format!("{name} (AAP)"))),
            session_id: run.and_then(origin_text),
            ..Origin::default()
        };
        let expires_in_ms = self.timeout.lifetime.get();
        let Self { tool, server, arguments, timeout, agent_reasoning, context } = self;
        let kept = Kept { tool, server, timeout: timeout.into(), context };
        let metadata = keep(DIALECT, &kept).map_err(|_| "this cannot be kept")?;
        let asked = Confirmation::new(tool_name, arguments);
        let confirmation = Box::new(Confirmation { tool_use_id, reason: agent_reasoning, ..asked });
        Ok(Submitted { confirmation, conversation_id, expires_in_ms, metadata, origin })
    }
}

/// What a tool is called here. Where two slashes could stand apart differently, one is written `%2F`: no two tools share a name.
fn named(server: Option<&ToolName>, tool: &ToolName) -> Result<ToolName, &'static str> {
    let one_part = |name: &ToolName| name.as_str().replace('%', "%25").replace('/', "%2F");
    match server {
        Some(server) => format!("{}/{tool}", one_part(server)),
        None => one_part(tool),
    }
    .parse()
}

string_enum! {
    /// Where a request stands.
    AapStatus {
        /// It waits.
        Pending = "pending",
        /// It may run.
        Approved = "approved",
        /// It may not.
        Denied = "denied",
        /// Its deadline passed first.
        Expired = "expired",
        /// It was withdrawn, or its run went on without it.
        Cancelled = "cancelled",
    }
}

impl From<Outcome> for AapStatus {
    fn from(outcome: Outcome) -> Self {
        match outcome {
            Outcome::Approved => Self::Approved,
            Outcome::Rejected => Self::Denied,
            Outcome::Expired => Self::Expired,
            Outcome::Answered | Outcome::Cancelled | Outcome::Superseded => Self::Cancelled,
        }
    }
}

/// How a request was decided.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[expect(missing_docs, reason = "the interface's document has the words")]
pub struct AapDecision {
    pub status: AapStatus,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
    pub decided_at: Timestamp,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<Timestamp>,
}

/// What came of a call that was run.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[expect(missing_docs, reason = "the interface's document has the words")]
pub struct AapOutcome {
    pub status: RunOutcome,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
    pub reported_at: Timestamp,
}

/// That an approval was used.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[expect(missing_docs, reason = "the interface's document has the words")]
pub struct AapConsumption {
    pub consumed_at: Timestamp,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outcome: Option<AapOutcome>,
}

/// A request: the submission as it came in, and where it stands. No member is ever null or empty.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[expect(missing_docs, reason = "the interface's document has the words")]
pub struct AapRequest {
    pub id: RequestId,
    pub tool: ToolName,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub server: Option<ToolName>,
    pub arguments: JsonObject,
    pub timeout: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agent_reasoning: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub context: Option<JsonObject>,
    pub status: AapStatus,
    pub created_at: Timestamp,
    pub deadline_at: Timestamp,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub decision: Option<AapDecision>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub consumption: Option<AapConsumption>,
}

/// How long a call waits for a decision, such as `25s`.
#[derive(Clone, Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
#[expect(missing_docs, reason = "the interface's document has the words")]
pub struct AapWait {
    #[param(pattern = r"^([0-9]+(\.[0-9]+)?(h|m|s|ms))+$")]
    pub wait: Option<String>,
}

/// What an agent reports of a call that it ran.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "the interface's document has the words")]
pub struct AapOutcomeBody {
    pub status: RunOutcome,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, pattern = r"^[^\x00]*$")]
    pub note: Option<PlainText>,
}

impl AapRequest {
    /// The request that this interaction is; `None` where it was not submitted as one, or is forgotten.
    #[must_use]
    pub fn of(record: Record) -> Option<Self> {
        let Record { interaction, body, claim, .. } = record;
        let Kept { tool, server, timeout, context } = kept(&body.metadata, DIALECT)?;
        let Content::Confirmation(confirmation) = body.content else { return None };
        let Confirmation { input, reason, .. } = *confirmation;
        let expires_at = interaction.claim_expires_at();
        let decision = interaction.resolution.as_ref().map(|resolution| decision(resolution, expires_at));
        Some(Self {
            id: interaction.request_id,
            tool,
            server,
            arguments: input,
            timeout,
            agent_reasoning: reason,
            context,
            status: interaction.resolution.as_ref().map_or(AapStatus::Pending, |it| it.outcome.into()),
            created_at: interaction.created_at,
            deadline_at: interaction.expires_at?,
            decision,
            consumption: claim.and_then(Claim::taken).map(|claim| AapConsumption {
                consumed_at: claim.claimed_at,
                outcome: claim.report.map(|report| AapOutcome {
                    status: report.outcome,
                    note: not_empty(report.detail),
                    reported_at: report.at,
                }),
            }),
        })
    }
}

fn decision(resolution: &Resolution, expires_at: Option<Timestamp>) -> AapDecision {
    let note = not_empty(resolution.detail.comment.clone()).or_else(|| match (&resolution.by, resolution.outcome) {
        (ResolvedBy::TrustRule(rule_id), Outcome::Rejected) => Some(format!("denied by trust rule {rule_id}")),
        _ => None,
    });
    AapDecision { status: resolution.outcome.into(), note, decided_at: resolution.at, expires_at }
}

fn not_empty(text: Option<String>) -> Option<String> {
    text.filter(|text| !text.is_empty())
}

/// A refusal.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[expect(missing_docs, reason = "the interface's document has the words")]
pub struct AapErrorBody {
    pub error: AapError,
}

/// What is said of a refusal.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[expect(missing_docs, reason = "the interface's document has the words")]
pub struct AapError {
    pub r#type: &'static str,
    pub code: String,
    pub message: String,
    pub request_id: String,
}

/// What kind of refusal a status is, in the protocol's words.
#[must_use]
pub const fn error_type(status: u16) -> &'static str {
    match status {
        401 => "authentication",
        403 => "permission",
        404 => "not_found",
        409 => "conflict",
        429 => "rate_limit",
        500.. => "server_error",
        _ => "invalid_request",
    }
}

/// The protocol's word for a refusal, by its code.
#[must_use]
pub fn error_code(code: &str) -> &str {
    match code {
        "unknown_request" => "not_found",
        "request_id_conflict" => "idempotency_conflict",
        "already_resolved" => "already_terminal",
        "already_claimed" => "already_consumed",
        // To the agent it is the same: the approval is no longer good, and it has to ask again.
        "approval_withdrawn" => "approval_expired",
        "not_claimed" => "not_consumed",
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_time_is_written_with_its_units() {
        for (text, expected) in [
            ("10m", 600_000),
            ("24h", 86_400_000),
            ("90s", 90_000),
            ("1h30m", 5_400_000),
            ("1.5h", 5_400_000),
            ("5ms", 5),
        ] {
            assert_eq!(millis(text), Some(expected), "{text}");
        }
        for bad in ["", "10", "-1m", "m", "1 m", "PT1H", "1d", "1h-1m", "9999999999999999999h", "1e3s", "ten"] {
            assert_eq!(millis(bad), None, "{bad:?} was taken");
        }
        assert!(Timeout::try_from("0s".to_owned()).is_err());
    }

    #[test]
    fn a_key_is_the_same_request_of_one_principal_and_another_of_another() {
        let key: IdempotencyKey = "6a88becd".parse().unwrap();
        let id = |name: &str| key.request_id(&name.parse().unwrap()).unwrap();
        assert_eq!(id("builder"), id("builder"));
        assert_ne!(id("builder"), id("other"));
        assert!(uuid::Uuid::parse_str(id("builder").as_str()).is_ok());
        assert_eq!(key.claim_id().unwrap().as_str(), "6a88becd");
        assert!("a b".parse::<IdempotencyKey>().is_err() && "".parse::<IdempotencyKey>().is_err());
    }

    #[test]
    fn a_submission_is_a_confirmation_of_its_run() {
        let context = json!({"framework": "langgraph", "call_id": "t|1::call_1", "resume": {"thread_id": "t|1"}});
        let submission = json!({"tool": "deploy", "server": "ops", "arguments": {"n": 1.50}, "timeout": "10m",
            "agent_reasoning": "green", "context": context});
        let submission: AapSubmission = serde_json::from_value(submission).unwrap();
        let submitted = submission.submitted().unwrap();
        assert_eq!(submitted.confirmation.tool_name.as_str(), "ops/deploy");
        assert_eq!(submitted.confirmation.tool_use_id.as_deref(), Some("t|1::call_1"));
        assert_eq!(submitted.confirmation.reason.as_deref(), Some("green"));
        assert!(!submitted.confirmation.input_edits_allowed);
        assert_eq!((submitted.conversation_id.unwrap().as_str().len(), submitted.expires_in_ms), (64, 600_000));
        let origin = serde_json::to_value(&submitted.origin).unwrap();
        assert_eq!(origin, json!({"client": "langgraph (AAP)", "sessionId": "t|1"}));
    }

    #[test]
    fn no_two_tools_share_a_name() {
        let name = |server: Option<&str>, tool: &str| {
            let server = server.map(|server| server.parse::<ToolName>().unwrap());
            named(server.as_ref(), &tool.parse().unwrap()).unwrap().to_string()
        };
        let all = [
            (None, "a", "a"),
            (Some("a"), "b/c", "a/b/c"),
            (Some("a/b"), "c", "a%2Fb/c"),
            (Some("a%2Fb"), "c", "a%252Fb/c"),
            (None, "a/b/c", "a%2Fb%2Fc"),
            (None, "a%2Fb", "a%252Fb"),
        ];
        for (server, tool, expected) in all {
            assert_eq!(name(server, tool), expected, "{server:?} {tool}");
        }
    }

    #[test]
    fn members_that_the_protocol_does_not_have_are_refused() {
        for bad in [
            json!({"tool": "a", "arguments": {}, "timeout": "1m", "surprise": 1}),
            json!({"tool": "", "arguments": {}, "timeout": "1m"}),
            json!({"tool": "a", "arguments": [], "timeout": "1m"}),
            json!({"tool": "a", "arguments": {}}),
            json!({"tool": "a", "arguments": {}, "timeout": 60}),
        ] {
            assert!(serde_json::from_value::<AapSubmission>(bad.clone()).is_err(), "{bad} was taken");
        }
    }
}
