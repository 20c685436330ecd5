//! Web Push, read by another implementation than the one that writes it.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::agreement::{ECDH_P256, EphemeralPrivateKey, UnparsedPublicKey, agree_ephemeral};
use ring::rand::{SecureRandom, SystemRandom};
use ring::signature::{ECDSA_P256_SHA256_FIXED, UnparsedPublicKey as Verifying};
use ring::{aead, hkdf};
use serde_json::{Value, json};

use super::{PACE, add, fixture, risky};
use crate::harness::page::Browser;
use crate::harness::receiver::{Received, Receiver, Reply};
use crate::harness::{countersign, until};

/// A browser's subscription, which can read one push.
pub(super) struct Subscription {
    private: EphemeralPrivateKey,
    public: Vec<u8>,
    auth: [u8; 16],
}

/// A length for `ring`.
struct Length(usize);

impl hkdf::KeyType for Length {
    fn len(&self) -> usize {
        self.0
    }
}

fn derive(salt: &[u8], secret: &[u8], info: &[&[u8]], length: usize) -> Vec<u8> {
    let mut derived = vec![0; length];
    let key = hkdf::Salt::new(hkdf::HKDF_SHA256, salt).extract(secret);
    key.expand(info, Length(length)).unwrap().fill(&mut derived).unwrap();
    derived
}

impl Subscription {
    pub(super) fn new() -> Self {
        let random = SystemRandom::new();
        let private = EphemeralPrivateKey::generate(&ECDH_P256, &random).unwrap();
        let public = private.compute_public_key().unwrap().as_ref().to_vec();
        let mut auth = [0; 16];
        random.fill(&mut auth).unwrap();
        Self { private, public, auth }
    }

    pub(super) fn keys(&self) -> Value {
        json!({"p256dh": URL_SAFE_NO_PAD.encode(&self.public), "auth": URL_SAFE_NO_PAD.encode(self.auth)})
    }

    /// What a push says: RFC 8291 and RFC 8188, step by step.
    pub(super) fn read(self, body: &[u8]) -> Value {
        let (salt, rest) = body.split_at(16);
        let (size, rest) = rest.split_at(4);
        let (length, rest) = rest.split_first().unwrap();
        let (sender, ciphertext) = rest.split_at(usize::from(*length));
        assert!(u32::from_be_bytes(size.try_into().unwrap()) >= 18, "a record holds a byte, its end and its tag");
        assert!(body.len() <= 4096, "push services take no more");
        let sender_key = UnparsedPublicKey::new(&ECDH_P256, sender);
        let (public, auth) = (self.public, self.auth);
        let ikm = agree_ephemeral(self.private, &sender_key, |shared| {
            derive(&auth, shared, &[b"WebPush: info\0", &public, sender], 32)
        })
        .unwrap();
        let key = derive(salt, &ikm, &[b"Content-Encoding: aes128gcm\0"], 16);
        let nonce = derive(salt, &ikm, &[b"Content-Encoding: nonce\0"], 12);
        let key = aead::LessSafeKey::new(aead::UnboundKey::new(&aead::AES_128_GCM, &key).unwrap());
        let nonce = aead::Nonce::try_assume_unique_for_key(&nonce).unwrap();
        let mut text = ciphertext.to_vec();
        let text = key.open_in_place(nonce, aead::Aad::empty(), &mut text).unwrap();
        // A 2 ends the last record, and zeros may follow.
        let end = text.iter().rposition(|byte| *byte != 0).unwrap();
        assert_eq!(text[end], 2);
        serde_json::from_slice(&text[..end]).unwrap()
    }
}

/// The claims of the header that says who sends, whose signature is checked by the key beside them.
fn claims(received: &Received) -> (Value, Vec<u8>) {
    let header = received.header("authorization").strip_prefix("vapid ").unwrap();
    let mut parts = header.split(", ").map(|part| part.split_once('=').unwrap());
    let (Some(("t", token)), Some(("k", key)), None) = (parts.next(), parts.next(), parts.next()) else {
        panic!("{header}");
    };
    let key = URL_SAFE_NO_PAD.decode(key).unwrap();
    let (signed, signature) = token.rsplit_once('.').unwrap();
    let signature = URL_SAFE_NO_PAD.decode(signature).unwrap();
    Verifying::new(&ECDSA_P256_SHA256_FIXED, &key).verify(signed.as_bytes(), &signature).unwrap();
    let (head, claims) = signed.split_once('.').unwrap();
    let json = |part: &str| serde_json::from_slice::<Value>(&URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap();
    assert_eq!(json(head), json!({"typ": "JWT", "alg": "ES256"}));
    (json(claims), key)
}

#[test]
fn a_push_is_read_by_the_browser_alone_and_says_who_sends() {
    let (server, agent, ada) = fixture();
    let receiver = Receiver::answering(|_, _| Reply::Status(201));
    let subscription = Subscription::new();
    // The key is made for the first browser that subscribes.
    let key = ada.browser().submit("/channels/push/key", &[]).expect(200).body["key"].as_str().unwrap().to_owned();
    let url = format!("http://{}/push/1", receiver.address);
    add(&ada, &json!({"name": "phone", "kind": "webpush", "url": url, "push": subscription.keys()}));
    agent.register(&risky("deploy", "high"));
    let received = receiver.until_received(1).remove(0);
    assert_eq!((received.path.as_str(), received.header("content-encoding")), ("/push/1", "aes128gcm"));
    assert_eq!((received.header("ttl"), received.header("urgency")), ("43200", "high"));
    assert_eq!(received.header("topic").len(), 32);
    let (claims, public) = claims(&received);
    assert_eq!(URL_SAFE_NO_PAD.encode(public), key);
    let expires = 1_893_456_000 + 12 * 60 * 60;
    let audience = format!("http://{}", receiver.address);
    assert_eq!(claims, json!({"aud": audience, "exp": expires, "sub": "mailto:countersign@localhost"}));
    assert_eq!(
        subscription.read(&received.body),
        json!({"title": "builder asks: may it use shell? (high risk)", "body": "Until 2030-01-02T00:00:00.000Z.",
            "url": format!("{}/interactions/deploy", server.url), "tag": "deploy"})
    );
}

#[test]
fn a_subscription_that_is_gone_turns_its_channel_off() {
    let (server, agent, ada) = fixture();
    let receiver = Receiver::answering(|_, _| Reply::Status(404));
    ada.browser().submit("/channels/push/key", &[]).expect(200);
    let url = format!("http://{}/push/1", receiver.address);
    add(&ada, &json!({"name": "phone", "kind": "webpush", "url": url, "push": Subscription::new().keys()}));
    agent.register(&risky("deploy", "high"));
    until(|| ada.get("/v1/channels").body["channels"][0]["status"] == "disabled");
    server.advance(PACE);
    receiver.until_received(1);
}

/// Lets a browser subscribe to pushes by this receiver.
fn subscribe(browser: &Browser, receiver: &Receiver) {
    browser.submit("/channels/push/key", &[]).expect(200);
    let keys = Subscription::new().keys();
    let endpoint = format!("http://{}/push", receiver.address);
    let fields = [
        ("endpoint", endpoint.as_str()),
        ("p256dh", keys["p256dh"].as_str().unwrap()),
        ("auth", keys["auth"].as_str().unwrap()),
        ("name", ""),
    ];
    browser.submit("/channels/push", &fields).expect(303);
}

const REMOVED: &str = "SELECT count(*) FROM channels WHERE removed_at_ms IS NOT NULL AND sealed IS NULL";

#[test]
fn a_browser_whose_session_is_over_is_told_nothing_more() {
    let (server, agent, ada) = fixture();
    let receiver = Receiver::answering(|_, _| Reply::Status(201));
    subscribe(&ada.browser(), &receiver);
    server.advance(Duration::from_secs(12 * 60 * 60));
    agent.register(&risky("deploy", "high"));
    until(|| server.sql(REMOVED) == [[json!(1)]]);
    until(|| server.sql("SELECT count(*) FROM notices WHERE status = 'waiting'") == [[json!(0)]]);
    assert_eq!(receiver.connections(), 0);
}

#[test]
fn a_browser_whose_token_is_revoked_is_told_nothing_more_and_one_by_another_token_is() {
    let (server, agent, ada) = fixture();
    let receivers = [0; 2].map(|_| Receiver::answering(|_, _| Reply::Status(201)));
    let tokens = server.sql("SELECT token_id FROM tokens WHERE principal = 'ada'");
    let other = server.approver("ada");
    subscribe(&ada.browser(), &receivers[0]);
    subscribe(&other.browser(), &receivers[1]);
    let revoked = countersign()
        .args(["token", "revoke", "--id", tokens[0][0].as_str().unwrap(), "--db"])
        .arg(server.db())
        .output();
    let revoked = revoked.unwrap();
    assert!(revoked.status.success(), "{revoked:?}");
    assert_eq!(server.sql(REMOVED), [[json!(1)]]);
    agent.register(&risky("deploy", "high"));
    receivers[1].until_received(1);
    assert_eq!(receivers[0].connections(), 0);
}

/// Two people at one browser, or one who presses the button again: a push comes once, and to who is logged in.
#[test]
fn a_browser_that_subscribes_again_has_one_channel() {
    let (server, agent, ada) = fixture();
    let receiver = Receiver::answering(|_, _| Reply::Status(201));
    subscribe(&server.approver("bob").browser(), &receiver);
    let browser = ada.browser();
    subscribe(&browser, &receiver);
    subscribe(&browser, &receiver);
    let owners = "SELECT owner FROM v_channels WHERE status = 'active'";
    assert_eq!(server.sql(owners), [[json!("ada")]]);
    agent.register(&risky("deploy", "high"));
    until(|| server.sql("SELECT status FROM notices") == [[json!("sent")]]);
    receiver.until_received(1);
}

/// What was on its way is dropped, too: it is looked at once more when the receiver is reached.
#[test]
fn what_waits_for_a_browser_that_logs_out_is_dropped() {
    let (server, agent, ada) = fixture();
    let receiver = Receiver::answering(|_, _| Reply::Status(503));
    let browser = ada.browser();
    subscribe(&browser, &receiver);
    agent.register(&risky("deploy", "high"));
    until(|| server.sql("SELECT count(*) FROM notices WHERE failures = 1") == [[json!(1)]]);
    browser.submit("/logout", &[]).expect(303);
    server.advance(Duration::from_secs(5));
    until(|| server.sql("SELECT status FROM notices") == [[json!("dropped")]]);
    receiver.until_received(1);
}

#[test]
fn a_browser_that_logs_out_is_told_nothing_more_and_the_others_are() {
    let (server, agent, ada) = fixture();
    let receivers = [0; 2].map(|_| Receiver::answering(|_, _| Reply::Status(201)));
    let browsers = [ada.browser(), ada.browser()];
    for (browser, receiver) in browsers.iter().zip(&receivers) {
        subscribe(browser, receiver);
    }
    let channels = ada.get("/v1/channels").expect(200).body["channels"].as_array().unwrap().clone();
    assert_eq!(channels.len(), 2);
    assert!(channels.iter().all(|channel| channel["name"].as_str().unwrap().starts_with("browser-")), "{channels:?}");
    browsers[0].submit("/logout", &[]).expect(303);
    agent.register(&risky("deploy", "high"));
    receivers[1].until_received(1);
    assert_eq!(receivers[0].connections(), 0);
    assert_eq!(server.sql(REMOVED), [[json!(1)]]);
}
