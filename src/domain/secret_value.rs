//! The value of a secret, on its way from a person to the sealer and from the sealer to the agent.

use serde::{Deserialize, Deserializer, Serializer};
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

/// The value of a secret, trimmed at its edges. It cannot be printed, logged, serialized or stored by mistake, and its
/// memory is wiped when it is dropped.
pub struct SecretValue(Zeroizing<String>);

impl SecretValue {
    /// The value as it was sealed, which nothing is trimmed of.
    #[must_use]
    pub fn exactly(value: String) -> Self {
        Self(Zeroizing::new(value))
    }

    /// The value itself, for the answer to the agent that asked for it.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// Writes the value down, for the body or the answer that hands it over: there is no `Serialize`, so that nothing else
    /// does by mistake.
    ///
    /// # Errors
    ///
    /// Those of the serializer.
    pub fn serialize_exposed<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.expose())
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
        Self::try_from(untrimmed.as_str()).map_err(serde::de::Error::custom)
    }
}

impl TryFrom<&str> for SecretValue {
    type Error = &'static str;

    fn try_from(untrimmed: &str) -> Result<Self, Self::Error> {
        match untrimmed.trim() {
            "" => Err("the value is empty; leave it out to decline"),
            trimmed => Ok(Self(Zeroizing::new(trimmed.to_owned()))),
        }
    }
}

/// The value of a secret as the sealer has encrypted it.
#[derive(Clone, Debug)]
pub struct SealedValue {
    /// The id of the key that opens it.
    pub key_id: String,
    /// The nonce, the ciphertext and its tag.
    pub bytes: Vec<u8>,
}
