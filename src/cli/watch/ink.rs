//! What this program has to say, and what others have written, as it is drawn.

use ratatui::style::{Color, Style};
use ratatui::text::{Line, Span};

use crate::cli::look::Tint;
use crate::cli::shown::Shown;

/// A line as it is.
pub(super) fn line(shown: &Shown) -> Line<'static> {
    let spans = shown.spans().map(|(text, tint)| Span::styled(text.to_owned(), style(tint)));
    Line::from(spans.collect::<Vec<_>>())
}

/// All of a text, in lines of at most `width` columns.
pub(super) fn lines(shown: Shown, width: usize) -> Vec<Line<'static>> {
    shown.rows(width.max(1)).iter().map(line).collect()
}

const fn style(tint: Tint) -> Style {
    match tint {
        Tint::Plain => Style::new(),
        Tint::Strange => Style::new().reversed(),
        Tint::Bold => Style::new().bold(),
        Tint::Dim => Style::new().dim(),
        Tint::Red => Style::new().fg(Color::Red),
        Tint::Yellow => Style::new().fg(Color::Yellow),
        Tint::Green => Style::new().fg(Color::Green),
    }
}
