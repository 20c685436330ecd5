//! From the command line's flags, the environment and the credentials file to a client: which server, which token.

use std::fs;
use std::path::Path;
use std::time::Duration;

use zeroize::Zeroizing;

use super::transport::{self, Patience};
use super::{Client, OpenError};
use crate::config::{Access, ServerUrl, token_of_environment};
use crate::credentials::Credentials;
use crate::domain::enums::Role;

/// A token, and where it came from.
pub(super) struct Token {
    pub(super) text: Zeroizing<String>,
    pub(super) from: String,
    /// Whether it is a stored one: found in the credentials file, and not handed over.
    pub(super) is_stored: bool,
}

impl Client {
    /// A client that speaks as an agent where `role` is one, and as a person otherwise.
    pub fn open(access: &Access, role: Role) -> Result<Self, OpenError> {
        Self::open_with(access, role, Patience::default())
    }

    /// The same, for what nobody waits for: no call takes longer than `patience`.
    pub fn open_for(access: &Access, role: Role, patience: Duration) -> Result<Self, OpenError> {
        Self::open_with(access, role, Patience::of(patience))
    }

    fn open_with(access: &Access, role: Role, patience: Patience) -> Result<Self, OpenError> {
        let token = match (&access.token_file, token_of_environment()) {
            (Some(path), _) => Some(token_in(path)?),
            (None, Some(text)) => Some(Token::of(&text, "COUNTERSIGN_TOKEN".to_owned())),
            (None, None) => None,
        };
        let path = match &token {
            // Nothing needs the file then: it may not even have a place.
            Some(_) if access.url.is_some() => None,
            Some(_) | None => access.credentials().path()?,
        };
        let kept = path.as_deref().map(Credentials::read).transpose()?.flatten();
        let (token, url) = match (token, path, kept) {
            (Some(token), _, kept) => {
                (token, access.url.clone().or_else(|| kept.map(|kept| kept.url)).unwrap_or_default())
            }
            (None, Some(path), Some(kept)) => {
                let token = if role == Role::Agent { &kept.agent } else { &kept.approver };
                let token = Token { is_stored: true, ..Token::of(token, shown(&path)) };
                match &access.url {
                    // A token is a secret between it and its own server.
                    Some(url) if *url != kept.url => {
                        return Err(OpenError::OtherServer { path, has: kept.url, wanted: url.clone(), role });
                    }
                    Some(_) | None => (token, kept.url),
                }
            }
            (None, _, _) => return Err(OpenError::NoToken(role)),
        };
        Self::new(url, token, access.ca_file.as_deref(), patience)
    }

    fn new(url: ServerUrl, token: Token, ca_file: Option<&Path>, patience: Patience) -> Result<Self, OpenError> {
        let (agent, base) = transport::agent(&url, ca_file, patience)?;
        Ok(Self { url, base, agent, token })
    }
}

fn token_in(path: &Path) -> Result<Token, OpenError> {
    let text = fs::read_to_string(path).map(Zeroizing::new);
    let text = text.map_err(|error| OpenError::File(path.to_owned(), error))?;
    let is_token = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_graphic());
    if is_token(text.trim()) { Ok(Token::of(&text, shown(path))) } else { Err(OpenError::NoTokenIn(path.to_owned())) }
}

impl Token {
    fn of(text: &str, from: String) -> Self {
        Self { text: Zeroizing::new(text.trim().to_owned()), from, is_stored: false }
    }
}

fn shown(path: &Path) -> String {
    path.display().to_string()
}
