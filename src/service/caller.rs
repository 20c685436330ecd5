//! Who a request comes from, and that it still may ask for anything in the very transaction that does what it asks.
//!
//! A request is authenticated before it comes here. Until the writer has its work, its token may be revoked, or its session end:
//! nothing is written then.

use std::ops::Deref;
use std::sync::Arc;

use super::{Error, Result, Service};
use crate::domain::principal::Principal;
use crate::store::{self, Generation, Priority, ReadTx, Wants, WriteTx};
use crate::tokens;

/// The principal of a request, with what the request came with: the token's or the session's digest, never its text.
#[derive(Clone, Debug)]
pub struct Caller {
    principal: Arc<Principal>,
    credential: Credential,
}

#[derive(Clone, Copy, Debug)]
enum Credential {
    Token {
        sha256: [u8; 32],
        /// The version of the tokens at which this one was in force.
        generation: Generation,
    },
    Session {
        sha256: [u8; 32],
    },
}

impl Deref for Caller {
    type Target = Principal;

    fn deref(&self) -> &Principal {
        &self.principal
    }
}

impl Caller {
    /// Whether no token has changed since this one's was found in force. A session ends by itself, too, so its row has to be
    /// read.
    fn is_known(&self, tx: &WriteTx<'_>) -> bool {
        matches!(self.credential, Credential::Token { generation, .. } if tx.is_of_generation(generation))
    }

    /// Refuses a caller whose token or session is not in force at the time of this transaction.
    fn check(&self, tx: &WriteTx<'_>) -> Result<()> {
        if self.is_known(tx) {
            return Ok(());
        }
        let is_in_force = match &self.credential {
            Credential::Token { sha256, .. } => tx.token(sha256)?.is_some(),
            Credential::Session { sha256 } => tx.session(sha256, tx.now())?.is_some(),
        };
        if is_in_force { Ok(()) } else { Err(self.refused()) }
    }

    const fn refused(&self) -> Error {
        match self.credential {
            Credential::Token { .. } => Error::UnknownToken,
            Credential::Session { .. } => Error::UnknownSession,
        }
    }
}

impl Service {
    /// Who holds the token of this SHA-256, if it is known and in force.
    ///
    /// # Errors
    ///
    /// An error of the store.
    pub async fn authenticate(&self, token_sha256: &[u8; 32]) -> Result<Option<Caller>> {
        let found = self.tokens.holder(token_sha256, &self.store).await?;
        Ok(found.map(|(principal, generation)| {
            let credential = Credential::Token { sha256: *token_sha256, generation };
            Caller { principal, credential }
        }))
    }

    /// Whose session this is, if it goes on.
    ///
    /// # Errors
    ///
    /// An error of the store.
    pub async fn session(&self, session: &str) -> Result<Option<Caller>> {
        let sha256 = tokens::digest(session);
        let found = self.holder_of_session(sha256).await?;
        let credential = Credential::Session { sha256 };
        Ok(found.map(|principal| Caller { principal: Arc::new(principal), credential }))
    }

    async fn holder_of_session(&self, sha256: [u8; 32]) -> store::Result<Option<Principal>> {
        let now = self.clock.now();
        self.store.read(Priority::Human, move |tx: &ReadTx<'_>| tx.session(&sha256, now)).await
    }

    /// Looks at a caller again, after a wait.
    ///
    /// # Errors
    ///
    /// [`Error::UnknownToken`] or [`Error::UnknownSession`] where what it came with is no longer in force, or an error of the
    /// store.
    pub async fn check_caller(&self, caller: &Caller) -> Result<()> {
        let is_in_force = match &caller.credential {
            Credential::Token { sha256, .. } => self.tokens.holder(sha256, &self.store).await?.is_some(),
            Credential::Session { sha256 } => self.holder_of_session(*sha256).await?.is_some(),
        };
        if is_in_force { Ok(()) } else { Err(caller.refused()) }
    }

    /// Writes what `by` wants, as [`crate::store::Store::write`] does, unless what `by` came with is no longer in force then: whatever a
    /// principal causes is written by this.
    ///
    /// # Errors
    ///
    /// [`Error::UnknownToken`] or [`Error::UnknownSession`], the error of `work`, or one of the store.
    pub(super) async fn write_as<T, F>(&self, by: &Caller, work: F) -> Result<T>
    where
        F: FnMut(&mut WriteTx<'_>, &Principal) -> Result<T> + Send + 'static,
        T: Send + 'static,
    {
        self.write_about(by, None, work).await
    }

    /// The same for work that reads first what it `wants`.
    ///
    /// # Errors
    ///
    /// The same.
    pub(super) async fn write_about<T, F>(&self, by: &Caller, wants: impl Into<Option<Wants>>, mut work: F) -> Result<T>
    where
        F: FnMut(&mut WriteTx<'_>, &Principal) -> Result<T> + Send + 'static,
        T: Send + 'static,
    {
        let by = by.clone();
        let priority = Priority::of(&by);
        let checked = move |tx: &mut WriteTx<'_>| {
            by.check(tx)?;
            work(tx, &by)
        };
        self.store.write_about(priority, wants.into(), checked).await
    }

    /// Writes what the server does by itself, or for who is no caller yet.
    ///
    /// # Errors
    ///
    /// The error of `work`, or one of the store.
    pub(super) async fn write_itself<T, E, F>(&self, work: F) -> std::result::Result<T, E>
    where
        F: FnMut(&mut WriteTx<'_>) -> std::result::Result<T, E> + Send + 'static,
        T: Send + 'static,
        E: From<store::Error> + Send + 'static,
    {
        self.store.write(Priority::Human, work).await
    }
}
