//! `countersign cancel`: an agent takes back what it asked.

use std::io::{self, Write};

use clap::Args;

use super::common::Common;
use super::list::what;
use super::style::TerminalStyle;
use super::{Failure, completions, ids};
use crate::api::NoBody;
use crate::present::escape_json;

/// Take back what was asked, with the token of the agent that asked, or an admin's.
#[derive(Debug, Args)]
pub(super) struct Cancel {
    /// The pending interactions: their ids, or the beginnings of them
    #[arg(required = true, value_name = "ID", add = completions::pending_ids())]
    ids: Vec<String>,

    /// Take the ids as complete, not as beginnings
    #[arg(long)]
    exact: bool,

    #[command(flatten)]
    common: Common,
}

impl Cancel {
    pub(super) fn run(self) -> Result<(), Failure> {
        let client = self.common.agent()?;
        let find = |id: &String| ids::interaction(&client, id, self.exact, ids::Among::Pending);
        // All are found before the first is cancelled: a beginning that means two changes nothing.
        let found = self.ids.iter().map(find).collect::<Result<Vec<_>, _>>()?;
        for item in &found {
            let id = &item.value.request_id;
            let cancelled = client.cancel_interaction(id, &NoBody {})?;
            match self.common.json {
                true => writeln!(io::stdout(), "{}", escape_json(&cancelled.json()))?,
                false => {
                    writeln!(io::stdout(), "cancelled {id}: {}", what(&item.value).paint(TerminalStyle::of_stdout()))?;
                }
            }
        }
        Ok(())
    }
}
