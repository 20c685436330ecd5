//! `countersign token`: who may speak.

use std::io::{self, Write};

use clap::{Args, Subcommand};
use zeroize::Zeroizing;

use super::Failure;
use super::owner::Owner;
use crate::clock::SystemClock;
use crate::config::{Database, Location};
use crate::domain::enums::Role;
use crate::domain::id::{PrincipalName, TokenId};
use crate::domain::principal::{Principal, Right};
use crate::service::{add_token, reject_some_of};
use crate::store::{self, ReadTx, Token, TokenHash, with_write_tx};
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

    /// The principal that holds it: 1 to 128 of A-Z a-z 0-9 . _ : -
    #[arg(value_name = "NAME", required_unless_present = "name")]
    principal: Option<PrincipalName>,

    /// The same
    #[arg(long, env = "COUNTERSIGN_TOKEN_NAME")]
    name: Option<PrincipalName>,

    /// The principal's role: agent, approver, auditor or admin
    #[arg(long, env = "COUNTERSIGN_TOKEN_ROLE")]
    role: Role,

    #[command(flatten)]
    owner: Owner,
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

    /// Reject what is still pending of the principal, too
    #[arg(long, requires = "by")]
    reject_pending: bool,

    /// Who rejects it: an approver or an admin of this database
    #[arg(long, value_name = "NAME", requires = "reject_pending")]
    by: Option<PrincipalName>,

    #[command(flatten)]
    owner: Owner,
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
        let location = self.database.location()?;
        self.owner.check(&location)?;
        let name = match (self.principal, self.name) {
            (Some(one), Some(other)) if one != other => {
                return Err(Failure::Usage(format!("the token is for {one} or for {other}: say one NAME")));
            }
            (Some(name), _) | (None, Some(name)) => name,
            (None, None) => return Err(Failure::Usage("a token has a NAME".to_owned())),
        };
        let token = make(&location, Principal { name, role: self.role })?;
        writeln!(io::stdout(), "{}", *token)?;
        Ok(())
    }
}

/// Makes a token for a principal of a database, who has no other role there.
pub(super) fn make(database: &Location, principal: Principal) -> Result<Zeroizing<String>, Failure> {
    let token = tokens::generate()?;
    let holder = TokenHash { token_sha256: tokens::digest(&token), principal };
    with_write_tx(database, &SystemClock::default(), |tx| match add_token(tx, &TokenId::generate(), &holder, None)? {
        Some(has) => Err(Failure::OtherRole { name: holder.principal.name.clone(), has }),
        None => Ok(()),
    })?;
    Ok(token)
}

impl RevokeTokens {
    fn run(self) -> Result<(), Failure> {
        let location = self.database.location()?;
        self.owner.check(&location)?;
        let chosen = |token: &Token| {
            Some(&token.token_id) == self.id.as_ref() || Some(&token.principal.name) == self.name.as_ref()
        };
        let (tokens, holder, by) = with_write_tx(&location, &SystemClock::default(), |tx| {
            let by = self.by.as_ref().map(|by| resolver(tx, by)).transpose()?;
            let tokens = tx.tokens()?.into_iter().filter(chosen).collect::<Vec<_>>();
            for token in tokens.iter().filter(|token| token.revoked_at.is_none()) {
                tx.revoke_token(token)?;
            }
            let holder = self.name.clone().or_else(|| tokens.first().map(|token| token.principal.name.clone()));
            if by.as_ref().map(|by| &by.name) == holder.as_ref() && holder.is_some() {
                return Err(Failure::Other(
                    "principals do not resolve what they registered themselves: name another with --by".to_owned(),
                ));
            }
            match holder {
                // What is pending may be rejected after the tokens are gone.
                Some(holder) if !tokens.is_empty() || by.is_some() => Ok((tokens, holder, by)),
                Some(_) | None => Err(Failure::NoSuchToken),
            }
        })?;
        let was_any_in_force = tokens.iter().any(|token| token.revoked_at.is_none());
        for Token { token_id, principal, revoked_at, .. } in tokens {
            match revoked_at {
                None => writeln!(io::stdout(), "revoked {token_id} of {}", principal.name)?,
                Some(_) if was_any_in_force => {}
                Some(at) => writeln!(io::stdout(), "{token_id} of {} was revoked already, at {at}", principal.name)?,
            }
        }
        match by {
            Some(by) => reject_pending(&location, &by, &holder),
            None => tell_pending(&location, &holder),
        }
    }
}

/// The principal of this name, who has to be one that resolves.
fn resolver(tx: &ReadTx<'_>, name: &PrincipalName) -> Result<Principal, Failure> {
    let principal = tx.role_of(name)?.map(|role| Principal { name: name.clone(), role });
    let resolver = principal.filter(|principal| principal.require(Right::Resolve).is_ok());
    resolver.ok_or_else(|| Failure::Other(format!("{name} is no approver and no admin of this database")))
}

/// Rejects all that is pending of `holder`, some in each transaction: a server that runs writes in between.
fn reject_pending(location: &Location, by: &Principal, holder: &PrincipalName) -> Result<(), Failure> {
    let mut all = 0;
    loop {
        let rejected: Result<usize, Failure> =
            with_write_tx(location, &SystemClock::default(), |tx| Ok(reject_some_of(tx, by, holder, None)?));
        match rejected? {
            0 => return Ok(writeln!(io::stdout(), "rejected {all} pending of {holder}")?),
            rejected => all += rejected,
        }
    }
}

/// Says what revoked tokens leave behind.
fn tell_pending(location: &Location, holder: &PrincipalName) -> Result<(), Failure> {
    let pending = store::with_read_tx(location, |tx| tx.count_of_pending(Some(holder)))?;
    if pending > 0 {
        let command = format!("countersign token revoke --name {holder} --reject-pending --by APPROVER");
        writeln!(io::stderr(), "{pending} of {holder} are still pending; `{command}` rejects them.")?;
    }
    Ok(())
}

fn list_tokens(database: &Database) -> Result<(), Failure> {
    let tokens = store::with_read_tx(&database.location()?, |tx| tx.tokens())?;
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
