//! An interaction, as agents register it and as the API shows it: every member that is named after a kind.

use serde::{Deserialize, Deserializer, Serialize};
use utoipa::ToSchema;

use super::{BodyLimits, Claim, InteractionList, Invalid, Resolution, Warning, WithRaw};
use crate::clock::Timestamp;
use crate::domain::acknowledgement::{Acknowledgement, required};
use crate::domain::bounded::LifetimeMs;
use crate::domain::enums::{Kind, Outcome, RiskLevel};
use crate::domain::id::{ConversationId, PrincipalName, RequestId, ToolName};
use crate::domain::interaction::{Deadline, Forgetting, Record, Status};
use crate::domain::json::JsonObject;
use crate::domain::kinds::{Asked, Confirmation, Content, FORGOTTEN, Question, Remains, SecretRequest, Summary};
use crate::domain::origin::Origin;
use crate::domain::traceparent::Traceparent;

/// An interaction, as the API shows it.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[schema(as = InteractionView)]
#[serde(rename_all = "camelCase")]
#[expect(missing_docs, reason = "the interface's document has the words")]
pub struct Interaction {
    pub request_id: RequestId,
    pub kind: Kind,
    pub status: Status,
    pub conversation_id: Option<ConversationId>,
    pub registered_by: PrincipalName,
    pub created_at: Timestamp,
    pub expires_at: Option<Timestamp>,
    pub resolved_at: Option<Timestamp>,
    pub claim_expires_at: Option<Timestamp>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub traceparent: Option<Traceparent>,
    #[schema(value_type = Object)]
    pub metadata: JsonObject,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub origin: Option<Origin>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub confirmation: Option<Box<Confirmation>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub secret: Option<SecretRequest>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub question: Option<Question>,
    /// What an approval of a confirmation has to acknowledge.
    #[schema(value_type = Vec<Acknowledgement>, required = false)]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub acknowledgements: Option<Vec<Acknowledgement>>,
    pub resolution: Option<Resolution>,
    pub claim: Option<Claim>,
    /// Its forgetting, and what is known of its content still; only where it is forgotten.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub forgotten: Option<Forgotten>,
    /// What the agent should know; only in the answer to a registration.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub warnings: Option<Vec<Warning>>,
}

impl Interaction {
    /// What is asked; `None` where the member named after the kind is missing.
    #[must_use]
    pub fn asked(&self) -> Option<Asked<'_>> {
        match self.kind {
            Kind::Confirmation => self.confirmation.as_deref().map(Asked::Confirmation),
            Kind::Secret => self.secret.as_ref().map(Asked::Secret),
            Kind::Question => self.question.as_ref().map(Asked::Question),
        }
    }

    /// What it is about, in a line, be it that it is forgotten; `None` where the member named after the kind is missing.
    #[must_use]
    pub fn summary(&self) -> Option<Summary<'_>> {
        let forgotten = || {
            let title = self.tool_name().map_or(self.kind.as_str(), ToolName::as_str);
            self.forgotten.is_some().then(|| Summary { title, text: FORGOTTEN.into() })
        };
        self.asked().map(Asked::summary).or_else(forgotten)
    }

    /// The tool of a confirmation, also of one that is forgotten.
    #[must_use]
    pub fn tool_name(&self) -> Option<&ToolName> {
        let asked = self.confirmation.as_ref().map(|asked| &asked.tool_name);
        asked.or_else(|| self.forgotten.as_ref()?.tool_name.as_ref())
    }

    /// The risk of a confirmation, also of one that is forgotten.
    #[must_use]
    pub fn risk_level(&self) -> Option<RiskLevel> {
        let asked = self.confirmation.as_ref().map(|asked| asked.risk_level);
        asked.or_else(|| self.forgotten.as_ref()?.risk_level)
    }

    /// How it ended; `None` while it is pending.
    #[must_use]
    pub const fn outcome(&self) -> Option<Outcome> {
        match self.status {
            Status::Pending => None,
            Status::Resolved(outcome) => Some(outcome),
        }
    }
}

impl From<Record> for Interaction {
    fn from(Record { interaction, body, claim, wiping, forgetting }: Record) -> Self {
        let status = interaction.status();
        let claim_expires_at = interaction.claim_expires_at();
        let resolved_at = interaction.resolution.as_ref().map(|resolution| resolution.at);
        let resolution = interaction.resolution.map(|resolution| Resolution::new(resolution, &body.content, wiping));
        let forgotten = forgetting.map(|forgetting| Forgotten::new(forgetting, &body.content));
        let RegisterBody { kind, mut confirmation, secret, question, .. } = RegisterBody::new(body.content);
        let acknowledgements = confirmation.as_ref().map(|asked| required(asked, None));
        // A page of a list holds many of these, and none is looked into any more.
        confirmation.iter_mut().for_each(|asked| asked.input.drop_tree());
        Self {
            request_id: interaction.request_id,
            kind,
            status,
            conversation_id: interaction.conversation_id,
            registered_by: interaction.registered_by,
            created_at: interaction.created_at,
            expires_at: interaction.expires_at,
            resolved_at,
            claim_expires_at,
            traceparent: body.traceparent,
            metadata: body.metadata,
            origin: body.origin,
            confirmation,
            secret,
            question,
            acknowledgements,
            resolution,
            claim: claim.map(Claim::from),
            forgotten,
            warnings: None,
        }
    }
}

/// The forgetting of an interaction: who had it wiped, and what is known of its content still.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[schema(as = ForgottenView)]
#[serde(rename_all = "camelCase")]
pub struct Forgotten {
    /// When.
    pub at: Timestamp,
    /// By whom; null: because of its age.
    pub by: Option<PrincipalName>,
    /// The tool of a confirmation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tool_name: Option<ToolName>,
    /// The risk of a confirmation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub risk_level: Option<RiskLevel>,
    /// The digest of what a confirmation asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub input_digest: Option<String>,
}

impl Forgotten {
    fn new(Forgetting { by, at }: Forgetting, content: &Content) -> Self {
        let Content::Forgotten(Remains { tool_name, risk_level, input_digest, .. }) = content else {
            return Self { at, by, tool_name: None, risk_level: None, input_digest: None };
        };
        let (tool_name, input_digest) = (tool_name.clone(), input_digest.clone());
        Self { at, by, tool_name, risk_level: *risk_level, input_digest }
    }
}

/// What an agent registers: the member named after the kind, and no other kind's.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[expect(missing_docs, reason = "the interface's document has the words")]
pub struct RegisterBody {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub request_id: Option<RequestId>,
    pub kind: Kind,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub conversation_id: Option<ConversationId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(inline)]
    pub expires_in_ms: Option<LifetimeMs>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub metadata: Option<JsonObject>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub origin: Option<Origin>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub confirmation: Option<Box<Confirmation>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub secret: Option<SecretRequest>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub question: Option<Question>,
}

impl RegisterBody {
    /// A registration of `content` with nothing else said.
    #[must_use]
    pub fn new(content: Content) -> Self {
        let kind = content.kind();
        let (confirmation, secret, question) = match content {
            Content::Confirmation(confirmation) => (Some(confirmation), None, None),
            Content::Secret(secret) => (None, Some(secret), None),
            Content::Question(question) => (None, None, Some(question)),
            Content::Forgotten(_) => (None, None, None),
        };
        Self {
            request_id: None,
            kind,
            conversation_id: None,
            expires_in_ms: None,
            expires_at: None,
            metadata: None,
            origin: None,
            confirmation,
            secret,
            question,
        }
    }

    /// Until when the interaction may be resolved.
    ///
    /// # Errors
    ///
    /// When two deadlines are given.
    pub fn deadline(&self) -> Result<Deadline, Invalid> {
        match (self.expires_in_ms, self.expires_at) {
            (None, None) => Ok(Deadline::Default),
            (Some(millis), None) => Ok(Deadline::In(millis.get())),
            (None, Some(moment)) => Ok(Deadline::At(moment)),
            (Some(_), Some(_)) => Err(Invalid::field("expiresAt", "give expiresInMs or expiresAt, not both")),
        }
    }

    /// What is asked, checked and completed; it is taken out of the body.
    ///
    /// # Errors
    ///
    /// The first field at fault: another kind's member, what the kind does not allow, what is too large.
    pub fn take_content(&mut self, limits: &BodyLimits) -> Result<Content, Invalid> {
        let content = match (self.kind, self.confirmation.take(), self.secret.take(), self.question.take()) {
            (Kind::Confirmation, Some(confirmation), None, None) => Content::Confirmation(confirmation),
            (Kind::Secret, None, Some(secret), None) => Content::Secret(secret),
            (Kind::Question, None, None, Some(question)) => Content::Question(question),
            (kind, ..) => {
                let message = format!("an interaction of kind {kind} has the member {kind}, and no other kind's");
                return Err(Invalid::field(kind.as_str(), message));
            }
        };
        if let Content::Confirmation(confirmation) = &content {
            check_limits(confirmation, limits)?;
        }
        let kind = self.kind;
        content.accept().map_err(|error| Invalid::field(format!("{kind}.{}", error.field), error.message))
    }
}

fn check_limits(confirmation: &Confirmation, limits: &BodyLimits) -> Result<(), Invalid> {
    limits.check_input("confirmation.input", confirmation.input.text().len())?;
    let longest = confirmation.allowlist_options.iter().map(|option| option.pattern.as_str().len()).max();
    limits.check_pattern("confirmation.allowlistOptions", longest.unwrap_or(0))?;
    let longest = confirmation.scope_options.iter().map(|option| option.scope.as_str().len()).max();
    limits.check_pattern("confirmation.scopeOptions", longest.unwrap_or(0))
}

/// What is pending, as the query asked for it.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(untagged)]
#[expect(missing_docs, reason = "the interface's document has the words")]
pub enum Pending {
    All(InteractionList),
    Newest(Box<NewestPending>),
}

impl<'de> Deserialize<'de> for Pending {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Members {
            interactions: Option<Vec<WithRaw<Interaction>>>,
            next_cursor: Option<String>,
            pending_confirmation: Option<Interaction>,
            pending_secret: Option<Interaction>,
            pending_question: Option<Interaction>,
        }

        let members = Members::deserialize(deserializer)?;
        Ok(match members.interactions {
            Some(interactions) => Self::All(InteractionList { interactions, next_cursor: members.next_cursor }),
            None => Self::Newest(Box::new(NewestPending {
                pending_confirmation: members.pending_confirmation,
                pending_secret: members.pending_secret,
                pending_question: members.pending_question,
            })),
        })
    }
}

/// The newest interaction of each kind that is pending in a conversation.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[expect(missing_docs, reason = "the interface's document has the words")]
pub struct NewestPending {
    pub pending_confirmation: Option<Interaction>,
    pub pending_secret: Option<Interaction>,
    pub pending_question: Option<Interaction>,
}

impl From<Vec<Record>> for NewestPending {
    /// From at most one record of each kind.
    fn from(records: Vec<Record>) -> Self {
        let mut newest = Self { pending_confirmation: None, pending_secret: None, pending_question: None };
        for record in records {
            let member = match record.interaction.kind {
                Kind::Confirmation => &mut newest.pending_confirmation,
                Kind::Secret => &mut newest.pending_secret,
                Kind::Question => &mut newest.pending_question,
            };
            *member = Some(record.into());
        }
        newest
    }
}
