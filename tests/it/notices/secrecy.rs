//! What never leaves the machine: what was asked, why, what was said, and a secret; and what of a channel is not shown.

use serde_json::{Value, json};

use super::mail::MailServer;
use super::push::Subscription;
use super::{LOOPBACK, add};
use crate::harness::outside::stored;
use crate::harness::receiver::Receiver;
use crate::harness::{TestServer, until};

/// So rare that it is found only where it was put.
const CANARY: &str = "canary-51e0d84b267f3a9c";

fn has_canary(text: &str) -> bool {
    use base64::Engine as _;
    let encoded = base64::engine::general_purpose::STANDARD_NO_PAD.encode(CANARY);
    [CANARY, &hex::encode(CANARY), &encoded].iter().any(|form| text.contains(form))
}

/// One of each kind, full of the canary.
fn registrations() -> [Value; 3] {
    let says = |rest: &str| format!("{CANARY} {rest}");
    let confirmation = json!({"requestId": "c", "kind": "confirmation", "conversationId": CANARY, "metadata": {"note": CANARY},
        "origin": {"repository": CANARY, "branch": CANARY, "title": CANARY},
        "confirmation": {"toolName": "shell", "input": {"command": says("x")}, "reason": CANARY, "riskLevel": "high",
            "workingDir": format!("/{CANARY}"), "diff": {"filePath": CANARY, "oldContent": CANARY, "newContent": "x", "isNewFile": false}}});
    let secret = json!({"requestId": "s", "kind": "secret", "secret": {"service": says("service"), "field": says("field"),
        "label": CANARY, "description": CANARY, "purpose": CANARY, "placeholder": CANARY}});
    let question = json!({"requestId": "q", "kind": "question", "question": {"entries": [{"questionId": CANARY, "header": CANARY,
        "text": CANARY, "options": [{"optionId": CANARY, "label": CANARY, "description": CANARY}], "freeTextAllowed": true}]}});
    [confirmation, secret, question]
}

#[test]
fn no_channel_is_sent_what_was_asked_or_said() {
    let mail = MailServer::start();
    let flags = mail.flags();
    let flags: Vec<&str> = LOOPBACK.into_iter().chain(flags.iter().map(String::as_str)).collect();
    let server = TestServer::with(&flags);
    let (agent, ada) = (server.agent("builder"), server.approver("ada"));
    let kinds = ["webhook", "ntfy", "gotify", "slack", "mattermost", "teams", "webpush"];
    let receivers = kinds.map(|_| Receiver::start());
    let subscription = Subscription::new();
    ada.browser().submit("/channels/push/key", &[]).expect(200);
    for (kind, receiver) in kinds.iter().zip(&receivers) {
        let mut body = json!({"name": kind, "kind": kind, "url": format!("http://{}/topic", receiver.address),
            "paceMs": 0, "resolutions": true});
        match *kind {
            "gotify" => body["token"] = json!("A1"),
            "webpush" => body["push"] = subscription.keys(),
            _ => {}
        }
        add(&ada, &body);
    }
    add(&ada, &json!({"name": "mail", "kind": "email", "email": "ada@example.org", "paceMs": 0, "resolutions": true}));
    registrations().iter().for_each(|registration| drop(agent.register(registration)));
    receivers.iter().for_each(|receiver| drop(receiver.until_received(3)));
    mail.until_received(3);
    until(|| server.sql("SELECT count(*) FROM notices WHERE status = 'sent'") == [[json!(24)]]);
    ada.post("/v1/confirm", &json!({"requestId": "c", "decision": "deny", "comment": CANARY})).expect(200);
    ada.post("/v1/secret", &json!({"requestId": "s", "value": CANARY})).expect(200);
    let answer = json!({"questionId": CANARY, "text": CANARY});
    ada.post("/v1/question-response", &json!({"requestId": "q", "responses": [answer]})).expect(200);
    for (kind, receiver) in kinds.iter().zip(&receivers) {
        for received in receiver.until_received(6) {
            let all = format!("{} {:?} {}", received.path, received.headers, received.text());
            assert!(!has_canary(&all), "{kind}: {all}");
        }
    }
    for mail in mail.until_received(6) {
        assert!(!has_canary(&format!("{mail:?}")), "{mail:?}");
    }
    let push = receivers[6].received().remove(0);
    let said = subscription.read(&push.body).to_string();
    assert!(said.contains("shell") && !has_canary(&said), "{said}");
}

/// The path of an address may be all that keeps others from sending to it.
#[test]
fn the_address_of_a_channel_and_its_secrets_are_nowhere_to_be_read() {
    let server = TestServer::with(&LOOPBACK);
    let ada = server.approver("ada");
    let url = format!("https://hooks.example/{CANARY}");
    let added = add(&ada, &json!({"name": "a", "kind": "ntfy", "url": url, "token": CANARY}));
    let signed = add(&ada, &json!({"name": "b", "kind": "webhook", "url": url}));
    let secret = signed["secret"].as_str().unwrap().to_owned();
    let root = server.client("root", countersign::domain::enums::Role::Admin);
    for path in ["/v1/channels", "/v1/audit-events", "/metrics"] {
        let text = root.get(path).expect(200).text;
        assert!(!has_canary(&text) && !text.contains(&secret), "{path}: {text}");
    }
    let page = ada.browser().page("/channels");
    assert!(page.contains("hooks.example") && !has_canary(&page) && !page.contains(&secret), "{page}");
    assert!(!has_canary(&added.to_string()), "{added}");
    for (path, bytes) in stored(&server.db()) {
        let text = String::from_utf8_lossy(&bytes);
        assert!(!has_canary(&text) && !text.contains(&secret), "{}", path.display());
    }
}
