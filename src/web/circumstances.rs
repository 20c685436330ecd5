//! What belongs to an interaction beside what it asks: who, when, in which conversation, and what it allows.

use super::fact::DetailRow;
use crate::domain::interaction::Record;
use crate::domain::kinds::{Confirmation, Content, SecretRequest};

/// The circumstances of `record`.
pub(super) fn circumstances(record: &Record) -> Vec<DetailRow> {
    let interaction = &record.interaction;
    let deadline = interaction.expires_at.map(|at| DetailRow::at("Deadline", at));
    let mut facts = vec![
        DetailRow::code("Asked by", interaction.registered_by.as_str()),
        DetailRow::at("Asked", interaction.created_at),
        deadline.unwrap_or_else(|| DetailRow::text("Deadline", "none: it waits for ever")),
    ];
    facts.extend(interaction.conversation_id.as_ref().map(|id| DetailRow::code("Conversation", id.as_str())));
    facts.extend(match &record.body.content {
        Content::Confirmation(asked) => of_confirmation(asked),
        Content::Secret(asked) => of_secret(asked),
        Content::Question(_) => Vec::new(),
    });
    facts.extend(record.body.traceparent.as_ref().map(|trace| DetailRow::code("Trace", trace.as_str())));
    if record.body.metadata.text() != "{}" {
        facts.push(DetailRow::block("The agent's own notes", record.body.metadata.text()));
    }
    facts
}

fn of_confirmation(asked: &Confirmation) -> Vec<DetailRow> {
    let mut facts = vec![
        DetailRow::code("Tool", asked.tool_name.as_str()),
        DetailRow::text("Risk", asked.risk_level.as_str()),
        DetailRow::text("Its input may be edited", yes_or_no(asked.input_edits_allowed)),
        DetailRow::text("A rule may be made from it", yes_or_no(asked.persistent_decisions_allowed)),
    ];
    facts.extend(asked.tool_use_id.as_ref().map(|id| DetailRow::code("The agent's id of this use", id)));
    for offer in &asked.allowlist_options {
        facts.push(DetailRow::code(format!("Offered pattern: {}", offer.label), offer.pattern.as_str()));
    }
    for offer in &asked.scope_options {
        facts.push(DetailRow::code(format!("Offered scope: {}", offer.label), offer.scope.as_str()));
    }
    facts
}

fn of_secret(asked: &SecretRequest) -> Vec<DetailRow> {
    let mut facts = vec![DetailRow::text("May be handed over once", yes_or_no(asked.allow_one_time_send))];
    facts.extend(asked.placeholder.as_ref().map(|text| DetailRow::text("Placeholder", text)));
    facts
}

const fn yes_or_no(is_so: bool) -> &'static str {
    if is_so { "yes" } else { "no" }
}
