//! One question of an agent, from `pending` to the one way in which it ended.

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use sha2::{Digest as _, Sha256};
use utoipa::ToSchema;

use crate::clock::Timestamp;

use super::enums::{Decision, Kind, Outcome, RunOutcome};
use super::id::{ClaimId, ConversationId, PrincipalName, RequestId, RuleId, ToolName};
use super::json::JsonObject;
use super::kinds::Content;
use super::origin::Origin;
use super::principal::Principal;
use super::refused::Refused;
use super::traceparent::Traceparent;

pub use super::kinds::Detail;

/// Where an interaction stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// It waits.
    Pending,
    /// It ended; this never changes.
    Resolved(Outcome),
}

impl Status {
    /// The word for it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Resolved(outcome) => outcome.as_str(),
        }
    }
}

super::schema::described!(
    Status,
    super::schema::one_of(std::iter::once("pending").chain(Outcome::ALL.iter().map(|outcome| outcome.as_str())))
);

impl Serialize for Status {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for Status {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

impl std::str::FromStr for Status {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text == Self::Pending.as_str() {
            return Ok(Self::Pending);
        }
        text.parse().map(Self::Resolved).map_err(|expected: String| format!("{expected}, pending"))
    }
}

/// Until when an interaction may be resolved.
#[derive(Clone, Copy, Debug)]
pub enum Deadline {
    /// As the server is configured.
    Default,
    /// So many milliseconds from its registration.
    In(u64),
    /// At this time.
    At(Timestamp),
}

/// Who or what resolved an interaction.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub enum ResolvedBy {
    /// A principal, with its token.
    Principal(PrincipalName),
    /// A standing rule.
    TrustRule(RuleId),
    /// The deadline.
    System(System),
}

/// What the server resolves by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub enum System {
    /// The deadline passed.
    Expired,
}

/// How an interaction ended.
#[derive(Clone, Debug)]
pub struct Resolution {
    /// With what.
    pub outcome: Outcome,
    /// By whom.
    pub by: ResolvedBy,
    /// When.
    pub at: Timestamp,
    /// What else was said.
    pub detail: Detail,
}

/// An interaction without what was asked: who, when, and where it stands.
#[derive(Clone, Debug)]
pub struct Interaction {
    /// Its id.
    pub request_id: RequestId,
    /// What it asks for.
    pub kind: Kind,
    /// The conversation that it belongs to.
    pub conversation_id: Option<ConversationId>,
    /// The tool, for a confirmation.
    pub tool_name: Option<ToolName>,
    /// Who registered it.
    pub registered_by: PrincipalName,
    /// When.
    pub created_at: Timestamp,
    /// From when on nothing resolves it; `None`: it has no deadline.
    pub expires_at: Option<Timestamp>,
    /// How long, in milliseconds, an approval of it is good for; `None`: forever.
    pub claim_within_ms: Option<u64>,
    /// How it ended; `None` while it is pending.
    pub resolution: Option<Resolution>,
}

impl Interaction {
    /// Where it stands.
    #[must_use]
    pub fn status(&self) -> Status {
        match &self.resolution {
            None => Status::Pending,
            Some(resolution) => Status::Resolved(resolution.outcome),
        }
    }

    /// Where it stands at `now`: what is overdue has expired, whether or not that is written down yet.
    #[must_use]
    pub fn status_at(&self, now: Timestamp) -> Status {
        if self.is_overdue(now) { Status::Resolved(Outcome::Expired) } else { self.status() }
    }

    /// Whether it still says `pending` though its deadline has passed.
    #[must_use]
    pub fn is_overdue(&self, now: Timestamp) -> bool {
        self.resolution.is_none() && self.expires_at.is_some_and(|end| end <= now)
    }

    /// Refuses unless this is a `kind` whose window is open at `now`.
    pub fn check_open(&self, kind: Kind, now: Timestamp) -> Result<(), Refused> {
        self.check_kind(kind)?;
        match &self.resolution {
            Some(resolution) => Err(Refused::Retired { outcome: resolution.outcome }),
            None if self.is_overdue(now) => Err(Refused::Retired { outcome: Outcome::Expired }),
            None => Ok(()),
        }
    }

    /// Refuses unless this is a `kind`.
    pub fn check_kind(&self, kind: Kind) -> Result<(), Refused> {
        if self.kind == kind { Ok(()) } else { Err(Refused::WrongKind { expected: kind, actual: self.kind }) }
    }

    /// Refuses a principal that would answer its own question, unless `self_approval_allowed`.
    pub fn check_not_own(&self, principal: &Principal, self_approval_allowed: bool) -> Result<(), Refused> {
        if self.registered_by == principal.name && !self_approval_allowed {
            return Err(Refused::SelfApproval);
        }
        Ok(())
    }

    /// Whether `principal` sees that this exists.
    #[must_use]
    pub fn is_visible_to(&self, principal: &Principal) -> bool {
        principal.sees_everything() || self.registered_by == principal.name
    }

    /// Refuses a principal that did not register this, in the way in which it may know of it.
    pub fn check_own(&self, principal: &Principal) -> Result<(), Refused> {
        match self.registered_by == principal.name {
            true => Ok(()),
            false if self.is_visible_to(principal) => Err(Refused::NotYours),
            false => Err(Refused::UnknownRequest),
        }
    }

    /// Whether it was allowed.
    #[must_use]
    pub fn is_approved(&self) -> bool {
        self.status() == Status::Resolved(Outcome::Approved)
    }

    /// From when on its approval is no longer claimed; `None` where it is not approved, or good forever.
    #[must_use]
    pub fn claim_expires_at(&self) -> Option<Timestamp> {
        let approval = self.resolution.as_ref().filter(|resolution| resolution.outcome == Outcome::Approved)?;
        approval.at.plus_millis(self.claim_within_ms?)
    }

    /// How this ended, where `principal` itself ended it.
    #[must_use]
    pub fn resolution_by(&self, principal: &Principal) -> Option<&Resolution> {
        self.resolution.as_ref().filter(|resolution| resolution.by == ResolvedBy::Principal(principal.name.clone()))
    }
}

impl Resolution {
    /// What a confirmation was resolved with, where it was.
    #[must_use]
    pub const fn decision(&self) -> Option<Decision> {
        match self.outcome {
            Outcome::Approved => Some(Decision::Allow),
            Outcome::Rejected => Some(Decision::Deny),
            Outcome::Answered | Outcome::Expired | Outcome::Cancelled | Outcome::Superseded => None,
        }
    }

    /// The deadline's own resolution, at the moment at which the window closed, whenever that is noticed.
    #[must_use]
    pub fn expired(at: Timestamp) -> Self {
        Self { outcome: Outcome::Expired, by: ResolvedBy::System(System::Expired), at, detail: Detail::default() }
    }

    /// A person's, with nothing to add.
    #[must_use]
    pub fn by_principal(outcome: Outcome, principal: &Principal, at: Timestamp) -> Self {
        Self { outcome, by: ResolvedBy::Principal(principal.name.clone()), at, detail: Detail::default() }
    }
}

/// What became of the one-time right to act on an approved confirmation.
#[derive(Clone, Debug)]
pub enum Claim {
    /// An agent took it.
    Taken(TakenClaim),
    /// An approver took the approval back before.
    Withdrawn(Withdrawal),
}

impl Claim {
    /// The claim of an agent, where it is one.
    #[must_use]
    pub fn taken(self) -> Option<TakenClaim> {
        match self {
            Self::Taken(claim) => Some(claim),
            Self::Withdrawn(_) => None,
        }
    }
}

/// Who took an approval back, and when.
#[derive(Clone, Debug)]
pub struct Withdrawal {
    /// Who.
    pub by: PrincipalName,
    /// When.
    pub at: Timestamp,
}

/// Who wiped a secret's value, and when.
#[derive(Clone, Debug)]
pub struct Wiping {
    /// Who.
    pub by: PrincipalName,
    /// When.
    pub at: Timestamp,
}

/// Who had an interaction forgotten, and when.
#[derive(Clone, Debug)]
pub struct Forgetting {
    /// Who; `None`: the server or a command, because of its age.
    pub by: Option<PrincipalName>,
    /// When.
    pub at: Timestamp,
}

/// The one-time right to act on an approved confirmation, taken.
#[derive(Clone, Debug)]
pub struct TakenClaim {
    /// Its id.
    pub claim_id: ClaimId,
    /// When it was taken.
    pub claimed_at: Timestamp,
    /// What came of it.
    pub report: Option<RunReport>,
}

/// What the agent reported of an action that it claimed.
#[derive(Clone, Debug)]
pub struct RunReport {
    /// Whether it worked.
    pub outcome: RunOutcome,
    /// More about it.
    pub detail: Option<String>,
    /// When it was reported.
    pub at: Timestamp,
}

/// What was asked.
#[derive(Clone, Debug)]
pub struct Body {
    /// The content: what the member named after the kind holds.
    pub content: Content,
    /// The agent's own notes.
    pub metadata: JsonObject,
    /// Where the agent says that it comes from; `None` where it says nothing.
    pub origin: Option<Origin>,
    /// How many bytes content and metadata take as JSON.
    pub bytes: usize,
    /// Tells a repetition from a conflict.
    pub content_sha256: [u8; 32],
    /// The trace that it was registered from; `None` where the agent named none.
    pub traceparent: Option<Traceparent>,
}

impl Body {
    /// The digest of the one use of a tool that this names, asked by `principal` in `conversation`: the same again is the same use.
    #[must_use]
    pub fn tool_use_sha256(
        &self,
        principal: &PrincipalName,
        conversation: Option<&ConversationId>,
    ) -> Option<[u8; 32]> {
        conversation?;
        self.content.confirmation()?.tool_use_id.as_ref()?;
        // A name is followed by the same number of bytes whatever it is.
        Some(Sha256::new().chain_update(principal.as_str()).chain_update(self.content_sha256).finalize().into())
    }
}

/// An interaction with everything that belongs to it.
#[derive(Clone, Debug)]
pub struct Record {
    /// Who, when, and where it stands.
    pub interaction: Interaction,
    /// What was asked.
    pub body: Body,
    /// What became of the right to act on it.
    pub claim: Option<Claim>,
    /// The wiping of the value that was given, where a person has wiped it.
    pub wiping: Option<Wiping>,
    /// The forgetting of it; then its content is what remains.
    pub forgetting: Option<Forgetting>,
}
