//! The command line: what can be said, and what each command does.

mod audit;
mod backup;
mod doctor;
mod key;
mod rules;

use std::io::{self, Write};
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand};

use crate::clock::SystemClock;
use crate::config::{Config, Database};
use crate::domain::id::{PrincipalName, TokenId};
use crate::domain::principal::Principal;
use crate::domain::words::Role;
use crate::server;
use crate::service::RotateError;
use crate::store::{self, Holder, OpenError, TokenRow, write_beside};
use crate::tokens;

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
    Token(TokenCommand),
}

#[derive(Debug, Subcommand)]
enum TokenCommand {
    /// Make a token and print it, alone, on stdout: it is not kept and cannot be shown again
    Create(CreateToken),
    /// List all tokens, the revoked ones too: their ids, never themselves
    List(Database),
    /// Revoke tokens: from the very next request on they are nobody's
    Revoke(RevokeTokens),
}

#[derive(Debug, Args)]
struct CreateToken {
    #[command(flatten)]
    database: Database,

    /// Who is to hold it: 1 to 128 of A-Z a-z 0-9 . _ : -
    #[arg(long, env = "COUNTERSIGN_TOKEN_NAME")]
    name: PrincipalName,

    /// What they may do: agent, approver, auditor or admin
    #[arg(long, env = "COUNTERSIGN_TOKEN_ROLE")]
    role: Role,
}

#[derive(Debug, Args)]
struct RevokeTokens {
    #[command(flatten)]
    database: Database,

    /// The id of one token, as `token list` shows it
    #[arg(long, required_unless_present = "name", conflicts_with = "name")]
    id: Option<TokenId>,

    /// All tokens of one principal
    #[arg(long)]
    name: Option<PrincipalName>,
}

/// Why a command failed: one sentence on stderr.
#[derive(Debug, thiserror::Error)]
enum Failure {
    #[error(transparent)]
    Open(#[from] OpenError),
    #[error(transparent)]
    Store(#[from] store::Error),
    #[error(transparent)]
    Serve(#[from] server::Error),
    #[error(transparent)]
    Io(#[from] io::Error),
    #[error("{name} is an {has} already, and a principal has one role: choose another name")]
    OtherRole { name: PrincipalName, has: Role },
    #[error(transparent)]
    Audit(#[from] audit::Failure),
    #[error(transparent)]
    Backup(#[from] store::BackupError),
    #[error(transparent)]
    Doctor(#[from] doctor::NotWell),
    #[error(transparent)]
    Rotate(#[from] RotateError),
    #[error(transparent)]
    Rules(#[from] rules::Failure),
    #[error("there is no such token that is in force; see `countersign token list`")]
    NoSuchToken,
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
        Command::Token(TokenCommand::Create(create)) => create.run(),
        Command::Token(TokenCommand::List(database)) => list_tokens(&database),
        Command::Token(TokenCommand::Revoke(revoke)) => revoke.run(),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            // With stderr gone there is nobody left to tell.
            let _ = writeln!(io::stderr(), "countersign: {failure}");
            ExitCode::FAILURE
        }
    }
}

impl CreateToken {
    fn run(self) -> Result<(), Failure> {
        let token = tokens::generate()?;
        let principal = Principal { name: self.name, role: self.role };
        let holder = Holder { token_sha256: tokens::digest(&token), principal };
        write_beside(&self.database.path()?, &SystemClock::default(), |tx| {
            let Principal { name, role } = &holder.principal;
            match tx.role_of(name)? {
                Some(has) if has != *role => Err(Failure::OtherRole { name: name.clone(), has }),
                Some(_) | None => Ok(tx.insert_token(&TokenId::generate(), &holder)?),
            }
        })?;
        writeln!(io::stdout(), "{}", *token)?;
        Ok(())
    }
}

impl RevokeTokens {
    fn run(self) -> Result<(), Failure> {
        let chosen = |token: &TokenRow| {
            token.revoked_at.is_none()
                && (Some(&token.token_id) == self.id.as_ref() || Some(&token.principal.name) == self.name.as_ref())
        };
        let revoked = write_beside(&self.database.path()?, &SystemClock::default(), |tx| {
            let tokens = tx.tokens()?.into_iter().filter(chosen).collect::<Vec<_>>();
            for token in &tokens {
                tx.revoke_token(token)?;
            }
            if tokens.is_empty() { Err(Failure::NoSuchToken) } else { Ok(tokens) }
        })?;
        for token in revoked {
            writeln!(io::stdout(), "revoked {} of {}", token.token_id, token.principal.name)?;
        }
        Ok(())
    }
}

fn list_tokens(database: &Database) -> Result<(), Failure> {
    let tokens = store::read_beside(&database.path()?, |tx| tx.tokens())?;
    let mut out = io::stdout().lock();
    writeln!(out, "{:<36}  {:<8}  {:<24}  {:<24}  NAME", "ID", "ROLE", "CREATED", "REVOKED")?;
    for TokenRow { token_id, principal, created_at, revoked_at } in tokens {
        let revoked = revoked_at.map_or_else(|| "-".to_owned(), |at| at.to_string());
        writeln!(
            out,
            "{token_id:<36}  {:<8}  {created_at}  {revoked:<24}  {}",
            principal.role.as_str(),
            principal.name
        )?;
    }
    Ok(())
}
