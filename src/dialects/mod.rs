//! The dialects of agents' clients: what they send and read, translated to the words of the domain. Pure: no I/O, no HTTP.

pub mod ask_user_question;
pub mod mcp;

use sha2::{Digest as _, Sha256};

/// A digest of these parts that no other parts have: 32 hexadecimal digits.
#[must_use]
pub fn digest(parts: &[&str]) -> String {
    let mut sha256 = Sha256::new();
    for part in parts {
        sha256.update(part.len().to_be_bytes());
        sha256.update(part);
    }
    hex::encode(&sha256.finalize()[..16])
}
