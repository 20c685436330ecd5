//! One interaction as a card: the complete request, the forms that answer it, and how it was resolved.

use std::sync::Arc;

use askama::Template;
use sha2::{Digest as _, Sha256};

use super::kinds::{Asked, FormTarget};
use super::session::Person;
use super::text::{Markup, RelativeTime, escape_untrusted};
use crate::domain::enums::{RiskLevel, RuleDecision};
use crate::domain::interaction::{Interaction, Record, Resolution, ResolvedBy};
use crate::domain::origin::Origin;
use crate::domain::rule_set::Why;
use crate::http::App;
use crate::http::error::Problem;
use crate::present::{Ending, asks};
use crate::service::Reasons;

/// One interaction, as `person` sees it.
#[derive(Template)]
#[template(path = "web/card.html")]
pub(super) struct Card {
    pub(super) id: String,
    /// What stands before each path of a link.
    base: Arc<str>,
    who: String,
    conversation: Option<String>,
    /// Where the agent says that it comes from, member by member.
    origin: Vec<(&'static str, Markup)>,
    created: RelativeTime,
    deadline: Option<RelativeTime>,
    /// What is asked, in a word or two.
    asks: &'static str,
    asked: Asked,
    /// The same for all that ask the same.
    pub(super) group: String,
    /// The same for all that may be approved together; none where it is no confirmation.
    alike: Option<String>,
    standing: ResolutionSummary,
    /// The forms are there, and carry this word.
    csrf: Option<String>,
    /// Why the forms are not there, though it is pending.
    why_not: Option<&'static str>,
    /// Why a person is asked, where that is known.
    why: Option<WhyView>,
    /// How large it is, in bytes, where what it asks is on its own page alone.
    only_on_its_page: Option<usize>,
}

/// Why a person is asked.
struct WhyView {
    because: Markup,
    /// The rules that came nearest: each with its id, what it does, and what of it missed.
    nearest: Vec<(String, RuleDecision, Markup)>,
}

impl WhyView {
    fn of(why: Why) -> Self {
        let nearest = why.nearest.into_iter();
        let nearest = nearest.map(|rule| (rule.rule_id.to_string(), rule.decision, escape_untrusted(&rule.because)));
        Self { because: escape_untrusted(&why.because), nearest: nearest.collect() }
    }
}

impl Card {
    /// The card of `record`; `reasons` say why a person is asked.
    pub(super) fn of(record: &Record, person: &Person, app: &App, reasons: Option<&Reasons>) -> Result<Self, Problem> {
        let interaction = &record.interaction;
        let now = app.service.now();
        let asked = Asked::of(record, app.service.profiles());
        let content_json = record.body.content.to_json().map_err(|_| Problem::internal())?;
        let alike = record.body.content.confirmation().map(|asked| serde_json::to_string(&asked.sameness()));
        let alike = alike.transpose().map_err(|_| Problem::internal())?.map(|alike| digest(&alike));
        let is_own = app.service.is_barred_as_own(&person.principal, interaction);
        let why_not = match (person.may_resolve(), is_own) {
            (false, _) => Some("You may look, and not decide."),
            (true, true) => Some("You have registered this yourself, so another person has to decide it."),
            (true, false) => None,
        };
        Ok(Self {
            id: interaction.request_id.to_string(),
            base: Arc::clone(&person.base),
            asks: asks(interaction.kind),
            who: interaction.registered_by.to_string(),
            origin: origin_of(record),
            conversation: interaction.conversation_id.as_ref().map(ToString::to_string),
            created: RelativeTime::new(interaction.created_at, now),
            deadline: interaction.expires_at.map(|deadline| RelativeTime::new(deadline, now)),
            group: digest(&content_json),
            alike,
            standing: ResolutionSummary::of(interaction, person),
            csrf: why_not.is_none().then(|| person.csrf()),
            why_not,
            why: reasons.and_then(|reasons| reasons.of(record)).map(WhyView::of),
            only_on_its_page: None,
            asked,
        })
    }

    /// The card of what is too large to be shown beside others: who asks, for what, and where all of it is. Nothing can be
    /// decided on it.
    pub(super) fn without_content(record: &Record, person: &Person, app: &App) -> Result<Self, Problem> {
        let card = Self::of(record, person, app, None)?;
        Ok(Self { csrf: None, why_not: None, alike: None, only_on_its_page: Some(record.body.bytes), ..card })
    }

    /// Whether it still waits.
    pub(super) fn is_pending(&self) -> bool {
        self.standing.outcome.is_none()
    }

    /// The form that answers it, carrying the session's own word.
    fn form(&self, csrf: &str) -> askama::Result<String> {
        self.asked.form(FormTarget { base: &self.base, id: &self.id, who: &self.who, csrf })
    }

    /// Whether its form says all that is asked.
    fn has_forms_of_its_own(&self) -> bool {
        self.asked.is_all_in_its_form() && self.csrf.is_some()
    }

    /// When it ends, in milliseconds; what has no deadline comes last.
    fn order(&self) -> i64 {
        self.deadline.as_ref().map_or(i64::MAX, |deadline| deadline.at.as_millis())
    }
}

/// What an agent says of where it comes from: each member with the word for it.
fn origin_of(record: &Record) -> Vec<(&'static str, Markup)> {
    let members = record.body.origin.iter().flat_map(Origin::members);
    members.map(|(word, text)| (word, escape_untrusted(text))).collect()
}

/// A short name for a text.
fn digest(text: &str) -> String {
    hex::encode(&Sha256::digest(text)[..12])
}

/// Where an interaction stands.
pub(super) struct ResolutionSummary {
    /// How it ended; none while it is pending.
    pub(super) outcome: Option<&'static str>,
    /// A sentence: `approved by ada`.
    pub(super) said: String,
    /// What the person added.
    pub(super) comment: Option<Markup>,
    /// The rule that decided it, or that was made with the decision.
    pub(super) rule: Option<String>,
}

impl ResolutionSummary {
    pub(super) fn of(interaction: &Interaction, person: &Person) -> Self {
        let Some(resolution) = &interaction.resolution else {
            return Self { outcome: None, said: "pending".to_owned(), comment: None, rule: None };
        };
        let rule = match &resolution.by {
            ResolvedBy::TrustRule(rule) => Some(rule.to_string()),
            ResolvedBy::Principal(_) | ResolvedBy::System(_) => {
                resolution.detail.made_rule.as_ref().map(ToString::to_string)
            }
        };
        Self {
            outcome: Some(resolution.outcome.as_str()),
            said: sentence(resolution, person),
            comment: resolution.detail.comment.as_deref().map(escape_untrusted),
            rule,
        }
    }
}

fn sentence(resolution: &Resolution, person: &Person) -> String {
    let Resolution { outcome, by, detail, .. } = resolution;
    let ending = Ending::new(*outcome, Some(by)).delivered(detail.delivery).edited(detail.updated_input.is_some());
    match by {
        ResolvedBy::Principal(name) if *name == person.principal.name => ending.by_you().to_string(),
        ResolvedBy::Principal(_) => format!("already resolved: {ending}"),
        ResolvedBy::TrustRule(_) | ResolvedBy::System(_) => ending.to_string(),
    }
}
