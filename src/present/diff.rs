//! An edit of a file, as lines that go and lines that come.

use std::ops::Range;
use std::time::{Duration, Instant};

use similar::{ChangeTag, TextDiff};

use crate::domain::kinds::Diff;

/// How long the shortest way from the old to the new is looked for; then any way does.
const TIMEOUT: Duration = Duration::from_millis(200);

/// How many unchanged lines stand around a change.
const AROUND: usize = 3;

/// What becomes of a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// It is not in the new file.
    Removed,
    /// It was not in the old file.
    Added,
    /// It stays.
    Kept,
}

/// One line of either file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// What becomes of it.
    pub change: Change,
    /// Its number from 1, in the old file if it goes, else in the new.
    pub number: usize,
    /// An agent's text, without the newline.
    pub text: String,
    /// Which of its bytes differ from the line in whose place it comes, or that comes in its place: nothing where the two have
    /// little in common.
    pub changed: Vec<Range<usize>>,
    /// Whether the file ends in it without a newline.
    pub has_no_newline: bool,
}

/// The changes, those together that lie together, each with what stands around it.
#[must_use]
pub fn hunks(diff: &Diff) -> Vec<Vec<Line>> {
    let compared = TextDiff::configure().timeout(TIMEOUT).diff_lines(&*diff.old_content, &*diff.new_content);
    let mut hunks = Vec::new();
    // The words of changed lines have as much time again; then whole lines differ.
    let end = Instant::now() + TIMEOUT;
    for ops in compared.grouped_ops(AROUND) {
        let changes = ops.iter().flat_map(|op| compared.iter_inline_changes_deadline(op, Some(end)));
        let lines = changes.map(|line| {
            let (change, index) = match line.tag() {
                ChangeTag::Delete => (Change::Removed, line.old_index()),
                ChangeTag::Insert => (Change::Added, line.new_index()),
                ChangeTag::Equal => (Change::Kept, line.new_index()),
            };
            let (text, changed) = words(line.values());
            let has_no_newline = line.missing_newline();
            Line { change, number: index.map_or(0, |index| index + 1), text, changed, has_no_newline }
        });
        hunks.push(lines.collect());
    }
    hunks
}

/// A line of these parts, without its newline, and which of its bytes are in those that differ.
fn words(parts: &[(bool, &str)]) -> (String, Vec<Range<usize>>) {
    let (mut text, mut changed) = (String::new(), Vec::new());
    for (is_changed, part) in parts {
        let part = part.strip_suffix('\n').unwrap_or(part);
        if *is_changed && !part.is_empty() {
            changed.push(text.len()..text.len() + part.len());
        }
        text.push_str(part);
    }
    (text, changed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn changes_that_lie_apart_are_hunks_of_their_own_with_the_lines_around() {
        let numbers = |range: std::ops::RangeInclusive<u32>| range.map(|n| format!("{n}\n")).collect::<String>();
        let old = numbers(1..=20);
        let new = old.replacen("2\n", "two\n", 1).replace("20\n", "20");
        let diff = Diff { file_path: "/a".to_owned(), old_content: old, new_content: new, is_new_file: false };
        let found = hunks(&diff);
        let shown = found.iter().map(|lines| {
            let lines = lines.iter().map(|line| {
                let sign = match line.change {
                    Change::Removed => '-',
                    Change::Added => '+',
                    Change::Kept => ' ',
                };
                let end = if line.has_no_newline { "$" } else { "" };
                format!("{}{sign}{}{end}", line.number, line.text)
            });
            lines.collect::<Vec<_>>().join("|")
        });
        assert_eq!(shown.collect::<Vec<_>>(), ["1 1|2-2|2+two|3 3|4 4|5 5", "17 17|18 18|19 19|20-20|20+20$"]);
    }

    #[test]
    fn of_a_line_that_is_changed_the_words_that_differ_are_known() {
        let diff = |old: &str, new: &str| Diff {
            file_path: "/a".to_owned(),
            old_content: old.to_owned(),
            new_content: new.to_owned(),
            is_new_file: false,
        };
        let changed = |diff: &Diff| {
            let lines = hunks(diff).into_iter().flatten();
            let words =
                |line: Line| line.changed.iter().map(|range| line.text[range.clone()].to_owned()).collect::<Vec<_>>();
            lines.map(words).collect::<Vec<_>>()
        };
        assert_eq!(changed(&diff("let timeout = 30 seconds;\n", "let timeout = 90 seconds;\n")), [["30"], ["90"]]);
        let nothing: [[&str; 0]; 2] = [[], []];
        assert_eq!(changed(&diff("one two three\n", "something else\n")), nothing, "they have nothing in common");
    }
}
