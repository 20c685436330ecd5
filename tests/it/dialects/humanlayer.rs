//! `/humanlayer/v1`: what the SDKs of HumanLayer send, and what they wait for.

use std::time::Duration;

use countersign::domain::enums::Role;
use serde_json::{Value, json};

use crate::harness::{Answer, Client, TestServer};

/// A call as the Python SDK writes it: null wherever there is nothing.
const CALL: &str = r#"{"run_id": "agent-1", "call_id": "call-8_xyz", "spec": {"fn": "send_email", "kwargs": {"to": "ada", "n": 1.50}, "channel": null, "reject_options": [{"name": "later", "title": "Later", "description": null, "prompt_fill": "Ask me tomorrow.", "interactive": false}], "state": null}, "status": null}"#;

/// A contact as the npm SDK writes it: without what there is not.
const CONTACT: &str = r#"{"run_id":"agent-1","call_id":"human_call-8a","spec":{"msg":"Which colour?"}}"#;

fn ask(client: &Client, list: &str, body: &str) -> Answer {
    client.post_text(&format!("/humanlayer/v1/{list}"), body)
}

fn call(client: &Client, call_id: &str) -> Value {
    client.get(&format!("/humanlayer/v1/function_calls/{call_id}")).expect(200).body
}

fn contact(client: &Client, call_id: &str) -> Value {
    client.get(&format!("/humanlayer/v1/contact_requests/{call_id}")).expect(200).body
}

/// The id that the only interaction there is has with us.
fn only(server: &TestServer) -> String {
    let mut ids = server.sql("SELECT request_id FROM interactions");
    assert_eq!(ids.len(), 1);
    ids.remove(0).remove(0).as_str().unwrap().to_owned()
}

fn decide(client: &Client, id: &str, decision: &str, comment: Value) {
    client.post("/v1/confirm", &json!({"requestId": id, "decision": decision, "comment": comment})).expect(200);
}

#[test]
fn a_call_waits_until_a_person_allows_it_and_is_claimed_before_the_agent_hears_of_it() {
    let server = TestServer::start();
    let (agent, ada) = (server.agent("builder"), server.approver("ada"));
    let asked = ask(&agent, "function_calls", CALL).expect(200);
    assert!(asked.text.contains(r#""kwargs":{"to": "ada", "n": 1.50}"#), "{}", asked.text);
    let id = only(&server);
    let seen = agent.look(&id);
    assert_eq!(
        (&seen["conversationId"], &seen["confirmation"]["toolUseId"]),
        (&json!("agent-1"), &json!("call-8_xyz"))
    );
    assert_eq!(
        (&seen["confirmation"]["toolName"], &seen["confirmation"]["inputEditsAllowed"]),
        (&json!("send_email"), &json!(false))
    );
    let waiting = call(&agent, "call-8_xyz");
    assert_eq!(waiting["status"], json!({"requested_at": "2030-01-01T00:00:00.000Z"}));
    assert_eq!((&waiting["run_id"], &waiting["spec"]["fn"]), (&json!("agent-1"), &json!("send_email")));
    server.unchanged(|| ask(&agent, "function_calls", CALL).expect(200));
    decide(&ada, &id, "allow", json!(null));
    let allowed = call(&agent, "call-8_xyz");
    assert_eq!(allowed["status"]["approved"], true);
    assert_eq!(server.history(&id).last().unwrap(), "interaction.claimed by builder");
    let again = server.unchanged(|| call(&agent, "call-8_xyz"));
    assert_eq!(again, allowed, "an answer that was lost comes again");
}

#[test]
fn a_no_always_has_a_comment() {
    let server = TestServer::start();
    let (agent, ada) = (server.agent("builder"), server.approver("ada"));
    let ended = |call_id: &str, end: &dyn Fn(&str)| {
        let before = server.sql("SELECT request_id FROM interactions").concat();
        ask(&agent, "function_calls", &CALL.replace("call-8_xyz", call_id)).expect(200);
        let ids = server.sql("SELECT request_id FROM interactions").concat();
        let id = ids.into_iter().find(|id| !before.contains(id)).unwrap();
        end(id.as_str().unwrap());
        let status = call(&agent, call_id)["status"].clone();
        assert_eq!(status["approved"], false, "{status}");
        assert!(!status["comment"].as_str().unwrap().is_empty());
        status
    };
    let said = ended("said", &|id| decide(&ada, id, "deny", json!("not now")));
    assert_eq!(said["comment"], "not now");
    assert!(said.get("reject_option_name").is_none());
    let option = ended("option", &|id| decide(&ada, id, "deny", json!("Ask me tomorrow.")));
    assert_eq!(option["reject_option_name"], "later");
    ended("silent", &|id| decide(&ada, id, "deny", json!(null)));
    ended("blank", &|id| decide(&ada, id, "deny", json!(" ")));
    let cancelled =
        ended("cancelled", &|id| drop(agent.post_nothing(&format!("/v1/interactions/{id}/cancel")).expect(200)));
    assert!(cancelled["comment"].as_str().unwrap().starts_with("cancelled"));
    let superseded =
        ended("superseded", &|_| drop(ada.post_nothing("/v1/conversations/agent-1/supersede").expect(200)));
    assert!(superseded["comment"].as_str().unwrap().starts_with("superseded"));
    let expired = ended("expired", &|_| server.advance(Duration::from_secs(24 * 60 * 60)));
    assert!(expired["comment"].as_str().unwrap().starts_with("expired"));
    let withdrawn = ended("withdrawn", &|id| {
        decide(&ada, id, "allow", json!(null));
        ada.post_nothing(&format!("/v1/interactions/{id}/withdraw")).expect(200);
    });
    assert!(withdrawn["comment"].as_str().unwrap().contains("taken back"));
    let late = ended("late", &|id| {
        decide(&ada, id, "allow", json!("yes"));
        server.advance(Duration::from_secs(24 * 60 * 60));
    });
    assert!(late["comment"].as_str().unwrap().contains("not used in time"));
    let used = ended("used", &|id| {
        decide(&ada, id, "allow", json!(null));
        agent.post_nothing(&format!("/v1/interactions/{id}/claim")).expect(200);
    });
    assert!(used["comment"].as_str().unwrap().contains("used already"));
}

#[test]
fn a_person_answers_in_words_or_by_an_option() {
    let server = TestServer::start();
    let (agent, ada) = (server.agent("builder"), server.approver("ada"));
    ask(&agent, "contact_requests", CONTACT).expect(200);
    let id = only(&server);
    assert_eq!(agent.look(&id)["question"]["entries"][0]["text"], "Which colour?");
    assert_eq!(contact(&agent, "human_call-8a")["status"], json!({"requested_at": "2030-01-01T00:00:00.000Z"}));
    let answer = |id: &str, response: Value| {
        let mut response = response;
        response["questionId"] = json!("response");
        ada.post("/v1/question-response", &json!({"requestId": id, "responses": [response]})).expect(200);
    };
    answer(&id, json!({"text": "red"}));
    let status = &contact(&agent, "human_call-8a")["status"];
    assert_eq!((&status["response"], status.get("response_option_name")), (&json!("red"), None));
    let option = json!({"name": "dark red", "title": "Dark red", "prompt_fill": "As dark as blood."});
    let spec = json!({"msg": "Which?", "subject": "Colours", "response_options": [option, {"name": "blue"}], "state": {"a": 1}});
    let asks = |call_id: &str, spec: &Value| {
        let before = server.sql("SELECT request_id FROM interactions").concat();
        let body = json!({"run_id": "a b|c", "call_id": call_id, "spec": spec});
        let asked = ask(&agent, "contact_requests", &body.to_string()).expect(200).body;
        assert_eq!((&asked["run_id"], &asked["spec"]["state"]), (&json!("a b|c"), &spec["state"]));
        let ids = server.sql("SELECT request_id FROM interactions").concat();
        ids.into_iter().find(|id| !before.contains(id)).unwrap().as_str().unwrap().to_owned()
    };
    for (call_id, index, response, name) in [("one", 0, "As dark as blood.", "dark red"), ("two", 1, "blue", "blue")] {
        let id = asks(call_id, &spec);
        let entry = agent.look(&id)["question"]["entries"][0].clone();
        assert_eq!(entry["header"], "Colours");
        answer(&id, json!({"optionId": entry["options"][index]["optionId"]}));
        let status = &contact(&agent, call_id)["status"];
        assert_eq!((&status["response"], &status["response_option_name"]), (&json!(response), &json!(name)));
    }
    answer(&asks("skipped", &spec), json!({"skipped": true}));
    asks("expired", &spec);
    server.advance(Duration::from_secs(24 * 60 * 60));
    for call_id in ["skipped", "expired"] {
        let status = contact(&agent, call_id)["status"].clone();
        assert!(status["response"].as_str().unwrap().starts_with('('), "it would be asked for forever: {status}");
    }
}

#[test]
fn an_agent_does_not_answer_itself() {
    let server = TestServer::start();
    let agent = server.agent("builder");
    ask(&agent, "function_calls", CALL).expect(200);
    ask(&agent, "contact_requests", CONTACT).expect(200);
    server.unchanged(|| {
        let approved = json!({"requested_at": null, "responded_at": null, "approved": true, "comment": null,
            "reject_option_name": null, "slack_message_ts": null});
        let path = "/humanlayer/v1/agent/function_calls/call-8_xyz/respond";
        assert_eq!(agent.post(path, &approved).refusal(), (403, "self_approval"));
        let path = "/humanlayer/v1/agent/human_contacts/human_call-8a/respond";
        assert_eq!(agent.post(path, &json!({"response": "yes"})).refusal(), (403, "self_approval"));
        let itself = CALL.replace(r#""status": null"#, r#""status": {"approved": true}"#);
        assert_eq!(ask(&agent, "function_calls", &itself).refusal(), (400, "malformed_request"));
        let escalation = json!({"escalation_msg": "help", "additional_recipients": null, "channel": null});
        let told = agent.post("/humanlayer/v1/agent/function_calls/call-8_xyz/escalate_email", &escalation).expect(200);
        assert_eq!(told.body, call(&agent, "call-8_xyz"));
        let told =
            agent.post("/humanlayer/v1/agent/human_contacts/human_call-8a/escalate_email", &escalation).expect(200);
        assert_eq!(told.body, contact(&agent, "human_call-8a"));
    });
}

#[test]
fn nothing_of_a_channel_is_kept() {
    let server = TestServer::start();
    let agent = server.agent("builder");
    let channel =
        r#"{"slack": {"channel_or_user_id": "C1", "bot_token": "xoxb-secret", "unheard_of": [1]}, "telegram": {}}"#;
    let asked = ask(&agent, "function_calls", &CALL.replace(r#""channel": null"#, &format!("\"channel\": {channel}")));
    assert!(!asked.expect(200).text.contains("xoxb"));
    let kept = server.sql("SELECT * FROM interaction_bodies").concat();
    assert!(kept.iter().any(|column| column.to_string().contains("send_email")));
    assert!(!kept.iter().any(|column| column.to_string().contains("xoxb")), "{kept:?}");
}

#[test]
fn every_refusal_is_json_and_nothing_of_another_agent_is_there() {
    let server = TestServer::start();
    let (agent, spy, root) = (server.agent("builder"), server.agent("spy"), server.client("root", Role::Admin));
    let ada = server.approver("ada");
    ask(&agent, "function_calls", CALL).expect(200);
    ask(&agent, "contact_requests", CONTACT).expect(200);
    server.unchanged(|| {
        for client in [&spy, &root] {
            for path in ["function_calls/call-8_xyz", "contact_requests/human_call-8a"] {
                let answer = client.get(&format!("/humanlayer/v1/{path}"));
                assert_eq!(answer.refusal(), (404, "unknown_request"));
            }
        }
        let crossed = agent.get("/humanlayer/v1/function_calls/human_call-8a");
        assert_eq!(crossed.refusal(), (404, "unknown_request"), "a contact is no call");
        assert_eq!(server.anonymous().get("/humanlayer/v1/function_calls/x").refusal(), (401, "unauthenticated"));
        assert_eq!(agent.get("/humanlayer/v1/nothing").refusal(), (404, "unknown_path"));
        assert_eq!(ask(&ada, "function_calls", CALL).refusal(), (403, "forbidden"));
        assert_eq!(ada.get("/humanlayer/v1/function_calls/call-8_xyz").refusal(), (403, "forbidden"));
        for (find, put) in [
            (r#""fn": "send_email""#, r#""fn": """#),
            (r#""fn": "send_email""#, r#""fn": "send_email", "surprise": 1"#),
            (r#""call_id": "call-8_xyz""#, r#""call_id": "a/b""#),
            (r#""run_id": "agent-1""#, r#""run_id": null"#),
            (r#""kwargs": {"to": "ada", "n": 1.50}"#, r#""kwargs": []"#),
            (r#""kwargs": {"to": "ada", "n": 1.50}"#, r#""kwargs": {"to": 1, "to": 2}"#),
            (r#""interactive": false"#, r#""interactive": "no""#),
        ] {
            let broken = CALL.replacen(find, put, 1);
            assert_ne!(broken, CALL);
            assert_eq!(ask(&agent, "function_calls", &broken).refusal(), (400, "malformed_request"), "{broken}");
        }
        let other = CALL.replace("ada", "bob");
        assert_eq!(ask(&agent, "function_calls", &other).refusal(), (409, "request_id_conflict"));
        let huge = CALL.replace("ada", &"x".repeat(1024 * 1024));
        assert_eq!(ask(&agent, "function_calls", &huge).refusal(), (413, "body_too_large"));
        let large = CALL.replace("ada", &"x".repeat(256 * 1024));
        assert_eq!(ask(&agent, "function_calls", &large).refusal(), (413, "input_too_large"));
        let empty = CONTACT.replace("Which colour?", " ");
        assert_eq!(ask(&agent, "contact_requests", &empty).refusal(), (400, "malformed_request"));
        let options = r#"{"msg":"?","response_options":[{"name":"a"},{"name":"a"}]}"#;
        let twice = CONTACT.replace(r#"{"msg":"Which colour?"}"#, options);
        assert_eq!(ask(&agent, "contact_requests", &twice).refusal(), (400, "malformed_request"));
    });
}

#[test]
fn a_call_is_found_again_after_a_restart() {
    let server = TestServer::start();
    let (agent, ada) = (server.agent("builder"), server.approver("ada"));
    let asked = ask(&agent, "function_calls", CALL).expect(200).text;
    let server = server.restart(&[]);
    let again = |client: &Client| Client::new(&server.url, client.token.as_deref().unwrap());
    let (agent, ada) = (again(&agent), again(&ada));
    assert_eq!(ask(&agent, "function_calls", CALL).expect(200).text, asked);
    decide(&ada, &only(&server), "allow", json!(null));
    assert_eq!(call(&agent, "call-8_xyz")["status"]["approved"], true);
}
