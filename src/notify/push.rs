//! Web Push: what a browser's push service cannot read (RFC 8291, RFC 8188), signed so that it knows who sends (VAPID, RFC 8292).

use std::io;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hyper::header::{AUTHORIZATION, CONTENT_ENCODING, CONTENT_TYPE, HeaderName};
use p256::ecdsa::signature::Signer;
use p256::ecdsa::{Signature, SigningKey};
use serde_json::json;
use sha2::{Digest as _, Sha256};
use web_push_native::{Auth, encrypt};
use zeroize::Zeroizing;

use super::Failure;
use super::exchange::Request;
use super::target::TargetError;
use super::words::{Links, Urgency, Words};
use crate::clock::Timestamp;
use crate::domain::channel::{ChannelAddress, PushKeys};
use crate::domain::notice::{Notice, Said};

/// How long a push service keeps what it cannot deliver, and how long a signature is good, in seconds: 12 hours.
const LONGEST_S: u64 = 12 * 60 * 60;

/// How much of the text is sent, in characters: push services take 4,096 bytes in all.
const LONGEST_BODY: usize = 800;

/// The key that push services know this server by.
pub struct PushKey {
    key: SigningKey,
}

impl PushKey {
    /// Makes a new one.
    ///
    /// # Errors
    ///
    /// If the system gives no random numbers.
    pub fn generate() -> io::Result<Self> {
        loop {
            let mut random = Zeroizing::new([0_u8; 32]);
            getrandom::fill(random.as_mut_slice()).map_err(io::Error::other)?;
            // Nearly every number of 256 bits is one.
            if let Some(key) = Self::from_bytes(random.as_slice()) {
                return Ok(key);
            }
        }
    }

    /// From its private half; `None` where that is none.
    #[must_use]
    pub fn from_bytes(private: &[u8]) -> Option<Self> {
        SigningKey::from_slice(private).ok().map(|key| Self { key })
    }

    /// Its private half.
    #[must_use]
    pub fn to_bytes(&self) -> Zeroizing<Vec<u8>> {
        Zeroizing::new(self.key.to_bytes().to_vec())
    }

    /// Its public half: a point of P-256, uncompressed.
    #[must_use]
    pub fn public(&self) -> Vec<u8> {
        self.key.verifying_key().to_encoded_point(false).as_bytes().to_vec()
    }

    /// The header that tells a push service who sends.
    fn authorization(&self, audience: &str, contact: &str, now: Timestamp) -> String {
        let part = |value: serde_json::Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let expires = now.as_millis() / 1000 + i64::try_from(LONGEST_S).unwrap_or(0);
        let header = part(json!({"typ": "JWT", "alg": "ES256"}));
        let claims = part(json!({"aud": audience, "exp": expires, "sub": contact}));
        let signed = format!("{header}.{claims}");
        let signature: Signature = self.key.sign(signed.as_bytes());
        let signature = URL_SAFE_NO_PAD.encode(signature.to_bytes());
        format!("vapid t={signed}.{signature}, k={}", URL_SAFE_NO_PAD.encode(self.public()))
    }
}

/// What a browser has said with its subscription, read.
struct Subscription {
    public: p256::PublicKey,
    auth: Auth,
}

impl Subscription {
    fn of(keys: &PushKeys) -> Option<Self> {
        // Browsers leave the padding out.
        let decoded = |text: &str| URL_SAFE_NO_PAD.decode(text.trim_end_matches('=')).ok();
        let auth = decoded(&keys.auth).filter(|auth| auth.len() == 16)?;
        let public = p256::PublicKey::from_sec1_bytes(&decoded(&keys.p256dh)?).ok()?;
        Some(Self { public, auth: Auth::clone_from_slice(&auth) })
    }
}

/// Checks the keys of a subscription.
pub(super) fn check(address: &ChannelAddress) -> Result<(), TargetError> {
    subscription(address).map(|_| ())
}

fn subscription(address: &ChannelAddress) -> Result<Subscription, TargetError> {
    let malformed = TargetError::Malformed("it has no keys of a browser's subscription");
    address.push.as_ref().and_then(Subscription::of).ok_or(malformed)
}

pub(super) fn request(
    address: &ChannelAddress,
    key: &PushKey,
    links: &Links,
    notice: &Notice,
    now: Timestamp,
) -> Result<Request, Failure> {
    let words = Words::of(notice, links);
    let subscription = subscription(address)?;
    let body: String = words.body.chars().take(LONGEST_BODY).collect();
    let title: String = words.title.chars().take(LONGEST_BODY / 4).collect();
    let text = json!({"title": title, "body": body, "url": words.link, "tag": words.topic}).to_string();
    let body = encrypt(text.into_bytes(), &subscription.public, &subscription.auth)
        .map_err(|error| Failure::Unreachable(format!("it could not be encrypted: {error}")))?;
    // The service is told who sends by an address that people can write to, or look at.
    let contact = links.base().filter(|base| base.starts_with("https://")).unwrap_or("mailto:countersign@localhost");
    let origin = url::Url::parse(&address.address).map(|url| url.origin().ascii_serialization()).unwrap_or_default();
    let topic = URL_SAFE_NO_PAD.encode(Sha256::digest(&words.topic));
    Ok(Request {
        headers: vec![
            (AUTHORIZATION, key.authorization(&origin, contact, now)),
            (CONTENT_ENCODING, "aes128gcm".to_owned()),
            (CONTENT_TYPE, "application/octet-stream".to_owned()),
            (HeaderName::from_static("ttl"), lifetime(notice, now).to_string()),
            (HeaderName::from_static("urgency"), urgency(words.urgency).to_owned()),
            (HeaderName::from_static("topic"), topic.get(..32).unwrap_or(&topic).to_owned()),
        ],
        body,
    })
}

/// How long it is worth to be delivered, in seconds.
fn lifetime(notice: &Notice, now: Timestamp) -> u64 {
    match &notice.said {
        Said::Pending(item) => item.expires_at.map_or(LONGEST_S, |end| (end.millis_since(now) / 1000).min(LONGEST_S)),
        Said::Resolved { .. } | Said::Waiting { .. } | Said::Test => LONGEST_S,
    }
}

const fn urgency(urgency: Urgency) -> &'static str {
    match urgency {
        Urgency::Low => "low",
        Urgency::Normal => "normal",
        Urgency::High => "high",
    }
}
