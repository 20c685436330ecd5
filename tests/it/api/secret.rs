//! `POST /v1/secret` and `POST /v1/interactions/{requestId}/secret`: a person gives, the agent takes.

use std::time::Duration;

use countersign::domain::enums::Role;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::harness::outside::stored;
use crate::harness::{
    Answer, Client, Database, Named as _, Process, TestServer, altered, confirmation, countersign, secret, token, until,
};

fn give(client: &Client, request_id: &str, more: &Value) -> Answer {
    client.post("/v1/secret", &altered(json!({"requestId": request_id}), more))
}

fn take(client: &Client, request_id: &str, take_id: &str) -> Answer {
    client.post(&format!("/v1/interactions/{request_id}/secret"), &json!({"takeId": take_id}))
}

fn take_with_no_id(client: &Client, request_id: &str) -> Answer {
    client.post_nothing(&format!("/v1/interactions/{request_id}/secret"))
}

#[test]
fn a_value_is_trimmed_at_its_edges_and_reaches_only_the_agent_that_asked() {
    let server = TestServer::start();
    let (agent, ada) = (server.agent("builder"), server.approver("ada"));
    agent.register(&secret("s"));
    let waiter = agent.wait_in_background("s");
    server.until_waiting(1);
    assert_eq!(give(&ada, "s", &json!({"value": " \thun ter2\u{a0}\n"})).expect(200).body, json!({"accepted": true}));
    let seen = waiter.join().unwrap().expect(200).body;
    assert_eq!(seen["status"], "answered");
    assert_eq!(seen["resolution"], json!({"resolvedBy": {"principal": "ada"}, "delivery": "store"}));
    let others = [
        (server.agent("other"), 404, "unknown_request"),
        (ada.clone(), 403, "forbidden"),
        (server.client("eve", Role::Auditor), 403, "forbidden"),
        (server.client("root", Role::Admin), 403, "not_yours"),
    ];
    for (other, status, code) in others {
        assert_eq!(server.unchanged(|| take(&other, "s", "t")).refusal(), (status, code));
    }
    let taken = take(&agent, "s", "t").expect(200);
    assert_eq!(taken.body, json!({"value": "hun ter2", "delivery": "store", "takeId": "t"}));
    assert_eq!(taken.headers["cache-control"], "no-store");
    let told = ["interaction.registered by builder", "interaction.answered by ada", "secret.taken by builder"]
        .map(Value::from);
    assert_eq!(server.history("s"), told);
}

#[test]
fn an_empty_or_malformed_value_is_refused_and_consumes_nothing() {
    let server = TestServer::start();
    let (agent, ada) = (server.agent("builder"), server.approver("ada"));
    agent.register(&secret("s"));
    for id in ["s", "nothing"] {
        for body in [
            json!({"value": ""}),
            json!({"value": " \r\n\t"}),
            json!({"value": ["v"]}),
            json!({"value": "v", "delivery": "shout"}),
            json!({"valeu": "v"}),
        ] {
            let refused = server.unchanged(|| give(&ada, id, &body));
            assert_eq!(refused.refusal(), (400, "malformed_request"), "{body}");
        }
    }
}

#[test]
fn declining_cancels_and_leaves_nothing_to_take() {
    let server = TestServer::start();
    let (agent, ada, bob) = (server.agent("builder"), server.approver("ada"), server.approver("bob"));
    agent.register(&secret("s"));
    let waiter = agent.wait_in_background("s");
    server.until_waiting(1);
    give(&ada, "s", &json!({})).expect(200);
    let seen = waiter.join().unwrap().expect(200).body;
    assert_eq!(seen["status"], "cancelled");
    assert_eq!(seen["resolution"], json!({"resolvedBy": {"principal": "ada"}, "delivery": null}));
    assert_eq!(server.count("sealed_secrets"), 0);
    assert_eq!(server.unchanged(|| give(&ada, "s", &json!({}))).status, 200);
    for (who, body) in [(&bob, json!({})), (&ada, json!({"value": "v"}))] {
        let refused = server.unchanged(|| give(who, "s", &body));
        assert_eq!((refused.refusal(), &refused.body["status"]), ((404, "already_resolved"), &json!("cancelled")));
    }
    assert_eq!(server.unchanged(|| take(&agent, "s", "t")).refusal(), (409, "not_answered"));
}

#[test]
fn only_the_same_principal_may_repeat_and_only_the_very_same_value() {
    let server = TestServer::start();
    let (agent, ada, bob) = (server.agent("builder"), server.approver("ada"), server.approver("bob"));
    for (id, delivery, other) in [("s", "store", "transient_send"), ("t", "transient_send", "store")] {
        agent.register(&secret(id));
        let given = json!({"value": "v", "delivery": delivery});
        give(&ada, id, &given).expect(200);
        server.unchanged(|| give(&ada, id, &json!({"value": " v ", "delivery": delivery}))).expect(200);
        for (who, body) in [
            (&bob, given),
            (&ada, json!({"value": "w", "delivery": delivery})),
            (&ada, json!({"value": "v", "delivery": other})),
            (&ada, json!({})),
        ] {
            let refused = server.unchanged(|| give(who, id, &body));
            assert_eq!((refused.refusal(), &refused.body["status"]), ((404, "already_resolved"), &json!("answered")));
        }
    }
}

#[test]
fn a_kept_value_may_be_taken_again_and_every_taking_is_one_event() {
    let server = TestServer::start();
    let (agent, ada) = (server.agent("builder"), server.approver("ada"));
    agent.register(&secret("s"));
    give(&ada, "s", &json!({"value": "v"})).expect(200);
    for id in ["a", "b", "a"] {
        assert_eq!(take(&agent, "s", id).expect(200).body, json!({"value": "v", "delivery": "store", "takeId": id}));
        server.advance(Duration::from_secs(3600 * 24 * 365));
    }
    assert_eq!(take_with_no_id(&agent, "s").expect(200).body["value"], "v");
    assert_eq!(
        server.count("audit_events WHERE event = 'secret.taken' AND request_id = 's' AND principal = 'builder'"),
        3
    );
    assert_eq!(server.sql("SELECT service, field, delivery FROM sealed_secrets WHERE sealed IS NOT NULL").len(), 1);
}

#[test]
fn a_value_of_several_lines_is_kept_to_the_byte() {
    let server = TestServer::start();
    let (agent, ada) = (server.agent("builder"), server.approver("ada"));
    let key = " -----BEGIN KEY-----\nabc\r\n-----END KEY-----\n";
    for delivery in ["store", "transient_send"] {
        agent.register(&secret(delivery));
        give(&ada, delivery, &json!({"value": key, "delivery": delivery})).expect(200);
        server.unchanged(|| give(&ada, delivery, &json!({"value": key, "delivery": delivery}))).expect(200);
        let other = json!({"value": key.trim_end(), "delivery": delivery});
        assert_eq!(server.unchanged(|| give(&ada, delivery, &other)).refusal(), (404, "already_resolved"));
        assert_eq!(take(&agent, delivery, "t").expect(200).body["value"], key);
    }
}

#[test]
fn a_value_that_is_wiped_is_never_taken_again() {
    let server = TestServer::start();
    let (agent, ada, bob) = (server.agent("builder"), server.approver("ada"), server.approver("bob"));
    let eve = server.client("eve", Role::Auditor);
    for (id, delivery) in [("kept", "store"), ("once", "transient_send")] {
        agent.register(&secret(id));
        give(&ada, id, &json!({"value": "v", "delivery": delivery})).expect(200);
    }
    take(&agent, "kept", "t").expect(200);
    for (id, delivery) in [("kept", "store"), ("once", "transient_send")] {
        let path = format!("/v1/interactions/{id}/secret");
        for other in [&agent, &eve] {
            assert_eq!(server.unchanged(|| other.delete(&path)).refusal(), (403, "forbidden"));
        }
        let seen = ada.delete(&path).expect(200).body;
        let wiped = json!({"at": "2030-01-01T00:00:00.000Z", "by": "ada"});
        let resolution = json!({"resolvedBy": {"principal": "ada"}, "delivery": delivery, "wiped": wiped});
        assert_eq!((&seen["status"], &seen["resolution"]), (&json!("answered"), &resolution));
        assert_eq!(server.history(id).last().unwrap(), "secret.wiped by ada");
        server.unchanged(|| {
            assert_eq!(ada.delete(&path).expect(200).body, seen);
            assert_eq!(bob.delete(&path).expect(200).body, seen);
            assert_eq!(take(&agent, id, "t").refusal(), (409, "wiped"));
            assert_eq!(take_with_no_id(&agent, id).refusal(), (409, "wiped"));
            assert_eq!(agent.look(id), seen);
        });
    }
    assert_eq!(server.count("sealed_secrets WHERE sealed IS NOT NULL"), 0);
    assert_eq!(server.unchanged(|| ada.delete("/v1/interactions/nothing/secret")).refusal(), (404, "unknown_request"));
}

#[test]
fn a_one_time_value_is_wiped_in_its_last_minute_and_not_once_it_is_gone() {
    let server = TestServer::start();
    let (agent, ada) = (server.agent("builder"), server.approver("ada"));
    for id in ["taken", "gone"] {
        agent.register(&secret(id));
        give(&ada, id, &json!({"value": "v", "delivery": "transient_send"})).expect(200);
        take(&agent, id, "t").expect(200);
    }
    ada.delete("/v1/interactions/taken/secret").expect(200);
    assert_eq!(server.unchanged(|| take(&agent, "taken", "t")).refusal(), (409, "wiped"));
    server.advance(Duration::from_secs(60));
    until(|| server.count("sealed_secrets WHERE sealed IS NULL") == 2);
    assert_eq!(server.unchanged(|| ada.delete("/v1/interactions/gone/secret")).refusal(), (409, "already_taken"));
}

#[test]
fn a_one_time_value_is_handed_out_once_retried_for_a_minute_and_wiped() {
    let server = TestServer::start();
    let (agent, ada) = (server.agent("builder"), server.approver("ada"));
    agent.register(&secret("s"));
    give(&ada, "s", &json!({"value": "v", "delivery": "transient_send"})).expect(200);
    // It may lie there for as long as it likes before it is taken.
    server.advance(Duration::from_secs(3600));
    let handed = json!({"value": "v", "delivery": "transient_send", "takeId": "t"});
    assert_eq!(take(&agent, "s", "t").expect(200).body, handed);
    server.unchanged(|| {
        assert_eq!(take(&agent, "s", "u").refusal(), (409, "already_taken"));
        assert_eq!(take_with_no_id(&agent, "s").refusal(), (409, "already_taken"));
    });
    server.advance(Duration::from_millis(59_999));
    assert_eq!(take(&agent, "s", "t").expect(200).body, handed);
    server.advance(Duration::from_millis(1));
    assert_eq!(take(&agent, "s", "t").refusal(), (409, "already_taken"));
    until(|| server.count("sealed_secrets WHERE sealed IS NULL AND take_id = 't'") == 1);
    assert_eq!(server.unchanged(|| take(&agent, "s", "t")).refusal(), (409, "already_taken"));
    let told = ["secret.taken by builder", "secret.taken by builder", "secret.wiped"].map(Value::from);
    assert_eq!(server.history("s")[2..], told);
}

#[test]
fn the_minute_ends_on_time_even_before_the_value_is_wiped() {
    let server = TestServer::without_sweeper();
    let (agent, ada) = (server.agent("builder"), server.approver("ada"));
    agent.register(&secret("s"));
    give(&ada, "s", &json!({"value": "v", "delivery": "transient_send"})).expect(200);
    take(&agent, "s", "t").expect(200);
    server.advance(Duration::from_secs(60));
    assert_eq!(server.unchanged(|| take(&agent, "s", "t")).refusal(), (409, "already_taken"));
    assert_eq!(server.count("sealed_secrets WHERE sealed IS NOT NULL"), 1);
}

/// Whether the agent or the server chose the id, the answer names it, so that it can be asked for again.
#[test]
fn a_one_time_value_may_be_retried_with_the_id_that_the_server_chose() {
    let server = TestServer::start();
    let (agent, ada) = (server.agent("builder"), server.approver("ada"));
    agent.register(&secret("s"));
    give(&ada, "s", &json!({"value": "v", "delivery": "transient_send"})).expect(200);
    let taken = take_with_no_id(&agent, "s").expect(200).body;
    // Whatever was due is swept by the time that a look at the queue comes back.
    ada.get("/v1/pending-interactions").expect(200);
    assert_eq!(take(&agent, "s", taken["takeId"].as_str().unwrap()).expect(200).body, taken);
    server.advance(Duration::from_secs(60));
    until(|| server.count("sealed_secrets WHERE sealed IS NULL") == 1);
}

#[test]
fn a_value_that_may_not_be_sent_once_is_not_and_may_still_be_kept() {
    let server = TestServer::start();
    let (agent, ada) = (server.agent("builder"), server.approver("ada"));
    agent.register(&altered(secret("s"), &json!({"secret": {"allowOneTimeSend": false}})));
    let once = json!({"value": "v", "delivery": "transient_send"});
    assert_eq!(server.unchanged(|| give(&ada, "s", &once)).refusal(), (403, "one_time_send_not_allowed"));
    give(&ada, "s", &json!({"value": "v"})).expect(200);
    assert_eq!(take(&agent, "s", "t").expect(200).body["delivery"], "store");
}

/// Otherwise the confirmation would be gone from the queue without a decision, and the value lost.
#[test]
fn secret_on_a_confirmation_neither_consumes_nor_orphans_it() {
    let server = TestServer::start();
    let (agent, ada) = (server.agent("builder"), server.approver("ada"));
    agent.register(&confirmation("c"));
    let waiter = agent.wait_in_background("c");
    server.until_waiting(1);
    server.unchanged(|| {
        for body in [json!({"value": "v"}), json!({"value": "v", "delivery": "transient_send"}), json!({})] {
            assert_eq!(give(&ada, "c", &body).refusal(), (404, "wrong_kind"), "{body}");
        }
    });
    ada.confirm("c", "allow").expect(200);
    let seen = waiter.join().unwrap().expect(200).body;
    assert_eq!((&seen["status"], &seen["resolution"]["decision"]), (&json!("approved"), &json!("allow")));
}

const CANARY: &str = "canary-5b1f0c2e";

/// Every byte that is stored.
fn bytes_on_disk(server: &TestServer) -> Vec<u8> {
    stored(&server.db()).into_iter().flat_map(|(_, bytes)| bytes).collect()
}

#[test]
fn a_value_stands_in_no_byte_on_the_disk_and_in_no_answer_but_the_agents() {
    let server = TestServer::start();
    let (agent, ada, bob) = (server.agent("builder"), server.approver("ada"), server.approver("bob"));
    let mut answers = Vec::new();
    for (id, delivery) in [("s", "store"), ("t", "transient_send")] {
        agent.register(&secret(id));
        let given = json!({"value": CANARY, "delivery": delivery});
        answers.push(give(&ada, id, &altered(given.clone(), &json!({"extra": CANARY}))));
        answers.push(give(&ada, id, &altered(given.clone(), &json!({"value": [CANARY]}))));
        answers.push(ada.post_text("/v1/secret", &format!(r#"{{"requestId":"{id}","value":"{CANARY}"#)));
        answers.push(ada.post_text("/v1/secret", &format!(r#"{{"requestId":"{id}","value":"{CANARY}","value":"x"}}"#)));
        answers.extend([give(&ada, id, &given), give(&ada, id, &given), give(&bob, id, &given)]);
        assert_eq!(take(&agent, id, "take").expect(200).body["value"], CANARY);
        answers.push(take(&agent, "nothing", CANARY));
    }
    let paths =
        ["interactions", "interactions/s", "interactions/t", "pending-interactions", "audit-events", "trust-rules"];
    answers.extend(paths.map(|path| ada.get(&format!("/v1/{path}"))));
    for answer in answers {
        assert!(!answer.text.contains(CANARY), "{answer:?}");
    }
    assert_eq!(server.count("sealed_secrets WHERE sealed IS NOT NULL"), 2);
    let on_disk = bytes_on_disk(&server);
    let canary = |needle: &[u8]| on_disk.windows(needle.len()).any(|window| window == needle);
    assert!(canary(b"The forge's token"), "the test does not see what is there");
    assert!(!canary(CANARY.as_bytes()));
    assert!(!canary(hex::encode(CANARY).as_bytes()));
}

/// A number is easily sent for a text: what it was must not come back in the error.
#[test]
fn a_value_that_is_a_number_is_refused_without_saying_it() {
    let server = TestServer::start();
    let (agent, ada) = (server.agent("builder"), server.approver("ada"));
    agent.register(&secret("s"));
    for value in [json!(271_828_182), json!(-271_828_182), json!(2718.25), json!(true)] {
        let refused = server.unchanged(|| give(&ada, "s", &json!({"value": value})));
        assert_eq!(refused.refusal(), (400, "malformed_request"));
        assert_eq!(refused.body["field"], "value");
        assert!(!refused.text.contains("2718") && !refused.text.contains("true"), "{}", refused.text);
    }
}

#[test]
fn a_restart_with_another_key_is_refused_and_with_the_right_one_loses_nothing() {
    let directory = TempDir::new().unwrap();
    let db = Database::new();
    let process = Process::serve(&db, &[]);
    let tokens = [token(&db, "builder", "agent"), token(&db, "ada", "approver")];
    let [agent, ada] = tokens.each_ref().map(|token| Client::new(&process.url, token));
    agent.register(&secret("s"));
    give(&ada, "s", &json!({"value": CANARY})).expect(200);
    process.terminate();
    let started = |key: &str| {
        let key = directory.path().join(key);
        countersign().args(["serve", "--listen", "127.0.0.1:0"]).named(&db).arg("--key-file").arg(key).output().unwrap()
    };
    for key in ["missing.key", "other.key"] {
        if key == "other.key" {
            let made = directory.path().join("new.db");
            Process::serve(&made, &["--key-file", directory.path().join(key).to_str().unwrap()]).terminate();
        }
        let refused = started(key);
        let said = String::from_utf8(refused.stderr).unwrap();
        assert!(!refused.status.success() && said.contains("is not the one that sealed"), "{said}");
        assert!(!directory.path().join("missing.key").exists());
    }
    let process = Process::serve(&db, &[]);
    let agent = Client::new(&process.url, &tokens[0]);
    assert_eq!(take(&agent, "s", "t").expect(200).body["value"], CANARY);
}

#[test]
fn a_value_of_nothing_that_is_seen_is_refused_as_an_empty_one() {
    let server = TestServer::start();
    let (agent, ada) = (server.agent("builder"), server.approver("ada"));
    agent.register(&secret("s"));
    for value in ["", "\u{200b}", " \u{feff}\n\u{202e}"] {
        let answer = server.unchanged(|| ada.post("/v1/secret", &json!({"requestId": "s", "value": value})));
        assert_eq!(
            (answer.refusal(), &answer.body["field"]),
            ((400, "malformed_request"), &json!("value")),
            "{value:?}"
        );
    }
}
