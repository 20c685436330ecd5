//! The key that seals secrets: opened with the database, and exchanged for a new one.
//!
//! The key file has both keys from before the COMMIT of the one transaction until after it: whenever the process dies, what
//! is in the database opens with a key that is in the file.

use std::path::Path;

use serde_json::json;

use super::OpenError as ServiceOpenError;
use crate::clock::Clock;
use crate::config::Location;
use crate::domain::audit::{Event, NewAuditEvent};
use crate::domain::id::RequestId;
use crate::sealer::{KeyError, Sealer};
use crate::store::{self, ExclusiveDatabase, OpenError, Priority, Store, WriteTx};

/// How many values are in memory at once.
const CHUNK: u32 = 500;

/// What a rotation did.
#[derive(Debug)]
pub struct Rotated {
    /// The keys that are no more.
    pub old_key_ids: Vec<String>,
    /// The key that seals everything now.
    pub new_key_id: String,
    /// How many values were sealed anew.
    pub values: u64,
}

/// Why the key is the one that it was.
#[derive(Debug, thiserror::Error)]
pub enum RotateError {
    /// The database.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// The transaction.
    #[error(transparent)]
    Store(#[from] store::Error),
    /// The old seals are still in the database's log, so the old key is still in the key file.
    #[error(
        "everything is sealed with the new key, but the old seals could not be removed ({0}): run it again when no other process has the database open"
    )]
    StillRead(store::Error),
    /// The key file.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// There is nothing to rotate.
    #[error("there is no key file at {0}: the server makes one when it starts")]
    NoKey(String),
    /// A value does not open.
    #[error("the secret of {0} does not open with its key: nothing was changed")]
    Unopenable(RequestId),
    /// The address of a channel, or the key for push services, does not open.
    #[error("{0} does not open with its key: nothing was changed")]
    UnopenableChannel(String),
    /// The system's randomness.
    #[error(transparent)]
    Io(#[from] std::io::Error),
}

/// Opens the key file, which has to hold the keys of all that is sealed, or makes one where nothing is.
pub(super) async fn open_sealer(store: &Store, key_path: &Path) -> Result<Sealer, ServiceOpenError> {
    // Asked of the connection that writes: it has read the schema already, which takes each other one milliseconds.
    let needed = store.write(Priority::Human, |tx| tx.keys_in_use()).await?;
    let sealer = Sealer::from_existing_file(key_path)?;
    let found = sealer.as_ref().map(Sealer::key_ids).unwrap_or_default();
    check_keys(key_path, &found, &needed)?;
    if !store.is_shared() {
        return Ok(sealer.map_or_else(|| Sealer::from_file(key_path), Ok)?);
    }
    let shared = store.read(Priority::Human, |tx| tx.shared_key()).await?;
    check_shared_key(key_path, &found, shared.as_deref())?;
    let sealer = sealer.map_or_else(|| Sealer::from_file(key_path), Ok)?;
    // Where several servers have begun at once, each with a key of its own, all but one are told of that one's.
    let own = sealer.key_id().to_owned();
    let shared = store.write(Priority::Human, move |tx| tx.share_key(&own)).await?;
    check_shared_key(key_path, &sealer.key_ids(), shared.as_deref())?;
    Ok(sealer)
}

/// Checks that what this server seals is opened by the others, too.
fn check_shared_key(key_path: &Path, found: &[String], shared: Option<&str>) -> Result<(), KeyError> {
    match shared {
        Some(shared) if !found.iter().any(|found| found == shared) => {
            Err(KeyError::NotShared { path: key_path.to_owned(), shared: shared.to_owned() })
        }
        Some(_) | None => Ok(()),
    }
}

/// Checks that the keys that were `found` open all that is sealed.
fn check_keys(key_path: &Path, found: &[String], needed: &[String]) -> Result<(), KeyError> {
    match needed.iter().find(|needed| !found.contains(needed)) {
        Some(needed) => {
            let found = if found.is_empty() { "none".to_owned() } else { found.join(", ") };
            Err(KeyError::Other { path: key_path.to_owned(), found, needed: needed.clone() })
        }
        None => Ok(()),
    }
}

/// Makes a new key in the file at `key_path` and seals every value in the database with it, in one transaction.
/// No server may run meanwhile: it would go on sealing with the old key.
///
/// # Errors
///
/// If a server uses the database, a value does not open with the old key, or a file cannot be written. [`RotateError`]
/// says whether the old key is still needed.
pub fn rotate_key(location: &Location, key_path: &Path, clock: &dyn Clock) -> Result<Rotated, RotateError> {
    let database = ExclusiveDatabase::open(location)?;
    let old = Sealer::from_existing_file(key_path)?;
    let old = old.ok_or_else(|| RotateError::NoKey(key_path.display().to_string()))?;
    let old_key_ids = old.key_ids();
    let sealer = old.with_new_key()?;
    let values = database.write(clock, |tx| {
        check_keys(key_path, &old_key_ids, &tx.keys_in_use()?)?;
        let values = reseal(tx, &sealer)?;
        let detail = json!({"from": old_key_ids, "to": sealer.key_id(), "values": values});
        tx.append_audit(NewAuditEvent::new(Event::KeyRotated).detail(detail))?;
        tx.replace_shared_key(sealer.key_id())?;
        // The last thing before the COMMIT: nothing refuses any more. Should that fail, both keys stay, and either opens.
        sealer.write_file(key_path)?;
        Ok::<_, RotateError>(values)
    })?;
    database.checkpoint().map_err(RotateError::StillRead)?;
    let new_key_id = sealer.key_id().to_owned();
    sealer.without_older_keys().write_file(key_path)?;
    Ok(Rotated { old_key_ids, new_key_id, values })
}

/// Seals everything anew; how many values there are.
fn reseal(tx: &mut WriteTx<'_>, sealer: &Sealer) -> Result<u64, RotateError> {
    let values = reseal_secrets(tx, sealer)? + reseal_channels(tx, sealer)?;
    let Some(key) = tx.push_key()? else { return Ok(values) };
    let unopenable = |_| RotateError::UnopenableChannel("the key for push services".to_owned());
    let private = sealer.open_push_key(&key.sealed).map_err(unopenable)?;
    tx.reseal_push_key(&sealer.seal_push_key(&private)?)?;
    Ok(values + 1)
}

/// Seals the address of every channel anew; how many there are.
fn reseal_channels(tx: &mut WriteTx<'_>, sealer: &Sealer) -> Result<u64, RotateError> {
    let (mut after, mut values) = (None, 0);
    loop {
        let chunk = tx.sealed_channels_after(after, CHUNK)?;
        if chunk.next.is_none() {
            return Ok(values);
        }
        after = chunk.next;
        for (channel_id, sealed) in &chunk.rows {
            let unopenable = |_| RotateError::UnopenableChannel(format!("the address of the channel {channel_id}"));
            let address = sealer.open_channel(channel_id, sealed).map_err(unopenable)?;
            tx.reseal_channel(channel_id, &sealer.seal_channel(channel_id, &address)?)?;
            values += 1;
        }
    }
}

/// Seals every secret anew; how many there are.
fn reseal_secrets(tx: &mut WriteTx<'_>, sealer: &Sealer) -> Result<u64, RotateError> {
    let (mut after, mut values) = (None, 0);
    loop {
        let chunk = tx.sealed_after(after, CHUNK)?;
        if chunk.next.is_none() {
            return Ok(values);
        }
        after = chunk.next;
        for (request_id, sealed) in &chunk.rows {
            let value = sealer.open(request_id, sealed).map_err(|_| RotateError::Unopenable(request_id.clone()))?;
            tx.reseal(request_id, &sealer.seal(request_id, &value)?)?;
            values += 1;
        }
    }
}
