//! What this program has to say, and what others have written, as it is drawn.

use ratatui::style::{Color, Style};
use ratatui::text::{Line, Span};

use crate::cli::safe_text::SafeText;
use crate::cli::style::TextStyle;

/// A line as it is.
pub(super) fn line(shown: &SafeText) -> Line<'static> {
    let spans = shown.spans().map(|(text, tint)| Span::styled(text.to_owned(), style(tint)));
    Line::from(spans.collect::<Vec<_>>())
}

/// All of a text, in lines of at most `width` columns.
pub(super) fn lines(shown: SafeText, width: usize) -> Vec<Line<'static>> {
    shown.rows(width.max(1)).iter().map(line).collect()
}

const fn style(tint: TextStyle) -> Style {
    match tint {
        TextStyle::Plain => Style::new(),
        TextStyle::Strange => Style::new().reversed(),
        TextStyle::Bold => Style::new().bold(),
        TextStyle::Dim => Style::new().dim(),
        TextStyle::Red => Style::new().fg(Color::Red),
        TextStyle::Yellow => Style::new().fg(Color::Yellow),
        TextStyle::Green => Style::new().fg(Color::Green),
    }
}
