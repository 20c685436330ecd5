//! `countersign secret`: a person gives a secret, unseen.

use std::io::{self, IsTerminal, Write};

use clap::Args;
use serde_json::json;
use zeroize::Zeroizing;

use super::common::Common;
use super::terminal::hidden_line;
use super::{Failure, ids, safe_text};
use crate::client::wire::Accepted;
use crate::domain::enums::Delivery;

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
        let client = self.common.person()?;
        let told = ids::interaction(&client, &self.id, self.exact, ids::Among::Pending)?;
        let id = &told.value.request_id;
        let Some(asked) = &told.value.secret else {
            return Err(Failure::Other(format!(
                "{id} is a {}, not a secret: see `countersign show {id}`",
                told.value.kind
            )));
        };
        let body = if self.decline {
            json!({"requestId": id})
        } else {
            let agent = &told.value.registered_by;
            let value = value(&format!("{} for {agent} (not shown): ", safe_text::line(&asked.label)))?;
            let delivery = if self.once { Delivery::TransientSend } else { Delivery::Store };
            json!({"requestId": id, "value": *value, "delivery": delivery})
        };
        let Accepted { .. } = client.post("/v1/secret", &body)?;
        if self.common.json {
            writeln!(io::stdout(), "{}", safe_text::json(client.look(id)?.json.get()))?;
        } else {
            let done = if self.decline { "declined" } else { "given" };
            writeln!(io::stdout(), "{done} {id}")?;
        }
        Ok(())
    }
}

fn value(prompt: &str) -> Result<Zeroizing<String>, Failure> {
    let value = if io::stdin().is_terminal() { hidden_line(prompt)? } else { io::read_to_string(io::stdin())?.into() };
    // The server trims its edges, and so sees nothing here either.
    if value.trim().is_empty() {
        return Err(Failure::Usage(
            "there was no value: nothing was given; --decline says that none will be".to_owned(),
        ));
    }
    Ok(value)
}
