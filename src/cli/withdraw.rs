//! `countersign withdraw`: a person takes an approval back before the agent has claimed it.

use std::io::{self, Write};

use clap::Args;

use super::common::{Common, warn};
use super::{Failure, completions, ids};
use crate::api::NoBody;
use crate::domain::enums::Outcome;
use crate::present::escape_json;

/// Take back an approval that no agent has claimed.
#[derive(Debug, Args)]
pub(super) struct Withdraw {
    /// The interaction: its id, or the beginning of it
    #[arg(add = completions::any_ids())]
    id: String,

    /// The id is whole
    #[arg(long)]
    exact: bool,

    #[command(flatten)]
    common: Common,
}

impl Withdraw {
    pub(super) fn run(self) -> Result<(), Failure> {
        let client = self.common.decider()?;
        let interaction = ids::interaction(&client, &self.id, self.exact, ids::Among::Ended(Outcome::Approved))?;
        let id = &interaction.value.request_id;
        let withdrawn = client.withdraw_approval(id, &NoBody {})?;
        if self.common.json {
            writeln!(io::stdout(), "{}", escape_json(&withdrawn.json()))?;
        } else {
            writeln!(io::stdout(), "withdrew the approval of {id}")?;
        }
        for rule_id in withdrawn.value.warnings.iter().flatten().filter_map(|warning| warning.rule_id.as_ref()) {
            writeln!(io::stderr(), "The rule: countersign rules revoke {rule_id}")?;
        }
        Ok(warn(withdrawn.value.warnings)?)
    }
}
