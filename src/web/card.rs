//! One interaction as a card: the complete request, the forms that answer it, and how it was resolved.

use askama::Template;
use sha2::{Digest as _, Sha256};

use super::confirmation::ConfirmationView;
use super::forms::Fields;
use super::session::Person;
use super::text::{Markup, RelativeTime, escape_untrusted};
use crate::domain::enums::RiskLevel;
use crate::domain::interaction::{Interaction, Record, Resolution, ResolvedBy};
use crate::domain::kinds::{Content, Entry, Question, Response, SecretRequest};
use crate::domain::origin::Origin;
use crate::domain::tools::Profiles;
use crate::http::App;
use crate::http::error::Problem;
use crate::present::{Ending, asks};

/// One interaction, as `person` sees it.
#[derive(Template)]
#[template(path = "web/card.html")]
pub(super) struct Card {
    pub(super) id: String,
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
    /// How large it is, in bytes, where what it asks is on its own page alone.
    only_on_its_page: Option<usize>,
}

/// What is asked, by kind.
#[derive(Template)]
#[template(path = "web/asked.html")]
pub(super) enum Asked {
    Confirmation(Box<ConfirmationView>),
    Secret(SecretView),
    Question(QuestionView),
}

/// A request for a secret.
pub(super) struct SecretView {
    service: Markup,
    field: Markup,
    label: Markup,
    description: Option<Markup>,
    purpose: Option<Markup>,
    placeholder: String,
    tools: Vec<Markup>,
    domains: Vec<Markup>,
    once_allowed: bool,
}

impl Asked {
    /// What `record` asks, complete.
    pub(super) fn of(record: &Record, profiles: &Profiles) -> Self {
        match &record.body.content {
            Content::Confirmation(asked) => Self::Confirmation(Box::new(ConfirmationView::of(asked, profiles))),
            Content::Secret(asked) => Self::Secret(SecretView::of(asked)),
            Content::Question(asked) => Self::Question(QuestionView::of(asked)),
        }
    }

    fn confirmation(&self) -> Option<&ConfirmationView> {
        match self {
            Self::Confirmation(view) => Some(view),
            Self::Secret(_) | Self::Question(_) => None,
        }
    }
}

impl Card {
    pub(super) fn of(record: &Record, person: &Person, app: &App) -> Result<Self, Problem> {
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
            only_on_its_page: None,
            asked,
        })
    }

    /// The card of what is too large to be shown beside others: who asks, for what, and where all of it is. Nothing can be
    /// decided on it.
    pub(super) fn without_content(record: &Record, person: &Person, app: &App) -> Result<Self, Problem> {
        let card = Self::of(record, person, app)?;
        Ok(Self { csrf: None, why_not: None, alike: None, only_on_its_page: Some(record.body.bytes), ..card })
    }

    /// Whether it still waits.
    pub(super) fn is_pending(&self) -> bool {
        self.standing.outcome.is_none()
    }

    /// Whether its form says all that is asked.
    fn has_forms_of_its_own(&self) -> bool {
        matches!(self.asked, Asked::Question(_)) && self.csrf.is_some()
    }

    /// What can be edited, to be read.
    fn shown_editable(&self) -> Markup {
        let editable = self.asked.confirmation().and_then(|view| view.editable.as_deref());
        escape_untrusted(editable.unwrap_or_default())
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

impl SecretView {
    fn of(secret: &SecretRequest) -> Self {
        Self {
            service: escape_untrusted(secret.service.as_str()),
            field: escape_untrusted(secret.field.as_str()),
            label: escape_untrusted(&secret.label),
            description: secret.description.as_deref().map(escape_untrusted),
            purpose: secret.purpose.as_deref().map(escape_untrusted),
            placeholder: secret.placeholder.clone().unwrap_or_default(),
            tools: secret.allowed_tools.iter().map(|tool| escape_untrusted(tool)).collect(),
            domains: secret.allowed_domains.iter().map(|domain| escape_untrusted(domain)).collect(),
            once_allowed: secret.allow_one_time_send,
        }
    }
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

/// A question.
pub(super) struct QuestionView {
    pub(super) entries: Vec<EntryView>,
}

/// One thing to answer.
pub(super) struct EntryView {
    /// Its place: what the form's fields are named after.
    pub(super) number: usize,
    pub(super) header: Option<Markup>,
    pub(super) text: Markup,
    pub(super) options: Vec<OptionView>,
    pub(super) multi_select: bool,
    pub(super) free_text_allowed: bool,
}

pub(super) struct OptionView {
    pub(super) number: usize,
    pub(super) label: Markup,
    pub(super) description: Option<Markup>,
}

impl QuestionView {
    pub(super) fn of(question: &Question) -> Self {
        let entries = question.entries.iter().enumerate().map(|(number, entry)| {
            let options = entry.options.iter().enumerate().map(|(number, option)| OptionView {
                number,
                label: escape_untrusted(&option.label),
                description: option.description.as_deref().map(escape_untrusted),
            });
            EntryView {
                number,
                header: entry.header.as_deref().map(escape_untrusted),
                text: escape_untrusted(&entry.text),
                options: options.collect(),
                multi_select: entry.multi_select,
                free_text_allowed: entry.free_text_allowed,
            }
        });
        Self { entries: entries.collect() }
    }
}

/// What a form says to each entry: the options at these places, one's own words, or that it is passed over.
pub(super) fn responses(question: &Question, fields: &Fields) -> Result<Vec<Response>, Problem> {
    question.entries.iter().enumerate().map(|(number, entry)| response(number, entry, fields)).collect()
}

/// What a form's choice says where it is none of the options.
const SKIP: &str = "skip";
const OWN_WORDS: &str = "own";

fn response(number: usize, entry: &Entry, fields: &Fields) -> Result<Response, Problem> {
    let ticked = format!("option-{number}");
    let ticked = fields.all(&ticked).collect::<Vec<_>>();
    let places = ticked.iter().filter_map(|place| place.parse::<usize>().ok());
    let mut chosen = places.filter_map(|place| entry.options.get(place)).map(|option| option.option_id.clone());
    let text = fields.filled(&format!("text-{number}")).map(str::to_owned);
    let response = Response::new(entry.question_id.clone());
    let is_skipped = ticked.contains(&SKIP);
    let has_options = ticked.iter().any(|place| ![SKIP, OWN_WORDS].contains(place));
    match (is_skipped, has_options, text) {
        (true, false, None) => Ok(Response { skipped: true, ..response }),
        (false, true, None) if entry.multi_select => Ok(Response { option_ids: Some(chosen.collect()), ..response }),
        (false, true, None) => Ok(Response { option_id: chosen.next(), ..response }),
        (false, false, Some(text)) => Ok(Response { text: Some(text), ..response }),
        (false, false, None) => {
            Err(Problem::malformed("Each question needs an answer: choose one, write one, or skip it."))
        }
        _ => Err(Problem::malformed("Each question takes one answer: an option, your own words, or to skip it.")),
    }
}
