//! NUL (U+0000): no text that stands by itself in a column holds it, whatever clients send, for SQLite and C read it as the end of a
//! text and PostgreSQL has no text with it.

use countersign::domain::enums::Role;
use serde_json::{Value, json};

use crate::api::bad_input::{places, replaced};
use crate::api::routes::{Call, Fixture};
use crate::harness::{TestServer, altered, confirmation, is_postgres, question, responses};

/// The columns in which a text holds NUL.
fn columns_with_nul(server: &TestServer) -> Vec<Vec<Value>> {
    // PostgreSQL refuses it by itself.
    if is_postgres() {
        return Vec::new();
    }
    let columns =
        "SELECT t.name, c.name FROM sqlite_schema AS t JOIN pragma_table_info(t.name) AS c WHERE t.type = 'table'";
    let columns = server.sql(columns).into_iter().map(|row| {
        let [table, column] = [0, 1].map(|place| row[place].as_str().unwrap().to_owned());
        format!(
            "SELECT '{table}.{column}' WHERE EXISTS (SELECT 1 FROM {table} WHERE typeof({column}) = 'text' AND instr({column}, char(0)))"
        )
    });
    server.sql(&columns.collect::<Vec<_>>().join(" UNION ALL "))
}

/// What an agent asks is kept to the letter, as JSON, in which NUL is six characters; and so is a secret, as bytes.
fn may_hold_nul(call: &Call, place: &str) -> bool {
    const ASKED: [&str; 14] = [
        "reason",
        "subject",
        "label",
        "description",
        "workingDir",
        "toolUseId",
        "filePath",
        "oldContent",
        "newContent",
        "text",
        "header",
        "placeholder",
        "purpose",
        "agent_reasoning",
    ];
    let name = place.rsplit('/').next().unwrap();
    match call.route {
        "/v1/secret" | "/v1/assistants/{assistantId}/secret" => name == "value",
        "/v1/interactions" => ASKED.contains(&name) || place.contains("/allowed") || place.starts_with("/origin/"),
        "/aap/v1/requests" => ASKED.contains(&name),
        HOOKS => !["hook_event_name", "tool_name"].contains(&name),
        "/humanlayer/v1/function_calls" | "/humanlayer/v1/contact_requests" => !["call_id", "fn"].contains(&name),
        // It is not kept.
        _ if name == "escalation_msg" => true,
        _ => false,
    }
}

/// The events of hooks are others' to shape: what is not understood is denied.
const HOOKS: &str = "/v1/hooks/{client}";

/// The places of texts in the body of a call that may hold NUL, or of those that may not.
fn texts(call: &Call, may: bool) -> Vec<String> {
    let Some(body) = &call.body else { return Vec::new() };
    let is_wanted = |place: &String| body.pointer(place).unwrap().is_string() && may_hold_nul(call, place) == may;
    places(body).into_iter().filter(is_wanted).collect()
}

fn with_nul(body: &Value, place: &str) -> Value {
    let text = body.pointer(place).unwrap().as_str().unwrap();
    serde_json::from_str(&replaced(body, place, &json!(format!("{text}\0")))).unwrap()
}

#[test]
fn no_text_of_a_body_that_stands_by_itself_holds_nul() {
    Fixture::new().unchanged_by(|fixture| {
        // What is wrong with a message of MCP is said in an answer of its own.
        for call in fixture.calls().into_iter().filter(|call| ![HOOKS, "/mcp"].contains(&call.route)) {
            for place in texts(&call, false) {
                let broken = with_nul(call.body.as_ref().unwrap(), &place);
                let answer = call.send_text(&fixture.admin, broken.to_string().as_bytes());
                assert!((400..500).contains(&answer.status), "{} {} {place}: {answer:?}", call.method, call.path);
            }
        }
    });
}

#[test]
fn what_is_kept_as_json_or_sealed_may_hold_nul() {
    let count = Fixture::new().calls().len();
    let (mut fixture, mut taken) = (Fixture::new(), 0);
    for index in 0..count {
        let call = fixture.calls().remove(index);
        let places = texts(&call, true);
        if places.is_empty() {
            continue;
        }
        let body = places.iter().fold(call.body.clone().unwrap(), |body, place| with_nul(&body, place));
        let answer = call.send_text(&fixture.admin, body.to_string().as_bytes());
        assert_eq!(answer.status, call.status, "{} {} {places:?}: {answer:?}", call.method, call.path);
        assert_eq!(columns_with_nul(&fixture.server), Vec::<Vec<Value>>::new(), "{} {}", call.method, call.path);
        (fixture, taken) = (Fixture::new(), taken + 1);
    }
    assert!(taken >= 9, "{taken}");
}

/// The texts that a person or a program adds in its own words.
#[test]
fn a_comment_an_answer_and_what_came_of_a_run_hold_no_nul_and_the_field_is_named() {
    let fixture = Fixture::new();
    let said = "no\0 yes";
    let confirm = json!({"requestId": "c", "decision": "deny", "comment": said});
    let mut answers = responses();
    answers[1]["text"] = json!(said);
    let answer = json!({"requestId": "q", "responses": answers});
    let one = json!({"requestId": "one-q", "kind": "free_text", "text": said});
    let outcome = json!({"claimId": "claim", "outcome": "succeeded", "detail": said});
    let aap = fixture.calls().into_iter().find(|call| call.route == "/aap/v1/requests/{id}/outcome").unwrap();
    fixture.unchanged_by(|fixture| {
        for (path, body, field) in [
            ("/v1/confirm", &confirm, "comment"),
            ("/v1/assistants/a/confirm", &confirm, "comment"),
            ("/v1/question-response", &answer, "responses"),
            ("/v1/assistants/a/question-response", &one, "responses"),
            ("/v1/interactions/own-d/outcome", &outcome, "detail"),
            (aap.path.as_str(), &json!({"status": "succeeded", "note": said}), "note"),
        ] {
            let refused = fixture.admin.post(path, body);
            assert_eq!((refused.status, refused.code()), (400, "malformed_request"), "{path}: {refused:?}");
            let error = &refused.body["error"];
            let sentence = if error.is_object() { &error["message"] } else { error };
            assert!(sentence.as_str().unwrap().contains("a text holds no NUL (U+0000)"), "{path}: {refused:?}");
            let named = if error.is_object() && error.get("field").is_some() {
                &error["field"]
            } else {
                &refused.body["field"]
            };
            // AAP has no member for it.
            assert!(named == field || path.starts_with("/aap/"), "{path}: {refused:?}");
        }
    });
}

/// Every other character is a person's to write, and what is asked is kept to the letter.
#[test]
fn nothing_but_nul_is_refused_and_what_is_asked_may_hold_it() {
    let server = TestServer::start();
    let (agent, ada) = (server.agent("builder"), server.approver("ada"));
    let said = "so\u{1}\u{7f}\u{85}\u{200b}\u{fffe}\u{10ffff}\r\n";
    let asks = json!({"confirmation": {"input": {"command": "a\0b"}, "reason": "c\0d"}, "metadata": {"e\0": "f\0"}});
    agent.register(&altered(confirmation("c"), &asks));
    let answer = json!({"requestId": "c", "decision": "deny", "comment": said});
    ada.post("/v1/confirm", &answer).expect(200);
    let seen = agent.look("c");
    assert_eq!(seen["resolution"]["comment"], said);
    assert_eq!(
        (&seen["confirmation"]["input"]["command"], &seen["metadata"]),
        (&json!("a\0b"), &json!({"e\0": "f\0"}))
    );
    agent.register(&question("q"));
    let mut answers = responses();
    answers[1]["text"] = json!(said);
    ada.post("/v1/question-response", &json!({"requestId": "q", "responses": answers})).expect(200);
    assert_eq!(agent.look("q")["resolution"]["responses"][1]["text"], said);
}

#[test]
fn no_form_and_no_search_takes_nul() {
    let fixture = Fixture::new();
    let root = fixture.admin.browser();
    fixture.unchanged_by(|_| {
        let forms: [(&str, &[(&str, &str)]); 5] = [
            ("/interactions/c/decide", &[("decision", "deny"), ("comment", "no\0")]),
            ("/decide", &[("id", "c"), ("decision", "deny"), ("comment", "no\0")]),
            ("/agents/builder/reject", &[("comment", "no\0")]),
            ("/interactions/one-q/answer", &[("decision", "answer"), ("text-0", "so\0")]),
            ("/views", &[("name", "a\0b"), ("q", "make")]),
        ];
        for (path, fields) in forms {
            let refused = root.submit(path, fields);
            assert_eq!(refused.status, 400, "{path}: {refused:?}");
        }
        for path in ["/rules?q=a%00", "/history?q=a%00", "/?q=a%00", "/?agent=a%00"] {
            let status = root.get(path).status;
            assert!([200, 400].contains(&status), "{path}: {status}");
        }
        assert_eq!(root.get("/rules?q=a%00").status, 400);
    });
    let auditor = fixture.server.client("eve", Role::Auditor);
    let filters =
        ["q", "toolName", "principal", "by", "conversationId", "idPrefix", "status", "cursor", "since", "risk"];
    for filter in filters {
        let refused = auditor.get(&format!("/v1/interactions?{filter}=a%00"));
        assert_eq!(refused.refusal(), (400, "malformed_request"), "{filter}");
    }
    for path in ["/v1/trust-rules?toolName=a%00", "/v1/audit-events?principal=a%00", "/v1/interactions/a%00"] {
        assert_eq!(auditor.get(path).refusal(), (400, "malformed_request"), "{path}");
    }
}

/// It is not asked again, so what it says is not lost.
#[test]
fn what_a_client_says_of_a_failure_is_kept_without_nul() {
    let server = TestServer::start();
    let (agent, ada) = (server.agent("builder"), server.approver("ada"));
    let event = |name: &str, more: Value| {
        let event = json!({"hook_event_name": name, "session_id": "s", "tool_name": "Bash", "tool_use_id": "toolu",
            "tool_input": {"command": "make"}, "cwd": "/repo"});
        altered(event, &more)
    };
    let send = |event: &Value| agent.post("/v1/hooks/claude-code", event).expect(200);
    send(&event("PreToolUse", json!({})));
    let id = server.sql("SELECT request_id FROM interactions")[0][0].as_str().unwrap().to_owned();
    ada.confirm(&id, "allow").expect(200);
    send(&event("PreToolUse", json!({})));
    send(&event("PostToolUseFailure", json!({"error": "grep: bin\0ary"})));
    assert_eq!(ada.look(&id)["claim"]["detail"], "grep: bin\u{fffd}ary");
}
