//! A client's call of a tool: how it is told from others, and how the question whether it may run ends.
//!
//! The sentences of [`Denial`] stand here once, for every face that has a client behind it.

use std::fmt;

use serde_json::json;
use sha2::{Digest as _, Sha256};

use super::canonical::{canonical_text, input_digest};
use super::enums::Outcome;
use super::id::{ClaimId, ConversationId, PrincipalName, RequestId, ToolName};
use super::interaction::Deadline;
use super::json::JsonObject;
use super::kinds::{Content, Question, Response};
use super::origin::Origin;
use super::traceparent::Traceparent;

/// One call of a tool, as a client's face hands it over.
#[derive(Clone, Debug)]
pub struct ToolCall {
    /// The client's short name, which derived ids begin with.
    pub client: &'static str,
    /// The client's own id of the session; `None` where it has none.
    pub session: Option<String>,
    /// The client's own id of this very call; `None` where it names none.
    pub call_id: Option<String>,
    /// One try of a call: the same again is the same try, so that an answer that was lost on the way is handed out again. It is
    /// the id of the claim. `None`: an answer that is lost is not repeated.
    pub try_id: Option<ClaimId>,
    /// What is asked; accepted, a confirmation or a question.
    pub content: Content,
    /// Until when it may be answered.
    pub deadline: Deadline,
    /// The client's own notes: the same for the same call.
    pub metadata: Option<JsonObject>,
    /// Where the client says that it comes from.
    pub origin: Option<Origin>,
    /// The trace that it is part of.
    pub traceparent: Option<Traceparent>,
}

impl ToolCall {
    /// The conversation of the session.
    #[must_use]
    pub fn conversation_id(&self) -> Option<ConversationId> {
        self.session.as_deref().and_then(conversation_of)
    }

    /// What tells this call from others of `principal`; `None` where nothing does.
    #[must_use]
    pub fn identity(&self, principal: &PrincipalName) -> Option<[u8; 32]> {
        match (&self.call_id, &self.try_id) {
            (Some(call_id), _) => Some(call_sha256(principal, self.session.as_deref(), call_id)),
            (None, Some(try_id)) => Some(sha256(&[json!(principal), json!(self.session), json!({"try": try_id})])),
            (None, None) => None,
        }
    }

    /// The id of the interaction that a call with an id of its own registers.
    #[must_use]
    pub fn request_id(&self, principal: &PrincipalName) -> Option<RequestId> {
        let call_id = self.call_id.as_ref()?;
        derived_id(self.client, &call_sha256(principal, self.session.as_deref(), call_id))
    }

    /// The id of the `n`-th interaction that asks this without a call's own id.
    #[must_use]
    pub fn nth_request_id(&self, asked_sha256: &[u8; 32], n: u64) -> Option<RequestId> {
        derived_id(self.client, &sha256(&[json!(hex::encode(asked_sha256)), json!(n)]))
    }

    /// The digest of who asks what, in which conversation, and where it is to run: calls with the same may share one interaction.
    #[must_use]
    pub fn asked_sha256(&self, principal: &PrincipalName) -> [u8; 32] {
        let conversation = self.conversation_id();
        let asked = match &self.content {
            Content::Confirmation(asked) => json!([
                input_digest(asked.tool_name.as_str(), &asked.input),
                asked.working_dir,
                asked.execution_target.map(|target| target.as_str()),
            ]),
            Content::Question(question) => serde_json::to_value(question).unwrap_or_default(),
            Content::Secret(secret) => serde_json::to_value(secret).unwrap_or_default(),
            Content::Forgotten(_) => json!(null),
        };
        sha256(&[json!(principal), json!(conversation), json!(self.content.kind().as_str()), asked])
    }
}

/// A call that has run, or was to: what tells which one it was.
#[derive(Clone, Debug)]
pub struct RanCall {
    /// The client's own id of the session.
    pub session: Option<String>,
    /// The client's own id of the call.
    pub call_id: Option<String>,
    /// The tool.
    pub tool_name: ToolName,
    /// The input that it ran with.
    pub input: JsonObject,
}

impl RanCall {
    /// What tells it by its own id, where it has one.
    #[must_use]
    pub fn call_sha256(&self, principal: &PrincipalName) -> Option<[u8; 32]> {
        Some(call_sha256(principal, self.session.as_deref(), self.call_id.as_ref()?))
    }

    /// What tells it by what has run: clients may ask without the id that they report with.
    #[must_use]
    pub fn ran_sha256(&self, principal: &PrincipalName) -> [u8; 32] {
        ran_sha256(principal, self.session.as_deref(), &input_digest(self.tool_name.as_str(), &self.input))
    }
}

/// The conversation that a client's session is: its own id, or the digest of one that has other characters.
#[must_use]
pub fn conversation_of(session: &str) -> Option<ConversationId> {
    if session.is_empty() {
        return None;
    }
    session.parse().or_else(|_| hex::encode(Sha256::digest(session)).parse()).ok()
}

/// The id that an interaction of `client` has, from a digest.
#[must_use]
pub fn derived_id(client: &str, sha256: &[u8; 32]) -> Option<RequestId> {
    format!("{client}:{}", hex::encode(sha256)).parse().ok()
}

/// What tells a call with an id of its own from others.
#[must_use]
pub fn call_sha256(principal: &PrincipalName, session: Option<&str>, call_id: &str) -> [u8; 32] {
    sha256(&[json!(principal), json!(session), json!({"call": call_id})])
}

/// What tells the latest call without an id that was allowed to run with an input of this digest.
#[must_use]
pub fn ran_sha256(principal: &PrincipalName, session: Option<&str>, input_digest: &str) -> [u8; 32] {
    sha256(&[json!(principal), json!(session), json!({"ran": input_digest})])
}

/// The parts stand in a JSON array, so that no part can pretend to be two.
fn sha256(parts: &[serde_json::Value]) -> [u8; 32] {
    Sha256::digest(canonical_text(&json!(parts))).into()
}

/// How a client's call ended.
#[derive(Clone, Debug)]
pub enum CallEnd {
    /// It may run, once.
    Allowed(Allowed),
    /// A question was answered.
    Answered(Answered),
    /// It may not run, or not yet.
    Denied(Denial),
}

/// The right to run a call, claimed.
#[derive(Clone, Debug)]
pub struct Allowed {
    /// The interaction.
    pub request_id: RequestId,
    /// The claim, which the outcome is reported with.
    pub claim_id: ClaimId,
    /// The input to run with.
    pub effective_input: JsonObject,
    /// Whether a person has changed it.
    pub is_edited: bool,
}

/// What a person answered.
#[derive(Clone, Debug)]
pub struct Answered {
    /// The interaction.
    pub request_id: RequestId,
    /// What was asked.
    pub question: Question,
    /// What was answered, entry by entry.
    pub responses: Vec<Response>,
}

/// Why a call may not run; displayed as the sentence that the model reads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Denial {
    /// A person or a rule said no.
    Rejected {
        /// Who.
        by: String,
        /// What was said.
        comment: Option<String>,
    },
    /// It ended without a decision.
    Ended {
        /// How.
        outcome: Outcome,
        /// The interaction.
        request_id: RequestId,
    },
    /// A person declined to answer a question.
    Declined {
        /// Who.
        by: String,
    },
    /// It waits; the answer is kept.
    Waiting {
        /// The interaction.
        request_id: RequestId,
    },
    /// The approval is used.
    AlreadyClaimed {
        /// The interaction.
        request_id: RequestId,
    },
    /// The approval was taken back.
    Withdrawn {
        /// The interaction.
        request_id: RequestId,
    },
    /// The approval was not claimed in time.
    ApprovalExpired {
        /// The interaction.
        request_id: RequestId,
    },
    /// What was asked is forgotten.
    Forgotten {
        /// The interaction.
        request_id: RequestId,
    },
    /// It is approved with another input, and the client cannot run another.
    ApprovedOnlyAs {
        /// The interaction.
        request_id: RequestId,
        /// The approved input.
        input: String,
    },
    /// The same call was asked about before, with another tool or input.
    OtherCall {
        /// The interaction.
        request_id: RequestId,
    },
    /// The server does not take the question.
    Refused {
        /// Why.
        why: String,
    },
    /// No server answers.
    Unreachable {
        /// Why.
        why: String,
    },
    /// What the client sent cannot be understood.
    NotUnderstood {
        /// What of it.
        what: String,
    },
}

impl fmt::Display for Denial {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Rejected { by, comment: Some(comment) } => write!(f, "countersign: rejected by {by}: {comment}"),
            Self::Rejected { by, comment: None } => write!(f, "countersign: rejected by {by}, without a comment"),
            Self::Ended { outcome: Outcome::Expired, request_id } => write!(
                f,
                "countersign: no answer came in time and {request_id} has expired. This is not a no: ask again if it is still needed"
            ),
            Self::Ended { outcome: Outcome::Superseded, request_id } => write!(
                f,
                "countersign: the conversation went on and {request_id} was superseded. This is not a no: ask again if it is still needed"
            ),
            Self::Ended { outcome, request_id } => write!(
                f,
                "countersign: {request_id} was {outcome} before it was decided. This is not a no: ask again if it is still needed"
            ),
            Self::Declined { by } => write!(f, "countersign: {by} declined to answer"),
            Self::Waiting { request_id } => write!(
                f,
                "countersign: still waiting for an answer as {request_id}. Ask again with the very same call: the answer is kept"
            ),
            Self::AlreadyClaimed { request_id } => write!(
                f,
                "countersign: the approval {request_id} is used already: what it allowed may have run. Ask again if it is to run once more"
            ),
            Self::Withdrawn { request_id } => {
                write!(f, "countersign: the approval {request_id} was taken back before it was used")
            }
            Self::ApprovalExpired { request_id } => {
                write!(f, "countersign: the approval {request_id} was not used in time: ask again")
            }
            Self::Forgotten { request_id } => {
                write!(f, "countersign: what {request_id} asked is forgotten: ask again")
            }
            Self::ApprovedOnlyAs { request_id, input } => {
                write!(f, "countersign: {request_id} is approved only as: {input}")
            }
            Self::OtherCall { request_id } => write!(
                f,
                "countersign: {request_id} asks about another call under the same id, so this one is not allowed"
            ),
            Self::Refused { why } => write!(f, "countersign does not take this question: {why}"),
            Self::Unreachable { why } => write!(
                f,
                "countersign cannot be reached ({why}), so this is not allowed. Ask again with the very same call: an answer that was given is kept"
            ),
            Self::NotUnderstood { what } => {
                write!(f, "countersign does not understand what this client asks ({what}), so it is not allowed")
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::kinds::Confirmation;

    fn call(session: &str, call_id: Option<&str>, command: &str) -> ToolCall {
        let input = serde_json::from_value(json!({"command": command})).unwrap();
        ToolCall {
            client: "claude-code",
            session: Some(session.to_owned()),
            call_id: call_id.map(str::to_owned),
            try_id: None,
            content: Content::Confirmation(Box::new(Confirmation::new("Bash".parse().unwrap(), input))),
            deadline: Deadline::Default,
            metadata: None,
            origin: None,
            traceparent: None,
        }
    }

    #[test]
    fn a_call_is_told_by_its_principal_session_and_id_and_by_no_concatenation_of_them() {
        let (ada, bob) = ("ada".parse().unwrap(), "bob".parse().unwrap());
        let id = |principal, session, call_id| call(session, Some(call_id), "ls").request_id(principal).unwrap();
        let one = id(&ada, "s", "toolu_1");
        assert!(one.as_str().starts_with("claude-code:") && one.as_str().len() == 12 + 64, "{one}");
        assert_eq!(one, id(&ada, "s", "toolu_1"));
        for other in
            [id(&bob, "s", "toolu_1"), id(&ada, "s2", "toolu_1"), id(&ada, "s", "toolu_2"), id(&ada, "st", "oolu_1")]
        {
            assert_ne!(one, other);
        }
        assert_eq!(call("s", None, "ls").request_id(&ada), None);
    }

    #[test]
    fn calls_share_what_is_asked_where_it_is_to_run_and_nothing_else() {
        let ada = "ada".parse().unwrap();
        let asked = |change: &dyn Fn(&mut Confirmation)| {
            let mut call = call("s", None, "ls");
            change(call.content.confirmation_mut().unwrap());
            call.asked_sha256(&ada)
        };
        let plain = asked(&|_| {});
        assert_eq!(plain, asked(&|asked| asked.reason = Some("because".to_owned())));
        assert_ne!(plain, asked(&|asked| asked.working_dir = Some("/".to_owned())));
        assert_ne!(plain, call("other", None, "ls").asked_sha256(&ada));
        assert_ne!(plain, call("s", None, "ls -a").asked_sha256(&ada));
    }

    #[test]
    fn a_session_with_other_characters_is_hashed() {
        assert_eq!(conversation_of("0f8a-1").map(|id| id.to_string()).as_deref(), Some("0f8a-1"));
        assert_eq!(conversation_of("a|b").map(|id| id.as_str().len()), Some(64));
        assert_eq!(conversation_of(""), None);
    }

    #[test]
    fn every_denial_is_one_sentence_that_is_not_empty() {
        let request_id: RequestId = "x:1".parse().unwrap();
        let denials = [
            Denial::Rejected { by: "ada".to_owned(), comment: Some("no".to_owned()) },
            Denial::Rejected { by: "ada".to_owned(), comment: None },
            Denial::Ended { outcome: Outcome::Expired, request_id: request_id.clone() },
            Denial::Ended { outcome: Outcome::Cancelled, request_id: request_id.clone() },
            Denial::Ended { outcome: Outcome::Superseded, request_id: request_id.clone() },
            Denial::Declined { by: "ada".to_owned() },
            Denial::Waiting { request_id: request_id.clone() },
            Denial::AlreadyClaimed { request_id: request_id.clone() },
            Denial::Withdrawn { request_id: request_id.clone() },
            Denial::ApprovalExpired { request_id: request_id.clone() },
            Denial::Forgotten { request_id: request_id.clone() },
            Denial::ApprovedOnlyAs { request_id: request_id.clone(), input: "{}".to_owned() },
            Denial::OtherCall { request_id },
            Denial::Refused { why: "it is too long".to_owned() },
            Denial::Unreachable { why: "refused".to_owned() },
            Denial::NotUnderstood { what: "no tool_name".to_owned() },
        ];
        let sentences = denials.iter().map(ToString::to_string).collect::<std::collections::HashSet<_>>();
        assert_eq!(sentences.len(), denials.len());
        assert!(sentences.iter().all(|sentence| sentence.starts_with("countersign") && !sentence.contains('\n')));
    }
}
