//! People log in to a browser: by a link that works once, or with their token. What they get is a session.

use zeroize::Zeroizing;

use super::{Caller, Error, Result, Service};
use crate::clock::Timestamp;
use crate::domain::enums::Role;
use crate::domain::id::SessionId;
use crate::domain::principal::{Principal, Right};
use crate::domain::refused::Refused;
use crate::store::Priority;
use crate::store::{LoggedInBy, ReadTx, Session, Token};
use crate::tokens;

/// How long a link works, in milliseconds: ten minutes, for who has just asked for it.
const LINK_MS: u64 = 10 * 60 * 1000;

/// How many links of one principal may work at a time: more than a person forgets in ten minutes.
const MOST_LINKS: u32 = 20;

/// How many sessions of one principal may go on at a time: the oldest ends where one more begins.
const MOST_SESSIONS: u32 = 50;

/// What a person shows to get a session.
#[derive(Debug)]
pub enum Credential {
    /// The code of a link, which is used up.
    Code(Zeroizing<String>),
    /// A token.
    Token(Zeroizing<String>),
}

/// What only the right one may know, and until when it works.
pub struct IssuedCredential {
    /// The text.
    pub text: Zeroizing<String>,
    /// Until when.
    pub expires_at: Timestamp,
    /// The same, in milliseconds from now.
    pub lasts_ms: u64,
}

impl From<Zeroizing<String>> for Credential {
    /// Tokens tell themselves apart.
    fn from(text: Zeroizing<String>) -> Self {
        if tokens::is_token(&text) { Self::Token(text) } else { Self::Code(text) }
    }
}

impl Service {
    /// Makes a link for who holds `token`: its code.
    ///
    /// # Errors
    ///
    /// A refusal if the token is not known, or too many links of its holder still work, or an error of the store.
    pub async fn make_login_link(&self, token: &str) -> Result<IssuedCredential> {
        let token_sha256 = tokens::digest(token);
        self.new_link(move |tx| Ok(tx.token(&token_sha256)?.ok_or(Refused::UnknownToken)?)).await
    }

    /// Makes a link for the first principal that may resolve, at the server's start; `None` where there is none.
    ///
    /// # Errors
    ///
    /// An error of the store, or of the system's random numbers.
    pub async fn make_first_login_link(&self) -> Result<Option<IssuedCredential>> {
        let first =
            |token: &Token| token.revoked_at.is_none() && matches!(token.principal.role, Role::Approver | Role::Admin);
        let tokens = self.store.read(Priority::Human, |tx| tx.tokens()).await?;
        let Some(token) = tokens.into_iter().find(first) else { return Ok(None) };
        self.new_link(move |_| Ok(token.clone())).await.map(Some)
    }

    async fn new_link(
        &self,
        whose: impl Fn(&ReadTx<'_>) -> Result<Token> + Send + 'static,
    ) -> Result<IssuedCredential> {
        let text = random_text()?;
        let code_sha256 = tokens::digest(&text);
        let made = self.write_itself(move |tx| {
            let expires_at = tx.now().plus_millis(LINK_MS).ok_or(Refused::DeadlineOutOfRange)?;
            let token = whose(tx)?;
            if tx.count_of_login_links(&token.principal.name)? >= MOST_LINKS {
                return Err(Refused::TooManyLoginLinks { limit: MOST_LINKS }.into());
            }
            tx.insert_login_link(&code_sha256, &token, expires_at)?;
            Ok::<_, Error>(expires_at)
        });
        Ok(IssuedCredential { expires_at: made.await?, lasts_ms: LINK_MS, text })
    }

    /// Begins a session in `browser`, as far as that is known, or says why not.
    ///
    /// # Errors
    ///
    /// A refusal if the credential is not known or used up, or its principal may not log in, or an error of the store.
    pub async fn log_in(&self, with: Credential, browser: Option<String>) -> Result<IssuedCredential> {
        let (digest, by) = match &with {
            Credential::Code(code) => (tokens::digest(code), LoggedInBy::Link),
            Credential::Token(token) => (tokens::digest(token), LoggedInBy::Token),
        };
        // Any client may try: an unknown credential takes no place in the writer's queue.
        let now = self.clock.now();
        self.store
            .read(Priority::Stranger, move |tx| match by {
                LoggedInBy::Link if !tx.is_login_link(&digest, now)? => Err(Refused::UsedLoginLink.into()),
                LoggedInBy::Token if tx.token(&digest)?.is_none() => Err(Refused::UnknownToken.into()),
                LoggedInBy::Link | LoggedInBy::Token => Ok::<_, Error>(()),
            })
            .await?;
        self.begin_session(digest, by, browser).await
    }

    async fn begin_session(
        &self,
        digest: [u8; 32],
        by: LoggedInBy,
        browser: Option<String>,
    ) -> Result<IssuedCredential> {
        let text = random_text()?;
        let session_sha256 = tokens::digest(&text);
        let lifetime = self.session_lifetime_ms;
        let begun = self.write_itself(move |tx| {
            let token = match by {
                LoggedInBy::Link => tx.use_login_link(&digest)?.ok_or(Refused::UsedLoginLink)?,
                LoggedInBy::Token => tx.token(&digest)?.ok_or(Refused::UnknownToken)?,
            };
            token.principal.require(Right::Review)?;
            let expires_at = tx.now().plus_millis(lifetime).ok_or(Refused::DeadlineOutOfRange)?;
            tx.end_sessions_beyond(&token.principal.name, MOST_SESSIONS)?;
            tx.insert_session(&session_sha256, &token, expires_at, by, browser.as_deref())?;
            Ok::<_, Error>(expires_at)
        });
        Ok(IssuedCredential { expires_at: begun.await?, lasts_ms: lifetime, text })
    }

    /// The sessions of `principal` that go on, the latest first, and of each whether it is `this`, the one that asks.
    ///
    /// # Errors
    ///
    /// An error of the store.
    pub async fn sessions(&self, principal: &Principal, this: &str) -> Result<Vec<(Session, bool)>> {
        let (name, this, now) = (principal.name.clone(), tokens::digest(this), self.clock.now());
        let found = self.store.read(Priority::Human, move |tx| tx.sessions_of(&name, now)).await?;
        Ok(found
            .into_iter()
            .map(|session| {
                let is_this = session.session_sha256 == this;
                (session, is_this)
            })
            .collect())
    }

    /// Ends a session of `by`; one that has ended, or is of another principal, stays as it is.
    ///
    /// # Errors
    ///
    /// An error of the store.
    pub async fn end_session(&self, by: &Caller, session_id: SessionId) -> Result<()> {
        self.end_sessions(by, move |session| session.session_id == session_id).await
    }

    /// Ends all sessions of `by` but `this`.
    ///
    /// # Errors
    ///
    /// An error of the store.
    pub async fn end_other_sessions(&self, by: &Caller, this: &str) -> Result<()> {
        let this = tokens::digest(this);
        self.end_sessions(by, move |session| session.session_sha256 != this).await
    }

    async fn end_sessions(&self, by: &Caller, which: impl Fn(&Session) -> bool + Send + 'static) -> Result<()> {
        self.write_as(by, move |tx, by| {
            for session in tx.sessions_of(&by.name, tx.now())?.iter().filter(|session| which(session)) {
                tx.end_session(&session.session_sha256)?;
            }
            Ok::<_, Error>(())
        })
        .await
    }

    /// Ends a session.
    ///
    /// # Errors
    ///
    /// An error of the store.
    pub async fn log_out(&self, session: &str) -> Result<()> {
        let session_sha256 = tokens::digest(session);
        self.write_itself(move |tx| Ok::<_, Error>(tx.end_session(&session_sha256)?)).await?;
        Ok(())
    }
}

fn random_text() -> Result<Zeroizing<String>> {
    tokens::random_text().map_err(|error| Error::Random(error.to_string()))
}
