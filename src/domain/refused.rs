//! Every way in which a well-formed request can be refused: expected, and caused by the caller.

use super::acknowledgement::Acknowledgement;
use super::enums::{Kind, Outcome, Role};
use super::id::{PrincipalName, QuestionId};
use super::interaction::Status;

/// Why nothing was done. Nothing has changed when one of these comes back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refused {
    /// No such interaction, or none that this principal may know of.
    UnknownRequest,
    /// No such trust rule.
    UnknownRule,
    /// The principal has no view of this name.
    UnknownView,
    /// The principal keeps as many views as it may.
    TooManyViews {
        /// How many that is.
        limit: u32,
    },
    /// What is to be put off ends too soon for that.
    EndsTooSoon,
    /// The principal has put off as many as it may.
    TooManySnoozes {
        /// How many that is.
        limit: usize,
    },
    /// This interaction asks for something else.
    WrongKind {
        /// What the endpoint resolves.
        expected: Kind,
        /// What the interaction is.
        actual: Kind,
    },
    /// It is over: the card is to be retired.
    Retired {
        /// How it ended.
        outcome: Outcome,
    },
    /// A lasting rule was to be made from something that is pending, but no confirmation.
    RuleFromWrongKind {
        /// What the interaction is.
        actual: Kind,
    },
    /// It ended otherwise than by being cancelled.
    NotCancellable {
        /// How it ended.
        outcome: Outcome,
    },
    /// The same `requestId` with other content, or of another principal.
    RequestIdConflict,
    /// The role does not give this right.
    Forbidden {
        /// The role that the principal has.
        role: Role,
    },
    /// The principal registered this itself.
    SelfApproval,
    /// The token is not known.
    UnknownToken,
    /// A token was made for a principal with another role, and it has one alone.
    OtherRole {
        /// The principal.
        name: PrincipalName,
        /// The role that it has.
        has: Role,
    },
    /// There is a token of this id already.
    TokenIdTaken,
    /// The link has been used, is too old, or never was.
    UsedLoginLink,
    /// Only the principal that registered it may do this.
    NotYours,
    /// The approval does not say that all was seen that has to be.
    AcknowledgementRequired {
        /// What was not acknowledged.
        missing: Vec<Acknowledgement>,
    },
    /// It does not ask the same as what it was to be approved together with.
    NotAlike,
    /// The agent does not let its input be edited.
    EditsNotAllowed,
    /// The agent does not let lasting rules be made from this.
    PersistentDecisionsNotAllowed,
    /// The pattern is not one that this interaction offered.
    PatternNotOffered,
    /// The scope is not one that this interaction offered.
    ScopeNotOffered,
    /// The input has more, or longer, members than a rule may speak of: none is made that leaves them as they are.
    TooManyMembers,
    /// The agent does not take this secret for one use.
    OneTimeSendNotAllowed,
    /// The answer is not one to what was asked.
    InvalidResponse {
        /// The member of the answer that is at fault.
        field: &'static str,
        /// The entry at fault, for a question.
        question_id: Option<QuestionId>,
        /// What is wrong with it.
        problem: &'static str,
    },
    /// An answer in one's own words that has none.
    EmptyAnswer {
        /// The entry at fault.
        question_id: QuestionId,
    },
    /// Only an approved confirmation can be claimed.
    NotApproved {
        /// Where the interaction stands.
        status: Status,
    },
    /// The claim is taken.
    AlreadyClaimed,
    /// The approval is past its deadline.
    ApprovalExpired,
    /// An approver took the approval back.
    ApprovalWithdrawn,
    /// What was approved has another digest.
    DigestMismatch,
    /// There is no claim to report on.
    NotClaimed,
    /// The claim has another id.
    ClaimMismatch,
    /// Another outcome was reported before.
    OutcomeConflict,
    /// There is no value to take.
    NotAnswered {
        /// Where the interaction stands.
        status: Status,
    },
    /// The one-time value is gone.
    AlreadyTaken,
    /// A person wiped the value.
    Wiped,
    /// What is pending is not forgotten.
    NotResolved,
    /// An approval that can still be claimed is not forgotten.
    StillClaimable,
    /// What was asked is forgotten.
    Forgotten,
    /// The deadline is not after now, or too far away to be written down.
    DeadlineOutOfRange,
    /// Something in the name of a view does not show itself, or looks like something else.
    ViewNameHidden,
    /// No such channel, or none of this principal's.
    UnknownChannel,
    /// The principal has a channel of this name.
    ChannelNameTaken,
    /// The channel cannot be made as it is said.
    ChannelRefused {
        /// The member at fault.
        field: &'static str,
        /// What is wrong with it.
        problem: String,
    },
    /// What is sent to this channel is not signed.
    NotSigned,
    /// The principal has as many channels as it may.
    TooManyChannels {
        /// How many that is.
        limit: usize,
    },
    /// The principal has as many log-in links that still work as it may.
    TooManyLoginLinks {
        /// How many that is.
        limit: u32,
    },
    /// The principal has as many pending interactions as it may.
    TooManyPending {
        /// How many that is.
        limit: u32,
    },
    /// The principal has stored as much today as it may.
    StorageShareUsed {
        /// How many bytes that is.
        limit: u64,
        /// When the day is over, in milliseconds.
        retry_after_ms: u64,
    },
    /// As many requests of this principal wait as may.
    TooManyOwnWaiters {
        /// How many.
        limit: usize,
    },
    /// As many requests wait as may.
    TooManyWaiters {
        /// How many that is.
        limit: usize,
    },
}
