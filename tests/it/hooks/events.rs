//! `POST /v1/hooks/{client}`: the events of every client, and the answers in its own shape.

use std::time::Duration;

use serde_json::{Value, json};

use super::payloads::{GATES, Gate, claude};
use crate::harness::{Act, Answer, Client, Database, Process, TestServer, race, token};

fn fixture() -> (TestServer, Client, Client) {
    let server = TestServer::start();
    let (agent, ada) = (server.agent("builder"), server.approver("ada"));
    (server, agent, ada)
}

fn send(agent: &Client, client: &str, query: &str, event: &Value) -> Answer {
    agent.post(&format!("/v1/hooks/{client}?{query}"), event)
}

impl Gate {
    #[track_caller]
    fn send(&self, agent: &Client, query: &str, call: &str, command: &str) -> Value {
        send(agent, self.client, query, &(self.event)("session", call, command)).expect(200).body
    }

    #[track_caller]
    fn denied(&self, answer: &Value, because: &str) {
        let denial = (self.denial)(answer);
        assert!(denial.is_some_and(|denial| denial.contains(because)), "{}: {answer}", self.name);
        assert!(!(self.allows)(answer), "{answer}");
    }
}

/// The one interaction that is pending.
#[track_caller]
fn pending(ada: &Client) -> Value {
    let mut pending = ada.get("/v1/pending-interactions").expect(200).body["interactions"].take();
    let [one] = pending.as_array_mut().unwrap().as_mut_slice() else { panic!("{pending}") };
    one.take()
}

fn id_of(interaction: &Value) -> &str {
    interaction["requestId"].as_str().unwrap()
}

#[test]
fn every_client_is_told_to_wait_then_yes_once_then_no_again() {
    for gate in GATES {
        let (_server, agent, ada) = fixture();
        gate.denied(&gate.send(&agent, "", "call-1", "make"), "still waiting");
        let asked = pending(&ada);
        assert!(id_of(&asked).starts_with(&format!("{}:", gate.client)), "{asked}");
        assert_eq!(asked["conversationId"], "session");
        assert_eq!(asked["metadata"], json!({"client": gate.client}));
        assert_eq!(asked["origin"]["sessionId"], "session");
        assert!(asked["origin"]["client"].as_str().unwrap().starts_with(gate.client));
        let confirmation = &asked["confirmation"];
        assert_eq!(confirmation["input"]["command"], "make", "{}: {asked}", gate.name);
        assert_eq!((&confirmation["subject"], &confirmation["workingDir"]), (&json!("make"), &json!("/home/ada/shop")));
        assert_eq!(confirmation["inputEditsAllowed"], gate.edit.is_some());
        assert_eq!(confirmation["toolUseId"], if gate.has_call_id { json!("call-1") } else { Value::Null });
        ada.confirm(id_of(&asked), "allow").expect(200);
        // The model asks again, with another id of the call.
        let allowed = gate.send(&agent, "", "call-2", "make");
        assert!((gate.allows)(&allowed) && (gate.denial)(&allowed).is_none(), "{}: {allowed}", gate.name);
        assert!(gate.edit.is_none_or(|edit| edit(&allowed).is_null()), "{allowed}");
        gate.denied(&gate.send(&agent, "", "call-3", "make"), "still waiting");
    }
}

#[test]
fn every_client_is_denied_with_the_comment_and_asks_anew_afterwards() {
    for gate in GATES {
        let (server, agent, ada) = fixture();
        let waiting = std::thread::spawn({
            let (agent, event) = (agent.clone(), (gate.event)("session", "call-1", "make"));
            move || send(&agent, gate.client, "waitMs=60000&claimId=try-1", &event)
        });
        server.until_waiting(1);
        let asked = pending(&ada);
        let no = json!({"requestId": asked["requestId"], "decision": "deny", "comment": "not on a Friday"});
        ada.post("/v1/confirm", &no).expect(200);
        gate.denied(&waiting.join().unwrap().expect(200).body, "rejected by ada: not on a Friday");
        // The answer was lost on the way.
        gate.denied(&gate.send(&agent, "claimId=try-1", "call-1", "make"), "not on a Friday");
        gate.denied(&gate.send(&agent, "claimId=try-2", "call-2", "make"), "still waiting");
        assert_ne!(id_of(&pending(&ada)), id_of(&asked));
    }
}

#[test]
fn an_edit_reaches_the_clients_that_can_run_it() {
    for gate in GATES {
        let (_server, agent, ada) = fixture();
        gate.send(&agent, "", "call-1", "make");
        let edited = json!({"command": "make check", "jobs": 2});
        let answer = json!({"requestId": pending(&ada)["requestId"], "decision": "allow", "updatedInput": edited});
        let answered = ada.post("/v1/confirm", &answer);
        match gate.edit {
            Some(edit) => {
                answered.expect(200);
                let allowed = gate.send(&agent, "", "call-1", "make");
                assert!((gate.allows)(&allowed), "{allowed}");
                assert_eq!(edit(&allowed), &edited, "{}", gate.name);
            }
            None => assert_eq!(answered.refusal(), (403, "edits_not_allowed"), "{}", gate.name),
        }
    }
}

#[test]
fn an_edit_that_another_event_cannot_run_is_named_and_not_used_up() {
    let (_server, agent, ada) = fixture();
    let [before, permission] = ["PreToolUse", "PermissionRequest"]
        .map(|name| GATES.iter().find(|gate| gate.client == "codex" && gate.name == name).unwrap());
    before.send(&agent, "", "call-1", "make");
    let asked = pending(&ada);
    let answer = json!({"requestId": asked["requestId"], "decision": "allow", "updatedInput": {"command": "make -n"}});
    ada.post("/v1/confirm", &answer).expect(200);
    permission.denied(&permission.send(&agent, "", "", "make"), r#"approved only as: {"command":"make -n"}"#);
    assert_eq!(ada.look(id_of(&asked))["claim"], Value::Null);
    assert!((before.allows)(&before.send(&agent, "", "call-2", "make")));
}

#[test]
fn an_event_is_answered_in_the_shape_of_who_sent_it_whatever_it_was_sent_as() {
    for gate in GATES {
        let (_server, agent, _) = fixture();
        for said in ["claude-code", "codex", "copilot", "qwen", "cursor"] {
            let event = (gate.event)("session", "call-1", "make");
            gate.denied(&send(&agent, said, "", &event).expect(200).body, "still waiting");
        }
    }
}

#[test]
fn what_a_client_says_of_a_call_that_ran_is_its_outcome() {
    let reports: [(&str, &str, Value, &str); 7] = [
        // It asks without the id that it reports with.
        (
            "claude-code",
            "PermissionRequest",
            json!({"hook_event_name": "PostToolUse", "tool_use_id": "toolu_7"}),
            "succeeded",
        ),
        (
            "claude-code",
            "PreToolUse",
            json!({"hook_event_name": "PostToolUse", "tool_response": {"stdout": ""}}),
            "succeeded",
        ),
        ("claude-code", "PreToolUse", json!({"hook_event_name": "PostToolUseFailure", "error": "exit 2"}), "failed"),
        ("codex", "PreToolUse", json!({"hook_event_name": "PostToolUse", "tool_response": "done"}), "succeeded"),
        ("copilot", "preToolUse", json!({"toolResult": {"resultType": "failure", "textResultForLlm": "no"}}), "failed"),
        (
            "gemini",
            "BeforeTool",
            json!({"hook_event_name": "AfterTool", "tool_response": {"llmContent": ""}}),
            "succeeded",
        ),
        ("cursor", "preToolUse", json!({"hook_event_name": "postToolUse", "tool_output": "{}"}), "succeeded"),
    ];
    for (client, name, members, outcome) in reports {
        let (server, agent, ada) = fixture();
        let gate = GATES.iter().find(|gate| (gate.client, gate.name) == (client, name)).unwrap();
        gate.send(&agent, "", "call-1", "make");
        let asked = pending(&ada);
        ada.confirm(id_of(&asked), "allow").expect(200);
        let mut event = (gate.event)("session", "call-1", "make");
        event.as_object_mut().unwrap().extend(members.as_object().unwrap().clone());
        assert_eq!(server.unchanged(|| send(&agent, client, "", &event)).expect(200).body, json!({}));
        gate.send(&agent, "", "call-1", "make");
        assert_eq!(ada.look(id_of(&asked))["claim"]["outcome"], Value::Null);
        assert_eq!(send(&agent, client, "", &event).expect(200).body, json!({}));
        let claim = &ada.look(id_of(&asked))["claim"];
        assert_eq!(claim["outcome"], outcome, "{client}");
        assert_eq!(claim["detail"], if members["error"].is_null() { Value::Null } else { json!("exit 2") });
        server.unchanged(|| send(&agent, client, "", &event)).expect(200);
    }
}

#[test]
fn the_end_of_a_turn_supersedes_what_no_client_comes_back_for() {
    let (server, agent, ada) = fixture();
    let asks = |command: &str, query: &str| {
        let mut event = claude("PreToolUse", "session", command);
        event["tool_use_id"] = command.into();
        send(&agent, "claude-code", query, &event).expect(200).body
    };
    // The hook of this one was killed while it waited: it was never told that the answer is kept.
    let dropped = asks("make", "asksAgain=true");
    let dropped = dropped["waiting"].as_str().unwrap().to_owned();
    asks("make test", "");
    for event in ["SubagentStop", "UserPromptSubmit", "SessionStart", "Notification"] {
        let event = json!({"session_id": "session", "hook_event_name": event});
        assert_eq!(server.unchanged(|| send(&agent, "claude-code", "", &event)).expect(200).body, json!({}));
    }
    for event in ["Stop", "SessionEnd"] {
        let event = json!({"session_id": "session", "hook_event_name": event});
        assert_eq!(send(&agent, "claude-code", "", &event).expect(200).body, json!({}));
    }
    assert_eq!(ada.look(&dropped)["status"], "superseded");
    assert_eq!(pending(&ada)["confirmation"]["input"]["command"], "make test");
}

#[test]
fn a_question_of_the_model_is_answered_in_its_input() {
    let (_server, agent, ada) = fixture();
    let mut event = claude("PreToolUse", "session", "");
    event["tool_name"] = json!("AskUserQuestion");
    event["tool_use_id"] = json!("toolu_1");
    let questions = json!([
        {"question": "Where to?", "header": "Target", "multiSelect": false,
            "options": [{"label": "Production", "description": "the real one"}, {"label": "Staging"}]},
        {"question": "Which checks?", "header": "Checks", "multiSelect": true,
            "options": [{"label": "Unit"}, {"label": "Browser"}, {"label": "Load"}]},
        {"question": "Why?", "header": "Why", "options": [{"label": "No reason"}]},
        {"question": "Anything else?", "header": "Else", "options": [{"label": "No"}]},
    ]);
    event["tool_input"] = json!({"questions": questions, "metadata": {"source": "plan"}});
    send(&agent, "claude-code", "", &event).expect(200);
    let asked = pending(&ada);
    assert_eq!((&asked["kind"], &asked["question"]["entries"][0]["header"]), (&json!("question"), &json!("Target")));
    let responses = json!([
        {"questionId": "q1", "optionId": "o2"}, {"questionId": "q2", "optionIds": ["o1", "o3"]},
        {"questionId": "q3", "text": "it is time"}, {"questionId": "q4", "skipped": true},
    ]);
    ada.post("/v1/question-response", &json!({"requestId": asked["requestId"], "responses": responses})).expect(200);
    let answers = json!({"Where to?": "Staging", "Which checks?": "Unit, Load", "Why?": "it is time"});
    let input = json!({"questions": questions, "metadata": {"source": "plan"}, "answers": answers});
    let said = send(&agent, "claude-code", "", &event).expect(200).body;
    let output = &said["hookSpecificOutput"];
    assert_eq!((&output["permissionDecision"], &output["updatedInput"]), (&json!("allow"), &input));
    // Asked again, and declined.
    event["tool_use_id"] = json!("toolu_2");
    send(&agent, "claude-code", "", &event).expect(200);
    let asked = pending(&ada);
    let all_skipped = (1..=4).map(|number| json!({"questionId": format!("q{number}"), "skipped": true}));
    let responses = all_skipped.collect::<Vec<_>>();
    ada.post("/v1/question-response", &json!({"requestId": asked["requestId"], "responses": responses})).expect(200);
    let said = send(&agent, "claude-code", "", &event).expect(200).body;
    assert_eq!(said["hookSpecificOutput"]["permissionDecision"], "deny");
}

#[test]
fn an_elicitation_of_another_server_is_a_question() {
    let elicit = |schema: Value| {
        json!({"session_id": "session", "cwd": "/home/ada/shop", "hook_event_name": "Elicitation",
            "mcp_server_name": "forge", "message": "Which one?", "mode": "form", "requested_schema": schema})
    };
    let schema = json!({"type": "object", "required": ["choice", "count"], "properties": {
        "choice": {"type": "string", "enum": ["a", "b"]},
        "count": {"type": "integer", "title": "How many"},
        "public": {"type": "boolean"},
        "tags": {"type": "array", "items": {"anyOf": [{"const": "x", "title": "Ex"}, {"const": "y"}]}},
    }});
    let answer = |responses: Value| {
        let (_server, agent, ada) = fixture();
        send(&agent, "claude-code", "claimId=try", &elicit(schema.clone())).expect(200);
        let asked = pending(&ada);
        assert!(asked["question"]["entries"][0]["text"].as_str().unwrap().starts_with("forge asks: Which one?"));
        let said = json!({"requestId": asked["requestId"], "responses": responses});
        ada.post("/v1/question-response", &said).expect(200);
        send(&agent, "claude-code", "claimId=try", &elicit(schema.clone())).expect(200).body["hookSpecificOutput"]
            .take()
    };
    // The properties of a schema stand in the order of their names here.
    let said = json!([{"questionId": "q1", "optionId": "o2"}, {"questionId": "q2", "text": " 3 "},
        {"questionId": "q3", "optionId": "o2"}, {"questionId": "q4", "optionIds": ["o1", "o2"]}]);
    let content = json!({"choice": "b", "count": 3, "public": false, "tags": ["x", "y"]});
    assert_eq!(answer(said.clone()), json!({"hookEventName": "Elicitation", "action": "accept", "content": content}));
    let cancel = json!({"hookEventName": "Elicitation", "action": "cancel"});
    let mut wrong = said.clone();
    wrong[1]["text"] = json!("three");
    assert_eq!(answer(wrong), cancel);
    let mut skipped = said;
    skipped[0] = json!({"questionId": "q1", "skipped": true});
    assert_eq!(answer(skipped), cancel);
    let (_server, agent, ada) = fixture();
    let waiting = send(&agent, "claude-code", "", &elicit(schema.clone())).expect(200).body;
    assert_eq!(waiting["hookSpecificOutput"], cancel);
    ada.post("/v1/question-response", &json!({"requestId": pending(&ada)["requestId"], "responses": []})).expect(422);
    let unknown = elicit(json!({"properties": {"a": {"type": "object"}}}));
    assert_eq!(send(&agent, "claude-code", "", &unknown).expect(200).body["hookSpecificOutput"], cancel);
}

#[test]
fn what_is_not_understood_is_denied_in_the_clients_words_where_it_is_known_to_ask() {
    let (server, agent, _) = fixture();
    for gate in GATES {
        let whole = (gate.event)("session", "call-1", "make");
        let inputs =
            ["tool_input", "toolArgs", "toolInput", "command", "tool_name", "toolName", "session_id", "sessionId"];
        for member in inputs.iter().filter(|member| !whole[**member].is_null()) {
            let mut broken = whole.clone();
            broken.as_object_mut().unwrap().remove(*member);
            let answer = server.unchanged(|| send(&agent, gate.client, "", &broken));
            match answer.status {
                200 => gate.denied(&answer.body, "does not understand"),
                _ => assert_eq!(answer.refusal(), (400, "malformed_request"), "{broken}"),
            }
            for wrong in [json!(7), json!([]), json!("not JSON"), json!(" ")] {
                let mut broken = whole.clone();
                broken[*member] = wrong;
                let answer = send(&agent, gate.client, "", &broken);
                assert!(answer.status == 400 || (gate.denial)(&answer.body).is_some(), "{broken}: {answer:?}");
            }
        }
    }
    let unknown = json!({"session_id": "session", "hook_event_name": "BeforeEverything"});
    assert_eq!(server.unchanged(|| send(&agent, "gemini", "", &unknown)).refusal(), (400, "malformed_request"));
}

#[test]
fn an_input_that_is_too_large_is_denied_and_never_asked() {
    let (server, agent, _) = fixture();
    for gate in GATES {
        let event = (gate.event)("session", "call-1", &"x".repeat(300_000));
        let answer = server.unchanged(|| send(&agent, gate.client, "", &event)).expect(200).body;
        gate.denied(&answer, "larger than 262144 bytes");
    }
}

#[test]
fn a_caller_that_asks_again_is_told_what_passes_and_any_other_is_denied() {
    let server = TestServer::with(&["--max-pending", "1"]);
    let agent = server.agent("builder");
    let gate = &GATES[0];
    gate.send(&agent, "", "call-1", "make");
    let event = (gate.event)("session", "call-2", "make test");
    assert_eq!(send(&agent, gate.client, "asksAgain=true", &event).refusal(), (429, "too_many_pending"));
    gate.denied(&send(&agent, gate.client, "", &event).expect(200).body, "does not take this question");
}

#[test]
fn a_deferring_client_ends_without_an_answer_and_finds_it_when_it_is_woken() {
    let (_server, agent, ada) = fixture();
    let mut event = claude("PreToolUse", "session", "make");
    event["tool_use_id"] = json!("toolu_1");
    let deferred = send(&agent, "claude-code", "defer=true", &event).expect(200).body;
    assert_eq!(deferred["hookSpecificOutput"]["permissionDecision"], "defer");
    send(&agent, "claude-code", "", &json!({"session_id": "session", "hook_event_name": "SessionEnd"})).expect(200);
    let asked = pending(&ada);
    assert_eq!(asked["metadata"], json!({"client": "claude-code", "deferred": true}));
    ada.confirm(id_of(&asked), "allow").expect(200);
    event.as_object_mut().unwrap().remove("prompt_id");
    let woken = send(&agent, "claude-code", "defer=true", &event).expect(200).body;
    assert_eq!(woken["hookSpecificOutput"]["permissionDecision"], "allow");
}

#[test]
fn parallel_identical_calls_of_a_client_make_one_card() {
    for gate in GATES {
        let (server, agent, ada) = fixture();
        let acts = (0..4).map(|number| {
            let agent = &agent;
            let act: Act<'_, Value> =
                Box::new(move || gate.send(agent, &format!("claimId=try-{number}"), &format!("call-{number}"), "make"));
            act
        });
        for answer in race(acts.collect::<Vec<_>>()) {
            gate.denied(&answer, "still waiting");
        }
        assert_eq!(server.count("interactions"), 1, "{}", gate.name);
        ada.confirm(id_of(&pending(&ada)), "allow").expect(200);
        let acts = (0..4).map(|number| {
            let agent = &agent;
            let act: Act<'_, Value> =
                Box::new(move || gate.send(agent, &format!("claimId=try-{number}"), &format!("call-{number}"), "make"));
            act
        });
        let answers = race(acts.collect::<Vec<_>>());
        assert_eq!(answers.iter().filter(|answer| (gate.allows)(answer)).count(), 1, "{answers:?}");
    }
}

#[test]
fn a_call_that_waits_gives_its_turn_back() {
    let server = TestServer::with(&["--max-in-flight-per-principal", "1"]);
    let (agent, ada) = (server.agent("builder"), server.approver("ada"));
    let event = (GATES[0].event)("session", "call-1", "make");
    let waiting = std::thread::spawn({
        let agent = agent.clone();
        move || send(&agent, "claude-code", "waitMs=60000", &event)
    });
    server.until_waiting(1);
    agent.get("/v1/interactions").expect(200);
    ada.confirm(id_of(&pending(&ada)), "allow").expect(200);
    assert!((GATES[0].allows)(&waiting.join().unwrap().body));
}

#[test]
fn a_wait_that_is_too_long_is_refused() {
    let (server, agent, _) = fixture();
    let event = (GATES[0].event)("session", "call-1", "make");
    let refused = server.unchanged(|| send(&agent, "claude-code", "waitMs=86400001", &event));
    assert_eq!(refused.refusal(), (400, "malformed_request"));
    assert_eq!(server.unchanged(|| send(&agent, "emacs", "", &event)).refusal(), (400, "malformed_request"));
}

/// The commit was on the disk, and its answer was not: the same try gets it again, of a server that was killed.
#[test]
fn a_call_finds_its_answer_after_the_server_was_killed() {
    let db = Database::new();
    let tokens = [token(&db, "builder", "agent"), token(&db, "ada", "approver")];
    let begin = |query: &str, event: &Value, gate: &Gate, decide: &dyn Fn(&Client, &str)| {
        let process = Process::serve(&db, &[]);
        let [agent, ada] = tokens.each_ref().map(|token| Client::new(&process.url, token));
        let first = send(&agent, gate.client, query, event).expect(200).body;
        decide(&ada, id_of(&pending(&ada)));
        process.kill();
        let process = Process::serve(&db, &[]);
        let agent = Client::new(&process.url, &tokens[0]);
        let again = || send(&agent, gate.client, query, event).expect(200).body;
        let answers = (first, again(), again());
        process.kill();
        answers
    };
    for (number, gate) in GATES.iter().enumerate() {
        let event = (gate.event)(&format!("session-{number}"), "call-1", "make");
        let (first, second, third) =
            begin("claimId=try-1", &event, gate, &|ada, id| drop(ada.confirm(id, "allow").expect(200)));
        gate.denied(&first, "still waiting");
        assert!((gate.allows)(&second) && second == third, "{}: {second} {third}", gate.name);
        let event = (gate.event)(&format!("session-{number}"), "call-2", "make no");
        let (_, second, third) =
            begin("claimId=try-2", &event, gate, &|ada, id| drop(ada.confirm(id, "deny").expect(200)));
        gate.denied(&second, "rejected by ada");
        assert_eq!(second, third);
    }
}

#[test]
fn a_call_that_nobody_answers_in_time_is_denied_as_that_and_asks_anew_by_another_id() {
    let (server, agent, ada) = fixture();
    let gate = &GATES[0];
    gate.send(&agent, "", "call-1", "make");
    server.advance(Duration::from_secs(25 * 60 * 60));
    gate.denied(&gate.send(&agent, "", "call-1", "make"), "This is not a no");
    gate.denied(&gate.send(&agent, "", "call-2", "make"), "still waiting");
    pending(&ada);
}
