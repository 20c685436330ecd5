//! Secrets at rest: the key, the values, and the cipher between them (XChaCha20-Poly1305).
//!
//! A value is sealed before it comes near the database and opened only to be handed to the agent that asked. The request
//! and its kind are authenticated with it, so that a row moved to another request does not open.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use chacha20poly1305::aead::{Aead, Payload};
use chacha20poly1305::{Key, KeyInit, XChaCha20Poly1305, XNonce};
use serde::{Deserialize, Deserializer};
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use crate::domain::id::RequestId;
use crate::domain::words::Kind;
use crate::store::SealedValue;

/// The bytes of an XChaCha20 nonce: large enough to be drawn at random for every value.
const NONCE_BYTES: usize = 24;

/// The value of a secret, trimmed at its edges. It cannot be printed, logged, serialized or stored by mistake, and its
/// memory is wiped when it is dropped.
pub struct SecretValue(Zeroizing<String>);

impl SecretValue {
    /// The value itself, for the answer to the agent that asked for it.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// Whether both are the same, in a time that tells nothing of how much of them is.
    #[must_use]
    pub fn is_same(&self, other: &Self) -> bool {
        self.0.as_bytes().ct_eq(other.0.as_bytes()).into()
    }
}

impl<'de> Deserialize<'de> for SecretValue {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        // serde's own words would repeat a number or a boolean that was sent in place of a text.
        let not_text = |_| serde::de::Error::custom("the value is a string");
        let untrimmed = Zeroizing::new(String::deserialize(deserializer).map_err(not_text)?);
        match untrimmed.trim() {
            "" => Err(serde::de::Error::custom("the value is empty; leave it out to decline")),
            trimmed => Ok(Self(Zeroizing::new(trimmed.to_owned()))),
        }
    }
}

/// Why there is no key.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// The file could not be read or made.
    #[error("the key file {}: {}", .0.display(), .1)]
    File(PathBuf, io::Error),
    /// Others than its owner may read it.
    #[error("the key file {} can be read by others: chmod 600 it", .0.display())]
    Open(PathBuf),
    /// It is no key.
    #[error("the key file {} does not hold 64 hexadecimal digits", .0.display())]
    Malformed(PathBuf),
    /// The database holds secrets that another key sealed.
    #[error("the key in {} is not the one that sealed the secrets in this database (it has id {}, they have {})", .path.display(), .found, .needed)]
    Other {
        /// The key file.
        path: PathBuf,
        /// The id of the key in it.
        found: String,
        /// The id of the key that is needed.
        needed: String,
    },
}

/// A value that does not open: damaged, moved, or sealed with another key.
#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error("a sealed value does not open with this key")]
pub struct Unopenable;

/// Seals and opens values with one key.
pub struct Sealer {
    cipher: XChaCha20Poly1305,
    key_id: String,
}

impl Sealer {
    /// With the key in the file at `path`; where there is no file, a new key is made in it, for its owner's eyes alone.
    pub fn from_file(path: &Path) -> Result<Self, KeyError> {
        let failed = |error| KeyError::File(path.to_owned(), error);
        let text = match fs::read_to_string(path) {
            Ok(text) => Zeroizing::new(text),
            Err(error) if error.kind() == io::ErrorKind::NotFound => create_key(path).map_err(failed)?,
            Err(error) => return Err(failed(error)),
        };
        if fs::metadata(path).map_err(failed)?.permissions().mode() & 0o077 != 0 {
            return Err(KeyError::Open(path.to_owned()));
        }
        let mut key = Zeroizing::new([0; 32]);
        hex::decode_to_slice(text.trim(), key.as_mut_slice()).map_err(|_| KeyError::Malformed(path.to_owned()))?;
        Ok(Self::with_key(&key))
    }

    fn with_key(key: &[u8; 32]) -> Self {
        let id = Sha256::new().chain_update(b"countersign key id\0").chain_update(key).finalize();
        Self { cipher: XChaCha20Poly1305::new(&Key::from(*key)), key_id: hex::encode(&id[..8]) }
    }

    /// What the key is called in the database.
    #[must_use]
    pub fn key_id(&self) -> &str {
        &self.key_id
    }

    /// Seals the value given for a request.
    pub fn seal(&self, request_id: &RequestId, value: &SecretValue) -> io::Result<SealedValue> {
        let mut nonce = [0; NONCE_BYTES];
        getrandom::fill(&mut nonce).map_err(io::Error::other)?;
        let aad = associated_data(request_id);
        let payload = Payload { msg: value.expose().as_bytes(), aad: &aad };
        let ciphertext = self.cipher.encrypt(&XNonce::from(nonce), payload).map_err(io::Error::other)?;
        Ok(SealedValue { key_id: self.key_id.clone(), bytes: [nonce.as_slice(), &ciphertext].concat() })
    }

    /// Opens what was sealed for a request.
    pub fn open(&self, request_id: &RequestId, sealed: &SealedValue) -> Result<SecretValue, Unopenable> {
        let (nonce, ciphertext) = sealed.bytes.split_first_chunk::<NONCE_BYTES>().ok_or(Unopenable)?;
        let aad = associated_data(request_id);
        let payload = Payload { msg: ciphertext, aad: &aad };
        let value = self.cipher.decrypt(&XNonce::from(*nonce), payload).map_err(|_| Unopenable)?;
        String::from_utf8(value).map(|value| SecretValue(Zeroizing::new(value))).map_err(|_| Unopenable)
    }
}

/// What is authenticated with a value. An id holds no NUL, so no two requests share it.
fn associated_data(request_id: &RequestId) -> Vec<u8> {
    ["countersign secret", Kind::Secret.as_str(), request_id.as_str()].join("\0").into_bytes()
}

/// Makes a new key; it is on the disk, whole, before anything is sealed with it.
fn create_key(path: &Path) -> io::Result<Zeroizing<String>> {
    let mut key = Zeroizing::new([0; 32]);
    getrandom::fill(key.as_mut_slice()).map_err(io::Error::other)?;
    let text = Zeroizing::new(hex::encode(key.as_slice()) + "\n");
    let directory = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    fs::create_dir_all(directory)?;
    let mut draft = path.as_os_str().to_owned();
    draft.push(".new");
    let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&draft)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    fs::rename(&draft, path)?;
    File::open(directory)?.sync_all()?;
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value(text: &str) -> SecretValue {
        serde_json::from_value(text.into()).unwrap()
    }

    #[test]
    fn a_sealed_value_opens_only_for_its_own_request_and_key() {
        let [a, b]: [RequestId; 2] = ["a", "b"].map(|id| id.parse().unwrap());
        let sealer = Sealer::with_key(&[1; 32]);
        let sealed = sealer.seal(&a, &value("hunter2")).unwrap();
        assert!(!sealed.bytes.windows(7).any(|window| window == b"hunter2"));
        assert!(sealer.open(&a, &sealed).unwrap().is_same(&value(" hunter2\n")));
        assert!(sealer.open(&b, &sealed).is_err());
        assert!(Sealer::with_key(&[2; 32]).open(&a, &sealed).is_err());
        for at in 0..sealed.bytes.len() {
            let mut damaged = sealed.clone();
            damaged.bytes[at] ^= 1;
            assert!(sealer.open(&a, &damaged).is_err(), "byte {at} may be changed");
        }
    }

    #[test]
    fn a_key_file_is_made_for_its_owner_alone_and_found_again() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("made/secrets.key");
        let first = Sealer::from_file(&path).unwrap();
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(Sealer::from_file(&path).unwrap().key_id(), first.key_id());
        fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
        assert!(matches!(Sealer::from_file(&path), Err(KeyError::Open(_))));
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        fs::write(&path, "not a key").unwrap();
        assert!(matches!(Sealer::from_file(&path), Err(KeyError::Malformed(_))));
    }

    #[test]
    fn an_empty_value_is_refused() {
        assert!(serde_json::from_str::<SecretValue>("\" \\n\"").is_err());
    }
}
