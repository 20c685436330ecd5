//! What can be seen of the server from outside: ids of requests in answers and in the log, metrics, traces.

use std::collections::BTreeMap;
use std::process::Stdio;
use std::time::Duration;

use countersign::domain::enums::Role;
use serde_json::{Value, json};

use crate::harness::{
    Client, Database, Named as _, Process, TestServer, confirmation, countersign, is_postgres, question, token,
};

const TRACEPARENT: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

/// Every sample of `/metrics`, by its name and labels.
fn metrics(client: &Client) -> BTreeMap<String, f64> {
    let answer = client.get("/metrics").expect(200);
    assert_eq!(answer.headers["content-type"], "application/openmetrics-text; version=1.0.0; charset=utf-8");
    assert!(answer.text.ends_with("# EOF\n"));
    let samples = answer.text.lines().filter(|line| !line.starts_with('#'));
    samples
        .map(|line| line.rsplit_once(' ').unwrap())
        .map(|(name, value)| (name.to_owned(), value.parse().unwrap()))
        .collect()
}

#[test]
fn metrics_count_what_happened_and_show_what_stands() {
    let server = TestServer::start();
    let (agent, ada) = (server.agent("builder"), server.approver("ada"));
    let before = metrics(&ada);
    assert_eq!(before[r#"countersign_resolutions_total{outcome="expired",by="system"}"#], 0.0);
    let allowed = json!({"toolName": "shell", "pattern": "make *", "scope": "everywhere", "decision": "allow"});
    ada.post("/v1/trust-rules", &allowed).expect(201);
    agent.register(&confirmation("by-rule"));
    for (id, ttl) in [("asked", 600_000), ("late", 1_000)] {
        let mut asked = confirmation(id);
        asked["confirmation"]["input"]["command"] = json!("cargo publish");
        asked["expiresInMs"] = json!(ttl);
        agent.register(&asked);
    }
    agent.register(&question("open"));
    ada.confirm("asked", "deny").expect(200);
    server.advance(Duration::from_secs(60));
    let waiting = agent.wait_in_background("open");
    server.until_waiting(1);
    assert_eq!(agent.look("late")["status"], "expired");
    let after = metrics(&ada);
    for (sample, value) in [
        (r#"countersign_resolutions_total{outcome="approved",by="trust_rule"}"#, 1.0),
        (r#"countersign_resolutions_total{outcome="rejected",by="principal"}"#, 1.0),
        (r#"countersign_resolutions_total{outcome="expired",by="system"}"#, 1.0),
        (r#"countersign_trust_rule_hits_total{decision="allow"}"#, 1.0),
        (r#"countersign_pending_interactions{kind="question"}"#, 1.0),
        (r#"countersign_pending_interactions{kind="confirmation"}"#, 0.0),
        ("countersign_waiters", 1.0),
        ("countersign_queued_writes", 0.0),
        ("countersign_oldest_pending_age_seconds", 60.0),
        (r#"countersign_http_requests_total{method="POST",route="/v1/interactions",status="201"}"#, 4.0),
        (r#"countersign_http_requests_total{method="POST",route="/v1/confirm",status="200"}"#, 1.0),
    ] {
        assert_eq!(after.get(sample), Some(&value), "{sample}");
    }
    let commits = "countersign_commit_sync_duration_seconds_count";
    assert!(after[commits] > before[commits]);
    assert_eq!(after[commits], after["countersign_commit_group_size_count"]);
    // Each commit is a turn where servers share the database, and there are none where one server has it.
    let turns = if is_postgres() { after[commits] } else { 0.0 };
    for turn in ["countersign_turn_wait_seconds_count", "countersign_turn_duration_seconds_count"] {
        assert_eq!(after[turn], turns, "{turn}");
    }
    let silence = after["countersign_follower_silence_seconds"];
    assert_eq!(silence > 0.0, is_postgres(), "{silence}");
    assert!(silence < 5.0, "{silence}");
    ada.post("/v1/question-response", &json!({"requestId": "open", "responses": crate::harness::responses()}))
        .expect(200);
    waiting.join().unwrap().expect(200);
}

#[test]
fn a_path_that_is_not_served_makes_no_metric_of_its_own() {
    let server = TestServer::start();
    let auditor = server.client("audrey", Role::Auditor);
    for path in ["/v1/nothing", "/v1/nothing-else", "/v1/interactions/one", "/v1/interactions/two"] {
        auditor.get(path).expect(404);
    }
    let routes: Vec<String> = metrics(&auditor).into_keys().filter(|name| name.contains("http_requests")).collect();
    assert_eq!(
        routes,
        [
            r#"countersign_http_requests_total{method="GET",route="/v1/interactions/{requestId}",status="404"}"#,
            r#"countersign_http_requests_total{method="GET",route="none",status="404"}"#,
        ]
    );
}

#[test]
fn every_answer_has_an_id_and_the_log_has_it_on_its_line() {
    let db = Database::new();
    let agent = token(&db, "builder", "agent");
    let process = Process::serve(&db, &["--log", "warn,countersign=debug"]);
    let client = Client::new(&process.url, &agent);
    let json = [("content-type", "application/json"), ("traceparent", TRACEPARENT)];
    let body = confirmation("mine").to_string();
    let answers = [
        client.try_send("POST", "/v1/interactions", &json, Some(body.as_bytes())).unwrap().expect(201),
        client.get("/v1/interactions/nobodys").expect(404),
        Client::anonymous(&process.url).get("/v1/interactions").expect(401),
        client.get("/no/such/path").expect(404),
        Client::anonymous(&process.url).get("/healthz").expect(200),
    ];
    let (_, _, log) = process.terminate();
    let lines: Vec<Value> = log.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let mut ids = Vec::new();
    for answer in &answers {
        let id = answer.headers["x-request-id"].to_str().unwrap();
        let about = lines.iter().filter(|line| line["span"]["x_request_id"] == id).collect::<Vec<_>>();
        let [line] = about.as_slice() else { panic!("{id}: {about:?}") };
        assert_eq!(line["status"], answer.status);
        assert_eq!(line["code"], answer.body["code"]);
        assert_eq!(line["span"]["client"], "127.0.0.1");
        ids.push(id);
    }
    ids.dedup();
    assert_eq!(ids.len(), answers.len());
    let traced = lines.iter().find(|line| line["status"] == 201).unwrap();
    assert_eq!(traced["span"]["trace_id"], TRACEPARENT[3..35]);
}

#[test]
fn a_log_for_people_is_no_json() {
    let db = Database::new();
    token(&db, "builder", "agent");
    let process = Process::serve(&db, &["--log-format", "human"]);
    let (_, _, log) = process.terminate();
    assert!(log.lines().any(|line| line.contains("serving")), "{log}");
    assert!(log.lines().all(|line| !line.starts_with('{')), "{log}");
}

#[test]
fn a_log_that_is_not_read_keeps_no_request_waiting() {
    let db = Database::new();
    let agent = token(&db, "builder", "agent");
    let (unread, stderr) = std::io::pipe().unwrap();
    let mut command = countersign();
    command.args(["serve", "--listen", "127.0.0.1:0", "--log", "debug"]).named(&db);
    let process = Process::spawn(command.stdout(Stdio::piped()).stderr(stderr));
    let client = Client::new(&process.url, &agent);
    // Each is a line of the log of some 250 bytes, and a pipe holds 64 KiB.
    for _ in 0..1_000 {
        client.get("/v1/interactions/nobodys").expect(404);
    }
    drop(process);
    drop(unread);
}

/// A stranger and an agent, each on one connection.
#[test]
fn refusals_of_one_kind_are_counted_and_not_told_one_by_one() {
    let db = Database::new();
    let agent = token(&db, "builder", "agent");
    let begun = std::time::Instant::now();
    let process = Process::serve(&db, &["--log-format", "json"]);
    let (stranger, agent) = (Client::anonymous(&process.url), Client::new(&process.url, &agent));
    for _ in 0..1_000 {
        stranger.get("/v1/interactions").expect(401);
    }
    for _ in 0..300 {
        agent.get("/v1/interactions/nobodys").expect(404);
    }
    agent.get("/no/such/path").expect(404);
    let (_, _, log) = process.terminate();
    let seconds = usize::try_from(begun.elapsed().as_secs()).unwrap() + 2;
    let lines: Vec<Value> = log.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let of = |code: &str| lines.iter().filter(|line| line["code"] == code).cloned().collect::<Vec<_>>();
    for (code, status, client, total) in [
        ("unauthenticated", 401, "127.0.0.1", 1_000),
        ("unknown_request", 404, "builder", 300),
        ("unknown_path", 404, "builder", 1),
    ] {
        let told = of(code);
        let counted: u64 = told.iter().map(|line| line["count"].as_u64().unwrap_or(1)).sum();
        assert_eq!(counted, total, "{told:?}");
        // The first one, and one a second.
        assert!(told.len() <= 1 + seconds, "{} lines", told.len());
        assert!(told[0]["span"]["x_request_id"].is_string() && told[0]["count"].is_null(), "{told:?}");
        assert!(told.iter().all(|line| line["status"] == status), "{told:?}");
        assert!(told.iter().skip(1).all(|line| line["client"] == client), "{told:?}");
    }
}

#[test]
fn the_trace_that_an_interaction_was_registered_from_is_kept_with_it() {
    let server = TestServer::start();
    let agent = server.agent("builder");
    let register = |id: &str, headers: &[(&str, &str)]| {
        let mut all = headers.to_vec();
        all.push(("content-type", "application/json"));
        agent.try_send("POST", "/v1/interactions", &all, Some(confirmation(id).to_string().as_bytes())).unwrap()
    };
    let other = "00-11111111111111111111111111111111-2222222222222222-00";
    assert_eq!(register("traced", &[("traceparent", TRACEPARENT)]).expect(201).body["traceparent"], TRACEPARENT);
    // A repetition comes from another step of the trace: the question is the same, and so is where it came from first.
    assert_eq!(register("traced", &[("traceparent", other)]).expect(200).body["traceparent"], TRACEPARENT);
    let stored = server.sql("SELECT traceparent FROM interaction_bodies");
    assert_eq!(stored, [[json!(TRACEPARENT)]]);
    for (id, headers) in [
        ("none", &[] as &[_]),
        ("malformed", &[("traceparent", "00-zz-11-01")]),
        ("two", &[("traceparent", TRACEPARENT), ("traceparent", other)]),
    ] {
        assert_eq!(register(id, headers).expect(201).body.get("traceparent"), None, "{id}");
    }
}
