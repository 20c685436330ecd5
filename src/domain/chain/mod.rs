//! The chain that makes the history tamper-evident: each event carries the SHA-256 of its canonical form, and that holds
//! the hash of the event before.
//!
//! What people and agents wrote is in the canonical form by its salted digest alone. The text and its salt stand beside it,
//! so that they can be forgotten, and the chain is whole without them.
//!
//! The canonical form is written in one place, here; what appends, migrates, verifies and exports calls it. [`verify()`]
//! walks a history, wherever it comes from, and says what is wrong with it first.

mod verify;

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use sha2::{Digest as _, Sha256};

use crate::clock::Timestamp;

pub use self::verify::{Broken, verify};

/// SHA-256 of an event's canonical form; 64 lower-case hexadecimal digits in text and JSON.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EventHash([u8; 32]);

impl EventHash {
    /// What stands for the hash of an event before the first.
    pub const ZERO: Self = Self([0; 32]);

    /// The bytes.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl From<[u8; 32]> for EventHash {
    fn from(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }
}

impl fmt::Display for EventHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}

impl FromStr for EventHash {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut bytes = [0; 32];
        hex::decode_to_slice(text, &mut bytes).map(|()| Self(bytes)).map_err(|_| "a hash is 64 hexadecimal digits")
    }
}

impl Serialize for EventHash {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for EventHash {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

/// The end of a history: `SEQ:HASH` in text. Kept elsewhere, it tells whether the history was cut or replaced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Head {
    /// The place of the last event; 0 where there is none.
    pub seq: i64,
    /// Its hash.
    pub hash: EventHash,
}

impl Head {
    /// The end of a history without events.
    pub const NONE: Self = Self { seq: 0, hash: EventHash::ZERO };
}

impl fmt::Display for Head {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.seq, self.hash)
    }
}

impl FromStr for Head {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (seq, hash) = text.split_once(':').ok_or("a head is SEQ:HASH, as `audit head` prints it")?;
        let seq = seq.parse().ok().filter(|seq| *seq >= 0).ok_or("the SEQ of a head is a whole number")?;
        Ok(Self { seq, hash: hash.parse()? })
    }
}

/// What an event says, without its place: whatever text is stored, since a tampered event is reported, too.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditContent<'a> {
    /// When.
    pub at: Timestamp,
    /// What happened.
    pub event: Cow<'a, str>,
    /// To which interaction.
    pub request_id: Option<Cow<'a, str>>,
    /// To which rule, or by which.
    pub rule_id: Option<Cow<'a, str>>,
    /// By whom.
    pub principal: Option<Cow<'a, str>>,
    /// What else: JSON, to the letter.
    pub detail: Cow<'a, str>,
    /// What was written in it; `None` where nothing was.
    pub writing: Option<Writing<'a>>,
    /// The hash that it had before the history was chained anew; `None` for one that was appended since.
    pub former: Option<EventHash>,
}

/// What people and agents wrote in an event: for ever by its digest, and whole until it is forgotten.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Writing<'a> {
    /// SHA-256 of the salt and the text.
    pub digest: EventHash,
    /// The salt and the text; `None` once it is forgotten.
    pub text: Option<SaltedText<'a>>,
}

/// A text, and the random bytes that keep it from being guessed by its digest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SaltedText<'a> {
    /// The random bytes.
    pub salt: [u8; SALT_BYTES],
    /// A JSON object, to the letter.
    pub text: Cow<'a, str>,
}

/// The bytes of a salt.
pub const SALT_BYTES: usize = 16;

impl SaltedText<'_> {
    /// SHA-256 of the salt, then the text.
    #[must_use]
    pub fn digest(&self) -> EventHash {
        EventHash(Sha256::new().chain_update(self.salt).chain_update(self.text.as_bytes()).finalize().into())
    }
}

impl<'a> From<SaltedText<'a>> for Writing<'a> {
    fn from(text: SaltedText<'a>) -> Self {
        Self { digest: text.digest(), text: Some(text) }
    }
}

impl AuditContent<'_> {
    /// One line of JSON without spaces, its members in alphabetical order, `detail` to the letter. `formerHash` and
    /// `textDigest` are there only where there is one.
    #[must_use]
    pub fn canonical(&self, seq: i64, previous: EventHash) -> String {
        let text = |text: &str| serde_json::Value::from(text).to_string();
        let or_null = |value: &Option<Cow<'_, str>>| value.as_ref().map_or_else(|| "null".to_owned(), |it| text(it));
        let former = self.former.map_or_else(String::new, |hash| format!(r#","formerHash":"{hash}""#));
        let digest = self.writing.as_ref().map_or_else(String::new, |it| format!(r#","textDigest":"{}""#, it.digest));
        format!(
            r#"{{"at":"{}","detail":{},"event":{}{former},"previous":"{previous}","principal":{},"requestId":{},"ruleId":{},"seq":{seq}{digest}}}"#,
            self.at,
            self.detail,
            text(&self.event),
            or_null(&self.principal),
            or_null(&self.request_id),
            or_null(&self.rule_id),
        )
    }

    /// The hash of this event at such a place.
    #[must_use]
    pub fn hash(&self, seq: i64, previous: EventHash) -> EventHash {
        EventHash(Sha256::digest(self.canonical(seq, previous)).into())
    }

    /// Whether the text, where it is there, is the one whose digest is in the canonical form.
    fn has_its_text(&self) -> bool {
        let text = self.writing.as_ref().and_then(|writing| Some((writing.digest, writing.text.as_ref()?)));
        text.is_none_or(|(digest, text)| text.digest() == digest)
    }

    /// Whether it is what it was before the history was chained anew, at `seq` behind one that had the hash `previous`. What
    /// is forgotten of it can no longer tell.
    fn was(&self, seq: i64, previous: EventHash) -> bool {
        let (Some(former), Some(detail)) = (self.former, self.whole_detail()) else { return true };
        let before = AuditContent { detail, writing: None, former: None, ..self.clone() };
        before.hash(seq, previous) == former
    }

    /// What there was to say with what was written, as one object; `None` once that is forgotten.
    fn whole_detail(&self) -> Option<Cow<'_, str>> {
        match &self.writing {
            None => Some(Cow::Borrowed(&*self.detail)),
            Some(Writing { text: Some(SaltedText { text, .. }), .. }) => Some(joined(&self.detail, text).into()),
            Some(Writing { text: None, .. }) => None,
        }
    }
}

/// The members of two JSON objects, in one; the first where either is none.
#[must_use]
pub fn joined(detail: &str, text: &str) -> String {
    let members = |json: &str| serde_json::from_str::<serde_json::Map<String, serde_json::Value>>(json);
    match (members(detail), members(text)) {
        (Ok(mut all), Ok(more)) => {
            all.extend(more);
            serde_json::Value::Object(all).to_string()
        }
        (Ok(_) | Err(_), Ok(_) | Err(_)) => detail.to_owned(),
    }
}

/// One event of a history as it was found, trusted in nothing.
#[derive(Clone, Debug)]
pub struct UnverifiedEvent {
    /// Its place; `None` where not even that can be read.
    pub seq: Option<i64>,
    /// What it says, or why that is no event.
    pub content: Result<AuditContent<'static>, String>,
    /// The hash that it carries, where it is one.
    pub hash: Option<EventHash>,
    /// The hash of the event before, where it says so itself, as a line of an export does.
    pub previous: Option<EventHash>,
}

impl UnverifiedEvent {
    /// A line of an export: the canonical form with the hash put before its last brace, and behind that the salt and the
    /// text, where they are there.
    #[must_use]
    pub fn line(content: &AuditContent<'_>, seq: i64, previous: EventHash, hash: EventHash) -> String {
        let mut line = content.canonical(seq, previous);
        line.truncate(line.len() - 1);
        let text = content.writing.as_ref().and_then(|writing| writing.text.as_ref());
        let text = text.map(|it| format!(r#","salt":"{}","text":{}"#, hex::encode(it.salt), it.text));
        line + r#","hash":""# + &hash.to_string() + "\"" + &text.unwrap_or_default() + "}"
    }

    /// Reads a line of an export, which has to be one to the letter.
    #[must_use]
    pub fn in_line(line: &str) -> Self {
        match serde_json::from_str::<Line<'_>>(line) {
            Ok(read) => read.found(line),
            Err(error) => {
                Self { seq: None, content: Err(format!("it is no event: {error}")), hash: None, previous: None }
            }
        }
    }

    /// Whether it is the event at `seq`, after one that has the hash `previous`.
    fn stands_at(&self, seq: i64, previous: EventHash) -> bool {
        self.seq == Some(seq) && self.previous.is_none_or(|said| said == previous) && self.belongs_at(seq, previous)
    }

    /// Whether its hash says that it was appended as event `seq`, after one that has the hash `previous`.
    fn belongs_at(&self, seq: i64, previous: EventHash) -> bool {
        self.hash.is_some_and(|hash| self.is_told_by(seq, previous, hash))
    }

    fn is_told_by(&self, seq: i64, previous: EventHash, hash: EventHash) -> bool {
        self.content.as_ref().is_ok_and(|content| content.hash(seq, previous) == hash)
    }

    /// What is wrong with an event that fits the chain: its text, or what it was before, behind one that had the hash
    /// `former_previous`.
    fn fault(&self, seq: i64, former_previous: EventHash) -> Option<&'static str> {
        let content = self.content.as_ref().ok()?;
        if !content.has_its_text() {
            return Some("its text is not the one that was written");
        }
        (!content.was(seq, former_previous)).then_some("it is not what it was before the history was chained anew")
    }

    /// The hash that it had before the history was chained anew.
    fn former(&self) -> Option<EventHash> {
        self.content.as_ref().ok()?.former
    }
}

/// The members of a line, as JSON has them.
#[derive(serde::Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Line<'a> {
    at: String,
    #[serde(borrow)]
    detail: &'a serde_json::value::RawValue,
    event: String,
    former_hash: Option<EventHash>,
    previous: String,
    principal: Option<String>,
    request_id: Option<String>,
    rule_id: Option<String>,
    seq: i64,
    text_digest: Option<EventHash>,
    hash: String,
    salt: Option<String>,
    #[serde(borrow)]
    text: Option<&'a serde_json::value::RawValue>,
}

impl Line<'_> {
    fn found(self, line: &str) -> UnverifiedEvent {
        let seq = Some(self.seq);
        let parsed = (self.at.parse(), self.previous.parse(), self.hash.parse());
        let (Ok(at), Ok(previous), Ok(hash)) = parsed else {
            let content = Err("its time or one of its hashes is none".to_owned());
            return UnverifiedEvent { seq, content, hash: None, previous: None };
        };
        let mut salt = [0; SALT_BYTES];
        let is_salt = self.salt.is_some_and(|text| hex::decode_to_slice(text, &mut salt).is_ok());
        let text = self.text.filter(|_| is_salt).map(|text| SaltedText { salt, text: text.get().to_owned().into() });
        let content = AuditContent {
            at,
            event: self.event.into(),
            request_id: self.request_id.map(Cow::Owned),
            rule_id: self.rule_id.map(Cow::Owned),
            principal: self.principal.map(Cow::Owned),
            detail: self.detail.get().to_owned().into(),
            writing: self.text_digest.map(|digest| Writing { digest, text }),
            former: self.former_hash,
        };
        let is_to_the_letter = UnverifiedEvent::line(&content, self.seq, previous, hash) == line;
        let content =
            if is_to_the_letter { Ok(content) } else { Err("it is not written as an export writes it".to_owned()) };
        UnverifiedEvent { seq, content, hash: Some(hash), previous: Some(previous) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn content() -> AuditContent<'static> {
        AuditContent {
            at: Timestamp::from_millis(1_893_456_000_007).unwrap(),
            event: "interaction.approved".into(),
            request_id: Some("deploy-42".into()),
            rule_id: None,
            principal: Some("a\"da\n\0".into()),
            detail: r#"{"comment": "go on"}"#.into(),
            writing: None,
            former: None,
        }
    }

    fn written() -> AuditContent<'static> {
        let text = SaltedText { salt: [7; SALT_BYTES], text: r#"{"comment":"go on"}"#.into() };
        AuditContent {
            detail: "{}".into(),
            writing: Some(text.into()),
            former: Some(EventHash([0x1f; 32])),
            ..content()
        }
    }

    /// The form never changes: kept heads and exports rely on it.
    #[test]
    fn the_canonical_form_is_what_it_was() {
        let canonical = content().canonical(7, EventHash([0xab; 32]));
        let previous = "ab".repeat(32);
        assert_eq!(
            canonical,
            format!(
                r#"{{"at":"2030-01-01T00:00:00.007Z","detail":{{"comment": "go on"}},"event":"interaction.approved","previous":"{previous}","principal":"a\"da\n\u0000","requestId":"deploy-42","ruleId":null,"seq":7}}"#
            )
        );
        assert_eq!(content().hash(7, EventHash([0xab; 32])), EventHash(Sha256::digest(&canonical).into()));
    }

    /// Nor does that of an event with a text: the digest, and beside it, in an export, what can be forgotten.
    #[test]
    fn the_canonical_form_holds_the_digest_of_a_text_and_never_the_text() {
        let (previous, former) = ("ab".repeat(32), "1f".repeat(32));
        let digest = hex::encode(Sha256::digest([&[7; SALT_BYTES][..], br#"{"comment":"go on"}"#].concat()));
        let canonical = written().canonical(7, EventHash([0xab; 32]));
        assert_eq!(
            canonical,
            format!(
                r#"{{"at":"2030-01-01T00:00:00.007Z","detail":{{}},"event":"interaction.approved","formerHash":"{former}","previous":"{previous}","principal":"a\"da\n\u0000","requestId":"deploy-42","ruleId":null,"seq":7,"textDigest":"{digest}"}}"#
            )
        );
        let mut forgotten = written();
        forgotten.writing.iter_mut().for_each(|writing| writing.text = None);
        assert_eq!(forgotten.canonical(7, EventHash([0xab; 32])), canonical);
        let hash = written().hash(7, EventHash([0xab; 32]));
        for content in [written(), forgotten] {
            let line = UnverifiedEvent::line(&content, 7, EventHash([0xab; 32]), hash);
            assert_eq!(UnverifiedEvent::in_line(&line).content, Ok(content), "{line}");
        }
        assert_eq!(written().whole_detail().as_deref(), Some(r#"{"comment":"go on"}"#));
    }

    #[test]
    fn a_line_of_an_export_is_read_as_it_was_written_and_in_no_other_spelling() {
        let hash = content().hash(1, EventHash::ZERO);
        let line = UnverifiedEvent::line(&content(), 1, EventHash::ZERO, hash);
        let canonical = line.replace(&format!(r#","hash":"{hash}""#), "");
        assert_eq!(canonical, content().canonical(1, EventHash::ZERO));
        let found = UnverifiedEvent::in_line(&line);
        assert_eq!(found.content, Ok(content()));
        assert!(found.stands_at(1, EventHash::ZERO) && !found.stands_at(2, EventHash::ZERO));
        let respelt =
            [line.replace(",\"seq\"", ", \"seq\""), line.replace("deploy", "\\u0064eploy"), line[1..].to_owned()];
        for other in respelt {
            assert!(UnverifiedEvent::in_line(&other).content.is_err(), "{other}");
        }
    }

    #[test]
    fn a_head_is_written_and_read() {
        let head = Head { seq: 12, hash: EventHash([0x1f; 32]) };
        assert_eq!(head.to_string().parse(), Ok(head));
        for bad in ["", "12", ":", "x:00", "-1:00", "12:abc"] {
            assert!(bad.parse::<Head>().is_err(), "{bad:?}");
        }
    }
}
