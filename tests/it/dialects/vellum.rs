//! `/v1/assistants/{assistantId}`: what Vellum's web client and its terminal send.

use std::io::{BufRead, BufReader};

use countersign::domain::enums::Role;
use serde_json::{Value, json};

use crate::harness::{Answer, Client, TestServer, altered, confirmation, question, secret};

const BASE: &str = "/v1/assistants/asst_1";

fn post(client: &Client, verb: &str, body: &Value) -> Answer {
    client.post(&format!("{BASE}/{verb}"), body)
}

fn pending(client: &Client, query: &str) -> Value {
    client.get(&format!("{BASE}/pending-interactions{query}")).expect(200).body
}

/// A refusal, in the shape that both clients read.
#[track_caller]
fn refused(answer: &Answer) -> (u16, &str) {
    assert!(answer.body["error"]["message"].is_string(), "{answer:?}");
    answer.refusal()
}

/// A stream of events, read to the letter.
struct Feed(BufReader<ureq::BodyReader<'static>>);

impl Feed {
    fn open(client: &Client) -> Self {
        let agent = ureq::Agent::new_with_defaults();
        let request = agent.get(format!("{}{BASE}/events", client.url));
        let token = client.token.as_deref().unwrap();
        let response = request.header("authorization", format!("Bearer {token}")).call().unwrap();
        assert_eq!(response.headers()["content-type"], "text/event-stream");
        Self(BufReader::new(response.into_body().into_reader()))
    }

    fn next(&mut self) -> Value {
        loop {
            let mut line = String::new();
            assert_ne!(self.0.read_line(&mut line).unwrap(), 0, "the stream ended");
            if let Some(data) = line.trim_end().strip_prefix("data: ") {
                return serde_json::from_str(data).unwrap();
            }
        }
    }
}

#[test]
fn every_kind_is_seen_and_resolved_in_vellums_words() {
    let server = TestServer::start();
    let (agent, ada) = (server.agent("builder"), server.approver("ada"));
    for registration in [confirmation("c"), secret("s"), question("q")] {
        agent.register(&registration);
    }
    let seen = pending(&ada, "?conversationId=conversation");
    let confirmation = json!({"requestId": "c", "toolName": "shell", "toolUseId": "c", "input": {"command": "make deploy"},
        "riskLevel": "medium", "allowlistOptions": [{"label": "any make", "pattern": "make *"}],
        "scopeOptions": [{"label": "everywhere", "scope": "everywhere"}, {"label": "here", "scope": "/repo"}],
        "persistentDecisionsAllowed": true});
    assert_eq!(seen["pendingConfirmation"], confirmation);
    assert_eq!(
        (&seen["pendingSecret"]["requestId"], &seen["pendingSecret"]["service"]),
        (&json!("s"), &json!("forge"))
    );
    assert_eq!(seen["pendingQuestion"]["entries"][1]["questionId"], "why");
    assert_eq!(pending(&ada, "?conversationKey=conversation"), seen);
    let none = json!({"pendingConfirmation": null, "pendingSecret": null, "pendingQuestion": null});
    assert_eq!(pending(&ada, "?conversationId=other"), none, "all three are named, always");
    let all = pending(&ada, "");
    let line = json!({"requestId": "c", "conversationId": "conversation", "kind": "confirmation", "toolName": "shell", "riskLevel": "medium"});
    assert!(all["interactions"].as_array().unwrap().contains(&line), "{all}");

    let allow = json!({"requestId": "c", "decision": "allow", "selectedPattern": "make *", "selectedScope": "/repo"});
    assert_eq!(post(&ada, "confirm", &allow).expect(200).body, json!({"accepted": true}));
    let given = post(&ada, "secret", &json!({"requestId": "s", "value": " hunter2 ", "delivery": "transient_send"}));
    assert_eq!(given.expect(200).body, json!({"accepted": true}));
    assert_eq!(agent.post_nothing("/v1/interactions/s/secret").expect(200).body["value"], "hunter2");
    let submit = json!({"requestId": "q", "kind": "submit", "responses": [
        {"questionId": "colour", "kind": "option", "optionId": "red"}, {"questionId": "why", "kind": "free_text", "text": "so"}]});
    assert_eq!(post(&ada, "question-response", &submit).expect(200).body, json!({"success": true}));
    let responses = json!([{"questionId": "colour", "optionId": "red"}, {"questionId": "why", "text": "so"}]);
    assert_eq!(agent.look("q")["resolution"]["responses"], responses);
    assert_eq!(pending(&ada, "?conversationId=conversation"), none);
    let rules = ada.get(&format!("{BASE}/trust-rules?tool=shell")).expect(200).body;
    assert_eq!((&rules["rules"][0]["pattern"], &rules["rules"][0]["risk"]), (&json!("make *"), &json!("low")));
    let rule = rules["rules"][0]["id"].as_str().unwrap();
    assert_eq!(ada.delete(&format!("{BASE}/trust-rules/{rule}")).expect(200).body, json!({"success": true}));
    assert_eq!(ada.get(&format!("{BASE}/trust-rules")).expect(200).body, json!({"rules": []}));
    assert_eq!(
        ada.get(&format!("{BASE}/trust-rules?include_deleted=true")).expect(200).body["rules"][0]["deleted"],
        true
    );
}

#[test]
fn a_question_is_closed_skipped_or_answered_by_one_answer() {
    let server = TestServer::start();
    let (agent, ada) = (server.agent("builder"), server.approver("ada"));
    let one = |id: &str| {
        let mut one = question(id);
        one["question"]["entries"].as_array_mut().unwrap().truncate(1);
        one["question"]["entries"][0]["freeTextAllowed"] = json!(true);
        one
    };
    agent.register(&question("close"));
    agent.register(&one("option"));
    agent.register(&one("text"));
    agent.register(&question("both"));
    let answer = |body: &Value| post(&ada, "question-response", body);
    answer(&json!({"requestId": "close", "kind": "close"})).expect(200);
    let skipped = json!([{"questionId": "colour", "skipped": true}, {"questionId": "why", "skipped": true}]);
    assert_eq!(agent.look("close")["resolution"]["responses"], skipped);
    answer(&json!({"requestId": "option", "kind": "option", "optionId": "blue"})).expect(200);
    answer(&json!({"requestId": "text", "kind": "free_text", "text": "green"})).expect(200);
    assert_eq!(agent.look("option")["resolution"]["responses"][0]["optionId"], "blue");
    assert_eq!(agent.look("text")["resolution"]["responses"][0]["text"], "green");
    server.unchanged(|| {
        let one_of_two = answer(&json!({"requestId": "both", "kind": "free_text", "text": "green"}));
        assert_eq!(refused(&one_of_two), (400, "malformed_request"));
        // What is gone comes before what is wrong with the answer: the client puts the card away.
        let gone = answer(&json!({"requestId": "close", "kind": "free_text", "text": "late"}));
        assert_eq!(refused(&gone), (404, "already_resolved"));
        answer(&json!({"requestId": "close", "kind": "close"})).expect(200);
        let never = answer(&json!({"requestId": "never", "kind": "free_text", "text": "late"}));
        assert_eq!(refused(&never), (404, "unknown_request"));
        let unknown =
            json!({"requestId": "both", "kind": "submit", "responses": [{"questionId": "x", "kind": "skip"}]});
        assert_eq!(refused(&answer(&unknown)), (422, "invalid_response"));
        let twice = json!({"questionId": "why", "kind": "skip"});
        let twice = json!({"requestId": "both", "kind": "submit", "responses": [twice, twice]});
        assert_eq!(refused(&answer(&twice)), (400, "malformed_request"));
    });
}

#[test]
fn a_secret_is_declined_in_either_way() {
    let server = TestServer::start();
    let (agent, ada) = (server.agent("builder"), server.approver("ada"));
    for (id, body) in [("old", json!({"requestId": "old", "delivery": "none"})), ("new", json!({"requestId": "new"}))] {
        agent.register(&secret(id));
        post(&ada, "secret", &body).expect(200);
        assert_eq!(agent.look(id)["status"], "cancelled");
    }
}

#[test]
fn the_wrong_kind_consumes_nothing_and_a_404_says_that_the_card_is_over() {
    let server = TestServer::start();
    let (agent, ada) = (server.agent("builder"), server.approver("ada"));
    agent.register(&secret("s"));
    agent.register(&confirmation("c"));
    server.unchanged(|| {
        assert_eq!(
            refused(&post(&ada, "confirm", &json!({"requestId": "s", "decision": "allow"}))),
            (404, "wrong_kind")
        );
        assert_eq!(refused(&post(&ada, "secret", &json!({"requestId": "c", "value": "v"}))), (404, "wrong_kind"));
        assert_eq!(
            refused(&post(&ada, "question-response", &json!({"requestId": "c", "kind": "close"}))),
            (404, "wrong_kind")
        );
        assert_eq!(
            refused(&post(&ada, "confirm", &json!({"requestId": "x", "decision": "deny"}))),
            (404, "unknown_request")
        );
        assert_eq!(refused(&ada.get("/v1/assistants/asst_1/nothing")), (404, "unknown_path"));
        assert_eq!(refused(&ada.delete(&format!("{BASE}/trust-rules/none"))), (404, "unknown_rule"));
    });
    agent.post_nothing("/v1/interactions/c/cancel").expect(200);
    let late = post(&ada, "confirm", &json!({"requestId": "c", "decision": "allow"}));
    assert_eq!(refused(&late), (404, "already_resolved"));
    assert_eq!(late.body["error"]["status"], "cancelled");
}

#[test]
fn an_agent_and_an_auditor_resolve_nothing_and_nobody_their_own() {
    let server = TestServer::start();
    let (agent, eve, root) =
        (server.agent("builder"), server.client("eve", Role::Auditor), server.client("root", Role::Admin));
    root.register(&confirmation("c"));
    root.register(&question("q"));
    let allow = json!({"requestId": "c", "decision": "allow"});
    let close = json!({"requestId": "q", "kind": "close"});
    server.unchanged(|| {
        for client in [&agent, &eve] {
            assert_eq!(refused(&post(client, "confirm", &allow)), (403, "forbidden"));
            assert_eq!(refused(&post(client, "question-response", &close)), (403, "forbidden"));
        }
        assert_eq!(refused(&post(&root, "confirm", &allow)), (403, "self_approval"));
        assert_eq!(refused(&post(&root, "question-response", &close)), (403, "self_approval"));
        assert_eq!(refused(&agent.get(&format!("{BASE}/pending-interactions"))), (403, "forbidden"));
        assert_eq!(refused(&post(&server.anonymous(), "confirm", &allow)), (401, "unauthenticated"));
    });
}

#[test]
fn the_terminals_rule_is_made_from_what_is_pending() {
    let server = TestServer::start();
    let (agent, ada) = (server.agent("builder"), server.approver("ada"));
    agent.register(&confirmation("c"));
    let rule = json!({"requestId": "c", "pattern": "make *", "scope": "everywhere", "decision": "allow"});
    assert_eq!(post(&ada, "trust-rules", &rule).expect(201).body["accepted"], true);
    assert_eq!(agent.look("c")["status"], "pending", "a rule is for later");
    let other = altered(rule, &json!({"pattern": "rm *"}));
    assert_eq!(refused(&post(&ada, "trust-rules", &other)), (403, "pattern_not_offered"));
}

#[test]
fn the_stream_tells_of_every_resolution_of_a_conversation() {
    let server = TestServer::start();
    let (agent, ada) = (server.agent("builder"), server.approver("ada"));
    let mut feed = Feed::open(&ada);
    for registration in [confirmation("c"), secret("s"), question("q"), confirmation("c2"), confirmation("c3")] {
        agent.register(&registration);
    }
    agent.register(&altered(confirmation("apart"), &json!({"conversationId": null})));
    ada.confirm("apart", "allow").expect(200);
    let told = |id: &str, kind: &str, state: &str| json!({"type": "interaction_resolved", "requestId": id, "conversationId": "conversation", "kind": kind, "state": state});
    ada.confirm("c", "allow").expect(200);
    assert_eq!(feed.next()["message"], told("c", "confirmation", "approved"));
    ada.confirm("c2", "deny").expect(200);
    assert_eq!(feed.next()["message"], told("c2", "confirmation", "rejected"));
    ada.post("/v1/secret", &json!({"requestId": "s"})).expect(200);
    assert_eq!(feed.next()["message"], told("s", "secret", "cancelled"));
    post(&ada, "question-response", &json!({"requestId": "q", "kind": "close"})).expect(200);
    assert_eq!(feed.next()["message"], told("q", "question", "answered"));
    server.advance(std::time::Duration::from_secs(24 * 60 * 60));
    let expired = feed.next();
    assert_eq!(expired["message"], told("c3", "confirmation", "cancelled"), "Vellum has no word for what expired");
    assert!(expired["id"].is_string());
}

/// Its daemon has the same calls without an assistant.
#[test]
fn the_flat_paths_take_the_bodies_that_differ_from_ours() {
    let server = TestServer::start();
    let (agent, ada) = (server.agent("builder"), server.approver("ada"));
    agent.register(&secret("s"));
    agent.register(&question("q"));
    server.unchanged(|| {
        for bad in [
            r#"{"requestId":"q","kind":"shrug"}"#,
            r#"{"requestId":"q","kind":"close","kind":"close"}"#,
            r#"{"requestId":"q","kind":null}"#,
            r#"{"requestId":"q","kind":"close","surprise":1}"#,
        ] {
            assert_eq!(ada.post_text("/v1/question-response", bad).refusal(), (400, "malformed_request"), "{bad}");
        }
        let twice = r#"{"requestId":"s","delivery":"none","delivery":"none"}"#;
        assert_eq!(ada.post_text("/v1/secret", twice).refusal(), (400, "malformed_request"));
    });
    let closed = ada.post("/v1/question-response", &json!({"requestId": "q", "kind": "close"})).expect(200);
    assert_eq!(closed.body, json!({"success": true}));
    server.unchanged(|| ada.post("/v1/question-response", &json!({"requestId": "q", "kind": "close"})).expect(200));
    let late = server.approver("bob").post("/v1/question-response", &json!({"requestId": "q", "kind": "close"}));
    assert_eq!(late.refusal(), (404, "already_resolved"), "in the shape of the path");
    assert!(late.body["error"].is_string());
    ada.post("/v1/secret", &json!({"requestId": "s", "delivery": "none"})).expect(200);
    assert_eq!(agent.look("s")["status"], "cancelled");
}
