//! Interactions as comma-separated values (RFC 4180), for spreadsheets: nothing in a cell is taken for a formula, and nothing in it
//! is unseen.

use crate::api::Interaction;
use crate::clock::Timestamp;
use crate::domain::enums::RiskLevel;
use crate::domain::id::ToolName;
use crate::present::{one_line, resolver};

/// What stands over the cells of an interaction: the names of the interface, and what is asked, in one line.
const HEADINGS: [&str; 12] = [
    "requestId",
    "kind",
    "status",
    "riskLevel",
    "toolName",
    "registeredBy",
    "conversationId",
    "createdAt",
    "expiresAt",
    "resolvedAt",
    "resolvedBy",
    "asked",
];

/// What a spreadsheet takes for the beginning of a formula, and the wide forms that some take for the same.
const BEGIN_A_FORMULA: [char; 8] = ['=', '+', '-', '@', '\u{ff1d}', '\u{ff0b}', '\u{ff0d}', '\u{ff20}'];

/// The first line.
pub(crate) fn headings() -> String {
    row(HEADINGS)
}

/// The line of an interaction.
pub(crate) fn interaction(interaction: &Interaction) -> String {
    let resolved_by = interaction.resolution.as_ref().map(|resolution| resolver(resolution.resolved_by()));
    let moment = |moment: Option<Timestamp>| moment.map(|moment| moment.to_string()).unwrap_or_default();
    row([
        interaction.request_id.as_str(),
        interaction.kind.as_str(),
        interaction.status.as_str(),
        interaction.risk_level().map_or("", RiskLevel::as_str),
        interaction.tool_name().map_or("", ToolName::as_str),
        interaction.registered_by.as_str(),
        interaction.conversation_id.as_ref().map_or("", |id| id.as_str()),
        &moment(Some(interaction.created_at)),
        &moment(interaction.expires_at),
        &moment(interaction.resolved_at),
        &resolved_by.unwrap_or_default(),
        &interaction.summary().map(|summary| summary.text.into_owned()).unwrap_or_default(),
    ])
}

/// A line of cells.
fn row<'c>(cells: impl IntoIterator<Item = &'c str>) -> String {
    let cells: Vec<String> = cells.into_iter().map(cell).collect();
    cells.join(",") + "\r\n"
}

/// One cell: in one line, with an apostrophe in front of what would be a formula, and in quotes where it needs them.
fn cell(text: &str) -> String {
    let mut shown = one_line(text);
    if shown.trim_start().starts_with(BEGIN_A_FORMULA) {
        shown.insert(0, '\'');
    }
    if shown.contains(['"', ',']) || shown.trim() != shown {
        format!("\"{}\"", shown.replace('"', "\"\""))
    } else {
        shown
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cell_is_no_formula_stays_in_its_place_and_hides_nothing() {
        for (text, expected) in [
            ("ls", "ls"),
            ("", ""),
            ("=1+1", "'=1+1"),
            ("  @sum", "'  @sum"),
            ("  sum ", "\"  sum \""),
            ("-rf", "'-rf"),
            ("+1,2", "\"'+1,2\""),
            ("\t=x", "' =x"),
            ("\r\n=x", "⟨U+000D⟩↵=x"),
            ("a\"b", "\"a\"\"b\""),
            ("a\u{202e}b\u{1b}[2J", "a⟨U+202E⟩b⟨U+001B⟩[2J"),
        ] {
            assert_eq!(cell(text), expected, "{text:?}");
        }
        assert!(cell("\u{ff1d}1").starts_with('\''));
    }
}
