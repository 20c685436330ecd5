//! An edit of a file, as lines that go and lines that come.

use std::time::Duration;

use askama::Template;
use similar::{ChangeTag, TextDiff};

use super::text::{Markup, escape_untrusted};
use crate::domain::kinds::Diff;

/// How long the shortest way from the old to the new is looked for; then any way does.
const PATIENCE: Duration = Duration::from_millis(200);

/// How many unchanged lines stand around a change.
const AROUND: usize = 3;

/// The most lines that are shown side by side with what they replace: a line costs a browser much more than its text.
const MOST_LINES: usize = 2_000;

/// An edit.
#[derive(Template)]
#[template(path = "web/diff.html")]
pub(super) struct DiffView {
    file: Markup,
    is_new_file: bool,
    added: usize,
    removed: usize,
    /// Changes that lie together, each with what stands around it.
    hunks: Vec<Vec<Line>>,
    /// All of the file as it was, where the changes are too many to be shown one by one.
    before: Option<Markup>,
    /// All of the file, as it would be, where the changes do not show it.
    whole: Option<Markup>,
}

/// One line of either file.
struct Line {
    class: &'static str,
    sign: &'static str,
    /// Its number, in the old file if it goes, else in the new.
    number: usize,
    text: Markup,
    has_no_newline: bool,
}

impl DiffView {
    pub(super) fn of(diff: &Diff) -> Self {
        let is_long = [&diff.old_content, &diff.new_content].iter().any(|text| text.lines().count() > MOST_LINES);
        if is_long {
            return Self {
                file: escape_untrusted(&diff.file_path),
                is_new_file: diff.is_new_file,
                added: diff.new_content.lines().count(),
                removed: diff.old_content.lines().count(),
                hunks: Vec::new(),
                before: (!diff.is_new_file).then(|| escape_untrusted(&diff.old_content)),
                whole: Some(escape_untrusted(&diff.new_content)),
            };
        }
        let compared = TextDiff::configure().timeout(PATIENCE).diff_lines(&*diff.old_content, &*diff.new_content);
        let groups = compared.grouped_ops(AROUND);
        let hunks = groups.iter().map(|ops| {
            let changes = ops.iter().flat_map(|op| compared.iter_changes(op));
            let lines = changes.map(|change| {
                let (class, sign, index) = match change.tag() {
                    ChangeTag::Delete => ("gone", "−", change.old_index()),
                    ChangeTag::Insert => ("come", "+", change.new_index()),
                    ChangeTag::Equal => ("kept", " ", change.new_index()),
                };
                let text = change.value().strip_suffix('\n').unwrap_or(change.value());
                Line {
                    class,
                    sign,
                    number: index.map_or(0, |index| index + 1),
                    text: escape_untrusted(text),
                    has_no_newline: change.missing_newline(),
                }
            });
            lines.collect::<Vec<_>>()
        });
        let hunks = hunks.collect::<Vec<_>>();
        let count = |class: &str| hunks.iter().flatten().filter(|line| line.class == class).count();
        Self {
            file: escape_untrusted(&diff.file_path),
            is_new_file: diff.is_new_file,
            added: count("come"),
            removed: count("gone"),
            before: None,
            whole: (!diff.is_new_file).then(|| escape_untrusted(&diff.new_content)),
            hunks,
        }
    }
}
