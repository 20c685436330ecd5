//! What comes back from a use case that did nothing.

use crate::clock::Timestamp;
use crate::config::{NoticeConfigError, ProfilesError};
use crate::domain::refused::Refused;
use crate::sealer::{KeyError, Unopenable};
use crate::store;

/// A refusal, which is the caller's affair, or a failure, which is ours. Nothing has changed in either case.
#[derive(Clone, Debug, thiserror::Error)]
pub enum Error {
    /// The protocol says no.
    #[error("refused: {0:?}")]
    Refused(Refused),
    /// The caller's token is no longer in force. It is no refusal of what was asked, out of which a use case could make an
    /// answer.
    #[error("the caller's token is no longer in force")]
    UnknownToken,
    /// The caller's session is over.
    #[error("the caller's session is over")]
    UnknownSession,
    /// The store could not.
    #[error(transparent)]
    Store(#[from] store::Error),
    /// A secret could not be sealed.
    #[error("a secret could not be sealed: {0}")]
    Sealing(String),
    /// A content could not be written as JSON.
    #[error("a content could not be written as JSON: {0}")]
    Writing(String),
    /// The system has no random numbers.
    #[error("the system gives no random numbers: {0}")]
    Random(String),
    /// A secret could not be opened.
    #[error(transparent)]
    Opening(#[from] Unopenable),
}

impl Error {
    /// Logs what has failed that nobody waits for. Where the database is away, that is no error of the server: the store says it once,
    /// and it is over by itself.
    pub fn log(&self, what: &str) {
        if let Self::Store(store::Error::Unavailable(_) | store::Error::Doubtful(_)) = self {
            tracing::debug!(error = %self, "{what}");
        } else {
            tracing::error!(error = %self, "{what}");
        }
    }
}

impl From<Refused> for Error {
    fn from(refused: Refused) -> Self {
        Self::Refused(refused)
    }
}

impl From<serde_json::Error> for Error {
    fn from(error: serde_json::Error) -> Self {
        Self::Writing(error.to_string())
    }
}

/// Why the service did not open.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The tool profiles.
    #[error(transparent)]
    Profiles(#[from] ProfilesError),
    /// What may be called for notices.
    #[error(transparent)]
    Notices(#[from] NoticeConfigError),
    /// The database.
    #[error(transparent)]
    Database(#[from] store::OpenError),
    /// The machine's clock is far behind the database.
    #[error(
        "in {} it is {last} already, and this machine's clock says {clock}: set the clock right, or start with --accept-clock to go on from the later time", .database
    )]
    ClockBehind {
        /// The database.
        database: String,
        /// The highest time in it.
        last: Timestamp,
        /// What the machine's clock shows.
        clock: Timestamp,
    },
    /// The key.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// The first transactions.
    #[error(transparent)]
    Store(#[from] store::Error),
    /// The system's random numbers, or its threads.
    #[error(transparent)]
    Io(#[from] std::io::Error),
}
