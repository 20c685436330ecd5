//! The file that holds the keys: 64 hexadecimal digits a line, the newest key first, readable by its owner only.
//!
//! There is more than one line only while the values are being sealed with a new key, or after a rotation that was cut
//! short: then either key may be the one that a value needs.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use zeroize::Zeroizing;

use super::KeyError;
use crate::files::directory_of;

/// A key, wiped from memory when it is dropped.
pub(super) type KeyBytes = Zeroizing<[u8; 32]>;

/// Makes a new key from the system's randomness.
pub(super) fn generate() -> io::Result<KeyBytes> {
    let mut key = Zeroizing::new([0; 32]);
    getrandom::fill(key.as_mut_slice()).map_err(io::Error::other)?;
    Ok(key)
}

/// Reads the keys in the file at `path`, at least one; `None` where there is no file.
pub(super) fn read(path: &Path) -> Result<Option<Vec<KeyBytes>>, KeyError> {
    let failed = |error| KeyError::File(path.to_owned(), error);
    let text = match fs::read_to_string(path) {
        Ok(text) => Zeroizing::new(text),
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(failed(error)),
    };
    if fs::metadata(path).map_err(failed)?.permissions().mode() & 0o077 != 0 {
        return Err(KeyError::Open(path.to_owned()));
    }
    let malformed = || KeyError::Malformed(path.to_owned());
    let mut keys = Vec::new();
    for line in text.lines().map(str::trim).filter(|line| !line.is_empty()) {
        let mut key = Zeroizing::new([0; 32]);
        hex::decode_to_slice(line, key.as_mut_slice()).map_err(|_| malformed())?;
        keys.push(key);
    }
    if keys.is_empty() { Err(malformed()) } else { Ok(Some(keys)) }
}

/// Keeps away whoever else would make the file at `path`, until this is dropped.
pub(super) fn lock_directory(path: &Path) -> io::Result<File> {
    let directory = directory_of(path);
    fs::create_dir_all(directory)?;
    let directory = File::open(directory)?;
    directory.lock()?;
    Ok(directory)
}

/// Replaces the file at `path` by one with these keys: at any moment one of the two is there, whole and on the disk. The
/// bytes of the old one are overwritten.
pub(super) fn write<'k>(path: &Path, keys: impl Iterator<Item = &'k KeyBytes>) -> io::Result<()> {
    // A link goes on leading to where it led.
    let path = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    let directory = directory_of(&path);
    fs::create_dir_all(directory)?;
    let mut text = Zeroizing::new(String::new());
    for key in keys {
        text.push_str(&Zeroizing::new(hex::encode(key.as_slice())));
        text.push('\n');
    }
    let draft = draft(&path);
    // Left by a process that was killed, or put there by an attacker who wants the key.
    if let Err(error) = fs::remove_file(&draft)
        && error.kind() != io::ErrorKind::NotFound
    {
        return Err(error);
    }
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&draft)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    let old = match OpenOptions::new().write(true).open(&path) {
        Ok(old) => Some(old),
        Err(error) if error.kind() == io::ErrorKind::NotFound => None,
        Err(error) => return Err(error),
    };
    fs::rename(&draft, &path)?;
    File::open(directory)?.sync_all()?;
    old.map_or(Ok(()), overwrite)
}

/// The file that is written before it takes the place of the one at `path`.
fn draft(path: &Path) -> PathBuf {
    let mut draft = path.as_os_str().to_owned();
    draft.push(".new");
    draft.into()
}

/// Writes zeros over a file, unless a link still leads to it: then it is a copy that a person keeps.
fn overwrite(mut file: File) -> io::Result<()> {
    let metadata = file.metadata()?;
    if metadata.nlink() > 0 {
        return Ok(());
    }
    let length = usize::try_from(metadata.len()).map_err(io::Error::other)?;
    file.write_all(&vec![0; length])?;
    file.sync_all()
}
