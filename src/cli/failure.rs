//! Why a command failed: one sentence, which says what to do next, and an exit code.

use std::io;

use super::{audit, doctor, rules};
use crate::client;
use crate::domain::enums::{Outcome, Role};
use crate::domain::id::{PrincipalName, RequestId};
use crate::server;
use crate::service::RotateError;
use crate::store::{self, OpenError};

/// The exit codes of every command; 0 is done, approved, answered.
pub(super) mod exit {
    /// It failed.
    pub(in crate::cli) const FAILED: u8 = 1;
    /// What was said cannot be understood.
    pub(in crate::cli) const USAGE: u8 = 2;
    /// A person or a rule said no.
    pub(in crate::cli) const REJECTED: u8 = 3;
    /// The interaction ended undecided: expired, cancelled or superseded.
    pub(in crate::cli) const UNDECIDED: u8 = 4;
    /// The server cannot be reached.
    pub(in crate::cli) const UNREACHABLE: u8 = 5;
    /// A signal such as Ctrl-C interrupted the command.
    pub(in crate::cli) const INTERRUPTED: u8 = 130;
}

/// Why a command failed: one sentence on stderr.
#[derive(Debug, thiserror::Error)]
pub(super) enum Failure {
    #[error(transparent)]
    Open(#[from] OpenError),
    #[error(transparent)]
    Store(#[from] store::Error),
    #[error(transparent)]
    Serve(#[from] server::Error),
    #[error(transparent)]
    Io(#[from] io::Error),
    #[error("{name} is an {has} already, and a principal has one role: choose another name")]
    OtherRole { name: PrincipalName, has: Role },
    #[error(transparent)]
    Audit(#[from] audit::Failure),
    #[error(transparent)]
    Backup(#[from] store::BackupError),
    #[error(transparent)]
    Moving(#[from] store::MovingError),
    #[error(transparent)]
    Doctor(#[from] doctor::NotWell),
    #[error(transparent)]
    Rotate(#[from] RotateError),
    #[error(transparent)]
    Rules(#[from] rules::Failure),
    #[error(transparent)]
    Client(#[from] client::Error),
    #[error(transparent)]
    NoClient(#[from] client::OpenError),
    #[error("{0}")]
    Usage(String),
    #[error("{0}")]
    Other(String),
    #[error("{error}; whatever was asked stays: come back with --request-id {request_id}")]
    Away { error: client::Error, request_id: RequestId },
    #[error("{0}; nothing is asked yet")]
    NotAsked(client::Error),
    #[error("{0}")]
    Interrupted(String),
    /// What was asked for did not come about.
    #[error("{1}")]
    Ended(Outcome, String),
    #[error("there is no such token; see `countersign token list`")]
    NoSuchToken,
}

impl Failure {
    /// Whether whoever read the output has gone. Clients of servers tell of lost connections otherwise.
    pub(super) fn is_closed_pipe(&self) -> bool {
        matches!(self, Self::Io(error) if error.kind() == io::ErrorKind::BrokenPipe)
    }

    /// The exit code of the process.
    pub(super) fn exit_code(&self) -> u8 {
        match self {
            Self::Client(error) if error.is_transient() => exit::UNREACHABLE,
            Self::Away { .. } | Self::NotAsked(_) => exit::UNREACHABLE,
            Self::Interrupted(_) => exit::INTERRUPTED,
            Self::Usage(_) => exit::USAGE,
            Self::Ended(Outcome::Rejected, _) => exit::REJECTED,
            Self::Ended(Outcome::Expired | Outcome::Cancelled | Outcome::Superseded, _) => exit::UNDECIDED,
            Self::Ended(Outcome::Approved | Outcome::Answered, _)
            | Self::Audit(_)
            | Self::Backup(_)
            | Self::Client(_)
            | Self::Doctor(_)
            | Self::Io(_)
            | Self::Moving(_)
            | Self::NoClient(_)
            | Self::NoSuchToken
            | Self::Open(_)
            | Self::Other(_)
            | Self::OtherRole { .. }
            | Self::Rotate(_)
            | Self::Rules(_)
            | Self::Serve(_)
            | Self::Store(_) => exit::FAILED,
        }
    }
}
