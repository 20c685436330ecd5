//! One interaction, complete, as a person reads it: what is asked, by whom, and how it ended.
//!
//! Whatever an agent has written stands behind a bar, so that none of it passes for a line of ours.

use serde_json::Value;

use super::safe_text::SafeText;
use super::style::TextStyle;
use super::time::Now;
use crate::api::{Claim, Interaction, Resolution, Wiped};
use crate::domain::enums::{Outcome, RiskLevel};
use crate::domain::interaction::Status;
use crate::domain::json::JsonObject;
use crate::domain::kinds::{Asked, Confirmation, Diff, Question, Response, SecretRequest};
use crate::domain::tools::Profiles;
use crate::present::{Change, Line, edits, facts, hunks, resolver, rule_parts};

/// How wide the names of the fields are.
const NAME_WIDTH: usize = 11;

/// What an edited input is called.
const APPROVED: &str = "approved is";

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
struct Card {
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
        match interaction.asked() {
            Some(Asked::Confirmation(confirmation)) => self.confirmation(confirmation),
            Some(Asked::Secret(secret)) => self.secret(secret),
            Some(Asked::Question(question)) => self.question(question),
            None => {}
        }
    }

    fn confirmation(&mut self, asked: &Confirmation) {
        self.field("tool", SafeText::line(asked.tool_name.as_str()));
        self.field("risk", risk(asked.risk_level));
        for fact in facts(asked) {
            self.text(fact.name, &fact.value);
        }
        if let Some(reason) = &asked.reason {
            self.field("reason", SafeText::own("the agent says:", TextStyle::Dim));
            self.block(reason);
        }
        let (view, _) = Profiles::built_in().view(&asked.tool_name);
        for edit in edits(asked, view) {
            self.field("change of", SafeText::line(&edit.file));
            self.hunks(&edit.hunks);
        }
        self.input("input", &asked.input);
        let subject = asked.subject_text();
        if asked.input.string("command") != Some(&subject) {
            self.text("subject", &subject);
        }
        if let Some(diff) = &asked.diff {
            self.diff(diff);
        }
        if let Some(digest) = &asked.input_digest {
            self.field("digest", SafeText::own(digest, TextStyle::Dim));
        }
        if asked.input_edits_allowed {
            self.field("edits", SafeText::own("the input may be edited", TextStyle::Plain));
        }
    }

    /// What may be approved for good.
    fn options(&mut self, asked: &Confirmation) {
        for option in &asked.allowlist_options {
            let label = SafeText::line(&option.label);
            self.field("--always", SafeText::line(option.pattern.as_str()).and(said(label)));
            for (name, value) in option.members.iter().flat_map(|members| rule_parts(members, None, None)) {
                self.barred(SafeText::line(&name).and(SafeText::line(&format!(" {value}"))));
            }
        }
        for option in &asked.scope_options {
            let label = SafeText::line(&option.label);
            self.field("--scope", SafeText::line(option.scope.as_str()).and(said(label)));
        }
    }

    fn secret(&mut self, asked: &SecretRequest) {
        self.text("asks for", &asked.label);
        let name = SafeText::line(asked.service.as_str()).and(SafeText::own(" / ", TextStyle::Dim));
        self.field("of", name.and(SafeText::line(asked.field.as_str())));
        self.text_if("description", asked.description.as_deref());
        self.text_if("purpose", asked.purpose.as_deref());
        for (name, promised) in [("for tools", &asked.allowed_tools), ("for domains", &asked.allowed_domains)] {
            if !promised.is_empty() {
                self.text(name, &promised.join(", "));
            }
        }
        let once = if asked.allow_one_time_send { "kept, or handed over --once" } else { "kept" };
        self.field("is then", SafeText::own(once, TextStyle::Plain));
    }

    fn question(&mut self, asked: &Question) {
        for entry in &asked.entries {
            let header = entry.header.as_deref().map_or_else(SafeText::default, |text| said(SafeText::line(text)));
            self.field("asks", SafeText::own(&entry.question_id, TextStyle::Bold).and(header));
            self.block(&entry.text);
            for option in &entry.options {
                let label = SafeText::line(&option.label);
                let about =
                    option.description.as_deref().map_or_else(SafeText::default, |text| said(SafeText::line(text)));
                self.field("", SafeText::own(format!("{} ", option.option_id), TextStyle::Bold).and(label).and(about));
            }
            if entry.multi_select {
                self.field("", SafeText::own("one of them, or several", TextStyle::Dim));
            }
            if entry.free_text_allowed {
                self.field("", SafeText::own("or in your own words", TextStyle::Dim));
            }
        }
    }

    fn resolution(&mut self, interaction: &Interaction, resolution: &Resolution, now: Now) {
        let when = interaction.resolved_at.map_or_else(String::new, |at| format!(", {} ago", now.since(at)));
        self.field(
            "resolved",
            SafeText::own(format!("by {}{when}", resolver(resolution.resolved_by())), TextStyle::Plain),
        );
        self.text_if("comment", resolution.comment());
        if let (Some(effective), Some(asked)) = (resolution.effective_input(), &interaction.confirmation)
            && *effective != asked.input
        {
            self.input(APPROVED, effective);
        }
        for response in resolution.responses() {
            self.field(
                "answer",
                SafeText::own(format!("{}: ", response.question_id), TextStyle::Bold).and(answer(response)),
            );
        }
        if let Some(delivery) = resolution.delivery() {
            self.field("delivery", SafeText::own(delivery, TextStyle::Plain));
        }
        if let Some(Wiped { at, by }) = resolution.wiped() {
            self.field("wiped", SafeText::own(format!("by {by}, {} ago", now.since(*at)), TextStyle::Plain));
        }
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

    /// Each member of an input: a text as its lines, anything else as JSON.
    fn input(&mut self, name: &str, input: &JsonObject) {
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

    /// The lines that go and those that come, each change with what stands around it.
    fn diff(&mut self, diff: &Diff) {
        let name = if diff.is_new_file { "new file" } else { "edit of" };
        self.field(name, SafeText::line(&diff.file_path));
        self.hunks(&hunks(diff));
    }

    fn hunks(&mut self, hunks: &[Vec<Line>]) {
        for (number, hunk) in hunks.iter().enumerate() {
            if number > 0 {
                self.barred(SafeText::own("…", TextStyle::Dim));
            }
            for line in hunk {
                let (sign, tint) = match line.change {
                    Change::Removed => ("- ", TextStyle::Red),
                    Change::Added => ("+ ", TextStyle::Green),
                    Change::Kept => ("  ", TextStyle::Plain),
                };
                self.barred(SafeText::own(sign, tint).and(SafeText::text(&line.text).tinted(tint)));
            }
        }
    }

    fn text_if(&mut self, name: &str, text: Option<&str>) {
        if let Some(text) = text {
            self.text(name, text);
        }
    }

    /// A text of others, beside its name where it is one line.
    fn text(&mut self, name: &str, text: &str) {
        if text.contains('\n') {
            self.field(name, SafeText::default());
            self.block(text);
        } else {
            self.field(name, SafeText::text(text));
        }
    }

    fn field(&mut self, name: &str, value: SafeText) {
        self.rows(SafeText::own(format!("  {name:NAME_WIDTH$} "), TextStyle::Dim), value);
    }

    fn block(&mut self, text: &str) {
        lines(text).for_each(|line| self.barred(SafeText::text(line)));
    }

    fn barred(&mut self, line: SafeText) {
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

fn said(label: SafeText) -> SafeText {
    SafeText::own("  (", TextStyle::Dim).and(label).and(SafeText::own(")", TextStyle::Dim))
}

fn answer(response: &Response) -> SafeText {
    let chosen = response.chosen().map(|id| format!("{id} ")).collect::<String>();
    let chosen = SafeText::own(chosen, TextStyle::Plain);
    let own = response.text.as_deref().map_or_else(SafeText::default, SafeText::line);
    if response.skipped { SafeText::own("skipped", TextStyle::Dim) } else { chosen.and(own) }
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
