//! Bearer tokens: the principal of a request, and the tokens of a new database.

use zeroize::Zeroizing;

use super::{Caller, Error, OpenError, Result, Service};
use crate::clock::Timestamp;
use crate::domain::enums::Role;
use crate::domain::id::{PrincipalName, TokenId};
use crate::domain::principal::{Principal, Right};
use crate::domain::refused::Refused;
use crate::store::{self, Agent, Priority, TokenHash, WriteTx};
use crate::tokens;

/// A token that was made. Its text is nowhere else.
pub struct MadeToken {
    /// The text.
    pub text: Zeroizing<String>,
    /// When it was made.
    pub made_at: Timestamp,
}

/// Adds a token of a principal, and says by whom it was made where that is known. Where the principal has another role nothing
/// is added, and that role is returned.
///
/// # Errors
///
/// An error of the store.
pub fn add_token(
    tx: &mut WriteTx<'_>,
    token_id: &TokenId,
    holder: &TokenHash,
    made_by: Option<&PrincipalName>,
) -> store::Result<Option<Role>> {
    let Principal { name, role } = &holder.principal;
    let other = tx.role_of(name)?.filter(|has| has != role);
    match (other, made_by) {
        (Some(_), _) => {}
        (None, Some(made_by)) => tx.insert_token_made_by(token_id, holder, made_by)?,
        (None, None) => tx.insert_token(token_id, holder)?,
    }
    Ok(other)
}

/// The tokens that a new database begins with.
pub struct FirstTokens {
    /// The token of a principal that may resolve.
    pub approver: String,
    /// The token of a principal that may register.
    pub agent: String,
}

impl Service {
    /// Makes a token of an agent for `by`, who chooses the id of it, so that a repetition makes no second one.
    ///
    /// # Errors
    ///
    /// A refusal if `by` may not, the id is taken or the principal of this name is no agent, or an error of the store or of
    /// the system's random numbers.
    pub async fn make_agent_token(&self, by: &Caller, token_id: TokenId, agent: PrincipalName) -> Result<MadeToken> {
        by.require(Right::MakeTokens)?;
        let text = tokens::generate().map_err(|error| Error::Random(error.to_string()))?;
        let principal = Principal { name: agent, role: Role::Agent };
        let holder = TokenHash { token_sha256: tokens::digest(&text), principal };
        let made = self.write_as(by, move |tx, by| {
            if tx.has_token(&token_id)? {
                return Err(Refused::TokenIdTaken.into());
            }
            match add_token(tx, &token_id, &holder, Some(&by.name))? {
                Some(has) => Err(Refused::OtherRole { name: holder.principal.name.clone(), has }.into()),
                None => Ok::<_, Error>(tx.now()),
            }
        });
        Ok(MadeToken { made_at: made.await?, text })
    }

    /// Revokes a token of an agent for `by`; whether there is such a token. One that is revoked already stays as it is.
    ///
    /// # Errors
    ///
    /// A refusal if `by` may not, or an error of the store.
    pub async fn revoke_agent_token(&self, by: &Caller, token_id: TokenId) -> Result<bool> {
        by.require(Right::MakeTokens)?;
        let revoked = self.write_as(by, move |tx, by| {
            let tokens = tx.tokens()?.into_iter();
            let mut of_agents = tokens.filter(|token| token.principal.role == Role::Agent);
            let Some(token) = of_agents.find(|token| token.token_id == token_id) else { return Ok(false) };
            if token.revoked_at.is_none() {
                tx.revoke_token_by(&token, &by.name)?;
            }
            Ok::<_, Error>(true)
        });
        revoked.await
    }

    /// Every agent there ever was, by name, with its tokens that are in force.
    ///
    /// # Errors
    ///
    /// An error of the store.
    pub async fn agents(&self) -> Result<Vec<Agent>> {
        Ok(self.store.read(Priority::Human, |tx| tx.agents()).await?)
    }

    /// Makes an approver's and an agent's token where the database has no token at all.
    ///
    /// # Errors
    ///
    /// An error of the store, or of the system's random numbers.
    pub async fn first_tokens(&self) -> std::result::Result<Option<FirstTokens>, OpenError> {
        let [approver, agent] = [tokens::generate()?, tokens::generate()?];
        let holders =
            [(&approver, "approver", Role::Approver), (&agent, "agent", Role::Agent)].map(|(token, name, role)| {
                let principal = name.parse().map(|name| Principal { name, role });
                principal.map(|principal| TokenHash { token_sha256: tokens::digest(token), principal })
            });
        let made = self.write_itself(move |tx| {
            if !tx.tokens()?.is_empty() {
                return Ok::<_, store::Error>(false);
            }
            for holder in holders.iter().flatten() {
                tx.insert_token(&TokenId::generate(), holder)?;
            }
            Ok(true)
        });
        Ok(made.await?.then(|| FirstTokens { approver: approver.to_string(), agent: agent.to_string() }))
    }
}
