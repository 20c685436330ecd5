//! Who may do what: tokens, roles, and what an agent may know of others.

use countersign::domain::enums::Role;
use serde_json::{Value, json};

use crate::api::routes::{Call, Fixture, everything};
use crate::harness::outside::stored;
use crate::harness::wire::{exchange, head};
use crate::harness::{
    Answer, Client, TestServer, confirmation, countersign, is_postgres, question, responses, secret, token,
};

/// The call, made so that the feed of events ends, too: with a header that it refuses once the caller is let through.
fn ending(call: &Call, client: &Client) -> Answer {
    let headers: &[_] = if call.is_feed() { &[("last-event-id", "none")] } else { &[] };
    call.send_with(client, headers)
}

/// Every way in which a request may fail to carry one token that is in force: its Authorization headers.
fn bad_credentials(token: &str) -> Vec<Vec<String>> {
    let good = format!("Bearer {token}");
    let mut bad = vec![vec![], vec![good.clone(), good.clone()], vec![good, "Bearer x".to_owned()]];
    let headers = [
        String::new(),
        "Bearer".to_owned(),
        "Bearer x".to_owned(),
        token.to_owned(),
        format!("Basic {token}"),
        format!("Bearer{token}"),
        format!("Bearer {}", token.to_uppercase()),
        format!("Bearer {}", &token[..token.len() - 1]),
        format!("Bearer {token}x"),
        format!("Bearer {token}, Bearer {token}"),
        format!("Bearer {token} {token}"),
        "Bearer \u{e9}".to_owned(),
    ];
    bad.extend(headers.map(|header| vec![header]));
    bad
}

#[test]
fn no_request_passes_without_a_token_that_is_in_force() {
    Fixture::new().unchanged_by(|fixture| {
        let (anonymous, bad) = (fixture.server.anonymous(), bad_credentials(fixture.admin.token.as_deref().unwrap()));
        for call in fixture.calls() {
            let body = call.body.as_ref().map(Value::to_string).unwrap_or_default();
            let line = format!("{} {} HTTP/1.1", call.method, call.path);
            for credentials in &bad {
                let mut headers =
                    vec!["Content-Type: application/json".to_owned(), format!("Content-Length: {}", body.len())];
                headers.extend(credentials.iter().map(|value| format!("Authorization: {value}")));
                let headers = headers.iter().map(String::as_str).collect::<Vec<_>>();
                let answer = exchange(&anonymous, (head(&anonymous, &line, &headers) + &body).as_bytes());
                let is_dialects = answer.body["error"].is_object();
                let told = if is_dialects { &answer.body["error"]["code"] } else { &answer.body["code"] };
                assert_eq!(
                    (answer.status(), told),
                    (Some(401), &json!("unauthenticated")),
                    "{line} {credentials:?}: {answer:?}"
                );
                assert_eq!(is_dialects, call.route.starts_with("/aap/") || call.route.starts_with("/v1/assistants/"));
                assert!(is_dialects || answer.body["error"].is_string());
                assert!(answer.head.contains("www-authenticate: Bearer"));
            }
        }
        assert_eq!(anonymous.get("/v1/nothing").refusal(), (401, "unauthenticated"));
        assert_eq!(anonymous.get("/healthz").expect(200).body, json!({"status": "alive"}));
    });
}

#[test]
fn a_role_never_does_what_is_not_its_own_to_do() {
    for role in [Role::Agent, Role::Approver, Role::Auditor] {
        let fixture = Fixture::new();
        let client = fixture.server.client("eve", role);
        fixture.unchanged_by(|fixture| {
            for call in fixture.calls().iter().filter(|call| !call.roles.contains(&role)) {
                let answer = call.send(&client);
                assert_eq!(answer.refusal(), (403, "forbidden"), "{role}: {} {}", call.method, call.path);
            }
        });
    }
}

#[test]
fn a_role_is_not_kept_from_what_is_its_own_to_do() {
    for role in [Role::Agent, Role::Approver, Role::Auditor] {
        let fixture = Fixture::new();
        let client = fixture.server.client("eve", role);
        for call in fixture.calls().iter().filter(|call| call.roles.contains(&role) && call.status != 403) {
            let answer = ending(call, &client);
            assert!(
                ![401, 403, 405, 500].contains(&answer.status),
                "{role}: {} {}: {answer:?}",
                call.method,
                call.path
            );
        }
    }
}

#[test]
fn an_auditor_changes_nothing_by_anything_it_calls() {
    let fixture = Fixture::new();
    let auditor = fixture.server.client("eve", Role::Auditor);
    fixture.unchanged_by(|fixture| {
        // That an auditor comes to look is itself in the history, and queries that are kept are the auditor's own.
        let is_own = |route: &str| ["/v1/login-links", "/v1/views", "/v1/views/{name}"].contains(&route);
        for call in fixture.calls().into_iter().filter(|call| !is_own(call.route)) {
            ending(&call, &auditor);
        }
    });
}

#[test]
fn a_token_made_beside_the_running_server_works_at_once() {
    let server = TestServer::start();
    server.agent("first").get("/v1/interactions").expect(200);
    let late = Client::new(&server.url, &token(&server.db(), "late", "agent"));
    assert_eq!(late.register(&secret("s"))["registeredBy"], "late");
    assert_eq!(server.agent("late").look("s")["registeredBy"], "late", "a second token is the same principal's");
}

#[test]
fn a_revoked_token_is_refused_on_the_very_next_request_and_no_other_is() {
    let server = TestServer::start();
    let (gone, kept) = (server.agent("builder"), server.agent("builder"));
    gone.register(&secret("s"));
    kept.look("s");
    let id_of = |client: &Client| {
        let digest = hex::encode(countersign::tokens::digest(client.token.as_deref().unwrap()));
        server.sql(&format!("SELECT token_id FROM tokens WHERE hex(token_sha256) = upper('{digest}')"))[0][0].clone()
    };
    revoke(&server, "--id", id_of(&gone).as_str().unwrap());
    assert_eq!(gone.get("/v1/interactions/s").refusal(), (401, "unauthenticated"));
    assert_eq!(gone.confirm("s", "allow").refusal(), (401, "unauthenticated"));
    // It is told apart from no token, and not from one that never was.
    let sentence = |client: &Client| client.get("/v1/interactions/s").body["error"].clone();
    let never = Client::new(&server.url, "csgn_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA");
    assert_eq!(sentence(&gone), "this token is not known here");
    assert_eq!(sentence(&gone), sentence(&never));
    assert_ne!(sentence(&gone), sentence(&server.anonymous()));
    kept.look("s");
    revoke(&server, "--name", "builder");
    assert_eq!(kept.get("/v1/interactions/s").refusal(), (401, "unauthenticated"));
    assert_eq!(server.sql("SELECT count(*) FROM tokens WHERE revoked_at_ms IS NULL"), [[json!(0)]]);
    assert_eq!(server.sql("SELECT status FROM interactions"), [[json!("pending")]], "what it asked still stands");
    assert_eq!(server.sql("SELECT count(*) FROM audit_events WHERE event = 'token.revoked'"), [[json!(2)]]);
}

#[test]
fn a_wait_that_began_before_its_token_was_revoked_hears_no_answer() {
    let server = TestServer::start();
    let (agent, ada) = (server.agent("builder"), server.approver("ada"));
    agent.register(&question("q"));
    std::thread::scope(|scope| {
        let waiting = scope.spawn(|| agent.get("/v1/interactions/q?waitMs=60000"));
        server.until_waiting(1);
        revoke(&server, "--name", "builder");
        ada.post("/v1/question-response", &json!({"requestId": "q", "responses": responses()})).expect(200);
        assert_eq!(waiting.join().unwrap().refusal(), (401, "unauthenticated"));
    });
}

fn revoke(server: &TestServer, by: &str, value: &str) {
    let revoked = countersign().args(["token", "revoke", by, value, "--db"]).arg(server.db()).output().unwrap();
    assert!(revoked.status.success(), "{revoked:?}");
}

#[test]
fn to_an_agent_another_principals_interaction_is_exactly_like_none() {
    const ONE: &str = "/v1/interactions/{requestId}";
    let fixture = Fixture::new();
    let spy = fixture.server.agent("spy");
    let calls = fixture.calls();
    let is_agents = |call: &&Call| call.route.contains("{requestId}") && call.roles.contains(&Role::Agent);
    let routes = calls.iter().filter(is_agents);
    fixture.unchanged_by(|_| {
        for call in routes {
            for query in if call.route == ONE { ["", "?waitMs=60000"].as_slice() } else { &[""] } {
                let of = |id: &str| Call {
                    path: call.route.replace("{requestId}", id) + query,
                    body: call.body.clone(),
                    ..*call
                };
                let none = of("there-is-none").send(&spy);
                let is_agents = call.roles.contains(&Role::Agent);
                assert_eq!(none.refusal(), if is_agents { (404, "unknown_request") } else { (403, "forbidden") });
                for id in ["c", "s", "q", "own-p", "own-c", "own-d", "own-s"] {
                    assert_same(&of(id).send(&spy), &none, &format!("{} {id}", call.route));
                }
            }
        }
        let supersede = |id: &str| spy.post_nothing(&format!("/v1/conversations/{id}/supersede"));
        assert_same(&supersede("conversation"), &supersede("there-is-none"), "supersede");
        for list in ["/v1/interactions?conversationId=", "/v1/interactions?principal=", "/v1/audit-events?principal="] {
            assert_same(&spy.get(&format!("{list}builder")), &spy.get(&format!("{list}nobody")), list);
        }
        let events = |id: &str| spy.get(&format!("/v1/audit-events?requestId={id}"));
        assert_same(&events("c"), &events("there-is-none"), "events");
    });
}

#[track_caller]
fn assert_same(one: &Answer, other: &Answer, what: &str) {
    assert_eq!((one.status, &one.text), (other.status, &other.text), "{what}");
    let named = |answer: &Answer| {
        let own = |name: &str| name == "date" || name == "x-request-id";
        let mut names = answer.headers.iter().filter(|(name, _)| !own(name.as_str()));
        names.by_ref().map(|(name, value)| format!("{name}: {value:?}")).collect::<Vec<_>>()
    };
    assert_eq!(named(one), named(other), "{what}");
}

/// Every call that resolves `c`, `s` or `q`, or makes a rule from `c`.
fn resolving() -> [(&'static str, Value); 6] {
    let rule = json!({"requestId": "c", "pattern": "make *", "scope": "everywhere", "decision": "allow"});
    [
        ("/v1/trust-rules", rule),
        ("/v1/secret", json!({"requestId": "s", "value": "v"})),
        ("/v1/secret", json!({"requestId": "s2"})),
        ("/v1/question-response", json!({"requestId": "q", "responses": responses()})),
        ("/v1/confirm", json!({"requestId": "d", "decision": "deny"})),
        (
            "/v1/confirm",
            json!({"requestId": "c", "decision": "allow", "selectedPattern": "make *", "selectedScope": "/repo"}),
        ),
    ]
}

fn register_own(admin: &Client) {
    for registration in [confirmation("c"), confirmation("d"), secret("s"), secret("s2"), question("q")] {
        assert_eq!(admin.register(&registration)["status"], "pending");
    }
}

#[test]
fn no_principal_resolves_what_it_registered_itself() {
    let server = TestServer::start();
    let (admin, ada) = (server.client("root", Role::Admin), server.approver("ada"));
    register_own(&admin);
    let second_token = server.client("root", Role::Admin);
    let waiter = ada.wait_in_background("c");
    server.until_waiting(1);
    let before = everything(&server);
    for (path, body) in resolving() {
        for client in [&admin, &second_token] {
            assert_eq!(client.post(path, &body).refusal(), (403, "self_approval"), "{path} {body}");
        }
    }
    assert_eq!(everything(&server), before);
    assert_eq!(server.service.waiting(), 1);
    for (path, body) in resolving() {
        let answer = ada.post(path, &body);
        assert!([200, 201].contains(&answer.status), "{path} {body}: {answer:?}");
    }
    assert_eq!(waiter.join().unwrap().body["resolution"]["resolvedBy"], json!({"principal": "ada"}));
    assert_eq!(server.sql("SELECT count(*) FROM interactions WHERE resolved_by_principal = 'ada'"), [[json!(5)]]);
}

#[test]
fn where_self_approval_is_allowed_an_admin_resolves_its_own() {
    let server = TestServer::with(&["--allow-self-approval"]);
    let admin = server.client("root", Role::Admin);
    register_own(&admin);
    for (path, body) in resolving() {
        let answer = admin.post(path, &body);
        assert!([200, 201].contains(&answer.status), "{path} {body}: {answer:?}");
    }
    let ended = "SELECT count(*) FROM interactions WHERE resolved_by_principal = 'root' AND registered_by = 'root'";
    assert_eq!(server.sql(ended), [[json!(5)]]);
    assert_eq!(admin.register(&confirmation("e"))["status"], "approved", "its own rule counts, too");
}

#[test]
fn a_rule_of_ones_own_never_approves_what_one_registers() {
    let server = TestServer::start();
    let (admin, agent) = (server.client("root", Role::Admin), server.agent("builder"));
    let rule = |decision: &str, pattern: &str| {
        let body = json!({"toolName": "shell", "pattern": pattern, "scope": "everywhere", "decision": decision});
        admin.post("/v1/trust-rules", &body).expect(201).body["trustRule"]["ruleId"].clone()
    };
    let allow = rule("allow", "make *");
    assert_eq!(admin.register(&confirmation("own"))["status"], "pending");
    assert_eq!(server.sql("SELECT use_count FROM trust_rules"), [[json!(0)]]);
    let theirs = agent.register(&confirmation("theirs"));
    assert_eq!(
        (&theirs["status"], &theirs["resolution"]["resolvedBy"]),
        (&json!("approved"), &json!({"trustRule": allow}))
    );
    let deny = rule("deny", "make deploy");
    let denied = admin.register(&confirmation("denied"));
    assert_eq!(
        (&denied["status"], &denied["resolution"]["resolvedBy"]),
        (&json!("rejected"), &json!({"trustRule": deny}))
    );
    assert_eq!(server.sql("SELECT status FROM interactions WHERE request_id = 'own'"), [[json!("pending")]]);
}

#[test]
fn a_token_is_nowhere_on_the_disk_but_as_its_sha256() {
    let server = TestServer::start();
    let client = server.client("builder", Role::Agent);
    let made = Client::new(&server.url, &token(&server.db(), "late", "approver"));
    client.register(&secret("s"));
    made.post("/v1/secret", &json!({"requestId": "s", "value": "v"})).expect(200);
    let files = stored(&server.db());
    assert!(
        is_postgres() || files.iter().any(|(path, _)| path.extension().is_some_and(|end| end == "db-wal")),
        "the log is looked at"
    );
    let is_in = |bytes: &[u8], needle: &[u8]| bytes.windows(needle.len()).any(|window| window == needle);
    for token in [client.token.unwrap(), made.token.unwrap()] {
        let secret_part = token.trim_start_matches("csgn_").as_bytes();
        assert_eq!(secret_part.len(), 43, "256 bits in base64");
        for (path, bytes) in &files {
            assert!(!is_in(bytes, secret_part), "{} has the token", path.display());
            assert!(!is_in(bytes, &secret_part[..22]), "{} has half of the token", path.display());
        }
        let digest = countersign::tokens::digest(&token);
        assert!(files.iter().any(|(_, bytes)| is_in(bytes, &digest)), "the search finds what is there");
    }
}
