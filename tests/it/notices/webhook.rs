//! Webhooks: their bodies, their signatures, how often they are repeated, and what their receivers may do.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ring::hmac;
use serde_json::{Value, json};
use standardwebhooks::Webhook;

use super::{PACE, add, channel, fixture, pairs, told};
use crate::harness::receiver::{Received, Receiver, Reply};
use crate::harness::{Database, confirmation, until};

/// Whether a signature of this request is the one that `secret` makes, by another implementation than the server's.
pub(super) fn is_signed_by(received: &Received, secret: &str) -> bool {
    let key = STANDARD.decode(secret.strip_prefix("whsec_").unwrap()).unwrap();
    let key = hmac::Key::new(hmac::HMAC_SHA256, &key);
    let (id, timestamp) = (received.header("webhook-id"), received.header("webhook-timestamp"));
    let signed = [id.as_bytes(), b".", timestamp.as_bytes(), b".", &received.body].concat();
    received.header("webhook-signature").split(' ').any(|signature| {
        let signature = STANDARD.decode(signature.strip_prefix("v1,").unwrap()).unwrap();
        hmac::verify(&key, &signed, &signature).is_ok()
    })
}

#[test]
fn a_registration_that_stays_pending_is_told_with_a_signature_and_a_link() {
    let (server, agent, ada) = fixture();
    let receiver = Receiver::start();
    let added = add(&ada, &channel("webhook", &receiver));
    agent.register(&confirmation("deploy"));
    let received = receiver.until_received(1).remove(0);
    assert_eq!((received.method.as_str(), received.path.as_str()), ("POST", "/hook"));
    assert_eq!(received.header("content-type"), "application/json");
    assert_eq!(
        received.json(),
        json!({"type": "interaction.pending", "timestamp": "2030-01-01T00:00:00.000Z", "data": {
            "requestId": "deploy", "kind": "confirmation", "toolName": "shell", "riskLevel": "medium", "agent": "builder",
            "expiresAt": "2030-01-02T00:00:00.000Z", "url": format!("{}/interactions/deploy", server.url),
        }})
    );
    assert_eq!(received.header("webhook-timestamp"), "1893456000");
    assert!(is_signed_by(&received, added["secret"].as_str().unwrap()));
    assert!(!is_signed_by(&Received { body: b"{}".to_vec(), ..received }, added["secret"].as_str().unwrap()));
}

/// The crate of Standard Webhooks looks at the time as well: its clock is the machine's.
#[test]
fn the_verifier_of_standard_webhooks_accepts_what_the_real_server_sends_and_no_changed_byte() {
    use crate::harness::{Client, Process, token};
    let db = Database::new();
    let [agent, ada] = [("builder", "agent"), ("ada", "approver")].map(|(name, role)| token(&db, name, role));
    let process = Process::serve(&db, &super::LOOPBACK);
    let receiver = Receiver::start();
    let added = add(&Client::new(&process.url, &ada), &channel("webhook", &receiver));
    Client::new(&process.url, &agent).register(&confirmation("deploy"));
    let received = receiver.until_received(1).remove(0);
    let verifier = Webhook::new(added["secret"].as_str().unwrap()).unwrap();
    let headers: ureq::http::HeaderMap = received
        .headers
        .iter()
        .map(|(name, value)| {
            (name.parse::<ureq::http::HeaderName>().unwrap(), value.parse::<ureq::http::HeaderValue>().unwrap())
        })
        .collect();
    verifier.verify(&received.body, &headers).unwrap();
    let mut changed = received.body.clone();
    changed[10] ^= 1;
    assert!(verifier.verify(&changed, &headers).is_err());
    let mut old = headers.clone();
    old.insert("webhook-timestamp", "1600000000".parse().unwrap());
    assert!(verifier.verify(&received.body, &old).is_err());
}

#[test]
fn while_a_secret_is_replaced_both_sign_and_afterwards_the_new_one_alone() {
    let (server, agent, ada) = fixture();
    let receiver = Receiver::start();
    let added = add(&ada, &channel("webhook", &receiver));
    let id = added["channel"]["channelId"].as_str().unwrap();
    let rotated = ada.post(&format!("/v1/channels/{id}/rotate"), &json!({"oldForMs": 60_000})).expect(200).body;
    let [old, new] = [&added, &rotated].map(|answer| answer["secret"].as_str().unwrap());
    assert_ne!(old, new);
    agent.register(&confirmation("a"));
    let first = receiver.until_received(1).remove(0);
    assert!(is_signed_by(&first, old) && is_signed_by(&first, new));
    server.advance(Duration::from_secs(60));
    agent.register(&confirmation("b"));
    let second = receiver.until_received(2).remove(1);
    assert!(!is_signed_by(&second, old) && is_signed_by(&second, new));
}

/// A second replacement does not end the first secret before its time, and one that says `0` ends them all.
#[test]
fn however_often_a_secret_is_replaced_each_signs_as_long_as_it_was_to() {
    let (_server, agent, ada) = fixture();
    let receiver = Receiver::start();
    let added = add(&ada, &json!({"name": "hook", "kind": "webhook", "url": receiver.url(), "paceMs": 0}));
    let path = format!("/v1/channels/{}/rotate", added["channel"]["channelId"].as_str().unwrap());
    let rotate = |body: &Value| ada.post(&path, body).expect(200).body["secret"].as_str().unwrap().to_owned();
    let first = added["secret"].as_str().unwrap();
    let (second, third) = (rotate(&json!({})), rotate(&json!({})));
    agent.register(&confirmation("a"));
    let received = receiver.until_received(1).remove(0);
    assert!([first, &second, &third].iter().all(|secret| is_signed_by(&received, secret)));
    let fourth = rotate(&json!({"oldForMs": 0}));
    agent.register(&confirmation("b"));
    let received = receiver.until_received(2).remove(1);
    assert!(is_signed_by(&received, &fourth));
    assert!(![first, &second, &third].iter().any(|secret| is_signed_by(&received, secret)));
}

#[test]
fn a_notice_that_fails_is_sent_again_by_the_schedule_with_the_same_id_and_then_has_failed() {
    let (server, agent, ada) = fixture();
    let receiver = Receiver::answering(|_, _| Reply::Status(503));
    add(&ada, &channel("webhook", &receiver));
    let mut asked = confirmation("a");
    asked["expiresInMs"] = json!(7 * 24 * 60 * 60 * 1000);
    agent.register(&asked);
    receiver.until_received(1);
    for (count, seconds) in (1..).zip([5, 5 * 60, 30 * 60, 2 * 3600, 5 * 3600, 10 * 3600_u64]) {
        let failures = format!("SELECT count(*) FROM notices WHERE failures = {count} AND held_until_ms IS NULL");
        until(|| server.sql(&failures) == [[json!(1)]]);
        server.advance(Duration::from_secs(seconds) - Duration::from_millis(1));
        assert_eq!(receiver.received().len(), count, "before the {count}th repetition is due");
        server.advance(Duration::from_millis(1));
        receiver.until_received(count + 1);
    }
    until(|| {
        server.sql("SELECT status, failures, failure FROM notices")
            == [[json!("failed"), json!(7), json!("it answered 503")]]
    });
    let ids: std::collections::BTreeSet<String> =
        receiver.received().iter().map(|received| received.header("webhook-id").to_owned()).collect();
    assert_eq!(ids.len(), 1, "every repetition has the same id");
    let times: Vec<String> =
        receiver.received().iter().map(|received| received.header("webhook-timestamp").to_owned()).collect();
    assert_eq!((times[0].as_str(), times[1].as_str()), ("1893456000", "1893456005"));
    let events = server.sql("SELECT detail FROM audit_events WHERE event = 'notice.failed'");
    assert_eq!(events.len(), 1);
    assert!(events[0][0].as_str().unwrap().contains("it answered 503"));
}

/// What could not be sent goes with the first that can, in one: not one after the other as soon as the receiver is back.
#[test]
fn what_has_recovered_is_told_in_one_notice_of_all_that_had_failed() {
    let (server, agent, ada) = fixture();
    let receiver = Receiver::answering(|count, _| Reply::Status(if count < 5 { 500 } else { 200 }));
    add(&ada, &channel("webhook", &receiver));
    let waits = |failures: u32| {
        let sql = format!("SELECT count(*) FROM notices WHERE status = 'waiting' AND failures = {failures}");
        until(|| server.sql(&sql) == [[json!(1)]]);
    };
    agent.register(&confirmation("a"));
    receiver.until_received(1);
    waits(1);
    server.advance(Duration::from_secs(5));
    receiver.until_received(2);
    waits(2);
    server.advance(PACE);
    agent.register(&confirmation("b"));
    receiver.until_received(3);
    waits(1);
    server.advance(Duration::from_secs(5));
    receiver.until_received(4);
    waits(2);
    server.agent("deployer").register(&confirmation("c"));
    server.advance(PACE);
    receiver.until_received(5);
    waits(1);
    server.advance(Duration::from_secs(5));
    let received = receiver.until_received(6);
    let agents: Vec<Value> = received.iter().map(|received| received.json()["data"]["agents"].clone()).collect();
    let named = |agents: &Value| {
        let of = |agent: &Value| (agent["count"].clone(), agent["first"]["requestId"].clone());
        agents.as_array().unwrap().iter().map(of).collect::<Vec<_>>()
    };
    assert_eq!(named(&agents[2]), [(json!(2), json!("a"))]);
    assert_eq!(named(&agents[5]), [(json!(2), json!("a")), (json!(1), json!("c"))]);
    until(|| server.sql("SELECT count(*) FROM notices WHERE status = 'waiting'") == [[json!(0)]]);
    // All three were told, so all three ends are; what has ended in between is one notice again.
    for id in ["a", "b", "c"] {
        ada.confirm(id, "allow").expect(200);
    }
    server.advance(PACE);
    assert_eq!(receiver.until_received(7)[6].json()["data"]["resolved"], 3);
}

/// A channel that does not rest is sent each by itself only while it keeps up.
#[test]
fn for_a_receiver_that_does_not_keep_up_the_outbox_has_an_end() {
    let (server, agent, ada) = fixture();
    let receiver = Receiver::answering(|count, _| Reply::Status(if count == 0 { 500 } else { 204 }));
    let added = add(
        &ada,
        &json!({"name": "hook", "kind": "webhook", "url": receiver.url(), "paceMs": 0,
        "quiet": {"from": "23:59", "until": "00:01", "timeZone": "UTC"}}),
    );
    assert_eq!(added["channel"]["paceMs"], 0);
    for number in 0..150 {
        agent.register(&confirmation(&format!("n{number}")));
    }
    server.agent("deployer").register(&confirmation("deploy"));
    server.advance(Duration::from_secs(60));
    receiver.until_received(1);
    let waiting = "SELECT count(*) FROM notices WHERE status = 'waiting'";
    until(|| server.sql("SELECT count(*) FROM notices WHERE failures = 1") == [[json!(1)]]);
    assert_eq!(server.sql(waiting), [[json!(1)]]);
    agent.register(&confirmation("later"));
    let received = receiver.until_received(2);
    assert_eq!(told(&received)[1], ("interaction.pending".to_owned(), "later".to_owned()));
    let data = receiver.until_received(3)[2].json()["data"].clone();
    assert_eq!((&data["count"], &data["agents"][1]["agent"]), (&json!(151), &json!("deployer")));
    until(|| server.sql(waiting) == [[json!(0)]]);
}

#[test]
fn what_is_answered_is_not_sent_again_and_its_end_is_not_told_where_nothing_had_arrived() {
    let (server, agent, ada) = fixture();
    let receiver = Receiver::answering(|_, _| Reply::Status(503));
    add(&ada, &channel("webhook", &receiver));
    agent.register(&confirmation("a"));
    receiver.until_received(1);
    until(|| server.sql("SELECT count(*) FROM notices WHERE failures = 1") == [[json!(1)]]);
    ada.confirm("a", "deny").expect(200);
    assert_eq!(server.sql("SELECT about, status FROM notices"), [[json!("pending"), json!("dropped")]]);
    server.advance(PACE);
    agent.register(&confirmation("b"));
    let received = receiver.until_received(2);
    assert_eq!(told(&received)[1], ("interaction.pending".to_owned(), "b".to_owned()));
}

/// A notice about several of which none waits any more is not even tried.
#[test]
fn a_notice_about_several_that_are_all_answered_is_not_sent_again() {
    let (server, agent, ada) = fixture();
    let receiver = Receiver::answering(|count, _| Reply::Status(if count == 1 { 503 } else { 204 }));
    add(&ada, &channel("webhook", &receiver));
    agent.register(&confirmation("first"));
    receiver.until_received(1);
    for id in ["a", "b"] {
        agent.register(&confirmation(id));
    }
    server.advance(PACE);
    receiver.until_received(2);
    until(|| server.sql("SELECT count(*) FROM notices WHERE failures = 1") == [[json!(1)]]);
    for id in ["a", "b"] {
        ada.confirm(id, "deny").expect(200);
    }
    let connections = receiver.connections();
    server.advance(Duration::from_secs(5));
    until(|| server.sql("SELECT count(*) FROM notices WHERE status = 'waiting'") == [[json!(0)]]);
    assert_eq!(receiver.connections(), connections);
}

/// It was answered after the notice had left and before the receiver said that it had it.
#[test]
fn what_is_answered_while_its_notice_is_on_its_way_is_told_once_that_has_arrived() {
    let (server, agent, ada) = fixture();
    let answered = std::sync::Arc::new(std::sync::Mutex::new(None::<crate::harness::Client>));
    let shared = std::sync::Arc::clone(&answered);
    let receiver = Receiver::answering(move |count, _| {
        if count == 0
            && let Some(ada) = shared.lock().unwrap().as_ref()
        {
            ada.confirm("a", "deny").expect(200);
        }
        Reply::Status(204)
    });
    *answered.lock().unwrap() = Some(crate::harness::Client::new(&server.url, ada.token.as_deref().unwrap()));
    add(&ada, &channel("webhook", &receiver));
    agent.register(&confirmation("a"));
    receiver.until_received(1);
    until(|| server.sql("SELECT count(*) FROM notices WHERE about = 'resolved'") == [[json!(1)]]);
    server.advance(PACE);
    let received = receiver.until_received(2);
    assert_eq!(told(&received), pairs([("interaction.pending", "a"), ("interaction.resolved", "a")]));
}

#[test]
fn a_receiver_that_is_gone_turns_its_channel_off() {
    let (server, agent, ada) = fixture();
    let receiver = Receiver::answering(|_, _| Reply::Status(410));
    add(&ada, &channel("webhook", &receiver));
    agent.register(&confirmation("a"));
    receiver.until_received(1);
    until(|| ada.get("/v1/channels").body["channels"][0]["status"] == "disabled");
    let shown = ada.get("/v1/channels").body["channels"][0].clone();
    assert_eq!(shown["disabledWhy"], "the receiver says that it is gone (410)");
    server.advance(PACE);
    agent.register(&confirmation("b"));
    assert_eq!(server.sql("SELECT count(*) FROM notices WHERE status = 'waiting'"), [[json!(0)]]);
    assert_eq!(
        server.sql("SELECT event FROM audit_events WHERE event LIKE 'channel.%' ORDER BY seq").concat(),
        [json!("channel.added"), json!("channel.disabled"),]
    );
    receiver.until_received(1);
}

#[test]
fn a_redirect_is_not_followed() {
    let (server, agent, ada) = fixture();
    let elsewhere = Receiver::start();
    let location = elsewhere.url();
    let receiver = Receiver::answering(move |_, _| {
        let head = format!("HTTP/1.1 307 Moved\r\nlocation: {location}\r\ncontent-length: 0\r\n\r\n");
        Reply::Raw(head.into_bytes())
    });
    add(&ada, &channel("webhook", &receiver));
    agent.register(&confirmation("a"));
    let failure = "SELECT failure FROM notices WHERE failures = 1";
    until(|| server.sql(failure) == [[json!("it answered 307: redirects are not followed")]]);
    assert_eq!(elsewhere.connections(), 0);
}

/// A receiver that answers without an end is heard as far as it has said that all is well.
#[test]
fn of_an_answer_64_kib_are_read() {
    let (_server, agent, ada) = fixture();
    let receiver = Receiver::answering(|_, _| {
        let head = b"HTTP/1.1 200 OK\r\ncontent-length: 10000000\r\n\r\n".to_vec();
        Reply::Raw([head, vec![b'x'; 1024 * 1024]].concat())
    });
    let added = add(&ada, &channel("webhook", &receiver));
    let id = added["channel"]["channelId"].as_str().unwrap();
    let tested = ada.post_nothing(&format!("/v1/channels/{id}/test")).expect(200).body;
    assert_eq!((&tested["delivered"], &tested["status"]), (&json!(true), &json!(200)));
    assert_eq!(tested["answer"].as_str().unwrap().len(), 64 * 1024);
    agent.register(&confirmation("a"));
    let received = receiver.until_received(2);
    assert_eq!(told(&received)[0], ("channel.test".to_owned(), String::new()));
}

#[test]
fn what_is_no_http_is_a_failure() {
    let (_server, _agent, ada) = fixture();
    for (number, raw) in
        ["SSH-2.0-OpenSSH_9.2\r\n", "", "HTTP/1.1 200 OK\r\nx: ", "HTTP/1.1 99999 x\r\n\r\n"].into_iter().enumerate()
    {
        let receiver = Receiver::answering(move |_, _| Reply::Raw(raw.as_bytes().to_vec()));
        let added = add(&ada, &json!({"name": format!("n{number}"), "kind": "webhook", "url": receiver.url()}));
        let id = added["channel"]["channelId"].as_str().unwrap();
        let tested = ada.post_nothing(&format!("/v1/channels/{id}/test")).expect(200).body;
        assert_eq!((&tested["delivered"], &tested["status"]), (&json!(false), &Value::Null), "{raw:?}: {tested}");
    }
}

#[test]
fn a_program_is_told_how_what_it_was_told_of_has_ended() {
    let (server, agent, ada) = fixture();
    let receiver = Receiver::start();
    add(&ada, &channel("webhook", &receiver));
    agent.register(&confirmation("a"));
    receiver.until_received(1);
    until(|| server.sql("SELECT count(*) FROM notices WHERE status = 'sent'") == [[json!(1)]]);
    ada.confirm("a", "deny").expect(200);
    server.advance(PACE);
    let received = receiver.until_received(2);
    let body = received[1].json();
    assert_eq!((&body["type"], &body["data"]["status"]), (&json!("interaction.resolved"), &json!("rejected")));
    assert_eq!(body["data"]["resolvedAt"], "2030-01-01T00:00:00.000Z");
}
