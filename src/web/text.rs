//! Values as HTML: texts, times and diffs.
//!
//! A text of an agent keeps every character, none of them is obeyed, and hidden characters are marked.

use std::fmt::{self, Display, Write};
use std::ops::Range;

use askama::Template;
use askama::filters::HtmlSafe;

use super::kinds::Extent;
use crate::clock::Timestamp;
use crate::domain::kinds::Diff;
use crate::domain::visible::{Piece, gap_name, has_hidden, name, pieces};
use crate::present::{Change, Edit, Line, hunks, span};

/// HTML that is escaped already.
#[derive(Clone, Debug, Default)]
pub(super) struct Markup(String);

impl Display for Markup {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl HtmlSafe for Markup {}

/// A part of a text, in bytes, and the class of the span around it.
pub(super) type Coloured = (Range<usize>, &'static str);

/// `text`, which may be an agent's, as HTML.
pub(super) fn escape_untrusted(text: &str) -> Markup {
    escape_coloured(text, &[])
}

/// The same with spans around `parts`, which are in their order and do not overlap. What is marked is in no span.
pub(super) fn escape_coloured(text: &str, parts: &[Coloured]) -> Markup {
    let mut html = String::with_capacity(text.len() + text.len() / 8 + parts.len() * 32);
    let pieces = pieces(text);
    let (mut at, mut parts) = (0, parts);
    // Repeated invisible characters are shown once with their count, so that they cannot fill a page.
    for alike in pieces.chunk_by(|piece, next| piece == next) {
        let (Some(piece), times) = (alike.first(), alike.len()) else { continue };
        // Writing into a string does not fail.
        let _ = match (piece, times) {
            (Piece::Plain(plain), _) => {
                parts = escape_parts(plain, at, parts, &mut html);
                Ok(())
            }
            (Piece::Gap(gap), _) => write!(html, "<mark>{}</mark>", gap_name(gap)),
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
        at += times
            * match piece {
                Piece::Plain(text) | Piece::Gap(text) => text.len(),
                Piece::Unseen(c) | Piece::Lookalike(c) => c.len_utf8(),
            };
    }
    Markup(html)
}

/// Escapes `plain`, which stands at `at`, with spans around those of `parts` that are in it; what of them comes behind it is left.
fn escape_parts<'p>(plain: &str, at: usize, mut parts: &'p [Coloured], html: &mut String) -> &'p [Coloured] {
    let end = at + plain.len();
    let mut from = at;
    while let Some(((part, class), rest)) = parts.split_first().filter(|((part, _), _)| part.start < end) {
        let (start, stop) = (part.start.max(from), part.end.min(end));
        if start < stop {
            escape(plain.get(from - at..start - at).unwrap_or_default(), html);
            html.push_str("<span class=\"");
            html.push_str(class);
            html.push_str("\">");
            escape(plain.get(start - at..stop - at).unwrap_or_default(), html);
            html.push_str("</span>");
            from = stop;
        }
        if part.end > end {
            break;
        }
        parts = rest;
    }
    escape(plain.get(from - at..).unwrap_or_default(), html);
    parts
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

/// A time as HTML: to the second, with the whole of it for programs.
#[derive(Clone, Copy, Debug)]
pub(super) struct AbsoluteTime(pub(super) Timestamp);

impl fmt::Display for AbsoluteTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let whole = self.0.to_string();
        let (day, rest) = whole.split_once('T').unwrap_or((&whole, ""));
        let second = rest.split('.').next().unwrap_or_default();
        write!(f, "<time datetime=\"{whole}\">{day} {second} UTC</time>")
    }
}

impl HtmlSafe for AbsoluteTime {}

/// A time, in words, relative to `now`.
#[derive(Clone, Debug)]
pub(super) struct RelativeTime {
    pub(super) at: Timestamp,
    /// Such as `in 4m 10s` or `2h ago`.
    pub(super) said: String,
}

impl RelativeTime {
    pub(super) fn new(at: Timestamp, now: Timestamp) -> Self {
        let said = match (at.millis_since(now), now.millis_since(at)) {
            (0, 0..1_000) => "now".to_owned(),
            (0, past) => format!("{} ago", span(past)),
            (future, _) => format!("in {}", span(future)),
        };
        Self { at, said }
    }
}

/// How many characters of a text a line shows. The whole of it is a link away.
const LONGEST_LINE: usize = 240;

/// How many of them a row has room for, on the widest screen.
const LONGEST_ROW: usize = 160;

/// The beginning of a text.
#[derive(Clone, Debug)]
pub(super) struct Headline {
    pub(super) text: Markup,
    /// How many characters there are beyond it.
    pub(super) left_out: usize,
}

impl Headline {
    /// The beginning of `text`, as far as a row of a list has room for it, in one line.
    pub(super) fn in_a_row(text: &str) -> Self {
        let (beginning, left_out) = beginning(text, LONGEST_ROW);
        Self { text: escape_untrusted(&beginning.replace(['\n', '\r'], "↵")), left_out }
    }
}

impl From<&str> for Headline {
    fn from(text: &str) -> Self {
        let (beginning, left_out) = beginning(text, LONGEST_LINE);
        Self { text: escape_untrusted(beginning), left_out }
    }
}

/// How much of a page the beginning of one text takes at most, in bytes: characters that do not show take many.
const MOST_BEGINNING: usize = 8 * 1024;

/// How many characters of a text its beginning has at most.
const BEGINNING_CHARS: usize = 4_000;

/// As much of `text` as is shown beside others, and how many characters there are beyond it.
pub(super) fn escape_beginning(text: &str) -> (Markup, usize) {
    let of_lines: usize = text.split_inclusive('\n').take(BEGINNING_LINES).map(str::len).sum();
    let mut shown = beginning(text.get(..of_lines).unwrap_or(text), BEGINNING_CHARS).0;
    let mut escaped = escape_untrusted(shown);
    if escaped.0.len() > MOST_BEGINNING {
        let chars = shown.chars().count() * MOST_BEGINNING / escaped.0.len();
        shown = beginning(shown, chars).0;
        escaped = escape_untrusted(shown);
    }
    (escaped, text.chars().count() - shown.chars().count())
}

/// At most so many characters of `text`, and how many there are beyond them.
fn beginning(text: &str, most: usize) -> (&str, usize) {
    let end = text.char_indices().nth(most).map_or(text.len(), |(end, _)| end);
    let (beginning, rest) = text.split_at(end);
    (beginning, rest.chars().count())
}

/// The most lines of changes that are shown one by one: a line costs a browser much more than its text.
const MOST_LINES: usize = 20_000;

/// The most of them where only the beginning is shown.
const BEGINNING_LINES: usize = 200;

/// An edit.
#[derive(Template)]
#[template(path = "web/diff.html")]
pub(super) struct DiffView {
    file: Markup,
    is_new_file: bool,
    added: usize,
    removed: usize,
    /// Changes that lie together, each with what stands around it.
    hunks: Vec<Vec<LineView>>,
    /// How many of those there are beyond what is shown.
    left_out: usize,
    /// All of the file as it was, where the changes are too many to be shown one by one.
    before: Option<Markup>,
    /// All of the file, as it would be, where the changes do not show it.
    whole: Option<Markup>,
}

/// One line of either file.
struct LineView {
    class: &'static str,
    sign: &'static str,
    /// Its number, in the old file if it goes, else in the new.
    number: usize,
    text: Markup,
    has_no_newline: bool,
}

impl DiffView {
    pub(super) fn of(diff: &Diff, extent: Extent) -> Self {
        let hunks = hunks(diff);
        let is_too_long = hunks.iter().map(Vec::len).sum::<usize>() > MOST_LINES;
        let is_whole = extent == Extent::Whole;
        let before = is_whole && is_too_long && !diff.is_new_file;
        let whole = is_whole && (is_too_long || !diff.is_new_file);
        Self {
            is_new_file: diff.is_new_file,
            before: before.then(|| escape_untrusted(&diff.old_content)),
            whole: whole.then(|| escape_untrusted(&diff.new_content)),
            ..Self::of_hunks(&diff.file_path, &hunks, extent)
        }
    }

    /// A change that the members of an input say.
    pub(super) fn of_edit(edit: &Edit, extent: Extent) -> Self {
        Self::of_hunks(&edit.file, &edit.hunks, extent)
    }

    /// Those changes of `file` that there is room for, and the count of all.
    fn of_hunks(file: &str, hunks: &[Vec<Line>], extent: Extent) -> Self {
        let count = |change| hunks.iter().flatten().filter(|line| line.change == change).count();
        let most = if extent == Extent::Whole { MOST_LINES } else { BEGINNING_LINES };
        let mut room = most;
        let shown = hunks.iter().take_while(|lines| {
            let has_room = lines.len() <= room;
            room = room.saturating_sub(lines.len());
            has_room
        });
        let shown =
            shown.map(|lines| lines.iter().map(|line| LineView::of(line, extent)).collect()).collect::<Vec<_>>();
        Self {
            file: escape_untrusted(file),
            is_new_file: false,
            added: count(Change::Added),
            removed: count(Change::Removed),
            left_out: hunks.len() - shown.len(),
            before: None,
            whole: None,
            hunks: shown,
        }
    }
}

impl LineView {
    fn of(line: &Line, extent: Extent) -> Self {
        let (class, sign) = match line.change {
            Change::Removed => ("gone", "−"),
            Change::Added => ("come", "+"),
            Change::Kept => ("kept", " "),
        };
        let (number, has_no_newline) = (line.number, line.has_no_newline);
        let text = match extent {
            Extent::Whole => escape_changed(line),
            Extent::Beginning => Headline::in_a_row(&line.text).text,
        };
        Self { class, sign, number, text, has_no_newline }
    }
}

/// A line with the words that differ in bold: only where all of it shows itself, which parts of it could hide.
fn escape_changed(line: &Line) -> Markup {
    if line.changed.is_empty() || has_hidden(&line.text) {
        return escape_untrusted(&line.text);
    }
    let (mut html, mut from) = (String::new(), 0);
    for Range { start, end } in &line.changed {
        escape(line.text.get(from..*start).unwrap_or_default(), &mut html);
        html.push_str("<b>");
        escape(line.text.get(*start..*end).unwrap_or_default(), &mut html);
        html.push_str("</b>");
        from = *end;
    }
    escape(line.text.get(from..).unwrap_or_default(), &mut html);
    Markup(html)
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

    #[test]
    fn words_that_differ_are_bold_and_nothing_hides_in_them() {
        let line = |text: &str, changed: Range<usize>| Line {
            change: Change::Added,
            number: 1,
            text: text.to_owned(),
            changed: vec![changed],
            has_no_newline: false,
        };
        assert_eq!(escape_changed(&line("a <b> c", 2..5)).to_string(), "a <b>&lt;b&gt;</b> c");
        let hidden = "a \u{202e}b";
        assert_eq!(escape_changed(&line(hidden, 2..6)).to_string(), escape_untrusted(hidden).to_string());
    }

    #[test]
    fn a_long_text_is_cut_at_a_character_and_says_how_much_is_missing() {
        let headline = Headline::from("é".repeat(LONGEST_LINE + 2).as_str());
        assert_eq!((headline.text.to_string(), headline.left_out), ("é".repeat(LONGEST_LINE), 2));
        assert_eq!(Headline::from("é").left_out, 0);
        assert_eq!(Headline::in_a_row("one\ntwo").text.to_string(), "one↵two");
    }

    #[test]
    fn a_time_is_shown_to_the_second_and_known_to_the_millisecond() {
        let at = Timestamp::from_millis(1_893_456_000_123).unwrap();
        let expected = "<time datetime=\"2030-01-01T00:00:00.123Z\">2030-01-01 00:00:00 UTC</time>";
        assert_eq!(AbsoluteTime(at).to_string(), expected);
    }

    #[test]
    fn a_time_is_shown_relative_to_now() {
        let now = Timestamp::from_millis(1_000_000_000_000).unwrap();
        let at = |millis: i64| RelativeTime::new(Timestamp::from_millis(now.as_millis() + millis).unwrap(), now).said;
        assert_eq!(at(0), "now");
        assert_eq!(at(59_999), "in 59s");
        assert_eq!(at(61_000), "in 1m 1s");
        assert_eq!(at(-3_600_000), "1h ago");
        assert_eq!(at(90_000_000), "in 1d 1h");
    }
}
