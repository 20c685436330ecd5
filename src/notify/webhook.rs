//! Webhooks for programs, by Standard Webhooks 1.0.0: a thin body, an id that repetitions share, and a signature.

use std::io;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use hyper::header::{CONTENT_TYPE, HeaderName};
use serde_json::{Map, Value, json};
use sha2::Sha256;
use zeroize::Zeroizing;

use super::Failure;
use super::exchange::Request;
use super::words::Links;
use crate::clock::Timestamp;
use crate::domain::channel::ChannelAddress;
use crate::domain::notice::{Item, Notice, OfAgent, Said};

/// What a secret begins with.
const PREFIX: &str = "whsec_";

/// Makes the secret that signs what is sent to a webhook: 32 random bytes.
///
/// # Errors
///
/// If the system gives no random numbers.
pub fn generate_secret() -> io::Result<String> {
    let mut random = Zeroizing::new([0_u8; 32]);
    getrandom::fill(random.as_mut_slice()).map_err(io::Error::other)?;
    Ok(format!("{PREFIX}{}", STANDARD.encode(random.as_slice())))
}

pub(super) fn request(
    address: &ChannelAddress,
    links: &Links,
    notice: &Notice,
    now: Timestamp,
) -> Result<Request, Failure> {
    let body = body(links, notice).to_string();
    let id = notice.notice_id.as_str();
    // Receivers refuse what is some minutes old, so a repetition is signed anew.
    let timestamp = (now.as_millis() / 1000).to_string();
    let signed = format!("{id}.{timestamp}.{body}");
    let signatures = address.secrets_at(now).into_iter().map(|secret| sign(secret, signed.as_bytes()));
    let signatures = signatures.collect::<Option<Vec<_>>>().filter(|signatures| !signatures.is_empty());
    let signatures = signatures.ok_or(Failure::NotConfigured("the channel has no secret to sign with"))?;
    Ok(Request {
        headers: vec![
            (CONTENT_TYPE, "application/json".to_owned()),
            (HeaderName::from_static("webhook-id"), id.to_owned()),
            (HeaderName::from_static("webhook-timestamp"), timestamp),
            (HeaderName::from_static("webhook-signature"), signatures.join(" ")),
        ],
        body: body.into_bytes(),
    })
}

/// `v1,` and the signature; `None` where the secret is none.
fn sign(secret: &str, signed: &[u8]) -> Option<String> {
    let key = Zeroizing::new(STANDARD.decode(secret.strip_prefix(PREFIX)?).ok()?);
    let mut mac = Hmac::<Sha256>::new_from_slice(&key).ok()?;
    mac.update(signed);
    Some(format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes())))
}

/// What is said to a program: `type`, `timestamp` and `data`.
fn body(links: &Links, notice: &Notice) -> Value {
    let (kind, data) = match &notice.said {
        Said::Pending(item) => ("interaction.pending", item_data(links, item)),
        Said::Resolved { item, outcome, at } => {
            let mut data = item_data(links, item);
            data.insert("status".to_owned(), json!(outcome));
            data.insert("resolvedAt".to_owned(), json!(at));
            ("interaction.resolved", data)
        }
        Said::Waiting { count, high, resolved, agents } => {
            let agents = agents.iter().map(|of| of_agent(links, of)).collect::<Vec<_>>();
            let data = [
                ("count", json!(count)),
                ("high", json!(high)),
                ("resolved", json!(resolved)),
                ("agents", json!(agents)),
                ("url", json!(links.queue())),
            ];
            ("interactions.waiting", data.into_iter().map(|(name, value)| (name.to_owned(), value)).collect())
        }
        Said::Test => ("channel.test", Map::from_iter([("url".to_owned(), json!(links.queue()))])),
    };
    json!({"type": kind, "timestamp": notice.at, "data": data})
}

fn item_data(links: &Links, item: &Item) -> Map<String, Value> {
    let members = [
        ("requestId", json!(item.request_id)),
        ("kind", json!(item.kind)),
        ("toolName", json!(item.tool_name)),
        ("riskLevel", json!(item.risk)),
        ("agent", json!(item.agent)),
        ("expiresAt", json!(item.expires_at)),
        ("url", json!(links.card(&item.request_id))),
    ];
    members.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

fn of_agent(links: &Links, of: &OfAgent) -> Value {
    json!({"agent": of.first.agent, "count": of.count, "first": item_data(links, &of.first)})
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of the specification.
    #[test]
    fn a_signature_is_the_one_of_the_specification() {
        let signed = "msg_p5jXN8AQM9LWM0D4loKWxJek.1614265330.{\"test\": 2432232314}";
        let signature = sign("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", signed.as_bytes());
        assert_eq!(signature.as_deref(), Some("v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="));
        assert_eq!(sign("whsec_%", b""), None);
        assert_eq!(sign("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", b""), None);
    }
}
