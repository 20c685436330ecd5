//! The person's own editor, on an input that may be edited.

use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::domain::id::RequestId;
use crate::domain::json::JsonObject;
use crate::present::escape_json;

/// What edits where nothing else is named.
const EDITOR: &str = "vi";

/// A file of this person's alone, which is gone when this is dropped.
struct Draft(PathBuf);

impl Draft {
    fn of(input: &JsonObject) -> io::Result<Self> {
        let path = std::env::temp_dir().join(format!("countersign-{}.json", RequestId::generate()));
        let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path)?;
        let draft = Self(path);
        let text = serde_json::to_string_pretty(input).map_err(io::Error::from)?;
        writeln!(file, "{}", escape_json(&text))?;
        Ok(draft)
    }
}

impl Drop for Draft {
    fn drop(&mut self) {
        // Where this fails somebody else has removed it.
        let _ = fs::remove_file(&self.0);
    }
}

/// Lets the person edit an input; `None` where it is as it was.
///
/// # Errors
///
/// A sentence for the person: no editor, or what it leaves is no JSON object.
pub(super) fn edit(input: &JsonObject) -> Result<Option<JsonObject>, String> {
    let draft = Draft::of(input).map_err(|error| format!("The input cannot be written for an editor: {error}."))?;
    run(&draft.0)?;
    let text = fs::read_to_string(&draft.0).map_err(|error| format!("What was edited cannot be read: {error}."))?;
    let edited = serde_json::from_str::<JsonObject>(&text);
    let edited = edited.map_err(|error| format!("What was edited is no JSON object: {error}. Nothing is approved."))?;
    Ok(Some(edited).filter(|edited| edited != input))
}

/// The editor is a line for sh, as git and others read it.
fn run(path: &Path) -> Result<(), String> {
    let named = ["VISUAL", "EDITOR"].into_iter().filter_map(|name| std::env::var(name).ok());
    let editor = named.into_iter().find(|editor| !editor.trim().is_empty()).unwrap_or_else(|| EDITOR.to_owned());
    let status = Command::new("sh").arg("-c").arg(format!("{editor} \"$1\"")).arg("sh").arg(path).status();
    match status {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(format!("The editor {editor} ended with {status}. Nothing is approved.")),
        Err(error) => Err(format!("No editor could be started: {error}.")),
    }
}
