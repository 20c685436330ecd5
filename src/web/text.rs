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
pub(super) fn escape_untrusted(text: &str) -> Markup {
    let mut html = String::with_capacity(text.len() + text.len() / 8);
    let pieces = pieces(text);
    // The same again and again is told once, with its number: nobody gets to fill a page with nothing.
    for alike in pieces.chunk_by(|piece, next| piece == next) {
        let (Some(piece), times) = (alike.first(), alike.len()) else { continue };
        // Writing into a string does not fail.
        let _ = match (piece, times) {
            (Piece::Plain(plain), _) => {
                escape(plain, &mut html);
                Ok(())
            }
            (Piece::Unseen(c), 1) => write!(html, "<mark>{}</mark>", name(*c)),
            (Piece::Unseen(c), times) => write!(html, "<mark>{} \u{d7} {times}</mark>", name(*c)),
            (Piece::Lookalike(c), _) => {
                let like = c.to_string().repeat(times);
                write!(
                    html,
                    "<mark class=\"lookalike\" title=\"looks like another letter: {}\">{like}</mark>",
                    name(*c)
                )
            }
        };
    }
    Markup(html)
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
        let html = escape_untrusted("<script>'\"&\u{202e}g\u{456}t\n").to_string();
        assert_eq!(
            html,
            "&lt;script&gt;&#39;&quot;&amp;\
             <mark>U+202E</mark>g\
             <mark class=\"lookalike\" title=\"looks like another letter: U+0456\">\u{456}</mark>t\n"
        );
        assert_eq!(escape_untrusted(&"\u{200b}".repeat(9_000)).to_string(), "<mark>U+200B \u{d7} 9000</mark>");
    }
}
