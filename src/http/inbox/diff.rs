//! An edit of a file, as lines that go and lines that come.

use std::time::Duration;

use askama::Template;
use similar::{ChangeTag, TextDiff};

use super::text::{Markup, shown};
use crate::domain::content::Diff;

/// How long the shortest way from the old to the new is looked for; then any way does.
const PATIENCE: Duration = Duration::from_millis(200);

/// How many unchanged lines stand around a change.
const AROUND: usize = 3;

/// An edit.
#[derive(Template)]
#[template(path = "inbox/diff.html")]
pub(super) struct DiffView {
    file: Markup,
    is_new_file: bool,
    added: usize,
    removed: usize,
    /// Changes that lie together, each with what stands around it.
    hunks: Vec<Vec<Line>>,
    /// All of the file, as it would be.
    whole: Markup,
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
                    text: shown(text),
                    has_no_newline: change.missing_newline(),
                }
            });
            lines.collect::<Vec<_>>()
        });
        let hunks = hunks.collect::<Vec<_>>();
        let count = |class: &str| hunks.iter().flatten().filter(|line| line.class == class).count();
        Self {
            file: shown(&diff.file_path),
            is_new_file: diff.is_new_file,
            added: count("come"),
            removed: count("gone"),
            whole: shown(&diff.new_content),
            hunks,
        }
    }
}
