//! Bearer tokens: 256 random bits that are known only by their SHA-256.
//!
//! The digests in force are kept in memory and read anew whenever another process has written to the database, which every
//! request checks first: a token that was made or revoked, by a command or in any other way, is so for the very next request. Of a
//! database on PostgreSQL a server learns a moment later what others have written: there a token that is not known is looked for in
//! the database before it is refused.

use std::collections::HashMap;
use std::io;
use std::sync::{Arc, PoisonError, RwLock};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use crate::domain::principal::Principal;
use crate::store::{Generation, Priority, Store, TokenHash};

/// The prefix of every token, by which it is recognised where it should not be, in a log or a repository.
const PREFIX: &str = "csgn_";

/// How many bytes of a digest find its candidates. The rest is compared in constant time, so that timing tells nothing of it.
const FINDER_BYTES: usize = 8;

/// Makes the text of a new token.
///
/// # Errors
///
/// If the system gives no random numbers.
pub fn generate() -> io::Result<Zeroizing<String>> {
    Ok(Zeroizing::new(format!("{PREFIX}{}", *random_text()?)))
}

/// Makes 256 random bits as text that is safe in a URL and in a cookie.
///
/// # Errors
///
/// If the system gives no random numbers.
pub fn random_text() -> io::Result<Zeroizing<String>> {
    let mut random = Zeroizing::new([0_u8; 32]);
    getrandom::fill(random.as_mut_slice()).map_err(io::Error::other)?;
    Ok(Zeroizing::new(URL_SAFE_NO_PAD.encode(random.as_slice())))
}

/// Whether `text` looks like a token.
#[must_use]
pub fn is_token(text: &str) -> bool {
    text.starts_with(PREFIX)
}

/// Returns the SHA-256 of a token, which is all that is stored of it.
#[must_use]
pub fn digest(token: &str) -> [u8; 32] {
    Sha256::digest(token).into()
}

/// The tokens in force, kept in memory.
#[derive(Default)]
pub struct Tokens {
    known: RwLock<Option<Known>>,
}

/// The tokens in force at one generation.
struct Known {
    generation: Generation,
    holders: HashMap<[u8; FINDER_BYTES], Vec<(TokenHash, Arc<Principal>)>>,
}

impl Tokens {
    /// Returns the principal that holds the token of this digest, and the version of the tokens at which it does; `None` for a
    /// token that is not known or not in force.
    ///
    /// # Errors
    ///
    /// If the tokens have changed and cannot be read anew.
    pub async fn holder(
        &self,
        token_sha256: &[u8; 32],
        store: &Store,
    ) -> Result<Option<(Arc<Principal>, Generation)>, crate::store::Error> {
        let generation = store.token_generation()?;
        match self.find(generation, token_sha256) {
            Some(Some(holder)) => return Ok(Some((holder, generation))),
            Some(None) if !Box::pin(store.has_new_token(token_sha256)).await? => return Ok(None),
            Some(None) | None => {}
        }
        // Read before the rows are: a change in between is then found by the next request.
        let generation = store.token_generation()?;
        // On the heap, since it is rare: what every request carries along should be small.
        let holders = Box::pin(store.read(Priority::Human, |tx| tx.active_tokens())).await?;
        let mut known = Known { generation, holders: HashMap::new() };
        for holder in holders {
            let principal = Arc::new(holder.principal.clone());
            known.holders.entry(finder(&holder.token_sha256)).or_default().push((holder, principal));
        }
        let found = known.find(token_sha256);
        *self.known.write().unwrap_or_else(PoisonError::into_inner) = Some(known);
        Ok(found.map(|principal| (principal, generation)))
    }

    /// `None` when what is known is of another generation.
    fn find(&self, generation: Generation, token_sha256: &[u8; 32]) -> Option<Option<Arc<Principal>>> {
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
        known.as_ref().filter(|known| known.generation == generation).map(|known| known.find(token_sha256))
    }
}

impl Known {
    fn find(&self, token_sha256: &[u8; 32]) -> Option<Arc<Principal>> {
        let candidates = self.holders.get(&finder(token_sha256))?;
        let same = |holder: &TokenHash| bool::from(holder.token_sha256.ct_eq(token_sha256));
        candidates.iter().find(|(holder, _)| same(holder)).map(|(_, principal)| Arc::clone(principal))
    }
}

fn finder(digest: &[u8; 32]) -> [u8; FINDER_BYTES] {
    let mut finder = [0; FINDER_BYTES];
    finder.copy_from_slice(&digest[..FINDER_BYTES]);
    finder
}
