//! What is on the screen: the queue, the card that is read, what is asked of the person, and which keys there are.

use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::style::{Style, Stylize};
use ratatui::text::{Line, Span};
use ratatui::widgets::{Block, Borders, Paragraph};

use super::page::Page;
use super::step::Mode;
use super::{Watch, ink};
use crate::cli::kinds;
use crate::cli::safe_text::SafeText;
use crate::cli::style::TextStyle;
use crate::cli::time::Now;
use crate::present::one_line;

/// What the keys do that are there for every card, for `?`.
const HELP: &[(&str, &str)] = &[
    ("y", "the second key, where one is asked for: what is dangerous, long, or hides something"),
    ("j k ↓ ↑", "the next card, the one before"),
    ("space b", "read on, read back; Page Down and Page Up, too"),
    ("g G", "to the start, to the end"),
    ("/", "find, with words and fields as in kubectl agent:ci risk:high; with nothing, all again"),
    ("Esc", "back"),
    ("q", "leave: what waits goes on waiting"),
];

impl Watch {
    pub(super) fn draw(&mut self, frame: &mut Frame<'_>, now: Now) {
        let area = frame.area();
        let width = usize::from(area.width);
        let asked = self.asked(width);
        let rows = u16::try_from(self.queue.cards().len()).unwrap_or(u16::MAX).clamp(1, (area.height / 4).max(1));
        let asked_height = u16::try_from(asked.len()).unwrap_or(u16::MAX).min(area.height / 2);
        let heights = [1, rows].map(Constraint::Length).into_iter();
        let heights = heights.chain([Constraint::Min(1), Constraint::Length(asked_height), Constraint::Length(1)]);
        let [title, list, card, prompt, keys] = Layout::vertical(heights).areas(area);
        frame.render_widget(self.title(), title);
        self.draw_list(frame, list, now);
        self.draw_card(frame, card);
        frame.render_widget(Paragraph::new(asked), prompt);
        frame.render_widget(Paragraph::new(self.keys()), keys);
    }

    fn title(&self) -> Paragraph<'static> {
        let waiting = match self.queue.waiting() {
            0 => "nothing waits".to_owned(),
            1 => "1 waits".to_owned(),
            many if self.queue.has_more() => format!("more than {many} wait"),
            many => format!("{many} wait"),
        };
        let link = if self.is_live {
            Span::raw(format!("live at {}", self.client.url()))
        } else {
            Span::styled("the server is away; this comes back with it", Style::new().bold())
        };
        let wanted = self.wanted.get();
        let found = if wanted.is_empty() { String::new() } else { format!(" of {}", one_line(&wanted.to_string())) };
        let line =
            vec![Span::styled(" countersign ", Style::new().bold()), format!(" {waiting}{found} · ").into(), link];
        Paragraph::new(Line::from(line)).reversed()
    }

    fn draw_list(&self, frame: &mut Frame<'_>, area: Rect, now: Now) {
        let selected = self.queue.selected().map_or(0, |(at, _)| at);
        let height = usize::from(area.height);
        let top = selected.saturating_sub(height / 2).min(self.queue.cards().len().saturating_sub(height));
        let rows = self.queue.cards().iter().enumerate().skip(top).take(height);
        let lines = rows.map(|(at, card)| card.row(at == selected, now, area.width.into())).collect::<Vec<_>>();
        if lines.is_empty() {
            let nothing = "Nothing to decide. What comes is shown here.";
            let not_found =
                "Nothing that waits is found. What comes and is found is shown here; / finds something else.";
            let words = if self.wanted.get().is_empty() { nothing } else { not_found };
            frame.render_widget(Paragraph::new(words).dim(), area);
        } else {
            frame.render_widget(Paragraph::new(lines), area);
        }
    }

    fn draw_card(&mut self, frame: &mut Frame<'_>, area: Rect) {
        let block = Block::new().borders(Borders::TOP | Borders::BOTTOM).border_style(Style::new().dim());
        let inner = block.inner(area);
        if matches!(self.step, Mode::Help) {
            let lines = kinds::HELP.iter().chain(HELP).map(|(key, does)| Line::from(format!("  {key:<9} {does}")));
            frame.render_widget(block, area);
            frame.render_widget(Paragraph::new(lines.collect::<Vec<_>>()), inner);
            return;
        }
        let Some((_, card)) = self.queue.selected() else {
            self.page = None;
            frame.render_widget(block, area);
            return;
        };
        let page = Page::of(card, inner.width.into(), inner.height.into(), self.page.take());
        let position = page.position().map(|position| Line::from(format!(" {position} ")).right_aligned());
        let block = block.title_top(card.heading()).title_bottom(position.unwrap_or_default());
        frame.render_widget(block, area);
        frame.render_widget(Paragraph::new(page.window().cloned().collect::<Vec<_>>()), inner);
        self.page = Some(page);
    }

    /// What is asked of the person, or what there is to know, above the keys.
    fn asked(&self, width: usize) -> Vec<Line<'static>> {
        let said = |text: String, tint| ink::lines(SafeText::own(text, tint), width);
        match &self.step {
            Mode::Reading | Mode::Help => self.noted(width),
            Mode::Sure { doubts, .. } => doubts.iter().flat_map(|doubt| said(doubt.clone(), TextStyle::Red)).collect(),
            Mode::Typing { field, text } => {
                field.prompt(text).into_iter().flat_map(|line| ink::lines(line, width)).collect()
            }
            Mode::Choosing { menu, .. } => menu.lines(width),
            Mode::Finding { text } => {
                let typed = SafeText::own("Find: ", TextStyle::Bold).and(SafeText::line(text));
                let typed = typed.and(SafeText::own("▏", TextStyle::Plain));
                self.noted(width).into_iter().chain(ink::lines(typed, width)).collect()
            }
        }
    }

    /// What there is to know.
    fn noted(&self, width: usize) -> Vec<Line<'static>> {
        let note = self.note.iter().map(|note| SafeText::line(note).tinted(TextStyle::Bold));
        note.flat_map(|note| ink::lines(note, width)).collect()
    }

    /// The keys that do something now.
    fn keys(&self) -> Line<'static> {
        let card = self.queue.selected().map(|(_, card)| card);
        let is_settled = card.zip(self.page.as_ref()).is_some_and(|(card, page)| page.is_settled(card));
        let (own, common): (&[_], &[_]) = match (&self.step, card) {
            (Mode::Reading, Some(card)) if card.is_open() && is_settled => (
                kinds::keys(card.interaction.kind),
                &[("space", "read on"), ("/", "find"), ("?", "keys"), ("q", "leave")],
            ),
            (Mode::Reading, _) => (&[("j", "next")], &[("/", "find"), ("?", "keys"), ("q", "leave")]),
            (Mode::Finding { .. }, _) => (&[("Enter", "find")], &[("Esc", "back")]),
            (Mode::Help, _) => (&[], &[("Esc", "back")]),
            (Mode::Sure { .. }, _) => (&[("y", "do it")], &[("Esc", "back")]),
            (Mode::Typing { field, .. }, _) => (field.keys(), &[("Esc", "back")]),
            (Mode::Choosing { menu, .. }, _) if menu.is_of_several() => {
                (&[("j k", "move"), ("space", "tick"), ("Enter", "choose what is ticked")], &[("Esc", "back")])
            }
            (Mode::Choosing { .. }, _) => (&[("j k", "move"), ("Enter", "choose")], &[("Esc", "back")]),
        };
        let keys = own.iter().chain(common);
        let shown = keys.flat_map(|(key, does)| [format!(" {key} ").reversed(), format!(" {does}  ").into()]);
        Line::from(shown.collect::<Vec<_>>())
    }
}
