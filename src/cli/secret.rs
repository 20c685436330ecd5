//! `countersign secret`: a person gives a secret, unseen.

use std::io::{self, IsTerminal, Write};

use clap::Args;
use zeroize::Zeroizing;

use super::common::Common;
use super::terminal::hidden_line;
use super::{Failure, ids, safe_text};
use crate::api::{ProvideSecretBody, WaitInteraction};
use crate::domain::enums::Delivery;
use crate::domain::secret_value::SecretValue;
use crate::present::escape_json;

/// Give a secret, typed without echo or from stdin.
#[derive(Debug, Args)]
pub(super) struct GiveSecret {
    /// The interaction: its id, or the beginning of it
    id: String,

    /// The id is whole
    #[arg(long)]
    exact: bool,

    /// Hand it over once, instead of keeping it for the agent to take again
    #[arg(long, conflicts_with = "decline")]
    once: bool,

    /// Do not give it
    #[arg(long)]
    decline: bool,

    #[command(flatten)]
    common: Common,
}

impl GiveSecret {
    pub(super) fn run(self) -> Result<(), Failure> {
        let client = self.common.decider()?;
        let interaction = ids::interaction(&client, &self.id, self.exact, ids::Among::Pending)?;
        let id = &interaction.value.request_id;
        let Some(asked) = &interaction.value.secret else {
            return Err(Failure::Other(format!(
                "{id} is a {}, not a secret: see `countersign show {id}`",
                interaction.value.kind
            )));
        };
        let body = if self.decline {
            ProvideSecretBody { request_id: id.clone(), value: None, delivery: None }
        } else {
            let agent = &interaction.value.registered_by;
            let value = value(&format!("{} for {agent} (not shown): ", safe_text::line(&asked.label)))?;
            let delivery = if self.once { Delivery::TransientSend } else { Delivery::Store };
            ProvideSecretBody { request_id: id.clone(), value: Some(value), delivery: Some(delivery) }
        };
        client.provide_secret(&body)?;
        if self.common.json {
            writeln!(
                io::stdout(),
                "{}",
                escape_json(&client.get_interaction(id, &WaitInteraction::default())?.json())
            )?;
        } else {
            let done = if self.decline { "declined" } else { "given" };
            writeln!(io::stdout(), "{done} {id}")?;
        }
        Ok(())
    }
}

fn value(prompt: &str) -> Result<SecretValue, Failure> {
    let value: Zeroizing<String> =
        if io::stdin().is_terminal() { hidden_line(prompt)? } else { io::read_to_string(io::stdin())?.into() };
    SecretValue::try_from(value.as_str()).map_err(|_| {
        Failure::Usage("there was no value: nothing was given; --decline says that none will be".to_owned())
    })
}
