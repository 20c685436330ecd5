//! What a use case refused: the status and the code of every refusal.

use axum::http::StatusCode;

use super::Problem;
use crate::domain::enums::Outcome;
use crate::domain::refused::Refused;

impl From<Refused> for Problem {
    fn from(refused: Refused) -> Self {
        const FORBIDDEN: StatusCode = StatusCode::FORBIDDEN;
        const NOT_FOUND: StatusCode = StatusCode::NOT_FOUND;
        const CONFLICT: StatusCode = StatusCode::CONFLICT;
        match refused {
            Refused::UnknownRequest => Self::new(NOT_FOUND, "unknown_request", "there is no such interaction"),
            Refused::UnknownRule => Self::new(NOT_FOUND, "unknown_rule", "there is no such trust rule"),
            Refused::UnknownView => Self::new(NOT_FOUND, "unknown_view", "you have no view of this name"),
            Refused::TooManyViews { limit } => {
                let message = format!("a person keeps at most {limit} views: delete one first");
                Self::new(CONFLICT, "too_many_views", message)
            }
            Refused::EndsTooSoon => {
                Self::new(CONFLICT, "ends_too_soon", "it ends within ten minutes, and so cannot be put off")
            }
            Refused::TooManySnoozes { limit } => {
                Self::new(CONFLICT, "too_many_snoozes", format!("at most {limit} are put off at a time"))
            }
            Refused::WrongKind { expected, actual } => {
                Self::new(NOT_FOUND, "wrong_kind", format!("this interaction is a {actual}, not a {expected}"))
            }
            Refused::Retired { outcome: outcome @ Outcome::Expired } => {
                Self::new(NOT_FOUND, "expired", "this interaction has expired").with("status", outcome.as_str())
            }
            Refused::Retired { outcome } => {
                let message = format!("this interaction is already {outcome}");
                Self::new(NOT_FOUND, "already_resolved", message).with("status", outcome.as_str())
            }
            Refused::RuleFromWrongKind { actual } => {
                let message = format!("trust rules are made from confirmations, and this interaction is a {actual}");
                Self::new(CONFLICT, "wrong_kind", message)
            }
            Refused::NotCancellable { outcome } => {
                let message = format!("this interaction is already {outcome}");
                Self::new(CONFLICT, "already_resolved", message).with("status", outcome.as_str())
            }
            Refused::RequestIdConflict => {
                let message = "this requestId is taken by another interaction";
                Self::new(CONFLICT, "request_id_conflict", message).with("field", "requestId")
            }
            Refused::Forbidden { role } => {
                Self::new(FORBIDDEN, "forbidden", format!("the role {role} does not allow this"))
            }
            Refused::SelfApproval => Self::new(
                FORBIDDEN,
                "self_approval",
                "principals do not resolve interactions that they registered themselves",
            ),
            Refused::OtherRole { name, has } => {
                let message = format!("{name} is an {has} already, and a principal has one role: choose another name");
                Self::new(CONFLICT, "other_role", message).with("field", "agent")
            }
            Refused::TokenIdTaken => {
                let message = "this form has made its token already, which is shown once: make another one";
                Self::new(CONFLICT, "token_id_taken", message).with("field", "tokenId")
            }
            // Whether it was one once is told to no one: a revoked token is not known either.
            Refused::UnknownToken => {
                Self::new(StatusCode::UNAUTHORIZED, "unauthenticated", "this token is not known here")
            }
            Refused::UsedLoginLink => {
                let message = "this link has been used or is too old; `countersign login` makes another";
                Self::new(StatusCode::UNAUTHORIZED, "used_login_link", message)
            }
            Refused::NotYours => {
                Self::new(FORBIDDEN, "not_yours", "only the principal that registered this interaction may do this")
            }
            Refused::AcknowledgementRequired { missing } => {
                let words = missing.iter().map(|word| word.as_str()).collect::<Vec<_>>();
                let message = format!("an approval of this interaction has to acknowledge: {}", words.join(", "));
                Self::new(StatusCode::UNPROCESSABLE_ENTITY, "acknowledgement_required", message)
                    .with("field", "acknowledged")
                    .with("acknowledgements", words)
            }
            Refused::NotAlike => {
                let message = "Only what asks the very same is approved together, and what has nothing about it that has to be known first, once each was read.";
                Self::new(StatusCode::UNPROCESSABLE_ENTITY, "not_alike", message).with("field", "id")
            }
            Refused::EditsNotAllowed => {
                let message = "this interaction does not allow its input to be edited";
                Self::new(FORBIDDEN, "edits_not_allowed", message).with("field", "updatedInput")
            }
            Refused::PersistentDecisionsNotAllowed => {
                let message = "this interaction does not allow a trust rule to be made from it";
                Self::new(FORBIDDEN, "persistent_decisions_not_allowed", message)
            }
            Refused::PatternNotOffered => {
                Self::new(FORBIDDEN, "pattern_not_offered", "the pattern is not one that this interaction offered")
            }
            Refused::ScopeNotOffered => {
                Self::new(FORBIDDEN, "scope_not_offered", "the scope is not one that this interaction offered")
            }
            Refused::TooManyMembers => {
                let message = "the input has more, or longer, members than a rule may speak of: say in `members` which of them matter";
                Self::new(StatusCode::UNPROCESSABLE_ENTITY, "too_many_members", message).with("field", "members")
            }
            Refused::OneTimeSendNotAllowed => {
                let message = "this interaction does not allow its secret to be sent just once";
                Self::new(FORBIDDEN, "one_time_send_not_allowed", message).with("field", "delivery")
            }
            Refused::InvalidResponse { field, question_id, problem } => {
                let invalid =
                    Self::new(StatusCode::UNPROCESSABLE_ENTITY, "invalid_response", problem).with("field", field);
                match question_id {
                    Some(question_id) => invalid.with("questionId", question_id.as_str()),
                    None => invalid,
                }
            }
            Refused::EmptyAnswer { question_id } => {
                let message = "an answer in one's own words is not empty; a question may be skipped";
                Self::new(StatusCode::UNPROCESSABLE_ENTITY, "empty_answer", message)
                    .with("field", "responses")
                    .with("questionId", question_id.as_str())
            }
            Refused::NotApproved { status } => {
                let message = format!("there is no approval to claim or to withdraw: this is {}", status.as_str());
                Self::new(CONFLICT, "not_approved", message).with("status", status.as_str())
            }
            Refused::AlreadyClaimed => Self::new(CONFLICT, "already_claimed", "this confirmation is already claimed"),
            Refused::ApprovalExpired => {
                let message = "this approval was not claimed in time; ask again";
                Self::new(CONFLICT, "approval_expired", message)
            }
            Refused::ApprovalWithdrawn => {
                Self::new(CONFLICT, "approval_withdrawn", "this approval was taken back before it was claimed")
            }
            Refused::NotResolved => {
                Self::new(CONFLICT, "not_resolved", "this interaction is pending: only what is over can be forgotten")
                    .with("status", "pending")
            }
            Refused::StillClaimable => {
                let message = "this approval can still be claimed: withdraw it before it is forgotten";
                Self::new(CONFLICT, "still_claimable", message)
            }
            Refused::Forgotten => Self::new(CONFLICT, "forgotten", "what was asked here is forgotten"),
            Refused::DigestMismatch => {
                let message = "what was approved has another digest; nothing was used up";
                Self::new(CONFLICT, "digest_mismatch", message).with("field", "inputDigest")
            }
            Refused::NotClaimed => Self::new(CONFLICT, "not_claimed", "nothing of this interaction has been claimed"),
            Refused::ClaimMismatch => {
                Self::new(CONFLICT, "claim_mismatch", "the claim has another id").with("field", "claimId")
            }
            Refused::OutcomeConflict => Self::new(CONFLICT, "outcome_conflict", "another outcome was reported before"),
            Refused::NotAnswered { status } => {
                let message = format!("there is no value: this secret is {}", status.as_str());
                Self::new(CONFLICT, "not_answered", message).with("status", status.as_str())
            }
            Refused::AlreadyTaken => Self::new(CONFLICT, "already_taken", "this secret was sent once and is gone"),
            Refused::Wiped => Self::new(CONFLICT, "wiped", "this secret was wiped; ask for it again"),
            Refused::DeadlineOutOfRange => {
                Self::malformed("the deadline is not after now, or too far away to be written down")
            }
            Refused::TooManyPending { limit } => {
                let message = format!("this principal has {limit} interactions pending, which is as many as it may");
                Self::new(StatusCode::TOO_MANY_REQUESTS, "too_many_pending", message).retry_later()
            }
            Refused::ViewNameHidden => {
                let message = "the name of a view has no characters that do not show, or look like others";
                Self::malformed_field("name", message)
            }
            Refused::UnknownChannel => Self::new(NOT_FOUND, "unknown_channel", "there is no such channel"),
            Refused::ChannelNameTaken => {
                let message = "you have a channel of this name already: choose another, or remove that one first";
                Self::new(CONFLICT, "channel_name_taken", message).with("field", "name")
            }
            Refused::ChannelRefused { field, problem } => {
                Self::new(StatusCode::UNPROCESSABLE_ENTITY, "channel_refused", problem).with("field", field)
            }
            Refused::NotSigned => Self::new(
                CONFLICT,
                "not_signed",
                "what is sent to this channel is not signed: it has no secret to replace",
            ),
            Refused::TooManyChannels { limit } => {
                let message = format!("this principal has {limit} channels, which is as many as it may: remove one");
                Self::new(StatusCode::UNPROCESSABLE_ENTITY, "too_many_channels", message)
            }
            Refused::TooManyLoginLinks { limit } => {
                let message = format!("{limit} log-in links of this principal still work: use one, or come back later");
                Self::new(StatusCode::TOO_MANY_REQUESTS, "too_many_login_links", message).retry_later()
            }
            Refused::StorageShareUsed { limit, retry_after_ms } => {
                let message = format!("this principal may store {limit} bytes a day, and this would be more");
                Self::new(StatusCode::TOO_MANY_REQUESTS, "storage_share_used", message)
                    .with("retryAfterMs", retry_after_ms)
            }
            Refused::TooManyOwnWaiters { limit } => {
                let message = format!("{limit} requests of this principal wait already, which is as many as may");
                Self::new(StatusCode::TOO_MANY_REQUESTS, "too_many_waiters", message).retry_later()
            }
            Refused::TooManyWaiters { limit } => {
                let message = format!("{limit} requests wait already, which is as many as may");
                Self::new(StatusCode::SERVICE_UNAVAILABLE, "too_many_waiters", message).retry_later()
            }
        }
    }
}
