//! One interaction as a row of a list: enough to choose by. What is asked in full is opened beside the list.

use std::sync::Arc;

use askama::Template;
use sha2::{Digest as _, Sha256};

use super::card::ResolutionSummary;
use super::session::Person;
use super::text::{Headline, Markup, RelativeTime, escape_untrusted};
use crate::clock::Timestamp;
use crate::domain::acknowledgement::required;
use crate::domain::enums::{Kind, RiskLevel};
use crate::domain::interaction::Record;
use crate::http::error::Problem;

/// One interaction, as `person` sees it in a list.
#[derive(Template)]
#[template(path = "web/row.html")]
pub(super) struct Row {
    id: String,
    /// What stands before each path of a link.
    base: Arc<str>,
    kind: Kind,
    who: AgentChip,
    /// What the agent itself says of its risk, where it asks to use a tool.
    risk: Option<RiskLevel>,
    /// The tool, or what is asked for.
    title: Markup,
    about: Headline,
    /// The repository and the branch that the agent says it is in.
    place: Option<Markup>,
    created: RelativeTime,
    deadline: Option<RelativeTime>,
    /// The same for all that ask the same.
    pub(super) group: String,
    /// The same for all that may be approved together; none where it is no confirmation.
    alike: Option<String>,
    /// Whether nothing about it has to be known before it is approved.
    is_plain: bool,
    /// Whether it can be selected, to be decided with others.
    may_be_selected: bool,
    standing: ResolutionSummary,
}

impl Row {
    /// The row of `record` at `now`; `may_decide` says whether the person may resolve it.
    pub(super) fn of(record: &Record, person: &Person, now: Timestamp, may_decide: bool) -> Result<Self, Problem> {
        let interaction = &record.interaction;
        let content = &record.body.content;
        let content_json = content.to_json().map_err(|_| Problem::internal())?;
        let alike = content.confirmation().map(|asked| serde_json::to_string(&asked.sameness()));
        let alike = alike.transpose().map_err(|_| Problem::internal())?.map(|alike| digest(&alike));
        let summary = content.summary();
        Ok(Self {
            id: interaction.request_id.to_string(),
            base: Arc::clone(&person.base),
            kind: interaction.kind,
            who: AgentChip::of(interaction.registered_by.as_str()),
            risk: content.confirmation().map(|asked| asked.risk_level),
            title: escape_untrusted(summary.title),
            about: Headline::in_a_row(&summary.text),
            place: place_of(record),
            created: RelativeTime::new(interaction.created_at, now),
            deadline: interaction.expires_at.map(|deadline| RelativeTime::new(deadline, now)),
            group: digest(&content_json),
            is_plain: content.confirmation().is_some_and(|asked| required(asked, None).is_empty()),
            may_be_selected: may_decide && alike.is_some(),
            alike,
            standing: ResolutionSummary::of(interaction, person),
        })
    }

    /// Whether it still waits.
    fn is_pending(&self) -> bool {
        self.standing.outcome.is_none()
    }

    /// When it ends, in milliseconds; nothing where it has no deadline.
    fn ends(&self) -> Option<i64> {
        self.deadline.as_ref().map(|deadline| deadline.at.as_millis())
    }

    /// The word for its risk; `none` where it has none.
    fn risk_word(&self) -> &'static str {
        self.risk.map_or("none", RiskLevel::as_str)
    }
}

/// An agent by its name, with letters and a colour that are always its own.
pub(super) struct AgentChip {
    pub(super) name: String,
    /// Two letters at most.
    pub(super) initials: String,
    /// One of eight colours.
    pub(super) hue: u8,
}

impl AgentChip {
    pub(super) fn of(name: &str) -> Self {
        let words = name.split(|c: char| !c.is_alphanumeric()).filter_map(|word| word.chars().next());
        let hue = Sha256::digest(name).first().map_or(0, |byte| byte % 8);
        Self { name: name.to_owned(), initials: words.take(2).flat_map(char::to_uppercase).collect(), hue }
    }
}

/// Where the agent says that it works: its repository and its branch, else its directory.
fn place_of(record: &Record) -> Option<Markup> {
    let origin = record.body.origin.as_ref()?;
    let said = |word: &str| origin.members().find(|(named, text)| *named == word && !text.is_empty());
    let of_repository = [said("repository"), said("branch")].into_iter().flatten().map(|(_, text)| text);
    let of_repository = of_repository.collect::<Vec<_>>().join(" · ");
    let place = if of_repository.is_empty() { said("directory")?.1 } else { &of_repository };
    Some(Headline::in_a_row(place).text)
}

/// A short name for a text.
fn digest(text: &str) -> String {
    hex::encode(Sha256::digest(text).get(..8).unwrap_or_default())
}
