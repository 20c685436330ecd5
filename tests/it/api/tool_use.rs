//! The same use of a tool, registered twice without a `requestId`, is one card while it is open.

use std::time::Duration;

use serde_json::{Value, json};

use crate::harness::{Act, Answer, Client, TestServer, altered, confirmation, race};

/// A confirmation without an id of its own, for a use of a tool.
fn use_of_tool(changes: &Value) -> Value {
    let mut body = altered(confirmation("none"), &json!({"confirmation": {"toolUseId": "toolu_1"}}));
    body.as_object_mut().unwrap().remove("requestId");
    altered(body, changes)
}

fn register(client: &Client, changes: &Value) -> Answer {
    client.post("/v1/interactions", &use_of_tool(changes))
}

/// The id of what is registered anew, or is there already.
#[track_caller]
fn id_of(answer: Answer, status: u16) -> String {
    answer.expect(status).body["requestId"].as_str().unwrap().to_owned()
}

#[test]
fn the_same_use_of_a_tool_is_found_while_it_is_pending_or_approved_and_unclaimed() {
    let server = TestServer::start();
    let (agent, ada) = (server.agent("builder"), server.approver("ada"));
    let same = json!({});
    let id = id_of(register(&agent, &same), 201);
    let found = server.unchanged(|| register(&agent, &json!({"expiresInMs": 1000})));
    assert_eq!(found.body["status"], "pending");
    assert_eq!(id_of(found, 200), id);
    ada.confirm(&id, "allow").expect(200);
    let found = server.unchanged(|| register(&agent, &same)).expect(200).body;
    assert_eq!((&found["status"], &found["requestId"]), (&json!("approved"), &json!(id)));
    // What is used is never found again.
    agent.post_nothing(&format!("/v1/interactions/{id}/claim")).expect(200);
    let next = id_of(register(&agent, &same), 201);
    assert_ne!(next, id);
    assert_eq!(id_of(register(&agent, &same), 200), next);
}

#[test]
fn however_often_others_ask_the_same_ones_own_is_found() {
    let server = TestServer::start();
    let (agent, other) = (server.agent("builder"), server.agent("other"));
    let id = id_of(register(&agent, &json!({})), 201);
    for number in 0..150 {
        register(&other, &json!({"requestId": format!("flood-{number}")})).expect(201);
    }
    assert_eq!(id_of(register(&agent, &json!({})), 200), id);
}

#[test]
fn what_is_over_is_never_found() {
    let server = TestServer::without_sweeper();
    let (agent, ada) = (server.agent("builder"), server.approver("ada"));
    let end = |verb: &str, id: &str| match verb {
        "reject" => drop(ada.confirm(id, "deny").expect(200)),
        "cancel" => drop(agent.post_nothing(&format!("/v1/interactions/{id}/cancel")).expect(200)),
        "supersede" => drop(agent.post_nothing("/v1/conversations/conversation/supersede").expect(200)),
        "expire" => server.advance(Duration::from_secs(60)),
        "withdraw" => {
            ada.confirm(id, "allow").expect(200);
            ada.post_nothing(&format!("/v1/interactions/{id}/withdraw")).expect(200);
        }
        _ => {
            ada.confirm(id, "allow").expect(200);
            server.advance(Duration::from_secs(30));
        }
    };
    for verb in ["reject", "cancel", "supersede", "expire", "withdraw", "approve and wait"] {
        let body = json!({"expiresInMs": 60_000, "confirmation": {"toolUseId": verb, "claimWithinMs": 30_000}});
        let id = id_of(register(&agent, &body), 201);
        end(verb, &id);
        assert_ne!(id_of(register(&agent, &body), 201), id, "{verb}");
    }
}

#[test]
fn another_use_is_another_card() {
    let server = TestServer::start();
    let (agent, other) = (server.agent("builder"), server.agent("other"));
    let id = id_of(register(&agent, &json!({})), 201);
    for changes in [
        json!({"conversationId": "another"}),
        json!({"metadata": {"note": "mine"}}),
        json!({"confirmation": {"toolUseId": "toolu_2"}}),
        json!({"confirmation": {"input": {"command": "make test"}}}),
        json!({"confirmation": {"riskLevel": "high"}}),
        // Without a conversation, or a use that is named, nothing says that two calls are one.
        json!({"conversationId": null}),
        json!({"confirmation": {"toolUseId": null}}),
        // An id of its own is an id of its own.
        json!({"requestId": "own"}),
    ] {
        assert_ne!(id_of(register(&agent, &changes), 201), id, "{changes}");
    }
    for changes in [json!({"conversationId": null}), json!({"confirmation": {"toolUseId": null}})] {
        register(&agent, &changes).expect(201);
    }
    register(&other, &json!({})).expect(201);
    assert_eq!(id_of(register(&agent, &json!({})), 200), "own", "the newest that is open is found");
}

#[test]
fn two_that_register_the_same_use_at_once_make_one_card() {
    let server = TestServer::start();
    let agent = server.agent("builder");
    for round in 0..16 {
        let changes = &json!({"confirmation": {"toolUseId": format!("toolu_{round}")}});
        let acts = (0..2).map(|_| -> Act<'_, Answer> {
            let agent = &agent;
            Box::new(move || register(agent, changes))
        });
        let answers = race(acts);
        let mut statuses = answers.iter().map(|answer| answer.status).collect::<Vec<_>>();
        statuses.sort_unstable();
        assert_eq!(statuses, [200, 201]);
        assert_eq!(answers[0].body["requestId"], answers[1].body["requestId"]);
    }
    assert_eq!(server.count("interactions"), 16);
}

#[test]
fn the_index_of_uses_serves() {
    let server = TestServer::start();
    let plan = server.sql(
        "EXPLAIN QUERY PLAN SELECT interaction_id FROM interaction_bodies \
         WHERE tool_use_sha256 = x'00' ORDER BY interaction_id DESC LIMIT 100",
    );
    let plan = format!("{plan:?}");
    assert!(plan.contains("interaction_bodies_of_tool_uses") && !plan.contains("TEMP B-TREE"), "{plan}");
}
