//! The kinds of interaction on the command line, a module each: how an agent asks, the command that answers, the card, and
//! the keys of `watch`. Here is what chooses among them.

pub(super) mod confirmation;
mod question;
mod secret;

use std::time::Duration;

use clap::Subcommand;
use zeroize::Zeroizing;

use super::Failure;
use super::card::Card;
use super::safe_text::SafeText;
use super::style::TextStyle;
use super::time::Now;
use super::watch::menu::Menu;
use super::watch::step::Transition;
use super::withdraw::Withdraw;
use crate::api::{AnswerBody, ConfirmBody, Interaction, ProvideSecretBody, Resolution};
use crate::client::{Client, Result as ClientResult, RetryPolicy};
use crate::domain::acknowledgement::Acknowledgement;
use crate::domain::enums::{Decision, Delivery, Kind};
use crate::domain::id::RequestId;
use crate::domain::json::JsonObject;
use crate::domain::kinds::{Asked, Response};
use crate::domain::members::Members;
use crate::domain::pattern::{Pattern, Scope};
use crate::domain::secret_value::SecretValue;
use crate::domain::text::PlainText;

/// What is asked by `ask` that is no confirmation.
#[derive(Debug, Subcommand)]
pub(super) enum AskOther {
    /// Ask for a secret and print its value, and nothing else, on stdout
    Secret(secret::AskSecret),
    /// Ask a question and print the answer on stdout
    Question(question::AskQuestion),
}

impl AskOther {
    pub(super) fn run(self) -> Result<(), Failure> {
        match self {
            Self::Secret(secret) => secret.run(),
            Self::Question(question) => question.run(),
        }
    }
}

/// The commands by which a person resolves an interaction, or takes that back.
#[derive(Debug, Subcommand)]
pub(super) enum Resolve {
    /// Approve what an agent wants to do
    Approve(confirmation::Approve),
    /// Reject what an agent wants to do
    Reject(confirmation::Reject),
    /// Take an approval back before the agent has claimed it
    Withdraw(Withdraw),
    /// Give a secret that an agent asked for, or wipe one
    Secret(secret::GiveSecret),
    /// Answer a question
    Answer(question::AnswerQuestion),
}

impl Resolve {
    pub(super) fn run(self) -> Result<(), Failure> {
        match self {
            Self::Approve(approve) => approve.run(),
            Self::Reject(reject) => reject.run(),
            Self::Withdraw(withdraw) => withdraw.run(),
            Self::Secret(secret) => secret.run(),
            Self::Answer(answer) => answer.run(),
        }
    }
}

/// The command that resolves one of this kind.
pub(super) const fn command(kind: Kind) -> &'static str {
    match kind {
        Kind::Confirmation => "approve",
        Kind::Secret => "secret",
        Kind::Question => "answer",
    }
}

/// The help of a filter.
pub(super) fn only_this_kind() -> String {
    let words = Kind::ALL.iter().map(|kind| kind.as_str()).collect::<Vec<_>>().join(", ");
    let (first, last) = words.rsplit_once(", ").unwrap_or_default();
    format!("Only this kind: {first} or {last}")
}

impl Card {
    /// What is asked.
    pub(super) fn content(&mut self, asked: Asked<'_>) {
        match asked {
            Asked::Confirmation(confirmation) => self.confirmation(confirmation),
            Asked::Secret(secret) => self.secret(secret),
            Asked::Question(question) => self.question(question),
        }
    }

    /// What a resolution says beside who and when.
    pub(super) fn answered(&mut self, interaction: &Interaction, resolution: &Resolution, now: Now) {
        match resolution {
            Resolution::Confirmation { comment, effective_input, .. } => {
                self.decided(interaction, comment.as_deref(), effective_input.as_ref());
            }
            Resolution::Secret { delivery, wiped, .. } => self.given(*delivery, wiped.as_ref(), now),
            Resolution::Question { responses, .. } => self.responses(responses.as_deref().unwrap_or_default()),
        }
    }
}

/// What the keys of `watch` do to an interaction, for `?`.
pub(super) const HELP: &[(&str, &str)] = &[
    ("a", "approve, give the secret, answer the question"),
    ("A", "approve, and make a rule that lets the next ones pass"),
    ("e", "edit the input in $EDITOR, then approve it as edited"),
    ("r", "reject, with a reason; decline to give the secret"),
];

/// The same for one of this kind.
pub(super) const fn keys(kind: Kind) -> &'static [(&'static str, &'static str)] {
    match kind {
        Kind::Confirmation => confirmation::KEYS,
        Kind::Secret => secret::KEYS,
        Kind::Question => question::KEYS,
    }
}

/// What a key begins on a card that waits; `has_seen_end` unless some of it has not been on the screen.
pub(super) fn begin(key: char, interaction: &Interaction, has_seen_end: bool) -> Transition {
    match interaction.asked() {
        Some(Asked::Confirmation(confirmation)) => confirmation::begin(key, confirmation, has_seen_end),
        Some(Asked::Secret(secret)) => secret::begin(key, secret),
        Some(Asked::Question(question)) => question::begin(key, question),
        None => Transition::Stay,
    }
}

/// What is typed.
pub(super) enum Field {
    /// Why not.
    Reason,
    /// The value of a secret: not shown.
    Secret { delivery: Delivery, may_send_once: bool },
    /// The answer to the next entry of a question, in one's own words.
    Words(Vec<Response>),
}

impl Field {
    /// What comes of the text that was typed.
    pub(super) fn typed(&mut self, text: &str, interaction: &Interaction) -> Transition {
        let is_empty = text.trim().is_empty();
        match (self, &interaction.question) {
            (Self::Reason, _) => confirmation::reject(text.trim()),
            (Self::Secret { delivery, .. }, _) if !is_empty => secret::give(text, *delivery),
            (Self::Words(responses), Some(question)) if !is_empty => {
                question::answered(question, std::mem::take(responses), |response| {
                    response.text = Some(text.trim().to_owned());
                })
            }
            (Self::Secret { .. } | Self::Words(_), _) => Transition::Stay,
        }
    }

    /// What Tab does.
    pub(super) const fn turn(&mut self) {
        if let Self::Secret { delivery, may_send_once: true } = self {
            *delivery = secret::other(*delivery);
        }
    }

    /// Whether the ends of pasted lines belong to it.
    pub(super) const fn keeps_lines(&self) -> bool {
        matches!(self, Self::Secret { .. })
    }

    /// What is asked, and what is typed so far.
    pub(super) fn prompt(&self, typed: &str) -> Vec<SafeText> {
        let what = match self {
            Self::Secret { delivery, .. } => return secret::prompt(typed, *delivery),
            Self::Reason => "Why not? ",
            Self::Words(_) => "In your own words: ",
        };
        let cursor = SafeText::own("▏", TextStyle::Bold);
        vec![SafeText::own(what, TextStyle::Bold).and(SafeText::line(typed)).and(cursor)]
    }

    /// What the keys do while it is typed.
    pub(super) const fn keys(&self) -> &'static [(&'static str, &'static str)] {
        match self {
            Self::Secret { may_send_once: true, .. } => {
                &[("Enter", "give it"), ("Tab", "keep it, or hand it over once")]
            }
            Self::Reason => &[("Enter", "reject")],
            Self::Secret { .. } | Self::Words(_) => &[("Enter", "done")],
        }
    }
}

/// What is chosen.
pub(super) enum Choice {
    /// The pattern of a rule.
    Pattern,
    /// Its scope.
    Scope(Pattern, Option<Members>),
    /// The answer to the next entry of a question, after these.
    Entry(Vec<Response>),
}

impl Choice {
    /// What comes of choosing what is at this place.
    pub(super) fn chosen(
        &mut self,
        menu: &Menu,
        at: usize,
        interaction: &Interaction,
        has_seen_end: bool,
    ) -> Transition {
        match (self, interaction.asked()) {
            (Self::Pattern, Some(Asked::Confirmation(asked))) => confirmation::choose_pattern(asked, at),
            (Self::Scope(pattern, members), Some(Asked::Confirmation(asked))) => {
                confirmation::choose_scope(asked, (pattern, members.as_ref()), at, has_seen_end)
            }
            (Self::Entry(responses), Some(Asked::Question(asked))) => question::choose(asked, responses, menu, at),
            (Self::Pattern | Self::Scope(..) | Self::Entry(_), _) => Transition::Stay,
        }
    }
}

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
        comment: Option<PlainText>,
        rule: Option<ChosenRule>,
        /// What is approved in place of the agent's input.
        updated: Option<JsonObject>,
        acknowledged: Vec<Acknowledgement>,
    },
    /// To a request for a secret; without a value it is declined.
    Secret { value: Option<Zeroizing<String>>, delivery: Delivery },
    /// To a question.
    Responses(Vec<Response>),
}

impl Answer {
    /// What has been done once it is accepted.
    pub(super) const fn done(&self) -> &'static str {
        match self {
            Self::Confirm { decision: Decision::Allow, updated: Some(_), .. } => "approved as edited",
            Self::Confirm { decision: Decision::Allow, rule: None, .. } => "approved",
            Self::Confirm { decision: Decision::Allow, rule: Some(_), .. } => "approved, and a rule made",
            Self::Confirm { decision: Decision::Deny, .. } => "rejected",
            Self::Secret { value: Some(_), .. } => "given",
            Self::Secret { value: None, .. } => "declined",
            Self::Responses(_) => "answered",
        }
    }

    /// Whether it is held for a moment, in which it can be taken back: an approval or a rejection. What a person has typed is sent
    /// at once.
    pub(super) const fn is_held(&self) -> bool {
        matches!(self, Self::Confirm { .. })
    }

    /// Hands it to the server, which accepts it or says why not.
    pub(super) fn send(&self, client: &Client, request_id: &RequestId) -> ClientResult<()> {
        let request_id = request_id.clone();
        match self {
            Self::Confirm { decision, comment, rule, updated, acknowledged } => {
                let (selected_pattern, selected_members, selected_scope) = match rule.clone() {
                    Some(ChosenRule { pattern, members, scope }) => (Some(pattern), members, Some(scope)),
                    None => (None, None, None),
                };
                let body = ConfirmBody {
                    comment: comment.clone(),
                    updated_input: updated.clone(),
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
