//! Colours of code: spans with classes around the parts of a text, which is escaped as everywhere.
//!
//! What is not understood, or is long, has no colours, and is the same text.

use super::text::{Coloured, Markup, escape_coloured, escape_untrusted};
use crate::domain::matcher::{TokenKind, shell_tokens};

/// The longest text that has colours, in bytes, as is the longest input whose members have them.
pub(super) const MAX_BYTES: usize = 32 * 1024;

/// The most parts that a text may have: each is an element of a page.
const MAX_PARTS: usize = 4_096;

/// A line of shell as HTML, with its parts in colours.
pub(super) fn shell(text: &str) -> Markup {
    if text.len() > MAX_BYTES {
        return escape_untrusted(text);
    }
    let parts = shell_tokens(text).into_iter().map(|(range, kind)| (range, class(kind)));
    coloured(text, parts.collect())
}

/// JSON as HTML, with its parts in colours.
pub(super) fn json(text: &str) -> Markup {
    if text.len() > MAX_BYTES {
        return escape_untrusted(text);
    }
    coloured(text, json_parts(text))
}

fn coloured(text: &str, parts: Vec<Coloured>) -> Markup {
    if parts.len() > MAX_PARTS { escape_untrusted(text) } else { escape_coloured(text, &parts) }
}

const fn class(kind: TokenKind) -> &'static str {
    match kind {
        TokenKind::Program => "s-program",
        TokenKind::Option => "s-option",
        TokenKind::String => "s-string",
        TokenKind::Variable => "s-variable",
        TokenKind::Operator => "s-operator",
        TokenKind::Comment => "s-comment",
    }
}

/// The keys, strings, numbers and literals of a text that is known to be JSON.
fn json_parts(text: &str) -> Vec<Coloured> {
    let mut parts: Vec<Coloured> = Vec::new();
    let mut at = 0;
    while let Some(rest) = text.get(at..).filter(|rest| !rest.is_empty()) {
        let (bytes, class) = match rest.as_bytes()[0] {
            b'"' => {
                let end = end_of_string(rest);
                let is_key = rest.get(end..).is_some_and(|behind| behind.trim_start().starts_with(':'));
                (end, Some(if is_key { "s-key" } else { "s-string" }))
            }
            b'-' | b'0'..=b'9' => (word(rest, |c| c.is_ascii_alphanumeric() || "+-.".contains(c)), Some("s-number")),
            b'a'..=b'z' => (word(rest, |c| c.is_ascii_alphanumeric()), Some("s-literal")),
            _ => (rest.chars().next().map_or(1, char::len_utf8), None),
        };
        parts.extend(class.map(|class| (at..at + bytes, class)));
        at += bytes;
    }
    parts
}

/// Where the string ends with which `rest` begins.
fn end_of_string(rest: &str) -> usize {
    let mut is_escaped = false;
    for (at, byte) in rest.bytes().enumerate().skip(1) {
        match byte {
            _ if is_escaped => is_escaped = false,
            b'\\' => is_escaped = true,
            b'"' => return at + 1,
            _ => {}
        }
    }
    rest.len()
}

fn word(rest: &str, is_in: impl Fn(char) -> bool) -> usize {
    rest.find(|c| !is_in(c)).unwrap_or(rest.len()).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The text of HTML that has no elements but spans and marks.
    fn text_of(html: &str) -> String {
        let mut text = String::new();
        for part in html.split('<') {
            text.push_str(part.split_once('>').map_or(part, |(_, text)| text));
        }
        text
    }

    #[test]
    fn parts_are_spans_and_the_text_stays_the_same() {
        assert_eq!(
            shell("rm -r \"$x\" # <b>").to_string(),
            "<span class=\"s-program\">rm</span> <span class=\"s-option\">-r</span> \
             <span class=\"s-string\">&quot;</span><span class=\"s-variable\">$x</span>\
             <span class=\"s-string\">&quot;</span> <span class=\"s-comment\"># &lt;b&gt;</span>"
        );
        assert_eq!(
            json("{\"a\\\"<\" : [\"é:\", -1.5e3, true]}").to_string(),
            "{<span class=\"s-key\">&quot;a\\&quot;&lt;&quot;</span> : [<span class=\"s-string\">&quot;é:&quot;</span>, \
             <span class=\"s-number\">-1.5e3</span>, <span class=\"s-literal\">true</span>]}"
        );
        for text in HOSTILE {
            let plain = text_of(&escape_untrusted(text).to_string());
            assert_eq!(text_of(&shell(text).to_string()), plain, "{text}");
            assert_eq!(text_of(&json(text).to_string()), plain, "{text}");
        }
    }

    const HOSTILE: &[&str] = &[
        "echo '</span><script>alert(1)</script>' \"</pre>\"",
        "ls \u{202e}fdp.exe\u{202c} a\u{200b}b \u{200b}\u{200b}\u{200b} g\u{456}t \u{1b}[2J \"\u{feff}x\" # \u{2028}",
        "{\"a\u{202e}\": \"</span>\u{200b}\", \"g\u{456}t\": nul\u{200b}l, 1\u{301}2: }",
        "echo \"a                              b\" 'c                                d'",
        "é='ü$ö' ö \"${é}\" \u{1f469}\u{200d}\u{1f4bb} | tée",
        "{\"unclosed \\",
    ];

    /// A mark is never inside of a span, and neither is closed by a text.
    #[test]
    fn what_is_marked_stays_marked() {
        for text in HOSTILE {
            let plain = escape_untrusted(text).to_string();
            for html in [shell(text).to_string(), json(text).to_string()] {
                assert_eq!(html.matches("<mark").count(), plain.matches("<mark").count(), "{html}");
                let bare = html.replace("</span>", "");
                let bare = bare.split("<span class=\"").enumerate().map(|(number, part)| {
                    if number == 0 { part } else { part.split_once("\">").map_or("", |(_, text)| text) }
                });
                assert_eq!(bare.collect::<String>(), plain, "{html}");
            }
        }
    }

    #[test]
    fn what_is_long_or_has_too_many_parts_has_no_colours() {
        let long = format!("echo {}", "x ".repeat(MAX_BYTES / 2));
        for text in [&long, &"a;".repeat(MAX_PARTS + 1)] {
            assert!(shell(text).to_string() == escape_untrusted(text).to_string());
        }
        for text in [&format!("[\"{long}\"]"), &format!("[{}1]", "1,".repeat(MAX_PARTS))] {
            assert!(json(text).to_string() == escape_untrusted(text).to_string());
        }
    }
}
