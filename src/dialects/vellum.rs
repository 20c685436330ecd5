//! Vellum's clients: what their web client and their terminal send to an assistant, and what they read back. Their words for an
//! interaction are nearly ours.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::{IntoParams, ToSchema};

use super::Spoken;
use crate::clock::Timestamp;
use crate::domain::audit::Event;
use crate::domain::enums::{
    Delivery, ExecutionTarget, Kind, Outcome, RiskLevel, RuleDecision, RuleStatus, string_enum,
};
use crate::domain::id::{ConversationId, OptionId, QuestionId, RequestId, RuleId, ToolName};
use crate::domain::interaction::{Interaction, Record};
use crate::domain::json::{JsonObject, objects_only};
use crate::domain::kinds::{Confirmation, Content, Entry, Question, Response, ScopeOption, SecretRequest};
use crate::domain::pattern::Pattern;
use crate::domain::secret_value::SecretValue;
use crate::domain::trust_rule::TrustRule;

string_enum! {
    /// What becomes of a secret's value.
    VellumDelivery {
        /// It is kept.
        Store = "store",
        /// It is handed out once.
        TransientSend = "transient_send",
        /// There is none: older clients decline so.
        None = "none",
    }
}

/// The value of a secret, or none to decline.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct VellumSecretBody {
    /// Which one.
    pub request_id: RequestId,
    /// The value.
    #[schema(value_type = Option<String>, pattern = r"\S")]
    pub value: Option<SecretValue>,
    /// What becomes of it.
    pub delivery: Option<VellumDelivery>,
}

impl VellumSecretBody {
    /// The value, where there is one, and what becomes of it.
    #[must_use]
    pub fn given(self) -> (RequestId, Option<SecretValue>, Delivery) {
        match self.delivery {
            Some(VellumDelivery::None) => (self.request_id, None, Delivery::default()),
            Some(VellumDelivery::TransientSend) => (self.request_id, self.value, Delivery::TransientSend),
            Some(VellumDelivery::Store) | None => (self.request_id, self.value, Delivery::Store),
        }
    }
}

string_enum! {
    /// What a person does with a question.
    VellumAnswerKind {
        /// Answers every entry.
        Submit = "submit",
        /// Passes all of it over.
        Close = "close",
        /// Chooses an option of the only entry.
        Option = "option",
        /// Says something of their own to the only entry.
        FreeText = "free_text",
    }
}

string_enum! {
    /// How one entry is answered.
    VellumResponseKind {
        /// By an option.
        Option = "option",
        /// In one's own words.
        FreeText = "free_text",
        /// Not at all.
        Skip = "skip",
    }
}

/// The answer to one entry.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, remote = "Self")]
#[expect(missing_docs, reason = "the interface's document has the words")]
pub struct VellumResponse {
    pub question_id: QuestionId,
    pub kind: VellumResponseKind,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub option_id: Option<OptionId>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
}

objects_only!(VellumResponse);

/// The answer to a question.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[expect(missing_docs, reason = "the interface's document has the words")]
pub struct VellumAnswerBody {
    pub request_id: RequestId,
    pub kind: VellumAnswerKind,
    pub responses: Option<Vec<VellumResponse>>,
    pub option_id: Option<OptionId>,
    pub text: Option<String>,
}

impl Spoken for VellumAnswerBody {
    /// Ours has no `kind`.
    fn is_spoken(body: &[u8]) -> bool {
        #[derive(Deserialize)]
        struct Told {
            #[serde(rename = "kind")]
            _kind: serde::de::IgnoredAny,
        }

        serde_json::from_slice::<Told>(body).is_ok()
    }
}

impl Spoken for VellumSecretBody {
    /// Ours has no delivery that is none.
    fn is_spoken(body: &[u8]) -> bool {
        #[derive(Deserialize)]
        struct Told {
            delivery: VellumDelivery,
        }

        serde_json::from_slice::<Told>(body).is_ok_and(|told| told.delivery == VellumDelivery::None)
    }
}

/// Why an answer cannot be read: the member at fault, and what is wrong with it.
pub type Fault = (&'static str, &'static str);

impl VellumAnswerBody {
    /// Checks what can be checked without the question: that it says what its kind says, and nothing else.
    ///
    /// # Errors
    ///
    /// The member at fault.
    pub fn check(&self) -> Result<(), Fault> {
        let expected = match self.kind {
            VellumAnswerKind::Submit => [true, false, false],
            VellumAnswerKind::Close => [false, false, false],
            VellumAnswerKind::Option => [false, true, false],
            VellumAnswerKind::FreeText => [false, false, true],
        };
        let given = [self.responses.is_some(), self.option_id.is_some(), self.text.is_some()];
        let names = ["responses", "optionId", "text"];
        for ((name, given), expected) in names.into_iter().zip(given).zip(expected) {
            match (given, expected) {
                (false, true) => return Err((name, "an answer of this kind has it")),
                (true, false) => return Err((name, "an answer of this kind does not have it")),
                (true, true) | (false, false) => {}
            }
        }
        self.responses.iter().flatten().try_for_each(VellumResponse::check)
    }

    /// What this answers `question` with.
    ///
    /// # Errors
    ///
    /// If it answers one entry, and the question has several.
    pub fn responses(self, question: &Question) -> Result<Vec<Response>, Fault> {
        let skipped = |entry: &Entry| Response { skipped: true, ..Response::new(entry.question_id.clone()) };
        let only = || match question.entries.as_slice() {
            [entry] => Ok(Response::new(entry.question_id.clone())),
            _ => Err(("kind", "this question has several entries: submit a response to each")),
        };
        match self.kind {
            VellumAnswerKind::Submit => Ok(self.responses.into_iter().flatten().map(Response::from).collect()),
            VellumAnswerKind::Close => Ok(question.entries.iter().map(skipped).collect()),
            VellumAnswerKind::Option => Ok(vec![Response { option_id: self.option_id, ..only()? }]),
            VellumAnswerKind::FreeText => Ok(vec![Response { text: self.text, ..only()? }]),
        }
    }
}

impl VellumResponse {
    fn check(&self) -> Result<(), Fault> {
        let expected = match self.kind {
            VellumResponseKind::Option => (true, false),
            VellumResponseKind::FreeText => (false, true),
            VellumResponseKind::Skip => (false, false),
        };
        if expected == (self.option_id.is_some(), self.text.is_some()) {
            return Ok(());
        }
        Err(("responses", "a response has the optionId or the text that its kind says, and nothing else"))
    }
}

impl From<VellumResponse> for Response {
    fn from(response: VellumResponse) -> Self {
        let VellumResponse { question_id, kind, option_id, text } = response;
        Self { option_id, text, skipped: kind == VellumResponseKind::Skip, ..Self::new(question_id) }
    }
}

/// That it was done.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
#[expect(missing_docs, reason = "the interface's document has the words")]
pub struct VellumSuccess {
    pub success: bool,
}

/// Of which conversation what is pending is shown; of all where none is given.
#[derive(Clone, Debug, Default, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[into_params(parameter_in = Query)]
#[expect(missing_docs, reason = "the interface's document has the words")]
pub struct VellumListPending {
    pub conversation_id: Option<ConversationId>,
    pub conversation_key: Option<ConversationId>,
}

/// A confirmation that waits.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[expect(missing_docs, reason = "the interface's document has the words")]
pub struct VellumConfirmation {
    pub request_id: RequestId,
    pub tool_name: ToolName,
    pub tool_use_id: String,
    pub input: JsonObject,
    pub risk_level: RiskLevel,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub execution_target: Option<ExecutionTarget>,
    pub allowlist_options: Vec<VellumPattern>,
    pub scope_options: Vec<ScopeOption>,
    pub persistent_decisions_allowed: bool,
}

/// A pattern that a rule may have.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[expect(missing_docs, reason = "the interface's document has the words")]
pub struct VellumPattern {
    pub label: String,
    #[schema(value_type = String)]
    pub pattern: Pattern,
}

/// A secret that is asked for.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[expect(missing_docs, reason = "the interface's document has the words")]
pub struct VellumSecret {
    pub request_id: RequestId,
    #[serde(flatten)]
    pub secret: SecretRequest,
}

/// A question that waits.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[expect(missing_docs, reason = "the interface's document has the words")]
pub struct VellumQuestion {
    pub request_id: RequestId,
    pub entries: Vec<Entry>,
}

/// A line of what waits.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[expect(missing_docs, reason = "the interface's document has the words")]
pub struct VellumLine {
    pub request_id: RequestId,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub conversation_id: Option<ConversationId>,
    pub kind: Kind,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tool_name: Option<ToolName>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub risk_level: Option<RiskLevel>,
}

/// What waits: all of it, or of one conversation the newest of each kind.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(untagged)]
#[expect(missing_docs, reason = "the interface's document has the words")]
pub enum VellumPending {
    All {
        interactions: Vec<VellumLine>,
    },
    #[serde(rename_all = "camelCase")]
    Newest {
        pending_confirmation: Option<Box<VellumConfirmation>>,
        pending_secret: Option<Box<VellumSecret>>,
        pending_question: Option<VellumQuestion>,
    },
}

impl VellumPending {
    /// All of what waits.
    #[must_use]
    pub fn all(records: Vec<Record>) -> Self {
        let line = |Record { interaction, body, .. }: Record| VellumLine {
            request_id: interaction.request_id,
            conversation_id: interaction.conversation_id,
            kind: interaction.kind,
            tool_name: interaction.tool_name,
            risk_level: body.content.confirmation().map(|asked| asked.risk_level),
        };
        Self::All { interactions: records.into_iter().map(line).collect() }
    }

    /// The newest of each kind: at most one record of each.
    #[must_use]
    pub fn newest(records: Vec<Record>) -> Self {
        let (mut confirmation, mut secret, mut question) = (None, None, None);
        for Record { interaction: Interaction { request_id, .. }, body, .. } in records {
            match body.content {
                Content::Confirmation(asked) => confirmation = Some(Box::new(shown(request_id, *asked))),
                Content::Secret(asked) => secret = Some(Box::new(VellumSecret { request_id, secret: asked })),
                Content::Question(Question { entries }) => question = Some(VellumQuestion { request_id, entries }),
                Content::Forgotten(_) => {}
            }
        }
        Self::Newest { pending_confirmation: confirmation, pending_secret: secret, pending_question: question }
    }
}

fn shown(request_id: RequestId, asked: Confirmation) -> VellumConfirmation {
    let patterns = asked.allowlist_options.into_iter();
    VellumConfirmation {
        tool_use_id: asked.tool_use_id.unwrap_or_else(|| request_id.to_string()),
        request_id,
        tool_name: asked.tool_name,
        input: asked.input,
        risk_level: asked.risk_level,
        execution_target: asked.execution_target,
        allowlist_options: patterns.map(|it| VellumPattern { label: it.label, pattern: it.pattern }).collect(),
        scope_options: asked.scope_options,
        persistent_decisions_allowed: asked.persistent_decisions_allowed,
    }
}

/// Which rules a list shows. Vellum's rules have an origin; ours are all of people.
#[derive(Clone, Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
#[expect(missing_docs, reason = "the interface's document has the words")]
pub struct VellumListRules {
    pub tool: Option<ToolName>,
    pub origin: Option<String>,
    pub include_deleted: Option<bool>,
    pub include_all: Option<bool>,
}

/// A rule.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[expect(missing_docs, reason = "the interface's document has the words")]
pub struct VellumRule {
    pub id: RuleId,
    pub tool: ToolName,
    #[schema(value_type = String)]
    pub pattern: Pattern,
    /// What comes nearest to its decision: `low` allows, `medium` asks, `high` denies.
    pub risk: RiskLevel,
    pub description: String,
    pub origin: String,
    pub user_modified: bool,
    pub deleted: bool,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
}

/// The rules.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[expect(missing_docs, reason = "the interface's document has the words")]
pub struct VellumRules {
    pub rules: Vec<VellumRule>,
}

impl From<TrustRule> for VellumRule {
    fn from(rule: TrustRule) -> Self {
        let decision = rule.terms.decision;
        let revoked_at = rule.revoked.as_ref().map(|(at, _)| *at);
        Self {
            id: rule.rule_id,
            tool: rule.tool_name,
            pattern: rule.terms.pattern,
            risk: match decision {
                RuleDecision::Allow => RiskLevel::Low,
                RuleDecision::Ask => RiskLevel::Medium,
                RuleDecision::Deny => RiskLevel::High,
            },
            description: match rule.terms.reason {
                Some(reason) => reason.as_str().to_owned(),
                None => format!("{decision} in {}", rule.terms.scope.as_str()),
            },
            origin: "user_defined".to_owned(),
            user_modified: false,
            deleted: rule.status != RuleStatus::Active,
            created_at: rule.created_at,
            updated_at: revoked_at.unwrap_or(rule.created_at),
        }
    }
}

/// A refusal.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[expect(missing_docs, reason = "the interface's document has the words")]
pub struct VellumErrorBody {
    pub error: VellumError,
}

/// What is said of a refusal; there are more members where they help, such as `field` or `status`.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[expect(missing_docs, reason = "the interface's document has the words")]
pub struct VellumError {
    pub code: String,
    pub message: String,
    /// The members that only some refusals have.
    #[serde(flatten)]
    #[schema(value_type = Object)]
    pub more: Map<String, Value>,
}

/// What the stream of events tells of a resolution.
#[derive(Clone, Debug, Serialize)]
#[expect(missing_docs, reason = "the interface's document has the words")]
pub struct VellumEvent {
    pub id: String,
    pub message: VellumMessage,
}

/// That an interaction is over.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
#[expect(missing_docs, reason = "the interface's document has the words")]
pub struct VellumMessage {
    pub r#type: &'static str,
    pub request_id: RequestId,
    pub conversation_id: ConversationId,
    pub kind: Kind,
    pub state: &'static str,
}

impl VellumEvent {
    /// What is told of an event: nothing, unless it resolves an interaction of a conversation.
    #[must_use]
    pub fn of(seq: i64, interaction: &Interaction) -> Option<Self> {
        let state = state(interaction.resolution.as_ref()?.outcome);
        let message = VellumMessage {
            r#type: "interaction_resolved",
            request_id: interaction.request_id.clone(),
            conversation_id: interaction.conversation_id.clone()?,
            kind: interaction.kind,
            state,
        };
        Some(Self { id: seq.to_string(), message })
    }

    /// Whether an event resolves an interaction.
    #[must_use]
    pub const fn is_resolution(event: Event) -> bool {
        matches!(
            event,
            Event::Approved | Event::Rejected | Event::Answered | Event::Expired | Event::Cancelled | Event::Superseded
        )
    }
}

/// How an interaction ended, in the five words that there are.
const fn state(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Expired | Outcome::Cancelled => Outcome::Cancelled.as_str(),
        Outcome::Approved | Outcome::Rejected | Outcome::Answered | Outcome::Superseded => outcome.as_str(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn answer(body: serde_json::Value) -> Result<VellumAnswerBody, String> {
        let body: VellumAnswerBody = serde_json::from_value(body).map_err(|error| error.to_string())?;
        body.check().map(|()| body).map_err(|(member, _)| member.to_owned())
    }

    fn question(count: usize) -> Question {
        let entry =
            |n: usize| json!({"questionId": format!("q{n}"), "text": "?", "options": [], "freeTextAllowed": true});
        serde_json::from_value(json!({"entries": (0..count).map(entry).collect::<Vec<_>>()})).unwrap()
    }

    #[test]
    fn an_answer_says_what_its_kind_says_and_nothing_else() {
        for (bad, member) in [
            (json!({"requestId": "q", "kind": "submit"}), "responses"),
            (json!({"requestId": "q", "kind": "close", "text": "x"}), "text"),
            (json!({"requestId": "q", "kind": "option", "text": "x"}), "optionId"),
            (json!({"requestId": "q", "kind": "free_text"}), "text"),
            (
                json!({"requestId": "q", "kind": "submit", "responses": [{"questionId": "a", "kind": "skip", "text": "x"}]}),
                "responses",
            ),
        ] {
            assert_eq!(answer(bad.clone()).unwrap_err(), member, "{bad}");
        }
        assert!(answer(json!({"requestId": "q", "kind": "shrug"})).is_err());
    }

    #[test]
    fn closing_passes_over_every_entry_and_one_answer_is_for_one_entry() {
        let close = answer(json!({"requestId": "q", "kind": "close"})).unwrap();
        let responses = close.responses(&question(2)).unwrap();
        assert!(responses.len() == 2 && responses.iter().all(|response| response.skipped));
        let text = answer(json!({"requestId": "q", "kind": "free_text", "text": "so"})).unwrap();
        assert_eq!(text.clone().responses(&question(1)).unwrap()[0].text.as_deref(), Some("so"));
        assert_eq!(text.responses(&question(2)).unwrap_err().0, "kind");
    }

    #[test]
    fn an_older_client_declines_by_naming_no_delivery() {
        let body = json!({"requestId": "s", "value": "v", "delivery": "none"});
        let body: VellumSecretBody = serde_json::from_value(body).unwrap();
        assert!(body.given().1.is_none());
    }
}
