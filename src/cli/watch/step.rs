//! What a person is in the middle of, and what a key does to it. Nothing here draws, and nothing here calls.

use ratatui::crossterm::event::{KeyCode, KeyEvent};
use zeroize::Zeroizing;

use super::card::Card;
use super::menu::Menu;
use crate::cli::kinds::{Answer, Choice, Field};

/// Where a person is between the first key and the answer.
pub(in crate::cli) enum Mode {
    /// They read.
    Reading,
    /// They look the keys up.
    Help,
    /// They are about to do what deserves a second look: only `y` goes on.
    Sure { doubts: Vec<String>, answer: Answer },
    /// They type what is to be found.
    Finding { text: String },
    /// They type.
    Typing { field: Field, text: Zeroizing<String> },
    /// They choose.
    Choosing { menu: Menu, choice: Choice },
}

/// What comes of a key.
pub(in crate::cli) enum Transition {
    Stay,
    To(Mode),
    Send(Answer),
    /// Nothing but a word to the person.
    Say(&'static str),
    /// The input is edited elsewhere, and approved so.
    Edit,
}

impl Mode {
    pub(in crate::cli) fn typing(field: Field) -> Self {
        Self::Typing { field, text: Zeroizing::new(String::new()) }
    }

    /// What a key does in the middle of this.
    pub(super) fn key(&mut self, key: KeyEvent, card: &Card, has_seen_end: bool) -> Transition {
        match (self, key.code) {
            (Self::Reading | Self::Finding { .. }, _) => Transition::Stay,
            (Self::Help, _) | (_, KeyCode::Esc) => Transition::To(Self::Reading),
            (Self::Sure { answer, .. }, KeyCode::Char('y')) => Transition::Send(answer.clone()),
            (Self::Sure { .. }, _) => Transition::To(Self::Reading),
            (Self::Typing { field, text }, KeyCode::Enter) => field.typed(text, &card.interaction),
            (Self::Typing { field, text }, code) => {
                edit(field, text, code);
                Transition::Stay
            }
            (Self::Choosing { menu, choice }, code) => {
                menu.key(code).map_or(Transition::Stay, |at| choice.chosen(menu, at, &card.interaction, has_seen_end))
            }
        }
    }

    /// Text that came at once.
    pub(super) fn paste(&mut self, pasted: &str) {
        match self {
            // Terminals end pasted lines with CR. The last end counts: a key in PEM is another without it.
            Self::Typing { field, text } if field.keeps_lines() => {
                let lines = Zeroizing::new(pasted.replace("\r\n", "\n"));
                text.push_str(&Zeroizing::new(lines.replace('\r', "\n")));
            }
            Self::Typing { text, .. } => text.push_str(pasted.trim_end_matches(['\r', '\n'])),
            Self::Finding { text } => text.push_str(&pasted.replace(['\r', '\n'], " ")),
            Self::Reading | Self::Help | Self::Sure { .. } | Self::Choosing { .. } => {}
        }
    }
}

fn edit(field: &mut Field, text: &mut String, code: KeyCode) {
    match (code, field) {
        (KeyCode::Char(c), _) => text.push(c),
        (KeyCode::Backspace, _) => drop(text.pop()),
        (KeyCode::Tab, field) => field.turn(),
        _ => {}
    }
}
