//! The command line: what can be said, and what each command does.

mod audit;
mod backup;
mod common;
mod doctor;
mod failure;
mod key;
mod look;
mod rules;
mod shown;
mod table;
mod token;

use std::io::{self, Write};
use std::process::ExitCode;

use clap::{Parser, Subcommand};

use self::failure::Failure;
use crate::config::{Config, Database};
use crate::server;

/// Where AI agents' questions wait, durably, for a person's answer.
#[derive(Debug, Parser)]
#[command(name = "countersign", version)]
pub struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run the server
    Serve(Box<Config>),
    /// Verify and export the history: a chain that nobody can change unseen
    #[command(subcommand)]
    Audit(audit::AuditCommand),
    /// Copy the database to a new file, consistent and verified, beside a running server too
    Backup(backup::MakeBackup),
    /// Look the database over, beside a running server too: pages, schema, every constraint, the history's chain
    Doctor(Database),
    /// Exchange the key that seals secrets
    #[command(subcommand)]
    Key(key::KeyCommand),
    /// Keep trust rules in files: write them down, test them, bring them in
    #[command(subcommand)]
    Rules(rules::RulesCommand),
    /// Print the description of the interface (OpenAPI 3.1)
    Openapi,
    /// Make, list and revoke the tokens that agents and people speak with
    #[command(subcommand)]
    Token(token::TokenCommand),
}

/// Does what the command line says; the exit code of the process.
#[must_use]
pub fn run(cli: Cli) -> ExitCode {
    server::keep_memory_private();
    let done = match cli.command {
        Command::Serve(config) => server::run(&config).map_err(Failure::from),
        Command::Openapi => write!(io::stdout(), "{}", server::openapi()).map_err(Failure::from),
        Command::Audit(audit) => audit.run(),
        Command::Backup(backup) => backup.run(),
        Command::Doctor(database) => doctor::doctor(&database),
        Command::Key(key) => key.run(),
        Command::Rules(rules) => rules.run(),
        Command::Token(token) => token.run(),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            // With stderr gone there is nobody left to tell.
            let _ = writeln!(io::stderr(), "countersign: {failure}");
            ExitCode::from(failure.exit_code())
        }
    }
}
