//! Asking a person through the agent's own client.

use serde_json::{Value, json};

use super::{call_with, meta, only_id, only_pending, text};
use crate::harness::TestServer;

/// A client that can show dialogs and open links.
fn with_dialogs(tool: &str, arguments: &Value) -> Value {
    let mut meta = meta();
    meta["io.modelcontextprotocol/clientCapabilities"] = json!({"elicitation": {"form": {}, "url": {}}});
    json!({"name": tool, "arguments": arguments, "_meta": meta})
}

fn answered(mut params: Value, first: &Value, response: &Value) -> Value {
    params["requestState"] = first["requestState"].clone();
    params["inputResponses"] = json!({"person": response});
    params
}

#[test]
fn a_secret_is_asked_for_by_a_link_and_a_cancelled_dialog_is_no_answer() {
    let server = TestServer::start();
    let (agent, ada) = (server.agent("builder"), server.approver("ada"));
    let params = with_dialogs("request_secret", &json!({"service": "forge", "field": "token", "label": "A token"}));
    let first = call_with(&agent, params.clone());
    let asked = &first["inputRequests"]["person"];
    assert_eq!((&first["resultType"], &asked["method"]), (&json!("input_required"), &json!("elicitation/create")));
    assert_eq!((&asked["params"]["mode"], asked["params"].get("requestedSchema")), (&json!("url"), None));
    let id = only_id(&ada);
    assert_eq!(asked["params"]["url"], format!("{}/interactions/{id}", server.url));
    for action in ["cancel", "accept"] {
        let again = answered(params.clone(), &first, &json!({"action": action}));
        let waiting = {
            let agent = agent.clone();
            std::thread::spawn(move || call_with(&agent, again))
        };
        server.until_waiting(1);
        assert_eq!(only_pending(&ada)["status"], "pending");
        if action == "accept" {
            ada.post("/v1/secret", &json!({"requestId": id, "value": "v"})).expect(200);
            assert!(text(&waiting.join().unwrap()).contains("stored as forge/token"));
        }
    }
}

/// What comes from the agent's client comes with the agent's token: it is no person's answer.
#[test]
fn a_question_is_answered_in_the_agents_own_client_only_where_principals_may_answer_themselves() {
    let ask = json!({"question": "Which colour?", "options": [{"label": "red"}, {"label": "blue"}]});
    let strict = TestServer::with(&["--mcp-wait", "1ms"]);
    let result = call_with(&strict.agent("builder"), with_dialogs("ask", &ask));
    assert!(result.get("inputRequests").is_none(), "{result}");

    let server = TestServer::with(&["--allow-self-approval", "--mcp-wait", "1ms"]);
    let agent = server.agent("builder");
    let params = with_dialogs("ask", &ask);
    let first = call_with(&agent, params.clone());
    let asked = &first["inputRequests"]["person"]["params"];
    assert_eq!((&asked["mode"], &asked["message"]), (&json!("form"), &json!("Which colour?")));
    assert_eq!(asked["requestedSchema"]["properties"]["choice"]["oneOf"][1], json!({"const": "2", "title": "blue"}));
    let cancelled = call_with(&agent, answered(params.clone(), &first, &json!({"action": "cancel"})));
    assert_eq!(cancelled["resultType"], "input_required");
    let chosen = json!({"action": "accept", "content": {"choice": "2"}});
    assert_eq!(text(&call_with(&agent, answered(params.clone(), &first, &chosen))), "blue");
}

#[test]
fn an_answer_that_was_never_asked_for_is_none() {
    let server = TestServer::with(&["--allow-self-approval", "--mcp-wait", "1ms"]);
    let agent = server.agent("builder");
    let mut params = json!({"name": "ask", "arguments": {"question": "Which?"}});
    params["inputResponses"] = json!({"person": {"action": "accept", "content": {"answer": "mine"}}});
    let first = call_with(&agent, params.clone());
    params["requestState"] = first["requestState"].clone();
    assert_eq!(call_with(&agent, params)["resultType"], "input_required");
}
