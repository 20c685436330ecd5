//! The page for channels, without a script.

use countersign::domain::enums::Role;
use serde_json::json;

use super::{add, channel, fixture};
use crate::harness::page::{between, words_of};
use crate::harness::receiver::Receiver;
use crate::harness::{TestServer, confirmation};

#[test]
fn a_channel_is_made_tried_and_removed_by_forms() {
    let (_server, agent, ada) = fixture();
    let receiver = Receiver::start();
    let browser = ada.browser();
    let url = receiver.url();
    let fields = [("kind", "webhook"), ("name", "hook"), ("address", url.as_str()), ("risk", ""), ("quiet", "")];
    let made = browser.submit("/channels", &fields).expect(200).text;
    assert!(words_of(&made).contains("It is shown this once: whsec_"), "{made}");
    assert!(!browser.page("/channels").contains("whsec_"));
    let channels = ada.get("/v1/channels").expect(200).body;
    let id = channels["channels"][0]["channelId"].as_str().unwrap();
    let tested = browser.submit(&format!("/channels/{id}/test"), &[]).expect(200).text;
    assert!(words_of(&tested).contains("hook: The receiver answered 204 in"), "{tested}");
    agent.register(&confirmation("a"));
    receiver.until_received(2);
    let rotated = browser.submit(&format!("/channels/{id}/rotate"), &[]).expect(200).text;
    assert!(words_of(&rotated).contains("whsec_"), "{rotated}");
    browser.submit(&format!("/channels/{id}/remove"), &[]).expect(303);
    assert!(words_of(&browser.page("/channels")).contains("No channels."));
}

#[test]
fn what_is_wrong_stands_beside_its_field_and_what_was_typed_stays() {
    let (_server, _agent, ada) = fixture();
    let receiver = Receiver::start();
    add(&ada, &channel("webhook", &receiver));
    let browser = ada.browser();
    let good = [
        ("kind", "slack"),
        ("name", "chat"),
        ("address", "https://hooks.example/typed"),
        ("quiet", "22:00-07:00"),
        ("timeZone", "Europe/Berlin"),
    ];
    for (field, typed, fault) in [
        ("name", "", "Fill this in."),
        ("name", "a b", "an id is 1 to 128"),
        ("name", "webhook", "you have a channel of this name already"),
        ("address", "http://10.0.0.1/typed", "10.0.0.1 is no public address"),
        ("address", "typed", "it is no URL"),
        ("quiet", "22-7", "is no time of the day"),
        ("timeZone", "", "Fill this in."),
        ("pace", "soon", "id=\"pace-fault\""),
        ("pace", "25h", "It is at most a day."),
        ("token", "typed", "a channel of the kind slack has none"),
    ] {
        let mut fields: Vec<(&str, &str)> = good.iter().copied().filter(|(name, _)| *name != field).collect();
        fields.push((field, typed));
        let page = browser.submit("/channels", &fields).expect(400).text;
        assert!(page.contains(fault), "{field}: {page}");
        assert!(page.contains("typed") || field == "address", "{field}: {page}");
    }
    assert_eq!(ada.get("/v1/channels").body["channels"].as_array().unwrap().len(), 1);
}

#[test]
fn a_channel_is_changed_by_a_form_that_shows_what_it_is() {
    let (server, _agent, ada) = fixture();
    let added = add(
        &ada,
        &json!({"name": "hook", "kind": "webhook", "url": "http://127.0.0.1:9/x", "risk": "high",
        "kinds": ["confirmation"], "paceMs": 90_000, "resolutions": false,
        "quiet": {"from": "22:00", "until": "07:00", "timeZone": "Europe/Berlin"}}),
    );
    let id = added["channel"]["channelId"].as_str().unwrap();
    let root = server.client("root", Role::Admin).browser();
    let (browser, path) = (ada.browser(), format!("/channels/{id}/change"));
    let page = browser.page("/channels");
    assert!(words_of(&page).contains("quiet 22:00-07:00 Europe/Berlin; once in 90s"), "{page}");
    for shown in
        ["value=\"90s\"", "value=\"22:00-07:00\"", "value=\"Europe/Berlin\"", "<option selected>high", "value=\"hook\""]
    {
        assert!(page.contains(shown), "{shown}: {page}");
    }
    assert!(!root.page("/channels").contains(&path), "an admin changes no other person's");
    let fields = [("name", "mine"), ("pace", "none"), ("resolutions", "yes"), ("quiet", ""), ("timeZone", "UTC")];
    let refused = [&fields[..], &[("address", "http://10.0.0.1/typed")]].concat();
    let refused = browser.submit(&path, &refused).expect(400).text;
    for shown in [
        "10.0.0.1 is no public address",
        "value=\"mine\"",
        "value=\"http://10.0.0.1/typed\"",
        "<details class=\"fold\" open",
    ] {
        assert!(refused.contains(shown), "{shown}: {refused}");
    }
    browser.submit(&path, &fields).expect(303);
    let changed = ada.get("/v1/channels").expect(200).body["channels"][0].clone();
    assert_eq!((&changed["name"], &changed["paceMs"]), (&json!("mine"), &json!(0)));
    assert_eq!(
        (&changed["resolutions"], &changed["quiet"], &changed["risk"]),
        (&json!(true), &json!(null), &json!(null))
    );
    assert_eq!(changed["host"], "127.0.0.1:9");
}

#[test]
fn auditors_have_no_channels_and_make_none() {
    let server = TestServer::start();
    let browser = server.client("olga", Role::Auditor).browser();
    assert!(words_of(&browser.page("/channels")).contains("Your role, auditor, answers nothing."));
    let fields = [("kind", "slack"), ("name", "chat"), ("address", "https://hooks.example/x")];
    browser.submit("/channels", &fields).expect(403);
    browser.submit("/channels/push/key", &[]).expect(403);
    assert_eq!(server.sql("SELECT count(*) FROM push_keys"), [[json!(0)]]);
}

#[test]
fn what_a_browser_needs_to_be_pushed_to_is_served_to_everybody() {
    let server = TestServer::start();
    let anonymous = server.anonymous();
    let manifest = anonymous.get("/manifest.webmanifest").expect(200);
    assert_eq!(manifest.headers["content-type"], "application/manifest+json");
    assert_eq!(manifest.body["start_url"], "./");
    let browser = server.approver("ada").browser();
    let script = format!("/assets/channels.{}", between(&browser.page("/channels"), "/assets/channels.", "\"")[0]);
    for script in ["/push.js", &script] {
        let answer = anonymous.get(script).expect(200);
        assert_eq!(answer.headers["content-type"], "text/javascript; charset=utf-8");
    }
    let policy = browser.get("/channels").headers["content-security-policy"].clone();
    let policy = policy.to_str().unwrap();
    assert!(policy.contains("manifest-src 'self'") && policy.contains("worker-src 'self'"), "{policy}");
}
