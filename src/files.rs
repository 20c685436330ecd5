//! Files that are whole at every moment.

use std::fs::{self, OpenOptions, Permissions};
use std::io::{self, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

/// The directory of a file.
pub(crate) fn directory_of(file: &Path) -> &Path {
    file.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// Puts a file with this text and this mode in the place of the one at `path`, whole or not at all.
///
/// # Errors
///
/// If the new file cannot be written, or not be put there: the old one stays.
pub(crate) fn replace(path: &Path, text: &str, mode: u32) -> io::Result<()> {
    let mut name = path.as_os_str().to_owned();
    name.push(format!(".{}", std::process::id()));
    let draft = PathBuf::from(name);
    let written = OpenOptions::new().write(true).create_new(true).mode(mode).open(&draft).and_then(|mut file| {
        file.write_all(text.as_bytes())?;
        // The umask may have taken away what others had.
        file.set_permissions(Permissions::from_mode(mode))?;
        file.sync_all()?;
        fs::rename(&draft, path)
    });
    written.inspect_err(|_| {
        // Nothing half-written is left behind; why it failed is what matters.
        let _ = fs::remove_file(&draft);
    })
}
