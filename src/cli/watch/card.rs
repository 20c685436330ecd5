//! An interaction as this screen keeps it.

use ratatui::text::Line;

use super::ink;
use crate::api::Interaction;
use crate::cli::card;
use crate::cli::list::what;
use crate::cli::safe_text::SafeText;
use crate::cli::style::TextStyle;
use crate::cli::time::Now;
use crate::domain::enums::RiskLevel;
use crate::domain::id::RequestId;
use crate::present::{Ending, asks};

/// From so many columns on, a row names its agent.
const WITH_AGENT: usize = 80;

/// How wide an agent's name may be.
const AGENT_COLUMNS: usize = 14;

/// An interaction in the queue.
pub(super) struct Card {
    pub(super) interaction: Interaction,
    /// How it ended, where it did while it was on the screen.
    pub(super) ending: Option<Ending>,
    /// Whether our own answer to it is on its way.
    pub(super) is_sent: bool,
    /// What this person has decided and can still take back.
    pub(super) held: Option<&'static str>,
}

impl Card {
    pub(super) const fn new(interaction: Interaction) -> Self {
        Self { interaction, ending: None, is_sent: false, held: None }
    }

    pub(super) const fn id(&self) -> &RequestId {
        &self.interaction.request_id
    }

    /// Whether a person can still answer it.
    pub(super) const fn is_open(&self) -> bool {
        self.ending.is_none() && !self.is_sent && self.held.is_none()
    }

    /// Everything there is to know before answering, in lines of this width.
    pub(super) fn lines(&self, width: usize) -> Vec<Line<'static>> {
        card::asked(&self.interaction, width).iter().map(ink::line).collect()
    }

    /// The card in one line: never all there is to decide by.
    pub(super) fn row(&self, is_selected: bool, now: Now, width: usize) -> Line<'static> {
        let interaction = &self.interaction;
        let left = match (&self.ending, interaction.expires_at) {
            (Some(_), _) => "ended".to_owned(),
            (None, _) if self.held.is_some() => "held".to_owned(),
            (None, Some(end)) => now.until(end),
            (None, None) => "no end".to_owned(),
        };
        let risk = interaction.confirmation.as_deref().map(|it| it.risk_level);
        let (sign, tint) = risk.map_or((" ", TextStyle::Plain), sign);
        let risk = risk.map_or("", RiskLevel::as_str);
        let (mark, weight) = if is_selected { ("▸", TextStyle::Bold) } else { (" ", TextStyle::Plain) };
        let row = SafeText::own(format!("{mark} {left:>7}  "), weight)
            .and(SafeText::own(format!("{sign} {risk:<6}  "), tint));
        let row = if width < WITH_AGENT { row } else { row.and(agent(interaction.registered_by.as_str(), weight)) };
        ink::line(&row.and(what(interaction).tinted(weight)).cut(width))
    }

    /// What is asked, as a text.
    pub(super) fn text(&self) -> String {
        self.interaction.summary().map(|summary| summary.text.into_owned()).unwrap_or_default()
    }

    /// What is asked, in a short line.
    pub(super) fn about(&self) -> String {
        let text = what(&self.interaction).cut(60);
        text.spans().map(|(text, _)| text).collect()
    }

    /// Who asks what, or how it ended.
    pub(super) fn heading(&self) -> Line<'static> {
        if let Some(ending) = &self.ending {
            return ink::line(&SafeText::own(format!(" already {ending} "), TextStyle::Strange));
        }
        if let Some(done) = self.held {
            return ink::line(&SafeText::own(format!(" {done}; z takes it back "), TextStyle::Bold));
        }
        if self.is_sent {
            return ink::line(&SafeText::own(" sent, and not answered yet ", TextStyle::Bold));
        }
        let Interaction { registered_by, kind, confirmation, .. } = &self.interaction;
        let asks = SafeText::own(format!(" {registered_by} {} ", asks(*kind)), TextStyle::Bold);
        let Some(asked) = confirmation else { return ink::line(&asks) };
        let tool = SafeText::line(asked.tool_name.as_str()).tinted(TextStyle::Bold);
        ink::line(&asks.and(tool).and(SafeText::own(" ", TextStyle::Plain)))
    }
}

/// An agent's name in its column.
fn agent(name: &str, weight: TextStyle) -> SafeText {
    let name = SafeText::own(name, weight).cut(AGENT_COLUMNS);
    let gap = " ".repeat((AGENT_COLUMNS + 2).saturating_sub(name.width()));
    name.and(SafeText::own(gap, TextStyle::Plain))
}

/// A level of risk as a sign and a colour, beside its word.
const fn sign(level: RiskLevel) -> (&'static str, TextStyle) {
    match level {
        RiskLevel::Low => ("▽", TextStyle::Green),
        RiskLevel::Medium => ("◇", TextStyle::Yellow),
        RiskLevel::High => ("▲", TextStyle::Red),
    }
}
