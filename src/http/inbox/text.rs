//! Text of agents as HTML: every character is there, none of them is obeyed, and what hides is marked.

use std::fmt::{self, Display, Write};

use askama::filters::HtmlSafe;

use crate::domain::visible::{Piece, name, pieces};

/// HTML that is escaped already.
#[derive(Clone, Debug, Default)]
pub(super) struct Markup(String);

impl Display for Markup {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl HtmlSafe for Markup {}

/// `text`, which may be an agent's, as HTML.
pub(super) fn shown(text: &str) -> Markup {
    let mut html = String::with_capacity(text.len() + text.len() / 8);
    for piece in pieces(text) {
        match piece {
            Piece::Plain(plain) => escape(plain, &mut html),
            Piece::Unseen(c) => marked("unseen", "a character that is not seen", &name(c), c, &mut html),
            Piece::Lookalike(c) => marked("lookalike", "looks like another letter", &c.to_string(), c, &mut html),
        }
    }
    Markup(html)
}

fn marked(class: &str, about: &str, shown: &str, c: char, html: &mut String) {
    // Writing into a string does not fail.
    let _ = write!(html, "<mark class=\"{class}\" title=\"{about}: {}\">{shown}</mark>", name(c));
}

fn escape(text: &str, html: &mut String) {
    for c in text.chars() {
        match c {
            '<' => html.push_str("&lt;"),
            '>' => html.push_str("&gt;"),
            '&' => html.push_str("&amp;"),
            '"' => html.push_str("&quot;"),
            '\'' => html.push_str("&#39;"),
            c => html.push(c),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_obeyed_and_nothing_hides() {
        let html = shown("<script>'\"&\u{202e}g\u{456}t\n").to_string();
        assert_eq!(
            html,
            "&lt;script&gt;&#39;&quot;&amp;\
             <mark class=\"unseen\" title=\"a character that is not seen: U+202E\">U+202E</mark>g\
             <mark class=\"lookalike\" title=\"looks like another letter: U+0456\">\u{456}</mark>t\n"
        );
    }
}
