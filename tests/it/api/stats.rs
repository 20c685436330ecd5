//! `GET /v1/status` and `GET /v1/stats`: how things stand, and how they went.

use std::time::Duration;

use countersign::domain::enums::Role;
use serde_json::{Value, json};

use crate::harness::{Client, TestServer, altered, confirmation, question, secret};

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// A confirmation that lasts for a year, of this risk.
fn lasting(id: &str, risk: &str) -> Value {
    let year = 365 * 24 * 60 * 60 * 1000_u64;
    altered(confirmation(id), &json!({"expiresInMs": year, "confirmation": {"riskLevel": risk}}))
}

fn stats(client: &Client, query: &str) -> Value {
    client.get(&format!("/v1/stats{query}")).expect(200).body
}

/// The counts of numbers, those that are not 0.
fn counts(numbers: &Value) -> String {
    let names = ["asked", "byRules", "approved", "rejected", "answered", "expired", "withdrawn", "pending"];
    let is_there = |name: &&&str| numbers[**name] != 0;
    let counts = names.iter().filter(is_there).map(|name| format!("{name} {}", numbers[*name]));
    let sum = names[1..].iter().map(|name| numbers[*name].as_u64().unwrap()).sum::<u64>();
    assert_eq!(numbers["asked"], sum, "{numbers}");
    counts.collect::<Vec<_>>().join(", ")
}

#[test]
fn a_status_says_who_asks_and_what_waits_for_whom() {
    let server = TestServer::start();
    let (one, two, ada) = (server.agent("one"), server.agent("two"), server.approver("ada"));
    let none = json!({"count": 0, "highRisk": 0, "nextDeadline": null});
    let status = |client: &Client| client.get("/v1/status").expect(200).body;
    let version = env!("CARGO_PKG_VERSION");
    assert_eq!(status(&ada), json!({"version": version, "name": "ada", "role": "approver", "waiting": none}));
    one.register(&altered(lasting("a", "high"), &json!({"expiresInMs": 60_000})));
    one.register(&lasting("b", "low"));
    two.register(&altered(question("q"), &json!({"expiresInMs": 90_000})));
    let waiting = json!({"count": 3, "highRisk": 1, "nextDeadline": "2030-01-01T00:01:00.000Z"});
    assert_eq!(status(&ada)["waiting"], waiting);
    let own = json!({"count": 1, "highRisk": 0, "nextDeadline": "2030-01-01T00:01:30.000Z"});
    assert_eq!(status(&two), json!({"version": version, "name": "two", "role": "agent", "waiting": own}));
    server.advance(Duration::from_secs(60));
    let later = json!({"count": 2, "highRisk": 0, "nextDeadline": "2030-01-01T00:01:30.000Z"});
    assert_eq!(status(&ada)["waiting"], later);
    let auditor = server.client("aud", Role::Auditor);
    assert_eq!(status(&auditor)["waiting"], later);
}

#[test]
fn each_question_counts_once_on_its_day_as_it_ended() {
    let server = TestServer::start();
    let (agent, ada) = (server.agent("one"), server.approver("ada"));
    for id in ["yes", "no", "late", "gone", "open"] {
        agent.register(&lasting(id, "high"));
    }
    agent.register(&altered(confirmation("short"), &json!({"expiresInMs": 1000})));
    agent.register(&altered(question("q"), &json!({"expiresInMs": 10_000_000_000_u64})));
    agent.register(&altered(secret("s"), &json!({"expiresInMs": 10_000_000_000_u64})));
    agent.post_nothing("/v1/interactions/gone/cancel").expect(200);
    server.advance(Duration::from_secs(10));
    ada.confirm("yes", "allow").expect(200);
    server.advance(Duration::from_secs(20));
    ada.confirm("no", "deny").expect(200);
    ada.post("/v1/secret", &json!({"requestId": "s", "value": "v"})).expect(200);
    let rule = json!({"toolName": "shell", "pattern": "*", "scope": "everywhere", "decision": "deny"});
    ada.post("/v1/trust-rules", &rule).expect(201);
    server.agent("two").register(&lasting("ruled", "low"));
    server.advance(DAY);
    ada.confirm("late", "allow").expect(200);

    let body = stats(&ada, "");
    let first = "asked 9, byRules 1, approved 2, rejected 1, answered 1, expired 1, withdrawn 1, pending 2";
    assert_eq!(counts(&body["total"]), first);
    let days = body["days"].as_array().unwrap();
    assert_eq!(days.len(), 7);
    assert_eq!(days[0]["day"], "2029-12-27");
    assert_eq!((&days[5]["day"], counts(&days[5]).as_str()), (&json!("2030-01-01"), first));
    assert_eq!((&days[6]["day"], counts(&days[6]).as_str()), (&json!("2030-01-02"), ""));
    assert_eq!((&days[6]["medianMs"], &days[6]["p90Ms"]), (&Value::Null, &Value::Null));
    // 10 s, 30 s, 30 s, and a day.
    assert_eq!((&body["total"]["medianMs"], &body["total"]["p90Ms"]), (&json!(30_000), &json!(86_430_000)));
    let agents = body["agents"].as_array().unwrap();
    assert_eq!(agents.iter().map(|agent| agent["name"].as_str().unwrap()).collect::<Vec<_>>(), ["one", "two"]);
    assert_eq!(counts(&agents[1]), "asked 1, byRules 1");
    assert_eq!(body["waiting"]["count"], 2);
    assert_eq!(body["waiting"]["highRisk"], 1);
}

#[test]
fn a_period_is_cut_into_the_days_of_its_offset() {
    let server = TestServer::start();
    let (agent, ada) = (server.agent("one"), server.approver("ada"));
    server.advance(Duration::from_secs(30 * 60));
    agent.register(&lasting("night", "low"));
    server.advance(DAY);
    agent.register(&lasting("next", "low"));
    let days = |query: &str| {
        let body = stats(&ada, query);
        let days = body["days"].as_array().unwrap().iter().filter(|day| day["asked"] != 0);
        days.map(|day| format!("{} {}", day["day"].as_str().unwrap(), day["asked"])).collect::<Vec<_>>().join(", ")
    };
    assert_eq!(days(""), "2030-01-01 1, 2030-01-02 1");
    assert_eq!(days("?offsetMinutes=-60"), "2029-12-31 1, 2030-01-01 1");
    assert_eq!(days("?offsetMinutes=840"), "2030-01-01 1, 2030-01-02 1");
    assert_eq!(days("?since=2030-01-02T00:00:00Z"), "2030-01-02 1");
    assert_eq!(days("?since=2029-12-01T00:00:00Z&until=2030-01-02T00:30:00Z"), "2030-01-01 1");
    assert_eq!(stats(&ada, "?since=2031-01-01T00:00:00Z")["days"].as_array().unwrap().len(), 1);
}

#[test]
fn a_period_that_is_none_or_too_long_is_refused_and_so_is_an_agent() {
    let server = TestServer::start();
    let (agent, ada) = (server.agent("one"), server.approver("ada"));
    let refused = |query: &str| ada.get(&format!("/v1/stats{query}")).expect(400).body["field"].clone();
    assert_eq!(refused("?since=2028-12-31T00:00:00Z"), "since");
    assert_eq!(refused("?since=2030-01-02T00:00:00Z&until=2030-01-01T00:00:00Z"), "until");
    assert_eq!(refused("?offsetMinutes=841"), "offsetMinutes");
    assert_eq!(refused("?offsetMinutes=-841"), "offsetMinutes");
    assert_eq!(refused("?offsetMinutes=-2147483648"), "offsetMinutes");
    assert_eq!(agent.get("/v1/stats").refusal(), (403, "forbidden"));
    assert_eq!(server.anonymous().get("/v1/stats").refusal(), (401, "unauthenticated"));
    assert_eq!(
        stats(&ada, "?since=2029-01-01T00:00:00Z&until=2030-01-01T00:00:00Z")["days"].as_array().unwrap().len(),
        365
    );
}
