//! Why a server did not do what it was asked.

use std::io;
use std::path::PathBuf;
use std::time::Duration;

use serde::Deserialize;

use crate::config::ServerUrl;
use crate::credentials;
use crate::domain::enums::Role;

/// Why a call failed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// No whole answer came: whether it was done is not known.
    #[error(
        "the server at {url} cannot be reached ({why}); start it with `countersign serve`, or name another with --url"
    )]
    Unreachable {
        /// The server.
        url: ServerUrl,
        /// What went wrong.
        why: String,
        /// Whether the request may have reached it: then it may have been done.
        is_sent: bool,
    },
    /// The server knows no such token.
    #[error(
        "the server at {url} does not know the token from {from}; make one with `countersign token create` and give it with --token-file"
    )]
    UnknownToken {
        /// The server.
        url: ServerUrl,
        /// Where the token came from.
        from: String,
    },
    /// The server said no.
    #[error("{}", .0.error)]
    Refused(Refusal),
    /// An answer that is none of countersign's.
    #[error("what answers at {url} does not speak countersign's language ({why}); is it the right --url?")]
    Foreign {
        /// The server.
        url: ServerUrl,
        /// What was strange.
        why: String,
    },
}

/// A refusal in the server's own words.
#[derive(Debug, Deserialize)]
pub struct Refusal {
    /// A sentence for a person.
    pub error: String,
    /// What programs go by.
    pub code: String,
    /// How soon it is worth to try again.
    #[serde(default, rename = "retryAfterMs")]
    pub(super) retry_after_ms: Option<u64>,
}

impl Refusal {
    /// How soon it is worth to try again, where the server was only short of something.
    #[must_use]
    pub fn retry_after(&self) -> Option<Duration> {
        // As many pending as one may have is a state that trying again does not change.
        let passes = self.code != "too_many_pending";
        self.retry_after_ms.filter(|_| passes).map(Duration::from_millis)
    }
}

impl Error {
    /// How soon it is worth to try the same again; `None` where the answer would be the same.
    #[must_use]
    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Unreachable { .. } => Some(Duration::from_millis(250)),
            Self::Refused(refusal) => refusal.retry_after(),
            Self::UnknownToken { .. } | Self::Foreign { .. } => None,
        }
    }

    /// Whether what was asked may have been done all the same.
    #[must_use]
    pub fn may_be_done(&self) -> bool {
        match self {
            Self::Unreachable { is_sent, .. } => *is_sent,
            // Another server at the same database may have been told before this one ended.
            Self::Refused(refusal) => refusal.code == "shutting_down",
            Self::Foreign { .. } => true,
            Self::UnknownToken { .. } => false,
        }
    }

    /// Whether no server has heard of it.
    pub(super) const fn never_arrived(&self) -> bool {
        matches!(self, Self::Unreachable { is_sent: false, .. })
    }

    /// Whether the server said no with this code.
    #[must_use]
    pub fn is_refusal(&self, code: &str) -> bool {
        matches!(self, Self::Refused(refusal) if refusal.code == code)
    }
}

/// Why no client can be opened: no server address, or no credentials.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The file of a flag.
    #[error("{}: {}", .0.display(), .1)]
    File(PathBuf, io::Error),
    /// It holds no token.
    #[error("{} does not hold a token: one line, as `countersign token create` prints it", .0.display())]
    NoTokenIn(PathBuf),
    /// There is none anywhere.
    #[error(
        "there is no token: make one with `countersign token create --name NAME --role {0}` and name its file with --token-file"
    )]
    NoToken(Role),
    /// The known tokens are for another server.
    #[error(
        "the tokens in {path} are for {has}, not for {wanted}: give another with --token-file (`countersign token create --name \
         NAME --role {role}` makes one), or, where the same server now listens at {wanted}, write that into the line `url` of {path}",
        path = .path.display()
    )]
    OtherServer {
        /// The credentials file.
        path: PathBuf,
        /// Whose tokens it has.
        has: ServerUrl,
        /// Which server was named.
        wanted: ServerUrl,
        /// The role that a token needs here.
        role: Role,
    },
    /// The credentials file.
    #[error(transparent)]
    Credentials(#[from] credentials::Error),
    /// The system.
    #[error(transparent)]
    Io(#[from] io::Error),
}
