//! `countersign rules`: trust rules, as code and as they stand in a running server.

mod add;
mod files;
mod preview;
mod standing;
mod terms;

use clap::Subcommand;

use self::add::AddRule;
pub(super) use self::files::Failure;
use self::files::{ImportRules, TestRules};
use self::preview::PreviewRule;
use self::standing::{ListRules, RevokeRule, ShowRule};
use crate::config::Database;

#[derive(Debug, Subcommand)]
pub(super) enum RulesCommand {
    /// List the rules of the running server, newest first
    List(ListRules),
    /// Show one rule
    Show(ShowRule),
    /// Make a rule in the running server
    Add(AddRule),
    /// Revoke rules: they decide nothing from the next request on
    Revoke(RevokeRule),
    /// Show what a rule would have decided of the latest confirmations; nothing is stored
    Preview(PreviewRule),
    /// Print the active rules as TOML on stdout
    Export(Database),
    /// Import the rules of a file into the database in one transaction, and print each change
    Import(ImportRules),
    /// Test a file: check that its rules decide its examples as it says; needs no database and no server
    Test(TestRules),
}

impl RulesCommand {
    pub(super) fn run(self) -> Result<(), super::Failure> {
        match self {
            Self::List(list) => list.run(),
            Self::Show(show) => show.run(),
            Self::Add(add) => add.run(),
            Self::Revoke(revoke) => revoke.run(),
            Self::Preview(preview) => preview.run(),
            Self::Export(database) => files::export(&database),
            Self::Import(import) => import.run(),
            Self::Test(test) => test.run(),
        }
    }
}
