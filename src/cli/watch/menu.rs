//! A list to choose from: one thing, or several of those that can be ticked.

use ratatui::crossterm::event::KeyCode;
use ratatui::text::Line;

use super::ink;
use crate::cli::safe_text::SafeText;
use crate::cli::style::TextStyle;

/// What can be chosen, under a title; the texts may be an agent's.
pub(in crate::cli) struct Menu {
    title: String,
    items: Vec<(String, String)>,
    at: usize,
    /// Whether each of the first items is ticked; empty where only one thing is chosen.
    ticked: Vec<bool>,
}

impl Menu {
    /// Each item is what is chosen, and what is said of it.
    pub(in crate::cli) fn new<'t>(title: &str, items: impl IntoIterator<Item = (&'t str, &'t str)>) -> Self {
        let items = items.into_iter().map(|(text, about)| (text.to_owned(), about.to_owned()));
        Self { title: title.to_owned(), items: items.collect(), at: 0, ticked: Vec::new() }
    }

    /// The same, with the choice at this place to begin with.
    pub(in crate::cli) fn beginning_at(self, at: usize) -> Self {
        Self { at, ..self }
    }

    /// The same, of whose first `count` items several may be chosen.
    pub(in crate::cli) fn several(self, count: usize) -> Self {
        Self { ticked: vec![false; count], ..self }
    }

    /// The places of what is ticked.
    pub(in crate::cli) fn ticked(&self) -> impl Iterator<Item = usize> {
        self.ticked.iter().enumerate().filter(|(_, is_ticked)| **is_ticked).map(|(at, _)| at)
    }

    /// Whether several may be chosen.
    pub(in crate::cli) const fn is_of_several(&self) -> bool {
        !self.ticked.is_empty()
    }

    /// Moves, ticks, or chooses: the place of what is chosen.
    pub(super) fn key(&mut self, code: KeyCode) -> Option<usize> {
        let last = self.items.len().saturating_sub(1);
        if matches!(code, KeyCode::Char('j') | KeyCode::Down) {
            self.at = (self.at + 1).min(last);
        } else if matches!(code, KeyCode::Char('k') | KeyCode::Up) {
            self.at = self.at.saturating_sub(1);
        } else if code == KeyCode::Enter {
            return Some(self.at);
        } else if code == KeyCode::Char(' ') {
            self.tick(self.at);
        } else if let KeyCode::Char(digit @ '1'..='9') = code {
            let at = usize::from(digit as u8 - b'1');
            return if self.tick(at) { None } else { (at <= last).then_some(at) };
        }
        None
    }

    /// Ticks an item, or takes its tick away; `false` where it has none.
    fn tick(&mut self, at: usize) -> bool {
        let item = self.ticked.get_mut(at);
        item.map(|is_ticked| *is_ticked = !*is_ticked).is_some()
    }

    /// All of it, in lines of this width.
    pub(super) fn lines(&self, width: usize) -> Vec<Line<'static>> {
        let mut lines = ink::lines(SafeText::line(&self.title).tinted(TextStyle::Bold), width);
        for (at, (text, about)) in self.items.iter().enumerate() {
            let (mark, weight) = if at == self.at { ('▸', TextStyle::Bold) } else { (' ', TextStyle::Plain) };
            let tick = self.ticked.get(at).map_or("", |is_ticked| if *is_ticked { "[x] " } else { "[ ] " });
            let item =
                SafeText::own(format!("{mark} {}  {tick}", at + 1), weight).and(SafeText::line(text).tinted(weight));
            let item =
                item.and(SafeText::own("  ", TextStyle::Plain)).and(SafeText::line(about).tinted(TextStyle::Dim));
            lines.extend(ink::lines(item, width));
        }
        lines
    }
}
