//! What every command that talks to a running server takes.

use clap::Args;

use super::Failure;
use crate::client::Client;
use crate::config::Access;
use crate::domain::enums::Role;

/// The server, the token, and for whom the output is.
#[derive(Debug, Args)]
pub(super) struct Common {
    #[command(flatten)]
    access: Access,

    /// Print JSON, for programs
    #[arg(long)]
    pub(super) json: bool,
}

impl Common {
    /// A client for what agents do.
    pub(super) fn agent(&self) -> Result<Client, Failure> {
        Ok(Client::open(&self.access, Role::Agent)?)
    }

    /// A client for what people do.
    pub(super) fn person(&self) -> Result<Client, Failure> {
        Ok(Client::open(&self.access, Role::Approver)?)
    }
}
