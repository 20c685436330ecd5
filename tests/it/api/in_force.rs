//! What a principal writes is written only while its token, or its session, is in force: in the very transaction, whatever was
//! found out before.
//!
//! Another program holds the database, so that the writer waits for it.

use std::thread::JoinHandle;
use std::time::Duration;

use countersign::domain::enums::Role;
use serde_json::{Value, json};

use crate::api::routes::{Fixture, everything};
use crate::harness::outside::{Writing, told};
use crate::harness::page::Browser;
use crate::harness::{Answer, Client, TestServer, confirmation, until};

const REVOKE: &str = "UPDATE tokens SET revoked_at_ms = created_at_ms WHERE revoked_at_ms IS NULL";
const END: &str = "UPDATE sessions SET ended_at_ms = created_at_ms WHERE ended_at_ms IS NULL";

/// Holds the database: nobody else writes until this is over.
struct Held(Writing);

impl Held {
    fn at(server: &TestServer) -> Self {
        until(|| server.service.queued_writes() == 0);
        Self(Writing::begin(&server.db()))
    }

    /// Changes something and lets go.
    fn release(self, change: &str) {
        if !change.is_empty() {
            let event = if change == END { "session.ended" } else { "token.revoked" };
            self.0.change(&format!("{change}; {}", told(event, "NULL")));
        }
        self.0.end();
    }
}

/// What comes back where something happens while the request waits for the writer; `None` where the request is answered without.
fn overtaken(server: &TestServer, happens: impl FnOnce(Held), send: impl Fn() -> Answer + Send) -> Option<Answer> {
    std::thread::scope(|scope| {
        let held = Held::at(server);
        let sending = scope.spawn(send);
        until(|| server.service.queued_writes() > 0 || sending.is_finished());
        let waits = server.service.queued_writes() > 0;
        happens(held);
        let answer = sending.join().unwrap();
        waits.then_some(answer)
    })
}

/// Every row of every table but those that say what is in force, or are told of it.
fn written(server: &TestServer) -> Vec<(String, Vec<Vec<Value>>)> {
    let mut tables = everything(server);
    tables.retain(|(name, _)| !["tokens", "sessions"].contains(&name.as_str()));
    let is_told = |value: &Value| *value == "token.revoked" || *value == "session.ended";
    tables.iter_mut().for_each(|(_, rows)| rows.retain(|row| !row.iter().any(is_told)));
    tables
}

/// What is asked by these is answered without the writer.
const READS: [&str; 7] = [
    "/humanlayer/v1/agent/function_calls/{callId}/escalate_email",
    "/humanlayer/v1/agent/function_calls/{callId}/respond",
    "/humanlayer/v1/agent/human_contacts/{callId}/escalate_email",
    "/humanlayer/v1/agent/human_contacts/{callId}/respond",
    "/mcp",
    "/v1/channels/{channelId}/test",
    "/v1/trust-rules/preview",
];

#[test]
fn no_call_writes_for_a_token_that_is_revoked_while_it_waits() {
    let fixture = Fixture::new();
    let server = &fixture.server;
    for call in fixture.calls().iter().filter(|call| call.method != "GET") {
        let name = format!("{} {}", call.method, call.path);
        let root = server.client("root", Role::Admin);
        let before = written(server);
        let answer = overtaken(server, |held| held.release(REVOKE), || call.send(&root));
        assert_eq!(answer.is_none(), READS.contains(&call.route), "{name}");
        let Some(answer) = answer else { continue };
        if call.route == "/v1/hooks/{client}" {
            // In the words of its client.
            assert_eq!(answer.body["hookSpecificOutput"]["permissionDecision"], "deny", "{name}: {answer:?}");
            assert!(answer.text.contains("this token is not known here"), "{name}: {answer:?}");
        } else {
            let next = call.send(&root);
            assert_eq!(answer.refusal(), (401, "unauthenticated"), "{name}");
            assert_eq!((next.refusal(), sentence(&next)), (answer.refusal(), sentence(&answer)), "{name}");
        }
        assert_eq!(written(server), before, "{name}");
    }
}

/// The sentence of a refusal, in whatever shape.
fn sentence(answer: &Answer) -> &Value {
    let error = &answer.body["error"];
    if error.is_object() { &error["message"] } else { error }
}

/// The calls that look as if they read, and those that make something else of a refusal.
#[test]
fn an_approval_is_not_claimed_nor_an_outcome_told_for_a_token_that_is_revoked_meanwhile() {
    let server = TestServer::start();
    let ada = server.approver("ada");
    let function = json!({"run_id": "run", "call_id": "call", "spec": {"fn": "send", "kwargs": {}}});
    let asks = json!({"hook_event_name": "PreToolUse", "session_id": "s", "tool_name": "Bash", "tool_use_id": "toolu",
        "tool_input": {"command": "make"}, "cwd": "/repo"});
    let mut ran = asks.clone();
    ran["hook_event_name"] = json!("PostToolUse");
    ran["tool_response"] = json!({"stdout": ""});
    let hook = |client: &Client, event: &Value| client.post("/v1/hooks/claude-code?asksAgain=true", event);
    let agent = server.agent("builder");
    agent.post("/humanlayer/v1/function_calls", &function).expect(200);
    hook(&agent, &asks).expect(200);
    let pending = server.sql("SELECT request_id FROM interactions");
    for id in pending.iter().flatten() {
        ada.confirm(id.as_str().unwrap(), "allow").expect(200);
    }
    let of_function: &(dyn Fn(&Client) -> Answer + Sync) = &|client| client.get("/humanlayer/v1/function_calls/call");
    let of_hook: &(dyn Fn(&Client) -> Answer + Sync) = &|client| hook(client, &asks);
    let of_run: &(dyn Fn(&Client) -> Answer + Sync) = &|client| hook(client, &ran);
    for (send, table) in [(of_function, "claims"), (of_hook, "claims"), (of_run, "claims WHERE outcome IS NOT NULL")] {
        let before = server.count(table);
        let agent = server.agent("builder");
        let answer = overtaken(&server, |held| held.release(REVOKE), || send(&agent)).unwrap();
        assert_eq!((answer.refusal(), server.count(table)), ((401, "unauthenticated"), before), "{table}");
        send(&server.agent("builder")).expect(200);
        assert_eq!(server.count(table), before + 1, "{table}");
    }
}

/// The forms that a browser sends, and what they write.
fn forms(server: &TestServer) -> Vec<(String, Vec<(&'static str, String)>)> {
    let one = |query: &str| server.sql(query)[0][0].as_str().unwrap().to_owned();
    let channel = one("SELECT channel_id FROM channels WHERE kind = 'webhook'");
    let rule = one("SELECT rule_id FROM trust_rules");
    let token = one("SELECT token_id FROM tokens WHERE principal = 'builder'");
    let session = one("SELECT session_id FROM sessions");
    let with =
        |fields: &[(&'static str, &str)]| fields.iter().map(|(name, value)| (*name, (*value).to_owned())).collect();
    vec![
        ("/interactions/c/decide".to_owned(), with(&[("decision", "deny"), ("comment", "no")])),
        ("/decide".to_owned(), with(&[("id", "c"), ("decision", "deny")])),
        ("/interactions/s/secret".to_owned(), with(&[("decision", "decline")])),
        ("/interactions/one-q/answer".to_owned(), with(&[("decision", "answer"), ("option-0", "0")])),
        ("/interactions/d/withdraw".to_owned(), with(&[])),
        ("/interactions/own-s/wipe".to_owned(), with(&[])),
        ("/interactions/c/snooze".to_owned(), with(&[("minutes", "30")])),
        ("/agents/builder/reject".to_owned(), with(&[])),
        ("/agents".to_owned(), with(&[("name", "another"), ("tokenId", "token_01890a5d-ac96-774b-bcce-b302099a8057")])),
        (format!("/tokens/{token}/revoke"), with(&[])),
        (format!("/settings/sessions/{session}/end"), with(&[])),
        ("/settings/sessions/end".to_owned(), with(&[])),
        (format!("/rules/{rule}/revoke"), with(&[])),
        ("/views".to_owned(), with(&[("name", "mine"), ("q", "make")])),
        ("/views/delete".to_owned(), with(&[("name", "a view")])),
        (format!("/channels/{channel}/rotate"), with(&[])),
        (format!("/channels/{channel}/remove"), with(&[])),
    ]
}

#[test]
fn no_form_writes_for_a_session_that_has_ended_meanwhile() {
    let fixture = Fixture::new();
    let server = &fixture.server;
    drop(fixture.admin.browser());
    for (path, fields) in forms(server) {
        let fields = fields.iter().map(|(name, value)| (*name, value.as_str())).collect::<Vec<_>>();
        // By itself, after a day, or because its token is revoked.
        for end in [END, REVOKE] {
            let root = server.client("root", Role::Admin).browser();
            let csrf = root.csrf();
            let fields = [&[("csrf", csrf.as_str())], fields.as_slice()].concat();
            let before = written(server);
            let answer = overtaken(server, |held| held.release(end), || root.send_form(&path, &fields));
            let answer = answer.unwrap_or_else(|| panic!("{path} was to write: {:?}", root.send_form(&path, &fields)));
            let next = root.send_form(&path, &fields);
            assert_eq!((answer.status, &answer.text), (401, &next.text), "{path}");
            assert_eq!(written(server), before, "{path}");
        }
    }
}

#[test]
fn a_session_is_over_when_its_time_is_though_the_request_came_before() {
    let server = TestServer::with(&["--session-lifetime", "1h"]);
    let agent = server.agent("builder");
    agent.register(&confirmation("c"));
    let ada = server.approver("ada").browser();
    let fields = [("csrf", ada.csrf()), ("decision", "deny".to_owned())];
    let fields = fields.each_ref().map(|(name, value)| (*name, value.as_str()));
    let too_late = |held: Held| {
        server.advance(Duration::from_secs(3600));
        held.release("");
    };
    let answer = overtaken(&server, too_late, || ada.send_form("/interactions/c/decide", &fields)).unwrap();
    assert_eq!((answer.status, &server.stored("c")), (401, &json!("pending")));
}

/// A server whose writer waits, with work of one agent, for what another program holds; who can revoke an agent's token; and
/// that agent.
struct Queue {
    server: TestServer,
    held: Held,
    first: JoinHandle<Answer>,
    root: Browser,
    csrf: String,
    eve: Client,
    revoke: String,
}

impl Queue {
    fn new() -> Self {
        let server = TestServer::start();
        let (bob, eve, root) = (server.agent("bob"), server.agent("eve"), server.client("root", Role::Admin).browser());
        let csrf = root.csrf();
        let token_id = server.sql("SELECT token_id FROM tokens WHERE principal = 'eve'");
        let revoke = format!("/tokens/{}/revoke", token_id[0][0].as_str().unwrap());
        let held = Held::at(&server);
        let first = std::thread::spawn(move || bob.post("/v1/interactions", &confirmation("first")));
        until(|| server.service.queued_writes() == 1);
        Self { server, held, first, root, csrf, eve, revoke }
    }

    /// What is registered and what revokes, one behind the other, in one group of the writer; what came back of the registration.
    fn end(self, revokes_first: bool) -> (TestServer, Client, Answer) {
        let Self { server, held, first, root, csrf, eve, revoke } = self;
        let registers = || eve.post("/v1/interactions", &confirmation("eves"));
        let revokes = || root.send_form(&revoke, &[("csrf", &csrf)]);
        let registered = std::thread::scope(|scope| {
            let is_next = |queued| until(|| server.service.queued_writes() == queued);
            let (registering, revoking) = if revokes_first {
                let revoking = scope.spawn(revokes);
                is_next(2);
                (scope.spawn(registers), revoking)
            } else {
                let registering = scope.spawn(registers);
                is_next(2);
                (registering, scope.spawn(revokes))
            };
            is_next(3);
            held.release("");
            revoking.join().unwrap().expect(303);
            registering.join().unwrap()
        });
        first.join().unwrap().expect(201);
        (server, eve, registered)
    }
}

#[test]
fn what_is_revoked_in_the_same_group_writes_nothing_after_it_and_all_before_it() {
    let (server, _, refused) = Queue::new().end(true);
    assert_eq!(refused.refusal(), (401, "unauthenticated"));
    assert_eq!(server.sql("SELECT request_id FROM interactions"), [[json!("first")]]);
    let (server, eve, registered) = Queue::new().end(false);
    registered.expect(201);
    assert_eq!(server.stored("eves"), "pending");
    assert_eq!(eve.get("/v1/interactions/eves").refusal(), (401, "unauthenticated"));
}

/// Tokens have changed, and this one's row is looked at.
#[test]
fn a_token_that_is_in_force_writes_whatever_becomes_of_others_meanwhile() {
    let server = TestServer::start();
    let (agent, _other) = (server.agent("builder"), server.agent("other"));
    let revoke = format!("{REVOKE} AND principal = 'other'");
    let register = || agent.post("/v1/interactions", &confirmation("c"));
    overtaken(&server, |held| held.release(&revoke), register).unwrap().expect(201);
}
