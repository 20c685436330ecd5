//! `countersign ask`: an agent's side, for scripts: register, wait, and end with an exit code that says how it ended.

pub(super) mod confirmation;
mod question;
mod secret;
pub(super) mod waiting;

use clap::{Args, Subcommand};

use self::confirmation::AskConfirmation;
use self::question::AskQuestion;
use self::secret::AskSecret;
use super::Failure;

/// How `ask` ends.
pub(super) const EXIT_CODES: &str = "Exit codes: 0 approved or answered, 3 rejected, 4 expired, cancelled or superseded, \
    5 the server could not be reached, 2 the command line is wrong, 130 interrupted (the question stays), 1 anything else";

/// Without a subcommand: may a tool be used?
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true, subcommand_negates_reqs = true, after_help = EXIT_CODES)]
pub(super) struct Ask {
    #[command(subcommand)]
    other: Option<Other>,

    #[command(flatten)]
    confirmation: AskConfirmation,
}

#[derive(Debug, Subcommand)]
enum Other {
    /// Ask for a secret and print its value, and nothing else, on stdout
    Secret(AskSecret),
    /// Ask a question and print the answer on stdout
    Question(AskQuestion),
}

impl Ask {
    pub(super) fn run(self) -> Result<(), Failure> {
        match self.other {
            Some(Other::Secret(secret)) => secret.run(),
            Some(Other::Question(question)) => question.run(),
            None => self.confirmation.run(),
        }
    }
}
