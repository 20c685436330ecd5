//! One interaction, complete, as a person reads it: what is asked, by whom, and how it ended.
//!
//! Whatever an agent has written stands behind a bar, so that none of it passes for a line of ours.

use serde_json::Value;

use super::safe_text::SafeText;
use super::style::TextStyle;
use super::time::Now;
use crate::api::{Claim, Forgotten, Interaction, Resolution};
use crate::domain::enums::{Outcome, RiskLevel};
use crate::domain::interaction::Status;
use crate::domain::json::JsonObject;
use crate::present::resolver;

/// How wide the names of the fields are.
const NAME_WIDTH: usize = 11;

/// What an edited input is called.
pub(super) const APPROVED: &str = "approved is";

/// All there is to know of an interaction, in lines of at most `width` columns where there is such an end.
pub(super) fn whole(interaction: &Interaction, width: Option<usize>, now: Now) -> Vec<SafeText> {
    let mut card = Card { width, lines: Vec::new() };
    card.standing(interaction, now);
    card.asked(interaction);
    if let Some(confirmation) = &interaction.confirmation {
        card.options(confirmation);
    }
    if let Some(resolution) = &interaction.resolution {
        card.resolution(interaction, resolution, now);
    }
    if let Some(claim) = &interaction.claim {
        card.claim(claim, now);
    }
    if let Some(forgotten) = &interaction.forgotten {
        card.forgotten(forgotten, now);
    }
    card.lines
}

/// What is asked, without what changes from moment to moment.
pub(super) fn asked(interaction: &Interaction, width: usize) -> Vec<SafeText> {
    let mut card = Card { width: Some(width), lines: Vec::new() };
    card.asked(interaction);
    card.lines
}

/// The input that is approved in place of the one that was asked for.
pub(super) fn edited(input: &JsonObject, width: Option<usize>) -> Vec<SafeText> {
    let mut card = Card { width, lines: Vec::new() };
    card.input(APPROVED, input);
    card.lines
}

/// A card as far as it is written.
pub(super) struct Card {
    width: Option<usize>,
    lines: Vec<SafeText>,
}

impl Card {
    fn standing(&mut self, interaction: &Interaction, now: Now) {
        self.lines.push(SafeText::own(format!("{} {}", interaction.kind, interaction.request_id), TextStyle::Bold));
        let state = match (interaction.status, interaction.expires_at) {
            (Status::Pending, Some(end)) => {
                SafeText::own(format!("pending, expires in {}", now.until(end)), TextStyle::Bold)
            }
            (Status::Pending, None) => SafeText::own("pending, never expires", TextStyle::Bold),
            (Status::Resolved(outcome), _) => SafeText::own(outcome, outcome_tint(outcome)),
        };
        self.field("status", state);
        let since = now.since(interaction.created_at);
        self.field("from", SafeText::own(format!("{}, {since} ago", interaction.registered_by), TextStyle::Plain));
    }

    fn asked(&mut self, interaction: &Interaction) {
        if let Some(conversation) = &interaction.conversation_id {
            self.field("in", SafeText::own(format!("conversation {conversation}"), TextStyle::Plain));
        }
        if let Some(origin) = &interaction.origin {
            self.field("origin", SafeText::own("the agent says:", TextStyle::Dim));
            for (word, text) in origin.members() {
                self.barred(SafeText::own(format!("{word}: "), TextStyle::Dim).and(SafeText::line(text)));
            }
        }
        interaction.asked().into_iter().for_each(|asked| self.content(asked));
    }

    fn resolution(&mut self, interaction: &Interaction, resolution: &Resolution, now: Now) {
        let when = interaction.resolved_at.map_or_else(String::new, |at| format!(", {} ago", now.since(at)));
        self.field(
            "resolved",
            SafeText::own(format!("by {}{when}", resolver(resolution.resolved_by())), TextStyle::Plain),
        );
        self.answered(interaction, resolution, now);
        if let (None, Some(end)) = (&interaction.claim, interaction.claim_expires_at) {
            let good = if now.is_past(end) { format!("no longer, since {end}") } else { format!("until {end}") };
            self.field("is good", SafeText::own(good, TextStyle::Plain));
        }
    }

    fn claim(&mut self, claim: &Claim, now: Now) {
        let (name, came, detail) = match claim {
            Claim::Taken { claimed_at, outcome: Some(outcome), detail, .. } => {
                ("run", format!("{outcome}, claimed {} ago", now.since(*claimed_at)), detail.as_deref())
            }
            Claim::Taken { claimed_at, outcome: None, .. } => {
                ("run", format!("claimed {} ago, outcome unknown", now.since(*claimed_at)), None)
            }
            Claim::Withdrawn { withdrawn_at, withdrawn_by } => {
                ("withdrawn", format!("by {withdrawn_by}, {} ago", now.since(*withdrawn_at)), None)
            }
        };
        self.field(name, SafeText::own(came, TextStyle::Plain));
        self.text_if("detail", detail);
    }

    fn forgotten(&mut self, forgotten: &Forgotten, now: Now) {
        let by = forgotten.by.as_ref().map_or_else(|| "because of its age".to_owned(), |by| format!("by {by}"));
        if let Some(tool) = &forgotten.tool_name {
            self.field("tool", SafeText::line(tool.as_str()));
        }
        if let Some(level) = forgotten.risk_level {
            self.field("risk", risk(level));
        }
        if let Some(digest) = &forgotten.input_digest {
            self.text("digest", digest);
        }
        let when = now.since(forgotten.at);
        self.field("forgotten", SafeText::own(format!("{by}, {when} ago"), TextStyle::Plain));
    }

    /// Each member of an input: a text as its lines, anything else as JSON.
    pub(super) fn input(&mut self, name: &str, input: &JsonObject) {
        self.field(name, SafeText::own(format!("{} bytes", input.text().len()), TextStyle::Dim));
        for (key, value) in input.tree() {
            match value {
                Value::String(text) if text.contains('\n') => {
                    self.barred(SafeText::line(key).and(SafeText::own(":", TextStyle::Dim)));
                    for line in lines(text) {
                        self.barred(SafeText::own("  ", TextStyle::Plain).and(SafeText::text(line)));
                    }
                }
                Value::String(text) => {
                    self.barred(SafeText::line(key).and(SafeText::own(": ", TextStyle::Dim)).and(SafeText::text(text)));
                }
                Value::Null | Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => {
                    let json = SafeText::text(&value.to_string());
                    self.barred(SafeText::line(key).and(SafeText::own(" = ", TextStyle::Dim)).and(json));
                }
            }
        }
    }

    pub(super) fn text_if(&mut self, name: &str, text: Option<&str>) {
        if let Some(text) = text {
            self.text(name, text);
        }
    }

    /// A text of others, beside its name where it is one line.
    pub(super) fn text(&mut self, name: &str, text: &str) {
        if text.contains('\n') {
            self.field(name, SafeText::default());
            self.block(text);
        } else {
            self.field(name, SafeText::text(text));
        }
    }

    pub(super) fn field(&mut self, name: &str, value: SafeText) {
        self.rows(SafeText::own(format!("  {name:NAME_WIDTH$} "), TextStyle::Dim), value);
    }

    pub(super) fn block(&mut self, text: &str) {
        lines(text).for_each(|line| self.barred(SafeText::text(line)));
    }

    pub(super) fn barred(&mut self, line: SafeText) {
        self.rows(margin('│'), line);
    }

    /// A line of a card; on a terminal in as many as it takes, so that no text of others ever begins one.
    fn rows(&mut self, mut begin: SafeText, value: SafeText) {
        let Some(width) = self.width else { return self.lines.push(begin.and(value)) };
        for row in value.rows(width.saturating_sub(NAME_WIDTH + 5).max(20)) {
            self.lines.push(std::mem::replace(&mut begin, margin('┊')).and(row));
        }
    }
}

fn margin(bar: char) -> SafeText {
    SafeText::own(format!("{:width$}{bar} ", "", width = NAME_WIDTH + 3), TextStyle::Dim)
}

/// The lines of a text; an empty one has one.
fn lines(text: &str) -> impl Iterator<Item = &str> {
    text.strip_suffix('\n').unwrap_or(text).split('\n')
}

/// What is said of something, after it.
pub(super) fn said(label: SafeText) -> SafeText {
    SafeText::own("  (", TextStyle::Dim).and(label).and(SafeText::own(")", TextStyle::Dim))
}

/// How much harm it could do: in a word first, in a colour besides.
pub(super) fn risk(level: RiskLevel) -> SafeText {
    match level {
        RiskLevel::Low => SafeText::own("low", TextStyle::Green),
        RiskLevel::Medium => SafeText::own("medium", TextStyle::Yellow),
        RiskLevel::High => SafeText::own("HIGH", TextStyle::Red),
    }
}

/// The colour of an end.
pub(super) fn outcome_tint(outcome: Outcome) -> TextStyle {
    match outcome {
        Outcome::Approved | Outcome::Answered => TextStyle::Green,
        Outcome::Rejected => TextStyle::Red,
        Outcome::Expired | Outcome::Cancelled | Outcome::Superseded => TextStyle::Yellow,
    }
}
