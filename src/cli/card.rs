//! One interaction, complete, as a person reads it: what is asked, by whom, and how it ended.
//!
//! Whatever an agent has written stands behind a bar, so that none of it passes for a line of ours.

use serde_json::Value;
use similar::{ChangeTag, TextDiff};

use super::look::Tint;
use super::shown::Shown;
use super::time::Now;
use crate::client::wire::{Claim, Interaction, Resolution};
use crate::domain::content::{Confirmation, Diff, SecretRequest};
use crate::domain::interaction::{ResolvedBy, Status};
use crate::domain::json::JsonObject;
use crate::domain::question::{Question, Response};
use crate::domain::words::{Outcome, RiskLevel};

/// How wide the names of the fields are.
const NAME_WIDTH: usize = 11;

/// How long the shortest way from the old file to the new is looked for; then any way does.
const DIFF_PATIENCE: std::time::Duration = std::time::Duration::from_millis(200);

/// All there is to know of an interaction, in lines of at most `width` columns where there is such an end.
pub(super) fn whole(interaction: &Interaction, width: Option<usize>, now: Now) -> Vec<Shown> {
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
pub(super) fn asked(interaction: &Interaction, width: usize) -> Vec<Shown> {
    let mut card = Card { width: Some(width), lines: Vec::new() };
    card.asked(interaction);
    card.lines
}

/// A card as far as it is written.
struct Card {
    width: Option<usize>,
    lines: Vec<Shown>,
}

impl Card {
    fn standing(&mut self, interaction: &Interaction, now: Now) {
        self.lines.push(Shown::own(format!("{} {}", interaction.kind, interaction.request_id), Tint::Bold));
        let state = match (interaction.status, interaction.expires_at) {
            (Status::Pending, Some(end)) => Shown::own(format!("pending, expires in {}", now.until(end)), Tint::Bold),
            (Status::Pending, None) => Shown::own("pending, never expires", Tint::Bold),
            (Status::Resolved(outcome), _) => Shown::own(outcome, outcome_tint(outcome)),
        };
        self.field("status", state);
        let since = now.since(interaction.created_at);
        self.field("from", Shown::own(format!("{}, {since} ago", interaction.registered_by), Tint::Plain));
    }

    fn asked(&mut self, interaction: &Interaction) {
        if let Some(conversation) = &interaction.conversation_id {
            self.field("in", Shown::own(format!("conversation {conversation}"), Tint::Plain));
        }
        if let Some(confirmation) = &interaction.confirmation {
            self.confirmation(confirmation);
        }
        if let Some(secret) = &interaction.secret {
            self.secret(secret);
        }
        if let Some(question) = &interaction.question {
            self.question(question);
        }
    }

    fn confirmation(&mut self, asked: &Confirmation) {
        self.field("tool", Shown::line(asked.tool_name.as_str()));
        self.field("risk", risk(asked.risk_level));
        if let Some(target) = asked.execution_target {
            self.field("runs on", Shown::own(target, Tint::Plain));
        }
        self.text_if("directory", asked.working_dir.as_deref());
        if let Some(reason) = &asked.reason {
            self.field("reason", Shown::own("the agent says:", Tint::Dim));
            self.block(reason);
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
            self.field("digest", Shown::own(digest, Tint::Dim));
        }
        if asked.input_edits_allowed {
            self.field("edits", Shown::own("the input may be edited", Tint::Plain));
        }
    }

    /// What may be approved for good.
    fn options(&mut self, asked: &Confirmation) {
        for option in &asked.allowlist_options {
            let label = Shown::line(&option.label);
            self.field("--always", Shown::line(option.pattern.as_str()).and(said(label)));
        }
        for option in &asked.scope_options {
            let label = Shown::line(&option.label);
            self.field("--scope", Shown::line(option.scope.as_str()).and(said(label)));
        }
    }

    fn secret(&mut self, asked: &SecretRequest) {
        self.text("asks for", &asked.label);
        let name = Shown::line(asked.service.as_str()).and(Shown::own(" / ", Tint::Dim));
        self.field("of", name.and(Shown::line(asked.field.as_str())));
        self.text_if("description", asked.description.as_deref());
        self.text_if("purpose", asked.purpose.as_deref());
        for (name, promised) in [("for tools", &asked.allowed_tools), ("for domains", &asked.allowed_domains)] {
            if !promised.is_empty() {
                self.text(name, &promised.join(", "));
            }
        }
        let once = if asked.allow_one_time_send { "kept, or handed over --once" } else { "kept" };
        self.field("is then", Shown::own(once, Tint::Plain));
    }

    fn question(&mut self, asked: &Question) {
        for entry in &asked.entries {
            self.field("asks", Shown::own(&entry.question_id, Tint::Bold));
            self.block(&entry.text);
            for option in &entry.options {
                let label = Shown::line(&option.label);
                let about = option.description.as_deref().map_or_else(Shown::default, |text| said(Shown::line(text)));
                self.field("", Shown::own(format!("{} ", option.option_id), Tint::Bold).and(label).and(about));
            }
            if entry.free_text_allowed {
                self.field("", Shown::own("or in your own words", Tint::Dim));
            }
        }
    }

    fn resolution(&mut self, interaction: &Interaction, resolution: &Resolution, now: Now) {
        let when = interaction.resolved_at.map_or_else(String::new, |at| format!(", {} ago", now.since(at)));
        self.field("resolved", Shown::own(format!("by {}{when}", resolver(&resolution.resolved_by)), Tint::Plain));
        self.text_if("comment", resolution.comment.as_deref());
        if let (Some(effective), Some(asked)) = (&resolution.effective_input, &interaction.confirmation)
            && *effective != asked.input
        {
            self.input("approved is", effective);
        }
        for response in resolution.responses.iter().flatten() {
            self.field("answer", Shown::own(format!("{}: ", response.question_id), Tint::Bold).and(answer(response)));
        }
        if let Some(delivery) = resolution.delivery {
            self.field("delivery", Shown::own(delivery, Tint::Plain));
        }
    }

    fn claim(&mut self, claim: &Claim, now: Now) {
        let came = match claim.outcome {
            Some(outcome) => format!("{outcome}, claimed {} ago", now.since(claim.claimed_at)),
            None => format!("claimed {} ago, outcome unknown", now.since(claim.claimed_at)),
        };
        self.field("run", Shown::own(came, Tint::Plain));
        self.text_if("detail", claim.detail.as_deref());
    }

    /// Each member of an input: a text as its lines, anything else as JSON.
    fn input(&mut self, name: &str, input: &JsonObject) {
        self.field(name, Shown::own(format!("{} bytes", input.text().len()), Tint::Dim));
        for (key, value) in input.tree() {
            match value {
                Value::String(text) if text.contains('\n') => {
                    self.barred(Shown::line(key).and(Shown::own(":", Tint::Dim)));
                    for line in lines(text) {
                        self.barred(Shown::own("  ", Tint::Plain).and(Shown::text(line)));
                    }
                }
                Value::String(text) => {
                    self.barred(Shown::line(key).and(Shown::own(": ", Tint::Dim)).and(Shown::text(text)));
                }
                Value::Null | Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => {
                    let json = Shown::text(&value.to_string());
                    self.barred(Shown::line(key).and(Shown::own(" = ", Tint::Dim)).and(json));
                }
            }
        }
    }

    /// The lines that go and those that come, each change with what stands around it.
    fn diff(&mut self, diff: &Diff) {
        let name = if diff.is_new_file { "new file" } else { "edit of" };
        self.field(name, Shown::line(&diff.file_path));
        let compared = TextDiff::configure().timeout(DIFF_PATIENCE).diff_lines(&*diff.old_content, &*diff.new_content);
        for (number, group) in compared.grouped_ops(3).iter().enumerate() {
            if number > 0 {
                self.barred(Shown::own("…", Tint::Dim));
            }
            for change in group.iter().flat_map(|op| compared.iter_changes(op)) {
                let (sign, tint) = match change.tag() {
                    ChangeTag::Delete => ("- ", Tint::Red),
                    ChangeTag::Insert => ("+ ", Tint::Green),
                    ChangeTag::Equal => ("  ", Tint::Plain),
                };
                let text = change.value().strip_suffix('\n').unwrap_or(change.value());
                self.barred(Shown::own(sign, tint).and(Shown::text(text).tinted(tint)));
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
            self.field(name, Shown::default());
            self.block(text);
        } else {
            self.field(name, Shown::text(text));
        }
    }

    fn field(&mut self, name: &str, value: Shown) {
        self.rows(Shown::own(format!("  {name:NAME_WIDTH$} "), Tint::Dim), value);
    }

    fn block(&mut self, text: &str) {
        lines(text).for_each(|line| self.barred(Shown::text(line)));
    }

    fn barred(&mut self, line: Shown) {
        self.rows(margin('│'), line);
    }

    /// A line of a card; on a terminal in as many as it takes, so that no text of others ever begins one.
    fn rows(&mut self, mut begin: Shown, value: Shown) {
        let Some(width) = self.width else { return self.lines.push(begin.and(value)) };
        for row in value.rows(width.saturating_sub(NAME_WIDTH + 5).max(20)) {
            self.lines.push(std::mem::replace(&mut begin, margin('┊')).and(row));
        }
    }
}

fn margin(bar: char) -> Shown {
    Shown::own(format!("{:width$}{bar} ", "", width = NAME_WIDTH + 3), Tint::Dim)
}

/// The lines of a text; an empty one has one.
fn lines(text: &str) -> impl Iterator<Item = &str> {
    text.strip_suffix('\n').unwrap_or(text).split('\n')
}

fn said(label: Shown) -> Shown {
    Shown::own("  (", Tint::Dim).and(label).and(Shown::own(")", Tint::Dim))
}

fn answer(response: &Response) -> Shown {
    let chosen =
        response.option_id.as_ref().map_or_else(Shown::default, |id| Shown::own(format!("{id} "), Tint::Plain));
    let own = response.text.as_deref().map_or_else(Shown::default, Shown::line);
    if response.skipped { Shown::own("skipped", Tint::Dim) } else { chosen.and(own) }
}

/// How much harm it could do: in a word first, in a colour besides.
pub(super) fn risk(level: RiskLevel) -> Shown {
    match level {
        RiskLevel::Low => Shown::own("low", Tint::Green),
        RiskLevel::Medium => Shown::own("medium", Tint::Yellow),
        RiskLevel::High => Shown::own("HIGH", Tint::Red),
    }
}

/// The colour of an end.
pub(super) fn outcome_tint(outcome: Outcome) -> Tint {
    match outcome {
        Outcome::Approved | Outcome::Answered => Tint::Green,
        Outcome::Rejected => Tint::Red,
        Outcome::Expired | Outcome::Cancelled | Outcome::Superseded => Tint::Yellow,
    }
}

/// Who or what resolved it.
pub(super) fn resolver(by: &ResolvedBy) -> String {
    match by {
        ResolvedBy::Principal(name) => name.to_string(),
        ResolvedBy::TrustRule(rule) => format!("trust rule {rule}"),
        ResolvedBy::System(_) => "the deadline".to_owned(),
    }
}
