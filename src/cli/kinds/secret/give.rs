//! `countersign secret`: a person gives a secret, unseen, or wipes one.

use std::io::{self, IsTerminal};

use clap::Args;
use zeroize::Zeroizing;

use crate::api::ProvideSecretBody;
use crate::cli::common::Common;
use crate::cli::terminal::hidden_value;
use crate::cli::{Failure, completions, ids, safe_text};
use crate::domain::enums::{Delivery, Outcome};
use crate::domain::secret_value::SecretValue;

/// Give a secret, typed without echo or from stdin.
#[derive(Debug, Args)]
pub(in crate::cli) struct GiveSecret {
    /// The interaction: its id, or the beginning of it
    #[arg(add = completions::pending_ids())]
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
    pub(in crate::cli) fn run(self) -> Result<(), Failure> {
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
            return self.common.tell(&client, id, format_args!("wiped {id}"));
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
        let done = if self.decline { "declined" } else { "given" };
        self.common.tell(&client, id, format_args!("{done} {id}"))
    }
}

fn value(prompt: &str) -> Result<SecretValue, Failure> {
    let value: Zeroizing<String> =
        if io::stdin().is_terminal() { hidden_value(prompt)? } else { io::read_to_string(io::stdin())?.into() };
    SecretValue::try_from(value.as_str()).map_err(|_| {
        Failure::Usage("there was no value: nothing was given; --decline says that none will be".to_owned())
    })
}
