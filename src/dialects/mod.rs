//! The wires of other programs, in the words of the domain and back: a file a dialect. Pure: nothing here reads, writes or
//! knows HTTP; `http/dialects` has the calls.

pub mod aap;
pub mod hooks;
pub mod humanlayer;
pub mod mcp;
pub mod vellum;

use std::collections::BTreeMap;
use std::str::FromStr;

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;
use sha2::{Digest as _, Sha256};
use uuid::Builder;

use crate::domain::json::JsonObject;
use crate::domain::origin::{LONGEST_ORIGIN, OriginText};

/// A body of another program that comes where one of ours does.
pub trait Spoken {
    /// Whether a body is meant as one: what else is wrong with it counts for nothing here.
    fn is_spoken(body: &[u8]) -> bool;
}

/// The digest of `parts`, which cannot run into each other.
fn digest_of(parts: &[&str]) -> [u8; 32] {
    let mut digest = Sha256::new();
    for part in parts {
        digest.update(part.len().to_be_bytes());
        digest.update(part);
    }
    digest.finalize().into()
}

/// A digest of these parts that no other parts have: 32 hexadecimal digits.
#[must_use]
pub fn digest(parts: &[&str]) -> String {
    hex::encode(&digest_of(parts)[..16])
}

/// The UUID that stands for `parts`: the same ones give the same.
fn uuid_of(parts: &[&str]) -> String {
    let mut bytes = [0; 16];
    bytes.iter_mut().zip(digest_of(parts)).for_each(|(byte, of)| *byte = of);
    Builder::from_custom_bytes(bytes).into_uuid().hyphenated().to_string()
}

/// The id that stands for a text of another program: the text itself where it is one, else its digest.
fn id_of<T: FromStr>(text: &str) -> Option<T> {
    text.parse().ok().or_else(|| hex::encode(digest_of(&[text])).parse().ok())
}

/// As much of a text as an origin takes.
fn origin_text(text: &str) -> Option<OriginText> {
    let end = (0..=text.len().min(LONGEST_ORIGIN)).rev().find(|end| text.is_char_boundary(*end));
    text.get(..end?)?.to_owned().try_into().ok()
}

/// What a dialect keeps in `metadata`, where it keeps anything there.
fn kept<T: DeserializeOwned>(metadata: &JsonObject, dialect: &str) -> Option<T> {
    let members: BTreeMap<String, Box<RawValue>> = serde_json::from_str(metadata.text()).ok()?;
    serde_json::from_str(members.get(dialect)?.get()).ok()
}

/// Metadata in which a dialect keeps what it has to say again.
fn keep(dialect: &str, value: &impl Serialize) -> serde_json::Result<JsonObject> {
    let value = serde_json::to_string(value)?;
    serde_json::from_str(&format!("{{\"{dialect}\":{value}}}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::id::ConversationId;

    #[test]
    fn what_is_no_id_is_hashed_and_what_is_one_stays() {
        let id = |text: &str| id_of::<ConversationId>(text).unwrap().to_string();
        assert_eq!(id("thread-1"), "thread-1");
        assert_eq!(id("a|b").len(), 64);
        assert_eq!((id("a|b"), id("").len()), (id("a|b"), 64));
        assert_ne!(id("a|b"), id("a|c"));
    }

    #[test]
    fn parts_do_not_run_into_each_other() {
        assert_ne!(uuid_of(&["ab", "c"]), uuid_of(&["a", "bc"]));
        assert_eq!(uuid::Uuid::parse_str(&uuid_of(&["a"])).unwrap().get_version_num(), 8);
    }

    #[test]
    fn an_origin_is_cut_between_characters() {
        let text = String::from(origin_text(&"é".repeat(200)).unwrap());
        assert_eq!(text, "é".repeat(128));
    }
}
