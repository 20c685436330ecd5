//! The credentials file: the address and the tokens of a machine's own server, so that its commands need no configuration.
//!
//! `serve` writes it when it makes the first tokens of a new database; commands read it. It is its owner's alone, and it is
//! never written over for another server.

use std::fs::{self, DirBuilder};
use std::io;
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::config::ServerUrl;
use crate::files;

/// The content of the file. The tokens are never printed: there is no `Debug`.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Credentials {
    /// The server that the tokens are for; they are sent nowhere else.
    pub url: ServerUrl,
    /// The token for commands of agents.
    pub agent: String,
    /// The token for commands of people.
    pub approver: String,
}

/// The result of saving credentials.
#[derive(Debug, PartialEq, Eq)]
pub enum SaveOutcome {
    /// They are in the file.
    Written,
    /// The file has those of another server, and was left alone.
    HasOther(ServerUrl),
}

/// Why the file could not be used.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// It could not be read or written.
    #[error("the credentials file {}: {}", .0.display(), .1)]
    File(PathBuf, io::Error),
    /// Other users may read it.
    #[error("the credentials file {} can be read by other users: run `chmod 600` on it", .0.display())]
    Open(PathBuf),
    /// Its content is something else.
    #[error("the credentials file {} has to have url, agent and approver and nothing else: fix it, or move it away", .0.display())]
    Malformed(PathBuf),
}

impl Credentials {
    /// Reads the file; `None` where there is none.
    ///
    /// # Errors
    ///
    /// If the file cannot be read, if other users may read it, or if its content is something else.
    pub fn read(path: &Path) -> Result<Option<Self>, Error> {
        let failed = |error| Error::File(path.to_owned(), error);
        let text = match fs::read_to_string(path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(failed(error)),
        };
        if fs::metadata(path).map_err(failed)?.permissions().mode() & 0o077 != 0 {
            return Err(Error::Open(path.to_owned()));
        }
        // The parser's own words would repeat the line, and with it a token.
        toml::from_str(&text).map(Some).map_err(|_| Error::Malformed(path.to_owned()))
    }

    /// Writes the file, whole or not at all, unless it has the credentials of another server.
    ///
    /// # Errors
    ///
    /// If the file that is there cannot be used, or the new one cannot be written.
    pub fn save(&self, path: &Path) -> Result<SaveOutcome, Error> {
        let failed = |error| Error::File(path.to_owned(), error);
        if let Some(there) = Self::read(path)?.filter(|there| there.url != self.url) {
            return Ok(SaveOutcome::HasOther(there.url));
        }
        if let Some(folder) = path.parent() {
            DirBuilder::new().recursive(true).mode(0o700).create(folder).map_err(failed)?;
        }
        let text = toml::to_string(self).map_err(|error| failed(io::Error::other(error)))?;
        files::replace(path, &text, 0o600).map(|()| SaveOutcome::Written).map_err(failed)
    }
}
