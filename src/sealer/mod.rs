//! Secrets at rest: the key, the values, the addresses of channels, and the cipher between them (XChaCha20-Poly1305).
//!
//! A value is sealed before it comes near the database and opened only to be handed to the agent that asked. The request
//! and its kind are authenticated with it, so that a row moved to another request does not open. A value is sealed with the
//! newest key and opened with the one that sealed it.

mod key_file;

use std::io;
use std::path::{Path, PathBuf};

use chacha20poly1305::aead::{Aead, Payload};
use chacha20poly1305::{Key, KeyInit, XChaCha20Poly1305, XNonce};
use sha2::{Digest as _, Sha256};
use zeroize::Zeroizing;

use self::key_file::KeyBytes;
use crate::domain::channel::ChannelAddress;
use crate::domain::enums::Kind;
use crate::domain::id::{ChannelId, RequestId};
use crate::domain::secret_value::{SealedValue, SecretValue};

/// The bytes of an XChaCha20 nonce: large enough to be drawn at random for every value.
const NONCE_BYTES: usize = 24;

/// Why no key could be read or made.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// The file could not be read or made.
    #[error("the key file {}: {}", .0.display(), .1)]
    File(PathBuf, io::Error),
    /// Other users may read it.
    #[error("the key file {} can be read by other users: run `chmod 600` on it", .0.display())]
    Open(PathBuf),
    /// Its content is not a list of keys.
    #[error("the key file {} does not hold 64 hexadecimal digits in each line", .0.display())]
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
    /// Other servers seal with another key.
    #[error("the servers on this database seal with the key {shared}, which {} does not hold: copy the key file of one of them there", .path.display())]
    NotShared {
        /// The key file.
        path: PathBuf,
        /// The id of their key.
        shared: String,
    },
}

/// A value that does not open: damaged, moved, or sealed with another key.
#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error("a sealed value does not open with this key")]
pub struct Unopenable;

/// Seals values with the newest of its keys and opens them with any.
pub struct Sealer {
    newest: NamedKey,
    older: Vec<NamedKey>,
}

/// A key and its id.
struct NamedKey {
    bytes: KeyBytes,
    id: String,
}

impl NamedKey {
    fn new(bytes: KeyBytes) -> Self {
        let id = Sha256::new().chain_update(b"countersign key id\0").chain_update(bytes.as_slice()).finalize();
        Self { bytes, id: hex::encode(&id[..8]) }
    }

    fn cipher(&self) -> XChaCha20Poly1305 {
        XChaCha20Poly1305::new(&Key::from(*self.bytes))
    }
}

impl Sealer {
    /// Reads the keys in the file at `path`, or makes the file with a new key, readable by its owner only.
    ///
    /// # Errors
    ///
    /// If the file cannot be read or made, if other users may read it, or if its content is not a list of keys.
    pub fn from_file(path: &Path) -> Result<Self, KeyError> {
        if let Some(sealer) = Self::from_existing_file(path)? {
            return Ok(sealer);
        }
        let failed = |error| KeyError::File(path.to_owned(), error);
        // Servers that share a database may begin at once on one machine: the key that one has made is the key of all.
        let _alone = key_file::lock_directory(path).map_err(failed)?;
        if let Some(sealer) = Self::from_existing_file(path)? {
            return Ok(sealer);
        }
        let key = key_file::generate().map_err(failed)?;
        key_file::write(path, std::iter::once(&key)).map_err(failed)?;
        Ok(Self { newest: NamedKey::new(key), older: Vec::new() })
    }

    /// Reads the keys in the file at `path`; `None` where there is no file.
    ///
    /// # Errors
    ///
    /// If the file cannot be read, if other users may read it, or if its content is not a list of keys.
    pub fn from_existing_file(path: &Path) -> Result<Option<Self>, KeyError> {
        let mut keys = key_file::read(path)?.unwrap_or_default().into_iter().map(NamedKey::new);
        Ok(keys.next().map(|newest| Self { newest, older: keys.collect() }))
    }

    /// Adds a new key, which seals from now on.
    ///
    /// # Errors
    ///
    /// If the system gives no random numbers.
    pub fn with_new_key(self) -> io::Result<Self> {
        let newest = NamedKey::new(key_file::generate()?);
        Ok(Self { newest, older: std::iter::once(self.newest).chain(self.older).collect() })
    }

    /// Removes every key but the newest.
    #[must_use]
    pub fn without_older_keys(self) -> Self {
        Self { newest: self.newest, older: Vec::new() }
    }

    /// Replaces the file at `path` with one that holds these keys.
    ///
    /// # Errors
    ///
    /// If the file cannot be written; the old one is then still there.
    pub fn write_file(&self, path: &Path) -> Result<(), KeyError> {
        let keys = self.keys().map(|key| &key.bytes);
        key_file::write(path, keys).map_err(|error| KeyError::File(path.to_owned(), error))
    }

    fn keys(&self) -> impl Iterator<Item = &NamedKey> {
        std::iter::once(&self.newest).chain(&self.older)
    }

    /// Returns the id of the newest key, which seals.
    #[must_use]
    pub fn key_id(&self) -> &str {
        &self.newest.id
    }

    /// Returns the ids of all keys, the newest first.
    #[must_use]
    pub fn key_ids(&self) -> Vec<String> {
        self.keys().map(|key| key.id.clone()).collect()
    }

    /// Derives a key for another use from the newest key: neither tells anything of the other.
    #[must_use]
    pub fn derived_key(&self, purpose: &str) -> Zeroizing<[u8; 32]> {
        let digest = Sha256::new().chain_update(b"countersign derived key\0").chain_update(purpose).chain_update(b"\0");
        Zeroizing::new(digest.chain_update(self.newest.bytes.as_slice()).finalize().into())
    }

    /// Encrypts the value given for a request.
    ///
    /// # Errors
    ///
    /// If the system gives no random numbers.
    pub fn seal(&self, request_id: &RequestId, value: &SecretValue) -> io::Result<SealedValue> {
        self.seal_bytes(value.expose().as_bytes(), &secret_data(request_id))
    }

    /// Decrypts the value that was sealed for a request.
    ///
    /// # Errors
    ///
    /// If the value is damaged, belongs to another request, or was sealed with a key that is not here.
    pub fn open(&self, request_id: &RequestId, sealed: &SealedValue) -> Result<SecretValue, Unopenable> {
        let mut value = self.open_bytes(sealed, &secret_data(request_id))?;
        String::from_utf8(std::mem::take(&mut *value)).map(SecretValue::exactly).map_err(|_| Unopenable)
    }

    /// Encrypts the address of a channel, with its secrets.
    ///
    /// # Errors
    ///
    /// If the system gives no random numbers.
    pub fn seal_channel(&self, channel_id: &ChannelId, address: &ChannelAddress) -> io::Result<SealedValue> {
        self.seal_bytes(&Zeroizing::new(serde_json::to_vec(address)?), &channel_data(channel_id))
    }

    /// Decrypts the address that was sealed for a channel.
    ///
    /// # Errors
    ///
    /// As [`Sealer::open`].
    pub fn open_channel(&self, channel_id: &ChannelId, sealed: &SealedValue) -> Result<ChannelAddress, Unopenable> {
        let address = self.open_bytes(sealed, &channel_data(channel_id))?;
        serde_json::from_slice(&address).map_err(|_| Unopenable)
    }

    /// Encrypts the private half of the key that push services know this server by.
    ///
    /// # Errors
    ///
    /// If the system gives no random numbers.
    pub fn seal_push_key(&self, private: &[u8]) -> io::Result<SealedValue> {
        self.seal_bytes(private, PUSH_KEY_DATA)
    }

    /// Decrypts it.
    ///
    /// # Errors
    ///
    /// As [`Sealer::open`].
    pub fn open_push_key(&self, sealed: &SealedValue) -> Result<Zeroizing<Vec<u8>>, Unopenable> {
        self.open_bytes(sealed, PUSH_KEY_DATA)
    }

    fn seal_bytes(&self, bytes: &[u8], aad: &[u8]) -> io::Result<SealedValue> {
        let mut nonce = [0; NONCE_BYTES];
        getrandom::fill(&mut nonce).map_err(io::Error::other)?;
        let payload = Payload { msg: bytes, aad };
        let ciphertext = self.newest.cipher().encrypt(&XNonce::from(nonce), payload).map_err(io::Error::other)?;
        Ok(SealedValue { key_id: self.newest.id.clone(), bytes: [nonce.as_slice(), &ciphertext].concat() })
    }

    fn open_bytes(&self, sealed: &SealedValue, aad: &[u8]) -> Result<Zeroizing<Vec<u8>>, Unopenable> {
        let key = self.keys().find(|key| key.id == sealed.key_id).ok_or(Unopenable)?;
        let (nonce, ciphertext) = sealed.bytes.split_first_chunk::<NONCE_BYTES>().ok_or(Unopenable)?;
        let payload = Payload { msg: ciphertext, aad };
        key.cipher().decrypt(&XNonce::from(*nonce), payload).map(Zeroizing::new).map_err(|_| Unopenable)
    }
}

/// The data that is authenticated with a value. An id holds no NUL, so no two requests share it.
fn secret_data(request_id: &RequestId) -> Vec<u8> {
    ["countersign secret", Kind::Secret.as_str(), request_id.as_str()].join("\0").into_bytes()
}

/// The data that is authenticated with the address of a channel.
fn channel_data(channel_id: &ChannelId) -> Vec<u8> {
    ["countersign channel", channel_id.as_str()].join("\0").into_bytes()
}

/// The data that is authenticated with the key for push services.
const PUSH_KEY_DATA: &[u8] = b"countersign push key";

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::PermissionsExt;

    use zeroize::Zeroizing;

    use super::*;

    fn with_key(key: [u8; 32]) -> Sealer {
        Sealer { newest: NamedKey::new(Zeroizing::new(key)), older: Vec::new() }
    }

    fn value(text: &str) -> SecretValue {
        serde_json::from_value(text.into()).unwrap()
    }

    #[test]
    fn a_sealed_value_opens_only_for_its_own_request_and_key() {
        let [a, b]: [RequestId; 2] = ["a", "b"].map(|id| id.parse().unwrap());
        let sealer = with_key([1; 32]);
        let sealed = sealer.seal(&a, &value("hunter2")).unwrap();
        assert!(!sealed.bytes.windows(7).any(|window| window == b"hunter2"));
        assert!(sealer.open(&a, &sealed).unwrap().is_same(&value(" hunter2\n")));
        assert!(sealer.open(&b, &sealed).is_err());
        assert!(with_key([2; 32]).open(&a, &sealed).is_err());
        for at in 0..sealed.bytes.len() {
            let mut damaged = sealed.clone();
            damaged.bytes[at] ^= 1;
            assert!(sealer.open(&a, &damaged).is_err(), "byte {at} may be changed");
        }
    }

    #[test]
    fn the_address_of_a_channel_opens_for_that_channel_alone() {
        let [a, b]: [ChannelId; 2] = ["a", "b"].map(|id| id.parse().unwrap());
        let sealer = with_key([1; 32]);
        let address = ChannelAddress::new("https://hooks.example/T0/secret".to_owned());
        let sealed = sealer.seal_channel(&a, &address).unwrap();
        assert!(sealer.open_channel(&a, &sealed).unwrap() == address);
        assert!(sealer.open_channel(&b, &sealed).is_err());
        assert!(sealer.open(&"a".parse().unwrap(), &sealed).is_err(), "an address is no secret of a request");
        assert!(sealer.open_push_key(&sealed).is_err());
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
    fn a_new_key_seals_and_the_old_one_opens_until_it_is_forgotten() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("secrets.key");
        let request: RequestId = "a".parse().unwrap();
        let old = Sealer::from_file(&path).unwrap();
        let sealed = old.seal(&request, &value("hush")).unwrap();
        let old_inode = fs::File::open(&path).unwrap();
        old.with_new_key().unwrap().write_file(&path).unwrap();
        let mut was = String::new();
        std::io::Read::read_to_string(&mut &old_inode, &mut was).unwrap();
        assert!(was.chars().all(|c| c == '\0') && was.len() == 65, "the old file is written over");
        let both = Sealer::from_file(&path).unwrap();
        assert!(both.open(&request, &sealed).is_ok());
        let anew = both.seal(&request, &value("hush")).unwrap();
        assert_ne!(anew.key_id, sealed.key_id);
        let newest = both.without_older_keys();
        newest.write_file(&path).unwrap();
        assert_eq!(Sealer::from_file(&path).unwrap().key_ids(), [newest.key_id()]);
        assert!(newest.open(&request, &anew).is_ok() && newest.open(&request, &sealed).is_err());
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    }

    #[test]
    fn an_empty_value_is_refused() {
        assert!(serde_json::from_str::<SecretValue>("\" \\n\"").is_err());
    }
}
