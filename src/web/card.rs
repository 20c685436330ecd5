//! One interaction as a card: the complete request, the forms that answer it, and how it was resolved.

use askama::Template;
use sha2::{Digest as _, Sha256};

use super::confirmation::ConfirmationView;
use super::forms::Fields;
use super::session::Person;
use super::text::{Markup, RelativeTime, escape_untrusted};
use crate::domain::enums::RiskLevel;
use crate::domain::interaction::{Interaction, Record, Resolution, ResolvedBy};
use crate::domain::kinds::{Content, Question, Response, SecretRequest};
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
    pub(super) fn of(record: &Record) -> Self {
        match &record.body.content {
            Content::Confirmation(asked) => Self::Confirmation(Box::new(ConfirmationView::of(asked))),
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
        let asked = Asked::of(record);
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

    /// When it ends, in milliseconds; what waits forever comes last.
    fn order(&self) -> i64 {
        self.deadline.as_ref().map_or(i64::MAX, |deadline| deadline.at.as_millis())
    }
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
    pub(super) text: Markup,
    pub(super) options: Vec<OptionView>,
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
                text: escape_untrusted(&entry.text),
                options: options.collect(),
                free_text_allowed: entry.free_text_allowed,
            }
        });
        Self { entries: entries.collect() }
    }
}

/// What a form says to each entry: the option at this place, one's own words, or that it is passed over.
pub(super) fn responses(question: &Question, fields: &Fields) -> Result<Vec<Response>, Problem> {
    let answered = question.entries.iter().enumerate().map(|(number, entry)| {
        let chosen = fields.get(&format!("option-{number}")).unwrap_or_default();
        let option = chosen.parse::<usize>().ok().and_then(|place| entry.options.get(place));
        let text = fields.filled(&format!("text-{number}")).map(str::to_owned);
        let skipped = chosen == "skip";
        if !skipped && option.is_none() && text.is_none() {
            return Err(Problem::malformed("Each question needs an answer: choose one, write one, or skip it."));
        }
        Ok(Response {
            question_id: entry.question_id.clone(),
            option_id: option.map(|option| option.option_id.clone()),
            text: text.filter(|_| !skipped),
            skipped,
        })
    });
    answered.collect()
}
