//! `countersign cancel`: an agent takes back what it asked.

use std::io::{self, Write};

use clap::Args;

use super::Failure;
use super::ids::Targets;
use super::list::what;
use super::style::TerminalStyle;
use crate::api::NoBody;
use crate::present::escape_json;

/// Take back what was asked, with the token of the agent that asked, or an admin's.
#[derive(Debug, Args)]
pub(super) struct Cancel {
    #[command(flatten)]
    these: Targets,
}

impl Cancel {
    pub(super) fn run(self) -> Result<(), Failure> {
        let client = self.these.common.agent()?;
        for item in &self.these.find(&client)? {
            let id = &item.value.request_id;
            let cancelled = client.cancel_interaction(id, &NoBody {})?;
            match self.these.common.json {
                true => writeln!(io::stdout(), "{}", escape_json(&cancelled.json()))?,
                false => {
                    writeln!(io::stdout(), "cancelled {id}: {}", what(&item.value).paint(TerminalStyle::of_stdout()))?;
                }
            }
        }
        Ok(())
    }
}
