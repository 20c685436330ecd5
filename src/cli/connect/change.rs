//! A change of a file that a client reads: shown before it is made, made whole, and taken back. What is to stand in the file is
//! said in `src/connect`.

use std::fs;
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

use crate::cli::Failure;
use crate::connect::{Content, SettingsFile, changed, is_ours_like};
use crate::files;

/// What becomes of a file.
#[derive(Debug)]
pub(super) struct Change {
    pub(super) path: PathBuf,
    /// Its text as it is; `None`: there is none.
    pub(super) before: Option<String>,
    /// Its text as it is to be; `None`: it goes.
    pub(super) after: Option<String>,
}

impl Change {
    /// The change that puts our entries there, in the place of any that an earlier one has put there.
    pub(super) fn connecting(file: &SettingsFile) -> Result<Self, Failure> {
        Self::of(file, true)
    }

    /// The change that takes them away.
    pub(super) fn removing(file: &SettingsFile) -> Result<Self, Failure> {
        Self::of(file, false)
    }

    fn of(file: &SettingsFile, is_connected: bool) -> Result<Self, Failure> {
        let path = file.path.display();
        let before = match fs::read_to_string(&file.path) {
            Ok(text) => Some(text),
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(error) => return Err(Failure::Other(format!("{path}: {error}"))),
        };
        let after = match &file.content {
            Content::Ours(text) => {
                if before.as_ref().is_some_and(|before| !is_ours_like(before, text)) {
                    return Err(Failure::Other(format!("{path} is another program's file: it is left alone")));
                }
                is_connected.then(|| text.clone())
            }
            Content::Settings(entries) => {
                let text = before.as_deref().unwrap_or_default();
                let changed = changed(text, entries, is_connected)
                    .map_err(|why| Failure::Other(format!("{path} cannot be read, and is left alone: {why}")))?;
                // A file that says nothing is not made, and none is left behind but where a link leads.
                let is_link = fs::symlink_metadata(&file.path).is_ok_and(|metadata| metadata.is_symlink());
                let says_nothing = !is_link && ["", "{}"].contains(&changed.trim());
                Some(changed).filter(|changed| !says_nothing || (before.as_deref() == Some(changed.as_str())))
            }
        };
        Ok(Self { path: file.path.clone(), before, after })
    }

    /// Whether the file is as it is to be.
    pub(super) fn is_none(&self) -> bool {
        self.before == self.after
    }

    /// Makes it: the file is whole at every moment, keeps its mode, and stays where a link leads.
    pub(super) fn write(&self) -> io::Result<()> {
        let Some(after) = &self.after else {
            return match self.before {
                Some(_) => fs::remove_file(&self.path),
                None => Ok(()),
            };
        };
        let path = fs::canonicalize(&self.path).unwrap_or_else(|_| self.path.clone());
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder)?;
        }
        let mode = fs::metadata(&path).map_or(0o600, |metadata| metadata.permissions().mode() & 0o777);
        files::replace(&path, after, mode)
    }
}
