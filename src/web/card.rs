//! One interaction as a card: the complete request, the forms that answer it, and how it was resolved.

use std::sync::Arc;

use askama::Template;

use super::kinds::{Asked, Extent, FormTarget};
use super::row::AgentChip;
use super::session::Person;
use super::text::{Headline, Markup, RelativeTime, escape_untrusted};
use crate::domain::enums::{RiskLevel, RuleDecision};
use crate::domain::id::RequestId;
use crate::domain::interaction::{Interaction, Record, Resolution, ResolvedBy, Status};
use crate::domain::origin::Origin;
use crate::domain::rule_set::Why;
use crate::http::App;
use crate::present::{Ending, asks};
use crate::service::{Error, Reasons};
use crate::store::{Filter, Page as Rows};

/// How much one interaction may take where it is shown beside others, in bytes: of a larger one the beginning is shown, and
/// the whole of it on demand.
const BESIDE_OTHERS: usize = 32 * 1024;

/// How many of its conversation are shown that came before it.
const BEFORE: u32 = 3;

/// One interaction, as `person` sees it.
#[derive(Template)]
#[template(path = "web/card.html")]
pub(super) struct Card {
    pub(super) id: String,
    /// What stands before each path of a link.
    base: Arc<str>,
    who: AgentChip,
    conversation: Option<String>,
    /// Where the agent says that it comes from, member by member.
    origin: Vec<(&'static str, Markup)>,
    created: RelativeTime,
    deadline: Option<RelativeTime>,
    /// What is asked, in a word or two.
    asks: &'static str,
    asked: Asked,
    standing: ResolutionSummary,
    /// The word that its forms carry.
    csrf: String,
    /// Whether the forms that answer it are there.
    has_forms: bool,
    /// Whether it can be put off.
    may_be_put_off: bool,
    /// Why the forms are not there, though it is pending.
    why_not: Option<&'static str>,
    /// Why a person is asked, where that is known.
    why: Option<WhyView>,
    /// What came before it in its conversation, the newest first.
    before: Vec<Earlier>,
    /// How large it is, in bytes, where only its beginning is shown.
    cut_bytes: Option<usize>,
}

/// What is known of an interaction beside itself.
pub(super) struct Surroundings {
    reasons: Reasons,
    before: Vec<Record>,
}

impl Surroundings {
    /// Those of `record`, as far as `person` may see them.
    pub(super) async fn of(record: &Record, person: &Person, app: &App) -> Result<Self, Error> {
        let reasons = app.service.reasons(std::slice::from_ref(record)).await?;
        let before = match &record.interaction.conversation_id {
            Some(conversation) => {
                let filter = Filter {
                    conversation_id: Some(conversation.clone()),
                    until: Some(record.interaction.created_at),
                    ..Filter::default()
                };
                app.service.list(&person.caller, filter, Rows { before: None, limit: BEFORE }).await?.rows
            }
            None => Vec::new(),
        };
        Ok(Self { reasons, before })
    }
}

/// What was asked before, in a line.
struct Earlier {
    id: RequestId,
    about: Headline,
    title: Markup,
    status: &'static str,
}

impl Earlier {
    fn of(record: &Record) -> Self {
        let summary = record.body.content.summary();
        Self {
            id: record.interaction.request_id.clone(),
            about: Headline::in_a_row(&summary.text),
            title: escape_untrusted(summary.title),
            status: record.interaction.status().as_str(),
        }
    }
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
    /// The card of `record`, whole or as much of it as there is room for beside others.
    pub(super) fn of(record: &Record, person: &Person, app: &App, around: &Surroundings, is_whole: bool) -> Self {
        let interaction = &record.interaction;
        let now = app.service.now();
        let is_pending = interaction.status() == Status::Pending;
        let cut_bytes = (!is_whole && record.body.bytes > BESIDE_OTHERS).then_some(record.body.bytes);
        let extent = if cut_bytes.is_some() { Extent::Beginning } else { Extent::Whole };
        let why_not = why_not(person, app, interaction);
        Self {
            id: interaction.request_id.to_string(),
            base: Arc::clone(&person.base),
            asks: asks(interaction.kind),
            who: AgentChip::of(interaction.registered_by.as_str()),
            origin: origin_of(record),
            conversation: interaction.conversation_id.as_ref().map(ToString::to_string),
            created: RelativeTime::new(interaction.created_at, now),
            deadline: interaction.expires_at.map(|deadline| RelativeTime::new(deadline, now)),
            asked: Asked::of(record, app.service.profiles(), extent),
            standing: ResolutionSummary::of(interaction, person),
            csrf: person.csrf(),
            has_forms: is_pending && why_not.is_none() && cut_bytes.is_none(),
            may_be_put_off: is_pending && person.may_resolve(),
            why_not,
            why: around.reasons.of(record).map(WhyView::of),
            before: around.before.iter().map(Earlier::of).collect(),
            cut_bytes,
        }
    }

    /// Whether it still waits.
    pub(super) fn is_pending(&self) -> bool {
        self.standing.outcome.is_none()
    }

    /// The form that answers it, carrying the session's own word.
    fn form(&self) -> askama::Result<String> {
        self.asked.form(FormTarget { base: &self.base, id: &self.id, who: &self.who.name, csrf: &self.csrf })
    }

    /// Whether its form says all that is asked.
    fn has_forms_of_its_own(&self) -> bool {
        self.asked.is_all_in_its_form() && self.has_forms
    }
}

/// Why `person` may not decide an interaction; none where they may.
pub(super) fn why_not(person: &Person, app: &App, interaction: &Interaction) -> Option<&'static str> {
    match (person.may_resolve(), app.service.is_barred_as_own(&person.caller, interaction)) {
        (false, _) => Some("You may look, and not decide."),
        (true, true) => Some("You have registered this yourself, so another person has to decide it."),
        (true, false) => None,
    }
}

/// What an agent says of where it comes from: each member with the word for it.
fn origin_of(record: &Record) -> Vec<(&'static str, Markup)> {
    let members = record.body.origin.iter().flat_map(Origin::members);
    members.map(|(word, text)| (word, escape_untrusted(text))).collect()
}

/// Where an interaction stands.
pub(super) struct ResolutionSummary {
    /// How it ended; none while it is pending.
    pub(super) outcome: Option<&'static str>,
    /// A sentence: `approved by ada`.
    pub(super) said: String,
    /// Whether the person who looks resolved it.
    pub(super) is_own: bool,
    /// What the person added.
    pub(super) comment: Option<Markup>,
    /// The rule that decided it, or that was made with the decision.
    pub(super) rule: Option<String>,
}

impl ResolutionSummary {
    pub(super) fn of(interaction: &Interaction, person: &Person) -> Self {
        let Some(resolution) = &interaction.resolution else {
            return Self { outcome: None, said: "pending".to_owned(), is_own: false, comment: None, rule: None };
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
            is_own: matches!(&resolution.by, ResolvedBy::Principal(name) if *name == person.caller.name),
            comment: resolution.detail.comment.as_deref().map(escape_untrusted),
            rule,
        }
    }
}

fn sentence(resolution: &Resolution, person: &Person) -> String {
    let Resolution { outcome, by, detail, .. } = resolution;
    let ending = Ending::new(*outcome, Some(by)).delivered(detail.delivery).edited(detail.updated_input.is_some());
    match by {
        ResolvedBy::Principal(name) if *name == person.caller.name => ending.by_you().to_string(),
        ResolvedBy::Principal(_) => format!("already resolved: {ending}"),
        ResolvedBy::TrustRule(_) | ResolvedBy::System(_) => ending.to_string(),
    }
}
