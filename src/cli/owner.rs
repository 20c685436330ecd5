//! Commands that decide in the database itself, beside the server or without one: who may run them.
//!
//! Whoever can write the file can do all that these do, so this keeps honest programs from deciding by mistake, and no more.

use std::fs;
use std::io::{self, IsTerminal};
use std::path::PathBuf;

use clap::Args;

use super::Failure;
use super::common::NOT_A_PERSON;
use crate::config::{CredentialsFile, Location, from_home, token_of_environment};
use crate::credentials::Credentials;
use crate::domain::principal::Right;
use crate::store::{OpenError, TokenHash, with_read_tx};
use crate::tokens;

/// The token that a program hands over, and the file with the stored one.
#[derive(Debug, Args)]
#[command(next_help_heading = "Without a terminal")]
pub(super) struct Owner {
    /// A file with an approver's or admin's token [default: the token in COUNTERSIGN_TOKEN]
    #[arg(long, value_name = "PATH", env = "COUNTERSIGN_TOKEN_FILE", hide_env_values = true, value_parser = from_home())]
    token_file: Option<PathBuf>,

    /// The file with the tokens of this machine's server.
    #[command(flatten)]
    credentials: CredentialsFile,
}

impl Owner {
    /// What the credentials file holds, where there is one.
    pub(super) fn credentials(&self) -> Result<Option<Credentials>, Failure> {
        match self.credentials.path()? {
            Some(path) => Credentials::read(&path).map_err(|error| Failure::Other(error.to_string())),
            None => Ok(None),
        }
    }

    /// Refuses a program that was handed no token, where the stored approver's token is one of this database.
    pub(super) fn check(&self, database: &Location) -> Result<(), Failure> {
        if io::stdin().is_terminal() || database.is_missing() {
            return Ok(());
        }
        let Some(stored) = self.credentials()? else { return Ok(()) };
        let in_force: Vec<TokenHash> = match with_read_tx(database, |tx| tx.active_tokens()) {
            // Nobody decides anything yet in what is to be made.
            Err(OpenError::NoSchema(_)) => return Ok(()),
            in_force => in_force?,
        };
        let resolver = |token: &str| {
            let digest = tokens::digest(token.trim());
            let holder = in_force.iter().find(|held| held.token_sha256 == digest);
            holder.is_some_and(|held| held.principal.require(Right::Resolve).is_ok())
        };
        if !resolver(&stored.approver) {
            // It is the token of another server.
            return Ok(());
        }
        let handed = match &self.token_file {
            Some(path) => Some(
                fs::read_to_string(path)
                    .map_err(|error| Failure::Other(format!("the token file {}: {error}", path.display())))?,
            ),
            None => token_of_environment(),
        };
        match handed {
            Some(token) if resolver(&token) => Ok(()),
            Some(_) => {
                Err(Failure::Usage("the token that was handed over is no approver's of this database".to_owned()))
            }
            None => Err(Failure::Usage(NOT_A_PERSON.to_owned())),
        }
    }
}
