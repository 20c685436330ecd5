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
    ("z", "take the last decision back, while it is held"),
    ("c", "copy what is asked"),
    ("o", "open its page in the browser"),
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
        frame.render_widget(Paragraph::new(self.keys(width)), keys);
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
        let held = self.held.iter().map(|held| SafeText::line(&held.sentence()).tinted(TextStyle::Bold));
        let note = self.note.iter().map(|note| SafeText::line(note).tinted(TextStyle::Bold));
        held.chain(note).flat_map(|note| ink::lines(note, width)).collect()
    }

    /// The keys that do something now, as many as there is room for.
    fn keys(&self, width: usize) -> Line<'static> {
        let card = self.queue.selected().map(|(_, card)| card);
        let is_settled = card.zip(self.page.as_ref()).is_some_and(|(card, page)| page.is_settled(card));
        let (own, common): (&[_], &[_]) = match (&self.step, card) {
            (Mode::Reading, Some(card)) if card.is_open() && is_settled => (
                kinds::keys(card.interaction.kind),
                &[("space", "read on"), ("/", "find"), ("o", "open"), ("?", "keys"), ("q", "leave")],
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
        let keys = fitting(own.iter().chain(common).copied().collect(), width);
        let shown =
            keys.into_iter().flat_map(|(key, does)| [format!(" {key} ").reversed(), format!(" {does}  ").into()]);
        Line::from(shown.collect::<Vec<_>>())
    }
}

/// The most important of `keys`, which come first, that fit in a line; those to which all others lead stay.
fn fitting(mut keys: Vec<(&'static str, &'static str)>, width: usize) -> Vec<(&'static str, &'static str)> {
    let needs = |(key, does): &(&str, &str)| SafeText::own(format!(" {key}  {does}  "), TextStyle::Plain).width();
    // What stands behind the last one may be cut off.
    while keys.iter().map(needs).sum::<usize>().saturating_sub(2) > width
        && let Some(last) = keys.iter().rposition(|(key, _)| !["?", "q", "Esc"].contains(key))
    {
        keys.remove(last);
    }
    keys
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, mpsc};
    use std::time::Duration;

    use ratatui::Terminal;
    use ratatui::backend::TestBackend;
    use serde_json::json;

    use super::*;
    use crate::cli::watch::queue::Pending;
    use crate::cli::watch::sources::Wanted;
    use crate::client::Client;
    use crate::config::Access;
    use crate::domain::enums::Role;
    use crate::domain::query::Query;

    /// A screen on which this command waits for an answer; nothing is called.
    fn watch(command: &str) -> Watch {
        let token = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(token.path(), "token").unwrap();
        let client = Client::open(&Access::with(None, token.path().to_owned()), Role::Approver).unwrap();
        let (tell, _) = mpsc::channel();
        let mut watch = Watch::new(Arc::new(client), tell, Wanted::new(Query::default()), Duration::from_secs(3));
        let asked = json!({
            "requestId": "deploy-42", "kind": "confirmation", "status": "pending", "registeredBy": "build-agent",
            "createdAt": "2030-01-01T00:00:00.000Z", "metadata": {},
            "confirmation": {"toolName": "shell", "input": {"command": command}, "riskLevel": "low"},
        });
        let interactions = vec![serde_json::from_value(asked).unwrap()];
        watch.queue.replace(Pending { interactions, ..Pending::default() });
        watch
    }

    /// What is on a screen of so many columns, line by line.
    fn drawn(watch: &mut Watch, columns: u16) -> Vec<String> {
        let mut terminal = Terminal::new(TestBackend::new(columns, 24)).unwrap();
        terminal.draw(|frame| watch.draw(frame, Now::read())).unwrap();
        if let Some(page) = &mut watch.page {
            page.settle();
        }
        terminal.draw(|frame| watch.draw(frame, Now::read())).unwrap();
        let buffer = terminal.backend().buffer();
        let line = |row| (0..columns).map(|column| buffer[(column, row)].symbol()).collect::<String>();
        (0..24).map(|row| line(row).trim_end().to_owned()).collect()
    }

    #[test]
    fn the_keys_that_fit_are_shown_and_those_to_all_others_always() {
        for (columns, keys) in [
            (
                120,
                " a  approve   r  reject   A  and make a rule   e  edit   space  read on   /  find   o  open   ?  keys   q  leave",
            ),
            (80, " a  approve   r  reject   A  and make a rule   e  edit   ?  keys   q  leave"),
            (60, " a  approve   r  reject   ?  keys   q  leave"),
            (40, " a  approve   ?  keys   q  leave"),
        ] {
            assert_eq!(drawn(&mut watch("make"), columns)[23], keys, "{columns}");
        }
    }

    #[test]
    fn a_row_names_its_agent_where_there_is_room() {
        for (columns, is_named) in [(120, true), (80, true), (60, false), (40, false)] {
            let row = drawn(&mut watch("make"), columns)[1].clone();
            assert_eq!(row.contains("build-agent"), is_named, "{columns}: {row}");
            assert!(row.contains("low"), "{columns}: {row}");
        }
    }

    #[test]
    fn words_are_whole_on_narrow_screens() {
        let command = "deploy the service fairly soon after the tests are green";
        for columns in [60, 40] {
            let lines = drawn(&mut watch(command), columns);
            let shown = lines.join("\n");
            for word in command.split(' ') {
                assert!(shown.contains(word), "{columns}: {word} is broken in:\n{shown}");
            }
        }
    }

    #[test]
    fn what_is_held_is_said_and_taken_back() {
        for columns in [120, 80, 60, 40] {
            let mut watch = watch("make");
            drawn(&mut watch, columns);
            watch.decide(kinds::Answer::Confirm {
                decision: crate::domain::enums::Decision::Allow,
                comment: None,
                rule: None,
                updated: None,
                acknowledged: Vec::new(),
            });
            let shown = drawn(&mut watch, columns).join(" ");
            assert!(shown.contains("Approved: shell: make. z takes it back"), "{shown}");
            assert!(shown.contains("held") && !shown.contains(" a  approve"), "{shown}");
            watch.take_back();
            let shown = drawn(&mut watch, columns).join(" ");
            assert!(shown.contains("Taken back: shell: make.") && shown.contains(" a  approve"), "{shown}");
            watch.take_back();
            assert!(drawn(&mut watch, columns).join(" ").contains("none is."));
        }
    }
}
