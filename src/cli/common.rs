//! What every command that talks to a running server takes.

use std::io::{self, Write};

use clap::Args;

use super::{Failure, safe_text};
use crate::api::Warning;
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

/// Says on stderr what the server warns of.
pub(super) fn warn(warnings: Option<Vec<Warning>>) -> io::Result<()> {
    let mut warnings = warnings.into_iter().flatten();
    warnings.try_for_each(|warning| writeln!(io::stderr(), "warning: {}", safe_text::line(&warning.message)))
}
