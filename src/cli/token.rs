//! `countersign token`: who may speak.

use std::io::{self, Write};

use clap::{Args, Subcommand};

use super::Failure;
use crate::clock::SystemClock;
use crate::config::Database;
use crate::domain::enums::Role;
use crate::domain::id::{PrincipalName, TokenId};
use crate::domain::principal::Principal;
use crate::store::{self, Token, TokenHash, with_write_tx};
use crate::tokens;

#[derive(Debug, Subcommand)]
pub(super) enum TokenCommand {
    /// Make a token and print it, alone, on stdout: it is not kept and cannot be shown again
    Create(CreateToken),
    /// List all tokens, the revoked ones too: their ids, never themselves
    List(Database),
    /// Revoke tokens, from the next request on
    Revoke(RevokeTokens),
}

#[derive(Debug, Args)]
pub(super) struct CreateToken {
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
pub(super) struct RevokeTokens {
    #[command(flatten)]
    database: Database,

    /// The id of one token, as `token list` shows it
    #[arg(long, required_unless_present = "name", conflicts_with = "name")]
    id: Option<TokenId>,

    /// All tokens of one principal
    #[arg(long)]
    name: Option<PrincipalName>,
}

impl TokenCommand {
    pub(super) fn run(self) -> Result<(), Failure> {
        match self {
            Self::Create(create) => create.run(),
            Self::List(database) => list_tokens(&database),
            Self::Revoke(revoke) => revoke.run(),
        }
    }
}

impl CreateToken {
    fn run(self) -> Result<(), Failure> {
        let token = tokens::generate()?;
        let principal = Principal { name: self.name, role: self.role };
        let holder = TokenHash { token_sha256: tokens::digest(&token), principal };
        with_write_tx(&self.database.path()?, &SystemClock::default(), |tx| {
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
        let chosen = |token: &Token| {
            Some(&token.token_id) == self.id.as_ref() || Some(&token.principal.name) == self.name.as_ref()
        };
        let tokens = with_write_tx(&self.database.path()?, &SystemClock::default(), |tx| {
            let tokens = tx.tokens()?.into_iter().filter(chosen).collect::<Vec<_>>();
            for token in tokens.iter().filter(|token| token.revoked_at.is_none()) {
                tx.revoke_token(token)?;
            }
            if tokens.is_empty() { Err(Failure::NoSuchToken) } else { Ok(tokens) }
        })?;
        let was_any_in_force = tokens.iter().any(|token| token.revoked_at.is_none());
        for Token { token_id, principal, revoked_at, .. } in tokens {
            match revoked_at {
                None => writeln!(io::stdout(), "revoked {token_id} of {}", principal.name)?,
                Some(_) if was_any_in_force => {}
                Some(at) => writeln!(io::stdout(), "{token_id} of {} was revoked already, at {at}", principal.name)?,
            }
        }
        Ok(())
    }
}

fn list_tokens(database: &Database) -> Result<(), Failure> {
    let tokens = store::with_read_tx(&database.path()?, |tx| tx.tokens())?;
    let mut out = io::stdout().lock();
    writeln!(out, "{:<36}  {:<8}  {:<24}  {:<24}  NAME", "ID", "ROLE", "CREATED", "REVOKED")?;
    for Token { token_id, principal, created_at, revoked_at } in tokens {
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
