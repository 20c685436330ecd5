//! Every call that the server answers, and a fixture in which each of them succeeds: what the tests that walk all routes
//! go by.

use std::collections::BTreeSet;

use countersign::domain::enums::{Kind, Role};
use serde_json::{Value, json};

use crate::harness::{Answer, Client, KINDS, TestServer, confirmation, question, secret};

/// One call, as the admin of a [`Fixture`] makes it with success.
#[derive(Clone)]
pub(crate) struct Call {
    pub(crate) method: &'static str,
    /// As it stands in the server's own table.
    pub(crate) route: &'static str,
    /// The route with ids of the fixture in it.
    pub(crate) path: String,
    /// A body in which every field is given; `None` where there is none.
    pub(crate) body: Option<Value>,
    /// Whether the body may be left out.
    pub(crate) optional_body: bool,
    /// What it is answered with.
    pub(crate) status: u16,
    /// Who may make it.
    pub(crate) roles: &'static [Role],
    /// The headers that it has beside the usual ones.
    pub(crate) headers: &'static [(&'static str, &'static str)],
}

const AGENTS: &[Role] = &[Role::Agent, Role::Admin];
const RESOLVERS: &[Role] = &[Role::Approver, Role::Admin];
const REVIEWERS: &[Role] = &[Role::Approver, Role::Auditor, Role::Admin];
const NOT_AUDITORS: &[Role] = &[Role::Agent, Role::Approver, Role::Admin];

impl Call {
    fn get(route: &'static str, path: &str, roles: &'static [Role]) -> Self {
        Self {
            method: "GET",
            route,
            path: path.to_owned(),
            body: None,
            optional_body: false,
            status: 200,
            roles,
            headers: &[],
        }
    }

    fn post(route: &'static str, path: &str, body: Value, roles: &'static [Role]) -> Self {
        Self { method: "POST", body: Some(body), ..Self::get(route, path, roles) }
    }

    fn creating(self) -> Self {
        Self { status: 201, ..self }
    }

    fn with_key(self, key: &'static [(&'static str, &'static str)]) -> Self {
        Self { headers: key, ..self }
    }

    fn with_optional_body(self) -> Self {
        Self { optional_body: true, ..self }
    }

    pub(crate) fn send(&self, client: &Client) -> Answer {
        self.send_with(client, &[])
    }

    /// With headers of the test's own beside the usual ones.
    pub(crate) fn send_with(&self, client: &Client, headers: &[(&str, &str)]) -> Answer {
        let body = self.body.as_ref().map(Value::to_string);
        let mut all = [self.headers, headers].concat();
        if body.is_some() {
            all.push(("content-type", "application/json"));
        }
        client.try_send(self.method, &self.path, &all, body.as_deref().map(str::as_bytes)).unwrap()
    }

    /// With this text in place of its body.
    pub(crate) fn send_text(&self, client: &Client, body: &[u8]) -> Answer {
        let headers = [self.headers, &[("content-type", "application/json")]].concat();
        client.try_send(self.method, &self.path, &headers, Some(body)).unwrap()
    }

    /// Whether its answer never ends: server-sent events.
    pub(crate) fn is_feed(&self) -> bool {
        self.route.starts_with("/v1/") && self.route.ends_with("/events")
    }
}

/// A server on which every one of [`Fixture::calls`] would change or show something.
pub(crate) struct Fixture {
    pub(crate) server: TestServer,
    pub(crate) admin: Client,
    rule_id: String,
    /// The admin's channels: a webhook, a topic of ntfy and a mailbox.
    channels: [String; 3],
    /// What the admin has submitted by AAP: pending, approved, and used.
    aap: [String; 3],
}

/// The keys of what the admin submits by AAP.
const AAP_KEYS: [&[(&str, &str)]; 3] =
    [&[("idempotency-key", "pending")], &[("idempotency-key", "approved")], &[("idempotency-key", "used")]];

/// A submission of AAP that says all that one may say.
fn aap_submission() -> Value {
    json!({"tool": "deploy", "server": "ops", "arguments": {"n": 1.5}, "timeout": "10m", "agent_reasoning": "green",
        "context": {"call_id": "run:1"}})
}

/// What a HumanLayer SDK asks with this id.
fn humanlayer(call_id: &str, spec: Value) -> Value {
    json!({"run_id": "run", "call_id": call_id, "spec": spec})
}

fn humanlayer_function() -> Value {
    json!({"fn": "send", "kwargs": {"to": "ada"}, "channel": {"slack": {"channel_or_user_id": "C1"}}, "state": {},
        "reject_options": [humanlayer_option()]})
}

fn humanlayer_message() -> Value {
    json!({"msg": "Which?", "subject": "Colours", "channel": {"sms": {"phone_number": "1"}}, "state": {},
        "response_options": [humanlayer_option()]})
}

fn humanlayer_option() -> Value {
    json!({"name": "no", "title": "No", "description": "not now", "prompt_fill": "Not now.", "interactive": true})
}

/// The digest of what [`confirmation`] asks, computed elsewhere: `printf '{"input":…}' | sha256sum`.
pub(crate) const DIGEST: &str = "sha256:425cad76a9a7ae82ad6217d9cdb51a6c779a0685a82df67b2acfb2e535a34b21";

/// Lets the fixture have channels of every kind; nothing listens where they lead.
const CHANNELS: [&str; 6] =
    ["--allow-notice-net", "127.0.0.0/8", "--smtp-url", "smtp://127.0.0.1:9", "--mail-from", "sign@example.org"];

/// Hours in which the clock of tests stands: a channel that is quiet sends nothing behind a test's back.
fn quiet() -> Value {
    json!({"from": "00:00", "until": "23:59", "timeZone": "UTC"})
}

impl Fixture {
    /// Pending: one of each kind of an agent, with the id of [`KINDS`], its question `one-q` of one entry, and `own-p` of the admin. The agent's `d` is approved. The admin's `own-c` is approved, `own-d` claimed
    /// too, and `own-s` answered.
    pub(crate) fn new() -> Self {
        let server = TestServer::with(&CHANNELS);
        let (agent, ada) = (server.agent("builder"), server.approver("ada"));
        let admin = server.client("root", Role::Admin);
        for kind in KINDS {
            agent.register(&(kind.answerable)(kind.id));
        }
        agent.register(&confirmation("d"));
        let own = [confirmation("own-p"), confirmation("own-c"), confirmation("own-d"), secret("own-s")];
        for registration in own {
            admin.register(&registration);
        }
        let mut one = question("one-q");
        one["question"]["entries"].as_array_mut().unwrap().truncate(1);
        one["question"]["entries"][0]["freeTextAllowed"] = json!(true);
        agent.register(&one);
        ada.confirm("own-c", "allow").expect(200);
        ada.confirm("own-d", "allow").expect(200);
        ada.confirm("d", "allow").expect(200);
        ada.post("/v1/secret", &json!({"requestId": "own-s", "value": "v"})).expect(200);
        admin.post("/v1/interactions/own-d/claim", &json!({"claimId": "claim"})).expect(200);
        let aap = AAP_KEYS.map(|key| {
            let headers = [key, &[("content-type", "application/json")]].concat();
            let body = aap_submission().to_string();
            let made = admin.try_send("POST", "/aap/v1/requests", &headers, Some(body.as_bytes())).unwrap();
            made.expect(201).body["id"].as_str().unwrap().to_owned()
        });
        ada.confirm(&aap[1], "allow").expect(200);
        ada.confirm(&aap[2], "allow").expect(200);
        let consume = format!("/aap/v1/requests/{}/consume", aap[2]);
        admin.try_send("POST", &consume, AAP_KEYS[2], Some(b"")).unwrap().expect(200);
        admin.post("/humanlayer/v1/function_calls", &humanlayer("call", humanlayer_function())).expect(200);
        admin.post("/humanlayer/v1/contact_requests", &humanlayer("contact", humanlayer_message())).expect(200);
        admin.post("/v1/views", &json!({"name": "a view", "query": "make"})).expect(201);
        let rule = json!({"toolName": "browser", "pattern": "*", "scope": "everywhere", "decision": "ask"});
        let made = ada.post("/v1/trust-rules", &rule).expect(201);
        let rule_id = made.body["trustRule"]["ruleId"].as_str().unwrap().to_owned();
        let channels = [
            json!({"name": "hook", "kind": "webhook", "url": "http://127.0.0.1:9/", "quiet": quiet()}),
            json!({"name": "phone", "kind": "ntfy", "url": "http://127.0.0.1:9/topic", "quiet": quiet()}),
            json!({"name": "mail", "kind": "email", "email": "ada@example.org", "quiet": quiet()}),
        ];
        let channels = channels.map(|channel| {
            let made = admin.post("/v1/channels", &channel).expect(201);
            made.body["channel"]["channelId"].as_str().unwrap().to_owned()
        });
        Self { server, admin, rule_id, channels, aap }
    }

    /// Every call. A read that none of the lists below names is one that every role may make, about `c`.
    pub(crate) fn calls(&self) -> Vec<Call> {
        let lists = [
            Self::agents_calls(),
            Self::approvers_calls(),
            self.rules_calls(),
            self.channels_calls(),
            Self::other_calls(),
            self.aap_calls(),
            Self::humanlayer_calls(),
            self.vellum_calls(),
        ];
        let mut calls = lists.into_iter().flatten().collect::<Vec<_>>();
        for call in countersign::api::Call::ALL.iter().filter(|call| call.needs_token() && call.method() == "GET") {
            if !calls.iter().any(|listed| (listed.method, listed.route) == (call.method(), call.path())) {
                calls.push(Call::get(call.path(), &call.path_with(&["c"]), Role::ALL));
            }
        }
        calls
    }

    fn agents_calls() -> Vec<Call> {
        const LIST: &str = "/v1/interactions";
        const SUPERSEDE: &str = "/v1/conversations/{conversationId}/supersede";
        let own = |verb: &str, id: &str| format!("/v1/interactions/{id}/{verb}");
        let claim = json!({"inputDigest": DIGEST, "claimId": "mine"});
        let outcome = json!({"claimId": "claim", "outcome": "succeeded", "detail": "all is well"});
        let registering = KINDS.iter().map(|kind| Call::post(LIST, LIST, (kind.full)(), AGENTS).creating());
        let others = vec![
            Call::post("/v1/interactions/{requestId}/cancel", &own("cancel", "own-p"), json!({}), AGENTS)
                .with_optional_body(),
            Call::post("/v1/interactions/{requestId}/claim", &own("claim", "own-c"), claim, AGENTS)
                .with_optional_body(),
            Call::post("/v1/interactions/{requestId}/outcome", &own("outcome", "own-d"), outcome, AGENTS),
            Call::post(
                "/v1/interactions/{requestId}/secret",
                &own("secret", "own-s"),
                json!({"takeId": "take"}),
                AGENTS,
            )
            .with_optional_body(),
            Call::post(SUPERSEDE, "/v1/conversations/conversation/supersede", json!({}), NOT_AUDITORS)
                .with_optional_body(),
        ];
        let event = json!({"hook_event_name": "PreToolUse", "session_id": "session", "tool_name": "Bash",
            "tool_use_id": "toolu_1", "tool_input": {"command": "make deploy"}, "cwd": "/repo"});
        let hook = Call::post("/v1/hooks/{client}", "/v1/hooks/claude-code", event, AGENTS);
        registering.chain(others).chain([hook]).collect()
    }

    fn approvers_calls() -> Vec<Call> {
        let resolving =
            KINDS.iter().map(|kind| Call::post(kind.path, kind.path, (kind.full_answer)(kind.id), RESOLVERS));
        let others = vec![
            Call::post("/v1/interactions/{requestId}/withdraw", "/v1/interactions/d/withdraw", json!({}), RESOLVERS)
                .with_optional_body(),
            Call::post(
                "/v1/interactions/{requestId}/forget",
                "/v1/interactions/own-s/forget",
                json!({}),
                &[Role::Admin],
            )
            .with_optional_body(),
            Call {
                method: "DELETE",
                ..Call::get("/v1/interactions/{requestId}/secret", "/v1/interactions/own-s/secret", RESOLVERS)
            },
            Call::get("/v1/pending-interactions", "/v1/pending-interactions", REVIEWERS),
            Call::get("/v1/interactions/{requestId}/why", "/v1/interactions/c/why", REVIEWERS),
            Call::get("/v1/views", "/v1/views", REVIEWERS),
            Call::post("/v1/views", "/v1/views", json!({"name": "another", "query": "is:open"}), REVIEWERS).creating(),
            Call { method: "DELETE", ..Call::get("/v1/views/{name}", "/v1/views/a%20view", REVIEWERS) },
        ];
        resolving.chain(others).collect()
    }

    fn rules_calls(&self) -> Vec<Call> {
        const RULES: &str = "/v1/trust-rules";
        const PREVIEW: &str = "/v1/trust-rules/preview";
        const RULE: &str = "/v1/trust-rules/{ruleId}";
        let rule = format!("/v1/trust-rules/{}", self.rule_id);
        let terms = json!({"pattern": "make *", "scope": "/repo", "decision": "deny", "expiresInMs": 60_000,
            "maxUses": 3, "allowHighRisk": true, "applyToPending": false});
        let with = |name: &str, value: &str| {
            let mut body = terms.clone();
            body[name] = value.into();
            body
        };
        vec![
            Call::post(RULES, RULES, with("requestId", "c"), RESOLVERS).creating(),
            Call::post(RULES, RULES, with("toolName", "shell"), RESOLVERS).creating(),
            Call::post(PREVIEW, PREVIEW, with("requestId", "c"), REVIEWERS),
            Call::post(PREVIEW, PREVIEW, with("toolName", "shell"), REVIEWERS),
            Call::get(RULES, RULES, REVIEWERS),
            Call::get(RULE, &rule, REVIEWERS),
            Call { method: "DELETE", ..Call::get(RULE, &rule, RESOLVERS) },
        ]
    }

    fn channels_calls(&self) -> Vec<Call> {
        const CHANNELS: &str = "/v1/channels";
        const CHANNEL: &str = "/v1/channels/{channelId}";
        const CHANGE: &str = "/v1/channels/{channelId}/change";
        const TEST: &str = "/v1/channels/{channelId}/test";
        const ROTATE: &str = "/v1/channels/{channelId}/rotate";
        let path = |verb: &str| format!("{CHANNELS}/{}{verb}", self.channels[0]);
        let change = |channel: &str, more: Value| {
            let mut body = json!({"name": "changed", "risk": "high", "kinds": ["confirmation"], "quiet": quiet(),
                "paceMs": 60_000, "resolutions": true});
            body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            Call::post(CHANGE, &format!("{CHANNELS}/{channel}/change"), body, RESOLVERS)
        };
        let with = |kind: &str, more: Value| {
            let mut body = json!({"name": "new", "kind": kind, "risk": "high", "kinds": ["confirmation"], "quiet": quiet(),
                "paceMs": 60_000, "resolutions": true});
            body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            Call::post(CHANNELS, CHANNELS, body, RESOLVERS).creating()
        };
        let url = "http://127.0.0.1:9/topic";
        // The keys of the example in RFC 8291.
        let push = json!({"auth": "BTBZMqHH6r4Tts7J_aSIgg", "p256dh":
            "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4"});
        vec![
            with("ntfy", json!({"url": url, "token": "tk_1"})),
            with("email", json!({"email": "ada@example.org"})),
            with("webpush", json!({"url": url, "push": push})),
            Call::get(CHANNELS, CHANNELS, RESOLVERS),
            change(&self.channels[1], json!({"url": url, "token": "tk_2"})),
            change(&self.channels[2], json!({"email": "bob@example.org"})),
            Call::post(TEST, &path("/test"), json!({}), RESOLVERS).with_optional_body(),
            Call::post(ROTATE, &path("/rotate"), json!({"oldForMs": 60_000}), RESOLVERS).with_optional_body(),
            Call { method: "DELETE", ..Call::get(CHANNEL, &path(""), RESOLVERS) },
        ]
    }

    fn other_calls() -> Vec<Call> {
        let link = Call::post("/v1/login-links", "/v1/login-links", json!({}), REVIEWERS);
        let mcp = json!({"jsonrpc": "2.0", "id": 1, "method": "tools/list", "params": {}});
        let mcp = Call::post("/mcp", "/mcp", mcp, AGENTS);
        let stats = Call::get("/v1/stats", "/v1/stats", REVIEWERS);
        vec![Call::get("/metrics", "/metrics", REVIEWERS), stats, link.creating().with_optional_body(), mcp]
    }

    fn aap_calls(&self) -> Vec<Call> {
        const LIST: &str = "/aap/v1/requests";
        const ONE: &str = "/aap/v1/requests/{id}";
        let [pending, approved, used] = &self.aap;
        let path = |id: &str, verb: &str| format!("{LIST}/{id}{verb}");
        let outcome = json!({"status": "succeeded", "note": "all is well"});
        let mut new = aap_submission();
        new["arguments"] = json!({"n": 2});
        vec![
            Call::post(LIST, LIST, new, AGENTS).creating().with_key(&[("idempotency-key", "new")]),
            Call::get(ONE, &path(pending, ""), AGENTS),
            Call { method: "DELETE", ..Call::get(ONE, &path(pending, ""), AGENTS) },
            Call::post("/aap/v1/requests/{id}/consume", &path(approved, "/consume"), json!({}), AGENTS)
                .with_optional_body()
                .with_key(&[("idempotency-key", "consume")]),
            Call::post("/aap/v1/requests/{id}/outcome", &path(used, "/outcome"), outcome, AGENTS),
        ]
    }

    fn humanlayer_calls() -> Vec<Call> {
        const CALLS: &str = "/humanlayer/v1/function_calls";
        const CONTACTS: &str = "/humanlayer/v1/contact_requests";
        let escalation = json!({"escalation_msg": "help", "additional_recipients": [], "channel": {}});
        let status = json!({"requested_at": "2030-01-01T00:00:00Z", "responded_at": "2030-01-01T00:00:00Z", "approved": true,
            "comment": "yes", "reject_option_name": "no", "slack_message_ts": "1", "response": "so",
            "response_option_name": "no"});
        let mut calls = vec![
            Call::post(CALLS, CALLS, humanlayer("new", humanlayer_function()), AGENTS),
            Call::get("/humanlayer/v1/function_calls/{callId}", "/humanlayer/v1/function_calls/call", AGENTS),
            Call::post(CONTACTS, CONTACTS, humanlayer("new", humanlayer_message()), AGENTS),
            Call::get("/humanlayer/v1/contact_requests/{callId}", "/humanlayer/v1/contact_requests/contact", AGENTS),
        ];
        for (respond, escalate, own) in [
            (
                "/humanlayer/v1/agent/function_calls/{callId}/respond",
                "/humanlayer/v1/agent/function_calls/{callId}/escalate_email",
                "call",
            ),
            (
                "/humanlayer/v1/agent/human_contacts/{callId}/respond",
                "/humanlayer/v1/agent/human_contacts/{callId}/escalate_email",
                "contact",
            ),
        ] {
            let refused = Call::post(respond, &respond.replace("{callId}", own), status.clone(), AGENTS);
            calls.push(Call { status: 403, ..refused.with_optional_body() });
            calls.push(Call::post(escalate, &escalate.replace("{callId}", own), escalation.clone(), AGENTS));
        }
        calls
    }

    fn vellum_calls(&self) -> Vec<Call> {
        const BASE: &str = "/v1/assistants/{assistantId}";
        let call = |route: &'static str, body: Value, roles| {
            Call::post(route, &route.replace("{assistantId}", "vellum"), body, roles)
        };
        let get = |route: &'static str, roles| Call::get(route, &route.replace("{assistantId}", "vellum"), roles);
        let [confirmation, secret] = ["confirmation", "secret"].map(|name| {
            let kind = KINDS.iter().find(|kind| kind.name == name).unwrap();
            (kind.full_answer)(kind.id)
        });
        let submit = json!({"requestId": "q", "kind": "submit", "responses": [
            {"questionId": "colour", "kind": "option", "optionId": "red"},
            {"questionId": "why", "kind": "free_text", "text": "so"},
            {"questionId": "shades", "kind": "skip"}]});
        let rule = json!({"requestId": "c", "pattern": "make *", "scope": "/repo", "decision": "deny"});
        let one = |kind: &str, name: &str, value: &str| json!({"requestId": "one-q", "kind": kind, name: value});
        let rule_path = format!("{BASE}/trust-rules/{}", self.rule_id).replace("{assistantId}", "vellum");
        vec![
            call("/v1/assistants/{assistantId}/confirm", confirmation, RESOLVERS),
            call("/v1/assistants/{assistantId}/secret", secret, RESOLVERS),
            call("/v1/assistants/{assistantId}/question-response", submit, RESOLVERS),
            call("/v1/assistants/{assistantId}/question-response", one("option", "optionId", "red"), RESOLVERS),
            call("/v1/assistants/{assistantId}/question-response", one("free_text", "text", "so"), RESOLVERS),
            call("/v1/assistants/{assistantId}/trust-rules", rule, RESOLVERS).creating(),
            get("/v1/assistants/{assistantId}/trust-rules", REVIEWERS),
            get("/v1/assistants/{assistantId}/pending-interactions", REVIEWERS),
            get("/v1/assistants/{assistantId}/events", Role::ALL),
            Call {
                method: "DELETE",
                ..Call::get("/v1/assistants/{assistantId}/trust-rules/{ruleId}", &rule_path, RESOLVERS)
            },
        ]
    }

    /// Does it, and panics if anything in the database is not as it was.
    pub(crate) fn unchanged_by(&self, it: impl FnOnce(&Self)) {
        let before = everything(&self.server);
        it(self);
        for (before, after) in before.into_iter().zip(everything(&self.server)) {
            assert_eq!(before, after);
        }
        assert_eq!(self.server.service.waiting(), 0);
    }
}

/// Every row of every table.
pub(crate) fn everything(server: &TestServer) -> Vec<(String, Vec<Vec<Value>>)> {
    let rows = |name: &String| server.sql(&format!("SELECT * FROM {name}"));
    server.tables().into_iter().map(|name| (name.clone(), rows(&name))).collect()
}

#[test]
fn no_route_escapes_the_tests_that_walk_all_routes() {
    let named = countersign::api::Call::ALL.iter().filter(|call| call.needs_token());
    let named = named.map(|call| (call.method(), call.path())).collect::<BTreeSet<_>>();
    let walked = Fixture::new().calls().iter().map(|call| (call.method, call.route)).collect::<BTreeSet<_>>();
    assert_eq!(named, walked);
}

#[test]
fn every_call_of_the_walk_succeeds_when_nothing_is_wrong_with_it() {
    let count = Fixture::new().calls().len();
    for index in 0..count {
        let fixture = Fixture::new();
        let call = &fixture.calls()[index];
        // The feed would never end: that it refuses this header shows that it was reached.
        let (headers, status): (&[_], _) =
            if call.is_feed() { (&[("last-event-id", "none")], 400) } else { (&[], call.status) };
        let answer = call.send_with(&fixture.admin, headers);
        assert_eq!(answer.status, status, "{} {}: {answer:?}", call.method, call.path);
    }
}

#[test]
fn no_kind_escapes_the_tests_that_go_through_all_kinds() {
    let all = Kind::ALL.iter().map(|kind| kind.as_str()).collect::<Vec<_>>();
    assert_eq!(KINDS.iter().map(|kind| kind.name).collect::<Vec<_>>(), all);
}
