//! Receivers that take a line for people: what each of them is sent.

use serde_json::{Value, json};

use super::{add, fixture, risky};
use crate::harness::receiver::{Received, Receiver};
use crate::harness::{Client, altered, confirmation};

/// What a channel of this kind is sent about an interaction of high risk; the link to its card.
fn sent(kind: &str, path: &str, token: Option<&str>) -> (Received, String) {
    let (server, agent, ada) = fixture();
    let receiver = Receiver::start();
    let mut body = json!({"name": "phone", "kind": kind, "url": format!("http://{}{path}", receiver.address)});
    if let Some(token) = token {
        body["token"] = json!(token);
    }
    add(&ada, &body);
    agent.register(&risky("deploy", "high"));
    (receiver.until_received(1).remove(0), format!("{}/interactions/deploy", server.url))
}

const TITLE: &str = "builder asks: may it use shell? (high risk)";
const BODY: &str = "Until 2030-01-02T00:00:00.000Z.";

#[test]
fn ntfy_is_sent_a_message_with_a_link_and_a_priority() {
    let (received, link) = sent("ntfy", "/some/topic", Some("tk_1"));
    assert_eq!((received.path.as_str(), received.header("authorization")), ("/some", "Bearer tk_1"));
    assert_eq!(
        received.json(),
        json!({"topic": "topic", "title": TITLE, "message": BODY, "priority": 5, "click": link})
    );
    assert_eq!(sent("ntfy", "/topic", None).0.path, "/");
}

#[test]
fn gotify_is_sent_a_message_with_a_link_and_a_priority() {
    let (received, link) = sent("gotify", "/", Some("A1"));
    assert_eq!((received.path.as_str(), received.header("x-gotify-key")), ("/message", "A1"));
    assert_eq!(
        received.json(),
        json!({"title": TITLE, "message": format!("{BODY}\n{link}"), "priority": 8,
            "extras": {"client::notification": {"click": {"url": link}}}})
    );
    assert_eq!(sent("gotify", "/under/", Some("A1")).0.path, "/under/message");
}

#[test]
fn chats_are_sent_text_and_a_link_and_no_button_that_decides() {
    let (slack, link) = sent("slack", "/services/T0/B0/x", None);
    assert_eq!(slack.path, "/services/T0/B0/x");
    assert_eq!(slack.json(), json!({"text": format!("{TITLE}\n{BODY}\n<{link}|Open it>")}));
    let (mattermost, link) = sent("mattermost", "/hooks/x", None);
    let text = format!("builder asks: may it use shell? \\(high risk\\)\n{BODY}\n[Open it]({link})");
    assert_eq!(mattermost.json(), json!({"text": text}));
    let (teams, link) = sent("teams", "/workflows/x?sig=y", None);
    assert_eq!(teams.path, "/workflows/x?sig=y");
    let card = &teams.json()["attachments"][0]["content"];
    assert_eq!(card["actions"], json!([{"type": "Action.OpenUrl", "title": "Open it", "url": link}]));
}

/// The name of a tool is an agent's own: a chat must not take it for marks, a link or a call to everybody.
#[test]
fn the_name_of_a_tool_is_text_everywhere() {
    let (_server, agent, ada) = fixture();
    let receivers: Vec<(&str, Receiver)> =
        ["ntfy", "gotify", "slack", "mattermost", "teams"].map(|kind| (kind, Receiver::start())).into();
    for (kind, receiver) in &receivers {
        let mut body = json!({"name": kind, "kind": kind, "url": format!("http://{}/topic", receiver.address)});
        if *kind == "gotify" {
            body["token"] = json!("A1");
        }
        add(&ada, &body);
    }
    let name = "<!channel> [x](https://evil.example) \u{202e}@all www.evil.example ~town #tag ada@example.org";
    agent.register(&altered(confirmation("a"), &json!({"confirmation": {"toolName": name}})));
    for (kind, receiver) in &receivers {
        let text = receiver.until_received(1)[0].text();
        assert!(!text.contains('\u{202e}'), "{kind}: {text}");
        assert!(text.contains("202E"), "{kind}: {text}");
        // What all of them make links of by themselves.
        for link in ["https://evil", "www.evil", "evil.example", "example.org", "ada@", "@all", "~town", "#tag"] {
            assert!(!text.contains(link), "{kind}: {link}: {text}");
        }
        // What each of them would obey.
        let marks: &[&str] = match *kind {
            "slack" => &["<!channel>"],
            "mattermost" | "teams" => &["<!channel>", "@all", "](https://evil.example)"],
            _ => &[],
        };
        assert!(marks.iter().all(|mark| !text.contains(mark)), "{kind}: {text}");
    }
}

/// Refusals of what a kind of channel needs, or does not know.
#[test]
fn a_channel_has_what_its_kind_needs_and_nothing_else() {
    let (_server, _agent, ada) = fixture();
    let refused = |ada: &Client, body: Value| {
        let answer = ada.post("/v1/channels", &body);
        (answer.status, answer.body["field"].as_str().unwrap_or_default().to_owned())
    };
    let url = "https://hooks.example/x";
    for (body, status, field) in [
        (json!({"name": "a", "kind": "webhook"}), 400, "url"),
        (json!({"name": "a", "kind": "webhook", "url": url, "token": "x"}), 400, "token"),
        (json!({"name": "a", "kind": "webhook", "url": url, "email": "a@b.example"}), 400, "email"),
        (json!({"name": "a", "kind": "email", "url": url}), 400, "url"),
        (json!({"name": "a", "kind": "email"}), 400, "email"),
        (json!({"name": "a", "kind": "webpush", "url": url}), 400, "push"),
        (json!({"name": "a", "kind": "webpush", "url": url, "push": {"p256dh": "x", "auth": "y"}}), 422, "url"),
        (json!({"name": "a", "kind": "gotify", "url": url}), 422, "url"),
        (json!({"name": "a", "kind": "ntfy", "url": "https://ntfy.example"}), 422, "url"),
        (json!({"name": "a", "kind": "ntfy", "url": url, "token": "a b"}), 400, "token"),
        (json!({"name": "a", "kind": "email", "email": "a@b.example"}), 422, "email"),
        (json!({"name": "a", "kind": "carrier-pigeon", "url": url}), 400, "kind"),
        (json!({"name": "a b", "kind": "webhook", "url": url}), 400, "name"),
        (json!({"name": "a", "kind": "webhook", "url": url, "paceMs": 86_400_001}), 400, "paceMs"),
        (
            json!({"name": "a", "kind": "webhook", "url": url, "quiet": {"from": "1", "until": "2", "timeZone": "UTC"}}),
            400,
            "quiet",
        ),
        (json!({"name": "a", "kind": "webhook", "url": format!("{url}{}", "x".repeat(3000))}), 422, "url"),
    ] {
        assert_eq!(refused(&ada, body.clone()), (status, field.to_owned()), "{body}");
    }
}
