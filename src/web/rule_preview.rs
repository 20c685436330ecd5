//! What a rule would have decided, and would decide now: a part of the editor's page, or all that its script asks for.

use askama::Template;
use askama::filters::HtmlSafe;

use super::headline::{By, Headline};
use super::moment::AbsoluteTime;
use crate::domain::enums::RuleDecision;
use crate::domain::interaction::Record;
use crate::service::{self, Previewed};
use crate::store::Error as StoreError;

/// How many lines a list has here. The numbers tell of all.
const LONGEST: usize = 20;

/// What is shown under the editor.
#[derive(Template)]
#[template(path = "web/rule_preview.html")]
pub(super) struct Preview {
    /// What has to be put right before there is anything to show.
    faults: Vec<(&'static str, String)>,
    shown: Option<Shown>,
}

// The template escapes what is in it.
impl HtmlSafe for Preview {}

struct Shown {
    decision: RuleDecision,
    examined: usize,
    /// How many of these it would have decided.
    decided: usize,
    counts: Previewed,
    /// The most important first.
    lists: Vec<List>,
}

struct List {
    title: &'static str,
    /// Whether it is a warning.
    is_warning: bool,
    lines: Vec<Line>,
    /// How many there are beyond these.
    more: usize,
}

struct Line {
    request_id: String,
    status: &'static str,
    about: Headline,
    registered_by: String,
    created_at: AbsoluteTime,
    resolved: Option<(By, AbsoluteTime)>,
}

impl Preview {
    /// Of a rule that cannot be read yet.
    pub(super) fn of_faults(faults: Vec<(&'static str, &str)>) -> Self {
        let faults = faults.into_iter().map(|(label, fault)| (label, fault.to_owned())).collect();
        Self { faults, shown: None }
    }

    /// Of a rule that decides this way.
    pub(super) fn of(decision: RuleDecision, preview: &service::Preview) -> Result<Self, StoreError> {
        let counts = preview.counts;
        let decided = counts.approved + counts.rejected + counts.by_rules + counts.unanswered;
        let contradicted = match decision {
            RuleDecision::Deny => "People had approved these",
            RuleDecision::Allow | RuleDecision::Ask => "People had rejected these",
        };
        let lists = [
            List::of(contradicted, &preview.contradicted.records, counts.contradicted, true)?,
            List::of("Waiting now", &preview.pending.records, counts.pending, false)?,
            List::of("The others, the latest first", &preview.decided.records, decided - counts.contradicted, false)?,
        ];
        let lists = lists.into_iter().filter(|list| !list.lines.is_empty() || list.more > 0).collect();
        Ok(Self {
            faults: Vec::new(),
            shown: Some(Shown { decision, examined: preview.examined, decided, counts, lists }),
        })
    }
}

impl List {
    fn of(title: &'static str, records: &[Record], count: usize, is_warning: bool) -> Result<Self, StoreError> {
        let lines = records.iter().take(LONGEST).map(Line::of).collect::<Result<Vec<_>, _>>()?;
        let more = count.saturating_sub(lines.len());
        Ok(Self { title, is_warning, lines, more })
    }
}

impl Line {
    fn of(record: &Record) -> Result<Self, StoreError> {
        let interaction = &record.interaction;
        Ok(Self {
            request_id: interaction.request_id.to_string(),
            status: interaction.status().as_str(),
            about: record.body.content.summary().into(),
            registered_by: interaction.registered_by.to_string(),
            created_at: AbsoluteTime(interaction.created_at),
            resolved: interaction.resolution.as_ref().map(|found| (By::from(&found.by), AbsoluteTime(found.at))),
        })
    }
}

impl Shown {
    /// What the rule does with what it covers.
    const fn would_have(&self) -> &'static str {
        match self.decision {
            RuleDecision::Allow => "approved",
            RuleDecision::Deny => "rejected",
            RuleDecision::Ask => "left to a person",
        }
    }
}
