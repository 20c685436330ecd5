//! What the tools do for a model.

use std::thread::JoinHandle;
use std::time::Duration;

use serde_json::{Value, json};

use super::{call, call_with, failure, meta, only_id, only_pending, text};
use crate::harness::outside::{told, write_sql};
use crate::harness::{Act, Client, TestServer, race, until};

fn in_background(agent: &Client, tool: &'static str, arguments: Value) -> JoinHandle<Value> {
    let agent = agent.clone();
    std::thread::spawn(move || call(&agent, tool, &arguments))
}

/// A call that the client has this id for.
fn as_use(id: &str, tool: &str, arguments: &Value) -> Value {
    let mut meta = meta();
    meta["claudecode/toolUseId"] = id.into();
    meta["countersign/call"] = format!("call-{id}").into();
    json!({"name": tool, "arguments": arguments, "_meta": meta})
}

fn approvals(server: &TestServer) -> Value {
    server.sql("SELECT count(*) FROM interactions WHERE kind = 'confirmation'")[0][0].clone()
}

#[test]
fn a_question_is_asked_and_its_answer_is_given_in_words() {
    let server = TestServer::start();
    let (agent, ada) = (server.agent("builder"), server.approver("ada"));
    let asked =
        json!({"question": "Which colour?", "header": "Colour", "options": [{"label": "red"}, {"label": "blue"}]});
    let waiting = in_background(&agent, "ask", asked);
    server.until_waiting(1);
    let pending = only_pending(&ada);
    let entry = &pending["question"]["entries"][0];
    assert_eq!((&entry["text"], &entry["options"][1]["label"]), (&json!("Which colour?"), &json!("blue")));
    assert_eq!(pending["origin"]["client"], "tester 1");
    let answer = json!({"requestId": pending["requestId"], "responses": [{"questionId": "q", "optionId": "2"}]});
    ada.post("/v1/question-response", &answer).expect(200);
    assert_eq!(text(&waiting.join().unwrap()), "blue");
}

#[test]
fn the_same_question_twice_at_once_is_one_question() {
    let server = TestServer::start();
    let (agent, ada) = (server.agent("builder"), server.approver("ada"));
    let asked = json!({"question": "Which port?"});
    let both = [in_background(&agent, "ask", asked.clone()), in_background(&agent, "ask", asked)];
    server.until_waiting(2);
    let answer = json!({"requestId": only_id(&ada), "responses": [{"questionId": "q", "text": "80"}]});
    ada.post("/v1/question-response", &answer).expect(200);
    for waiting in both {
        assert_eq!(text(&waiting.join().unwrap()), "80");
    }
}

/// Some models number their calls anew in every turn: an answer to one question is none to another.
#[test]
fn another_question_under_the_same_id_of_a_call_gets_no_answer_of_the_first() {
    let server = TestServer::with(&["--mcp-wait", "1ms"]);
    let (agent, ada) = (server.agent("builder"), server.approver("ada"));
    call_with(&agent, as_use("call_1", "ask", &json!({"question": "Which port?"})));
    let answer = json!({"requestId": only_id(&ada), "responses": [{"questionId": "q", "text": "80"}]});
    ada.post("/v1/question-response", &answer).expect(200);
    assert_eq!(text(&call_with(&agent, as_use("call_1", "ask", &json!({"question": "Which port?"})))), "80");
    failure(&call_with(&agent, as_use("call_1", "ask", &json!({"question": "Delete everything?"}))));
}

#[test]
fn an_answer_that_comes_too_late_for_its_call_is_kept() {
    let server = TestServer::with(&["--mcp-wait", "1ms"]);
    let (agent, ada) = (server.agent("builder"), server.approver("ada"));
    let asked = json!({"question": "Which port?", "request_id": "port"});
    let mut again = json!({"name": "ask", "arguments": asked});
    // A client that is told to come back does, until it is told that the answer is kept.
    let mut rounds = 0;
    let last = loop {
        let result = call_with(&agent, again.clone());
        if result["resultType"] != "input_required" {
            break result;
        }
        assert!(result.get("inputRequests").is_none(), "{result}");
        again["requestState"] = result["requestState"].clone();
        rounds += 1;
    };
    assert_eq!(rounds, 9);
    assert!(text(&last).contains("Still waiting") && text(&last).contains("port"), "{last}");
    assert!(text(&call(&agent, "check", &json!({"request_id": "port"}))).contains("Still waiting"));
    let answer = json!({"requestId": "port", "responses": [{"questionId": "q", "text": "80"}]});
    ada.post("/v1/question-response", &answer).expect(200);
    assert_eq!(text(&call(&agent, "check", &json!({"request_id": "port"}))), "80");
    assert_eq!(text(&call(&agent, "ask", &asked)), "80");
}

#[test]
fn an_approval_is_claimed_before_the_model_hears_of_it() {
    let server = TestServer::start();
    let (agent, ada) = (server.agent("builder"), server.approver("ada"));
    let asked = json!({"action": "deploy", "input": {"to": "production"}, "reason": "it is ready", "risk": "high"});
    let params = as_use("toolu_1", "request_approval", &asked);
    let waiting = {
        let (agent, params) = (agent.clone(), params.clone());
        std::thread::spawn(move || call_with(&agent, params))
    };
    server.until_waiting(1);
    let pending = only_pending(&ada);
    let id = pending["requestId"].as_str().unwrap();
    assert_eq!(pending["confirmation"]["riskLevel"], "high");
    let edited = json!({"action": "deploy", "input": {"to": "staging"}});
    ada.post("/v1/confirm", &json!({"requestId": id, "decision": "allow", "updatedInput": edited})).expect(200);
    let result = waiting.join().unwrap();
    assert!(text(&result).starts_with("Approved") && text(&result).contains(r#"{"to":"staging"}"#), "{result}");
    let claim = agent.look(id)["claim"]["claimId"].as_str().unwrap().to_owned();
    assert!(text(&result).contains(&claim), "{result}");
    // The same use of the tool, whose answer was lost, gets it again; another asks anew.
    assert_eq!(call_with(&agent, params), result);
    let other = in_background(&agent, "request_approval", asked);
    server.until_waiting(1);
    assert_ne!(only_id(&ada), id);
    ada.confirm(&only_id(&ada), "deny").expect(200);
    failure(&other.join().unwrap());
}

#[test]
fn of_two_calls_that_share_an_approval_one_may_act() {
    let server = TestServer::start();
    let (agent, ada) = (server.agent("builder"), server.approver("ada"));
    let asked = json!({"action": "deploy"});
    let both = ["toolu_1", "toolu_2"].map(|id| {
        let (agent, params) = (agent.clone(), as_use(id, "request_approval", &asked));
        std::thread::spawn(move || call_with(&agent, params))
    });
    server.until_waiting(2);
    assert_eq!(approvals(&server), 1);
    ada.confirm(&only_id(&ada), "allow").expect(200);
    let results = both.map(|waiting| waiting.join().unwrap());
    let approved = results.iter().filter(|result| result["isError"] != true).count();
    assert_eq!(approved, 1, "{results:?}");
    assert_eq!(server.sql("SELECT count(*) FROM claims")[0][0], 1);
}

#[test]
fn check_claims_an_approval_once_however_many_ask() {
    let server = TestServer::with(&["--mcp-wait", "1ms"]);
    let (agent, ada) = (server.agent("builder"), server.approver("ada"));
    let asked = json!({"action": "deploy", "request_id": "deploy"});
    call(&agent, "request_approval", &asked);
    ada.confirm("deploy", "allow").expect(200);
    let check = || call(&agent, "check", &json!({"request_id": "deploy"}));
    let results = race([Box::new(check) as Act<'_, Value>, Box::new(check)]);
    assert_eq!(results.iter().filter(|result| result["isError"] != true).count(), 1, "{results:?}");
    assert!(failure(&check()).contains("claimed"));
}

#[test]
fn every_way_to_end_without_an_answer_is_told_apart() {
    let server = TestServer::with(&["--mcp-wait", "1ms"]);
    let (agent, ada) = (server.agent("builder"), server.approver("ada"));
    for id in ["no", "late", "cancelled", "over"] {
        let mut meta = meta();
        meta["countersign/conversation"] = "talk".into();
        call_with(
            &agent,
            json!({"name": "request_approval", "_meta": meta, "arguments": {"action": id, "request_id": id}}),
        );
    }
    ada.post("/v1/confirm", &json!({"requestId": "no", "decision": "deny", "comment": "not on a Friday"})).expect(200);
    agent.post_nothing("/v1/interactions/cancelled/cancel").expect(200);
    let check = |id: &str| call(&agent, "check", &json!({"request_id": id}));
    assert!(failure(&check("no")).contains("not on a Friday"));
    assert!(failure(&check("cancelled")).contains("cancelled"));
    server.advance(Duration::from_secs(24 * 60 * 60));
    assert!(failure(&check("late")).contains("not a no"));
    let said = ["no", "cancelled", "late"].map(|id| failure(&check(id)).replace(id, ""));
    assert!(said[0] != said[1] && said[1] != said[2] && said[0] != said[2], "{said:?}");
}

#[test]
fn the_value_of_a_secret_reaches_no_model() {
    let server = TestServer::start();
    let (agent, ada) = (server.agent("builder"), server.approver("ada"));
    let asked = json!({"service": "forge", "field": "token", "label": "The forge's token", "request_id": "token"});
    let waiting = in_background(&agent, "request_secret", asked.clone());
    server.until_waiting(1);
    ada.post("/v1/secret", &json!({"requestId": "token", "value": "hunter2-hunter2"})).expect(200);
    let results = [
        waiting.join().unwrap(),
        call(&agent, "request_secret", &asked),
        call(&agent, "check", &json!({"request_id": "token"})),
    ];
    for result in results {
        assert!(text(&result).contains("stored as forge/token"), "{result}");
        assert!(!result.to_string().contains("hunter2"), "{result}");
    }
    let taken = agent.post("/v1/interactions/token/secret", &json!({})).expect(200);
    assert_eq!(taken.body["value"], "hunter2-hunter2");
}

#[test]
fn an_agent_sees_nothing_of_anothers_requests() {
    let server = TestServer::with(&["--mcp-wait", "1ms"]);
    let (agent, other) = (server.agent("builder"), server.agent("other"));
    call(&agent, "ask", &json!({"question": "Which?", "request_id": "mine"}));
    let checked = call(&other, "check", &json!({"request_id": "mine"}));
    assert_eq!(failure(&checked), failure(&call(&other, "check", &json!({"request_id": "never"}))));
    let taken = call(&other, "ask", &json!({"question": "Which?", "request_id": "mine"}));
    assert!(failure(&taken).contains("taken"), "{taken}");
}

#[test]
fn what_a_client_brings_back_is_of_this_server_this_caller_and_this_call() {
    let server = TestServer::with(&["--mcp-wait", "1ms"]);
    let (agent, other) = (server.agent("builder"), server.agent("other"));
    let asked = json!({"question": "Which?"});
    let state = call(&agent, "ask", &asked)["requestState"].as_str().unwrap().to_owned();
    let with = |client: &Client, tool: &str, arguments: &Value, state: &str| {
        super::send(client, "tools/call", json!({"name": tool, "arguments": arguments, "requestState": state}))
    };
    let mut forged = state.clone().into_bytes();
    let middle = forged.len() / 2;
    forged[middle] = if forged[middle] == b'A' { b'B' } else { b'A' };
    let forged = String::from_utf8(forged).unwrap();
    server.unchanged(|| {
        for answer in [
            with(&agent, "ask", &asked, &forged),
            with(&agent, "ask", &asked, ""),
            with(&agent, "ask", &json!({"question": "What?"}), &state),
            with(&agent, "request_approval", &asked, &state),
            with(&other, "ask", &asked, &state),
        ] {
            assert_eq!(answer.body["error"]["code"], -32602, "{answer:?}");
        }
    });
    assert_eq!(with(&agent, "ask", &asked, &state).expect(200).body["result"]["resultType"], "input_required");
}

#[test]
fn a_token_that_is_revoked_while_its_call_waits_is_told_nothing() {
    let server = TestServer::start();
    let (agent, ada) = (server.agent("builder"), server.approver("ada"));
    let waiting = in_background(&agent, "ask", json!({"question": "Which?", "request_id": "q"}));
    server.until_waiting(1);
    let revoke = "UPDATE tokens SET revoked_at_ms = created_at_ms WHERE principal = 'builder'";
    write_sql(&server.db(), &format!("{revoke}; {}", told("token.revoked", "NULL"))).unwrap();
    until(|| agent.get("/v1/interactions").status == 401);
    let answer = json!({"requestId": "q", "responses": [{"questionId": "q", "text": "the answer"}]});
    ada.post("/v1/question-response", &answer).expect(200);
    let result = waiting.join().unwrap();
    assert!(!failure(&result).contains("the answer"), "{result}");
}

/// Claude Code's contract: one text block with JSON, the input always in an allow.
#[test]
fn a_permission_prompt_is_answered_in_its_own_form() {
    let server = TestServer::start();
    let (agent, ada) = (server.agent("builder"), server.approver("ada"));
    let prompt = |id: &str, tool: &str, input: Value| {
        let (agent, id, tool) = (agent.clone(), id.to_owned(), tool.to_owned());
        std::thread::spawn(move || {
            let arguments = json!({"tool_name": tool, "input": input, "tool_use_id": id});
            let result = call(&agent, "approve", &arguments);
            serde_json::from_str::<Value>(text(&result)).unwrap()
        })
    };
    let input = json!({"command": "touch made", "description": "make a file"});
    let waiting = prompt("toolu_1", "Bash", input.clone());
    server.until_waiting(1);
    let asked = only_pending(&ada);
    let confirmation = &asked["confirmation"];
    assert_eq!(
        (&confirmation["toolName"], &confirmation["reason"], &confirmation["inputEditsAllowed"]),
        (&json!("Bash"), &json!("make a file"), &json!(true))
    );
    let id = asked["requestId"].as_str().unwrap();
    ada.confirm(id, "allow").expect(200);
    assert_eq!(waiting.join().unwrap(), json!({"behavior": "allow", "updatedInput": input}));
    assert!(!ada.look(id)["claim"].is_null());

    let waiting = prompt("toolu_2", "Bash", input.clone());
    server.until_waiting(1);
    let denied = json!({"requestId": only_id(&ada), "decision": "deny", "comment": "not on a Friday"});
    ada.post("/v1/confirm", &denied).expect(200);
    let answer = waiting.join().unwrap();
    assert_eq!(answer["behavior"], "deny");
    assert!(answer["message"].as_str().unwrap().contains("not on a Friday"), "{answer}");

    let questions = json!({"questions": [{"question": "Which colour?", "header": "Colour", "multiSelect": false,
        "options": [{"label": "red", "description": "r"}, {"label": "blue", "description": "b"}]}]});
    let waiting = prompt("toolu_3", "AskUserQuestion", questions.clone());
    server.until_waiting(1);
    let asked = only_pending(&ada);
    let entry = &asked["question"]["entries"][0];
    let response = json!({"questionId": entry["questionId"], "optionId": entry["options"][1]["optionId"]});
    ada.post("/v1/question-response", &json!({"requestId": asked["requestId"], "responses": [response]})).expect(200);
    let mut answered = questions;
    answered["answers"] = json!({"Which colour?": "blue"});
    assert_eq!(waiting.join().unwrap(), json!({"behavior": "allow", "updatedInput": answered}));

    let waiting = prompt("toolu_4", "ExitPlanMode", json!({"plan": "# Plan"}));
    server.until_waiting(1);
    assert_eq!(only_pending(&ada)["confirmation"]["riskLevel"], "low");
    ada.confirm(&only_id(&ada), "allow").expect(200);
    assert_eq!(waiting.join().unwrap()["behavior"], "allow");
}

#[test]
fn a_permission_prompt_that_cannot_be_understood_denies() {
    let server = TestServer::start();
    let agent = server.agent("builder");
    for arguments in [
        json!({}),
        json!({"tool_name": "Bash"}),
        json!({"tool_name": "Bash", "input": "ls"}),
        json!({"tool_name": "", "input": {}}),
        json!({"tool_name": "AskUserQuestion", "input": {"questions": []}}),
        json!({"tool_name": "AskUserQuestion", "input": {"command": "ls"}}),
    ] {
        server.unchanged(|| {
            let result = call(&agent, "approve", &arguments);
            let answer: Value = serde_json::from_str(text(&result)).unwrap();
            assert_eq!(answer["behavior"], "deny", "{arguments}");
            assert!(!answer["message"].as_str().unwrap().is_empty());
        });
    }
}

/// A hook and a prompt about the same use of a tool are one request.
#[test]
fn a_hook_over_mcp_is_answered_in_the_form_of_its_client() {
    let server = TestServer::start();
    let (agent, ada) = (server.agent("builder"), server.approver("ada"));
    let pieces = json!({"session": "s", "tool": "Bash", "id": "toolu_1", "input": r#"{"command":"touch made"}"#});
    let waiting = in_background(&agent, "hook", pieces);
    server.until_waiting(1);
    ada.confirm(&only_id(&ada), "allow").expect(200);
    let answer: Value = serde_json::from_str(text(&waiting.join().unwrap())).unwrap();
    let output = &answer["hookSpecificOutput"];
    assert_eq!((&output["hookEventName"], &output["permissionDecision"]), (&json!("PreToolUse"), &json!("allow")));
    let event = json!({"event": {"hook_event_name": "PreToolUse", "session_id": "s", "tool_name": "Bash"}});
    let answer: Value = serde_json::from_str(text(&call(&agent, "hook", &event))).unwrap();
    assert_eq!(answer["hookSpecificOutput"]["permissionDecision"], "deny");
    failure(&call(&agent, "hook", &json!({"event": {"surprise": 1}})));
    failure(&call(&agent, "hook", &json!({"tool": "Bash"})));
}
