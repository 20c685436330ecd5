//! What the other end of a stream can show: colours, and how many columns.

use std::io::{self, IsTerminal};
use std::os::fd::AsFd;

use rustix::termios::tcgetwinsize;

/// How to write to a stream.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct TerminalStyle {
    /// Whether there may be colours.
    pub(super) colour: bool,
    /// How many columns there are, on a terminal.
    pub(super) width: Option<usize>,
}

impl TerminalStyle {
    pub(super) fn of_stdout() -> Self {
        Self::of(io::stdout())
    }

    pub(super) fn of_stderr() -> Self {
        Self::of(io::stderr())
    }

    fn of(stream: impl IsTerminal + AsFd) -> Self {
        if !stream.is_terminal() {
            return Self::default();
        }
        // As https://no-color.org has it: any value but an empty one.
        let colour = std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
        let width = tcgetwinsize(stream).map_or(0, |size| usize::from(size.ws_col));
        // Some terminals do not know how wide they are.
        Self { colour, width: Some(if width == 0 { 80 } else { width }) }
    }
}

/// How a stretch of text looks where there are colours.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum TextStyle {
    /// As it is.
    #[default]
    Plain,
    /// Not to be taken for what it looks like.
    Strange,
    /// What the eye is to find first.
    Bold,
    /// What it may pass over.
    Dim,
    /// Harm.
    Red,
    /// Care.
    Yellow,
    /// Well.
    Green,
}

impl TextStyle {
    /// The text with the sequences that colour it, where there may be any.
    pub(super) fn paint(self, text: &str, look: TerminalStyle) -> String {
        let code = match self {
            Self::Plain => "",
            Self::Strange => "7",
            Self::Bold => "1",
            Self::Dim => "2",
            Self::Red => "31",
            Self::Yellow => "33",
            Self::Green => "32",
        };
        if code.is_empty() || !look.colour { text.to_owned() } else { format!("\u{1b}[{code}m{text}\u{1b}[0m") }
    }
}
