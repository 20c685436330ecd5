//! The value of a secret, on its way from a person to the sealer and from the sealer to the agent.

use serde::{Deserialize, Deserializer, Serializer};
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use super::visible::is_blank;

/// The value of a secret: one line, trimmed at its edges, or several, kept to the byte. It cannot be printed, logged, serialized or stored by mistake, and its
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
        let given = Zeroizing::new(String::deserialize(deserializer).map_err(not_text)?);
        Self::try_from(given.as_str()).map_err(serde::de::Error::custom)
    }
}

impl TryFrom<&str> for SecretValue {
    type Error = &'static str;

    fn try_from(given: &str) -> Result<Self, Self::Error> {
        match given.trim() {
            trimmed if is_blank(trimmed) => Err("the value is empty; leave it out to decline"),
            // A key in PEM is another without its last newline.
            trimmed if trimmed.contains(['\n', '\r']) => Ok(Self(Zeroizing::new(given.to_owned()))),
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_line_is_trimmed_and_several_are_kept_to_the_byte() {
        for (given, kept) in [
            (" \thun ter2\u{a0}\n", "hun ter2"),
            ("\r\nhunter2\r\n", "hunter2"),
            ("-----BEGIN\nabc\n-----END\n", "-----BEGIN\nabc\n-----END\n"),
            ("  a\r\n b \r\n\r\n", "  a\r\n b \r\n\r\n"),
        ] {
            assert_eq!(SecretValue::try_from(given).map(|value| value.expose().to_owned()), Ok(kept.to_owned()));
        }
        for empty in ["", " ", "\n\n", "\u{2003}\r\n", "\u{200b}", " \u{202e}\u{feff}\n\u{200d} "] {
            assert!(SecretValue::try_from(empty).is_err(), "{empty:?}");
        }
    }
}
