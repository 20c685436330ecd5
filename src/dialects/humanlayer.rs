//! HumanLayer's SDKs: a call of a function becomes a confirmation, a contact with a person a question; both come back as they
//! came in, with their status. The SDKs know two ends, yes and no: every other one is told as a no, in words that say what it
//! was. Channels are read over and kept nowhere: they may hold a bot's token.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{id_of, keep, kept, origin_text, uuid_of};
use crate::clock::Timestamp;
use crate::domain::enums::Outcome;
use crate::domain::id::{ClaimId, ConversationId, OptionId, PrincipalName, QuestionId, RequestId, ToolName};
use crate::domain::interaction::{Claim, Interaction, Record, Resolution, ResolvedBy};
use crate::domain::json::{JsonObject, null_as_absent, objects_only};
use crate::domain::kinds::{Choice, Confirmation, Content, Entry, Question};
use crate::domain::origin::Origin;
use crate::domain::visible::is_blank;

/// The member of `metadata` that keeps what was sent.
const DIALECT: &str = "humanlayer";

/// The only entry of a contact's question.
const ENTRY: &str = "response";

/// What the SDKs ask for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Asks {
    /// May this function be called?
    FunctionCall,
    /// What does a person say?
    HumanContact,
}

impl Asks {
    /// The interaction that `principal` asks for with this id: always the same.
    #[must_use]
    pub fn request_id(self, principal: &PrincipalName, call_id: &RequestId) -> Option<RequestId> {
        let kind = match self {
            Self::FunctionCall => "function_call",
            Self::HumanContact => "human_contact",
        };
        format!("hl:{}", uuid_of(&[DIALECT, kind, principal.as_str(), call_id.as_str()])).parse().ok()
    }
}

/// The claim that this dialect takes for an agent before it tells it yes: the SDKs have none of their own.
#[must_use]
pub fn claim_id() -> Option<ClaimId> {
    DIALECT.parse().ok()
}

/// An answer that a person may choose.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, remote = "Self")]
#[expect(missing_docs, reason = "the interface's document has the words")]
pub struct HumanLayerOption {
    pub name: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prompt_fill: Option<String>,
    #[serde(default, deserialize_with = "null_as_absent")]
    pub interactive: bool,
}

/// A function, and what it is to be called with.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, remote = "Self")]
#[expect(missing_docs, reason = "the interface's document has the words")]
pub struct HumanLayerFunction {
    pub r#fn: ToolName,
    pub kwargs: JsonObject,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub channel: Option<JsonObject>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reject_options: Option<Vec<HumanLayerOption>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub state: Option<JsonObject>,
}

/// What a person is asked.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, remote = "Self")]
#[expect(missing_docs, reason = "the interface's document has the words")]
pub struct HumanLayerMessage {
    #[schema(pattern = r"\S")]
    pub msg: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subject: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub channel: Option<JsonObject>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub response_options: Option<Vec<HumanLayerOption>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub state: Option<JsonObject>,
}

/// How a call or a contact stands.
#[derive(Clone, Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, remote = "Self")]
#[expect(missing_docs, reason = "the interface's document has the words")]
pub struct HumanLayerStatus {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub requested_at: Option<Timestamp>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub responded_at: Option<Timestamp>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub approved: Option<bool>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub comment: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reject_option_name: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub slack_message_ts: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub response: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub response_option_name: Option<String>,
}

objects_only!(HumanLayerOption, HumanLayerFunction, HumanLayerMessage, HumanLayerStatus);

/// A call of a function that a person is to allow.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "the interface's document has the words")]
pub struct HumanLayerFunctionCall {
    pub run_id: String,
    pub call_id: RequestId,
    pub spec: HumanLayerFunction,
    /// How it stands: a person's to say, never an agent's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(read_only)]
    pub status: Option<HumanLayerStatus>,
}

/// A person who is to say something.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "the interface's document has the words")]
pub struct HumanLayerContact {
    pub run_id: String,
    pub call_id: RequestId,
    pub spec: HumanLayerMessage,
    /// How it stands: a person's to say, never an agent's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(read_only)]
    pub status: Option<HumanLayerStatus>,
}

/// Whom else to tell of what still waits.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "the interface's document has the words")]
pub struct HumanLayerEscalation {
    pub escalation_msg: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub additional_recipients: Option<Vec<JsonObject>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub channel: Option<JsonObject>,
}

/// What no content has of what was sent.
#[derive(Serialize, Deserialize)]
struct Kept {
    run_id: String,
    call_id: RequestId,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    options: Option<Vec<HumanLayerOption>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    state: Option<JsonObject>,
}

/// What is asked, in the words of the domain.
#[derive(Clone, Debug)]
pub struct Asked {
    /// Its id.
    pub request_id: RequestId,
    /// What is asked.
    pub content: Content,
    /// The run that it belongs to.
    pub conversation_id: Option<ConversationId>,
    /// What is said again of it.
    pub metadata: JsonObject,
    /// Where it comes from.
    pub origin: Origin,
}

/// Why what was sent is refused: the member at fault, and what is wrong with it.
pub type Fault = (&'static str, &'static str);

impl HumanLayerFunctionCall {
    /// What this asks.
    ///
    /// # Errors
    ///
    /// The member at fault.
    pub fn asked(self, by: &PrincipalName) -> Result<Asked, Fault> {
        let Self { run_id, call_id, spec, status } = self;
        let HumanLayerFunction { r#fn: function, kwargs, channel: _, reject_options, state } = spec;
        let asked = Confirmation::new(function, kwargs);
        let content = Content::Confirmation(Box::new(Confirmation { tool_use_id: Some(call_id.to_string()), ..asked }));
        let kept = Kept { run_id, call_id, options: reject_options, state };
        asks(Asks::FunctionCall, by, kept, content, status)
    }

    /// The call that this interaction is; `None` where it is none, or is forgotten.
    #[must_use]
    pub fn of(record: Record) -> Option<Self> {
        let Record { interaction, body, claim, .. } = record;
        let Kept { run_id, call_id, options, state } = kept(&body.metadata, DIALECT)?;
        let Content::Confirmation(confirmation) = body.content else { return None };
        let status = call_status(&interaction, claim.as_ref(), options.as_deref().unwrap_or_default());
        let Confirmation { tool_name, input, .. } = *confirmation;
        let spec = HumanLayerFunction { r#fn: tool_name, kwargs: input, channel: None, reject_options: options, state };
        Some(Self { run_id, call_id, spec, status: Some(status) })
    }
}

impl HumanLayerContact {
    /// What this asks.
    ///
    /// # Errors
    ///
    /// The member at fault.
    pub fn asked(self, by: &PrincipalName) -> Result<Asked, Fault> {
        let Self { run_id, call_id, spec, status } = self;
        let HumanLayerMessage { msg, subject, channel: _, response_options, state } = spec;
        let choices = response_options.iter().flatten().map(choice).collect::<Option<Vec<_>>>();
        let entry = Entry {
            question_id: entry_id().ok_or(("spec", "this cannot be asked"))?,
            header: subject,
            text: msg,
            options: choices.ok_or(("spec.response_options", "this option cannot be told from others"))?,
            multi_select: false,
            free_text_allowed: true,
        };
        let content = Content::Question(Question { entries: vec![entry] });
        let kept = Kept { run_id, call_id, options: response_options, state };
        asks(Asks::HumanContact, by, kept, content, status)
    }

    /// The contact that this interaction is; `None` where it is none, or is forgotten.
    #[must_use]
    pub fn of(record: Record) -> Option<Self> {
        let Record { interaction, body, .. } = record;
        let Kept { run_id, call_id, options, state } = kept(&body.metadata, DIALECT)?;
        let Content::Question(Question { mut entries }) = body.content else { return None };
        let Entry { header, text, .. } = entries.pop()?;
        let status = contact_status(&interaction, options.as_deref().unwrap_or_default());
        let spec = HumanLayerMessage { msg: text, subject: header, channel: None, response_options: options, state };
        Some(Self { run_id, call_id, spec, status: Some(status) })
    }
}

fn asks(
    asks: Asks,
    by: &PrincipalName,
    kept: Kept,
    content: Content,
    status: Option<HumanLayerStatus>,
) -> Result<Asked, Fault> {
    if status.is_some() {
        return Err(("status", "the status is what a person makes it: leave it out"));
    }
    let origin =
        Origin { client: origin_text("HumanLayer SDK"), session_id: origin_text(&kept.run_id), ..Origin::default() };
    Ok(Asked {
        request_id: asks.request_id(by, &kept.call_id).ok_or(("call_id", "this is no id"))?,
        content,
        conversation_id: id_of(&kept.run_id),
        metadata: keep(DIALECT, &kept).map_err(|_| ("spec", "this cannot be kept"))?,
        origin,
    })
}

fn entry_id() -> Option<QuestionId> {
    ENTRY.parse().ok()
}

fn option_id(option: &HumanLayerOption) -> Option<OptionId> {
    id_of(&option.name)
}

fn choice(option: &HumanLayerOption) -> Option<Choice> {
    Some(Choice {
        option_id: option_id(option)?,
        label: option.label().to_owned(),
        description: option.description.clone(),
    })
}

impl HumanLayerOption {
    fn label(&self) -> &str {
        self.title.as_deref().filter(|title| !is_blank(title)).unwrap_or(&self.name)
    }

    /// What an agent is told where this was chosen.
    fn says(&self) -> &str {
        self.prompt_fill.as_deref().filter(|text| !is_blank(text)).unwrap_or_else(|| self.label())
    }

    fn is_named(&self, text: &str) -> bool {
        let names = [Some(self.name.as_str()), self.title.as_deref(), self.prompt_fill.as_deref()];
        names.into_iter().flatten().any(|name| name == text)
    }
}

/// How a call stands. A comment goes with every no: one of the SDKs fails without.
fn call_status(interaction: &Interaction, claim: Option<&Claim>, options: &[HumanLayerOption]) -> HumanLayerStatus {
    let asked = HumanLayerStatus { requested_at: Some(interaction.created_at), ..HumanLayerStatus::default() };
    let Some(resolution) = &interaction.resolution else { return asked };
    let said = resolution.detail.comment.clone().filter(|comment| !is_blank(comment));
    let no = match (resolution.outcome, claim) {
        (Outcome::Approved, Some(Claim::Taken(taken))) if Some(&taken.claim_id) == claim_id().as_ref() => None,
        (Outcome::Approved, Some(Claim::Taken(_))) => Some("this approval was used already; ask again".to_owned()),
        (Outcome::Approved, Some(Claim::Withdrawn(_))) => {
            Some("the approval was taken back before it was used".to_owned())
        }
        (Outcome::Approved, None) => Some("the approval was not used in time; ask again".to_owned()),
        (Outcome::Rejected, _) => Some(said.clone().unwrap_or_else(|| rejected(resolution))),
        (outcome, _) => Some(ended(outcome).to_owned()),
    };
    let reject_option_name = match (&no, &said) {
        (Some(_), Some(said)) => options.iter().find(|option| option.is_named(said)).map(|it| it.name.clone()),
        _ => None,
    };
    HumanLayerStatus {
        responded_at: Some(resolution.at),
        approved: Some(no.is_none()),
        comment: no.or(said),
        reject_option_name,
        ..asked
    }
}

/// How a contact stands. Its response is never empty: the SDKs would ask forever.
fn contact_status(interaction: &Interaction, options: &[HumanLayerOption]) -> HumanLayerStatus {
    let asked = HumanLayerStatus { requested_at: Some(interaction.created_at), ..HumanLayerStatus::default() };
    let Some(resolution) = &interaction.resolution else { return asked };
    let answer = resolution.detail.responses.iter().flatten().next();
    let chosen = answer.and_then(|answer| {
        let chosen = answer.chosen().next()?;
        options.iter().find(|option| option_id(option).as_ref() == Some(chosen))
    });
    let response = match (answer, chosen) {
        (_, Some(option)) => option.says().to_owned(),
        (Some(answer), None) => {
            let text = answer.text.clone().filter(|text| !is_blank(text));
            text.unwrap_or_else(|| "(the person passed this over without an answer)".to_owned())
        }
        (None, None) => format!("({})", ended(resolution.outcome)),
    };
    HumanLayerStatus {
        responded_at: Some(resolution.at),
        response: Some(response),
        response_option_name: chosen.map(|option| option.name.clone()),
        ..asked
    }
}

fn rejected(resolution: &Resolution) -> String {
    match &resolution.by {
        ResolvedBy::TrustRule(rule_id) => format!("denied by trust rule {rule_id}"),
        ResolvedBy::Principal(_) | ResolvedBy::System(_) => "denied, without a comment".to_owned(),
    }
}

/// Why there is no answer.
const fn ended(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Expired => "expired: no person answered in time; this is not a no",
        Outcome::Cancelled => "cancelled: it was withdrawn before a person answered; this is not a no",
        Outcome::Superseded => "superseded: the conversation went on before a person answered; this is not a no",
        Outcome::Approved | Outcome::Rejected | Outcome::Answered => "it ended otherwise",
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn by() -> PrincipalName {
        "builder".parse().unwrap()
    }

    #[test]
    fn a_call_with_nulls_is_the_same_as_one_without() {
        let of = |spec: serde_json::Value, status: bool| {
            let mut call = json!({"run_id": "agent-1", "call_id": "call-1", "spec": spec});
            if status {
                call["status"] = json!(null);
            }
            serde_json::from_value::<HumanLayerFunctionCall>(call).unwrap().asked(&by()).unwrap()
        };
        let nulls =
            json!({"fn": "send", "kwargs": {"to": "a"}, "channel": null, "reject_options": null, "state": null});
        let (with, without) = (of(nulls, true), of(json!({"fn": "send", "kwargs": {"to": "a"}}), false));
        assert_eq!(with.request_id, without.request_id);
        assert_eq!(with.metadata.text(), without.metadata.text());
    }

    #[test]
    fn a_channel_is_read_over_and_nothing_of_it_is_kept() {
        let channel = json!({"slack": {"bot_token": "xoxb-1", "new_member": 1}, "telegram": {}});
        let call = json!({"run_id": "r", "call_id": "c", "spec": {"fn": "send", "kwargs": {}, "channel": channel}});
        let asked = serde_json::from_value::<HumanLayerFunctionCall>(call).unwrap().asked(&by()).unwrap();
        assert_eq!(asked.metadata.text(), r#"{"humanlayer":{"run_id":"r","call_id":"c"}}"#);
    }

    #[test]
    fn a_call_and_a_contact_of_the_same_id_are_two() {
        let call_id = "call-1".parse().unwrap();
        assert_ne!(Asks::FunctionCall.request_id(&by(), &call_id), Asks::HumanContact.request_id(&by(), &call_id));
    }

    #[test]
    fn an_agent_does_not_say_how_its_own_call_stands() {
        let call =
            json!({"run_id": "r", "call_id": "c", "spec": {"fn": "send", "kwargs": {}}, "status": {"approved": true}});
        let call = serde_json::from_value::<HumanLayerFunctionCall>(call).unwrap();
        assert_eq!(call.asked(&by()).unwrap_err().0, "status");
    }
}
