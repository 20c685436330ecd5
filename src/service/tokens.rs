//! Bearer tokens: the principal of a request, and the tokens of a new database.

use std::sync::Arc;

use super::{OpenError, Result, Service};
use crate::domain::enums::Role;
use crate::domain::id::TokenId;
use crate::domain::principal::Principal;
use crate::store::{self, Priority, TokenHash};
use crate::tokens;

/// The tokens that a new database begins with.
pub struct FirstTokens {
    /// The token of a principal that may resolve.
    pub approver: String,
    /// The token of a principal that may register.
    pub agent: String,
}

impl Service {
    /// Returns the principal that holds `token`, if the token is known and in force.
    ///
    /// # Errors
    ///
    /// An error of the store.
    pub async fn authenticate(&self, token: &str) -> Result<Option<Arc<Principal>>> {
        Ok(self.tokens.holder(token, &self.store).await?)
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
        let made = self.store.write(Priority::Human, move |tx| {
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
