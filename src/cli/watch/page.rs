//! The card that a person reads: how far down they are, and whether all of it has been before their eyes.

use std::time::{Duration, Instant};

use ratatui::text::Line;

use super::card::Card;
use crate::domain::id::RequestId;

/// For how long a card is on the screen before a key can decide on it: a key that was meant for the card before it is none.
const AT_LEAST: Duration = Duration::from_millis(400);

/// One card's lines in a window.
pub(super) struct Page {
    request_id: RequestId,
    width: usize,
    height: usize,
    lines: Vec<Line<'static>>,
    top: usize,
    has_seen_end: bool,
    since: Instant,
}

/// A way to move in a text.
#[derive(Clone, Copy)]
pub(super) enum Move {
    Lines(isize),
    Pages(isize),
    Start,
    End,
}

impl Page {
    /// `card` in a window of this size; where it is the card of `before`, that is only made to fit.
    pub(super) fn of(card: &Card, width: usize, height: usize, before: Option<Self>) -> Self {
        let mut page = match before.filter(|page| page.request_id == *card.id()) {
            Some(page) if page.width == width => page,
            Some(page) => Self { lines: card.lines(width), width, ..page },
            None => {
                let (request_id, lines) = (card.id().clone(), card.lines(width));
                Self { request_id, width, height, lines, top: 0, has_seen_end: false, since: Instant::now() }
            }
        };
        page.height = height;
        page.move_by(Move::Lines(0));
        page
    }

    /// Moves, but not past the ends.
    pub(super) fn move_by(&mut self, by: Move) {
        let last = self.lines.len().saturating_sub(self.height);
        let page = isize::try_from(self.height.saturating_sub(1)).unwrap_or(isize::MAX);
        self.top = match by {
            Move::Lines(lines) => self.top.saturating_add_signed(lines),
            Move::Pages(pages) => self.top.saturating_add_signed(pages.saturating_mul(page)),
            Move::Start => 0,
            Move::End => last,
        };
        self.top = self.top.min(last);
        self.has_seen_end |= self.height > 0 && self.top == last;
    }

    /// What is in the window.
    pub(super) fn window(&self) -> impl Iterator<Item = &Line<'static>> {
        self.lines.iter().skip(self.top).take(self.height)
    }

    /// Which lines are in the window, where not all are.
    pub(super) fn position(&self) -> Option<String> {
        let total = self.lines.len();
        let bottom = (self.top + self.height).min(total);
        (total > self.height).then(|| format!("lines {}–{bottom} of {total}", self.top + 1))
    }

    /// Whether the end of it has been on the screen.
    pub(super) const fn has_seen_end(&self) -> bool {
        self.has_seen_end
    }

    /// Whether `card` is what is read, and long enough for a key to be meant for it.
    pub(super) fn is_settled(&self, card: &Card) -> bool {
        self.request_id == *card.id() && self.since.elapsed() >= AT_LEAST
    }
}

#[cfg(test)]
impl Page {
    /// As after the time in which no key decides.
    pub(super) fn settle(&mut self) {
        self.since = self.since.checked_sub(AT_LEAST).unwrap();
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn card(request_id: &str) -> Card {
        let asked = json!({
            "requestId": request_id, "kind": "confirmation", "status": "pending", "registeredBy": "agent",
            "createdAt": "2030-01-01T00:00:00.000Z", "metadata": {},
            "confirmation": {"toolName": "shell", "input": {"command": "one\ntwo\nthree\nfour\nfive"}},
        });
        Card::new(serde_json::from_value(asked).unwrap())
    }

    #[test]
    fn a_key_decides_on_nothing_that_has_only_just_been_shown() {
        let (first, second) = (card("first"), card("second"));
        let mut page = Page::of(&first, 80, 10, None);
        assert!(!page.is_settled(&first));
        page.settle();
        let page = Page::of(&first, 60, 10, Some(page));
        assert!(page.is_settled(&first) && !page.is_settled(&second));
        assert!(!Page::of(&second, 60, 10, Some(page)).is_settled(&second));
    }

    #[test]
    fn the_end_has_been_seen_once_it_was_in_the_window() {
        let long = card("long");
        let mut page = Page::of(&long, 80, 3, None);
        assert!(!page.has_seen_end());
        page.move_by(Move::Pages(1));
        assert!(!page.has_seen_end());
        page.move_by(Move::End);
        page.move_by(Move::Start);
        assert!(page.has_seen_end());
        let another = card("another");
        assert!(!Page::of(&another, 80, 3, Some(page)).has_seen_end());
    }
}
