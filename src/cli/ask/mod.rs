//! `countersign ask`: an agent's side, for scripts: register, wait, and end with an exit code that says how it ended.

pub(super) mod waiting;

use clap::Args;

use super::Failure;
use super::kinds::AskOther;
use super::kinds::confirmation::AskConfirmation;

/// How `ask` ends.
pub(super) const EXIT_CODES: &str = "Exit codes: 0 approved or answered, 3 rejected, 4 expired, cancelled or superseded, \
    5 the server could not be reached, 2 the command line is wrong, 130 interrupted (the question stays), 1 anything else";

/// Without a subcommand: may a tool be used?
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true, subcommand_negates_reqs = true, after_help = EXIT_CODES)]
pub(super) struct Ask {
    #[command(subcommand)]
    other: Option<AskOther>,

    #[command(flatten)]
    confirmation: AskConfirmation,
}

impl Ask {
    pub(super) fn run(self) -> Result<(), Failure> {
        match self.other {
            Some(other) => other.run(),
            None => self.confirmation.run(),
        }
    }
}
