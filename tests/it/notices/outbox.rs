//! The outbox: what is written with what, what is dropped, and who waits for whom.

use std::time::Duration;

use serde_json::json;

use super::{PACE, add, channel, fixture, pairs, risky, told};
use crate::harness::receiver::{Receiver, Reply};
use crate::harness::{TestServer, confirmation, question, secret, until};

#[test]
fn without_a_channel_nothing_is_written() {
    let server = TestServer::start();
    let (agent, ada) = (server.agent("builder"), server.approver("ada"));
    agent.register(&confirmation("a"));
    ada.confirm("a", "allow").expect(200);
    for table in ["channels", "notices", "push_keys"] {
        assert_eq!(server.sql(&format!("SELECT count(*) FROM {table}")), [[json!(0)]], "{table}");
    }
}

#[test]
fn what_a_rule_decides_is_not_told() {
    let (server, agent, ada) = fixture();
    let receiver = Receiver::start();
    add(&ada, &channel("webhook", &receiver));
    let rule = json!({"toolName": "shell", "pattern": "*", "scope": "everywhere", "decision": "allow"});
    ada.post("/v1/trust-rules", &rule).expect(201);
    assert_eq!(agent.register(&confirmation("a"))["status"], "approved");
    agent.register(&secret("s"));
    assert_eq!(told(&receiver.until_received(1)), pairs([("interaction.pending", "s")]));
    assert_eq!(server.sql("SELECT count(*) FROM notices"), [[json!(1)]]);
}

#[test]
fn what_is_over_before_it_is_sent_is_dropped() {
    let (server, agent, ada) = fixture();
    let receiver = Receiver::start();
    add(&ada, &channel("webhook", &receiver));
    agent.register(&confirmation("first"));
    receiver.until_received(1);
    // The channel is silent now.
    for id in ["a", "b", "c"] {
        agent.register(&confirmation(id));
    }
    ada.confirm("a", "allow").expect(200);
    agent.post_nothing("/v1/interactions/b/cancel").expect(200);
    server.advance(PACE);
    assert_eq!(told(&receiver.until_received(2))[1], ("interaction.pending".to_owned(), "c".to_owned()));
    let dropped = "SELECT count(*) FROM v_notices WHERE status = 'dropped' AND request_id IN ('a', 'b')";
    assert_eq!(server.sql(dropped), [[json!(2)]]);
}

#[test]
fn what_expires_while_its_receiver_fails_is_dropped() {
    let (server, agent, ada) = fixture();
    let receiver = Receiver::answering(|_, _| Reply::Status(500));
    add(&ada, &json!({"name": "hook", "kind": "webhook", "url": receiver.url(), "resolutions": false}));
    let mut asked = confirmation("a");
    asked["expiresInMs"] = json!(3_000);
    agent.register(&asked);
    receiver.until_received(1);
    until(|| server.sql("SELECT count(*) FROM notices WHERE failures = 1") == [[json!(1)]]);
    server.advance(Duration::from_secs(5));
    until(|| server.sql("SELECT status FROM notices") == [[json!("dropped")]]);
    receiver.until_received(1);
}

#[test]
fn many_of_one_agent_are_one_notice_and_the_one_of_another_is_named() {
    let (server, agent, ada) = fixture();
    let receiver = Receiver::start();
    add(&ada, &channel("webhook", &receiver));
    agent.register(&confirmation("first"));
    receiver.until_received(1);
    for number in 0..1200 {
        agent.register(&risky(&format!("n{number}"), if number < 3 { "high" } else { "low" }));
    }
    server.agent("deployer").register(&confirmation("deploy"));
    server.advance(PACE - Duration::from_millis(1));
    assert_eq!(receiver.received().len(), 1);
    server.advance(Duration::from_millis(1));
    let body = receiver.until_received(2)[1].json();
    assert_eq!(body["type"], "interactions.waiting");
    let data = &body["data"];
    assert_eq!((&data["count"], &data["high"], &data["resolved"]), (&json!(1201), &json!(3), &json!(0)));
    let agents = data["agents"].as_array().unwrap();
    let of = |index: usize| (&agents[index]["agent"], &agents[index]["count"], &agents[index]["first"]["requestId"]);
    assert_eq!(of(0), (&json!("builder"), &json!(1200), &json!("n0")));
    assert_eq!(of(1), (&json!("deployer"), &json!(1), &json!("deploy")));
    assert_eq!(agents.len(), 2);
    until(|| server.sql("SELECT count(*) FROM notices WHERE status = 'waiting'") == [[json!(0)]]);
}

#[test]
fn a_notice_about_several_is_repeated_with_its_id_and_says_what_is_so_then() {
    let (server, agent, ada) = fixture();
    let receiver = Receiver::answering(|count, _| Reply::Status(if count == 1 { 500 } else { 200 }));
    add(&ada, &channel("webhook", &receiver));
    agent.register(&confirmation("first"));
    receiver.until_received(1);
    for id in ["a", "b", "c"] {
        agent.register(&confirmation(id));
    }
    server.advance(PACE);
    receiver.until_received(2);
    until(|| server.sql("SELECT count(*) FROM notices WHERE failures = 1") == [[json!(1)]]);
    ada.confirm("a", "allow").expect(200);
    server.advance(Duration::from_secs(5));
    let received = receiver.until_received(3);
    assert_eq!(received[1].header("webhook-id"), received[2].header("webhook-id"));
    assert_eq!((&received[1].json()["data"]["count"], &received[2].json()["data"]["count"]), (&json!(3), &json!(2)));
}

#[test]
fn a_slow_receiver_holds_up_no_other() {
    let (_server, agent, ada) = fixture();
    let (slow, quick) = (Receiver::answering(|_, _| Reply::Never), Receiver::start());
    let hook =
        |name: &str, receiver: &Receiver| json!({"name": name, "kind": "webhook", "url": receiver.url(), "paceMs": 0});
    add(&ada, &hook("slow", &slow));
    add(&ada, &hook("quick", &quick));
    for number in 0..5 {
        agent.register(&confirmation(&format!("n{number}")));
    }
    let numbers: Vec<_> = (0..5).map(|number| ("interaction.pending".to_owned(), format!("n{number}"))).collect();
    assert_eq!(told(&quick.until_received(5)), numbers, "one after the other, in order");
    assert!(quick.received().is_sorted_by_key(|received| received.at));
    slow.until_received(1);
}

/// However many channels lead to a receiver that does not answer: they have some of the places, and not all.
#[test]
fn a_receiver_with_many_channels_leaves_places_for_the_others() {
    let (server, agent, ada) = fixture();
    let people = ["bob", "cyd", "dan"].map(|name| server.approver(name));
    let (slow, quick) = (Receiver::answering(|_, _| Reply::Never), Receiver::start());
    for (person, number) in people.iter().flat_map(|person| (0..30).map(move |number| (person, number))) {
        add(person, &json!({"name": format!("n{number}"), "kind": "webhook", "url": slow.url()}));
    }
    add(&ada, &channel("webhook", &quick));
    agent.register(&confirmation("a"));
    quick.until_received(1);
    slow.until_received(8);
}

#[test]
fn a_channel_hears_of_what_its_owner_wants() {
    let (_server, agent, ada) = fixture();
    let [high, secrets, all] = [0; 3].map(|_| Receiver::start());
    let hook = |name: &str, receiver: &Receiver, more: serde_json::Value| {
        let mut body = json!({"name": name, "kind": "webhook", "url": receiver.url(), "paceMs": 0});
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        add(&ada, &body)
    };
    hook("high", &high, json!({"risk": "high", "kinds": ["confirmation"]}));
    hook("secrets", &secrets, json!({"kinds": ["secret"]}));
    hook("all", &all, json!({}));
    for registration in [risky("low", "low"), risky("high", "high"), secret("s"), question("q")] {
        agent.register(&registration);
    }
    let ids = |receiver: &Receiver, count| {
        told(&receiver.until_received(count)).into_iter().map(|(_, id)| id).collect::<Vec<_>>()
    };
    assert_eq!(ids(&all, 4), ["low", "high", "s", "q"]);
    assert_eq!(ids(&high, 1), ["high"]);
    assert_eq!(ids(&secrets, 1), ["s"]);
}

#[test]
fn in_quiet_hours_a_channel_says_nothing_and_then_says_what_still_waits() {
    let (server, agent, ada) = fixture();
    let receiver = Receiver::start();
    // The clock of tests begins at midnight in UTC, which is 05:30 in Kolkata.
    let quiet = json!({"from": "05:00", "until": "06:00", "timeZone": "Asia/Kolkata"});
    add(&ada, &json!({"name": "hook", "kind": "webhook", "url": receiver.url(), "quiet": quiet}));
    for id in ["a", "b", "c"] {
        agent.register(&confirmation(id));
    }
    ada.confirm("a", "deny").expect(200);
    server.advance(Duration::from_secs(30 * 60 - 1));
    assert_eq!(receiver.received().len(), 0);
    server.advance(Duration::from_secs(1));
    assert_eq!(receiver.until_received(1)[0].json()["data"]["count"], 2);
}

#[test]
fn who_has_registered_it_is_not_told_and_neither_is_who_has_no_token_any_more() {
    use countersign::domain::enums::Role;
    let (server, agent, ada) = fixture();
    let root = server.client("root", Role::Admin);
    let [of_ada, of_root] = [0; 2].map(|_| Receiver::start());
    add(&ada, &json!({"name": "hook", "kind": "webhook", "url": of_ada.url(), "paceMs": 0}));
    add(&root, &json!({"name": "hook", "kind": "webhook", "url": of_root.url(), "paceMs": 0}));
    root.register(&confirmation("own"));
    agent.register(&confirmation("other"));
    of_ada.until_received(2);
    assert_eq!(told(&of_root.until_received(1)), pairs([("interaction.pending", "other")]));
    let database = server.db();
    let revoked = crate::harness::countersign()
        .args(["token", "revoke", "--name", "ada", "--db"])
        .arg(&database)
        .output()
        .unwrap();
    assert!(revoked.status.success(), "{revoked:?}");
    agent.register(&confirmation("later"));
    of_root.until_received(2);
    until(|| {
        server.sql("SELECT status FROM v_notices WHERE owner = 'ada' AND request_id = 'later'") == [[json!("dropped")]]
    });
    of_ada.until_received(2);
}

#[test]
fn a_removed_channel_hears_nothing_more_and_its_address_is_wiped() {
    let (server, agent, ada) = fixture();
    let receiver = Receiver::start();
    let added = add(&ada, &channel("webhook", &receiver));
    agent.register(&confirmation("a"));
    receiver.until_received(1);
    agent.register(&confirmation("b"));
    let id = added["channel"]["channelId"].as_str().unwrap();
    ada.delete(&format!("/v1/channels/{id}")).expect(200);
    assert_eq!(ada.delete(&format!("/v1/channels/{id}")).refusal(), (404, "unknown_channel"));
    server.advance(PACE);
    until(|| server.sql("SELECT count(*) FROM notices WHERE status = 'waiting'") == [[json!(0)]]);
    assert_eq!(server.sql("SELECT key_id, sealed FROM channels"), [[json!(null), json!(null)]]);
    receiver.until_received(1);
    // Its name is free again.
    add(&ada, &channel("webhook", &receiver));
}
