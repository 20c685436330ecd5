//! What a call would change in files, as the profile of its tool shows it: taken from the members of its input.

use serde_json::{Map, Value};

use super::diff::{Change, Line, hunks};
use crate::domain::kinds::{Confirmation, Diff};
use crate::domain::tools::View;

/// From more lines than this on a change is not looked for: the members themselves show all of it.
const MOST_LINES: usize = 2_000;

/// The names of what goes and of what comes in its place.
const REPLACED: &[(&str, &str)] =
    &[("old_string", "new_string"), ("oldString", "newString"), ("old_str", "new_str"), ("oldText", "newText")];

/// The names of what a file will hold.
const WRITTEN: &[&str] = &["content", "file_text", "new_source"];

/// The names of a patch.
const PATCHES: &[&str] = &["patch", "patchText", "diff", "input"];

/// A change of one file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Edit {
    /// The file, or what the patch is of: an agent's text.
    pub file: String,
    /// The lines that go and those that come, with what stands around them.
    pub hunks: Vec<Vec<Line>>,
}

/// The changes that `asked` would make, where its tool is shown as `view`; none where the agent has sent a difference of its
/// own, or where they are too long.
#[must_use]
pub fn edits(asked: &Confirmation, view: View) -> Vec<Edit> {
    if asked.diff.is_some() {
        return Vec::new();
    }
    let (input, file) = (asked.input.tree(), asked.subject_text());
    let found = match view {
        View::Edit => replaced(input, &file),
        View::Write => written(input, &file),
        View::Patch => patched(input, &file),
        View::Command | View::Request | View::Message | View::Question | View::Plan | View::Image | View::Json => {
            Vec::new()
        }
    };
    let lines = found.iter().flat_map(|edit| &edit.hunks).map(Vec::len).sum::<usize>();
    if lines > MOST_LINES { Vec::new() } else { found }
}

/// What goes and what comes, here or in a list of edits.
fn replaced(input: &Map<String, Value>, file: &str) -> Vec<Edit> {
    let listed = input.get("edits").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_object);
    let mut edits = Vec::new();
    for members in std::iter::once(input).chain(listed) {
        for (old, new) in REPLACED {
            let text = |name: &str| members.get(name).and_then(Value::as_str);
            let (Some(old), Some(new)) = (text(old), text(new)) else { continue };
            if old.lines().count() + new.lines().count() > MOST_LINES {
                continue;
            }
            let diff = Diff {
                file_path: file.to_owned(),
                old_content: old.to_owned(),
                new_content: new.to_owned(),
                is_new_file: false,
            };
            edits.push(Edit { file: file.to_owned(), hunks: hunks(&diff) });
        }
    }
    edits
}

/// A file as it will be: all its lines come.
fn written(input: &Map<String, Value>, file: &str) -> Vec<Edit> {
    let text = WRITTEN.iter().find_map(|name| input.get(*name)?.as_str());
    let Some(text) = text.filter(|text| !text.is_empty()) else { return Vec::new() };
    let lines = text.lines().enumerate().map(|(at, line)| Line {
        change: Change::Added,
        number: at + 1,
        text: line.to_owned(),
        changed: Vec::new(),
        has_no_newline: false,
    });
    vec![Edit { file: file.to_owned(), hunks: vec![lines.collect()] }]
}

/// The lines of a patch, as their first characters say; each file begins a change of its own.
fn patched(input: &Map<String, Value>, file: &str) -> Vec<Edit> {
    let text = PATCHES.iter().find_map(|name| input.get(*name)?.as_str());
    let mut edits: Vec<Edit> = Vec::new();
    for (at, line) in text.unwrap_or_default().lines().enumerate() {
        let named = ["*** Update File: ", "*** Add File: ", "*** Delete File: ", "+++ "];
        if let Some(name) = named.iter().find_map(|begin| line.strip_prefix(begin)) {
            edits.push(Edit { file: name.to_owned(), hunks: vec![Vec::new()] });
            continue;
        }
        let is_about = ["***", "--- ", "diff ", "index ", "@@", "<<<<<<<", "=======", ">>>>>>>"];
        let change = match line.chars().next() {
            _ if is_about.iter().any(|begin| line.starts_with(begin)) => Change::Kept,
            Some('+') => Change::Added,
            Some('-') => Change::Removed,
            _ => Change::Kept,
        };
        let is_signed = change != Change::Kept || line.starts_with(' ');
        let text = if is_signed { line.get(1..).unwrap_or_default() } else { line };
        if edits.is_empty() {
            edits.push(Edit { file: file.lines().next().unwrap_or_default().to_owned(), hunks: vec![Vec::new()] });
        }
        let line = Line { change, number: at + 1, text: text.to_owned(), changed: Vec::new(), has_no_newline: false };
        if let Some(hunk) = edits.last_mut().and_then(|edit| edit.hunks.last_mut()) {
            hunk.push(line);
        }
    }
    // What stands before the first file is about all of them.
    edits.retain(|edit| edit.hunks.iter().flatten().any(|line| line.change != Change::Kept));
    edits
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::domain::tools::Profiles;

    fn shown(tool: &str, input: Value) -> Vec<String> {
        let asked = json!({"toolName": tool, "input": input}).to_string();
        let asked: Confirmation = serde_json::from_str(&asked).unwrap();
        let (view, _) = Profiles::built_in().view(&asked.tool_name);
        let edits = edits(&asked, view);
        let edits = edits.iter().map(|edit| {
            let lines = edit.hunks.iter().flatten().map(|line| {
                let sign = match line.change {
                    Change::Removed => '-',
                    Change::Added => '+',
                    Change::Kept => ' ',
                };
                format!("{sign}{}", line.text)
            });
            format!("{}: {}", edit.file, lines.collect::<Vec<_>>().join("|"))
        });
        edits.collect()
    }

    #[test]
    fn a_change_is_shown_as_what_goes_and_what_comes() {
        let edit = json!({"file_path": "/a", "old_string": "x\ny\n", "new_string": "x\nz\n"});
        assert_eq!(shown("Edit", edit), ["/a:  x|-y|+z"]);
        let many = json!({"file_path": "/a", "edits": [{"old_string": "a", "new_string": "b"}, {"old_string": "c", "new_string": ""}]});
        assert_eq!(shown("MultiEdit", many), ["/a: -a|+b", "/a: -c"]);
        assert_eq!(shown("Write", json!({"file_path": "/a", "content": "b\nc\n"})), ["/a: +b|+c"]);
        let patch = "*** Begin Patch\n*** Update File: a.rs\n@@\n x\n-y\n+z\n*** Add File: b.rs\n+w\n*** End Patch";
        assert_eq!(shown("apply_patch", json!({"input": patch})), ["a.rs:  @@| x|-y|+z", "b.rs: +w| *** End Patch"]);
        assert_eq!(shown("Bash", json!({"command": "ls"})), [""; 0]);
    }
}
