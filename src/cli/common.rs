//! What every command that talks to a running server takes.

use std::fmt::Display;
use std::io::{self, IsTerminal, Write};
use std::time::Duration;

use clap::Args;

use super::{Failure, safe_text};
use crate::api::{WaitInteraction, Warning};
use crate::client::Client;
use crate::config::Access;
use crate::domain::enums::Role;
use crate::domain::id::RequestId;
use crate::present::escape_json;

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

    /// A client for what people look at.
    pub(super) fn person(&self) -> Result<Client, Failure> {
        Ok(Client::open(&self.access, Role::Approver)?)
    }

    /// The same, for what nobody waits for.
    pub(super) fn person_for(&self, patience: Duration) -> Result<Client, Failure> {
        Ok(Client::open_for(&self.access, Role::Approver, patience)?)
    }

    /// A client for what people decide. The stored token of the approver is a person's: it is used at a terminal alone, so
    /// that no program decides which was not handed a token.
    pub(super) fn decider(&self) -> Result<Client, Failure> {
        let client = self.person()?;
        if client.has_stored_token() && !io::stdin().is_terminal() {
            return Err(Failure::Usage(NOT_A_PERSON.to_owned()));
        }
        Ok(client)
    }

    /// Says what was done to an interaction; to a program, how it now stands.
    pub(super) fn tell(&self, client: &Client, id: &RequestId, done: impl Display) -> Result<(), Failure> {
        if self.json {
            let interaction = client.get_interaction(id, &WaitInteraction::default())?;
            writeln!(io::stdout(), "{}", escape_json(&interaction.json()))?;
        } else {
            writeln!(io::stdout(), "{done}")?;
        }
        Ok(())
    }
}

/// Why a command that decides refuses to use the stored token.
pub(super) const NOT_A_PERSON: &str = "the stored approver's token is for a person at a terminal, and standard input is none: \
     hand a token over with --token-file or COUNTERSIGN_TOKEN";

/// Says on stderr what the server warns of.
pub(super) fn warn(warnings: Option<Vec<Warning>>) -> io::Result<()> {
    let mut warnings = warnings.into_iter().flatten();
    warnings.try_for_each(|warning| writeln!(io::stderr(), "warning: {}", safe_text::line(&warning.message)))
}
