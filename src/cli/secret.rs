//! `countersign secret`: a person gives a secret, unseen, or wipes one.

use std::io::{self, IsTerminal, Write};

use clap::Args;
use zeroize::Zeroizing;

use super::common::Common;
use super::terminal::hidden_value;
use super::{Failure, ids, safe_text};
use crate::api::{ProvideSecretBody, WaitInteraction};
use crate::client::Client;
use crate::domain::enums::{Delivery, Outcome};
use crate::domain::id::RequestId;
use crate::domain::secret_value::SecretValue;
use crate::present::escape_json;

/// Give a secret, typed without echo or from stdin.
#[derive(Debug, Args)]
pub(super) struct GiveSecret {
    /// The interaction: its id, or the beginning of it
    id: String,

    /// Take ID as the complete id, not as the beginning of one
    #[arg(long)]
    exact: bool,

    /// Hand it over once, instead of keeping it for the agent to take again
    #[arg(long, conflicts_with = "decline")]
    once: bool,

    /// Do not give it
    #[arg(long)]
    decline: bool,

    /// Wipe a value that was given: the agent cannot take it any more
    #[arg(long, conflicts_with_all = ["once", "decline"])]
    wipe: bool,

    #[command(flatten)]
    common: Common,
}

impl GiveSecret {
    pub(super) fn run(self) -> Result<(), Failure> {
        let client = self.common.decider()?;
        let among = if self.wipe { ids::Among::Ended(Outcome::Answered) } else { ids::Among::Pending };
        let interaction = ids::interaction(&client, &self.id, self.exact, among)?;
        let id = &interaction.value.request_id;
        let Some(asked) = &interaction.value.secret else {
            return Err(Failure::Other(format!(
                "{id} is a {}, not a secret: see `countersign show {id}`",
                interaction.value.kind
            )));
        };
        if self.wipe {
            client.wipe_secret(id)?;
            return self.tell(&client, "wiped", id);
        }
        let body = if self.decline {
            ProvideSecretBody { request_id: id.clone(), value: None, delivery: None }
        } else {
            let agent = &interaction.value.registered_by;
            let value = value(&format!("{} for {agent} (not shown): ", safe_text::line(&asked.label)))?;
            let delivery = if self.once { Delivery::TransientSend } else { Delivery::Store };
            ProvideSecretBody { request_id: id.clone(), value: Some(value), delivery: Some(delivery) }
        };
        client.provide_secret(&body)?;
        self.tell(&client, if self.decline { "declined" } else { "given" }, id)
    }

    /// Reports what was done.
    fn tell(&self, client: &Client, done: &str, id: &RequestId) -> Result<(), Failure> {
        if self.common.json {
            let interaction = client.get_interaction(id, &WaitInteraction::default())?;
            writeln!(io::stdout(), "{}", escape_json(&interaction.json()))?;
        } else {
            writeln!(io::stdout(), "{done} {id}")?;
        }
        Ok(())
    }
}

fn value(prompt: &str) -> Result<SecretValue, Failure> {
    let value: Zeroizing<String> =
        if io::stdin().is_terminal() { hidden_value(prompt)? } else { io::read_to_string(io::stdin())?.into() };
    SecretValue::try_from(value.as_str()).map_err(|_| {
        Failure::Usage("there was no value: nothing was given; --decline says that none will be".to_owned())
    })
}
